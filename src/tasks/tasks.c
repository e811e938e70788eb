/* Our own tools: the to-do list, searching, saying something. Whoever speaks is whose list it is and for whom is searched,
 * whatever the arguments say. */
#include "tasks.h"
#include "buf.h"
#include "json.h"
#include "links.h"
#include "mem.h"
#include "store_people.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOOLS = 7, NAMES_MAX = 3, NUMBER_SIZE = 24, WORDS_MAX = 16 };

/* A tool, and how its call becomes an act of the store: organisation, profile, these arguments, call key. */
struct kind {
	const char *name, *description, *parameters;
	const char *act;    /* or NULL */
	const char *failed; /* what the model is told when the reason is ours (seed 004) */
	const char *names[NAMES_MAX];
	const char *report; /* instead of act: it only reads; its rows are given under the name `rows` */
	const char *rows;
	bool guarded; /* for operators only: the store sees to it */
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
	void (*said)(void *owner);
	void *said_owner;
	struct links *links;
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

#define QUERY TEXT("query", "Words, separated by spaces, at most 16")
#define LIMIT "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50}"

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
	  { "status" },
	  .report = "task_list",
	  .rows = "tasks" },
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
	{ "search_conversations",
	  "Finds what was said before, by the person who is speaking and by the assistant, in all their "
	  "conversations, newest "
	  "first: messages that hold every word of the query.",
	  OBJECT(QUERY "," LIMIT, "\"query\""),
	  NULL,
	  "Searching failed",
	  { "query", "limit" },
	  .report = "search_conversations",
	  .rows = "messages" },
	{ "send_message",
	  "Says something in a conversation, on the chat platform it takes place on.",
	  OBJECT(TEXT("conversation_id", "The conversation's number or UUID") "," TEXT(
			 "text",
			 "What is said, as Markdown, at most 1,500 bytes") "," TEXT("key",
										    "The same key says it "
										    "once, however often it "
										    "is asked"),
		 "\"conversation_id\",\"text\""),
	  "message_send",
	  "Sending failed",
	  { "conversation_id", "text", "key" },
	  .guarded = true },
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

static const struct call *find(const struct tasks *tasks, uint64_t serial)
{
	const struct call *call = tasks->calls;

	while (call && call->serial != serial)
		call = call->next;
	return call;
}

static void changed(void *owner, uint64_t serial, const struct err *err, const char *json)
{
	struct tasks *tasks = owner;
	const struct call *call = find(tasks, serial);

	if (err->kind == ERR_NONE && call && call->kind->guarded && tasks->said)
		tasks->said(tasks->said_owner);
	if (err->kind == ERR_NONE)
		answer(tasks, serial, json, false);
	else
		answer_error(tasks, serial, err);
}

static void listed(void *owner, uint64_t serial, const struct err *err, const char *json)
{
	const struct call *call = find(owner, serial);
	struct buf out = { 0 };

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		answer_error(owner, serial, err);
		return;
	}
	buf_format(&out, "{\"%s\":", call->kind->rows);
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

/* What is said, by whoever, is made of what a model has read. The caller frees. */
static char *guarded_text(const struct bound *bound, const json_t *given)
{
	const char *text = bound->kind->guarded ? json_text(given, "text") : NULL;

	return text && bound->tasks->links ? links_guard(bound->tasks->links, text, strlen(text)) : NULL;
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
	char *guarded = guarded_text(bound, given);
	char *words = kind->rows ? json_words(json_text(given, "query"), WORDS_MAX) : NULL;
	size_t count = 2;

	for (size_t i = 0; i < NAMES_MAX && kind->names[i] != NULL; i++)
		args[count++] = strcmp(kind->names[i], "query") == 0 ? words
				: guarded && strcmp(kind->names[i], "text") == 0
					? guarded
					: argument(given, kind->names[i], numbers[i]);
	if (kind->report) {
		store_report(bound->tasks->store, kind->report, args, count, listed, bound->tasks, serial);
	} else {
		args[count++] = key;
		store_act(bound->tasks->store, kind->act, args, count, changed, bound->tasks, serial);
	}
	free(guarded);
	free(words);
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
					     .class = kinds[i].report ? TOOL_READ : TOOL_KEYED,
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

bool tasks_guarded(const struct tool *tool)
{
	for (size_t i = 0; i < TOOLS; i++)
		if (strcmp(kinds[i].name, tool->name) == 0)
			return kinds[i].guarded;
	return false;
}

void tasks_links(struct tasks *tasks, struct links *links)
{
	links_destroy(tasks->links);
	tasks->links = links;
}

void tasks_on_said(struct tasks *tasks, void (*fn)(void *owner), void *owner)
{
	tasks->said = fn;
	tasks->said_owner = owner;
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
	links_destroy(tasks->links);
	free(tasks);
}
