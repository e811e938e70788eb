/* The pure parts of the web server: heads, chunks, targets, routes. Each refusal here keeps two readers on
 * the way (a proxy and us) from seeing two different requests. */
#include "buf.h"
#include "chunk.h"
#include "head.h"
#include "mem.h"
#include "route.h"
#include "target.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 0: accepted, 1: more is needed, else the status. */
static int verdict(const char *text, struct head *head_out, char **copy_out)
{
	struct head_scan scan = { 0 };
	struct head head;
	size_t end;
	char *copy = mem_text(text);
	const struct web_fault *fault = head_scan(&scan, copy, strlen(copy), &end);

	if (fault == NULL && end > 0)
		fault = head_read(head_out == NULL ? &head : head_out, copy, scan.start, end);
	if (copy_out != NULL)
		*copy_out = copy;
	else
		free(copy);
	return fault != NULL ? fault->status : end == 0;
}

static const struct {
	const char *why, *text;
	int verdict;
} heads[] = {
	{ "plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
	{ "1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", 0 },
	{ "one empty line before", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
	{ "many empty lines", "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "unfinished", "GET / HTTP/1.1\r\nHost: a\r\n", 1 },
	{ "bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400 },
	{ "bare LF in a header", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400 },
	{ "bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400 },
	{ "bare CR in a header", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400 },
	{ "two CRs", "GET / HTTP/1.1\r\r\n\r\n", 400 },
	{ "two CRs behind a header", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400 },
	{ "folded line", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400 },
	{ "folded first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400 },
	{ "space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
	{ "space in a name", "GET / HTTP/1.1\r\nHo st: a\r\n\r\n", 400 },
	{ "no colon", "GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", 400 },
	{ "empty name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400 },
	{ "control byte in a value", "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400 },
	{ "two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "HTTP/0.9", "GET /\r\n\r\n", 400 },
	{ "byte above 127 in the target", "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
	{ "HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505 },
	{ "lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400 },
	{ "no Host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", 400 },
	{ "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
	{ "unknown method", "FROB / HTTP/1.1\r\nHost: a\r\n\r\n", 501 },
	{ "length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", 0 },
	{ "two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
	  400 },
	{ "two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
	  400 },
	{ "a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400 },
	{ "negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", 400 },
	{ "signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", 400 },
	{ "hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", 400 },
	{ "empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400 },
	{ "huge length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n", 400 },
	{ "chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", 0 },
	{ "length and coding",
	  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "coding and length",
	  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400 },
	{ "unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501 },
	{ "two codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501 },
	{ "coding twice",
	  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	  501 },
	{ "coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "1.0 body to the end", "POST / HTTP/1.0\r\n\r\n", 411 },
	{ "no body", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
	{ "expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n",
	  0 },
	{ "unknown expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 3\r\n\r\n",
	  417 },
};

static void test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		int got = verdict(heads[i].text, NULL, NULL);

		if (got != heads[i].verdict)
			fail_msg("%s: %d instead of %d", heads[i].why, got, heads[i].verdict);
	}
}

static void test_nul_in_head(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
	struct head_scan scan = { 0 };
	struct head head;
	char copy[sizeof(text)];
	size_t end;

	(void)state;
	memcpy(copy, text, sizeof(text));
	assert_null(head_scan(&scan, copy, sizeof(text) - 1, &end));
	assert_int_equal(head_read(&head, copy, scan.start, end)->status, 400);
}

static void test_values(void **state)
{
	struct head head;
	char *copy;

	(void)state;
	assert_int_equal(
		verdict("GET /a?b HTTP/1.1\r\nhost:x\r\nX-Y: \t one two \t\r\nempty:\r\n\r\n", &head, &copy),
		0);
	assert_string_equal(head.method, "GET");
	assert_string_equal(head.target, "/a?b");
	assert_string_equal(head_find(&head, "Host", NULL), "x");
	assert_string_equal(head_find(&head, "x-y", NULL), "one two");
	assert_string_equal(head_find(&head, "Empty", NULL), "");
	assert_null(head_find(&head, "other", NULL));
	assert_true(head.keep_alive);
	free(copy);
	assert_int_equal(verdict("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", &head, &copy),
			 0);
	assert_false(head.keep_alive);
	free(copy);
}

static void test_sizes(void **state)
{
	struct buf text = { 0 };

	(void)state;
	buf_text(&text, "GET /");
	for (int i = 0; i < WEB_TARGET_MAX; i++)
		buf_text(&text, "a");
	buf_text(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(verdict(text.data, NULL, NULL), 414);
	buf_clear(&text);
	buf_text(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < WEB_HEADERS_MAX - 1; i++)
		buf_text(&text, "A: b\r\n");
	buf_text(&text, "\r\n");
	assert_int_equal(verdict(text.data, NULL, NULL), 0);
	text.len -= 2;
	buf_text(&text, "A: b\r\n\r\n");
	assert_int_equal(verdict(text.data, NULL, NULL), 431);
	buf_free(&text);
}

static void test_lists(void **state)
{
	(void)state;
	assert_true(head_lists("keep-alive, Upgrade", "upgrade"));
	assert_true(head_lists("upgrade", "upgrade"));
	assert_false(head_lists("upgraded, xupgrade", "upgrade"));
	assert_false(head_lists(NULL, "upgrade"));
	assert_false(head_lists("", "upgrade"));
}

/* ---- chunks -------------------------------------------------------------------------------------------- */

static const struct {
	const char *why, *text;
	enum chunk_result result;
	const char *body;
} chunks[] = {
	{ "one", "3\r\nabc\r\n0\r\n\r\n", CHUNK_DONE, "abc" },
	{ "two", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", CHUNK_DONE, "abcde" },
	{ "extension", "3;a=b\r\nabc\r\n0\r\n\r\n", CHUNK_DONE, "abc" },
	{ "trailers", "3\r\nabc\r\n0\r\nX: y\r\nZ: w\r\n\r\n", CHUNK_DONE, "abc" },
	{ "hexadecimal", "0A\r\n0123456789\r\n0\r\n\r\n", CHUNK_DONE, "0123456789" },
	{ "unfinished", "3\r\nab", CHUNK_MORE, "ab" },
	{ "no LF behind the size", "3\rXabc\r\n0\r\n\r\n", CHUNK_BAD, "" },
	{ "bare LF", "3\nabc\r\n0\r\n\r\n", CHUNK_BAD, "" },
	{ "bare LF in an extension", "3;a\nQ\r\nabc\r\n0\r\n\r\n", CHUNK_BAD, "" },
	{ "data too long", "3\r\nabcXY0\r\n\r\n", CHUNK_BAD, "abc" },
	{ "data too long by one", "3\r\nabcd\r\n0\r\n\r\n", CHUNK_BAD, "abc" },
	{ "space", "3 \r\nabc\r\n0\r\n\r\n", CHUNK_BAD, "" },
	{ "no size", "\r\nabc\r\n", CHUNK_BAD, "" },
	{ "sign", "-3\r\nabc\r\n0\r\n\r\n", CHUNK_BAD, "" },
	{ "prefix", "0x3\r\nabc\r\n0\r\n\r\n", CHUNK_BAD, "" },
	{ "overflow", "ffffffffffffffff\r\nabc", CHUNK_TOO_LARGE, "" },
	{ "overflow by zeros", "00000000000000003\r\nabc", CHUNK_BAD, "" },
	{ "larger than allowed", "15\r\n", CHUNK_TOO_LARGE, "" },
	{ "larger in sum", "10\r\n0123456789abcdef\r\n5\r\n", CHUNK_TOO_LARGE, "0123456789abcdef" },
};

static void read_chunks(size_t piece)
{
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct chunk chunk = { 0 };
		struct buf body = { 0 };
		enum chunk_result result = CHUNK_MORE;
		size_t len = strlen(chunks[i].text), used = 0, part;

		for (size_t at = 0; at < len && result == CHUNK_MORE; at += used) {
			part = len - at < piece ? len - at : piece;
			result = chunk_read(&chunk, chunks[i].text + at, part, &body, 20, &used);
		}
		if (result != chunks[i].result || strcmp(buf_str(&body), chunks[i].body) != 0)
			fail_msg("%s: %d, \"%s\"", chunks[i].why, (int)result, buf_str(&body));
		buf_free(&body);
	}
}

static void test_chunks(void **state)
{
	(void)state;
	read_chunks(1000);
	read_chunks(1);
}

/* A sender of one-byte chunks with endless extensions must not keep us busy for ever. */
static void test_chunk_overhead(void **state)
{
	struct chunk chunk = { 0 };
	struct buf body = { 0 };
	enum chunk_result result = chunk_read(&chunk, "1;", 2, &body, 1000, &(size_t){ 0 });

	(void)state;
	for (int i = 0; i < 100000 && result == CHUNK_MORE; i++)
		result = chunk_read(&chunk, "x", 1, &body, 1000, &(size_t){ 0 });
	assert_int_equal(result, CHUNK_BAD);
	buf_free(&body);
}

/* ---- targets ------------------------------------------------------------------------------------------- */

static bool read_target(struct target *target, const char *raw, char **space_out)
{
	*space_out = mem_alloc(target_room(strlen(raw)));
	return target_read(target, raw, strlen(raw), *space_out);
}

static void test_targets(void **state)
{
	static const char *const bad[] = { "/%", "/%4", "/%zz", "/a%00b", "/?a=%0", "/?%zz=1", "a/b", "" };
	struct target target;
	char *space;

	(void)state;
	assert_true(read_target(&target, "/a/b%2Fc/?q=1+2%26&x&q=3&=&&", &space));
	assert_string_equal(target.path, "/a/b/c/");
	assert_int_equal(target.count, 3);
	assert_string_equal(target.segments[1], "b/c");
	assert_string_equal(target.segments[2], "");
	assert_string_equal(target_query(&target, "q"), "1 2&");
	assert_string_equal(target_query(&target, "x"), "");
	assert_null(target_query(&target, "y"));
	assert_true(target.end <= space + target_room(28));
	free(space);
	assert_true(read_target(&target, "http://host:80/path?a=b", &space));
	assert_string_equal(target.path, "/path");
	assert_string_equal(target_query(&target, "a"), "b");
	free(space);
	assert_true(read_target(&target, "*", &space));
	free(space);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(read_target(&target, bad[i], &space));
		free(space);
	}
}

/* The work space must hold the worst query, or a stranger writes behind it. */
static void test_target_room(void **state)
{
	static const char *const worst[] = { "/?&&&&&&&&&&&&&&&&&&&&", "/?a&a&a&a&a&a&a&a",
					     "/a/a/a/a/a/a?=&=&=&", "////////////////////" };
	struct target target;

	(void)state;
	for (size_t i = 0; i < sizeof(worst) / sizeof(worst[0]); i++) {
		char *space;

		assert_true(read_target(&target, worst[i], &space));
		assert_true(target.end <= space + target_room(strlen(worst[i])));
		free(space);
	}
}

/* ---- routes -------------------------------------------------------------------------------------------- */

static int owners[3];

static const struct route *find(const struct routes *routes, const char *method, const char *path,
				bool *known_out)
{
	struct target target;
	char *space;
	const struct route *route = NULL;

	*known_out = false;
	if (read_target(&target, path, &space))
		route = route_find(routes, method, &target, known_out);
	free(space);
	return route;
}

static void test_routes(void **state)
{
	struct routes routes = { 0 };
	struct web_route any = { .method = "GET", .path = "/a/{x}", .owner = &owners[0] };
	struct web_route exact = { .method = "GET", .path = "/a/b", .owner = &owners[1] };
	struct web_route post = { .method = "POST", .path = "/a/{y}", .owner = &owners[2] };
	bool known;

	(void)state;
	assert_true(route_add(&routes, &any));
	assert_true(route_add(&routes, &exact));
	assert_true(route_add(&routes, &post));
	assert_false(route_add(&routes, &(struct web_route){ .method = "GET", .path = "/a/{other}" }));
	assert_false(route_add(&routes, &(struct web_route){ .method = "GET", .path = "no-slash" }));
	assert_ptr_equal(find(&routes, "GET", "/a/b", &known)->given.owner, &owners[1]);
	assert_ptr_equal(find(&routes, "HEAD", "/a/c", &known)->given.owner, &owners[0]);
	assert_ptr_equal(find(&routes, "POST", "/a/b", &known)->given.owner, &owners[2]);
	assert_null(find(&routes, "PUT", "/a/b", &known));
	assert_true(known);
	assert_null(find(&routes, "GET", "/a/", &known)); /* {x} is never empty */
	assert_null(find(&routes, "GET", "/a/b/c", &known));
	assert_false(known);
	route_drop(&routes, &owners[1]);
	assert_ptr_equal(find(&routes, "GET", "/a/b", &known)->given.owner, &owners[0]);
	route_drop(&routes, NULL);
	assert_null(find(&routes, "GET", "/a/b", &known));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),	       cmocka_unit_test(test_nul_in_head),
		cmocka_unit_test(test_values),	       cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_lists),	       cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunk_overhead), cmocka_unit_test(test_targets),
		cmocka_unit_test(test_target_room),    cmocka_unit_test(test_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
