/* Files that are answers: they come once, under their answer's nonce; what Discord does not take is said with its link. */
#include "sending.h"
#include "stage_out.h"

static struct outgoing_file table = { .path = "/w/1",
				      .name = "all s\xc3\xbcms.csv",
				      .mime = "text/csv",
				      .size = 7,
				      .link = "https://u.example/d/1" };

static struct outgoing answer(const char *place)
{
	struct outgoing out = out_answer(place, NULL);

	out.file = &table;
	out.part = 1;
	out.parts = 2;
	return out;
}

static struct out_call *uploading(struct out_stage *stage, const char *path)
{
	struct out_call *call = out_expect(stage, "POST", path);

	assert_string_equal(call->file_path, "/w/1");
	assert_string_equal(call->file_name, "all s\xc3\xbcms.csv");
	assert_null(call->file);
	return call;
}

static void test_carries_the_nonce(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(OUT_CHANNEL);
	struct out_call *call;

	(void)state;
	out_send(stage, &out);
	call = uploading(stage, OUT_POST);
	out_arg_is(call, "/enforce_nonce", "true");
	out_fail(stage, call, DISCORD_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	out.unsure = true; /* within two minutes the platform knows the nonce */
	out_send(stage, &out);
	out_ok(stage, uploading(stage, OUT_POST), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out_close(stage);
}

/* Names are changed on the way: it is still found. */
static void test_is_looked_for_later(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(OUT_CHANNEL);

	(void)state;
	out.unsure = true;
	out_pass(stage, SENDS_NONCE_MS + 1);
	out_send(stage, &out);
	out_pass(stage, 5000);
	out_ok(stage, out_expect(stage, "GET", "/channels/100/messages?limit=100&after=1174109589340160000"),
	       "[{'id':'1174109589340160050','author':{'id':'78'},'content':'','attachments':[{'filename':'"
	       "all_sms.csv','size':7}]}]");
	out_was_sent(stage, SENT_ACCEPTED, "100/1174109589340160050");
	out_expect_none(stage);
	out_close(stage);
}

static void link_follows(struct out_stage *stage, const char *path)
{
	struct out_call *call = out_expect(stage, "POST", path);

	assert_null(call->file_path);
	assert_non_null(strstr(json_text(call->args, "content"), "https://u.example/d/1"));
	out_ok(stage, call, "{'id':'51'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/51");
}

static void test_what_is_not_taken_is_a_link(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(OUT_CHANNEL);

	(void)state;
	out_send(stage, &out);
	out_refuse(stage, uploading(stage, OUT_POST), DISCORD_FILE, 40005);
	link_follows(stage, OUT_POST);
	out_send(stage, &out);
	out_refuse(stage, uploading(stage, OUT_POST), DISCORD_NO_ACCESS, 50013); /* no Attach Files */
	link_follows(stage, OUT_POST);
	table.size = DISCORD_FILE_SEND_MAX + 1;
	out_send(stage, &out);
	link_follows(stage, OUT_POST);
	table.size = 7;
	out_close(stage);
}

/* Where boosts allow it, more is sent; what does not arrive for its size is not sent for ever. */
static void test_large_ones_where_they_are_taken(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(OUT_CHANNEL);

	(void)state;
	stage->bot.inbound = discord_inbound_create(&stage->bot);
	discord_known(&stage->bot,
		      &(struct install){ .key = "9", .settings = "{\"premium_tier\":2}", .enabled = true });
	table.size = DISCORD_FILE_SEND_MAX + 1;
	out_send(stage, &out);
	out_ok(stage, uploading(stage, OUT_POST), "{'id':'50'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/50");
	out.unsure = true;
	out_pass(stage, SENDS_NONCE_MS + 1);
	out_send(stage, &out);
	out_pass(stage, 5000);
	out_ok(stage, out_expect(stage, "GET", "/channels/100/messages?limit=100&after=1174109589340160000"),
	       "[{'id':'1174109589340160051','author':{'id':'5'},'content':'hm'}]");
	link_follows(stage, OUT_POST);
	out.unsure = false;
	table.size = DISCORD_FILE_BOOSTED_MAX + 1;
	out_send(stage, &out);
	link_follows(stage, OUT_POST);
	table.size = 7;
	discord_inbound_destroy(stage->bot.inbound);
	out_close(stage);
}

/* To one person it is a further message of the interaction, which no nonce guards. */
static void test_to_one_person(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(OUT_WHISPER);

	(void)state;
	out_send(stage, &out);
	out_ok(stage, uploading(stage, OUT_FOLLOW), "{'id':'52','channel_id':'100'}");
	out_was_sent(stage, SENT_ACCEPTED, "100/52");
	out.unsure = true;
	out_send(stage, &out);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out_expect_none(stage);
	out_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carries_the_nonce),
		cmocka_unit_test(test_is_looked_for_later),
		cmocka_unit_test(test_what_is_not_taken_is_a_link),
		cmocka_unit_test(test_large_ones_where_they_are_taken),
		cmocka_unit_test(test_to_one_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
