/* Who judges what servers say of their tools: nothing is offered unjudged, what changed is said once, and the words are kept. */
#include "json.h"
#include "log.h"
#include "mem.h"
#include "pins.h"
#include "stage_loop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The question to the store that waits, and what the mcp heard. */
static struct {
	struct pins *pins;
	char name[16], args[4][200];
	size_t count;
	store_json_fn *fn;
	void *owner;
	uint64_t ticket;
	char good[8];
	uint64_t judged;
	unsigned listed;
} stage;

void pin_store_act(struct store *store, const char *name, const char *const *args, size_t count,
		   store_json_fn *fn, void *owner, uint64_t ticket);
void pin_store_act(struct store *store, const char *name, const char *const *args, size_t count,
		   store_json_fn *fn, void *owner, uint64_t ticket)
{
	(void)store;
	assert_null(stage.fn);
	snprintf(stage.name, sizeof(stage.name), "%s", name);
	for (size_t i = 0; i < count; i++)
		snprintf(stage.args[i], sizeof(stage.args[i]), "%s", args[i]);
	stage.count = count;
	stage.fn = fn;
	stage.owner = owner;
	stage.ticket = ticket;
}

void pin_mcp_judged(struct mcp *mcp, uint64_t ticket, const bool *good, size_t count);
void pin_mcp_judged(struct mcp *mcp, uint64_t ticket, const bool *good, size_t count)
{
	(void)mcp;
	stage.judged = ticket;
	for (size_t i = 0; i < count; i++)
		stage.good[i] = good[i] ? '+' : '-';
	stage.good[count] = '\0';
}

void pin_mcp_list_again(struct mcp *mcp, const char *name);
void pin_mcp_list_again(struct mcp *mcp, const char *name)
{
	(void)mcp;
	assert_string_equal(name, "files");
	stage.listed++;
}

static void answer(enum err_kind kind, const char *json)
{
	store_json_fn *fn = stage.fn;
	struct err err = { .kind = kind };

	assert_non_null(fn);
	stage.fn = NULL;
	fn(stage.owner, stage.ticket, &err, kind == ERR_NONE ? json : NULL);
}

static int open_stage(void **state)
{
	static struct log log;

	(void)state;
	memset(&stage, 0, sizeof(stage));
	stage.pins = pins_create(NULL, stage_loop_open(), &log);
	pins_use(stage.pins, (struct mcp *)&stage);
	return 0;
}

static int close_stage(void **state)
{
	(void)state;
	pins_destroy(stage.pins);
	stage_loop_close();
	return 0;
}

static const struct mcp_pin two[] = { { "files", "read", "aa", "{\"name\":\"read\"}" },
				      { "files", "write", "bb", "{\"name\":\"write\"}" } };

static char *changed(void)
{
	json_t *all = pins_changed(stage.pins);
	char *text = json_write(all);

	json_decref(all);
	return text;
}

static void what_changed_is_not_offered_and_the_words_are_kept(void **state)
{
	char *text;

	(void)state;
	pins_judge(stage.pins, 7, two, 2);
	assert_string_equal(stage.args[1], "[[\"read\",\"aa\"],[\"write\",\"bb\"]]");
	assert_int_equal(stage.judged, 0);
	answer(ERR_NONE, "{\"judged\":\"=!\",\"wanted\":[0,1]}");
	assert_int_equal(stage.judged, 7);
	assert_string_equal(stage.good, "+-");
	text = changed();
	assert_string_equal(text, "[\"files/write\"]");
	free(text);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(stage.name, "tool_said");
		assert_string_equal(stage.args[1], two[i].tool);
		assert_string_equal(stage.args[2], two[i].hash);
		assert_string_equal(stage.args[3], two[i].definition);
		if (i == 0) { /* put again until the store has it */
			answer(ERR_AGAIN, NULL);
			assert_null(stage.fn);
			stage_loop_pass(2000);
			assert_string_equal(stage.args[2], two[i].hash);
		}
		answer(ERR_NONE, "{}");
	}
	assert_null(stage.fn);
	assert_int_equal(stage.judged, 7);
}

static void a_server_that_says_too_much_is_not_kept(void **state)
{
	(void)state;
	pins_judge(stage.pins, 7, two, 2);
	answer(ERR_NONE, "{\"judged\":\"++\",\"wanted\":[0,1]}");
	answer(ERR_REFUSED, NULL);
	assert_null(stage.fn); /* neither this one nor the rest */
	assert_string_equal(stage.good, "++");
}

static void nothing_is_offered_while_the_store_can_not_tell(void **state)
{
	(void)state;
	pins_judge(stage.pins, 7, two, 2);
	answer(ERR_AGAIN, NULL);
	assert_int_equal(stage.judged, 0);
	stage_loop_pass(2000);
	answer(ERR_NONE,
	       "{\"judged\":\"+-\",\"wanted\":[]}"); /* one that was not kept is not offered either */
	assert_string_equal(stage.good, "+-");
	assert_null(stage.fn);
}

static void a_later_list_overtakes_the_keeping(void **state)
{
	(void)state;
	pins_judge(stage.pins, 7, two, 2);
	answer(ERR_NONE, "{\"judged\":\"++\",\"wanted\":[0,1]}");
	assert_string_equal(stage.name, "tool_said");
	stage.fn = NULL; /* its answer comes late */
	pins_judge(stage.pins, 8, two, 1);
	assert_string_equal(stage.name, "tools_seen");
	answer(ERR_NONE, "{\"judged\":\"=\",\"wanted\":[]}");
	assert_int_equal(stage.judged, 8);
	assert_null(stage.fn);
}

static void what_is_too_long_is_not_sent(void **state)
{
	char *words = mem_zero(1, 60000);
	struct mcp_pin one = { "files", "read", "aa", words };

	(void)state;
	memset(words, 'x', 59999);
	pins_judge(stage.pins, 7, &one, 1);
	free(words);
	answer(ERR_NONE, "{\"judged\":\"+\",\"wanted\":[0]}");
	assert_null(stage.fn);
	assert_string_equal(stage.good, "+");
}

static void heard(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	(void)json;
	(void)err;
	*(uint64_t *)owner = ticket;
}

static void what_was_approved_is_asked_for_again(void **state)
{
	uint64_t told = 0;

	(void)state;
	pins_approve(stage.pins, "files/a/b", "aabbccdd", heard, &told, 3);
	assert_string_equal(stage.args[0], "files");
	assert_string_equal(stage.args[1], "a/b");
	assert_string_equal(stage.args[2], "aabbccdd");
	answer(ERR_NONE, "{}");
	assert_int_equal(told, 3);
	assert_int_equal(stage.listed, 1);
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		CASE(what_changed_is_not_offered_and_the_words_are_kept),
		CASE(a_server_that_says_too_much_is_not_kept),
		CASE(nothing_is_offered_while_the_store_can_not_tell),
		CASE(a_later_list_overtakes_the_keeping),
		CASE(what_is_too_long_is_not_sent),
		CASE(what_was_approved_is_asked_for_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
