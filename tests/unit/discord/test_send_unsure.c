/* A message whose answer was lost is neither lost nor said twice: the platform knows its nonce for two minutes, the gateway
 * may show it, and later the channel is read. */
#include "sending.h"
#include "stage_out.h"

static struct outgoing again(void)
{
	struct outgoing out = out_answer(OUT_CHANNEL, "yes");

	out.unsure = true;
	out.attempt = 2;
	return out;
}

/* Reads the channel, after the moment in which it may not stand there yet. */
static struct out_call *look(struct out_stage *stage)
{
	out_expect_none(stage);
	out_pass(stage, 5000);
	return out_expect(stage, "GET", "/channels/100/messages?limit=100&after=1174109589340160000");
}

static void test_same_nonce(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, "yes");
	struct out_call *call;

	(void)state;
	out_send(stage, &out);
	out_fail(stage, out_expect(stage, "POST", OUT_POST), DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	out_pass(stage, SENDS_NONCE_MS - 1);
	out = again();
	out_send(stage, &out);
	call = out_expect(stage, "POST", OUT_POST);
	out_arg_is(call, "/nonce", "'" OUT_NONCE "'");
	out_arg_is(call, "/enforce_nonce", "true");
	out_ok(stage, call, "{'id':'50'}"); /* the existing one */
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

/* A clock that was set makes what is old look young: the channel is read, as for any answer of unknown age. */
static void test_clock_was_set(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = again();

	(void)state;
	out_pass(stage, 10 * SENDS_NONCE_MS);
	stage->clock_set_ms = -9 * (int64_t)SENDS_NONCE_MS - 1000;
	out_send(stage, &out); /* by the clock it is not two minutes old */
	out_ok(stage, look(stage), "[{'id':'1174109589340160001','author':{'id':'78'},'content':'yes'}]");
	out_was_sent(stage, SENT_ACCEPTED, "100/1174109589340160001");

	out.created_ms = OUT_NOW_MS + 3 * SENDS_NONCE_MS; /* by the clock of before */
	out_pass(stage, 2 * SENDS_NONCE_MS + SENDS_NONCE_MS / 2);
	out_send(stage, &out);
	out_expect_none(stage); /* it is looked for */
	out_close(stage);
}

/* Made before the machine started: by which clock, nobody knows. */
static void test_made_before_the_start(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = again();

	(void)state;
	out.created_ms = OUT_NOW_MS - 1001; /* the loop's clock says 1000 */
	out_send(stage, &out);
	out_expect_none(stage);
	out_close(stage);
}

static void test_taken_without_a_number(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, "yes");

	(void)state;
	out_send(stage, &out);
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{}");
	out_was_sent(stage, SENT_MAYBE, NULL);
	out_close(stage);
}

/* Our own message comes over the gateway before the answer is given up, or after. */
static void test_seen(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, "yes");

	(void)state;
	out_send(stage, &out);
	discord_sends_seen(&stage->bot, "12345", 100, 9); /* of another program */
	discord_sends_seen(&stage->bot, OUT_NONCE, 100, 50);
	out_fail(stage, out_expect(stage, "POST", OUT_POST), DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out = again();
	out_pass(stage, 10 * SENDS_NONCE_MS);
	out_send(stage, &out);
	assert_int_equal(stage->sents, 0);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_expect_none(stage);
	out_close(stage);
}

static void test_found(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = again();

	(void)state;
	out_pass(stage, SENDS_NONCE_MS);
	out_send(stage, &out);
	out_ok(stage, look(stage), "[{'id':'1174109589340160001','author':{'id':'78'},'content':'yes'}]");
	out_was_sent(stage, SENT_ACCEPTED, "100/1174109589340160001");
	out_expect_none(stage);
	out_close(stage);
}

static void test_not_found(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = again();

	(void)state;
	out_pass(stage, SENDS_NONCE_MS);
	out_send(stage, &out);
	out_ok(stage, look(stage), "[{'id':'1174109589340160001','author':{'id':'5'},'content':'yes'}]");
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

/* Who can't look must not guess. */
static void test_not_to_be_found_out(void **state)
{
	static const struct {
		enum discord_how how;
		enum sent sent;
	} rows[] = {
		{ DISCORD_REFUSED, SENT_UNKNOWN }, { DISCORD_MAYBE, SENT_MAYBE },
		{ DISCORD_NOT_SENT, SENT_MAYBE },  { DISCORD_LIMITED, SENT_LIMITED },
		{ DISCORD_AUTH, SENT_AUTH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct out_stage *stage = out_open();
		struct outgoing out = again();

		out_pass(stage, SENDS_NONCE_MS);
		out_send(stage, &out);
		out_fail(stage, look(stage), rows[i].how, 0);
		out_was_sent(stage, rows[i].sent, NULL);
		out_expect_none(stage);
		out_close(stage);
	}
}

/* An unsure upload carries the nonce, too, and is found by its file. */
static void test_document(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = again();

	(void)state;
	out.text = DISCORD_DOCUMENT "# All";
	out.part = 1;
	out_send(stage, &out);
	out_arg_is(out_expect(stage, "POST", OUT_POST), "/nonce", "'" OUT_NONCE "'");
	out_fail(stage, out_expect(stage, "POST", OUT_POST), DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	out_pass(stage, SENDS_NONCE_MS);
	out_send(stage, &out);
	out_ok(stage, look(stage),
	       "[{'id':'1174109589340160001','author':{'id':'78'},'content':'The answer is long: this is all "
	       "of it.',"
	       "'attachments':[{'filename':'answer.md','size':5}]}]");
	out_was_sent(stage, SENT_ACCEPTED, "100/1174109589340160001");
	out_close(stage);
}

static void test_destroyed_while_looking(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = again();

	(void)state;
	out_pass(stage, SENDS_NONCE_MS);
	out_send(stage, &out);
	out.uuid = "other";
	out_send(stage, &out);
	look(stage);
	out_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_nonce),
		cmocka_unit_test(test_clock_was_set),
		cmocka_unit_test(test_made_before_the_start),
		cmocka_unit_test(test_taken_without_a_number),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_not_to_be_found_out),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_destroyed_while_looking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
