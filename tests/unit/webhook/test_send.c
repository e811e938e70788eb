/* Callbacks on real sockets: what the receiver gets, what each of its answers means, and where nothing is
 * sent. */
#include "clock.h"
#include "mem.h"
#include "stage.h"
#include "webhook.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct stage_put with_callback[] = { { "name", "crm" },
						  { "secret", STAGE_SECRET },
						  { "reply_url", "http://127.0.0.1:PORT/cb" },
						  { "reply_loopback", "true" },
						  { NULL, NULL } };

static const char *const uuids[] = { STAGE_UUID, "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeef" };
static const char *const keys[] = { "evt_1", "evt \"2\"" };

static struct outgoing answer_to(const char *reply_to)
{
	return (struct outgoing){
		.uuid = "0190aaaa-1111-7000-8000-000000000002",
		.answers_to = uuids,
		.answers_to_count = 2,
		.delivery_keys = keys,
		.state = MESSAGE_ANSWERED,
		.reply_to = reply_to,
		.text = "Done \xe2\x9c\x93",
		.tool_calls = "[]",
		.conversation_id = 7,
		.conversation_uuid = STAGE_PLACE,
		.created_ms = 1767323045678,
		.attempt = 1,
	};
}

static char *address(struct stage *stage, const char *path)
{
	return mem_format("http://127.0.0.1:%d%s", web_port(stage->web), path);
}

static void send_and_hear(struct stage *stage, const struct outgoing *out, uint64_t ticket)
{
	unsigned before = stage->sents;

	webhook_platform.send(stage->hook, out, ticket);
	assert_int_equal(stage->sents, before); /* never inside the call */
	stage_run_count(stage, &stage->sents, before + 1);
	assert_int_equal(stage->sent_ticket, ticket);
}

static void receiver_checks(const struct stage *stage)
{
	struct verify_keys receiver = { .count = 1 };

	assert_true(hook_key_standard(STAGE_SECRET, &receiver.at[0], NULL));
	assert_int_equal(
		hook_verify_standard(&receiver,
				     &(struct verify_headers){ stage->callback_id, stage->callback_time,
							       stage->callback_signature },
				     stage->callback_body, strlen(stage->callback_body),
				     clock_wall_ms() / 1000, 5),
		VERIFIED);
}

static void the_receiver_gets_a_signed_event(void **state)
{
	struct stage *stage = stage_open(with_callback);
	char *url = address(stage, "/cb");
	struct outgoing out = answer_to(url);

	(void)state;
	send_and_hear(stage, &out, 41);
	assert_int_equal(stage->sent_how, SENT_ACCEPTED);
	receiver_checks(stage);
	assert_string_equal(stage->callback_id, out.uuid);
	assert_string_equal(stage->callback_origin, hook_origin());
	assert_string_equal(
		stage->callback_body,
		"{\"type\":\"message.created\",\"timestamp\":\"2026-01-02T03:04:05.678Z\",\"data\":{"
		"\"id\":\"0190aaaa-1111-7000-8000-000000000002\",\"conversation_id\":7,"
		"\"conversation_uuid\":\"0190aaaa-0000-7000-8000-000000000001\",\"in_reply_to\":[\"evt_1\","
		"\"evt "
		"\\\"2\\\"\"],"
		"\"message_ids\":[\"0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee\",\"0190aaaa-bbbb-7ccc-8ddd-"
		"eeeeeeeeeeef\"],"
		"\"status\":\"answered\",\"text\":\"Done \xe2\x9c\x93\",\"tool_calls\":[]}}");
	free(url);
	stage_close(stage);
}

/* The receiver drops second copies by webhook-id and must be able to compare them. */
static void a_repetition_has_the_same_id_and_bytes(void **state)
{
	struct stage *stage = stage_open(with_callback);
	char *url = address(stage, "/cb"), *first;
	struct outgoing out = answer_to(url);

	(void)state;
	stage->callback_status = 500;
	send_and_hear(stage, &out, 1);
	assert_int_equal(stage->sent_how, SENT_MAYBE);
	first = mem_text(stage->callback_body);
	out.attempt = 2;
	stage->callback_status = 200;
	send_and_hear(stage, &out, 2);
	assert_int_equal(stage->sent_how, SENT_ACCEPTED);
	assert_string_equal(stage->callback_body, first);
	assert_string_equal(stage->callback_id, out.uuid);
	receiver_checks(stage);
	free(first);
	free(url);
	stage_close(stage);
}

/* A file is told by its link, never by its bytes: the receiver gets JSON in any case. */
static void a_reply_that_is_a_file_is_told_by_its_link(void **state)
{
	struct stage *stage = stage_open(with_callback);
	char *url = address(stage, "/cb");
	struct outgoing out = answer_to(url);
	struct outgoing_file file = { .path = "/nowhere",
				      .name = "a \"b\".json",
				      .mime = "application/json",
				      .size = 7,
				      .link = "https://bot.example.org/files/x/a" };

	(void)state;
	out.text = NULL;
	out.file = &file;
	send_and_hear(stage, &out, 1);
	assert_int_equal(stage->sent_how, SENT_ACCEPTED);
	receiver_checks(stage);
	assert_non_null(
		strstr(stage->callback_body,
		       "\"text\":null,\"tool_calls\":[],\"files\":[{\"name\":\"a \\\"b\\\".json\",\"mime\":"
		       "\"application/json\",\"size\":7,"
		       "\"link\":\"https://bot.example.org/files/x/a\"}]}}"));
	file.link = NULL; /* no public_url */
	send_and_hear(stage, &out, 2);
	assert_non_null(strstr(stage->callback_body, "\"link\":null}]}}"));
	free(url);
	stage_close(stage);
}

static void each_status_has_its_outcome(void **state)
{
	static const struct {
		int status;
		const char *retry_after;
		enum sent how;
		unsigned retry_ms;
	} rows[] = {
		{ 200, NULL, SENT_ACCEPTED, 0 },
		{ 202, NULL, SENT_ACCEPTED, 0 },
		{ 204, NULL, SENT_ACCEPTED, 0 },
		{ 301, NULL, SENT_NOT, 0 },
		{ 307, NULL, SENT_NOT, 0 },
		{ 400, NULL, SENT_NOT, 0 },
		{ 401, NULL, SENT_NOT, 0 },
		{ 403, NULL, SENT_NOT, 0 },
		{ 404, NULL, SENT_NOT, 0 },
		{ 404, "5", SENT_NOT, 0 },
		{ 429, NULL, SENT_NOT, 0 },
		{ 429, "7", SENT_LIMITED, 7000 },
		{ 429, "999999", SENT_LIMITED, 3600000 },
		{ 500, "7", SENT_MAYBE, 0 },
		{ 502, "1", SENT_LIMITED, 1000 },
		{ 503, "2", SENT_LIMITED, 2000 },
		{ 503, NULL, SENT_MAYBE, 0 },
		{ 504, NULL, SENT_MAYBE, 0 },
	};
	struct stage *stage = stage_open(with_callback);
	char *url = address(stage, "/cb");
	struct outgoing out = answer_to(url);

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stage->callback_status = rows[i].status;
		stage->callback_retry_after = rows[i].retry_after;
		send_and_hear(stage, &out, i + 1);
		if (stage->sent_how != rows[i].how || stage->sent_retry_ms != rows[i].retry_ms)
			fail_msg("status %d: outcome %d, %u ms", rows[i].status, (int)stage->sent_how,
				 stage->sent_retry_ms);
		assert_int_equal(stage->callbacks, i + 1);
	}
	free(url);
	stage_close(stage);
}

/* What no status says: lost connections, the guard, an answer cut off behind its head. */
static void each_fault_has_its_outcome(void **state)
{
	struct http_answer answer = { .how = HTTP_NOT_SENT, .retry_after_ms = -1 };
	struct err why;
	unsigned retry_ms;

	(void)state;
	err_set(&answer.err, ERR_AGAIN, "no connection");
	assert_int_equal(hook_send_outcome(&answer, &retry_ms, &why), SENT_NOT);
	err_set(&answer.err, ERR_REFUSED, "not a public address");
	assert_int_equal(hook_send_outcome(&answer, &retry_ms, &why), SENT_REJECTED);
	assert_string_equal(why.text, "not a public address");
	answer.how = HTTP_MAYBE;
	err_set(&answer.err, ERR_UNSURE, "time over");
	assert_int_equal(hook_send_outcome(&answer, &retry_ms, &why), SENT_MAYBE);
	answer.status = 200; /* it said yes before it was cut off */
	assert_int_equal(hook_send_outcome(&answer, &retry_ms, &why), SENT_ACCEPTED);
	answer.status = 410; /* the whole answer counts, not a part */
	assert_int_equal(hook_send_outcome(&answer, &retry_ms, &why), SENT_MAYBE);
}

static void gone_stops_that_address_for_good(void **state)
{
	struct stage *stage = stage_open(with_callback);
	char *url = address(stage, "/cb");
	struct outgoing out = answer_to(url);

	(void)state;
	stage->callback_status = 410;
	send_and_hear(stage, &out, 1);
	assert_int_equal(stage->sent_how, SENT_REJECTED);
	assert_int_equal(stage->link, LINK_DOWN);
	stage->callback_status = 200;
	send_and_hear(stage, &out, 2);
	assert_int_equal(stage->sent_how, SENT_REJECTED);
	assert_int_equal(stage->callbacks, 1);
	free(url);
	stage_close(stage);
}

/* A port that is taken but not listened on. */
static int silent_port(int *port_out)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(in);

	assert_int_equal(bind(fd, (const struct sockaddr *)&in, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
	*port_out = ntohs(in.sin_port);
	return fd;
}

static void nothing_listens_there(void **state)
{
	int port, fd = silent_port(&port);
	char *url = mem_format("http://127.0.0.1:%d/cb", port);
	struct stage *stage = stage_open((struct stage_put[]){ { "name", "crm" },
							       { "secret", STAGE_SECRET },
							       { "reply_url", url },
							       { "reply_loopback", "true" },
							       { NULL, NULL } });
	struct outgoing out = answer_to(url);

	(void)state;
	send_and_hear(stage, &out, 1);
	assert_int_equal(stage->sent_how, SENT_NOT);
	stage_close(stage);
	close(fd);
	free(url);
}

/* The address came with an old message; the settings of today decide. */
static void addresses_that_are_not_allowed_now(void **state)
{
	struct stage *stage = stage_open((struct stage_put[]){ { "name", "crm" },
							       { "secret", STAGE_SECRET },
							       { "reply_url_pointer", "/callback" },
							       { "reply_hosts", "api.example.org" },
							       { "reply_hosts", "127.0.0.1" },
							       { NULL, NULL } });
	char *here = address(stage, "/cb");
	const char *const urls[] = { here, "https://other.example/cb", "https://169.254.169.254/latest",
				     NULL };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct outgoing out = answer_to(urls[i]);

		send_and_hear(stage, &out, i + 1);
		assert_int_equal(stage->sent_how, SENT_REJECTED);
	}
	assert_int_equal(stage->callbacks, 0);
	free(here);
	stage_close(stage);
}

/* A hook whose callback address is a hook of ours would talk to itself for ever. */
static void our_own_callback_is_ignored(void **state)
{
	struct stage *stage =
		stage_open((struct stage_put[]){ { "name", "crm" },
						 { "secret", STAGE_SECRET },
						 { "reply_url", "http://127.0.0.1:PORT/webhook/crm" },
						 { "reply_loopback", "true" },
						 { NULL, NULL } });
	char *url = address(stage, "/webhook/crm");
	struct outgoing out = answer_to(url);

	(void)state;
	send_and_hear(stage, &out, 1);
	assert_int_equal(stage->sent_how, SENT_ACCEPTED);
	assert_int_equal(stage->incoming, 1);
	assert_int_equal(stage->flags, INCOMING_IGNORE);
	free(url);
	stage_close(stage);
}

static void failures_are_told_as_such(void **state)
{
	static const struct {
		enum message_state state;
		const char *type;
	} rows[] = {
		{ MESSAGE_ANSWERED, "message.created" },   { MESSAGE_FAILED, "message.failed" },
		{ MESSAGE_QUARANTINED, "message.failed" }, { MESSAGE_REFUSED, "message.refused" },
		{ MESSAGE_IGNORED, "message.ignored" },
	};
	struct stage *stage = stage_open(with_callback);
	char *url = address(stage, "/cb");
	struct outgoing out = answer_to(url);

	(void)state;
	out.reason = "model_unavailable";
	out.conversation_id = 0;
	out.conversation_uuid = NULL;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text;

		out.state = rows[i].state;
		send_and_hear(stage, &out, i + 1);
		text = stage_member(stage->callback_body, "/type");
		assert_string_equal(text, rows[i].type);
		free(text);
		text = stage_member(stage->callback_body, "/data/reason");
		assert_string_equal(text, "model_unavailable");
		free(text);
		text = stage_member(stage->callback_body, "/data/conversation_id");
		assert_string_equal(text, "null");
		free(text);
	}
	free(url);
	stage_close(stage);
}

static void stopping_waits_for_running_callbacks(void **state)
{
	struct stage *stage = stage_open(with_callback);
	char *url = address(stage, "/cb");
	struct outgoing out = answer_to(url);

	(void)state;
	stage->callback_held = true;
	webhook_platform.send(stage->hook, &out, 5);
	stage_run_count(stage, &stage->callbacks, 1);
	webhook_platform.stop(stage->hook);
	assert_int_equal(stage->stops, 0);
	web_answer(web_find(stage->web, stage->callback_web_id), 204, NULL, NULL, 0);
	stage_run_count(stage, &stage->stops, 1);
	assert_int_equal(stage->sents, 1);
	assert_int_equal(stage->sent_how, SENT_ACCEPTED);
	free(url);
	stage_close(stage);
}

static void destroying_cancels_running_callbacks(void **state)
{
	struct stage *stage = stage_open(with_callback);
	char *url = address(stage, "/cb");
	struct outgoing out = answer_to(url), nowhere = answer_to(NULL);

	(void)state;
	stage->callback_held = true;
	webhook_platform.send(stage->hook, &out, 5);
	stage_run_count(stage, &stage->callbacks, 1);
	webhook_platform.send(stage->hook, &nowhere, 6); /* decided, not told yet */
	stage_close(stage);
	free(url);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_receiver_gets_a_signed_event),
		cmocka_unit_test(a_repetition_has_the_same_id_and_bytes),
		cmocka_unit_test(a_reply_that_is_a_file_is_told_by_its_link),
		cmocka_unit_test(each_status_has_its_outcome),
		cmocka_unit_test(each_fault_has_its_outcome),
		cmocka_unit_test(gone_stops_that_address_for_good),
		cmocka_unit_test(nothing_listens_there),
		cmocka_unit_test(addresses_that_are_not_allowed_now),
		cmocka_unit_test(our_own_callback_is_ignored),
		cmocka_unit_test(failures_are_told_as_such),
		cmocka_unit_test(stopping_waits_for_running_callbacks),
		cmocka_unit_test(destroying_cancels_running_callbacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
