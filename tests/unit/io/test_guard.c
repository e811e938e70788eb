/* Nobody who gives us a URL may reach our own network by it: addresses, spellings, names that lie, redirects.
 */
#include "call_stage.h"
#include "guard.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- addresses ----------------------------------------------------------------------------------------- */

static bool allows(const char *text, bool loopback)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
		return guard_allows((struct sockaddr *)&in4, loopback);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return guard_allows((struct sockaddr *)&in6, loopback);
}

static const char *const inner[] = {
	"0.0.0.0",
	"0.255.255.255",
	"10.0.0.0",
	"10.255.255.255",
	"100.64.0.0",
	"100.100.100.200",
	"100.127.255.255",
	"127.0.0.1",
	"127.255.255.255",
	"169.254.0.1",
	"169.254.169.254",
	"169.254.170.2",
	"172.16.0.0",
	"172.31.255.255",
	"192.0.0.0",
	"192.0.0.192",
	"192.0.2.1",
	"192.88.99.1",
	"192.168.0.0",
	"192.168.255.255",
	"198.18.0.0",
	"198.19.255.255",
	"198.51.100.1",
	"203.0.113.1",
	"224.0.0.1",
	"239.255.255.255",
	"240.0.0.1",
	"255.255.255.255",
	"::",
	"::1",
	"::127.0.0.1",
	"::8.8.8.8",
	"::ffff:127.0.0.1",
	"::ffff:10.1.2.3",
	"::ffff:169.254.169.254",
	"64:ff9b::7f00:1",
	"64:ff9b::a9fe:a9fe",
	"64:ff9b:1::808:808",
	"100::1",
	"2001::1",
	"2001:2::1",
	"2001:10::1",
	"2001:20::1",
	"2001:1ff:ffff::1",
	"2001:db8::1",
	"2002:7f00:1::",
	"2002:808:808::1",
	"3fff::1",
	"3fff:fff::1",
	"5f00::1",
	"fc00::1",
	"fd00:ec2::254",
	"fdff::1",
	"fe80::1",
	"febf::1",
	"fec0::1",
	"ff02::1",
	"4000::1",
	"1fff::1",
};

static void test_inner_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(inner) / sizeof(*inner); i++) {
		if (allows(inner[i], false))
			fail_msg("%s is allowed", inner[i]);
	}
}

static void test_public_addresses(void **state)
{
	static const char *const outer[] = {
		"1.1.1.1",
		"8.8.8.8",
		"9.255.255.255",
		"11.0.0.0",
		"100.63.255.255",
		"100.128.0.0",
		"126.255.255.255",
		"128.0.0.0",
		"169.253.255.255",
		"169.255.0.0",
		"172.15.255.255",
		"172.32.0.0",
		"192.0.1.0",
		"192.167.255.255",
		"192.169.0.0",
		"198.17.255.255",
		"198.20.0.0",
		"223.255.255.255",
		"2606:4700:4700::1111",
		"2001:200::1",
		"2001:4860:4860::8888",
		"2003::1",
		"3ffe::1",
		"2a00::1",
		"::ffff:8.8.8.8",
		"64:ff9b::808:808",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(outer) / sizeof(*outer); i++) {
		if (!allows(outer[i], false))
			fail_msg("%s is not allowed", outer[i]);
	}
}

/* A receiver on this machine may be allowed; its network may not come along. */
static void test_loopback_by_choice(void **state)
{
	(void)state;
	assert_true(allows("127.0.0.1", true));
	assert_true(allows("127.9.9.9", true));
	assert_true(allows("::1", true));
	assert_true(allows("::ffff:127.0.0.1", true));
	assert_false(allows("64:ff9b::7f00:1", true)); /* a translator's loopback, not ours */
	assert_false(allows("0.0.0.0", true));
	assert_false(allows("::", true));
	assert_false(allows("10.0.0.1", true));
	assert_false(allows("fd00::1", true));
}

static void test_other_families(void **state)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/run/x" };

	(void)state;
	assert_false(guard_allows((struct sockaddr *)&local, true));
}

/* ---- spellings ----------------------------------------------------------------------------------------- */

static const char *const bypasses[] = {
	"http://127.0.0.1/",
	"https://127.1/",
	"https://0/",
	"https://0x7f.1/",
	"https://0x7f000001/",
	"https://2130706433/",
	"https://017700000001/",
	"https://0177.0.0.1/",
	"https://127.0.0.1./",
	"https://1.2.3.999/",
	"https://[::1]/",
	"https://[::]/",
	"https://[::ffff:127.0.0.1]/",
	"https://[::ffff:7f00:1]/",
	"https://[64:ff9b::7f00:1]/",
	"https://[2002:7f00:1::]/",
	"https://[fe80::1%25eth0]/",
	"https://[2606:4700:4700::1111%25eth0]/",
	"https://[::1",
	"https://localhost/",
	"https://LOCALHOST/",
	"https://localhost./",
	"https://a.localhost/",
	"https://printer.local/",
	"https://metadata.google.internal/",
	"https://intranet/",
	"https://example.com./",
	"https://.com/",
	"https://user@127.0.0.1/",
	"https://user@example.com/",
	"https://user:secret@example.com/",
	"https://good.example@127.0.0.1/",
	"https://127.0.0.1#@good.example/",
	"https://good.example\\@127.0.0.1/",
	"https://good.example\\.evil.example/",
	"https://%31%32%37.0.0.1/",
	"https://example.com%00.local/",
	"https://exam ple.com/",
	"https://example.com/\r\nX: y",
	"https://example.com/\x7f",
	"https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/",
	"https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/",
	"https://example.com:22/",
	"https://example.com:0/",
	"https://example.com:25/",
	"https://example.com:99999/",
	"https:///",
	"https:/example.com/",
	"https:example.com",
	"https:////example.com/",
	"https://",
	"",
	"example.com",
	"file:///etc/passwd",
	"gopher://example.com/",
	"dict://example.com/",
	"ftp://example.com/",
	"ws://example.com/",
	"javascript:alert(1)",
};

static void test_url_bypasses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bypasses) / sizeof(*bypasses); i++) {
		struct err err = { 0 };

		if (http_url_allowed(bypasses[i], false, &err))
			fail_msg("%s is allowed", bypasses[i]);
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	assert_false(http_url_allowed(NULL, false, NULL));
}

static void test_usual_urls(void **state)
{
	static const char *const good[] = {
		"https://example.com/hook",	   "http://example.com",
		"https://[2606:4700:4700::1111]/", "https://8.8.8.8/",
		"https://example.com:8443/x",	   "https://xn--bcher-kva.example/?a=b&c=%20",
		"https://a_b.example.com/",
	};
	char longest[5000] = "https://example.com/";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct err err = { 0 };

		if (!http_url_allowed(good[i], false, &err))
			fail_msg("%s: %s", good[i], err.text);
	}
	memset(longest + strlen(longest), 'a', 4990 - strlen(longest));
	assert_false(http_url_allowed(longest, false, NULL));
}

static void test_loopback_urls_by_choice(void **state)
{
	(void)state;
	assert_true(http_url_allowed("http://127.0.0.1:8080/", true, NULL));
	assert_true(http_url_allowed("http://[::1]:8080/", true, NULL));
	assert_true(http_url_allowed("http://localhost:8080/", true, NULL));
	assert_false(http_url_allowed("http://10.0.0.1:8080/", true, NULL));
	assert_false(http_url_allowed("http://intranet:8080/", true, NULL));
	assert_false(http_url_allowed("http://localhost./", true, NULL));
}

/* ---- calls: names that lie ----------------------------------------------------------------------------- */

/* What the names of these tests resolve to, instead of the system's resolver: curl's threads come here too.
 */
static const char *fake_answers[2];
static unsigned fake_lookups;

static struct addrinfo *fake_address(const char *text, const char *port, struct addrinfo *next)
{
	struct addrinfo *one = calloc(1, sizeof(*one) + sizeof(struct sockaddr_in));
	struct sockaddr_in *in4 = (struct sockaddr_in *)(one + 1);

	in4->sin_family = AF_INET;
	in4->sin_port = htons((uint16_t)(port == NULL ? 0 : strtol(port, NULL, 10)));
	inet_pton(AF_INET, text, &in4->sin_addr);
	one->ai_family = AF_INET;
	one->ai_socktype = SOCK_STREAM;
	one->ai_addrlen = sizeof(*in4);
	one->ai_addr = (struct sockaddr *)in4;
	one->ai_next = next;
	return one;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	struct addrinfo *list = NULL;

	(void)node;
	(void)hints;
	fake_lookups++;
	for (int i = 1; i >= 0; i--) {
		if (fake_answers[i] != NULL)
			list = fake_address(fake_answers[i], service, list);
	}
	*out = list;
	return list == NULL ? EAI_NONAME : 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list != NULL) {
		struct addrinfo *next = list->ai_next;

		free(list);
		list = next;
	}
}

static int setup(void **state)
{
	(void)state;
	memset(fake_answers, 0, sizeof(fake_answers));
	fake_lookups = 0;
	return client_setup(state);
}

static void answer_or_redirect(struct peer_link *link)
{
	if (!peer_read(link))
		return;
	if (strstr(link->text, "/away") != NULL)
		peer_say(link, "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n"
			       "Content-Length: 0\r\n\r\n");
	else if (strstr(link->text, "/last") != NULL)
		peer_say(link, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
	else
		peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	peer_wait_gone(link);
}

static void call_guarded(const char *url, bool loopback)
{
	struct http_call call = { .method = "POST",
				  .url = url,
				  .body = "{}",
				  .body_len = 2,
				  .connect_ms = 10000,
				  .guarded = true,
				  .guard_loopback = loopback };

	client_call(&client, &call, false, &result);
}

static const char *named_url(const char *path)
{
	static char url[200];

	peer = peer_start(&(struct peer_setup){ .script = answer_or_redirect });
	snprintf(url, sizeof(url), "http://hook.example.com:%d%s", peer->port, path);
	return url;
}

static void test_calls_refuse_every_bypass(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bypasses) / sizeof(*bypasses); i++) {
		call_guarded(bypasses[i], false);
		assert_int_equal(result.how, HTTP_NOT_SENT);
		assert_int_equal(result.err.kind, ERR_REFUSED);
	}
	assert_int_equal(fake_lookups, 0); /* refused before anybody was asked */
}

static void test_name_of_an_inner_address(void **state)
{
	(void)state;
	fake_answers[0] = "127.0.0.1";
	call_guarded(named_url("/"), false);
	assert_int_equal(result.how, HTTP_NOT_SENT);
	assert_int_equal(result.err.kind, ERR_REFUSED);
	assert_true(fake_lookups > 0);
	assert_int_equal(peer->connections, 0);
}

/* Allowed and forbidden addresses under one name: an attack, refused although the allowed one would answer.
 */
static void test_name_of_mixed_addresses(void **state)
{
	(void)state;
	fake_answers[0] = "10.0.0.1";
	fake_answers[1] = "127.0.0.1";
	call_guarded(named_url("/"), true);
	assert_int_equal(result.how, HTTP_NOT_SENT);
	assert_int_equal(result.err.kind, ERR_REFUSED);
	assert_int_equal(peer->requests, 0);
}

/* Good at the first look, ours at the second: every call looks and checks for itself. */
static void test_name_that_flips(void **state)
{
	const char *url = named_url("/");

	(void)state;
	fake_answers[0] = "127.0.0.1";
	call_guarded(url, true);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(peer->connections, 1);
	call_guarded(url,
		     false); /* neither the kept connection nor the known name of the call before helps */
	assert_int_equal(result.how, HTTP_NOT_SENT);
	assert_int_equal(result.err.kind, ERR_REFUSED);
	fake_answers[0] = "10.0.0.1";
	call_guarded(url, true);
	assert_int_equal(result.how, HTTP_NOT_SENT);
	assert_int_equal(result.err.kind, ERR_REFUSED);
	assert_int_equal(fake_lookups, 3);
	assert_int_equal(peer->connections, 1);
}

static void test_guarded_calls_use_fresh_connections(void **state)
{
	const char *url = named_url("/");

	(void)state;
	fake_answers[0] = "127.0.0.1";
	call_guarded(url, true);
	call_guarded(url, true);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(peer->connections, 2);
}

/* A callback after a call to the model after a callback: what curl keeps for the one must not be lost to the other
 * each time, or a daemon that does nothing else grows by it (the leak sanitizer tells). */
static void test_guarded_and_own_calls_in_turn(void **state)
{
	const char *url = named_url("/last");
	struct http_call own = {
		.method = "POST", .url = url, .body = "{}", .body_len = 2, .connect_ms = 10000
	};

	(void)state;
	fake_answers[0] = "127.0.0.1";
	for (int i = 0; i < 3; i++) {
		call_guarded(url, true);
		assert_int_equal(result.how, HTTP_ANSWERED);
		client_call(&client, &own, false, &result);
		assert_int_equal(result.how, HTTP_ANSWERED);
	}
}

static void test_redirect_inwards(void **state)
{
	(void)state;
	fake_answers[0] = "127.0.0.1";
	call_guarded(named_url("/away"), true);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.status, 302);
	assert_int_equal(peer->requests, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, client_teardown)

/* Where a server's own references lead, by the parser that will call them. */
static void test_join(void **state)
{
	static const struct {
		const char *base, *reference, *whole; /* NULL: nowhere */
	} rows[] = {
		{ "http://a.example:8080/x/sse?k=1", "/message?id=2", "http://a.example:8080/message?id=2" },
		{ "http://a.example/x/sse", "message", "http://a.example/x/message" },
		{ "http://a.example/x/sse", "?id=2", "http://a.example/x/sse?id=2" },
		{ "https://a.example/sse", "//b.example/m", "https://b.example/m" },
		{ "https://a.example/sse", "http://b.example:81/m", "http://b.example:81/m" },
		{ "https://a.example/sse", "ftp://a.example/m", NULL },
		{ "https://a.example/sse", "/a b", NULL },
		{ "https://a.example/sse", "/a\nb", NULL },
		{ "not a url", "/m", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };
		char *whole = http_url_join(rows[i].base, rows[i].reference, &err);

		if (rows[i].whole)
			assert_string_equal(whole, rows[i].whole);
		else
			assert_null(whole);
		assert_int_equal(err.kind, rows[i].whole ? ERR_NONE : ERR_REFUSED);
		free(whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inner_addresses),
		cmocka_unit_test(test_public_addresses),
		cmocka_unit_test(test_loopback_by_choice),
		cmocka_unit_test(test_other_families),
		cmocka_unit_test(test_url_bypasses),
		cmocka_unit_test(test_usual_urls),
		cmocka_unit_test(test_loopback_urls_by_choice),
		cmocka_unit_test(test_join),
		CASE(test_calls_refuse_every_bypass),
		CASE(test_name_of_an_inner_address),
		CASE(test_name_of_mixed_addresses),
		CASE(test_name_that_flips),
		CASE(test_guarded_calls_use_fresh_connections),
		CASE(test_guarded_and_own_calls_in_turn),
		CASE(test_redirect_inwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
