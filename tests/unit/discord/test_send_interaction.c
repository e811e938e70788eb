/* An interaction is answered where its asker sees it, once, also when its token is over. */
#include "stage_out.h"

static struct outgoing part(const char *place, unsigned n)
{
	struct outgoing out = out_answer(place, "yes");

	out.part = n;
	out.parts = 2;
	return out;
}

static void begin(struct out_stage *stage, const char *place, unsigned n)
{
	struct outgoing out = part(place, n);

	out_send(stage, &out);
}

/* The "thinking" message takes the answer, the rest stands below it in the channel. */
static void test_original(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, OUT_SLASH, 0);
	call = out_expect(stage, "PATCH", OUT_ORIGINAL);
	assert_true(call->no_token);
	out_arg_is(call, "/content", "'yes'");
	out_arg_is(call, "/nonce", "");
	out_arg_is(call, "/message_reference", "");
	out_arg_is(call, "/allowed_mentions", OUT_NOBODY);
	out_ok(stage, call, "{'id':'40'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/40"); /* which can be changed when the token is over */
	begin(stage, OUT_SLASH, 1);
	call = out_expect(stage, "POST", OUT_POST);
	out_arg_is(call, "/nonce", "'" OUT_NONCE "'");
	out_ok(stage, call, "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_expect_none(stage);
	out_close(stage);
}

/* It may be put in as often as one likes. */
static void test_original_again(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = part(OUT_SLASH, 0);

	(void)state;
	out_send(stage, &out);
	out_fail(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	out.unsure = true;
	out_pass(stage, 300000);
	out_send(stage, &out);
	out_ok(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "@original");
	out_close(stage);
}

/* A quick answer overtakes the acknowledgement: the way over the channel would leave "thinking" behind. */
static void test_not_acknowledged_yet(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin(stage, OUT_SLASH, 0);
	out_refuse(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), DISCORD_UNKNOWN_INTERACTION, 10015);
	out_was_sent(stage, SENT_LIMITED, NULL);
	assert_in_range(stage->sent_retry_ms, 1, 2000);
	out_close(stage);
}

static void test_token_over(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	out_pass(stage, 60000);
	begin(stage, OUT_SLASH, 0); /* of another process, or killed early */
	out_refuse(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), DISCORD_UNKNOWN_INTERACTION, 50027);
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_pass(stage, DISCORD_TOKEN_MS - 60000);
	begin(stage, OUT_SLASH, 0); /* after 15 minutes it is not even tried */
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_expect_none(stage);
	out_close(stage);
}

/* What only one person may see never goes to the channel. */
/* Whoever wrote what was asked about asked nothing, and is not called when the answer comes too late for the token. */
static void test_about_a_message(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	out_pass(stage, DISCORD_TOKEN_MS);
	begin(stage, OUT_ABOUT, 0);
	call = out_expect(stage, "POST", OUT_POST);
	out_arg_is(call, "/message_reference", OUT_REFERENCE);
	out_arg_is(call, "/allowed_mentions", OUT_NOBODY);
	out_ok(stage, call, "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

static void test_whisper(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, OUT_WHISPER, 0);
	out_ok(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "@original");
	begin(stage, OUT_WHISPER, 1);
	call = out_expect(stage, "POST", OUT_FOLLOW);
	assert_true(call->no_token);
	out_arg_is(call, "/flags", "68");
	out_arg_is(call, "/allowed_mentions/parse", "[]");
	out_ok(stage, call, "{'id':'51','channel_id':'100'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/51");
	out_close(stage);
}

static void test_whisper_too_late(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = part(OUT_WHISPER, 0);
	struct out_call *call;

	(void)state;
	out_pass(stage, DISCORD_TOKEN_MS);
	out.created_ms = OUT_NOW_MS + DISCORD_TOKEN_MS;
	out_send(stage, &out);
	call = out_expect(stage, "POST", "/users/@me/channels");
	out_arg_is(call, "/recipient_id", "'5'");
	out_ok(stage, call, "{'id':'200'}");
	call = out_expect(stage, "POST", "/channels/200/messages");
	out_arg_is(call, "/nonce", "'" OUT_NONCE "'");
	out_refuse(stage, call, DISCORD_NO_DM, 50007);
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_why_has(stage, "privacy settings");
	out_send(stage, &out);
	out_fail(stage, out_expect(stage, "POST", "/users/@me/channels"), DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_NOT, NULL); /* opening it says nothing */
	out_close(stage);
}

/* It may have been put in just before the token was over, which no nonce tells: what stands there is read, from the time of
 * the interaction on, as that is when its own message was made. */
static void test_perhaps_put_in(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = part(OUT_SLASH, 0);

	(void)state;
	out_pass(stage, DISCORD_TOKEN_MS);
	out.created_ms = OUT_NOW_MS + DISCORD_TOKEN_MS - 60000;
	out.unsure = true;
	out_send(stage, &out);
	out_expect_none(stage);
	out_pass(stage, 5000);
	out_ok(stage, out_expect(stage, "GET", "/channels/100/messages?limit=100&after=1174109589340160000"),
	       "[{'id':'1174109589340160001','author':{'id':'78'},'content':'yes'}]");
	out_was_sent(stage, SENT_ACCEPTED, "100/1174109589340160001");
	out_expect_none(stage);
	out.created_ms = OUT_NOW_MS + DISCORD_TOKEN_MS; /* there was no way into it any more */
	out_send(stage, &out);
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

/* What only one person sees can't be read: it is not said to them again. */
static void test_perhaps_whispered(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = part(OUT_WHISPER, 0);

	(void)state;
	out.unsure = true;
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), DISCORD_UNKNOWN_MESSAGE, 10008);
	out_was_sent(stage, SENT_LIMITED, NULL); /* it may not stand there yet */
	out_pass(stage, 60000);
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), DISCORD_UNKNOWN_MESSAGE, 10008);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out_pass(stage, DISCORD_TOKEN_MS);
	out_send(stage, &out);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out_expect_none(stage);
	out_close(stage);
}

/* A further message has no nonce: what may have arrived is not repeated. */
static void test_unknown_follow_up(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = part(OUT_WHISPER, 1);

	(void)state;
	out_send(stage, &out);
	out_fail(stage, out_expect(stage, "POST", OUT_FOLLOW), DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out.unsure = true;
	out_send(stage, &out);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out.unsure = false;
	out_send(stage, &out);
	out_fail(stage, out_expect(stage, "POST", OUT_FOLLOW), DISCORD_NOT_SENT, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "POST", OUT_FOLLOW), DISCORD_UNKNOWN_INTERACTION, 50027);
	out_ok(stage, out_expect(stage, "POST", "/users/@me/channels"), "{'id':'200'}");
	out_ok(stage, out_expect(stage, "POST", "/channels/200/messages"), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "200/50");
	out_expect_none(stage);
	out_close(stage);
}

/* Installed for a person, not in the guild: only the interaction's own way is open. */
static void test_where_we_are_not(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = part(OUT_SLASH, 1);

	(void)state;
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_NO_ACCESS, 50001);
	out_arg_is(out_expect(stage, "POST", OUT_FOLLOW), "/flags", "4");
	out_ok(stage, out_expect(stage, "POST", OUT_FOLLOW), "{'id':'51','channel_id':'100'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/51");
	out.unsure = true;
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_NO_ACCESS, 50001);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out_pass(stage, DISCORD_TOKEN_MS);
	out.unsure = false;
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_NO_ACCESS, 50001);
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_close(stage);
}

/* A file can't be put into what stands there. */
static void test_too_long(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin(stage, OUT_SLASH, 0);
	out_refuse(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), DISCORD_TOO_LONG, 50035);
	assert_string_equal(out_expect(stage, "POST", OUT_POST)->file, "yes");
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_ok(stage, out_expect(stage, "DELETE", OUT_ORIGINAL), "{}");
	out_close(stage);
}

static void test_application_not_known(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	stage->bot.app_id = 0;
	begin(stage, OUT_SLASH, 0);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	out_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_original),
		cmocka_unit_test(test_original_again),
		cmocka_unit_test(test_not_acknowledged_yet),
		cmocka_unit_test(test_token_over),
		cmocka_unit_test(test_about_a_message),
		cmocka_unit_test(test_whisper),
		cmocka_unit_test(test_whisper_too_late),
		cmocka_unit_test(test_perhaps_put_in),
		cmocka_unit_test(test_perhaps_whispered),
		cmocka_unit_test(test_unknown_follow_up),
		cmocka_unit_test(test_where_we_are_not),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_application_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
