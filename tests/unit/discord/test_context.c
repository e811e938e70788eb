/* What others said before we were called: read once from the channel, told as lines, oldest first, and never for long. */
#include "buf.h"
#include "said.h"
#include "stage_rest.h"

#define PLACE(rest) "{\"guild\":\"1\",\"channel\":\"5\"" rest "}"
#define SAID(id, who, text)                                                                                  \
	"{\"id\":\"" id "\",\"type\":0,\"channel_id\":\"5\",\"author\":{\"id\":\"9\",\"username\":\"u\","    \
	"\"global_name\":\"" who "\"},\"content\":\"" text "\"}"

static unsigned told;
static char told_text[20000];

static void on_context(struct platform_host *host, uint64_t ticket, const char *text)
{
	(void)host;
	assert_int_equal(ticket, 3);
	told++;
	snprintf(told_text, sizeof(told_text), "%s", text ? text : "(nothing)");
}

static struct wire_stage *open_context(void)
{
	struct wire_stage *stage = wire_open();

	told = 0;
	stage->host.context = on_context;
	stage->bot.user_id = 77;
	stage->bot.places = discord_places_create(&stage->bot);
	stage->bot.contexts = discord_contexts_create(&stage->bot);
	return stage;
}

static void close_context(struct wire_stage *stage)
{
	discord_contexts_destroy(stage->bot.contexts);
	assert_null(stage->bot.contexts);
	discord_places_destroy(stage->bot.places);
	wire_close(stage);
}

/* One question, answered by this page. */
static const char *ask(const char *place, const char *page)
{
	struct wire_stage *stage = open_context();

	discord_context(&stage->bot, place, 3);
	assert_int_equal(told, 0); /* never inside the call */
	stage_loop_pass(10);
	assert_int_equal(stage->sent_count, 1);
	wire_answer(stage, 0, 200, "", page);
	assert_int_equal(told, 1);
	close_context(stage);
	return told_text;
}

static void test_the_question(void **state)
{
	struct wire_stage *stage = open_context();

	(void)state;
	discord_context(&stage->bot, PLACE(",\"message\":\"600\""), 3);
	stage_loop_pass(10);
	assert_string_equal(stage->sent[0].method, "GET");
	assert_string_equal(stage->sent[0].url,
			    "https://discord.example/api/v10/channels/5/messages?limit=50&before=600");
	discord_context(&stage->bot, PLACE(",\"user\":\"9\""), 3); /* a command: what was said last */
	wire_ok(stage, 0, "");
	stage_loop_pass(10);
	assert_string_equal(stage->sent[1].url,
			    "https://discord.example/api/v10/channels/5/messages?limit=50");
	close_context(stage);
}

/* The platform tells the newest first (sheet 17). */
static void test_oldest_first(void **state)
{
	(void)state;
	assert_string_equal(ask(PLACE(",\"message\":\"600\""),
				"[" SAID("503", "Ann", "three\\nlines\\n\\nof it") "," SAID(
					"502", "Bob", "  ") "," SAID("501", "Bob", "one") "]"),
			    "Bob: one\nAnn: three\n    lines\n    of it\n");
}

/* Ours, and what came after it, are no context, whatever the platform sends. */
static void test_nothing_of_the_time_after(void **state)
{
	(void)state;
	assert_string_equal(ask(PLACE(",\"message\":\"600\""),
				"[" SAID("601", "Eve", "later") "," SAID("600", "Eve", "ours") "," SAID(
					"599", "Ann", "before") "]"),
			    "Ann: before\n");
}

/* In a thread that was made from a message the first one stands for it; its words are in the parent channel, and here in
 * what it refers to (pitfall 20). */
static void test_the_beginning_of_a_thread(void **state)
{
	(void)state;
	assert_string_equal(
		ask(PLACE(",\"message\":\"600\""),
		    "[" SAID("502", "Ann",
			     "answer") ",{\"id\":\"501\",\"type\":21,\"author\":{\"id\":\"4\","
				       "\"username\":\"x\"},\"content\":\"\",\"referenced_message\":" SAID(
					       "500", "Bob", "question") "},"
									 "{\"id\":\"499\",\"type\":21,"
									 "\"referenced_message\":null}]"),
		"Bob: question\nAnn: answer\n");
}

static void test_strange_pages(void **state)
{
	static const char *const pages[] = { "[]", "{}", "7", "[7,{},[],null]",
					     "[{\"id\":\"1\",\"content\":7,\"author\":[]}]" };

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		assert_string_equal(ask(PLACE(""), pages[i]), "(nothing)");
	assert_string_equal(ask(PLACE(""), "[{\"id\":\"1\",\"content\":\"hi\"}]"), "somebody: hi\n");
}

/* A long history takes no more room than is granted, and the newest are told. */
static void test_bounds(void **state)
{
	struct buf page = { 0 };
	const char *text;

	(void)state;
	buf_text(&page, "[");
	for (int i = 50; i > 0; i--)
		buf_format(&page, "%s{\"id\":\"%d\",\"author\":{\"username\":\"u\"},\"content\":\"m%d\"}",
			   i < 50 ? "," : "", i, i);
	buf_text(&page, "]");
	text = ask(PLACE(""), buf_str(&page));
	assert_int_equal(strncmp(text, "u: m31\nu: m32\n", 14), 0);
	assert_non_null(strstr(text, "u: m50\n"));
	buf_clear(&page);
	buf_text(&page, "[");
	for (int i = 9; i > 0; i--) {
		buf_format(&page, "%s{\"id\":\"%d\",\"author\":{\"username\":\"u\"},\"content\":\"m%d ",
			   i < 9 ? "," : "", i, i);
		for (int j = 0; j < 1500; j++)
			buf_text(&page, "\xc3\xa9");
		buf_text(&page, "\"}");
	}
	buf_text(&page, "]");
	text = ask(PLACE(""), buf_str(&page));
	assert_true(strlen(text) <= SAID_TEXT_MAX);
	assert_null(strstr(text, "m5"));
	assert_int_equal(strncmp(text, "u: m6 ", 6), 0);
	buf_free(&page);
}

/* Nobody else speaks in a direct message, and what is no place has no past: nothing is asked. */
static void test_without_a_question(void **state)
{
	static const char *const places[] = { "{\"channel\":\"5\"}", "x", "{}" };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct wire_stage *stage = open_context();

		stage->bot.dead = i == 3;
		stage->bot.disabled = i == 4;
		discord_context(&stage->bot, i < 3 ? places[i] : PLACE(""), 3);
		stage_loop_pass(10);
		assert_int_equal(told, 1);
		assert_string_equal(told_text, "(nothing)");
		assert_int_equal(stage->sent_count, 0);
		close_context(stage);
	}
}

/* The core waits five seconds and no more. */
static void test_in_time(void **state)
{
	struct wire_stage *stage = open_context();

	(void)state;
	discord_context(&stage->bot, PLACE(""), 3);
	stage_loop_pass(10);
	assert_in_range(stage->sent[0].total_ms, 1, 3500);
	discord_context(&stage->bot, PLACE(""), 3); /* behind it */
	stage_loop_pass(2000);
	assert_int_equal(told, 1);
	assert_string_equal(told_text, "(nothing)");
	wire_answer(stage, 0, 403, "", "{\"message\":\"Missing Access\",\"code\":50001}");
	assert_int_equal(told, 2);
	assert_string_equal(told_text, "(nothing)");
	close_context(stage);
}

static void test_the_end_in_the_middle(void **state)
{
	struct wire_stage *stage = open_context();

	(void)state;
	discord_context(&stage->bot, PLACE(""), 3);
	stage_loop_pass(10);
	discord_context(&stage->bot, PLACE(""), 3);
	close_context(stage);
	assert_int_equal(told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_question),
		cmocka_unit_test(test_oldest_first),
		cmocka_unit_test(test_nothing_of_the_time_after),
		cmocka_unit_test(test_the_beginning_of_a_thread),
		cmocka_unit_test(test_strange_pages),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_without_a_question),
		cmocka_unit_test(test_in_time),
		cmocka_unit_test(test_the_end_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
