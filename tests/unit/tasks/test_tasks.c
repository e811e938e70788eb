/* The to-do tools as the model calls them, on a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io.h"
#include "json.h"
#include "mem.h"
#include "store_open.h"
#include "store_people.h"
#include "tasks.h"
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

static struct {
	char dir[32];
	struct io *io;
	struct store *store;
	struct tasks *tasks;
	char alice[40], bob[40];
	json_t *result;
	bool failed;
	int answers;
} stage;

static void user_added(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	json_t *answer = json_read(json, strlen(json), NULL);

	(void)ticket;
	assert_int_equal(err->kind, ERR_NONE);
	strncpy(owner, json_text(answer, "profile_id"), 36);
	json_decref(answer);
	io_stop(stage.io);
}

static int open_stage(void **state)
{
	struct err err = { 0 };
	struct store_options options = { 0 };
	char *url;

	(void)state;
	memset(&stage, 0, sizeof(stage));
	strcpy(stage.dir, "/tmp/usher-tasks-XXXXXX");
	if (mkdtemp(stage.dir) == NULL)
		return -1;
	url = mem_format("sqlite:%s/usher.db", stage.dir);
	options.url = url;
	stage.io = io_create(&err);
	stage.store = store_open(io_loop(stage.io), &options, &err);
	free(url);
	if (stage.store == NULL)
		return -1;
	stage.tasks = tasks_create(stage.store);
	store_act(stage.store, "user_add", (const char *const[]){ "alice" }, 1, user_added, stage.alice, 0);
	io_run(stage.io);
	store_act(stage.store, "user_add", (const char *const[]){ "bob" }, 1, user_added, stage.bob, 0);
	io_run(stage.io);
	return 0;
}

static int remove_one(const char *name, const struct stat *file, int type, struct FTW *at)
{
	(void)file;
	(void)type;
	(void)at;
	return remove(name);
}

/* What the store posted last must run before the loop may go. */
static void stop(void *io)
{
	io_stop(io);
}

static int close_stage(void **state)
{
	(void)state;
	store_close(stage.store);
	tasks_destroy(stage.tasks);
	loop_post(io_loop(stage.io), stop, stage.io);
	io_run(stage.io);
	io_destroy(stage.io);
	json_decref(stage.result);
	return nftw(stage.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void done(void *owner, uint64_t ticket, const char *result, bool failed)
{
	assert_ptr_equal(owner, &stage);
	assert_int_equal(ticket, 42);
	json_decref(stage.result);
	stage.result = json_read(result, strlen(result), NULL);
	assert_true(json_is_object(stage.result));
	stage.failed = failed;
	stage.answers++;
	io_stop(stage.io);
}

static const struct tool *tool_named(const char *name)
{
	size_t count;
	const struct tool *const *tools = tasks_tools(stage.tasks, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(tools[i]->name, name) == 0)
			return tools[i];
	fail_msg("no tool %s", name);
	return NULL;
}

static void begin(const char *tool, const char *profile, const char *arguments, const char *key)
{
	struct tool_caller caller = { .org_id = "00000000-0000-7000-8000-000000000001",
				      .profile_id = profile,
				      .conversation_id = 1 };
	const struct tool *called = tool_named(tool);

	called->call(called->box, &caller, arguments, key, done, &stage, 42);
}

static json_t *call(const char *tool, const char *profile, const char *arguments, const char *key)
{
	int before = stage.answers;

	begin(tool, profile, arguments, key);
	assert_int_equal(stage.answers, before); /* never inside the call */
	io_run(stage.io);
	assert_int_equal(stage.answers, before + 1);
	return stage.result;
}

/* The exchange of the document, word for word. */
static void the_documents_example(void **state)
{
	char *text;

	(void)state;
	text = json_write(
		call("add_task", stage.alice, "{\"user_id\":\"123\",\"title\":\"buy groceries\"}", "k1"));
	assert_false(stage.failed);
	assert_string_equal(text, "{\"task_id\":1,\"status\":\"created\",\"title\":\"buy groceries\"}");
	free(text);
}

static void a_tasks_life(void **state)
{
	json_t *list;

	(void)state;
	call("add_task", stage.alice, "{\"title\":\"milk\",\"description\":\"two\"}", "k1");
	call("add_task", stage.alice, "{\"title\":\"bread\"}", "k2");
	assert_string_equal(json_text(call("complete_task", stage.alice, "{\"task_id\":1}", "k3"), "status"),
			    "completed");
	assert_string_equal(json_text(call("update_task", stage.alice,
					   "{\"task_id\":\"2\",\"title\":\"rye bread\"}", "k4"),
				      "title"),
			    "rye bread");
	list = json_object_get(call("list_tasks", stage.alice, "{}", "k5"), "tasks");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_text(json_array_get(list, 0), "title"), "rye bread"); /* open ones first */
	assert_string_equal(json_text(json_array_get(list, 1), "description"), "two");
	list = json_object_get(call("list_tasks", stage.alice, "{\"status\":\"pending\"}", "k6"), "tasks");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_text(call("delete_task", stage.alice, "{\"task_id\":2.0}", "k7"), "status"),
			    "deleted");
	list = json_object_get(call("list_tasks", stage.alice, "{}", "k8"), "tasks");
	assert_int_equal(json_array_size(list), 1);
}

/* A model that is talked into naming another user must still only reach the speaker's list. */
static void the_speaker_counts_and_not_the_argument(void **state)
{
	char *arguments = mem_format("{\"user_id\":\"%s\",\"title\":\"planted\"}", stage.bob);

	(void)state;
	call("add_task", stage.alice, arguments, "k1");
	free(arguments);
	assert_int_equal(json_array_size(json_object_get(call("list_tasks", stage.bob, "{}", NULL), "tasks")),
			 0);
	arguments = mem_format("{\"user_id\":\"%s\",\"task_id\":1}", stage.alice);
	call("delete_task", stage.bob, arguments, "k2");
	assert_true(stage.failed);
	call("list_tasks", stage.bob, arguments, NULL);
	assert_int_equal(json_array_size(json_object_get(stage.result, "tasks")), 0);
	free(arguments);
	assert_int_equal(
		json_array_size(json_object_get(call("list_tasks", stage.alice, "{}", NULL), "tasks")), 1);
}

/* After a crash the same call comes again under its key. */
static void a_repeated_call_changes_nothing(void **state)
{
	(void)state;
	call("add_task", stage.alice, "{\"title\":\"milk\"}", "k1");
	assert_int_equal(json_int(call("add_task", stage.alice, "{\"title\":\"milk\"}", "k1"), "task_id", 0),
			 1);
	call("delete_task", stage.alice, "{\"task_id\":1}", "k2");
	call("delete_task", stage.alice, "{\"task_id\":1}", "k2");
	assert_false(stage.failed);
	assert_int_equal(
		json_array_size(json_object_get(call("list_tasks", stage.alice, "{}", NULL), "tasks")), 0);
}

/* Models make mistakes: each must come back as a sentence the model can act on. */
static void mistakes_are_explained(void **state)
{
	static const struct {
		const char *tool, *arguments, *words;
	} cases[] = {
		{ "add_task", "{}", "title is missing" },
		{ "add_task", "{\"title\":\"\"}", "title is missing" },
		{ "add_task", "{\"title\":\"  \"}", "title: 1 to" },
		{ "add_task", "{\"title\":[\"a\"]}", "title is missing" },
		{ "complete_task", "{\"task_id\":99}", "no such task" },
		{ "complete_task", "{\"task_id\":-1}", "whole number" },
		{ "complete_task", "{\"task_id\":\"first\"}", "whole number" },
		{ "complete_task", "{}", "task_id is missing" },
		{ "update_task", "{\"task_id\":1}", "new title or description" },
		{ "delete_task", "{\"task_id\":1e30}", "whole number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *error =
			json_text(call(cases[i].tool, stage.alice, cases[i].arguments, NULL), "error");

		assert_true(stage.failed);
		assert_non_null(error);
		if (strstr(error, cases[i].words) == NULL)
			fail_msg("%s %s: \"%s\"", cases[i].tool, cases[i].arguments, error);
	}
}

/* A model is only told of tools it can use: names, schemas and classes must be right. */
static void the_tools_describe_themselves(void **state)
{
	size_t count;
	const struct tool *const *tools = tasks_tools(stage.tasks, &count);

	(void)state;
	assert_int_equal(count, 7);
	for (size_t i = 0; i < count; i++) {
		json_t *schema = json_read(tools[i]->parameters, strlen(tools[i]->parameters), NULL);

		assert_string_equal(json_text(schema, "type"), "object");
		assert_true(json_is_object(json_object_get(schema, "properties")));
		assert_true(json_is_array(json_object_get(schema, "required")));
		assert_int_equal(tools[i]->class, strcmp(tools[i]->name, "list_tasks") == 0 ||
								  strncmp(tools[i]->name, "search_", 7) == 0
							  ? TOOL_READ
							  : TOOL_KEYED);
		assert_int_equal(tasks_guarded(tools[i]), strcmp(tools[i]->name, "send_message") == 0);
		json_decref(schema);
	}
}

/* The daemon stops while a call is under way: nothing is answered, nothing leaks. */
static void stopped_in_the_middle(void **state)
{
	(void)state;
	begin("add_task", stage.alice, "{\"title\":\"milk\"}", "k1");
	begin("list_tasks", stage.alice, "{}", NULL);
	assert_int_equal(stage.answers, 0);
}

int main(void)
{
#define ON_STAGE(TEST) cmocka_unit_test_setup_teardown(TEST, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		ON_STAGE(the_documents_example),
		ON_STAGE(a_tasks_life),
		ON_STAGE(the_speaker_counts_and_not_the_argument),
		ON_STAGE(a_repeated_call_changes_nothing),
		ON_STAGE(mistakes_are_explained),
		ON_STAGE(the_tools_describe_themselves),
		ON_STAGE(stopped_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
