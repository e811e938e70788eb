/* Tools that programs called with somebody's key, in the record: like a model's calls, but of no turn. */
#include "audit.h"
#include "buf.h"
#include "json.h"
#include "store_audit.h"
#include <string.h>

struct called_ask {
	struct store_called called;
	int64_t at_ms; /* when it had ended */
};

static void member(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_format(out, ",\"%s\":", name);
	json_quote(out, text, strlen(text));
}

static bool run_called(struct db *db, struct job *job, struct err *err)
{
	const struct called_ask *ask = job->ask;
	const struct store_called *called = &ask->called;
	struct buf metadata = { 0 };
	struct audit_row row = { .org_id = called->org_id,
				 .user_id = called->profile_id,
				 .agent = "mcp",
				 .type = "tool",
				 .input = called->arguments,
				 .output = called->result,
				 .error = called->error,
				 .platform = "mcp",
				 AUDIT_NO_COST,
				 .latency_ms = called->latency_ms,
				 .at_ms = ask->at_ms };
	bool done;

	buf_text(&metadata, "{\"by\":\"mcp\"");
	member(&metadata, "tool", called->tool);
	member(&metadata, "class", called->class);
	member(&metadata, "key", called->key_id);
	member(&metadata, "profile", called->profile_id);
	buf_text(&metadata, "}");
	row.metadata = buf_str(&metadata);
	done = audit_add(db, &row, NULL, err);
	buf_free(&metadata);
	return done;
}

void store_called(struct store *store, const struct store_called *called, store_done_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct job *job =
		job_create_done(JOB_WRITE, run_called, sizeof(struct called_ask), fn, owner, ticket);

	*(struct called_ask *)job->ask =
		(struct called_ask){ .called = { .org_id = job_text(job, called->org_id),
						 .profile_id = job_text(job, called->profile_id),
						 .key_id = job_text(job, called->key_id),
						 .tool = job_text(job, called->tool),
						 .class = job_text(job, called->class),
						 .arguments = job_text(job, called->arguments),
						 .result = job_text(job, called->result),
						 .error = job_text(job, called->error),
						 .latency_ms = called->latency_ms },
				     .at_ms = clock_wall_ms() };
	store_ask(store, job);
}
