/* Calls of the Bot API that wait for each other (sheet 8): the rates are kept, also the order within a chat, what can be
 * dropped never delays what can't, memory is bounded, and what was cancelled stays silent. */
#include "api_room.h"
#include "stage_call.h"

#define LIMITED(seconds)                                                                                     \
	"{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after " seconds         \
	"\",\"parameters\":{\"retry_after\":" seconds "}}"

static uint64_t droppable(struct net_stage *stage, struct net_result *result, int64_t chat, bool group)
{
	return net_call(
		stage, result,
		(struct telegram_call){
			.method = "editMessageText", .chat = chat, .group = group, .droppable = true },
		"{}");
}

/* ---- rates ------------------------------------------------------------------------------------------------------- */

/* How many calls of a chat went out at once, and how long the next one would have to wait. */
static size_t at_once(struct net_stage *stage, bool group, unsigned *wait_out)
{
	struct net_result results[40] = { 0 };
	size_t went = 0;

	for (size_t i = 0; i < 40 && went == i; i++) {
		net_call(stage, &results[i],
			 (struct telegram_call){
				 .method = "sendMessage", .chat = -5, .group = group, .wait_ms = 1 },
			 "{}");
		NET_WAIT(stage, results[i].count == 1);
		went += results[i].how == TELEGRAM_OK;
		*wait_out = results[i].retry_ms;
	}
	return went;
}

static void test_a_private_chat(void **state)
{
	struct net_stage *stage = net_open();
	unsigned wait;

	(void)state;
	assert_in_range(at_once(stage, false, &wait), API_CHAT_BURST, API_CHAT_BURST + 1);
	assert_in_range(wait, 1, API_CHAT_MS);
	net_close(stage);
}

/* No more than two are left of the burst before it is one a second; a group allows 20 a minute on top of that. */
static void test_a_group(void **state)
{
	struct pace second = { .interval_ms = API_CHAT_MS, .burst = API_CHAT_BURST };
	struct pace minute = { .interval_ms = API_GROUP_MS, .burst = API_GROUP_BURST };
	uint64_t went[200];
	size_t count = 0, from = 0;

	(void)state;
	for (uint64_t now = 600000; now < 900000; now += 10) {
		while (pace_wait(&second, now, 0) == 0 && pace_wait(&minute, now, 0) == 0) {
			pace_take(&second, now);
			pace_take(&minute, now);
			went[count++] = now;
		}
		while (went[from] + 60000 <= now)
			from++;
		assert_in_range(count - from, 0, 20);
	}
	assert_true(count > 60);
}

static void test_the_whole_bot(void **state)
{
	struct pace bot = { .interval_ms = API_BOT_MS, .burst = API_BOT_BURST };
	uint64_t went[20000];
	size_t count = 0, from = 0;

	(void)state;
	for (uint64_t now = 600000; now < 660000; now += 5) {
		while (pace_wait(&bot, now, 0) == 0) {
			pace_take(&bot, now);
			went[count++] = now;
		}
		while (went[from] + 1000 <= now)
			from++;
		assert_in_range(count - from, 0, 30);
	}
	assert_true(count >= 24 * 60);
}

/* Many chats at once: all are served, and in turn. */
static void test_chats_take_turns(void **state)
{
	enum { CHATS = 15 };
	struct net_stage *stage = net_open();
	struct net_result first[CHATS] = { 0 }, second[CHATS] = { 0 };
	unsigned done = 0, last_first = 0;

	(void)state;
	for (int i = 0; i < CHATS; i++) {
		net_message(stage, &first[i], 100 + i);
		net_message(stage, &second[i], 100 + i);
	}
	while (done < CHATS) {
		net_step(stage);
		done = 0;
		for (int i = 0; i < CHATS; i++)
			done += second[i].count;
	}
	for (int i = 0; i < CHATS; i++) {
		assert_int_equal(first[i].how, TELEGRAM_OK);
		assert_int_equal(second[i].how, TELEGRAM_OK);
		assert_true(first[i].order < second[i].order);
		if (first[i].order > last_first)
			last_first = first[i].order;
	}
	assert_true(last_first < second[CHATS - 1].order);
	net_close(stage);
}

/* ---- 429 --------------------------------------------------------------------------------------------------------- */

static void test_429_pauses_exactly_that_chat(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result limited = { 0 }, same = { 0 }, other = { 0 }, dropped = { 0 };

	(void)state;
	net_say(stage, "sendMessage", 429, LIMITED("1"));
	net_message(stage, &limited, 1);
	NET_WAIT(stage, limited.count == 1);
	assert_int_equal(limited.how, TELEGRAM_LIMITED);
	assert_int_equal(limited.retry_ms, 1000);
	droppable(stage, &dropped, 1, false);
	net_message(stage, &same, 1);
	net_message(stage, &other, 2);
	NET_WAIT(stage, same.count == 1 && other.count == 1);
	assert_int_equal(same.how, TELEGRAM_OK); /* it waited, and then went */
	assert_int_equal(other.how, TELEGRAM_OK);
	assert_true(other.order < same.order);
	assert_int_equal(dropped.how, TELEGRAM_LIMITED);
	assert_true(dropped.order < other.order);
	net_close(stage);
}

/* The number in the JSON counts; the header only without it; and a long time is passed on as it is. */
static void test_for_how_long(void **state)
{
	static const struct {
		const char *body, *header;
		unsigned ms;
	} cases[] = {
		{ LIMITED("17"), "5", 17000 },
		{ LIMITED("3600"), NULL, 3600000 },
		{ LIMITED("99999999999"), NULL, API_RETRY_MAX_MS },
		{ LIMITED("-4"), "7", 7000 },
		{ "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests\"}", "9", 9000 },
		{ "<p>slow down</p>", "2", 2000 },
		{ "<p>slow down</p>", NULL, API_RETRY_MS },
	};
	struct net_stage *stage = net_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct net_result result;

		net_say(stage, NULL, 429, "%s", cases[i].body);
		if (cases[i].header) {
			stage->answers[i].header = "Retry-After";
			stage->answers[i].value = cases[i].header;
		}
		result = net_ask(stage, "setMyCommands");
		assert_int_equal(result.how, TELEGRAM_LIMITED);
		assert_int_equal(result.retry_ms, cases[i].ms);
	}
	net_close(stage);
}

/* Longer than the caller would wait: told at once, not after ten seconds. */
static void test_a_long_pause_is_told_at_once(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result limited = { 0 }, next = { 0 };

	(void)state;
	net_say(stage, "sendMessage", 429, LIMITED("400"));
	net_message(stage, &limited, 1);
	NET_WAIT(stage, limited.count == 1);
	net_message(stage, &next, 1);
	net_step(stage);
	NET_WAIT(stage, next.count == 1);
	assert_int_equal(next.how, TELEGRAM_LIMITED);
	assert_in_range(next.retry_ms, 390000, 401000);
	assert_int_equal(stage->seen_count, 1);
	net_close(stage);
}

static void test_three_limited_chats_pause_all(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result results[4] = { 0 }, other = { 0 }, updates = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		net_say(stage, "sendMessage", 429, LIMITED("300"));
		net_message(stage, &results[i], 10 + i);
		NET_WAIT(stage, results[i].count == 1);
	}
	net_message(stage, &other, 99);
	NET_WAIT(stage, other.count == 1);
	assert_int_equal(other.how, TELEGRAM_LIMITED);
	assert_in_range(other.retry_ms, 290000, 301000);
	updates = net_ask(stage, "getUpdates"); /* what comes in is not limited by that */
	assert_int_equal(updates.how, TELEGRAM_OK);
	net_close(stage);
}

static void test_two_limited_chats_are_two_chats(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result results[2] = { 0 }, other = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		net_say(stage, "sendMessage", 429, LIMITED("300"));
		net_message(stage, &results[i], 10 + i);
		NET_WAIT(stage, results[i].count == 1);
	}
	net_message(stage, &other, 99);
	NET_WAIT(stage, other.count == 1);
	assert_int_equal(other.how, TELEGRAM_OK);
	net_close(stage);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* A part of an answer never arrives before the one before it (pitfall 28). */
static void test_one_chat_is_strictly_in_order(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result results[3] = { 0 }, other = { 0 }, none[2] = { 0 }, dropped = { 0 };

	(void)state;
	stage->hold = true;
	for (int i = 0; i < 3; i++)
		net_message(stage, &results[i], 1);
	net_message(stage, &other, 2);
	for (int i = 0; i < 2; i++)
		net_call(stage, &none[i], (struct telegram_call){ .method = "getFile" }, NULL);
	NET_WAIT(stage, stage->seen_count == 4);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 4); /* the first of each chat, and what is about none */
	assert_int_equal(telegram_lanes_running(stage->bot.lanes), 6);
	droppable(stage, &dropped, 1, false); /* behind others it would come too late */
	NET_WAIT(stage, dropped.count == 1);
	assert_int_equal(dropped.how, TELEGRAM_LIMITED);
	while (results[2].count == 0) {
		NET_WAIT(stage, net_held(stage) > 0);
		net_let_go(stage);
		net_rest(stage);
	}
	assert_true(results[0].order < results[1].order && results[1].order < results[2].order);
	net_close(stage);
}

/* Edits of a growing answer leave room for its final text. */
static void test_droppable_ones_keep_out_of_the_way(void **state)
{
	static const bool groups[] = { false, true };

	(void)state;
	for (size_t g = 0; g < 2; g++) {
		struct net_stage *stage = net_open();
		struct net_result edit = { 0 }, last = { 0 };
		size_t asked;

		do {
			droppable(stage, &edit, -7, groups[g]);
			asked = stage->seen_count;
			NET_WAIT(stage, edit.count == 1);
			edit.count = 0;
		} while (edit.how == TELEGRAM_OK);
		assert_int_equal(edit.how, TELEGRAM_LIMITED);
		assert_in_range(edit.retry_ms, 1, API_GROUP_MS);
		net_call(stage, &last,
			 (struct telegram_call){
				 .method = "sendMessage", .chat = -7, .group = groups[g], .wait_ms = 1 },
			 "{}");
		NET_WAIT(stage, last.count == 1);
		assert_int_equal(last.how, TELEGRAM_OK);
		assert_true(stage->seen_count > asked);
		net_close(stage);
	}
}

static void test_waiting_ends(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result first = { 0 }, second = { 0 }, third = { 0 };

	(void)state;
	stage->hold = true;
	net_message(stage, &first, 1);
	net_call(stage, &second, (struct telegram_call){ .method = "sendMessage", .chat = 1, .wait_ms = 20 },
		 "{}");
	net_message(stage, &third, 1);
	NET_WAIT(stage, second.count == 1);
	assert_int_equal(second.how, TELEGRAM_LIMITED);
	assert_true(second.retry_ms >= 1000);
	net_let_go(stage);
	NET_WAIT(stage, stage->seen_count == 2); /* the third is not stuck behind it */
	net_let_go(stage);
	NET_WAIT(stage, third.count == 1);
	net_close(stage);
}

static void test_more_than_can_wait(void **state)
{
	enum { MORE = API_WAITING_MAX + 300 };
	struct net_stage *stage = net_open();
	struct net_result *results = mem_zero(MORE, sizeof(*results));
	size_t limited = 0, other = 0;

	(void)state;
	stage->hold = true;
	for (int i = 0; i < MORE; i++)
		net_call(stage, &results[i],
			 (struct telegram_call){ .method = "sendMessage", .chat = 1, .wait_ms = UINT32_MAX },
			 "{}");
	NET_WAIT(stage, results[MORE - 1].count == 1);
	net_rest(stage);
	for (int i = 0; i < MORE; i++) {
		limited += results[i].count == 1 && results[i].how == TELEGRAM_LIMITED;
		other += results[i].count == 1 && results[i].how != TELEGRAM_LIMITED;
	}
	assert_int_equal(limited, 300);
	assert_int_equal(other, 0);
	net_close(stage);
	free(results);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void test_cancelled_calls_say_nothing(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result running = { 0 }, waiting = { 0 }, decided = { 0 }, next = { 0 };
	uint64_t ids[3];

	(void)state;
	stage->hold = true;
	ids[0] = net_message(stage, &running, 1);
	NET_WAIT(stage, stage->seen_count == 1);
	ids[1] = net_message(stage, &waiting, 1);
	ids[2] = droppable(stage, &decided, 1, false);
	net_message(stage, &next, 1);
	for (int i = 0; i < 3; i++)
		telegram_api_cancel(&stage->bot, ids[i]);
	telegram_api_cancel(&stage->bot, 12345);
	stage->hold = false;
	NET_WAIT(stage, next.count == 1);
	assert_int_equal(running.count + waiting.count + decided.count, 0);
	net_close(stage);
}

static void test_callbacks_start_and_cancel(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result first = { .stage = stage }, next = { 0 }, cancelled = { 0 };

	(void)state;
	first.next = &next;
	net_message(stage, &first, 1);
	first.cancels = net_message(stage, &cancelled, 1);
	NET_WAIT(stage, next.count == 1);
	assert_int_equal(first.count, 1);
	assert_int_equal(cancelled.count, 0);
	net_close(stage);
}

static void test_destroyed_with_all_kinds_of_calls(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result results[6] = { 0 };

	(void)state;
	stage->hold = true;
	net_message(stage, &results[0], 1);
	net_call(stage, &results[1], (struct telegram_call){ .method = "getFile" }, NULL);
	NET_WAIT(stage, stage->seen_count == 2);
	net_message(stage, &results[2], 1);
	net_call(stage, &results[3],
		 (struct telegram_call){ .method = "sendDocument", .chat = 1, .file = "x", .file_len = 1 },
		 "{}");
	droppable(stage, &results[4], 1, false);
	net_call(stage, &results[5], (struct telegram_call){ .method = "getUpdates" }, NULL);
	net_close(stage);
	for (int i = 0; i < 6; i++)
		assert_int_equal(results[i].count, 0);
}

/* The table of chats does not grow for ever. */
static void test_chats_at_rest_are_forgotten(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = { 0 };

	(void)state;
	for (int i = 1; i <= 3 * API_CHATS_SWEPT; i++)
		telegram_turns_chat(stage->bot.lanes, i, false);
	assert_in_range(HASH_COUNT(stage->bot.lanes->chats), 1, API_CHATS_SWEPT);
	net_message(stage, &result, 7);
	NET_WAIT(stage, result.count == 1);
	assert_int_equal(result.how, TELEGRAM_OK);
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_private_chat),
		cmocka_unit_test(test_a_group),
		cmocka_unit_test(test_the_whole_bot),
		cmocka_unit_test(test_chats_take_turns),
		cmocka_unit_test(test_429_pauses_exactly_that_chat),
		cmocka_unit_test(test_for_how_long),
		cmocka_unit_test(test_a_long_pause_is_told_at_once),
		cmocka_unit_test(test_three_limited_chats_pause_all),
		cmocka_unit_test(test_two_limited_chats_are_two_chats),
		cmocka_unit_test(test_one_chat_is_strictly_in_order),
		cmocka_unit_test(test_droppable_ones_keep_out_of_the_way),
		cmocka_unit_test(test_waiting_ends),
		cmocka_unit_test(test_more_than_can_wait),
		cmocka_unit_test(test_cancelled_calls_say_nothing),
		cmocka_unit_test(test_callbacks_start_and_cancel),
		cmocka_unit_test(test_destroyed_with_all_kinds_of_calls),
		cmocka_unit_test(test_chats_at_rest_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
