/* A tool that a program called: the answer waits for the row of the record, and the row is written although nobody waits for
 * the answer any more. */
#include "api_room.h"
#include "clock.h"
#include "mem.h"
#include "store_audit.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct mcp_run {
	struct platform *api;
	uint64_t ticket; /* of the call */
	struct caller caller;
	char *tool, *arguments, *result;
	const char *class; /* NULL: refused */
	uint64_t begun_ms;
	bool failed;
	mcp_ran_fn *fn;
	struct mcp_run *prev, *next;
};

static void run_free(struct mcp_run *run)
{
	DL_DELETE(run->api->runs, run);
	free(run->tool);
	free(run->arguments);
	free(run->result);
	free(run);
}

void mcp_runs_free(struct platform *api)
{
	while (api->runs)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the list */
		run_free(api->runs);
}

static struct mcp_run *run_create(struct call *call, const char *tool, const char *class, mcp_ran_fn *fn)
{
	struct platform *api = call->door->api;
	struct mcp_run *run = mem_zero(1, sizeof(*run));

	*run = (struct mcp_run){ .api = api,
				 .ticket = call->ticket,
				 .caller = call->caller,
				 .tool = mem_text(tool),
				 .class = class,
				 .begun_ms = clock_mono_ms(),
				 .fn = fn };
	DL_APPEND(api->runs, run);
	call->step = CALL_TOOL;
	return run;
}

/* Done, and not on record: whoever called must not take it for a success that can be proved. */
static void kept(void *owner, uint64_t ticket, const struct err *err)
{
	struct mcp_run *run = owner;
	struct call *call = call_claim(run->api, run->ticket, CALL_TOOL);

	(void)ticket;
	if (err->kind != ERR_NONE)
		log_warn(&run->api->log, "the call of %s by key %s is not on record: %s", run->tool,
			 run->caller.key_id, err->text);
	if (call && err->kind != ERR_NONE && run->class)
		run->fn(call,
			"{\"error\":\"the call was made, but its outcome could not be put on record; look "
			"before "
			"you repeat it\"}",
			true);
	else if (call)
		run->fn(call, run->result, run->failed);
	run_free(run);
}

static void keep(struct mcp_run *run)
{
	uint64_t ms = clock_mono_ms() - run->begun_ms;
	const struct store_called called = { .org_id = run->caller.org,
					     .profile_id = run->caller.profile,
					     .key_id = run->caller.key_id,
					     .tool = run->tool,
					     .class = run->class,
					     .arguments = run->arguments,
					     .result = run->class ? run->result : NULL,
					     .error = !run->class   ? "there is no such tool for this key"
						      : run->failed ? "failed"
								    : NULL,
					     .latency_ms = run->class ? (int64_t)(ms ? ms : 1) : 0 };

	store_called(run->api->store, &called, kept, run, 0);
}

static void ran(void *owner, uint64_t ticket, const char *result, bool failed)
{
	struct mcp_run *run = owner;

	(void)ticket;
	run->result = mem_text(result);
	run->failed = failed;
	keep(run);
}

static const char *class_name(enum tool_class class)
{
	static const char *const names[] = {
		[TOOL_READ] = "read", [TOOL_KEYED] = "keyed", [TOOL_ONCE] = "once", [TOOL_CONFIRM] = "confirm"
	};

	return names[class];
}

void mcp_run_tool(struct call *call, const struct tool *tool, const char *arguments, const char *key,
		  mcp_ran_fn *fn)
{
	struct mcp_run *run = run_create(call, tool->name, class_name(tool->class), fn);
	const struct tool_caller speaker = { .org_id = run->caller.org,
					     .profile_id = run->caller.profile,
					     .role = role_name(run->caller.role),
					     .platform = "api",
					     .installation = "chat" };

	run->arguments = mem_text(arguments);
	tool->call(tool->box, &speaker, arguments, key, ran, run, 0);
}

void mcp_run_refused(struct call *call, const char *name, const char *answer, mcp_ran_fn *fn)
{
	struct mcp_run *run = run_create(call, name, NULL, fn);

	run->result = mem_text(answer);
	run->failed = true;
	keep(run);
}
