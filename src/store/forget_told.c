/* What the model was told of a file goes with it. What people said and were answered stays: those are their words. */
#include "erase.h"
#include "imports.h"
#include <inttypes.h>

/* Runs of turns that were given something of the import $1: the turn it came with and those that made files of it. */
#define TURNS                                                                                                \
	" SELECT i.\"llmConversationMessageId\" FROM \"LLMAgentImport\" i WHERE i.id = $1 UNION"             \
	" SELECT w.turn_id FROM \"LLMAgentImport\" i JOIN inbox w ON w.id = i.\"inboxId\" WHERE i.id = $1"   \
	" UNION SELECT o.turn_id FROM import_outputs o WHERE o.import_id = $1"

/* Results of tools that name it ($2, $3), as those that read and search write it. */
#define READ                                                                                                 \
	" s.kind = 'result' AND s.tool IN ('read_file', 'search_files', 'convert_table')"                    \
	" AND (instr(s.payload, $2) > 0 OR instr(s.payload, $3) > 0)"

#define RUNS                                                                                                 \
	"SELECT t.id, t.status = 'running', count(*) OVER () FROM \"LLMTask\" t WHERE t.id IN"               \
	" (SELECT m.\"llmTaskId\" FROM \"LLMConversationMessage\" m WHERE m.id IN (" TURNS ") UNION"         \
	" SELECT s.\"llmTaskId\" FROM \"LLMTaskStep\" s WHERE"

/* Since it came: numbers rise. */
static const char everywhere_sql[] = RUNS READ
	" AND s.\"llmTaskId\" >= coalesce((SELECT min(m.\"llmTaskId\") FROM \"LLMConversationMessage\" m"
	" WHERE m.id IN (" TURNS ")), 0))";
static const char here_sql[] =
	RUNS READ " AND s.\"llmTaskId\" IN (SELECT m.\"llmTaskId\" FROM \"LLMAgentImport\" i"
		  " JOIN \"LLMConversationMessage\" m ON m.\"llmConversationId\" = i.\"llmConversationId\""
		  " WHERE i.id = $1))";

struct told {
	int64_t run;
	bool running;
};

static bool read_runs(struct db *db, struct arena *room, int64_t id, const char *const *named,
		      bool everywhere, struct told **told_out, size_t *count_out, struct err *err)
{
	struct told *told = NULL;
	struct query query;

	*count_out = 0;
	db_query(db, &query, everywhere ? everywhere_sql : here_sql, "itt", id, named[0], named[1]);
	while (db_row(&query)) {
		if (told == NULL)
			told = arena_alloc(room, (size_t)db_int(&query, 2) * sizeof(*told));
		told[(*count_out)++] =
			(struct told){ .run = db_int(&query, 0), .running = db_bool(&query, 1) };
	}
	*told_out = told;
	return db_end(&query, err);
}

bool import_untell(struct db *db, struct arena *room, int64_t id, bool everywhere, struct err *err)
{
	const char *named[] = { arena_format(room, "\"import_id\":%" PRId64 ",", id),
				arena_format(room, "\"import_id\":%" PRId64 "}", id) };
	const struct audit_why why = { .what = "file",
				       .subject = arena_format(room, "%" PRId64, id),
				       .why = "the file was deleted" };
	struct told *told;
	size_t count;
	bool done = read_runs(db, room, id, named, everywhere, &told, &count, err);

	for (size_t i = 0; done && i < count; i++) {
		if (told[i].running)
			done = db_run(db, err, NULL,
				      "UPDATE \"LLMTaskStep\" AS s SET payload = '{}' WHERE s.\"llmTaskId\" "
				      "= $1 AND" READ,
				      "itt", told[i].run, named[0], named[1]);
		else
			done = erase_run(db, told[i].run, err) &&
			       audit_empty_task(db, told[i].run, &why, NULL, err);
	}
	return done;
}
