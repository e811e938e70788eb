/* The offline responder: a first run must talk, keep tasks and never pretend to be a language model. */
#include "ai_open.h"
#include "fake_loop.h"
#include "local.h"
#include "mem.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>
#include <string.h>

/* ---- phrases ------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum phrase_kind kind;
	long id;
	const char *title, *into;
} phrases[] = {
	{ "Add a task to buy groceries", PHRASE_ADD, 0, "buy groceries", NULL },
	{ "add a task to buy groceries.", PHRASE_ADD, 0, "buy groceries", NULL },
	{ "Please add task: call Mum!", PHRASE_ADD, 0, "call Mum", NULL },
	{ "add a new task called \"Pay rent\"", PHRASE_ADD, 0, "Pay rent", NULL },
	{ "could you add buy milk to my list please", PHRASE_ADD, 0, "buy milk", NULL },
	{ "Remind me to water the plants", PHRASE_ADD, 0, "water the plants", NULL },
	{ "hey usher, remind me to add a comma", PHRASE_ADD, 0, "add a comma", NULL },
	{ "list my tasks", PHRASE_LIST, 0, NULL, NULL },
	{ "Show me all tasks", PHRASE_LIST, 0, NULL, NULL },
	{ "show my completed tasks", PHRASE_LIST, 0, "completed", NULL },
	{ "What's on my list?", PHRASE_LIST, 0, NULL, NULL },
	{ "What are my tasks?", PHRASE_LIST, 0, NULL, NULL },
	{ "complete task 3", PHRASE_COMPLETE, 3, NULL, NULL },
	{ "finish #12", PHRASE_COMPLETE, 12, NULL, NULL },
	{ "mark task 4 as done", PHRASE_COMPLETE, 4, NULL, NULL },
	{ "Complete the task buy groceries", PHRASE_COMPLETE, 0, "buy groceries", NULL },
	{ "I finished the task 'Pay rent'.", PHRASE_COMPLETE, 0, "Pay rent", NULL },
	{ "rename task 3 to buy oat milk", PHRASE_RENAME, 3, NULL, "buy oat milk" },
	{ "rename the task buy milk to buy oat milk", PHRASE_RENAME, 0, "buy milk", "buy oat milk" },
	{ "delete task 3", PHRASE_DELETE, 3, NULL, NULL },
	{ "Remove the task buy milk", PHRASE_DELETE, 0, "buy milk", NULL },
	{ "Hello!", PHRASE_GREETING, 0, NULL, NULL },
	{ "hi there", PHRASE_GREETING, 0, NULL, NULL },
	{ "help", PHRASE_HELP, 0, NULL, NULL },
	{ "what can you do?", PHRASE_HELP, 0, NULL, NULL },
	{ "thank you very much", PHRASE_THANKS, 0, NULL, NULL },
	{ "What is the capital of France?", PHRASE_OTHER, 0, NULL, NULL },
	{ "complete", PHRASE_OTHER, 0, NULL, NULL },
	{ "add", PHRASE_OTHER, 0, NULL, NULL },
	{ "task 99999999999 is done", PHRASE_COMPLETE, 0, NULL, NULL },
	{ "", PHRASE_OTHER, 0, NULL, NULL },
};

static void same_text(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got ? got : "(none)", want);
}

static void test_phrases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++) {
		struct arena *arena = arena_create();
		struct phrase got = local_phrase(phrases[i].text, arena);

		print_message("%s\n", phrases[i].text);
		if (strstr(phrases[i].text, "99999999999")) { /* no such number: never a wrong task */
			assert_int_equal(got.id, 0);
		} else {
			assert_int_equal(got.kind, phrases[i].kind);
			assert_int_equal(got.id, phrases[i].id);
			same_text(got.title, phrases[i].title);
			same_text(got.into, phrases[i].into);
		}
		arena_destroy(arena);
	}
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static const struct tool add = { .name = "add_task" }, list = { .name = "list_tasks" },
			 done = { .name = "complete_task" }, drop = { .name = "delete_task" },
			 update = { .name = "update_task" }, search = { .name = "search_files" };
static const struct tool *const task_tools[] = { &add, &list, &done, &drop, &update };
static const struct tool *const file_tools[] = { &search };

struct reply {
	char *text, *tool, *arguments;
};

/* Asks with the prompt and what tools have returned so far ("tool", "result", ..., NULL). */
static struct reply ask(const char *prompt, const struct tool *const *tools, size_t tool_count,
			const char *const *results)
{
	struct llm_message messages[16] = { { .role = LLM_USER, .text = prompt } };
	struct llm_request request = {
		.messages = messages, .message_count = 1, .tools = tools, .tool_count = tool_count
	};
	struct arena *arena = arena_create();
	struct local_reply got;
	struct reply reply = { 0 };

	for (size_t i = 0; results && results[i]; i += 2) {
		messages[request.message_count++] = (struct llm_message){ .role = LLM_ASSISTANT };
		messages[request.message_count++] =
			(struct llm_message){ .role = LLM_TOOL, .tool = results[i], .text = results[i + 1] };
	}
	got = local_answer(&request, arena);
	reply.text = mem_text(got.text);
	if (got.call.id) {
		reply.tool = mem_text(got.call.name);
		reply.arguments = mem_text(got.call.arguments);
	}
	arena_destroy(arena);
	return reply;
}

static void expect_call(struct reply reply, const char *tool, const char *arguments)
{
	assert_null(reply.text);
	assert_string_equal(reply.tool, tool);
	assert_string_equal(reply.arguments, arguments);
	free(reply.tool);
	free(reply.arguments);
}

static void expect_text(struct reply reply, const char *text)
{
	assert_null(reply.tool);
	assert_string_equal(reply.text, text);
	free(reply.text);
}

#define TASKS(prompt, ...) ask(prompt, task_tools, 5, (const char *const[]){ __VA_ARGS__ NULL })

static void test_the_documents_example(void **state)
{
	(void)state;
	expect_call(TASKS("Add a task to buy groceries", ), "add_task", "{\"title\":\"buy groceries\"}");
	expect_text(TASKS("Add a task to buy groceries", "add_task",
			  "{\"task_id\": 456, \"status\": \"created\", \"title\": \"buy groceries\"}", ),
		    "I've added the task 'buy groceries' to your list.");
	expect_text(
		TASKS("Add a task to buy groceries", "add_task", "{\"error\": \"Task creation failed\"}", ),
		"I encountered an issue adding your task. Please try again.");
}

#define LISTED                                                                                               \
	"{\"tasks\":[{\"task_id\":3,\"title\":\"buy milk\",\"completed\":false},"                            \
	"{\"task_id\":4,\"title\":\"Pay rent\",\"completed\":true}]}"

static void test_tasks(void **state)
{
	(void)state;
	expect_call(TASKS("complete task 3", ), "complete_task", "{\"task_id\":3}");
	expect_text(TASKS("complete task 3", "complete_task", "{\"task_id\":3,\"title\":\"buy milk\"}", ),
		    "I've marked the task 'buy milk' as complete.");
	expect_text(TASKS("complete task 9", "complete_task", "{\"error\":\"Task not found\"}", ),
		    "I couldn't find task 9. Say \"list my tasks\" to see them.");
	expect_call(TASKS("complete the task Buy Milk", ), "list_tasks", "{}");
	expect_call(TASKS("complete the task Buy Milk", "list_tasks", LISTED, ), "complete_task",
		    "{\"task_id\":3}");
	expect_text(TASKS("complete the task fly", "list_tasks", LISTED, ),
		    "I couldn't find a task called 'fly'. Say \"list my tasks\" to see them.");
	expect_call(TASKS("rename task 3 to buy oat milk", ), "update_task",
		    "{\"task_id\":3,\"title\":\"buy oat milk\"}");
	expect_text(TASKS("rename task 3 to x", "update_task", "{\"task_id\":3,\"title\":\"x\"}", ),
		    "I've renamed the task to 'x'.");
	expect_call(TASKS("delete the task pay rent", "list_tasks", LISTED, ), "delete_task",
		    "{\"task_id\":4}");
	expect_text(TASKS("delete task 4", "delete_task", "{\"error\":\"locked\"}", ),
		    "I encountered an issue deleting your task. Please try again.");
	expect_text(TASKS("list my tasks", "list_tasks", LISTED, ),
		    "Here are your tasks:\n\n- 3: buy milk\n- 4: Pay rent (done)");
	expect_text(TASKS("list my tasks", "list_tasks", "{\"tasks\":[]}", ), "Your task list is empty.");
	expect_text(TASKS("list my tasks", "list_tasks", "not json", ),
		    "I encountered an issue reading your tasks. Please try again.");
}

static void test_files(void **state)
{
	const char *const found[] = {
		"search_files",
		"{\"results\":[{\"file\":\"terms.pdf\",\"page\":4,\"text\":\"within 14 days\"}]}", NULL
	};
	const char *const nothing[] = { "search_files", "{\"results\":[]}", NULL };
	struct reply reply;

	(void)state;
	expect_call(ask("When must I pay?", file_tools, 1, NULL), "search_files",
		    "{\"query\":\"When must I pay?\"}");
	expect_text(ask("When must I pay?", file_tools, 1, found),
		    "This is what the imported files say:\n\n**terms.pdf**, page 4:\n> within 14 days");
	reply = ask("When must I pay?", file_tools, 1, nothing);
	assert_non_null(strstr(reply.text, "nothing about this"));
	free(reply.text);
}

/* Nobody may take it for a model that failed to answer. */
static void test_says_what_it_is(void **state)
{
	static const char *const prompts[] = { "Hello", "help", "What is the capital of France?",
					       "Add a task to buy groceries", "<script>alert(1)</script>" };

	(void)state;
	for (size_t i = 0; i < sizeof(prompts) / sizeof(*prompts); i++) {
		struct reply reply = ask(prompts[i], NULL, 0, NULL);

		assert_non_null(strstr(reply.text, "not a language model"));
		assert_null(strstr(reply.text, "script"));
		if (i > 0)
			assert_non_null(strstr(reply.text, "`models`"));
		free(reply.text);
	}
}

/* ---- as a provider, through the whole room ------------------------------------------------------------- */

struct heard {
	char text[2000], done[2000];
	size_t parts;
	char *tool_calls;
	int64_t cost;
};

static void on_part(void *owner, uint64_t ticket, const char *text, size_t len, bool again)
{
	struct heard *heard = owner;

	assert_int_equal(ticket, 7);
	assert_false(again);
	strncat(heard->text, text, len);
	heard->parts++;
}

static void on_done(void *owner, uint64_t ticket, const struct ai_result *result)
{
	struct heard *heard = owner;

	assert_int_equal(ticket, 7);
	assert_int_equal(result->err.kind, ERR_NONE);
	assert_int_equal(result->attempt_count, 1);
	heard->cost = result->attempts[0].cost_micros + result->attempts[0].input_tokens;
	strncat(heard->done, result->text, sizeof(heard->done) - 1);
}

static const struct ai_events events = { .part = on_part, .done = on_done };

static void test_streams_through_the_room(void **state)
{
	struct loop *loop = fake_loop_create();
	struct ai_options options = { .loop = loop, .rounds_max = 3, .attempts_max = 2, .turn_ms = 60000 };
	struct ai_ask question = { .prompt = "hello", .temperature = -1, .key = "k" };
	struct heard heard = { .cost = -5 };
	struct err err = { 0 };
	struct ai *ai = ai_create(&options, &err);

	(void)state;
	assert_non_null(ai);
	assert_string_equal(ai_model_name(ai, 0), "local");
	assert_null(ai_model_name(ai, 1));
	ai_start(ai, &question, &events, &heard, 7);
	assert_int_equal(heard.parts, 0);
	fake_loop_pass(loop, 100);
	assert_string_equal(heard.text, heard.done);
	assert_true(heard.parts >= 2);
	assert_int_equal(heard.cost, 0); /* free, and known to be */
	ai_start(ai, &question, &events, &heard, 7);
	ai_destroy(ai); /* with one running */
	fake_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phrases),		cmocka_unit_test(test_the_documents_example),
		cmocka_unit_test(test_tasks),		cmocka_unit_test(test_files),
		cmocka_unit_test(test_says_what_it_is), cmocka_unit_test(test_streams_through_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
