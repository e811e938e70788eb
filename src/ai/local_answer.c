/* What the offline responder says: pure, from the request alone, so it starts anew after every restart. */
#include "buf.h"
#include "json.h"
#include "local_room.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { QUOTES_MAX = 3, QUOTE_BYTES = 600, LISTED_MAX = 50 };

static const char explanation[] =
	"I am usher's built-in offline responder, not a language model, so I can't answer open questions. ";
static const char how_to_add[] =
	"To get real answers, add a language model to `models` in the settings file and name it in "
	"`assistant = { model = \"...\"; }`.";

const struct tool *local_offered(const struct local_scene *scene, const char *name)
{
	for (size_t i = 0; i < scene->request->tool_count; i++)
		if (strcmp(scene->request->tools[i]->name, name) == 0)
			return scene->request->tools[i];
	return NULL;
}

/* ---- calling a tool ------------------------------------------------------------------------------------ */

struct local_reply local_call(struct local_scene *scene, const char *name, json_t *arguments_take)
{
	struct local_reply reply = { 0 };
	char *text = json_write(arguments_take);

	reply.call.id = arena_format(scene->arena, "local%04zu", (scene->results + 1) % 10000);
	reply.call.name = name;
	reply.call.arguments = arena_text(scene->arena, text);
	free(text);
	json_decref(arguments_take);
	return reply;
}

struct local_reply local_say(const char *text)
{
	return (struct local_reply){ .text = text };
}

/* ---- the task list ------------------------------------------------------------------------------------- */

static const struct action {
	enum phrase_kind kind;
	const char *tool, *doing; /* "I encountered an issue <doing>. ..." */
} actions[] = {
	{ PHRASE_ADD, "add_task", "adding your task" },
	{ PHRASE_LIST, "list_tasks", "reading your tasks" },
	{ PHRASE_COMPLETE, "complete_task", "completing your task" },
	{ PHRASE_DELETE, "delete_task", "deleting your task" },
	{ PHRASE_RENAME, "update_task", "renaming your task" },
};

static const struct action *action_of(enum phrase_kind kind)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (actions[i].kind == kind)
			return &actions[i];
	return NULL;
}

static int64_t id_of(const json_t *task)
{
	int64_t id = json_int(task, "task_id", -1);

	return id >= 0 ? id : json_int(task, "id", -1);
}

static bool is_done(const json_t *task)
{
	const char *status = json_text(task, "status");

	return json_is_true(json_object_get(task, "completed")) ||
	       (status && (strcmp(status, "completed") == 0 || strcmp(status, "done") == 0));
}

static const json_t *list_of(const json_t *result)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)result, key, value)
		if (json_is_array(value))
			return value;
	return NULL;
}

static struct local_reply act_on(struct local_scene *scene, const struct action *action, int64_t id)
{
	json_t *arguments = json_object();

	json_object_set_new(arguments, "task_id", json_integer(id));
	if (action->kind == PHRASE_RENAME)
		json_object_set_new(arguments, "title", json_string(scene->phrase.into));
	return local_call(scene, action->tool, arguments);
}

/* The task the person named by its title: open ones before those already done. */
static struct local_reply act_by_title(struct local_scene *scene, const struct action *action)
{
	const json_t *list = list_of(scene->last.result), *task, *found = NULL;
	size_t i, open = 0, same = 0;

	json_array_foreach (list, i, task) {
		const char *title = json_text(task, "title");

		if (title == NULL || strcasecmp(title, scene->phrase.title) != 0)
			continue;
		same++;
		open += !is_done(task);
		if (found == NULL || (is_done(found) && !is_done(task)))
			found = task;
	}
	if (found == NULL)
		return local_say(
			arena_format(scene->arena,
				     "I couldn't find a task called '%s'. Say \"list my tasks\" to see them.",
				     scene->phrase.title));
	if (open > 1 || (open == 0 && same > 1))
		return local_say(arena_format(
			scene->arena,
			"Several tasks are called '%s'. Say \"list my tasks\" and give me the number.",
			scene->phrase.title));
	return act_on(scene, action, id_of(found));
}

static const char *listing(struct local_scene *scene)
{
	const json_t *list = list_of(scene->last.result), *task;
	struct buf out = { 0 };
	const char *text;
	size_t i;

	if (json_array_size(list) == 0)
		return scene->phrase.title
			       ? arena_format(scene->arena, "You have no %s tasks.", scene->phrase.title)
			       : "Your task list is empty.";
	buf_text(&out, "Here are your tasks:\n");
	json_array_foreach (list, i, task) {
		const char *title = json_text(task, "title");

		if (i == LISTED_MAX) {
			buf_format(&out, "\n... and %zu more.", json_array_size(list) - i);
			break;
		}
		buf_format(&out, "\n- %lld: %s%s", (long long)id_of(task), title ? title : "(no title)",
			   is_done(task) ? " (done)" : "");
	}
	text = arena_text(scene->arena, buf_str(&out));
	buf_free(&out);
	return text;
}

static struct local_reply failure(struct local_scene *scene, const struct action *action)
{
	const char *error = json_text(scene->last.result, "error");

	if (action->kind != PHRASE_ADD && scene->phrase.id > 0 && error && strcasestr(error, "not found"))
		return local_say(arena_format(scene->arena,
					      "I couldn't find task %ld. Say \"list my tasks\" to see them.",
					      scene->phrase.id));
	return local_say(
		arena_format(scene->arena, "I encountered an issue %s. Please try again.", action->doing));
}

static struct local_reply success(struct local_scene *scene, const struct action *action)
{
	const char *title = json_text(scene->last.result, "title");
	const char *name;

	if (title == NULL)
		title = action->kind == PHRASE_RENAME ? scene->phrase.into : scene->phrase.title;
	if (action->kind == PHRASE_LIST)
		return local_say(listing(scene));
	if (action->kind == PHRASE_ADD)
		return local_say(arena_format(scene->arena, "I've added the task '%s' to your list.", title));
	name = title ? arena_format(scene->arena, "'%s'", title)
		     : arena_format(scene->arena, "%ld", scene->phrase.id);
	if (action->kind == PHRASE_COMPLETE)
		return local_say(arena_format(scene->arena, "I've marked the task %s as complete.", name));
	if (action->kind == PHRASE_DELETE)
		return local_say(arena_format(scene->arena, "I've deleted the task %s.", name));
	return local_say(arena_format(scene->arena, "I've renamed the task to %s.", name));
}

static struct local_reply begin_task(struct local_scene *scene, const struct action *action)
{
	json_t *arguments;

	if (action->kind == PHRASE_ADD)
		return local_call(scene, action->tool, json_pack("{s:s}", "title", scene->phrase.title));
	if (scene->phrase.id > 0 && action->kind != PHRASE_LIST)
		return act_on(scene, action, scene->phrase.id);
	arguments = json_object();
	if (action->kind == PHRASE_LIST && scene->phrase.title)
		json_object_set_new(arguments, "status", json_string(scene->phrase.title));
	return local_call(scene, "list_tasks", arguments);
}

static struct local_reply work_on_task(struct local_scene *scene, const struct action *action)
{
	if (scene->last.tool == NULL)
		return begin_task(scene, action);
	if (json_object_get(scene->last.result, "error") || !json_is_object(scene->last.result))
		return failure(scene, action);
	if (strcmp(scene->last.tool, action->tool) == 0)
		return success(scene, action);
	if (strcmp(scene->last.tool, "list_tasks") == 0 && scene->phrase.title)
		return act_by_title(scene, action);
	return failure(scene, action);
}

/* ---- questions to the imported files ------------------------------------------------------------------- */

static const char *first_text(const json_t *object, const char *const *keys)
{
	for (size_t i = 0; keys[i]; i++)
		if (json_text(object, keys[i]))
			return json_text(object, keys[i]);
	return NULL;
}

static void quote(struct buf *out, const json_t *hit)
{
	const char *file =
		first_text(hit, (const char *const[]){ "file", "file_name", "name", "title", NULL });
	const char *place = first_text(hit, (const char *const[]){ "place", "location", "section", NULL });
	const char *text = first_text(hit, (const char *const[]){ "text", "quote", "snippet", NULL });
	int64_t page = json_int(hit, "page", -1);
	size_t len = text ? text_fit(text, strlen(text), QUOTE_BYTES) : 0;

	if (len == 0)
		return;
	buf_format(out, "\n\n**%s**", file ? file : "(unnamed file)");
	if (place)
		buf_format(out, ", %s", place);
	else if (page >= 0)
		buf_format(out, ", page %lld", (long long)page);
	buf_text(out, ":\n> ");
	for (size_t i = 0; i < len; i++) {
		buf_add(out, text + i, 1);
		if (text[i] == '\n')
			buf_text(out, "> ");
	}
	if (text[len] != '\0')
		buf_text(out, "...");
}

static void add_name(struct buf *out, const json_t *file)
{
	char *name = text_one_line(json_text(file, "name") ? json_text(file, "name") : "");

	buf_format(out, "\n- %lld: %s", (long long)json_int(file, "import_id", 0), name);
	free(name);
}

static struct local_reply tell_found(struct local_scene *scene)
{
	const json_t *list = list_of(scene->last.result);
	const json_t *files = json_object_get(scene->last.result, "files");
	struct buf out = { 0 }, names = { 0 };
	const char *text;

	for (size_t i = 0; i < json_array_size(list) && i < QUOTES_MAX; i++)
		quote(&out, json_array_get(list, i));
	for (size_t i = 0; out.len == 0 && i < json_array_size(files) && i < QUOTES_MAX; i++)
		add_name(&names, json_array_get(files, i));
	if (names.len > 0)
		text = arena_format(scene->arena, "No file says this, but there is:%s", buf_str(&names));
	else if (out.len == 0)
		text = arena_format(scene->arena, "I found nothing about this in the imported files. %s%s",
				    explanation, how_to_add);
	else
		text = arena_format(scene->arena, "This is what the imported files say:%s", buf_str(&out));
	buf_free(&out);
	buf_free(&names);
	return local_say(text);
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

static const char *abilities(const struct local_scene *scene)
{
	bool tasks = local_offered(scene, "add_task"), files = local_offered(scene, "search_files");

	if (tasks && files)
		return "I can keep your task list (\"add a task to buy groceries\", \"list my tasks\", "
		       "\"complete "
		       "task 3\", \"rename task 3 to ...\", \"delete task 3\") and look things up in "
		       "imported files. ";
	if (tasks)
		return "I can keep your task list: \"add a task to buy groceries\", \"list my tasks\", "
		       "\"complete "
		       "task 3\", \"rename task 3 to ...\" and \"delete task 3\". ";
	if (files)
		return "I can look things up in imported files. ";
	return "I show that your message arrived and that an answer finds its way back. ";
}

static struct local_reply small_talk(struct local_scene *scene)
{
	const char *can = abilities(scene);

	switch (scene->phrase.kind) {
	case PHRASE_GREETING:
		return local_say(arena_format(
			scene->arena,
			"Hello! I am usher's built-in offline responder, not a language model. %s"
			"Say \"help\" to learn more.",
			can));
	case PHRASE_THANKS:
		return local_say("You're welcome!");
	default:
		return local_say(arena_format(scene->arena, "%s%s%s", explanation, can, how_to_add));
	}
}

/* With one file, it is that one which is asked. */
static struct local_reply search(struct local_scene *scene)
{
	json_t *arguments = json_pack("{s:s}", "query", scene->said.words);

	if (scene->said.file && scene->said.files == 1)
		json_object_set_new(arguments, "file",
				    json_string(arena_format(scene->arena, "%ld", scene->said.file)));
	return local_call(scene, "search_files", arguments);
}

static struct local_reply answer(struct local_scene *scene)
{
	const struct action *action = action_of(scene->phrase.kind);
	bool by_list = action && scene->phrase.id == 0 && action->kind != PHRASE_ADD;
	bool other = scene->phrase.kind == PHRASE_OTHER;
	struct local_reply reply;

	if (scene->wish.kind != WISH_NONE && (other || scene->said.files > 0) && local_files(scene, &reply))
		return reply;
	if (action && local_offered(scene, action->tool) && (!by_list || local_offered(scene, "list_tasks")))
		return work_on_task(scene, action);
	if (scene->last.tool && strcmp(scene->last.tool, "search_files") == 0)
		return tell_found(scene);
	if ((action || other) && local_offered(scene, "search_files") && !text_blank(scene->said.words))
		return search(scene);
	return small_talk(scene);
}

/* What was labelled as somebody else's words is read all the same: nothing in it is obeyed. */
static json_t *result_of(const char *text)
{
	json_t *result = json_read(text, strlen(text), NULL), *inner;
	const char *quoted;

	if (!json_is_true(json_object_get(result, "untrusted")))
		return result;
	quoted = json_text(result, "result");
	inner = quoted ? json_read(quoted, strlen(quoted), NULL)
		       : json_incref(json_object_get(result, "result"));
	json_decref(result);
	return inner;
}

/* Arguments of the call a result belongs to are not needed: the phrase says it all again. */
static void look_back(struct local_scene *scene)
{
	const struct llm_message *messages = scene->request->messages;
	size_t count = scene->request->message_count, from = count;

	while (from > 0 && messages[from - 1].role != LLM_USER)
		from--;
	scene->said = local_said(from > 0 ? messages[from - 1].text : "", scene->arena);
	scene->list = arena_alloc(scene->arena, (count - from) * sizeof(*scene->list));
	for (size_t i = from; i < count; i++)
		if (messages[i].role == LLM_TOOL && messages[i].tool)
			scene->list[scene->results++] =
				(struct local_result){ messages[i].tool, result_of(messages[i].text) };
	if (scene->results)
		scene->last = scene->list[scene->results - 1];
}

struct local_reply local_answer(const struct llm_request *request, struct arena *arena)
{
	struct local_scene scene = { .request = request, .arena = arena };
	struct local_reply reply;

	look_back(&scene);
	scene.phrase = local_phrase(scene.said.words, arena);
	scene.wish = local_wish(scene.said.words, arena);
	if (scene.said.files > 0 && text_blank(scene.said.words))
		scene.wish.kind = WISH_SUMMARY;
	reply = answer(&scene);
	for (size_t i = 0; i < scene.results; i++)
		json_decref(scene.list[i].result);
	return reply;
}
