/* Installations as operators see them. Secrets are never shown, only whether there are any. */
#include "people.h"

#define INSTALLATION                                                                                         \
	"SELECT i.platform, i.name, i.title, i.enabled AS \"enabled:bool\", i.\"removedAt\" AS removed_at,"  \
	" i.\"removedWhy\" AS removed_why, i.secrets IS NOT NULL AS \"secrets:bool\","                       \
	" o.name AS organisation, i.\"companyId\" AS company_id, i.settings AS \"settings:json\","           \
	" (SELECT s.name FROM \"LLMSettings\" s WHERE s.id = i.\"llmSettingsId\") AS model_settings,"        \
	" i.\"createdAt\" AS created_at, i.\"updatedAt\" AS updated_at, i.id"                                \
	" FROM \"LLMAgentInstallation\" i JOIN organizations o ON o.id = i.\"companyId\""

/* A name alone will do where only one platform has it. */
#define NAMED " WHERE i.platform || '/' || i.name = $1 OR i.name = $1"

bool installs_print(struct db *db, struct buf *out, struct err *err)
{
	return rows_of(db, out, INSTALLATION " ORDER BY i.platform, i.name", NULL, 0, err);
}

bool install_print(struct db *db, const char *name, struct buf *out, struct err *err)
{
	int64_t named = 0, exactly = 0;
	bool found;

	if (!db_one_int(db, err, &found, &named, "SELECT count(*) FROM \"LLMAgentInstallation\" i" NAMED, "t",
			name) ||
	    !db_one_int(db, err, &found, &exactly,
			"SELECT count(*) FROM \"LLMAgentInstallation\" i"
			" WHERE i.platform || '/' || i.name = $1",
			"t", name))
		return false;
	if (named == 0)
		return err_set(err, ERR_GONE,
			       "there is no installation %.*s: `usher installation list` shows them",
			       CUT(name));
	if (named > 1 && exactly == 0)
		return err_set(err, ERR_REFUSED,
			       "%.*s is the name of several installations: say platform/name", CUT(name));
	return row_of(db, out, INSTALLATION NAMED " ORDER BY i.platform || '/' || i.name = $1 DESC LIMIT 1",
		      &name, 1, &found, err);
}
