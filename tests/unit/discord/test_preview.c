/* Who waits sees that something happens, at the pace the platform allows, and what was shown never stands beside the
 * final text. */
#include "mem.h"
#include "previews.h"
#include "stage_out.h"

#define LONG	"This is the beginning of a longer answer"
#define UUID(n) "0190aaaa-0000-7000-8000-00000000000" #n
#define EDIT	"/channels/100/messages/40"
#define TYPING	"/channels/100/typing"

enum { EDIT_MS = 1500 }; /* the first look at the clock after the pause */

static void grow(struct out_stage *stage, const char *reply_to, size_t offset, const char *text)
{
	discord_preview(&stage->bot,
			&(struct outgoing_part){ .answers_to = (const char *const[]){ OUT_ASKED },
						 .answers_to_count = 1,
						 .reply_to = reply_to,
						 .attempt = 1,
						 .offset = offset,
						 .text = text,
						 .len = strlen(text) });
}

static void begin_work(struct out_stage *stage, const char *uuid, const char *name)
{
	struct discord_place place = { 0 };

	assert_true(discord_place_read(name, &place));
	discord_working_begin(&stage->bot, uuid, &place);
	discord_place_finish(&place);
}

static void end_work(struct out_stage *stage, const char *uuid, const char *text)
{
	discord_working_end(&stage->bot, &(struct outgoing){ .answers_to = (const char *const[]){ uuid },
							     .answers_to_count = 1,
							     .text = text });
}

/* The message 40 stands there, said to be placed. */
static void post(struct out_stage *stage, const char *text)
{
	grow(stage, OUT_CHANNEL, 0, text);
	out_pass(stage, PREVIEW_WAIT_MS);
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'40'}");
}

/* ---- a message that is edited ------------------------------------------------------------------------------- */

static void test_edits(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	grow(stage, OUT_CHANNEL, 0, "```c\nint main(void) { return 0; } /* x */");
	out_pass(stage, PREVIEW_WAIT_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250);
	call = out_expect(stage, "POST", OUT_POST);
	out_arg_is(call, "/content", "'…'"); /* should its number be lost, no half answer stays */
	out_arg_is(call, "/nonce", "'AZCqqgAAcACAAAAAAAAAAQp'");
	out_arg_is(call, "/enforce_nonce", "true");
	out_arg_is(call, "/message_reference", OUT_REFERENCE);
	out_arg_is(call, "/allowed_mentions", OUT_MENTIONS);
	assert_true(call->droppable);
	out_ok(stage, call, "{'id':'40'}");
	assert_string_equal(stage->placed_uuid, OUT_ASKED);
	assert_string_equal(stage->placed_remote, "100/40");
	out_pass(stage, EDIT_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250);
	call = out_expect(stage, "PATCH", EDIT);
	out_arg_is(call, "/content", "'```c\\nint main(void) { return 0; } /* x */\\n```'"); /* closed */
	out_arg_is(call, "/allowed_mentions/parse", "[]");				     /* pitfall 31 */
	assert_true(call->droppable);
	grow(stage, OUT_CHANNEL, 41, "\nint y;");
	out_pass(stage, 5000); /* one call at a time */
	grow(stage, OUT_CHANNEL, 48, "\nint z;");
	out_ok(stage, call, "{}");
	out_pass(stage, EDIT_MS);
	out_ok(stage, out_expect(stage, "PATCH", EDIT), "{}"); /* the newest only */
	out_pass(stage, 60000);				       /* nothing grew */
	out_expect_none(stage);
	out_close(stage);
}

/* An answer that is short, or there at once, is worth no message. */
static void test_short_answers(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	grow(stage, OUT_CHANNEL, 0, "Yes.");
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

/* Where there is more than one message holds, its first part is shown, and it is left alone when it is full. */
static void test_long_answer(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;
	char *text = mem_zero(1, 30001);

	(void)state;
	for (size_t i = 0; i < 30000; i++)
		text[i] = i % 10 == 9 ? ' ' : 'x';
	post(stage, LONG);
	grow(stage, OUT_CHANNEL, strlen(LONG), text);
	out_pass(stage, EDIT_MS);
	call = out_expect(stage, "PATCH", EDIT);
	assert_in_range(strlen(json_text(call->args, "content")), 1900, DISCORD_TEXT_MAX);
	out_ok(stage, call, "{}");
	grow(stage, OUT_CHANNEL, strlen(LONG) + 30000, text);
	out_pass(stage, 60000);
	out_expect_none(stage);
	free(text);
	out_close(stage);
}

/* The pace of the bucket is kept; after too many edits of an old message (30046) there are no more. */
static void test_edits_refused(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	post(stage, LONG);
	out_pass(stage, EDIT_MS);
	out_fail(stage, out_expect(stage, "PATCH", EDIT), DISCORD_LIMITED, 12000);
	out_pass(stage, 11500);
	out_expect_none(stage);
	out_pass(stage, 1000);
	out_fail(stage, out_expect(stage, "PATCH", EDIT), DISCORD_NOT_SENT, 0);
	out_pass(stage, PREVIEW_RETRY_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 500);
	out_refuse(stage, out_expect(stage, "PATCH", EDIT), DISCORD_OLD_EDITS, 30046);
	grow(stage, OUT_CHANNEL, strlen(LONG), " and more");
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

/* Whether it stands there is asked with the same nonce: no second "…" is posted. */
static void test_unsure_post(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	grow(stage, OUT_CHANNEL, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	out_fail(stage, out_expect(stage, "POST", OUT_POST), DISCORD_MAYBE, 0);
	assert_int_equal(stage->placeds, 0);
	out_pass(stage, PREVIEW_RETRY_MS + 250);
	out_arg_is(out_expect(stage, "POST", OUT_POST), "/nonce", "'AZCqqgAAcACAAAAAAAAAAQp'");
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'40'}");
	assert_string_equal(stage->placed_remote, "100/40");
	out_close(stage);

	stage = out_open(); /* the gateway says it */
	grow(stage, OUT_CHANNEL, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	discord_sends_seen(&stage->bot, "AZCqqgAAcACAAAAAAAAAAQp", 100, 40);
	out_fail(stage, out_expect(stage, "POST", OUT_POST), DISCORD_MAYBE, 0);
	assert_string_equal(stage->placed_remote, "100/40");
	out_close(stage);
}

static void test_post_refused(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	grow(stage, OUT_CHANNEL, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_NO_REPLY, 160002);
	out_pass(stage, 250);
	out_arg_is(out_expect(stage, "POST", OUT_POST), "/message_reference", "");
	out_refuse(stage, out_expect(stage, "POST", OUT_POST), DISCORD_NO_ACCESS, 50013);
	out_pass(stage, 60000);
	out_expect_none(stage);
	assert_int_equal(stage->placeds, 0);
	out_close(stage);
}

/* The thread is opened first; where nothing may be said in it, the channel shows the answer (pitfall 30). */
static void test_thread(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	grow(stage, OUT_THREAD, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	call = out_expect(stage, "POST", "/channels/100/messages/7/threads");
	assert_true(call->droppable);
	out_ok(stage, call, "{'id':'7'}");
	out_pass(stage, 250);
	call = out_expect(stage, "POST", "/channels/7/messages");
	out_arg_is(call, "/message_reference", "");
	out_refuse(stage, call, DISCORD_NO_ACCESS, 50013);
	out_pass(stage, 250);
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'40'}");
	assert_string_equal(stage->placed_remote, "100/40");
	out_close(stage);
}

/* ---- interactions ------------------------------------------------------------------------------------------- */

/* The "thinking" message is the placeholder. */
static void test_interaction(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_SLASH, "final");
	struct out_call *call;

	(void)state;
	grow(stage, OUT_SLASH, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS + 250);
	call = out_expect(stage, "PATCH", OUT_ORIGINAL);
	out_arg_is(call, "/content", "'" LONG "'");
	assert_true(call->no_token && call->droppable);
	out_ok(stage, call, "{}");
	assert_int_equal(stage->placeds, 0);
	out_send(stage, &out);
	out_arg_is(out_expect(stage, "PATCH", OUT_ORIGINAL), "/content", "'final'");
	out_ok(stage, out_expect(stage, "PATCH", OUT_ORIGINAL), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "@original");
	assert_int_equal(stage->bot.previews->count, 0);
	out_close(stage);

	stage = out_open(); /* its token is over */
	out_pass(stage, DISCORD_TOKEN_MS);
	grow(stage, OUT_SLASH, 0, LONG);
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);

	stage = out_open(); /* no answer comes */
	grow(stage, OUT_SLASH, 0, LONG);
	end_work(stage, OUT_ASKED, NULL);
	out_ok(stage, out_expect(stage, "DELETE", OUT_ORIGINAL), "{}");
	out_close(stage);
}

/* Refused without a word: nobody waits for what never comes. */
static void test_interaction_without_answer(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = { .answers_to = (const char *const[]){ OUT_ASKED },
				.answers_to_count = 1,
				.reply_to = OUT_SLASH,
				.state = MESSAGE_REFUSED };

	(void)state;
	discord_working_end(&stage->bot, &out);
	out_ok(stage, out_expect(stage, "DELETE", OUT_ORIGINAL), "{}");
	out.text = "a notice";
	discord_working_end(&stage->bot, &out);
	out.text = NULL;
	out.reply_to = OUT_CHANNEL;
	discord_working_end(&stage->bot, &out);
	out.reply_to = OUT_SLASH;
	out_pass(stage, DISCORD_TOKEN_MS);
	discord_working_end(&stage->bot, &out);
	out_expect_none(stage);
	out_close(stage);
}

/* ---- the final text -------------------------------------------------------------------------------------------- */

static void test_final_text_takes_its_place(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, "final");
	struct out_call *call;

	(void)state;
	post(stage, LONG);
	out_pass(stage, EDIT_MS);
	call = out_expect(stage, "PATCH", EDIT);
	out_send(stage, &out); /* goes out after what is under way in this channel */
	out_ok(stage, call, "{}");
	grow(stage, OUT_CHANNEL, strlen(LONG), " and more");
	out_pass(stage, 60000);
	call = out_expect(stage, "PATCH", EDIT);
	out_arg_is(call, "/content", "'final'");
	out_ok(stage, call, "{}");
	out_was_sent(stage, SENT_ACCEPTED, "100/40");
	assert_int_equal(stage->bot.previews->count, 0);
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

/* What is being posted has no number yet: the final text waits for it, or it would stay beside it. */
static void test_final_text_while_posting(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(OUT_CHANNEL, "final");
	struct out_call *call;

	(void)state;
	grow(stage, OUT_CHANNEL, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	call = out_expect(stage, "POST", OUT_POST);
	out_send(stage, &out);
	out_send(stage, &out); /* again: the outbox lost patience */
	out_ok(stage, call, "{'id':'40'}");
	out_ok(stage, out_expect(stage, "PATCH", EDIT), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "100/40");
	out_close(stage);

	stage = out_open(); /* and where that is not known, the same nonce tells */
	grow(stage, OUT_CHANNEL, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	out_fail(stage, out_expect(stage, "POST", OUT_POST), DISCORD_MAYBE, 0);
	out_send(stage, &out);
	out_arg_is(out_expect(stage, "POST", OUT_POST), "/content", "'…'");
	out_ok(stage, out_expect(stage, "POST", OUT_POST), "{'id':'40'}");
	out_ok(stage, out_expect(stage, "PATCH", EDIT), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "100/40");
	out_close(stage);
}

/* A turn that ends without an answer leaves nothing behind that looks like one. */
static void test_no_answer_comes(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	post(stage, LONG);
	end_work(stage, OUT_ASKED, "there is one");
	out_expect_none(stage);
	end_work(stage, OUT_ASKED, NULL);
	out_ok(stage, out_expect(stage, "DELETE", EDIT), "{}");
	assert_int_equal(stage->bot.previews->count, 0);

	grow(stage, OUT_CHANNEL, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	call = out_expect(stage, "POST", OUT_POST);
	end_work(stage, OUT_ASKED, NULL);
	out_ok(stage, call, "{'id':'41'}");
	out_ok(stage, out_expect(stage, "DELETE", "/channels/100/messages/41"), "{}");
	assert_int_equal(stage->placeds, 1);
	assert_int_equal(stage->bot.previews->count, 0);
	out_close(stage);
}

/* A new attempt says something else in the same message, also one that an earlier process had posted. */
static void test_new_attempt(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing_part part = { .answers_to = (const char *const[]){ OUT_ASKED },
				      .answers_to_count = 1,
				      .reply_to = OUT_CHANNEL,
				      .placeholder = "100/40",
				      .attempt = 2,
				      .text = "once more",
				      .len = 9 };

	(void)state;
	discord_preview(&stage->bot, &part);
	out_pass(stage, PREVIEW_WAIT_MS + 250);
	out_ok(stage, out_expect(stage, "PATCH", EDIT), "{}");
	grow(stage, OUT_CHANNEL, 9, "of the first attempt, too late");
	part.attempt = 3;
	part.text = "again";
	part.len = 5;
	discord_preview(&stage->bot, &part);
	out_pass(stage, EDIT_MS);
	out_arg_is(out_expect(stage, "PATCH", EDIT), "/content", "'again'");
	out_ok(stage, out_expect(stage, "PATCH", EDIT), "{}");
	part.offset = 6; /* a piece is missing: nothing wrong is shown */
	discord_preview(&stage->bot, &part);
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

static void test_not_wanted(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	stage->bot.config.preview = false;
	grow(stage, OUT_CHANNEL, 0, LONG);
	stage->bot.config.preview = true;
	grow(stage, OUT_CHANNEL, 5, LONG); /* its beginning is unknown */
	grow(stage, "nonsense", 0, LONG);
	grow(stage, NULL, 0, LONG);
	stage->bot.dead = true;
	grow(stage, OUT_CHANNEL, 0, LONG);
	assert_int_equal(stage->bot.previews->count, 0);
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

/* Turns whose end is never heard of use no memory for ever, and their signs end (pitfall 17). */
static void test_bounds(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	for (unsigned i = 0; i < PREVIEWS_MAX + 50; i++) {
		char *uuid = mem_format("0190aaaa-0000-7000-8000-%012u", i);
		struct discord_place place = { .channel = 1 + i };

		discord_preview(&stage->bot,
				&(struct outgoing_part){ .answers_to = (const char *const[]){ uuid },
							 .answers_to_count = 1,
							 .reply_to = OUT_CHANNEL,
							 .attempt = 1,
							 .text = "",
							 .len = 0 });
		discord_working_begin(&stage->bot, uuid, &place);
		free(uuid);
	}
	assert_int_equal(stage->bot.previews->count, PREVIEWS_MAX);
	assert_int_equal(stage->bot.previews->place_count, WORKING_MAX);
	stage->bot.disabled = true;
	out_pass(stage, PREVIEW_FOREVER_MS + 1000);
	assert_int_equal(stage->bot.previews->count, 0);
	assert_int_equal(stage->bot.previews->place_count, 0);
	out_expect_none(stage);
	out_close(stage);
}

/* ---- typing ----------------------------------------------------------------------------------------------------- */

static void test_typing(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin_work(stage, UUID(1), OUT_CHANNEL);
	begin_work(stage, UUID(2), OUT_CHANNEL);
	out_pass(stage, WORKING_WAIT_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250);
	call = out_expect(stage, "POST", TYPING);
	assert_true(call->droppable);
	out_ok(stage, call, "{}");
	end_work(stage, UUID(1), "x");
	out_pass(stage, WORKING_EVERY_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250); /* the other one still waits */
	out_ok(stage, out_expect(stage, "POST", TYPING), "{}");
	end_work(stage, UUID(2), "x");
	out_pass(stage, 60000);
	out_expect_none(stage);
	assert_int_equal(stage->bot.previews->place_count, 0);
	out_close(stage);
}

static void test_typing_places(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin_work(stage, UUID(1), OUT_SLASH); /* shows "thinking" by itself */
	assert_int_equal(stage->bot.previews->place_count, 0);
	begin_work(stage, UUID(2), OUT_DIRECT);
	out_pass(stage, WORKING_WAIT_MS);
	out_refuse(stage, out_expect(stage, "POST", "/channels/200/typing"), DISCORD_NO_ACCESS, 50013);
	out_pass(stage, 60000); /* not asked again */
	out_expect_none(stage);
	begin_work(stage, UUID(3), OUT_THREAD);
	grow(stage, OUT_THREAD, 0, LONG);
	out_pass(stage, WORKING_WAIT_MS);
	out_ok(stage, out_expect(stage, "POST", "/channels/100/messages/7/threads"), "{'id':'7'}");
	out_ok(stage, out_expect(stage, "POST", TYPING), "{}");
	out_pass(stage, 250);
	out_ok(stage, out_expect(stage, "POST", "/channels/7/messages"), "{'id':'40'}");
	out_pass(stage, EDIT_MS);
	out_ok(stage, out_expect(stage, "PATCH", "/channels/7/messages/40"), "{}");
	out_pass(stage, WORKING_EVERY_MS + 500); /* what grew is a sign, too; then in the thread */
	out_ok(stage, out_expect(stage, "POST", "/channels/7/typing"), "{}");
	out_close(stage);
}

/* It must not stick: ten minutes without a word of the turn end it. */
static void test_typing_ends(void **state)
{
	struct out_stage *stage = out_open();
	unsigned signs = 0;

	(void)state;
	begin_work(stage, UUID(1), OUT_CHANNEL);
	for (unsigned ms = 0; ms < WORKING_FOREVER_MS + 60000; ms += 250) {
		out_pass(stage, 250);
		if (stage->call_count > signs) {
			out_ok(stage, out_expect(stage, "POST", TYPING), "{}");
			signs++;
		}
	}
	assert_in_range(signs, 60, 80);
	assert_int_equal(stage->bot.previews->place_count, 0);
	out_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_short_answers),
		cmocka_unit_test(test_long_answer),
		cmocka_unit_test(test_edits_refused),
		cmocka_unit_test(test_unsure_post),
		cmocka_unit_test(test_post_refused),
		cmocka_unit_test(test_thread),
		cmocka_unit_test(test_interaction),
		cmocka_unit_test(test_interaction_without_answer),
		cmocka_unit_test(test_final_text_takes_its_place),
		cmocka_unit_test(test_final_text_while_posting),
		cmocka_unit_test(test_no_answer_comes),
		cmocka_unit_test(test_new_attempt),
		cmocka_unit_test(test_not_wanted),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_typing),
		cmocka_unit_test(test_typing_places),
		cmocka_unit_test(test_typing_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
