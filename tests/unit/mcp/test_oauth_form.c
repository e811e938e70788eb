/* What is sent of OAuth: by the examples of the RFCs, and what a person pastes is read back. */
#include "mem.h"
#include "oauth_form.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_challenge_of_rfc_7636(void **state)
{
	char *challenge = oauth_pkce("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), *one = oauth_random(),
	     *other = oauth_random();

	(void)state;
	assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	assert_int_equal(strlen(one), 43); /* as long as a verifier has to be */
	assert_string_not_equal(one, other);
	free(challenge);
	free(one);
	free(other);
}

/* Id and secret are encoded before they are put together: a colon in one of them must not move the border. */
static void a_secret_with_a_colon_stays_whole(void **state)
{
	struct oauth_client client = { .id = (char[]){ "a:b" }, .secret = (char[]){ "c d%" } };
	char *basic = oauth_basic(&client);

	(void)state;
	assert_string_equal(basic, "Basic YSUzQWI6YyUyMGQlMjU="); /* a%3Ab:c%20d%25 */
	free(basic);
}

static void the_address_for_the_browser(void **state)
{
	struct oauth_server server = { .authorize = (char[]){ "https://as/a?x=1" } };
	struct oauth_client client = { .id = (char[]){ "me" } };
	struct oauth_ask ask = { .redirect = "http://127.0.0.1:1/b",
				 .state = "s",
				 .challenge = "c",
				 .resource = "https://m/mcp" };
	char *url = oauth_authorize_url(&server, &client, &ask);

	(void)state;
	assert_string_equal(
		url, "https://as/a?x=1&response_type=code&client_id=me&redirect_uri=http%3A%2F%2F127.0.0.1"
		     "%3A1%2Fb&state=s&code_challenge=c&code_challenge_method=S256&resource=https%3A%2F%2Fm"
		     "%2Fmcp");
	free(url);
}

static void what_is_pasted_is_read(void **state)
{
	static const struct {
		const char *address, *state, *code, *iss, *error;
	} rows[] = {
		{ "http://127.0.0.1:1/b?code=a%2Bb&state=s+t&iss=https%3A%2F%2Fas\n", "s t", "a+b",
		  "https://as", NULL },
		{ "code=1&state=2", "2", "1", NULL, NULL },
		{ "https://x/?error=access_denied&state=2#fragment&code=9", "2", NULL, NULL,
		  "access_denied" },
		{ "?state=1&state=2&code", "1", NULL, NULL, NULL },
		{ "?state=%zz%00%", "%zz?%", NULL, NULL, NULL },
		{ "nothing", NULL, NULL, NULL, NULL },
		{ "", NULL, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mcp_redirect redirect;
		char *room = NULL;
		const char *got[4], *wanted[] = { rows[i].state, rows[i].code, rows[i].iss, rows[i].error };

		assert_int_equal(oauth_redirect_read(rows[i].address, &redirect, &room),
				 rows[i].state != NULL);
		memcpy(got, (const char *[]){ redirect.state, redirect.code, redirect.iss, redirect.error },
		       sizeof(got));
		for (size_t f = 0; f < 4; f++)
			if ((got[f] == NULL) != (wanted[f] == NULL) ||
			    (got[f] && strcmp(got[f], wanted[f]) != 0))
				fail_msg("%s: %s", rows[i].address, got[f] ? got[f] : "(nothing)");
		free(room);
	}
}

static void a_key_that_is_none_is_said_at_once(void **state)
{
	static const char *const keys[] = {
		"", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct err err = { 0 };

		assert_null(oauth_assertion(keys[i], "me", "https://as", 1, &err));
		assert_non_null(strstr(err.text, "oauth.private_key"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_challenge_of_rfc_7636),
		cmocka_unit_test(a_secret_with_a_colon_stays_whole),
		cmocka_unit_test(the_address_for_the_browser),
		cmocka_unit_test(what_is_pasted_is_read),
		cmocka_unit_test(a_key_that_is_none_is_said_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
