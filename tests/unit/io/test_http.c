/* One outgoing call against servers that behave and servers that do not: what the caller is told must be
 * true. */
#include "call_stage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *serve(peer_fn *script)
{
	peer = peer_start(&(struct peer_setup){ .script = script });
	return peer_url(peer, "http", "/x?token=hidden");
}

/* Answers every request of a connection with its own text, so that a test sees what was sent. */
static void echo(struct peer_link *link)
{
	char head[200];

	while (peer_read(link)) {
		snprintf(head, sizeof(head),
			 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Request-Id: "
			 "r-%u\r\nContent-Length: %zu\r\n\r\n",
			 link->number, link->len);
		peer_say(link, head);
		peer_send(link, link->text, link->len);
	}
}

static void test_get(void **state)
{
	const char *const headers[] = { "X-Mine: yes", "X-Empty: ", NULL };
	struct http_call call = { .method = "GET", .url = serve(echo), .headers = headers };

	(void)state;
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.status, 200);
	assert_int_equal(result.err.kind, ERR_NONE);
	assert_string_equal(result.type, "text/plain");
	assert_string_equal(result.request_id, "r-1");
	assert_memory_equal(result.body, "GET /x?token=hidden HTTP/1.1\r\n", 30);
	assert_non_null(strstr(result.body, "X-Mine: yes\r\n"));
	assert_non_null(strstr(result.body, "X-Empty:\r\n"));
	assert_non_null(strstr(result.body, "User-Agent: usher-test\r\n"));
	assert_null(strstr(result.body, "Accept-Encoding")); /* a packed answer could unpack to anything */
	assert_int_equal(result.retry_after_ms, -1);
	assert_true(result.first_byte_ms >= 0 && result.total_ms >= result.first_byte_ms);
}

static uint64_t early_id;
static char early_type[40], early_none[4];

static bool on_early(void *owner, uint64_t ticket, const char *data, size_t len)
{
	const char *type = http_header_of(client.http, early_id, "content-type");

	(void)owner, (void)ticket, (void)data, (void)len;
	snprintf(early_type, sizeof(early_type), "%s", type ? type : "");
	snprintf(early_none, sizeof(early_none), "%s",
		 http_header_of(client.http, early_id, "X-Missing") ? "yes" : "no");
	return true;
}

static void on_early_done(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	(void)owner, (void)ticket, (void)answer;
	io_stop(client.io);
}

/* A stream is read by its type before it has ended. */
static void test_headers_while_it_comes(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(echo) };

	(void)state;
	early_id = http_start(client.http, &call, on_early, on_early_done, NULL, 0);
	io_run(client.io);
	assert_string_equal(early_type, "text/plain");
	assert_string_equal(early_none, "no");
	assert_null(http_header_of(client.http, early_id, "content-type")); /* it is over */
}

static void test_post_body_arrives_whole(void **state)
{
	char body[20000];
	const char *const headers[] = { "Content-Type: application/json", NULL };
	struct http_call call = {
		.method = "POST", .url = serve(echo), .headers = headers, .answer_max = 40000
	};

	(void)state;
	memset(body, 'b', sizeof(body));
	call.body = body;
	call.body_len = sizeof(body);
	client_start(&client, &call, false, &result);
	memset(body, 'x', sizeof(body)); /* it was copied */
	client_run(&client);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_non_null(strstr(result.body, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(result.body, "Content-Length: 20000\r\n"));
	assert_null(strstr(result.body, "Expect:")); /* or it waits a second for servers that ignore it */
	assert_non_null(strstr(result.body, "\r\n\r\nbbbb"));
	assert_int_equal(strspn(strstr(result.body, "\r\n\r\n") + 4, "b"),
			 strlen(strstr(result.body, "\r\n\r\n") + 4));
}

static void test_other_methods(void **state)
{
	static const struct {
		const char *method, *body, *line, *length;
	} cases[] = {
		{ "POST", NULL, "POST /x", "Content-Length: 0\r\n" },
		{ "PUT", "text", "PUT /x", "Content-Length: 4\r\n" },
		{ "PATCH", "text", "PATCH /x", "Content-Length: 4\r\n" },
		{ "DELETE", NULL, "DELETE /x", NULL },
		{ "GET", NULL, "GET /x", NULL },
	};
	const char *url = serve(echo);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct http_call call = { .method = cases[i].method, .url = url, .body = cases[i].body };

		call.body_len = cases[i].body == NULL ? 0 : strlen(cases[i].body);
		client_call(&client, &call, false, &result);
		assert_int_equal(result.how, HTTP_ANSWERED);
		assert_memory_equal(result.body, cases[i].line, strlen(cases[i].line));
		if (cases[i].length != NULL)
			assert_non_null(strstr(result.body, cases[i].length));
		else
			assert_null(
				strstr(result.body, "Content-Length")); /* nothing left of the call before */
		assert_null(strstr(result.body, "Content-Type"));	/* we did not claim one */
	}
	assert_int_equal(peer->connections, 1);
}

static void head_only(struct peer_link *link)
{
	while (peer_read(link))
		peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
}

static void test_head_has_no_body(void **state)
{
	struct http_call call = { .method = "HEAD", .url = serve(head_only) };

	(void)state;
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.len, 0);
}

static void test_connection_is_reused(void **state)
{
	const char *url = serve(echo);

	(void)state;
	client_get(&client, url, &result);
	client_get(&client, url, &result);
	assert_string_equal(result.request_id, "r-1");
	assert_int_equal(peer->connections, 1);
	assert_int_equal(peer->requests, 2);
}

/* The first request of a connection is answered, the second one is taken and never answered. */
static void take_second(struct peer_link *link)
{
	if (!peer_read(link))
		return;
	peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	peer_read(link);
}

static void reset_second(struct peer_link *link)
{
	take_second(link);
	peer_reset(link);
}

/* curl would send it again on a new connection: a message would be shown twice. */
static void check_sent_once(peer_fn *script)
{
	struct http_call call = { .method = "POST", .url = serve(script), .body = "m", .body_len = 1 };

	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_MAYBE);
	assert_int_equal(result.err.kind, ERR_UNSURE);
	assert_int_equal(result.status, 0);
	client_call(&client, &call, false, &result); /* the client itself goes on working */
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(peer->requests, 3);
}

static void test_closed_while_answering_is_maybe(void **state)
{
	(void)state;
	check_sent_once(take_second);
}

static void test_reset_while_answering_is_maybe(void **state)
{
	(void)state;
	check_sent_once(reset_second);
}

static void cut_body(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 200 OK\r\nX-Request-Id: cut\r\nContent-Length: 100\r\n\r\nhalf");
}

static void cut_chunks(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
}

static void cut_head(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 200 OK\r\nContent-");
}

static void say_nothing(struct peer_link *link)
{
	peer_read(link);
}

static void talk_nonsense(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "SSH-2.0-OpenSSH_9.2\r\n");
	peer_wait_gone(link);
}

static void endless_head(struct peer_link *link)
{
	char filling[1000];

	memset(filling, 'a', sizeof(filling));
	if (!peer_read(link))
		return;
	peer_say(link, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 200; i++) {
		peer_say(link, "X-A: ");
		peer_send(link, filling, sizeof(filling));
		peer_say(link, "\r\n");
	}
	peer_wait_gone(link);
}

static void test_broken_answers_are_maybe(void **state)
{
	static const struct {
		peer_fn *script;
		int status;
		const char *body;
	} cases[] = {
		{ cut_body, 200, "half" }, { cut_chunks, 200, "half" }, { cut_head, 200, "" },
		{ say_nothing, 0, "" },	   { talk_nonsense, 0, "" },	{ endless_head, 200, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		client_get(&client, serve(cases[i].script), &result);
		assert_int_equal(result.how, HTTP_MAYBE);
		assert_int_equal(result.err.kind, ERR_UNSURE);
		assert_int_equal(result.status, cases[i].status);
		assert_string_equal(result.body, cases[i].body);
		assert_null(strstr(result.err.text, "hidden")); /* queries may hold tokens */
		assert_int_equal(peer->requests, 1);
		peer_stop(peer);
		peer = NULL;
	}
}

static void test_refused_port_is_not_sent(void **state)
{
	char url[100];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_closed_port());
	client_get(&client, url, &result);
	assert_int_equal(result.how, HTTP_NOT_SENT);
	assert_int_equal(result.err.kind, ERR_AGAIN);
	assert_int_equal(result.status, 0);
	assert_int_equal(result.first_byte_ms, -1);
}

static void test_unknown_name_is_not_sent(void **state)
{
	(void)state;
	client_get(&client, "http://no-such-host.invalid/", &result);
	assert_int_equal(result.how, HTTP_NOT_SENT);
	assert_int_equal(result.err.kind, ERR_AGAIN);
	assert_non_null(strstr(result.err.text, "GET no-such-host.invalid"));
}

static void test_wrong_calls_are_refused(void **state)
{
	static const char *const injected[] = { "X: a\r\nHost: b", NULL };
	static const char *const nameless[] = { ": a", NULL };
	static const struct http_call cases[] = {
		{ .method = "GET", .url = "file:///etc/passwd" },
		{ .method = "GET", .url = "ftp://127.0.0.1/" },
		{ .method = "GET", .url = "http://" },
		{ .method = "GET", .url = "nonsense:" },
		{ .method = "GET", .url = "" },
		{ .method = "GET", .url = NULL },
		{ .method = "GET", .url = "http://127.0.0.1/a b" },
		{ .method = "GET", .url = "http://127.0.0.1/\r\nHost: b" },
		{ .method = "GET / HTTP/1.1\r\nX: ", .url = "http://127.0.0.1/" },
		{ .method = "", .url = "http://127.0.0.1/" },
		{ .method = NULL, .url = "http://127.0.0.1/" },
		{ .method = "GET", .url = "http://127.0.0.1/", .headers = injected },
		{ .method = "GET", .url = "http://127.0.0.1/", .headers = nameless },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		client_call(&client, &cases[i], false, &result);
		assert_int_equal(result.how, HTTP_NOT_SENT);
		assert_int_equal(result.err.kind, ERR_REFUSED);
	}
}

static void redirect(struct peer_link *link)
{
	char answer[300];

	while (peer_read(link)) {
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/next\r\nContent-Length: "
			 "0\r\n\r\n",
			 link->peer->port);
		peer_say(link, answer);
	}
}

static void test_redirect_is_not_followed(void **state)
{
	(void)state;
	client_get(&client, serve(redirect), &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.status, 302);
	assert_int_equal(peer->requests, 1);
}

static void early_hints(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
			       "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
}

static void test_interim_answer_is_skipped(void **state)
{
	(void)state;
	client_get(&client, serve(early_hints), &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.status, 201);
	assert_string_equal(result.body, "ok");
	assert_int_equal(result.retry_after_ms, -1);
}

static void test_proxy_of_the_environment_is_ignored(void **state)
{
	char proxy[100];
	const char *url = serve(echo);

	(void)state;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", peer_closed_port());
	setenv("http_proxy", proxy, 1);
	setenv("ALL_PROXY", proxy, 1);
	client_get(&client, url, &result);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(result.how, HTTP_ANSWERED);
}

static void test_proxy_is_used_on_purpose(void **state)
{
	struct client through = client;
	const char *proxy = serve(echo);

	(void)state;
	through.http = http_create(client.io, &(struct http_options){ .proxy = proxy }, NULL);
	assert_non_null(through.http);
	client_get(&through, "http://model.example/v1", &result);
	http_destroy(through.http);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_memory_equal(result.body, "GET http://model.example/v1 HTTP/1.1\r\n", 38);
}

static void test_missing_ca_file_is_told_at_once(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(http_create(client.io, &(struct http_options){ .ca_file = "/nonexistent/ca.pem" }, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
}

/* ---- forms ---------------------------------------------------------------------------------------------- */

/* A file arrives whole, zero bytes included; a name that tries to write headers of its own does not. */
static void test_a_form_with_a_file(void **state)
{
	static const char file[] = "one\r\n--two\0three";
	const struct http_part parts[] = {
		{ .name = "chat_id", .data = "42", .len = 2 },
		{ .name = "empty" },
		{ .name = "document",
		  .file_name = "a\"b\r\nX-Evil: 1.md",
		  .type = "text/markdown",
		  .data = file,
		  .len = sizeof(file) - 1 },
	};
	struct http_call call = { .method = "POST", .url = serve(echo), .parts = parts, .part_count = 3 };
	const char *text = result.body, *type, *boundary;

	(void)state;
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	type = strstr(text, "Content-Type: multipart/form-data; boundary=");
	assert_non_null(type);
	assert_null(strstr(text, "\r\nX-Evil"));
	assert_null(strstr(text, "Expect:"));
	boundary = type + strlen("Content-Type: multipart/form-data; boundary=");
	assert_true(strcspn(boundary, "\r\n") >= 16);
	assert_non_null(strstr(text, "\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n42\r\n--"));
	assert_non_null(strstr(text, "name=\"document\"; filename=\"a"));
	assert_non_null(strstr(text, "\r\nContent-Type: text/markdown\r\n\r\none\r\n--two"));
	assert_non_null(memmem(result.body, result.len, file, sizeof(file) - 1));
	client_get(&client, peer_url(peer, "http", "/after"),
		   &result); /* on the same connection and handle */
	assert_memory_equal(result.body, "GET /after HTTP/1.1\r\n", 21);
	assert_null(strstr(result.body, "multipart"));
	assert_int_equal(atomic_load(&peer->connections), 1);
}

static void test_forms_that_make_no_sense(void **state)
{
	const struct http_part part = { .name = "a", .data = "1", .len = 1 };
	const char *const typed[] = { "Content-Type: text/plain", NULL };
	struct http_call calls[] = {
		{ .method = "GET", .parts = &part, .part_count = 1 },
		{ .method = "POST", .parts = &part, .part_count = 1, .body = "x", .body_len = 1 },
		{ .method = "POST", .parts = &part, .part_count = 1, .headers = typed },
	};
	const char *url = serve(echo);

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		calls[i].url = url;
		client_call(&client, &calls[i], false, &result);
		assert_int_equal(result.how, HTTP_NOT_SENT);
		assert_int_equal(result.err.kind, ERR_REFUSED);
	}
	assert_int_equal(atomic_load(&peer->requests), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_get),
		CASE(test_headers_while_it_comes),
		CASE(test_post_body_arrives_whole),
		CASE(test_other_methods),
		CASE(test_head_has_no_body),
		CASE(test_connection_is_reused),
		CASE(test_closed_while_answering_is_maybe),
		CASE(test_reset_while_answering_is_maybe),
		CASE(test_broken_answers_are_maybe),
		CASE(test_refused_port_is_not_sent),
		CASE(test_unknown_name_is_not_sent),
		CASE(test_wrong_calls_are_refused),
		CASE(test_redirect_is_not_followed),
		CASE(test_interim_answer_is_skipped),
		CASE(test_proxy_of_the_environment_is_ignored),
		CASE(test_proxy_is_used_on_purpose),
		CASE(test_missing_ca_file_is_told_at_once),
		CASE(test_a_form_with_a_file),
		CASE(test_forms_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
