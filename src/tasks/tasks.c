/* The to-do list as tools of the model. Whoever speaks is whose list it is, whatever the arguments say. */
#include "tasks.h"
#include "buf.h"
#include "json.h"
#include "mem.h"
#include "store_people.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOOLS = 5, NAMES_MAX = 3, NUMBER_SIZE = 24 };

/* A tool, and how its call becomes an act of the store: organisation, profile, these arguments, call key. */
struct kind {
	const char *name, *description, *parameters;
	const char *act;    /* NULL: the list, which only reads */
	const char *failed; /* what the model is told when the reason is ours (seed 004) */
	const char *names[NAMES_MAX];
};

/* A tool call whose answer the store still owes. */
struct call {
	struct call *next;
	const struct kind *kind;
	uint64_t serial;
	tool_done_fn *done;
	void *owner;
	uint64_t ticket;
};

struct bound {
	struct tasks *tasks;
	const struct kind *kind;
	struct tool tool;
};

struct tasks {
	struct store *store;
	struct call *calls;
	uint64_t serial;
	struct bound bound[TOOLS];
	const struct tool *list[TOOLS];
};

/* ---- the tools ---------------------------------------------------------------------------------- */

#define OBJECT(PROPERTIES, REQUIRED)                                                                         \
	"{\"type\":\"object\",\"properties\":{\"user_id\":{\"type\":\"string\",\"description\":\"Not "       \
	"needed: it is "                                                                                     \
	"always the person who is speaking\"}," PROPERTIES "},\"required\":[" REQUIRED "]}"
#define TEXT(NAME, WHAT) "\"" NAME "\":{\"type\":\"string\",\"description\":\"" WHAT "\"}"
#define TASK_ID		 "\"task_id\":{\"type\":\"integer\",\"description\":\"The task's number, from list_tasks\"}"

static const struct kind kinds[TOOLS] = {
	{ "add_task",
	  "Adds a task to the to-do list of the person who is speaking.",
	  OBJECT(TEXT("title", "What is to be done") "," TEXT("description", "More about it"), "\"title\""),
	  "task_add",
	  "Task creation failed",
	  { "title", "description" } },
	{ "list_tasks",
	  "Lists the tasks of the person who is speaking, open ones first.",
	  OBJECT("\"status\":{\"type\":\"string\",\"enum\":[\"all\",\"pending\",\"completed\"]}", ""),
	  NULL,
	  "Task listing failed",
	  { "status" } },
	{ "complete_task",
	  "Marks a task as done.",
	  OBJECT(TASK_ID, "\"task_id\""),
	  "task_complete",
	  "Task completion failed",
	  { "task_id" } },
	{ "update_task",
	  "Changes the title or the description of a task.",
	  OBJECT(TASK_ID "," TEXT("title", "The new title") "," TEXT("description", "The new description"),
		 "\"task_id\""),
	  "task_update",
	  "Task update failed",
	  { "task_id", "title", "description" } },
	{ "delete_task",
	  "Removes a task from the list for good.",
	  OBJECT(TASK_ID, "\"task_id\""),
	  "task_delete",
	  "Task deletion failed",
	  { "task_id" } },
};

/* ---- the answer --------------------------------------------------------------------------------- */

static void answer(struct tasks *tasks, uint64_t serial, const char *result, bool failed)
{
	struct call **at = &tasks->calls, *call;

	while (*at != NULL && (*at)->serial != serial)
		at = &(*at)->next;
	call = *at;
	if (call == NULL)
		return;
	*at = call->next;
	call->done(call->owner, call->ticket, result, failed);
	free(call);
}

/* What was wrong with the call is told to the model; what is wrong with us is not its business. */
static void answer_error(struct tasks *tasks, uint64_t serial, const struct err *err)
{
	bool theirs = err->kind == ERR_REFUSED || err->kind == ERR_GONE;
	const struct call *call = tasks->calls;
	const char *why;
	struct buf out = { 0 };

	while (call && call->serial != serial)
		call = call->next;
	if (call == NULL)
		return;
	why = theirs ? err->text : call->kind->failed;

	buf_text(&out, "{\"error\":");
	json_quote(&out, why, strlen(why));
	buf_text(&out, "}");
	answer(tasks, serial, out.data, true);
	buf_free(&out);
}

static void changed(void *owner, uint64_t serial, const struct err *err, const char *json)
{
	if (err->kind == ERR_NONE)
		answer(owner, serial, json, false);
	else
		answer_error(owner, serial, err);
}

static void listed(void *owner, uint64_t serial, const struct err *err, const char *json)
{
	struct buf out = { 0 };

	if (err->kind != ERR_NONE) {
		answer_error(owner, serial, err);
		return;
	}
	buf_text(&out, "{\"tasks\":");
	buf_text(&out, json);
	buf_text(&out, "}");
	answer(owner, serial, out.data, false);
	buf_free(&out);
}

/* ---- the call ----------------------------------------------------------------------------------- */

/* As text: models write numbers as text and the reverse. NULL when it is neither; the store says what is
 * missing. */
static const char *argument(const json_t *arguments, const char *name, char number[NUMBER_SIZE])
{
	const json_t *value = name ? json_object_get(arguments, name) : NULL;

	if (json_is_string(value))
		return json_string_value(value);
	if (!json_is_number(value))
		return NULL;
	snprintf(number, NUMBER_SIZE, "%" PRId64, json_int(arguments, name, -1));
	return number;
}

static uint64_t expect(struct tasks *tasks, const struct kind *kind, tool_done_fn *done, void *owner,
		       uint64_t ticket)
{
	struct call *call = mem_zero(1, sizeof(*call));

	*call = (struct call){ .next = tasks->calls,
			       .kind = kind,
			       .serial = ++tasks->serial,
			       .done = done,
			       .owner = owner,
			       .ticket = ticket };
	tasks->calls = call;
	return call->serial;
}

static void call_tool(void *box, const struct tool_caller *caller, const char *arguments, const char *key,
		      tool_done_fn *done, void *owner, uint64_t ticket)
{
	const struct bound *bound = box;
	const struct kind *kind = bound->kind;
	const char *args[2 + NAMES_MAX + 1] = { caller->org_id, caller->profile_id };
	char numbers[NAMES_MAX][NUMBER_SIZE];
	uint64_t serial = expect(bound->tasks, kind, done, owner, ticket);
	json_t *given = json_read(arguments, strlen(arguments), NULL);
	size_t count = 2;

	for (size_t i = 0; i < NAMES_MAX && kind->names[i] != NULL; i++)
		args[count++] = argument(given, kind->names[i], numbers[i]);
	if (kind->act == NULL) {
		store_report(bound->tasks->store, "task_list", args, count, listed, bound->tasks, serial);
	} else {
		args[count++] = key;
		store_act(bound->tasks->store, kind->act, args, count, changed, bound->tasks, serial);
	}
	json_decref(given);
}

/* ---- from the start to the end ------------------------------------------------------------------ */

struct tasks *tasks_create(struct store *store)
{
	struct tasks *tasks = mem_zero(1, sizeof(*tasks));

	tasks->store = store;
	for (size_t i = 0; i < TOOLS; i++) {
		struct bound *bound = &tasks->bound[i];

		bound->tasks = tasks;
		bound->kind = &kinds[i];
		bound->tool = (struct tool){ .name = kinds[i].name,
					     .description = kinds[i].description,
					     .parameters = kinds[i].parameters,
					     .class = kinds[i].act ? TOOL_KEYED : TOOL_READ,
					     .box = bound,
					     .call = call_tool };
		tasks->list[i] = &bound->tool;
	}
	return tasks;
}

const struct tool *const *tasks_tools(const struct tasks *tasks, size_t *count_out)
{
	*count_out = TOOLS;
	return tasks->list;
}

void tasks_destroy(struct tasks *tasks)
{
	if (tasks == NULL)
		return;
	while (tasks->calls != NULL) {
		struct call *call = tasks->calls;

		tasks->calls = call->next;
		free(call);
	}
	free(tasks);
}
