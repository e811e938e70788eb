/* A final text is said once, where it belongs, and who waits for it is told why it can't be said. */
#include "stage_out.h"

/* Its message is 50. */
static void created(struct out_stage *stage, const char *path)
{
	out_ok(stage, out_expect(stage, "POST", path), "{'id':'50','channel_id':'100'}");
}

static void begin(struct out_stage *stage, const char *reply_to, const char *text)
{
	struct outgoing out = out_answer(reply_to, text);

	out_send(stage, &out);
}

static void test_create(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, OUT_CHANNEL, "yes");
	call = out_expect(stage, "POST", OUT_POST);
	out_arg_is(call, "/content", "'yes'");
	out_arg_is(call, "/nonce", "'" OUT_NONCE "'");
	out_arg_is(call, "/enforce_nonce", "true");
	out_arg_is(call, "/message_reference", OUT_REFERENCE);
	out_arg_is(call, "/allowed_mentions", OUT_MENTIONS);
	out_arg_is(call, "/flags", "4");
	assert_false(call->droppable || call->no_token);
	assert_int_equal(discord_sends_running(stage->bot.sends), 1);
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	assert_int_equal(discord_sends_running(stage->bot.sends), 0);
	assert_int_equal(stage->settles, 1);
	out_expect_none(stage);
	out_close(stage);
}

static void test_choices_are_buttons(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, "Shall I?");
	struct out_call *call;

	(void)state;
	out.choices = "[{\"label\":\"Approve\",\"command\":\"approve ABCDEFGH\"},"
		      "{\"label\":\"Deny\",\"command\":\"deny ABCDEFGH\"}]";
	out_send(stage, &out);
	call = out_expect(stage, "POST", OUT_POST);
	out_arg_is(call, "/components",
		   "[{'type':1,'components':[{'type':2,'style':3,'label':'Approve',"
		   "'custom_id':'say/approve ABCDEFGH'},{'type':2,'style':2,'label':'Deny',"
		   "'custom_id':'say/deny ABCDEFGH'}]}]");
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

/* Only the first part answers and notifies; links unfold when that is wanted. */
static void test_later_parts(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_DIRECT, "more");
	struct out_call *call;

	(void)state;
	stage->bot.config.embeds = true;
	out.part = 1;
	out_send(stage, &out);
	call = out_expect(stage, "POST", "/channels/200/messages");
	out_arg_is(call, "/message_reference", "");
	out_arg_is(call, "/allowed_mentions", OUT_NOBODY);
	out_arg_is(call, "/flags", "");
	out_fail(stage, call, DISCORD_LIMITED, 4000);
	out_was_sent(stage, SENT_LIMITED, NULL);
	assert_int_equal(stage->sent_retry_ms, 4000);
	out_close(stage);
}

static void test_nonces(void **state)
{
	char one[DISCORD_NONCE_SIZE], other[DISCORD_NONCE_SIZE];

	(void)state;
	discord_nonce(OUT_UUID, 'a', one);
	assert_string_equal(one, OUT_NONCE);
	assert_true(strlen(one) <= 25); /* sheet 14 */
	discord_nonce(OUT_UUID, 'p', other);
	assert_string_not_equal(one, other);
	discord_nonce("no uuid", 'a', one);
	discord_nonce("another", 'a', other);
	assert_string_not_equal(one, other);
	assert_int_equal(strlen(one), 23);
}

/* ---- threads ------------------------------------------------------------------------------------------------- */

#define OPEN "/channels/100/messages/7/threads"

/* The thread has the id of the message it is made from; later parts and answers find it open. */
static void test_thread(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_THREAD, "more");
	struct out_call *call;

	(void)state;
	begin(stage, OUT_THREAD, "yes");
	call = out_expect(stage, "POST", OPEN);
	out_arg_is(call, "/name", "'How to'");
	out_ok(stage, call, "{'id':'7'}");
	assert_true(stage->followed == 7);
	call = out_expect(stage, "POST", "/channels/7/messages");
	out_arg_is(call, "/message_reference", ""); /* that stands in another channel */
	out_ok(stage, call, "{'id':'50','channel_id':'7'}");
	out_was_sent(stage, SENT_ACCEPTED, "7/50");
	out.part = 1;
	out_send(stage, &out);
	out_ok(stage, out_expect(stage, "POST", "/channels/7/messages"), "{'id':'51'}");
	out_was_sent(stage, SENT_ACCEPTED, "7/51");
	out_close(stage);
}

/* After a crash the thread exists already (pitfall 19). */
static void test_thread_exists(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin(stage, OUT_THREAD, "yes");
	out_refuse(stage, out_expect(stage, "POST", OPEN), DISCORD_THREAD_EXISTS, 160004);
	out_ok(stage, out_expect(stage, "POST", "/channels/7/messages"), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "7/50");
	out_close(stage);
}

static void test_thread_not_allowed(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, OUT_THREAD, "yes");
	out_refuse(stage, out_expect(stage, "POST", OPEN), DISCORD_NO_ACCESS, 50013);
	call = out_expect(stage, "POST", OUT_POST);
	out_arg_is(call, "/message_reference", OUT_REFERENCE);
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	begin(stage, OUT_THREAD, "yes"); /* is not asked again */
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

/* Opened, but nothing may be said in it (pitfall 30), or it was deleted meanwhile. */
static void test_thread_of_no_use(void **state)
{
	static const enum discord_refusal refusals[] = { DISCORD_NO_ACCESS, DISCORD_UNKNOWN_CHANNEL,
							 DISCORD_LOCKED };

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct out_stage *stage = out_open();

		begin(stage, OUT_THREAD, "yes");
		out_ok(stage, out_expect(stage, "POST", OPEN), "{'id':'7'}");
		out_refuse(stage, out_expect(stage, "POST", "/channels/7/messages"), refusals[i], 1);
		created(stage, OUT_POST);
		out_was_sent(stage, SENT_ACCEPTED, "100/50");
		out_close(stage);
	}
}

/* Nothing was said yet, so opening it may be tried again. */
static void test_thread_later(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin(stage, OUT_THREAD, "yes");
	out_fail(stage, out_expect(stage, "POST", OPEN), DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	begin(stage, OUT_THREAD, "yes");
	out_fail(stage, out_expect(stage, "POST", OPEN), DISCORD_LIMITED, 700);
	out_was_sent(stage, SENT_LIMITED, NULL);
	begin(stage, OUT_THREAD, "yes");
	out_refuse(stage, out_expect(stage, "POST", OPEN), DISCORD_WAIT, 20028);
	out_was_sent(stage, SENT_LIMITED, NULL);
	out_expect_none(stage);
	out_close(stage);
}

/* It opens by itself or when asked, unless a moderator locked it. */
static void test_archived(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, OUT_CHANNEL, "yes");
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_LOCKED, 50083);
	call = out_expect(stage, "PATCH", "/channels/100");
	out_arg_is(call, "/archived", "false");
	out_ok(stage, call, "{}");
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	begin(stage, OUT_CHANNEL, "yes");
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_LOCKED, 50083);
	out_refuse(stage, out_expect(stage, "PATCH", "/channels/100"), DISCORD_NO_ACCESS, 50013);
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_why_has(stage, "Manage Threads");
	begin(stage, OUT_CHANNEL, "yes");
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_LOCKED, 160005);
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_why_has(stage, "a moderator can open it");
	out_close(stage);
}

/* ---- what stands there ------------------------------------------------------------------------------------------ */

#define EDIT "/channels/100/messages/40"

static struct outgoing placeheld(void)
{
	struct outgoing out = out_answer(OUT_CHANNEL, "yes");

	out.placeholder = "100/40";
	return out;
}

static void test_replaces(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = placeheld();
	struct out_call *call;

	(void)state;
	out_send(stage, &out);
	call = out_expect(stage, "PATCH", EDIT);
	out_arg_is(call, "/content", "'yes'");
	out_arg_is(call, "/allowed_mentions", OUT_MENTIONS);
	out_arg_is(call, "/nonce", "");
	out_arg_is(call, "/flags", "4");
	out_ok(stage, call, "{'id':'40'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/40");
	out.unsure = true; /* an edit may be made as often as one likes */
	out_send(stage, &out);
	out_fail(stage, out_expect(stage, "PATCH", EDIT), DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	out_close(stage);
}

/* An earlier edit may have been taken: what stands there is the answer, or it is posted. */
static void test_replaced_too_often(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = placeheld();

	(void)state;
	out.unsure = true;
	out.placeholder = "100/1174109589340160001";
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "PATCH", OUT_POST "/1174109589340160001"), DISCORD_OLD_EDITS,
		   30046);
	out_pass(stage, 5000);
	out_ok(stage, out_expect(stage, "GET", "/channels/100/messages?limit=100&after=1174109337681920000"),
	       "[{'id':'1174109589340160001','author':{'id':'78'},'content':'yes'}]");
	out_was_sent(stage, SENT_ACCEPTED, "100/1174109589340160001");
	out_expect_none(stage); /* and it is not cleared away */
	out_close(stage);
}

/* The right to be there was taken away in the middle: a "…" stays that nobody can take away. Who asked hears of it. */
static void test_lost_in_the_middle(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = placeheld(), more = out_answer(OUT_CHANNEL, "and more");
	struct out_call *call;

	(void)state;
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "PATCH", EDIT), DISCORD_NO_ACCESS, 50001);
	call = out_expect(stage, "POST", "/users/@me/channels");
	out_arg_is(call, "/recipient_id", "'5'");
	out_ok(stage, call, "{'id':'200'}");
	call = out_expect(stage, "POST", "/channels/200/messages");
	out_arg_is(call, "/content",
		   "'I may not write in <#100> any more, so my answer there is not complete.'");
	out_arg_is(call, "/message_reference", "");
	out_ok(stage, call, "{'id':'60'}");
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_why_has(stage, "View Channel");
	out_expect_none(stage);

	more.part = 1;
	out_send(stage, &more);
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_NO_ACCESS, 50013);
	out_refuse(stage, out_expect(stage, "POST", "/users/@me/channels"), DISCORD_NO_DM, 50007);
	out_was_sent(stage, SENT_REJECTED, NULL); /* and that is all */
	out_why_has(stage, "View Channel");
	out_close(stage);
}

static void test_replaced_was_deleted(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = placeheld();

	(void)state;
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "PATCH", EDIT), DISCORD_UNKNOWN_MESSAGE, 10008);
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_expect_none(stage);
	out_close(stage);
}

/* Too many edits of an old message: a new one takes its place. */
static void test_old_edits(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = placeheld();

	(void)state;
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "PATCH", EDIT), DISCORD_OLD_EDITS, 30046);
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_ok(stage, out_expect(stage, "DELETE", EDIT), "{}");
	out_expect_none(stage);
	out_close(stage);
}

/* ---- refusals --------------------------------------------------------------------------------------------------- */

static void test_reply_out_of_reach(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, OUT_CHANNEL, "yes");
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_NO_REPLY, 160002);
	call = out_expect(stage, "POST", OUT_POST);
	out_arg_is(call, "/message_reference", "");
	out_arg_is(call, "/nonce", "'" OUT_NONCE "'");
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

/* Counted otherwise than we count: it arrives all the same. */
static void test_too_long(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = placeheld();
	struct out_call *call;

	(void)state;
	out_send(stage, &out);
	out_refuse(stage, out_expect(stage, "PATCH", EDIT), DISCORD_TOO_LONG, 50035);
	call = out_expect(stage, "POST", OUT_POST);
	assert_string_equal(call->file, "yes");
	assert_string_equal(call->file_name, "answer.md");
	out_arg_is(call, "/nonce", "'" OUT_NONCE "'");
	out_refuse(stage, call, DISCORD_TOO_LONG, 40005); /* and still */
	out_was_sent(stage, SENT_REJECTED, NULL);
	begin(stage, OUT_CHANNEL, "yes");
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_TOO_LONG, 50035);
	assert_non_null(out_expect(stage, "POST", OUT_POST)->file);
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

static void test_no_way(void **state)
{
	static const struct {
		enum discord_refusal refusal;
		const char *words;
	} rows[] = {
		{ DISCORD_NO_ACCESS, "Send Messages in Threads" },
		{ DISCORD_NO_DM, "privacy settings" },
		{ DISCORD_BLOCKED, "AutoMod" },
		{ DISCORD_UNKNOWN_CHANNEL, "was deleted" },
		{ DISCORD_EMPTY, "nothing was left" },
		{ DISCORD_OTHER, "as the platform says it" },
	};
	struct out_stage *stage = out_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(stage, OUT_CHANNEL, "yes");
		out_refuse(stage, out_expect(stage, "POST", OUT_POST), rows[i].refusal, 1);
		out_was_sent(stage, SENT_REJECTED, NULL);
		out_why_has(stage, rows[i].words);
	}
	begin(stage, OUT_CHANNEL, "yes");
	out_fail(stage, out_expect(stage, "POST", OUT_POST), DISCORD_AUTH, 0);
	out_was_sent(stage, SENT_AUTH, NULL);
	begin(stage, OUT_CHANNEL, "yes");
	out_fail(stage, out_expect(stage, "POST", OUT_POST), DISCORD_NOT_SENT, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	begin(stage, OUT_CHANNEL, "yes");
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_WAIT, 20016);
	out_was_sent(stage, SENT_LIMITED, NULL);
	assert_true(stage->sent_retry_ms > 0);
	out_close(stage);
}

/* Known without asking; told in a later round. */
static void test_known_at_once(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin(stage, "nonsense", "yes");
	assert_int_equal(stage->sents, 0);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_REJECTED, NULL);
	begin(stage, NULL, "yes");
	out_pass(stage, 0);
	out_was_sent(stage, SENT_REJECTED, NULL);
	begin(stage, OUT_CHANNEL, NULL);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_REJECTED, NULL);
	stage->bot.disabled = true;
	begin(stage, OUT_CHANNEL, "yes");
	out_pass(stage, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	stage->bot.dead = true;
	begin(stage, OUT_CHANNEL, "yes");
	out_pass(stage, 0);
	out_was_sent(stage, SENT_AUTH, NULL);
	out_expect_none(stage);
	out_close(stage);
}

static void test_document(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, DISCORD_DOCUMENT "# All\n\nof it");
	struct out_call *call;

	(void)state;
	out.part = 1;
	out_send(stage, &out);
	call = out_expect(stage, "POST", OUT_POST);
	assert_string_equal(call->file, "# All\n\nof it");
	assert_string_equal(call->file_name, "answer.md");
	out_arg_is(call, "/nonce", "'" OUT_NONCE "'");
	out_refuse(stage, call, DISCORD_FILE, 50045);
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_why_has(stage, "file");
	out_close(stage);
}

/* The outbox loses patience and hands the same reply over again: two attempts at once would say it twice. */
static void test_one_attempt_at_a_time(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, "yes");

	(void)state;
	discord_send(&stage->bot, &out, 1001);
	discord_send(&stage->bot, &out, 1002);
	created(stage, OUT_POST);
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	assert_int_equal(stage->sent_ticket, 1002);
	out_expect_none(stage);
	out_close(stage);
}

static void test_destroyed_on_the_way(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, "yes");

	(void)state;
	out_send(stage, &out);
	out.uuid = "other";
	out.reply_to = OUT_THREAD;
	out_send(stage, &out);
	out.uuid = "third";
	out.reply_to = "";
	out_send(stage, &out);
	assert_int_equal(discord_sends_running(stage->bot.sends), 3);
	out_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_choices_are_buttons),
		cmocka_unit_test(test_later_parts),
		cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_thread),
		cmocka_unit_test(test_thread_exists),
		cmocka_unit_test(test_thread_not_allowed),
		cmocka_unit_test(test_thread_of_no_use),
		cmocka_unit_test(test_thread_later),
		cmocka_unit_test(test_archived),
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_replaced_too_often),
		cmocka_unit_test(test_lost_in_the_middle),
		cmocka_unit_test(test_replaced_was_deleted),
		cmocka_unit_test(test_old_edits),
		cmocka_unit_test(test_reply_out_of_reach),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_no_way),
		cmocka_unit_test(test_known_at_once),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_one_attempt_at_a_time),
		cmocka_unit_test(test_destroyed_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
