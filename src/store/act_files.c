/* What people do with files of their own, and operators with those of their organisation. */
#include "imports.h"
#include "people.h"
#include <string.h>

/* args: organisation, profile, import. */
static bool check_own(struct db *db, const char *const *args, bool *operates_out, struct err *err)
{
	struct query query;
	bool found;

	*operates_out = false;
	db_query(db, &query,
		 "SELECT me.role IN ('operator', 'owner') FROM user_profiles me JOIN \"LLMAgentImport\" i"
		 " ON i.\"userCompanyId\" = me.org_id AND i.id = CAST($3 AS BIGINT) WHERE me.org_id = $1"
		 " AND me.id = $2 AND me.status = 'active' AND (i.\"userId\" = me.id OR me.role IN "
		 "('operator',"
		 " 'owner'))",
		 "ttt", args[0], args[1], args[2]);
	found = db_row(&query);
	if (found)
		*operates_out = db_bool(&query, 0);
	if (!db_end(&query, err))
		return false;
	return found || err_set(err, ERR_REFUSED, "file %.20s is somebody else's", args[2]);
}

bool act_file_share(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		    struct err *err)
{
	const char *scope = args[3];
	bool operates;

	if (strcmp(scope, "conversation") != 0 && strcmp(scope, "person") != 0 &&
	    strcmp(scope, "organization") != 0)
		return err_set(err, ERR_REFUSED, "scope is conversation, person or organization");
	if (!check_own(db, args, &operates, err))
		return false;
	if (strcmp(scope, "organization") == 0 && !operates)
		return err_set(err, ERR_REFUSED, "only operators share files with the organization");
	if (!db_run(db, err, NULL,
		    "UPDATE \"LLMAgentImport\" SET scope = $2, \"updatedAt\" = $3 WHERE id = CAST($1 AS "
		    "BIGINT)",
		    "ttt", args[2], scope, room_time(room, clock_wall_ms())))
		return false;
	*answer_out = json_pack("{s:s}", "scope", scope);
	return true;
}

bool act_file_delete(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err)
{
	const char *const import[] = { args[2], NULL };
	bool operates;

	return check_own(db, args, &operates, err) && act_import_delete(db, room, import, answer_out, err);
}
