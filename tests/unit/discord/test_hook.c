/* What comes over HTTP (sheet 3.1, 10.2, pitfall 32), on real sockets: only the platform is heard, a response means stored,
 * and nobody waits longer than the platform does. */
#include "clock.h"
#include "crypto.h"
#include "hook_room.h"
#include "io.h"
#include "stage_inter.h"
#include <inttypes.h>
#include <openssl/evp.h>

enum { HEADERS_MAX = 6 };

struct stage {
	struct inter_stage *inter;
	struct platform *bot;
	struct io *io;
	struct web *web;
	struct http *http;
	struct loop_timer *tick;
	EVP_PKEY *key;
};

struct reply {
	bool done;
	int status;
	char *body;
	int64_t retry_after_ms;
	char type[60];
};

/* ---- opening and closing --------------------------------------------------------------------------------------------- */

static void stop_turn(void *data)
{
	io_stop(data);
}

/* The key pair of RFC 8032, test 1. */
static void make_keys(struct stage *stage)
{
	uint8_t secret[32];
	size_t len = 32;

	assert_true(
		crypto_unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", 64, secret));
	stage->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof(secret));
	assert_non_null(stage->key);
	assert_int_equal(EVP_PKEY_get_raw_public_key(stage->key, stage->bot->public_key, &len), 1);
	stage->bot->has_key = true;
}

static int open_stage(void **state)
{
	struct stage *stage = mem_zero(1, sizeof(*stage));
	struct err err = { 0 };

	stage->io = io_create(&err);
	assert_non_null(stage->io);
	stage->web = web_create(stage->io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	assert_non_null(stage->web);
	stage->http = http_create(stage->io, &(struct http_options){ .agent = "usher-test" }, &err);
	assert_non_null(stage->http);
	stage->inter = inter_open(io_loop(stage->io));
	stage->inter->host.web = stage->web;
	stage->bot = &stage->inter->bot;
	stage->tick = loop_timer_create(io_loop(stage->io), stop_turn, stage->io);
	make_keys(stage);
	stage->bot->hook = discord_hook_create(stage->bot);
	assert_true(discord_hook_start(stage->bot->hook, &err));
	*state = stage;
	return 0;
}

static int close_stage(void **state)
{
	struct stage *stage = *state;

	discord_hook_destroy(stage->bot->hook);
	assert_null(stage->bot->hook);
	inter_close(stage->inter);
	loop_timer_destroy(stage->tick);
	http_destroy(stage->http);
	web_destroy(stage->web);
	io_destroy(stage->io);
	EVP_PKEY_free(stage->key);
	free(stage);
	return 0;
}

static void step(struct stage *stage)
{
	loop_timer_start(stage->tick, 1, 0);
	io_run(stage->io);
}

#define WAIT(stage, condition)                                                                               \
	do {                                                                                                 \
		uint64_t wait_end = clock_mono_ms() + 20000;                                                 \
		while (!(condition)) {                                                                       \
			if (clock_mono_ms() > wait_end)                                                      \
				fail_msg("did not happen in time: %s", #condition);                          \
			step(stage);                                                                         \
		}                                                                                            \
	} while (0)

/* ---- requests ---------------------------------------------------------------------------------------------------------- */

static void came(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct reply *reply = owner;
	const char *type = http_header(answer, "content-type");

	(void)ticket;
	assert_int_equal(answer->how, HTTP_ANSWERED);
	reply->done = true;
	reply->status = answer->status;
	reply->body = mem_text_n(answer->body ? answer->body : "", answer->len);
	reply->retry_after_ms = answer->retry_after_ms;
	snprintf(reply->type, sizeof(reply->type), "%s", type ? type : "");
}

static void post_with(struct stage *stage, struct reply *reply, const char *what, const char *const *headers,
		      const char *body)
{
	char *url = mem_format("http://127.0.0.1:%d/discord/acme/%s", web_port(stage->web), what);

	*reply = (struct reply){ 0 };
	http_start(stage->http,
		   &(struct http_call){ .method = "POST",
					.url = url,
					.headers = headers,
					.body = body,
					.body_len = strlen(body) },
		   NULL, came, reply, 0);
	free(url);
}

static void sign(const struct stage *stage, const char *timestamp, const char *body, char hex[129])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char *text = mem_format("%s%s", timestamp, body);
	uint8_t raw[64];
	size_t len = sizeof(raw);

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, stage->key), 1);
	assert_int_equal(EVP_DigestSign(ctx, raw, &len, (const uint8_t *)text, strlen(text)), 1);
	crypto_hex(raw, sizeof(raw), hex);
	EVP_MD_CTX_free(ctx);
	free(text);
}

/* Signed at now + off_s seconds. */
static void post_at(struct stage *stage, struct reply *reply, const char *what, const char *body,
		    int64_t off_s)
{
	char timestamp[24], hex[129], *headers[3];

	snprintf(timestamp, sizeof(timestamp), "%" PRId64, clock_wall_ms() / 1000 + off_s);
	sign(stage, timestamp, body, hex);
	headers[0] = mem_format("X-Signature-Ed25519: %s", hex);
	headers[1] = mem_format("X-Signature-Timestamp: %s", timestamp);
	headers[2] = NULL;
	post_with(stage, reply, what, (const char *const *)headers, body);
	free(headers[0]);
	free(headers[1]);
}

static void post(struct stage *stage, struct reply *reply, const char *what, const char *body)
{
	char *json = mem_text(body);

	for (char *at = json; *at; at++)
		if (*at == '\'')
			*at = '"';
	post_at(stage, reply, what, json, 0);
	free(json);
}

static void expect(struct stage *stage, struct reply *reply, int status, const char *body)
{
	WAIT(stage, reply->done);
	if (reply->status != status)
		fail_msg("answered %d, expected %d", reply->status, status);
	if (body)
		assert_string_equal(reply->body, body);
	free(reply->body);
	reply->body = NULL;
}

#define PING "{\"application_id\":\"1\",\"id\":\"2\",\"token\":\"t\",\"type\":1,\"version\":1}"
#define ASK                                                                                                  \
	"{" INTER_GUILD                                                                                      \
	"'type':2,'data':{'name':'ask','type':1,'options':[{'type':3,'name':'prompt','value':'Why?'}]}}"

/* ---- who is heard -------------------------------------------------------------------------------------------------------- */

static void a_ping_is_answered(void **state)
{
	struct stage *stage = *state;
	struct reply reply;

	post(stage, &reply, "interactions", PING);
	expect(stage, &reply, 200, "{\"type\":1}");
	assert_string_equal(reply.type, "application/json");
}

/* The platform removes an address that takes such requests. */
static void without_a_signature(void **state)
{
	struct stage *stage = *state;
	char hex[129], other[129], *good, *bad, now[24], *stamp;
	struct reply reply;

	snprintf(now, sizeof(now), "%" PRId64, clock_wall_ms() / 1000);
	sign(stage, now, PING, hex);
	sign(stage, now, PING " ", other);
	good = mem_format("X-Signature-Ed25519: %s", hex);
	bad = mem_format("X-Signature-Ed25519: %s", other);
	stamp = mem_format("X-Signature-Timestamp: %s", now);
	{
		const char *const cases[][5] = {
			{ NULL },
			{ good, NULL },
			{ stamp, NULL },
			{ bad, stamp, NULL },
			{ good, bad, stamp, NULL },
			{ good, good, stamp, NULL },
			{ good, stamp, stamp, NULL },
			{ "X-Signature-Ed25519: 00", stamp, NULL },
			{ good, "X-Signature-Timestamp: 1700000000", NULL },
			{ good, "X-Signature-Timestamp:", NULL },
		};
		static const char *const paths[] = { "interactions", "events" };

		for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
			post_with(stage, &reply, paths[i & 1], cases[i / 2], PING);
			expect(stage, &reply, 401, NULL);
		}
		post_with(stage, &reply, "interactions", (const char *const[]){ good, stamp, NULL }, PING);
		expect(stage, &reply, 200, NULL);
	}
	free(good);
	free(bad);
	free(stamp);
}

/* The check is of the bytes, and comes before they are read: also for what is no JSON at all. */
static void checked_before_it_is_read(void **state)
{
	struct stage *stage = *state;
	struct reply reply;

	post_with(stage, &reply, "interactions", (const char *const[]){ NULL }, "{{{");
	expect(stage, &reply, 401, NULL);
	post(stage, &reply, "interactions", "{{{");
	expect(stage, &reply, 400, NULL);
	post(stage, &reply, "interactions",
	     " { 'version' : 1,\n'type' : 1 } "); /* white space and order of their own */
	expect(stage, &reply, 200, "{\"type\":1}");
}

static void of_another_time(void **state)
{
	struct stage *stage = *state;
	struct reply reply;

	post_at(stage, &reply, "interactions", PING, -400);
	expect(stage, &reply, 401, NULL);
	post_at(stage, &reply, "interactions", PING, 400);
	expect(stage, &reply, 401, NULL);
	post_at(stage, &reply, "interactions", PING, -200);
	expect(stage, &reply, 200, NULL);
}

/* ---- interactions ----------------------------------------------------------------------------------------------------------- */

static void a_response_means_stored(void **state)
{
	struct stage *stage = *state;
	struct reply reply;

	post(stage, &reply, "interactions", ASK);
	WAIT(stage, stage->inter->count == 1);
	for (int i = 0; i < 20; i++)
		step(stage);
	assert_false(reply.done);
	inter_ack(stage->inter, &stage->inter->messages[0], ACK_STORED, MESSAGE_ACCEPTED);
	expect(stage, &reply, 200, "{\"type\":5}");
	assert_string_equal(reply.type, "application/json");
	assert_int_equal(stage->inter->call_count, 0); /* no callback beside it */
	assert_null(stage->bot->hook->waiting);
}

static void not_stored(void **state)
{
	struct stage *stage = *state;
	struct reply reply;

	post(stage, &reply, "interactions", ASK);
	WAIT(stage, stage->inter->count == 1);
	inter_ack(stage->inter, &stage->inter->messages[0], ACK_BUSY, MESSAGE_ACCEPTED);
	expect(stage, &reply, 503, NULL);
	assert_true(reply.retry_after_ms >= 1000);
}

/* A store that is slow: the platform gives up after three seconds, and what is stored later is answered all the same. */
static void not_stored_in_time(void **state)
{
	struct stage *stage = *state;
	struct discord_hook *hook = stage->bot->hook;
	struct reply reply;

	assert_in_range(DISCORD_PATIENCE_MS, 1000, 2900);
	web_held_destroy(hook->held);
	hook->held = web_held_create(stage->web, stage->inter->host.loop, 20, 2);
	post(stage, &reply, "interactions", ASK);
	expect(stage, &reply, 503, NULL);
	inter_ack(stage->inter, &stage->inter->messages[0], ACK_STORED, MESSAGE_ACCEPTED);
	assert_null(hook->waiting);
	post(stage, &reply, "interactions", PING);
	expect(stage, &reply, 200, NULL);
}

static void no_more_than_can_wait(void **state)
{
	struct stage *stage = *state;
	struct discord_hook *hook = stage->bot->hook;
	struct reply replies[3];
	unsigned refused = 0;

	web_held_destroy(hook->held);
	hook->held = web_held_create(stage->web, stage->inter->host.loop, 60000, 2);
	for (size_t i = 0; i < 3; i++)
		post(stage, &replies[i], "interactions", ASK);
	WAIT(stage, replies[0].done || replies[1].done || replies[2].done);
	for (size_t i = 0; i < 3; i++) {
		refused += replies[i].done && replies[i].status == 503;
		if (!replies[i].done)
			continue;
		free(replies[i].body);
	}
	assert_int_equal(refused, 1);
	assert_int_equal(stage->inter->count, 2);
	for (size_t i = 0; i < 2; i++)
		inter_ack(stage->inter, &stage->inter->messages[i], ACK_STORED, MESSAGE_ACCEPTED);
	for (size_t i = 0; i < 3; i++)
		if (!replies[i].done || replies[i].status == 200)
			expect(stage, &replies[i], 200, "{\"type\":5}");
}

static void bodies_that_are_no_interactions(void **state)
{
	static const char *const bodies[] = { "",
					      "[]",
					      "7",
					      "{}",
					      "{'type':2}",
					      "{'type':1,'type':1}",
					      "{'type':2,'id':'1','token':'\\ud800'}" };
	struct stage *stage = *state;
	char *large = mem_alloc(DISCORD_BODY_MAX + 2);
	struct reply reply;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		post(stage, &reply, "interactions", bodies[i]);
		expect(stage, &reply, 400, NULL);
	}
	memset(large, ' ', DISCORD_BODY_MAX + 1);
	large[DISCORD_BODY_MAX + 1] = '\0';
	post(stage, &reply, "interactions", large);
	expect(stage, &reply, 413, NULL);
	assert_int_equal(stage->inter->count, 0);
	assert_null(stage->bot->hook->waiting);
	free(large);
}

/* ---- webhook events (sheet 3.1) ----------------------------------------------------------------------------------------------- */

#define ADDED(at, user)                                                                                      \
	"{'version':1,'application_id':'1','type':1,'event':{'type':'APPLICATION_AUTHORIZED','timestamp':"   \
	"'" at "','data':{'integration_type':0,'scopes':['bot'],'user':{'id':'" user                         \
	"'},'guild':{'id':'40'}}}}"

/* Here 0 is the PING, which is answered with nothing but a type. */
static void a_ping_of_events(void **state)
{
	struct stage *stage = *state;
	struct reply reply;

	post(stage, &reply, "events", "{'version':1,'application_id':'1','type':0}");
	expect(stage, &reply, 204, "");
	assert_string_equal(reply.type, "application/json");
	assert_int_equal(stage->inter->event_count, 0);
}

static void an_event_is_kept_first(void **state)
{
	struct stage *stage = *state;
	struct inter_event *event = &stage->inter->events[0];
	struct reply reply;

	post(stage, &reply, "events", ADDED("2026-11-01T10:00:00", "60"));
	WAIT(stage, stage->inter->event_count == 1);
	assert_string_equal(event->type, "APPLICATION_AUTHORIZED");
	for (int i = 0; i < 20; i++)
		step(stage);
	assert_false(reply.done);
	event->done(stage->bot, event->owner, true);
	expect(stage, &reply, 204, "");
}

/* Events have no id, and come again for ten minutes. */
static void an_event_that_comes_again(void **state)
{
	struct stage *stage = *state;
	struct inter_stage *inter = stage->inter;
	struct reply reply;

	post(stage, &reply, "events", ADDED("2026-11-01T10:00:00", "60"));
	WAIT(stage, inter->event_count == 1);
	inter->events[0].done(stage->bot, inter->events[0].owner, false);
	expect(stage, &reply, 503, NULL);
	post(stage, &reply, "events", ADDED("2026-11-01T10:00:00", "60")); /* it was not kept: taken anew */
	WAIT(stage, inter->event_count == 2);
	inter->events[1].done(stage->bot, inter->events[1].owner, true);
	expect(stage, &reply, 204, NULL);
	post(stage, &reply, "events", ADDED("2026-11-01T10:00:00", "60"));
	expect(stage, &reply, 204, NULL);
	assert_int_equal(inter->event_count, 2);
	post(stage, &reply, "events",
	     ADDED("2026-11-01T10:00:01", "60")); /* another time, another user: others */
	WAIT(stage, inter->event_count == 3);
	inter->events[2].done(stage->bot, inter->events[2].owner, true);
	expect(stage, &reply, 204, NULL);
	post(stage, &reply, "events", ADDED("2026-11-01T10:00:00", "61"));
	WAIT(stage, inter->event_count == 4);
	inter->events[3].done(stage->bot, inter->events[3].owner, true);
	expect(stage, &reply, 204, NULL);
}

static void bodies_that_are_no_events(void **state)
{
	static const char *const bodies[] = { "{",
					      "[]",
					      "{}",
					      "{'type':2}",
					      "{'type':1}",
					      "{'type':1,'event':{'type':'X'}}",
					      "{'type':1,'event':{'timestamp':'2026'}}",
					      "{'type':'0'}" };
	struct stage *stage = *state;
	struct reply reply;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		post(stage, &reply, "events", bodies[i]);
		expect(stage, &reply, 400, NULL);
	}
	assert_int_equal(stage->inter->event_count, 0);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------------------- */

static void stop_and_start(void **state)
{
	struct stage *stage = *state;
	struct err err = { 0 };
	struct reply owed, late, again;

	post(stage, &owed, "interactions", ASK);
	WAIT(stage, stage->inter->count == 1);
	discord_hook_stop(stage->bot->hook);
	post(stage, &late, "interactions", ASK);
	expect(stage, &late, 503, NULL);
	inter_ack(stage->inter, &stage->inter->messages[0], ACK_STORED, MESSAGE_ACCEPTED);
	expect(stage, &owed, 200, "{\"type\":5}");
	assert_true(discord_hook_start(stage->bot->hook, &err));
	post(stage, &again, "interactions", PING);
	expect(stage, &again, 200, NULL);
}

/* Whatever waits then is told to come again, and nobody is told afterwards. */
static void ends_while_requests_wait(void **state)
{
	struct stage *stage = *state;
	struct reply one, two;

	post(stage, &one, "interactions", ASK);
	post(stage, &two, "events", ADDED("2026-11-01T10:00:00", "60"));
	WAIT(stage, stage->inter->count == 1 && stage->inter->event_count == 1);
	discord_hook_destroy(stage->bot->hook);
	inter_ack(stage->inter, &stage->inter->messages[0], ACK_STORED, MESSAGE_ACCEPTED);
	expect(stage, &one, 503, NULL);
	expect(stage, &two, 503, NULL);
	post(stage, &one, "interactions", PING);
	expect(stage, &one, 404, NULL);
}

static void what_a_start_needs(void **state)
{
	struct stage *stage = *state;
	struct discord_hook *other = discord_hook_create(stage->bot);
	struct err err = { 0 };

	assert_false(discord_hook_start(other, &err));
	assert_non_null(strstr(err.text, "two bots have the same name"));
	discord_hook_destroy(other);
	stage->bot->has_key = false; /* nothing could be checked: nothing is taken, and the rest works */
	stage->bot->config.name = "other";
	other = discord_hook_create(stage->bot);
	assert_true(discord_hook_start(other, &err));
	assert_null(other->held);
	discord_hook_destroy(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(a_ping_is_answered),
		TEST(without_a_signature),
		TEST(checked_before_it_is_read),
		TEST(of_another_time),
		TEST(a_response_means_stored),
		TEST(not_stored),
		TEST(not_stored_in_time),
		TEST(no_more_than_can_wait),
		TEST(bodies_that_are_no_interactions),
		TEST(a_ping_of_events),
		TEST(an_event_is_kept_first),
		TEST(an_event_that_comes_again),
		TEST(bodies_that_are_no_events),
		TEST(stop_and_start),
		TEST(ends_while_requests_wait),
		TEST(what_a_start_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
