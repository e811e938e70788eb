/* Who reaches what: every route with every kind of wrong key, and everybody's things asked for by others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "json.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *method, *rest, *body;
} routes[] = {
	{ "POST", "chat", "{\"message\":\"a\"}" },
	{ "GET", "messages/01900000-0000-7000-8000-000000000001", NULL },
	{ "GET", "messages/01900000-0000-7000-8000-000000000001/events", NULL },
	{ "GET", "conversations", NULL },
	{ "GET", "conversations/789", NULL },
	{ "PATCH", "conversations/789", "{\"title\":\"t\"}" },
	{ "POST", "conversations/789/archive", "" },
	{ "GET", "conversations/789/messages", NULL },
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static void expect(struct reply reply, int status, const char *body)
{
	if (reply.status != status || (body && strcmp(reply.body, body) != 0))
		print_message("%s\n%s\n", reply.head, reply.body);
	assert_int_equal(reply.status, status);
	if (body)
		assert_string_equal(reply.body, body);
	reply_free(&reply);
}

/* Seed 004, "Authentication Error", word for word; the same for every cause. */
static const char auth_failed[] =
	"{\"error\":{\"code\":\"AUTH_FAILED\",\"message\":\"Invalid or expired authentication token\"}}";

static void ask(size_t route, const char *user, const char *authorization, int status, const char *body)
{
	char *path = mem_format("/api/%s/%s", user, routes[route].rest);
	char *headers = mem_format("Content-Type: application/json\r\n%s", authorization);

	expect(http(routes[route].method, path, headers, routes[route].body), status, body);
	free(path);
	free(headers);
}

static int setup(void **state)
{
	(void)state;
	return harness_setup_with("auth_failures", "1000");
}

static void test_wrong_keys(void **state)
{
	char unknown[APIKEY_SIZE], id[APIKEY_ID_SIZE], hash[CRYPTO_SHA256_HEX], mistyped[APIKEY_SIZE];
	char *headers[8];

	(void)state;
	apikey_make(unknown, id, hash);
	memcpy(mistyped, users[ANN].key, sizeof(mistyped));
	mistyped[20] = mistyped[20] == 'x' ? 'y' : 'x';
	headers[0] = mem_text("");
	headers[1] = mem_format("Authorization: Bearer %s\r\n", unknown);
	headers[2] = mem_format("Authorization: Bearer %s\r\n", mistyped);
	headers[3] = mem_format("Authorization: Bearer %s\r\n", users[CAY].key); /* revoked */
	headers[4] = mem_text("Authorization: Bearer \r\n");
	headers[5] = mem_format("Authorization: Basic %s\r\n", users[ANN].key);
	headers[6] = mem_format("Authorization: Bearer %s, Bearer %s\r\n", users[ANN].key, users[ANN].key);
	headers[7] = mem_format("Authorization: Bearer %s\r\nAuthorization: Bearer %s\r\n", users[ANN].key,
				users[ANN].key);
	for (size_t route = 0; route < ROUTES; route++) {
		for (int i = 0; i < 8; i++)
			ask(route, "42", headers[i], 401, auth_failed);
		ask(route, "44", headers[3], 401, auth_failed);
	}
	assert_int_equal(core_seen().incoming, 0);
	assert_string_equal(store_last(), "");
	for (int i = 0; i < 8; i++)
		free(headers[i]);
}

/* Another user's path is a path that does not exist, whether that user does or not. */
static void test_foreign_paths(void **state)
{
	static const char *const others[] = { "43",  "44",  "99999", "01900000-0000-7000-8000-00000000000b",
					      "bob", "042", "-42",   "42%20",
					      "ME" };
	char *key = mem_format("Authorization: Bearer %s\r\n", users[ANN].key);

	(void)state;
	for (size_t route = 0; route < ROUTES; route++)
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			ask(route, others[i], key, 404,
			    "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"nothing is here\"}}");
	assert_int_equal(core_seen().incoming, 0);
	assert_string_equal(store_last(), "");
	free(key);
}

/* Another user's things under one's own path: exactly as things that never were. */
static void test_foreign_things(void **state)
{
	static const char *const bodies[] = { "{\"message\":\"a\",\"conversation_id\":900}",
					      "{\"message\":\"a\",\"conversation_id\":\"" UUID_900 "\"}",
					      "{\"message\":\"a\",\"conversation_id\":901}" };
	static const char *const places[] = {
		"900",	    UUID_900,
		"901",	    "01900000-0000-7000-8000-000000000901",
		"nonsense", "99999999999999999999999999999999999999999999999999"
	};
	static const char gone[] = "{\"error\":{\"code\":\"CONVERSATION_NOT_FOUND\",\"message\":\"There is "
				   "no such conversation\"}}";

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		expect(http_as(ANN, "POST", "/api/me/chat", "", bodies[i]), 404, gone);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (size_t route = 4; route < ROUTES; route++) {
			char *path =
				mem_format("/api/me/conversations/%s%s", places[i],
					   strlen(routes[route].rest) > 17 ? routes[route].rest + 17 : "");

			expect(http_as(ANN, routes[route].method, path, "", routes[route].body), 404, gone);
			free(path);
		}
	}
}

static void test_own_paths(void **state)
{
	static const char *const names[] = { "42", "me", "01900000-0000-7000-8000-00000000000a",
					     "01900000-0000-7000-8000-00000000000A" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = mem_format("/api/%s/conversations", names[i]);

		expect(http_as(ANN, "GET", path, "", NULL), 200, "{\"conversations\":[],\"next\":null}");
		expect(http_as(BOB, "GET", path, "", NULL), i == 1 ? 200 : 404, NULL);
		free(path);
	}
}

static void test_disabled_profile(void **state)
{
	(void)state;
	expect(http_as(DAN, "POST", "/api/me/chat", "", "{\"message\":\"a\"}"), 403,
	       "{\"error\":{\"code\":\"PROFILE_DISABLED\",\"message\":\"This account is switched off\"}}");
}

/* The next request after the revocation is refused. */
static void test_revocation(void **state)
{
	(void)state;
	expect(http_as(ANN, "GET", "/api/me/conversations", "", NULL), 200, NULL);
	users[ANN].revoked = true;
	expect(http_as(ANN, "GET", "/api/me/conversations", "", NULL), 401, auth_failed);
	users[ANN].revoked = false;
}

static int setup_three(void **state)
{
	(void)state;
	return harness_setup_with("auth_failures", "3");
}

/* An address that guesses is told to wait; a right key from behind the same proxy keeps working. */
static void test_guessing(void **state)
{
	struct reply reply;

	(void)state;
	for (int i = 0; i < 3; i++)
		expect(http("GET", "/api/me/conversations", "", NULL), 401, auth_failed);
	for (int i = 0; i < 2; i++) {
		reply = i ? http_as(CAY, "GET", "/api/me/conversations", "", NULL)
			  : http("GET", "/api/me/conversations", "", NULL);
		assert_int_equal(reply.status, 429);
		assert_non_null(strcasestr(reply.head, "Retry-After: "));
		assert_non_null(strstr(reply.body, "\"RATE_LIMITED\""));
		reply_free(&reply);
	}
	expect(http_as(ANN, "GET", "/api/me/conversations", "", NULL), 200, NULL);
}

/* On the control socket the daemon's own user and root need no key. */
static void test_control_socket(void **state)
{
	(void)state;
	expect(http_control("POST", "/api/me/chat", "{\"message\":\"a\"}"), 200, NULL);
	assert_non_null(strstr(core_seen().delivery_key, users[ANN].profile));
	expect(http_control("GET", "/api/43/conversations", NULL), 404, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wrong_keys, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_foreign_paths, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_foreign_things, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_own_paths, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_disabled_profile, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_revocation, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_guessing, setup_three, harness_teardown),
		cmocka_unit_test_setup_teardown(test_control_socket, setup, harness_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
