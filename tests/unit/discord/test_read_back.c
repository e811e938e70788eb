/* Whether an answer arrived is found out by reading what stands in the channel: a wrong yes loses it, a wrong no says it
 * twice. */
#include "buf.h"
#include "mem.h"
#include "stage_out.h"

#define SINCE	"1174109589340160000" /* a minute before OUT_NOW_MS */
#define NEWER	"1174109589340160001"
#define PAGE(n) "/channels/100/messages?limit=100&after=" n

struct asked {
	struct out_stage *stage;
	struct discord_place place;
	unsigned answers;
	struct discord_found found;
	struct discord_lookup *lookup;
};

static void found(struct platform *bot, void *owner, uint64_t ticket, const struct discord_found *found)
{
	struct asked *asked = owner;

	(void)bot;
	assert_int_equal(ticket, 3);
	asked->answers++;
	asked->found = *found;
	asked->found.why = NULL;
}

static struct asked begin(snowflake guild)
{
	struct asked asked = { .stage = out_open(),
			       .place = { .guild = guild, .channel = 100, .message = 7, .user = 5 } };

	return asked;
}

static void look(struct asked *asked, const char *content)
{
	struct discord_look look = { .channel = 100,
				     .place = &asked->place,
				     .reply = true,
				     .nonce = OUT_NONCE,
				     .content = content,
				     .since_ms = OUT_NOW_MS };

	asked->lookup = discord_read_back(&asked->stage->bot, &look, found, asked, 3);
	out_pass(asked->stage, 5000);
}

static void ends(struct asked *asked, enum discord_looked how)
{
	assert_int_equal(asked->answers, 1);
	assert_int_equal(asked->found.how, how);
	out_expect_none(asked->stage);
	out_close(asked->stage);
}

/* One message of the channel beside a foreign one: is it ours? */
static void test_messages(void **state)
{
	static const struct {
		const char *message;
		enum discord_looked how;
	} rows[] = {
		{ "'author':{'id':'78'},'content':'**a** b, c\\\\_d!'", DISCORD_FOUND },
		{ "'author':{'id':'78'},'content':'a b c d'", DISCORD_FOUND }, /* signs were stripped */
		{ "'author':{'id':'78'},'content':'a b c'", DISCORD_FOUND_NOT },
		{ "'author':{'id':'5'},'content':'**a** b, c\\\\_d!'", DISCORD_FOUND_NOT },
		{ "'author':{'id':'78'},'content':'x','nonce':'" OUT_NONCE "'", DISCORD_FOUND },
		{ "'author':{'id':'5'},'content':'x','nonce':'" OUT_NONCE "'", DISCORD_FOUND_NOT },
		{ "'author':{'id':'78'},'content':'abcd','nonce':'of another'", DISCORD_FOUND_NOT },
		{ "'author':{'id':'78'},'content':'abcd','message_reference':{'message_id':'7'}",
		  DISCORD_FOUND },
		{ "'author':{'id':'78'},'content':'abcd','message_reference':{'message_id':'8'}",
		  DISCORD_FOUND_NOT },
		{ "'author':{'id':'78'},'content':'abcd','attachments':[{'filename':'x','size':1}]",
		  DISCORD_FOUND_NOT },
		{ "'author':{'id':'78'}", DISCORD_FOUND_NOT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct asked asked = begin(9);
		char *page = mem_format("[{'id':'9'},{'id':'" NEWER "',%s}]", rows[i].message);

		look(&asked, "**a** b, c\\_d!");
		out_ok(asked.stage, out_expect(asked.stage, "GET", PAGE(SINCE)), page);
		if (asked.found.how == DISCORD_FOUND)
			assert_true(asked.found.spot.message == 1174109589340160001u);
		free(page);
		ends(&asked, rows[i].how);
	}
}

/* Signs alone are compared as they are. */
static void test_only_signs(void **state)
{
	struct asked asked = begin(9);

	(void)state;
	look(&asked, "👍");
	out_ok(asked.stage, out_expect(asked.stage, "GET", PAGE(SINCE)),
	       "[{'id':'" NEWER "','author':{'id':'78'},'content':'👎'}]");
	ends(&asked, DISCORD_FOUND_NOT);
}

/* Right after the start we do not know who we are: an answer that reads the same is not repeated. */
static void test_before_we_are_known(void **state)
{
	struct asked asked = begin(9);

	(void)state;
	asked.stage->bot.user_id = 0;
	look(&asked, "yes");
	out_ok(asked.stage, out_expect(asked.stage, "GET", PAGE(SINCE)),
	       "[{'id':'" NEWER "','author':{'id':'78'},'content':'yes'}]");
	ends(&asked, DISCORD_FOUND);
}

static char *full_page(snowflake from)
{
	struct buf page = { 0 };
	char id[SNOWFLAKE_SIZE];

	for (snowflake i = 0; i < 100; i++)
		buf_format(&page, "%s{'id':'%s','author':{'id':'5'},'content':'x'}", i ? "," : "[",
			   snowflake_text(from + 99 - i, id)); /* newest first */
	buf_text(&page, "]");
	return buf_take(&page);
}

static void test_pages(void **state)
{
	struct asked asked = begin(9);
	snowflake from = 1174109589340160001u;

	(void)state;
	look(&asked, "yes");
	for (int i = 0; i < 20; i++) {
		char id[SNOWFLAKE_SIZE], *page = full_page(from),
					 *path = mem_format(PAGE("%s"), snowflake_text(from - 1, id));

		out_ok(asked.stage, out_expect(asked.stage, "GET", path), page);
		from += 100;
		free(page);
		free(path);
	}
	ends(&asked, DISCORD_LOOK_NEVER); /* too much was said since */
}

/* Who may not read the history gets an empty list and no error: one message is asked for (sheet 17). */
static void test_empty(void **state)
{
	static const struct {
		enum discord_refusal refusal;
		enum discord_looked how;
	} rows[] = {
		{ DISCORD_UNKNOWN_MESSAGE, DISCORD_FOUND_NOT },
		{ DISCORD_NO_ACCESS, DISCORD_LOOK_NEVER },
	};
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		asked = begin(9);
		look(&asked, "yes");
		out_ok(asked.stage, out_expect(asked.stage, "GET", PAGE(SINCE)), "[]");
		out_refuse(asked.stage, out_expect(asked.stage, "GET", "/channels/100/messages/7"),
			   rows[i].refusal, 1);
		ends(&asked, rows[i].how);
	}
	asked = begin(9);
	look(&asked, "yes");
	out_ok(asked.stage, out_expect(asked.stage, "GET", PAGE(SINCE)), "[]");
	out_ok(asked.stage, out_expect(asked.stage, "GET", "/channels/100/messages/7"), "{'id':'7'}");
	ends(&asked, DISCORD_FOUND_NOT);
	asked = begin(0); /* a direct message can be read */
	look(&asked, "yes");
	out_ok(asked.stage, out_expect(asked.stage, "GET", PAGE(SINCE)), "[]");
	ends(&asked, DISCORD_FOUND_NOT);
}

static void test_cannot_read(void **state)
{
	struct asked asked = begin(9);

	(void)state;
	look(&asked, "yes");
	out_ok(asked.stage, out_expect(asked.stage, "GET", PAGE(SINCE)), "{}");
	ends(&asked, DISCORD_LOOK_LATER);
	asked = begin(9);
	look(&asked, "yes");
	out_refuse(asked.stage, out_expect(asked.stage, "GET", PAGE(SINCE)), DISCORD_UNKNOWN_CHANNEL, 10003);
	ends(&asked, DISCORD_LOOK_NEVER);
	asked = begin(9);
	look(&asked, "yes");
	discord_lookup_cancel(asked.lookup);
	out_expect_none(asked.stage);
	assert_int_equal(asked.answers, 0);
	out_close(asked.stage);
	discord_lookup_cancel(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_only_signs),
		cmocka_unit_test(test_before_we_are_known),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_cannot_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
