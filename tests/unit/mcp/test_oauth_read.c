/* What strangers write about authorization: a mistake here sends a secret to the wrong place, or nobody in. */
#include "mem.h"
#include "oauth_read.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void same(const char *got, const char *wanted)
{
	if (wanted == NULL)
		assert_null(got);
	else
		assert_string_equal(got ? got : "(nothing)", wanted);
}

static void challenges_of_any_form_are_read(void **state)
{
	static const struct {
		const char *header;
		bool bearer;
		const char *metadata, *scope, *error;
	} rows[] = {
		{ NULL, false, NULL, NULL, NULL },
		{ "", false, NULL, NULL, NULL },
		{ "Bearer", true, NULL, NULL, NULL },
		{ "bearer realm=\"x\", scope=\"a b\"", true, NULL, "a b", NULL },
		{ "Bearer resource_metadata=\"https://a/b\",scope=one , error = insufficient_scope", true,
		  "https://a/b", "one", "insufficient_scope" },
		{ "Bearer resource_metadata=https://a/b?c=d, scope=x", true, "https://a/b?c=d", "x", NULL },
		{ "Basic realm=\"Bearer scope=no\", Bearer scope=\"yes\"", true, NULL, "yes", NULL },
		{ "Bearer scope=\"yes\", Basic scope=no, error=no", true, NULL, "yes", NULL },
		{ "Negotiate abc==, Bearer error=\"invalid_token\"", true, NULL, NULL, "invalid_token" },
		{ "Bearer error=\"a \\\"quoted\\\" one\"", true, NULL, NULL, "a \"quoted\" one" },
		{ "Bearer error=\"never closed", true, NULL, NULL, "never closed" },
		{ "Bearer scope=first, scope=second", true, NULL, "first", NULL },
		{ "Bearer realm=\"x\", scope=old, DPoP algs=\"ES256\", Bearer "
		  "resource_metadata=\"https://a/b\", scope=new, Basic",
		  true, "https://a/b", "new", NULL },
		{ "Bearer resource_metadata=\"https://a/b\", Bearer resource_metadata=\"https://c/d\", "
		  "error=no",
		  true, "https://a/b", NULL, NULL },
		{ "Bearerish scope=no", false, NULL, NULL, NULL },
		{ "Bearer \x01\x02 = , ,,\"", true, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct oauth_challenge challenge;

		oauth_challenge_read(rows[i].header, &challenge);
		if (challenge.bearer != rows[i].bearer)
			fail_msg("%s", rows[i].header);
		same(challenge.metadata, rows[i].metadata);
		same(challenge.scope, rows[i].scope);
		same(challenge.error, rows[i].error);
		oauth_challenge_free(&challenge);
	}
}

static void metadata_is_looked_for_where_the_rules_say(void **state)
{
	static const struct {
		void (*places)(const char *url, char *out[OAUTH_PLACES]);
		const char *url, *wanted[OAUTH_PLACES];
	} rows[] = {
		{ oauth_resource_places,
		  "https://A.example:443/mcp/?x#y",
		  { "https://a.example/.well-known/oauth-protected-resource/mcp",
		    "https://a.example/.well-known/oauth-protected-resource" } },
		{ oauth_resource_places,
		  "https://a.example/",
		  { "https://a.example/.well-known/oauth-protected-resource" } },
		{ oauth_server_places,
		  "https://a.example:8443",
		  { "https://a.example:8443/.well-known/oauth-authorization-server",
		    "https://a.example:8443/.well-known/openid-configuration" } },
		{ oauth_server_places,
		  "https://a.example/tenant/",
		  { "https://a.example/.well-known/oauth-authorization-server/tenant",
		    "https://a.example/.well-known/openid-configuration/tenant",
		    "https://a.example/tenant/.well-known/openid-configuration" } },
		{ oauth_server_places, "nonsense", { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *places[OAUTH_PLACES];

		rows[i].places(rows[i].url, places);
		for (size_t p = 0; p < OAUTH_PLACES; p++)
			same(places[p], rows[i].wanted[p]);
		oauth_places_free(places);
	}
}

static void a_server_has_one_name(void **state)
{
	static const char *const rows[][2] = {
		{ "HTTPS://A.Example:443/", "https://a.example" },
		{ "https://a.example/MCP/", "https://a.example/MCP/" },
		{ "https://a.example/mcp?x=Y#z", "https://a.example/mcp?x=Y" },
		{ "http://[::1]:8080/mcp", "http://[::1]:8080/mcp" },
		{ "https://user@a.example/", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *name = oauth_canonical(rows[i][0]);

		same(name, rows[i][1]);
		free(name);
	}
}

static void only_https_or_this_machine(void **state)
{
	(void)state;
	assert_true(oauth_url_fits("https://a.example/x"));
	assert_true(oauth_url_fits("http://127.0.0.1:9/x"));
	assert_true(oauth_url_fits("http://localhost/x"));
	assert_false(oauth_url_fits("http://a.example/x"));
	assert_false(oauth_url_fits("https://a.example/#x"));
	assert_false(oauth_url_fits("file:///etc/passwd"));
	assert_false(oauth_url_fits(NULL));
}

static void scopes_are_united_without_doubles(void **state)
{
	static const char *const rows[][3] = {
		{ "a b", "b c", "a b c" }, { NULL, "a  a", "a" }, { "  ", NULL, NULL },
		{ "ab", "a b", "ab a b" }, { NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *all = oauth_scope_union(rows[i][0], rows[i][1]);

		same(all, rows[i][2]);
		free(all);
	}
	assert_true(oauth_scope_has("a bc", "bc"));
	assert_false(oauth_scope_has("a bc", "b"));
	assert_false(oauth_scope_has("a", ""));
}

/* What the metadata of a resource come to: "issuer scopes", or words of the refusal. */
static void a_resource_speaks_for_itself_only(void **state)
{
	static const struct {
		const char *json, *wanted_issuer, *issuer, *scopes, *refusal;
	} rows[] = {
		{ "{\"resource\":\"https://a.example/mcp\",\"authorization_servers\":[\"https://as\"],"
		  "\"scopes_supported\":[\"x\",\"y\"]}",
		  NULL, "https://as", "x y", NULL },
		{ "{\"resource\":\"https://a.example\"}", NULL, NULL, NULL, NULL },
		{ "{\"resource\":\"https://a.example/m\"}", NULL, NULL, NULL, "about another server" },
		{ "{\"resource\":\"https://a.example/mcp/more\"}", NULL, NULL, NULL, "about another server" },
		{ "{\"resource\":\"https://b.example/mcp\"}", NULL, NULL, NULL, "about another server" },
		{ "{\"resource\":\"http://a.example/mcp\"}", NULL, NULL, NULL, "about another server" },
		{ "{\"resource\":7}", NULL, NULL, NULL, "about another server" },
		{ "{\"resource\":\"https://a.example/mcp\",\"authorization_servers\":[\"http://as\"]}", NULL,
		  NULL, NULL, "not behind https" },
		{ "{\"resource\":\"https://a.example/mcp\",\"authorization_servers\":[\"https://x\",\"https:/"
		  "/as\"]}",
		  "https://as", "https://as", NULL, NULL },
		{ "{\"resource\":\"https://a.example/mcp\",\"authorization_servers\":[\"https://x\"]}",
		  "https://as", NULL, NULL, "no longer names" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_read(rows[i].json, strlen(rows[i].json), NULL);
		struct oauth_resource resource;
		struct err err = { 0 };
		bool fine = oauth_resource_read(json, "https://a.example/mcp", rows[i].wanted_issuer,
						&resource, &err);

		if (fine != (rows[i].refusal == NULL) || (!fine && !strstr(err.text, rows[i].refusal)))
			fail_msg("%s: %s", rows[i].json, err.text);
		same(resource.issuer, rows[i].issuer);
		same(resource.scopes, rows[i].scopes);
		oauth_resource_free(&resource);
		json_decref(json);
	}
}

#define ENDPOINTS "\"authorization_endpoint\":\"https://as/a\",\"token_endpoint\":\"https://as/t\""

static void an_authorization_server_is_who_it_says(void **state)
{
	static const struct {
		const char *json;
		bool guessed, fine;
	} rows[] = {
		{ "{\"issuer\":\"https://as\"," ENDPOINTS "}", false, true },
		{ "{\"issuer\":\"https://as/\"," ENDPOINTS "}", false, false },
		{ "{\"issuer\":\"https://as/tenant\"," ENDPOINTS "}", true, true },
		{ "{\"issuer\":\"https://as.evil\"," ENDPOINTS "}", true, false },
		{ "{" ENDPOINTS "}", false, false },
		{ "{\"issuer\":\"https://as\",\"authorization_endpoint\":\"https://as/a\"}", false, false },
		{ "{\"issuer\":\"https://as\",\"token_endpoint\":\"http://as/t\"}", false, false },
		{ "{\"issuer\":\"https://as\",\"token_endpoint\":\"https://as/"
		  "t\",\"registration_endpoint\":\"javascript:1\"}",
		  false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_read(rows[i].json, strlen(rows[i].json), NULL);
		struct oauth_server server;
		struct err err = { 0 };

		if (oauth_server_read(json, "https://as", rows[i].guessed, &server, &err) != rows[i].fine)
			fail_msg("%s: %s", rows[i].json, err.text);
		oauth_server_free(&server);
		json_decref(json);
	}
}

static void clients_prove_themselves_as_the_server_wishes(void **state)
{
	static const struct {
		const char *list;
		enum oauth_method method;
	} rows[] = {
		{ "", OAUTH_BASIC }, /* RFC 8414: the default */
		{ ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]", OAUTH_POST },
		{ ",\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_basic\"]",
		  OAUTH_BASIC },
		{ ",\"token_endpoint_auth_methods_supported\":[\"none\"]", OAUTH_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = mem_format("{\"issuer\":\"https://as\"," ENDPOINTS "%s}", rows[i].list);
		json_t *json = json_read(text, strlen(text), NULL);
		struct oauth_server server;

		assert_true(oauth_server_read(json, "https://as", false, &server, NULL));
		assert_int_equal(oauth_method_choose(&server), rows[i].method);
		oauth_server_free(&server);
		json_decref(json);
		free(text);
	}
}

/* RFC 9207: not even a slash more. */
static void an_answer_is_of_the_server_that_was_asked(void **state)
{
	struct oauth_server silent = { .issuer = (char[]){ "https://as" } }, promises = silent;
	struct err err = { 0 };

	(void)state;
	promises.promises_iss = true;
	assert_true(oauth_iss_fits(&silent, NULL, &err));
	assert_true(oauth_iss_fits(&silent, "https://as", &err));
	assert_true(oauth_iss_fits(&promises, "https://as", &err));
	assert_false(oauth_iss_fits(&promises, NULL, &err));
	assert_false(oauth_iss_fits(&silent, "https://as/", &err));
	assert_false(oauth_iss_fits(&silent, "https://AS", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges_of_any_form_are_read),
		cmocka_unit_test(metadata_is_looked_for_where_the_rules_say),
		cmocka_unit_test(a_server_has_one_name),
		cmocka_unit_test(only_https_or_this_machine),
		cmocka_unit_test(scopes_are_united_without_doubles),
		cmocka_unit_test(a_resource_speaks_for_itself_only),
		cmocka_unit_test(an_authorization_server_is_who_it_says),
		cmocka_unit_test(clients_prove_themselves_as_the_server_wishes),
		cmocka_unit_test(an_answer_is_of_the_server_that_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
