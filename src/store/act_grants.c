/* What servers of tools granted us: kept sealed, forgotten when somebody logs out. */
#include "people.h"
#include <string.h>

bool act_mcp_grant_keep(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
			struct err *err)
{
	*answer_out = json_pack("{s:s,s:s}", "server", args[0], "issuer", args[1]);
	return db_run(db, err, NULL,
		      "INSERT INTO mcp_grants (server, issuer, sealed, kept_at) VALUES ($1, $2, $3, $4)"
		      " ON CONFLICT (server, issuer) DO UPDATE SET sealed = excluded.sealed,"
		      " kept_at = excluded.kept_at",
		      "tttt", args[0], args[1], args[2], room_time(room, clock_wall_ms()));
}

bool act_mcp_grant_drop(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
			struct err *err)
{
	int64_t count = 0;

	(void)room;
	if (!db_run(db, err, &count, "DELETE FROM mcp_grants WHERE server = $1", "t", args[0]))
		return false;
	if (count == 0 && args[1] == NULL)
		return err_set(err, ERR_GONE,
			       "there is no server \"%.*s\" in tools.mcp, and nothing of it is kept",
			       CUT(args[0]));
	*answer_out = json_pack("{s:s}", "server", args[0]);
	return true;
}
