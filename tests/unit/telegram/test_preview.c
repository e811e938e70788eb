/* Who waits sees that something happens, at the pace the platform allows, and what was shown never stands beside the
 * final text. */
#include "mem.h"
#include "previews.h"
#include "stage_out.h"

#define LONG	"This is the beginning of a longer answer"
#define UUID(n) "0190aaaa-0000-7000-8000-00000000000" #n

/* The first look at the clock after the pause. */
enum { EDIT_MS = PREVIEW_GROUP_MS + 150, DRAFT_MS = PREVIEW_DRAFT_MS + 50 };

static void grow(struct out_stage *stage, const char *reply_to, size_t offset, const char *text)
{
	telegram_preview(&stage->bot,
			 &(struct outgoing_part){ .answers_to = (const char *const[]){ OUT_ASKED },
						  .answers_to_count = 1,
						  .reply_to = reply_to,
						  .attempt = 1,
						  .offset = offset,
						  .text = text,
						  .len = strlen(text) });
}

static void begin_work(struct out_stage *stage, const char *uuid, const char *reply_to)
{
	struct telegram_place place;

	assert_true(telegram_place_read(reply_to, &place));
	telegram_working_begin(&stage->bot, uuid, &place);
}

static void end_work(struct out_stage *stage, const char *uuid, const char *text)
{
	telegram_working_end(&stage->bot, &(struct outgoing){ .answers_to = (const char *const[]){ uuid },
							      .answers_to_count = 1,
							      .text = text });
}

/* The message 40 stands there, said to be placed. */
static void post(struct out_stage *stage, const char *reply_to)
{
	grow(stage, reply_to, 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':40}");
}

/* ---- drafts -------------------------------------------------------------------------------------------------- */

static void test_drafts(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	grow(stage, out_private(), 0, "**a");
	out_pass(stage, 250);
	call = out_expect(stage, "sendMessageDraft");
	out_arg_is(call, "/chat_id", "9");
	out_arg_is(call, "/draft_id", "1");
	out_arg_is(call, "/text", "'**a'");
	out_arg_is(call, "/parse_mode", "'HTML'");
	out_arg_is(call, "/can_stop", "true");
	assert_true(call->droppable);
	grow(stage, out_private(), 3, "** b");
	out_pass(stage, 5000); /* one call at a time */
	out_ok(stage, call, "true");
	out_pass(stage, 250);
	call = out_expect(stage, "sendMessageDraft");
	out_arg_is(call, "/text", "'<b>a</b> b'");
	out_ok(stage, call, "true");
	grow(stage, out_private(), 7, " c");
	out_pass(stage, DRAFT_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250);
	out_ok(stage, out_expect(stage, "sendMessageDraft"), "true");
	out_pass(stage, PREVIEW_REFRESH_MS - 250); /* nothing is new, */
	out_expect_none(stage);
	out_pass(stage, 500); /* but a draft left alone vanishes */
	out_arg_is(out_expect(stage, "sendMessageDraft"), "/text", "'<b>a</b> b c'");
	assert_int_equal(stage->placeds, 0);
	out_close(stage);
}

/* The final text is posted, which removes the draft; nothing is drafted after it. */
static void test_end_of_drafts(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_private(), "a b");

	(void)state;
	grow(stage, out_private(), 0, "a");
	out_pass(stage, 250);
	telegram_send(&stage->bot, &out, 1);
	out_ok(stage, out_expect(stage, "sendMessageDraft"), "true");
	grow(stage, out_private(), 1, " b c");
	out_pass(stage, 60000);
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':50}");
	out_expect_none(stage);
	out_close(stage);
}

/* One failure is no reason to edit messages; a server without drafts is. */
static void test_drafts_fail(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	grow(stage, out_private(), 0, LONG);
	out_pass(stage, 250);
	for (int i = 0; i < PREVIEW_DRAFT_FAILS; i++) {
		out_refuse(stage, out_expect(stage, "sendMessageDraft"), TELEGRAM_OTHER, "no draft here");
		out_pass(stage, PREVIEW_DRAFT_MS + 250);
	}
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':40}");
	assert_string_equal(stage->placed_remote, "9/40");
	out_close(stage);

	stage = out_open();
	grow(stage, out_private(), 0, LONG);
	out_pass(stage, 250);
	out_refuse(stage, out_expect(stage, "sendMessageDraft"), TELEGRAM_NO_METHOD, "method not found");
	assert_false(stage->bot.has_drafts);
	out_pass(stage, 2000);
	out_expect(stage, "sendMessage");
	out_close(stage);
}

static void test_drafts_wait(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	grow(stage, out_private(), 0, LONG);
	out_pass(stage, 250);
	out_fail(stage, out_expect(stage, "sendMessageDraft"), TELEGRAM_LIMITED, 17000);
	out_pass(stage, 16500);
	out_expect_none(stage);
	out_pass(stage, 750);
	out_fail(stage, out_expect(stage, "sendMessageDraft"), TELEGRAM_NOT_SENT, 0);
	out_pass(stage, PREVIEW_RETRY_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 500);
	out_expect(stage, "sendMessageDraft");
	out_close(stage);
}

/* ---- a message that is edited ------------------------------------------------------------------------------------ */

static void test_edits(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	grow(stage, out_topic(), 0, "```c\nint main(void) { return 0; } /* x */");
	out_pass(stage, PREVIEW_WAIT_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250);
	call = out_expect(stage, "sendMessage");
	out_arg_is(call, "/text", "'…'"); /* should its number be lost, no half answer stays */
	out_arg_is(call, "/message_thread_id", "5");
	out_arg_is(call, "/reply_parameters/message_id", "7");
	assert_true(call->group && call->droppable);
	out_ok(stage, call, "{'message_id':40}");
	assert_string_equal(stage->placed_uuid, OUT_ASKED);
	assert_string_equal(stage->placed_remote, "-100/40");
	out_pass(stage, EDIT_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250);
	call = out_expect(stage, "editMessageText");
	out_arg_is(call, "/message_id", "40");
	out_arg_is(call, "/text",
		   "'<pre><code class=\\\"language-c\\\">int main(void) { return 0; } /* x */</code></pre>'");
	out_arg_is(call, "/link_preview_options", "{'is_disabled':true}");
	grow(stage, out_topic(), 41, "\nint y;");
	grow(stage, out_topic(), 48, "\nint z;");
	out_ok(stage, call, "{}");
	out_pass(stage, EDIT_MS);
	call = out_expect(stage, "editMessageText"); /* the newest only */
	out_refuse(stage, call, TELEGRAM_NOT_MODIFIED, "message is not modified");
	out_pass(stage, 60000); /* nothing grew */
	out_expect_none(stage);
	out_close(stage);
}

/* An answer that is short, or there at once, is worth no message. */
static void test_short_answers(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	grow(stage, out_group(), 0, "Yes.");
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
	post(stage, out_group());
	grow(stage, out_group(), strlen(LONG), text);
	out_pass(stage, EDIT_MS);
	call = out_expect(stage, "editMessageText");
	assert_in_range(strlen(json_text(call->args, "text")), 4000, TELEGRAM_TEXT_MAX);
	out_ok(stage, call, "{}");
	grow(stage, out_group(), strlen(LONG) + 30000, text);
	out_pass(stage, 60000);
	out_expect_none(stage);
	free(text);
	out_close(stage);
}

static void test_edits_refused(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	post(stage, out_group());
	out_pass(stage, EDIT_MS);
	out_fail(stage, out_expect(stage, "editMessageText"), TELEGRAM_LIMITED, 126000);
	out_pass(stage, 125000);
	out_expect_none(stage);
	out_pass(stage, 1250);
	call = out_expect(stage, "editMessageText");
	out_fail(stage, call, TELEGRAM_MAYBE, 0);
	out_pass(stage, EDIT_MS);
	out_refuse(stage, out_expect(stage, "editMessageText"), TELEGRAM_NO_MESSAGE,
		   "message to edit not found");
	grow(stage, out_group(), strlen(LONG), " and more");
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

/* ---- the final text -------------------------------------------------------------------------------------------------- */

static void test_final_text_takes_its_place(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_group(), "final");
	struct out_call *edit;

	(void)state;
	post(stage, out_group());
	out_pass(stage, EDIT_MS);
	edit = out_expect(stage, "editMessageText");
	telegram_send(&stage->bot, &out, 1); /* goes out after what is under way in this chat */
	assert_string_equal(stage->hold_remote, "-100/40");
	out_ok(stage, edit, "{}");
	grow(stage, out_group(), strlen(LONG), " and more");
	out_pass(stage, 60000);
	out_held(stage, ERR_NONE);
	edit = out_expect(stage, "editMessageText");
	out_arg_is(edit, "/text", "'final'");
	out_arg_is(edit, "/message_id", "40");
	out_ok(stage, edit, "{}");
	out_was_sent(stage, SENT_ACCEPTED, "-100/40");
	assert_int_equal(stage->bot.previews->count, 0);
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

/* What is being posted has no number yet: the final text waits for it, or it would stay beside it. */
static void test_final_text_while_posting(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_group(), "final");
	struct out_call *call;

	(void)state;
	grow(stage, out_group(), 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	call = out_expect(stage, "sendMessage");
	telegram_send(&stage->bot, &out, 1);
	telegram_send(&stage->bot, &out, 2); /* again: the outbox lost patience */
	assert_int_equal(stage->holds, 0);
	out_ok(stage, call, "{'message_id':40}");
	assert_int_equal(stage->holds, 1);
	assert_int_equal(stage->hold_ticket, 2);
	assert_string_equal(stage->hold_remote, "-100/40");
	out_expect_none(stage);
	out_close(stage);

	stage = out_open();
	grow(stage, out_group(), 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	call = out_expect(stage, "sendMessage");
	telegram_send(&stage->bot, &out, 1);
	out_fail(stage, call, TELEGRAM_MAYBE, 0);
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':41}"); /* its own */
	assert_string_equal(stage->hold_remote, "-100/41");
	out_close(stage);
}

/* A turn that ends without an answer leaves nothing behind that looks like one. */
static void test_no_answer_comes(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	post(stage, out_group());
	end_work(stage, OUT_ASKED, "there is one");
	out_expect_none(stage);
	end_work(stage, OUT_ASKED, NULL);
	call = out_expect(stage, "deleteMessage");
	out_arg_is(call, "/message_id", "40");
	out_ok(stage, call, "true");
	assert_int_equal(stage->bot.previews->count, 0);

	grow(stage, out_group(), 0, LONG);
	out_pass(stage, PREVIEW_WAIT_MS);
	call = out_expect(stage, "sendMessage");
	end_work(stage, OUT_ASKED, NULL);
	out_ok(stage, call, "{'message_id':41}");
	call = out_expect(stage, "deleteMessage");
	out_arg_is(call, "/message_id", "41");
	out_ok(stage, call, "true");
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
				      .reply_to = out_group(),
				      .placeholder = "-100/40",
				      .attempt = 2,
				      .text = "once more",
				      .len = 9 };
	struct out_call *call;

	(void)state;
	telegram_preview(&stage->bot, &part);
	out_pass(stage, EDIT_MS);
	call = out_expect(stage, "editMessageText");
	out_arg_is(call, "/message_id", "40");
	out_ok(stage, call, "{}");
	grow(stage, out_group(), 9, "of the first attempt, too late");
	part.attempt = 3;
	part.text = "again";
	part.len = 5;
	telegram_preview(&stage->bot, &part);
	out_pass(stage, EDIT_MS);
	call = out_expect(stage, "editMessageText");
	out_arg_is(call, "/text", "'again'");
	out_ok(stage, call, "{}");
	part.offset = 6; /* a piece is missing: nothing wrong is shown */
	telegram_preview(&stage->bot, &part);
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

static void test_not_wanted(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	stage->bot.config.preview = false;
	grow(stage, out_private(), 0, LONG);
	stage->bot.config.preview = true;
	grow(stage, out_private(), 5, LONG); /* its beginning is unknown */
	grow(stage, "nonsense", 0, LONG);
	grow(stage, NULL, 0, LONG);
	stage->bot.dead = true;
	grow(stage, out_private(), 0, LONG);
	assert_int_equal(stage->bot.previews->count, 0);
	out_pass(stage, 60000);
	out_expect_none(stage);
	out_close(stage);
}

/* Turns whose end is never heard of use no memory for ever. */
static void test_bounds(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	stage->bot.disabled = false;
	for (unsigned i = 0; i < PREVIEWS_MAX + 50; i++) {
		char *uuid = mem_format("0190aaaa-0000-7000-8000-%012u", i);
		struct telegram_place place = { .chat = 1 + i, .private = true };

		telegram_preview(&stage->bot,
				 &(struct outgoing_part){ .answers_to = (const char *const[]){ uuid },
							  .answers_to_count = 1,
							  .reply_to = out_private(),
							  .attempt = 1,
							  .text = "",
							  .len = 0 });
		telegram_working_begin(&stage->bot, uuid, &place);
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

/* ---- typing ----------------------------------------------------------------------------------------------------------- */

static void test_typing(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin_work(stage, UUID(1), out_private());
	begin_work(stage, UUID(2), out_private());
	out_pass(stage, WORKING_WAIT_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250);
	call = out_expect(stage, "sendChatAction");
	out_arg_is(call, "/chat_id", "9");
	out_arg_is(call, "/action", "'typing'");
	assert_true(call->droppable && !call->group);
	out_ok(stage, call, "true");
	end_work(stage, UUID(1), "x");
	out_pass(stage, WORKING_EVERY_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250); /* the other one still waits */
	out_ok(stage, out_expect(stage, "sendChatAction"), "true");
	end_work(stage, UUID(2), "x");
	out_pass(stage, 60000);
	out_expect_none(stage);
	assert_int_equal(stage->bot.previews->place_count, 0);
	out_close(stage);
}

static void test_typing_places(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin_work(stage, UUID(1), out_channel()); /* nobody types there */
	begin_work(stage, UUID(2), out_topic());
	out_pass(stage, WORKING_WAIT_MS);
	call = out_expect(stage, "sendChatAction");
	out_arg_is(call, "/message_thread_id", "5");
	assert_true(call->group);
	out_ok(stage, call, "true");
	out_pass(stage, WORKING_GROUP_MS - 250);
	out_expect_none(stage);
	out_pass(stage, 250);
	out_refuse(stage, out_expect(stage, "sendChatAction"), TELEGRAM_OTHER, "not enough rights");
	out_pass(stage, 60000); /* not asked again */
	out_expect_none(stage);
	out_close(stage);
}

/* A quick answer shows no sign, a limit is kept, and text that grows is sign enough. */
static void test_typing_quiet(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin_work(stage, UUID(1), out_private());
	out_pass(stage, 1000);
	end_work(stage, UUID(1), "x");
	out_pass(stage, 10000);
	out_expect_none(stage);

	begin_work(stage, UUID(2), out_private());
	out_pass(stage, WORKING_WAIT_MS);
	out_fail(stage, out_expect(stage, "sendChatAction"), TELEGRAM_LIMITED, 30000);
	out_pass(stage, 29500);
	out_expect_none(stage);
	out_pass(stage, 500);
	out_ok(stage, out_expect(stage, "sendChatAction"), "true");
	grow(stage, out_private(), 0, LONG);
	out_pass(stage, 250);
	out_ok(stage, out_expect(stage, "sendMessageDraft"), "true");
	out_pass(stage, WORKING_EVERY_MS);
	out_expect_none(stage);
	out_pass(stage, WORKING_EVERY_MS); /* it no longer does */
	out_expect(stage, "sendChatAction");
	out_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drafts),
		cmocka_unit_test(test_end_of_drafts),
		cmocka_unit_test(test_drafts_fail),
		cmocka_unit_test(test_drafts_wait),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_short_answers),
		cmocka_unit_test(test_long_answer),
		cmocka_unit_test(test_edits_refused),
		cmocka_unit_test(test_final_text_takes_its_place),
		cmocka_unit_test(test_final_text_while_posting),
		cmocka_unit_test(test_no_answer_comes),
		cmocka_unit_test(test_new_attempt),
		cmocka_unit_test(test_not_wanted),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_typing),
		cmocka_unit_test(test_typing_places),
		cmocka_unit_test(test_typing_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
