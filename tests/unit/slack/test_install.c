/* "Add to Slack": nobody may finish an installation that another browser began, nothing a page shows may run there,
 * and a workspace is there only when it is stored. */
#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "page.h"
#include "stage_app.h"
#include "state.h"

#define GRANT                                                                                                \
	"{\"ok\":true,\"access_token\":\"xoxb-9-nine\",\"token_type\":\"bot\",\"scope\":\"" STAGE_SCOPES     \
	"\","                                                                                                \
	"\"bot_user_id\":\"U9BOT\",\"app_id\":\"A0001\",\"team\":{\"id\":\"T9\",\"name\":\"Nine & <Co>\"},"  \
	"\"enterprise\":null,\"is_enterprise_install\":false,\"authed_user\":{\"id\":\"U9ANN\"}}"
#define AUTH_T9                                                                                              \
	"{\"ok\":true,\"url\":\"https://nine.slack.com/\",\"team\":\"Nine & <Co>\",\"team_id\":\"T9\","      \
	"\"user_id\":\"U9BOT\",\"bot_id\":\"B9\",\"is_enterprise_install\":false}"

struct visit {
	char state[STATE_SIZE], cookie[100];
};

/* What stands behind name= in the page's link or cookie. */
static void cut(const char *text, const char *name, const char *end, char *out, size_t size)
{
	const char *at = strstr(text, name);
	size_t len;

	if (at == NULL)
		fail_msg("no %s in %s", name, text);
	at += strlen(name);
	len = strcspn(at, end);
	assert_true(len < size);
	memcpy(out, at, len);
	out[len] = '\0';
}

static struct visit begin(struct app_stage *stage)
{
	struct visit visit;
	struct app_reply reply;

	app_get(stage, "/slack/acme/install", NULL, &reply);
	assert_int_equal(reply.status, 200);
	cut(reply.body, "state=", "\"&", visit.state, sizeof(visit.state));
	cut(reply.head, "set-cookie: ", ";", visit.cookie, sizeof(visit.cookie));
	app_reply_free(&reply);
	return visit;
}

static void come_back(struct app_stage *stage, const char *query, const char *state, const char *cookie,
		      struct app_reply *reply)
{
	char *path = mem_format("/slack/acme/oauth?%s&state=%s", query, state);

	app_get(stage, path, cookie, reply);
	free(path);
}

static struct app_stage *shared(void)
{
	struct app_stage *stage = app_stage_open(app_shared);

	app_stage_start(stage);
	return stage;
}

static void says(const struct app_reply *reply, int status, const char *part)
{
	if (reply->status != status || !strstr(reply->body, part))
		fail_msg("expected %d and \"%s\", got %d: %s", status, part, reply->status, reply->body);
}

static void the_button_leads_to_slack(void **state)
{
	struct app_stage *stage = shared();
	struct app_reply reply;
	char expected[300];

	(void)state;
	app_get(stage, "/slack/acme/install", NULL, &reply);
	assert_int_equal(reply.status, 200);
	snprintf(expected, sizeof(expected),
		 "href=\"%s/authorize?client_id=11.22&amp;scope=app_mentions%%3Aread%%2C", stage->public_url);
	says(&reply, 200, expected);
	says(&reply, 200, "Add to Slack");
	snprintf(expected, sizeof(expected),
		 "&amp;redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A%s%%2Fslack%%2Facme%%2Foauth&amp;",
		 strrchr(stage->public_url, ':') + 1);
	says(&reply, 200, expected);
	says(&reply, 200, "&amp;user_scope=&amp;");
	app_reply_free(&reply);
	app_stage_close(stage);
}

static void the_page_loads_nothing_and_is_not_kept(void **state)
{
	static const char *const lines[] = { "content-security-policy: default-src 'none'; style-src 'nonce-",
					     "frame-ancestors 'none'",
					     "base-uri 'none'",
					     "form-action 'none'",
					     "referrer-policy: no-referrer",
					     "x-robots-tag: noindex",
					     "cache-control: no-store",
					     "content-type: text/html; charset=utf-8",
					     "x-content-type-options: nosniff",
					     "HttpOnly; SameSite=Lax",
					     "Path=/slack/acme;",
					     "Max-Age=600;" };
	struct app_stage *stage = shared();
	struct app_reply reply;
	char nonce[100], tag[120];

	(void)state;
	app_get(stage, "/slack/acme/install", NULL, &reply);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(reply.head, lines[i]))
			fail_msg("no \"%s\" in\n%s", lines[i], reply.head);
	assert_null(strstr(reply.head, "unsafe-inline"));
	assert_null(strstr(reply.head, "Secure")); /* http to this machine only */
	assert_null(strstr(reply.body, "<script"));
	assert_null(strstr(reply.body, "src="));
	cut(reply.head, "'nonce-", "'", nonce, sizeof(nonce));
	snprintf(tag, sizeof(tag), "<style nonce=\"%s\">", nonce);
	assert_non_null(strstr(reply.body, tag));
	app_reply_free(&reply);
	app_stage_close(stage);
}

static void everything_shown_is_text(void **state)
{
	struct buf out = { 0 };

	(void)state;
	slack_page_escape(&out, "<script>alert(\"&'\")</script>");
	assert_string_equal(buf_str(&out), "&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;");
	buf_free(&out);
}

static void a_workspace_is_added(void **state)
{
	struct app_stage *stage = shared();
	struct visit visit = begin(stage);
	struct app_reply reply;
	const struct app_call *call;
	char cookies[200];

	(void)state;
	stage->adopts = true;
	app_says(stage, "oauth.v2.access", GRANT);
	app_says(stage, "auth.test", AUTH_T9);
	snprintf(cookies, sizeof(cookies), "theme=dark; xusher-install=no; %s; z", visit.cookie);
	come_back(stage, "code=c0de.1", visit.state, cookies, &reply);
	says(&reply, 200, "<h1>Added to Nine &amp; &lt;Co&gt;</h1>");
	assert_null(strstr(reply.body, "did not grant"));
	assert_non_null(strstr(reply.head, "set-cookie: usher-install=; Path=/slack/acme; Max-Age=0;"));
	call = app_last(stage, "oauth.v2.access");
	assert_string_equal(call->authorization, "Basic MTEuMjI6Y2xpZW50LXNlY3JldA==");
	assert_non_null(strstr(call->body, "code=c0de.1"));
	assert_non_null(strstr(call->body, "oauth"));
	assert_null(strstr(call->body, "client-secret"));
	assert_int_equal(stage->installs, 1);
	assert_string_equal(stage->install_key, "T9");
	assert_string_equal(stage->install_title, "Nine & <Co>");
	assert_string_equal(stage->install_secrets, "{\"token\":\"xoxb-9-nine\",\"expires_ms\":0}");
	assert_non_null(strstr(stage->install_settings, "\"team_id\":\"T9\""));
	assert_non_null(strstr(stage->install_settings, "\"bot_id\":\"B9\""));
	assert_non_null(strstr(stage->install_settings, "\"bot_user_id\":\"U9BOT\""));
	assert_non_null(strstr(stage->install_settings, "\"installed_by\":\"U9ANN\""));
	assert_null(strstr(stage->install_settings, "xoxb"));
	app_run_link(&stage->doors[1], LINK_UP); /* what was written can be read */
	assert_ptr_equal(slack_find(app_root(stage)->app, NULL, "T9", false), stage->doors[1].platform);
	app_reply_free(&reply);
	app_stage_close(stage);
}

static void an_organisation_is_added_with_a_token_that_expires(void **state)
{
	struct app_stage *stage = shared();
	struct visit visit = begin(stage);
	struct app_reply reply;

	(void)state;
	app_says(stage, "oauth.v2.access",
		 "{\"ok\":true,\"access_token\":\"xoxe.xoxb-1-org\",\"refresh_token\":\"xoxe-1-org\","
		 "\"expires_in\":"
		 "43200,\"scope\":\"chat:write\",\"bot_user_id\":\"U8\",\"app_id\":\"A0001\",\"team\":null,"
		 "\"enterprise\":{\"id\":\"E8\",\"name\":\"Eight\"},\"is_enterprise_install\":true}");
	app_says(stage, "auth.test",
		 "{\"ok\":true,\"team\":\"Eight\",\"team_id\":\"E8\",\"enterprise_id\":\"E8\",\"user_id\":"
		 "\"U8\","
		 "\"bot_id\":\"B8\",\"is_enterprise_install\":true}");
	come_back(stage, "code=c", visit.state, visit.cookie, &reply);
	says(&reply, 200, "Added to Eight");
	says(&reply, 200, "Slack did not grant: app_mentions:read,");
	assert_string_equal(stage->install_key, "E8");
	assert_non_null(strstr(stage->install_settings, "\"organisation\":true"));
	assert_null(strstr(stage->install_settings, "\"team_id\""));
	assert_non_null(strstr(stage->install_secrets, "\"refresh_token\":\"xoxe-1-org\""));
	assert_null(strstr(stage->install_secrets, "\"expires_ms\":0"));
	app_reply_free(&reply);
	app_stage_close(stage);
}

/* Login CSRF (sheet 3.1): an attacker's link must not add our app with the victim's browser, nor the reverse. */
static void a_state_is_good_for_one_browser_once(void **state)
{
	struct app_stage *stage = shared();
	struct visit mine = begin(stage), theirs = begin(stage);
	struct app_reply reply;

	(void)state;
	app_says(stage, "oauth.v2.access", GRANT);
	come_back(stage, "code=c", mine.state, theirs.cookie, &reply);
	says(&reply, 400, "Start again");
	app_reply_free(&reply);
	come_back(stage, "code=c", theirs.state, NULL, &reply);
	says(&reply, 400, "Start again");
	app_reply_free(&reply);
	come_back(stage, "code=c", "", mine.cookie, &reply);
	says(&reply, 400, "Start again");
	app_reply_free(&reply);
	app_get(stage, "/slack/acme/oauth", NULL, &reply);
	says(&reply, 400, "Start again");
	app_reply_free(&reply);
	assert_int_equal(stage->call_count, 0);
	come_back(stage, "error=access_denied", mine.state, mine.cookie, &reply); /* nobody has spoilt it */
	says(&reply, 400, "permission");
	app_reply_free(&reply);
	come_back(stage, "code=c", mine.state, mine.cookie, &reply); /* used up */
	says(&reply, 400, "Start again");
	app_reply_free(&reply);
	assert_int_equal(stage->call_count, 0);
	app_stage_close(stage);
}

static void states_grow_old_and_few(void **state)
{
	struct slack_states *states = slack_states_create();
	char first[STATE_SIZE], cookie[STATE_SIZE], other[STATE_SIZE], other_cookie[STATE_SIZE];

	(void)state;
	slack_state_new(states, 1000, first, cookie);
	slack_state_new(states, 1000, other, other_cookie);
	assert_string_not_equal(first, other);
	assert_string_not_equal(first, cookie);
	assert_int_equal(slack_state_use(states, 1000 + 600000, first, cookie), STATE_UNKNOWN);
	assert_int_equal(slack_state_use(states, 1000 + 599999, other, other_cookie), STATE_FINE);
	assert_int_equal(slack_state_use(states, 1000 + 599999, other, other_cookie), STATE_UNKNOWN);
	assert_int_equal(slack_state_use(states, 1000, NULL, NULL), STATE_UNKNOWN);
	slack_state_new(states, 1000, first, cookie);
	assert_int_equal(slack_state_use(states, 1000, first, NULL), STATE_FOREIGN);
	assert_int_equal(slack_state_use(states, 1000, first, other_cookie), STATE_FOREIGN);
	assert_int_equal(slack_state_use(states, 1000, first, cookie), STATE_FINE);
	assert_int_equal(slack_state_use(states, 1000, first, cookie), STATE_UNKNOWN);
	/* Whoever asks for many must not push out those of others. */
	slack_state_new(states, 1000, first, cookie);
	for (unsigned i = 0; i < 3 * STATE_COUNT_MAX; i++)
		slack_state_new(states, 1000, other, other_cookie);
	assert_int_equal(slack_state_use(states, 1000, first, cookie), STATE_FINE);
	assert_int_equal(slack_state_use(states, 1000, first, cookie), STATE_UNKNOWN);
	/* Every digit counts. */
	slack_state_new(states, 1000, first, cookie);
	for (size_t i = 0; i < STATE_SIZE - 1; i++) {
		char old = first[i];

		first[i] = old == '0' ? '1' : '0';
		assert_int_equal(slack_state_use(states, 1000, first, cookie), STATE_UNKNOWN);
		first[i] = old;
		old = cookie[i];
		cookie[i] = old == '0' ? '1' : '0';
		assert_int_equal(slack_state_use(states, 1000, first, cookie), STATE_FOREIGN);
		cookie[i] = old;
	}
	first[0] = 'z';
	assert_int_equal(slack_state_use(states, 1000, first, cookie), STATE_UNKNOWN);
	slack_states_destroy(states);
}

static void they_changed_their_mind(void **state)
{
	struct app_stage *stage = shared();
	struct visit visit = begin(stage);
	struct app_reply reply;

	(void)state;
	come_back(stage, "error=access_denied", visit.state, visit.cookie, &reply);
	says(&reply, 400, "You did not give Slack your permission");
	app_reply_free(&reply);
	visit = begin(stage);
	come_back(stage, "error=%3Cscript%3E", visit.state, visit.cookie, &reply);
	says(&reply, 400, "Slack sent no permission along");
	assert_null(strstr(reply.body, "<script"));
	app_reply_free(&reply);
	visit = begin(stage);
	come_back(stage, "code=a%0Ab", visit.state, visit.cookie, &reply);
	says(&reply, 400, "Slack sent no permission along");
	app_reply_free(&reply);
	assert_int_equal(stage->call_count, 0);
	app_stage_close(stage);
}

/* The code is good once: what got lost is begun anew, never asked again by itself. */
static void what_slack_refuses(void **state)
{
	static const struct {
		int api_status;
		const char *json;
		int status;
		const char *part;
	} rows[] = {
		{ 200, "{\"ok\":false,\"error\":\"invalid_code\"}", 400, "too old" },
		{ 200, "{\"ok\":false,\"error\":\"bad_client_secret\"}", 502, "operator" },
		{ 500, "oops", 503, "try again" },
		{ 200, "{\"ok\":true}", 503, "try again" },
		{ 200, "{\"ok\":true,\"access_token\":\"xoxb-9\",\"team\":{\"id\":\"../../x\"}}", 503,
		  "try again" },
		{ 200,
		  "{\"ok\":true,\"access_token\":\"xoxb-9\",\"is_enterprise_install\":true,\"team\":{\"id\":"
		  "\"T9\"}}",
		  503, "try again" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct app_stage *stage = shared();
		struct visit visit = begin(stage);
		struct app_reply reply;

		app_says_status(stage, "oauth.v2.access", rows[i].api_status, rows[i].json);
		come_back(stage, "code=c", visit.state, visit.cookie, &reply);
		says(&reply, rows[i].status, rows[i].part);
		says(&reply, rows[i].status, "Start again");
		assert_int_equal(app_called(stage, "oauth.v2.access"), 1);
		assert_int_equal(stage->installs, 0);
		assert_false(app_root(stage)->dead); /* the client's fault is no token's end */
		app_reply_free(&reply);
		app_stage_close(stage);
	}
}

static void another_workspaces_token_is_not_kept(void **state)
{
	struct app_stage *stage = shared();
	struct visit visit = begin(stage);
	struct app_reply reply;

	(void)state;
	app_says(stage, "oauth.v2.access", GRANT);
	app_says(stage, "auth.test", STAGE_AUTH); /* T1 */
	come_back(stage, "code=c", visit.state, visit.cookie, &reply);
	says(&reply, 503, "try again");
	app_reply_free(&reply);
	visit = begin(stage);
	app_says(stage, "auth.test", "{\"ok\":false,\"error\":\"invalid_auth\"}");
	come_back(stage, "code=c", visit.state, visit.cookie, &reply);
	says(&reply, 503, "try again");
	assert_int_equal(stage->installs, 0);
	assert_false(app_root(stage)->dead);
	app_reply_free(&reply);
	app_stage_close(stage);
}

static const struct app_put both[] = {
	{ "name", "acme" },
	{ "transport", "http" },
	{ "bot_token", STAGE_BOT_TOKEN },
	{ "signing_secret", "8f742231b10e8888abcd99yyyzzz85a5" },
	{ "client_id", "11.22" },
	{ "client_secret", "client-secret" },
	{ "api_base", "http://127.0.0.1:PORT/api" },
	{ NULL, NULL },
};

/* A bot token in the settings and others who add the app: the settings' workspace needs no second installation, and
 * all tokens must be of one app. */
static void beside_a_token_of_our_own(void **state)
{
	struct app_stage *stage = app_stage_open(both);
	struct visit visit;
	struct app_reply reply;

	(void)state;
	app_says(stage, "auth.test", STAGE_AUTH);
	app_says(stage, "bots.info", STAGE_BOTS_INFO);
	app_stage_start(stage);
	app_run_count(stage, &stage->records, 1);
	visit = begin(stage);
	app_says(stage, "oauth.v2.access",
		 "{\"ok\":true,\"access_token\":\"xoxb-1\",\"app_id\":\"A0001\",\"team\":{\"id\":\"T1\"}}");
	come_back(stage, "code=c", visit.state, visit.cookie, &reply);
	says(&reply, 409, "no second installation");
	app_reply_free(&reply);
	visit = begin(stage);
	app_says(stage, "oauth.v2.access",
		 "{\"ok\":true,\"access_token\":\"xoxb-1\",\"app_id\":\"A0002\",\"team\":{\"id\":\"T9\"}}");
	come_back(stage, "code=c", visit.state, visit.cookie, &reply);
	says(&reply, 502, "operator");
	app_reply_free(&reply);
	assert_int_equal(stage->installs, 0);
	app_stage_close(stage);
}

/* "Added" is a promise: it is not said before the store has it, nor when it has not. */
static void added_means_stored(void **state)
{
	struct app_stage *stage = shared();
	struct visit visit = begin(stage);
	struct app_reply reply;
	char *path = mem_format("/slack/acme/oauth?code=c&state=%s", visit.state);

	(void)state;
	app_says(stage, "oauth.v2.access", GRANT);
	app_says(stage, "auth.test", AUTH_T9);
	stage->silent = true;
	app_get_begin(stage, path, visit.cookie, &reply);
	app_run_count(stage, &stage->installs, 1);
	assert_false(reply.done);
	slack_platform.stop(app_root(stage)); /* waits for it */
	app_get_wait(stage, &(struct app_reply){ .done = true });
	assert_int_equal(stage->doors[0].stops, 0);
	slack_installed(app_root(stage)->app->installs, 1, NULL, "acme/T9"); /* another's ticket */
	assert_false(reply.done);
	slack_platform.installed(app_root(stage), app_root(stage)->app->last_ticket, NULL, "acme/T9");
	app_get_wait(stage, &reply);
	says(&reply, 200, "Added to");
	app_run_count(stage, &stage->doors[0].stops, 1);
	app_reply_free(&reply);
	app_get(stage, "/slack/acme/install", NULL, &reply);
	says(&reply, 503, "try again");
	app_reply_free(&reply);
	free(path);
	app_stage_close(stage);
}

static void not_stored_is_said(void **state)
{
	struct app_stage *stage = shared();
	struct visit visit = begin(stage);
	struct app_reply reply;

	(void)state;
	app_says(stage, "oauth.v2.access", GRANT);
	app_says(stage, "auth.test", AUTH_T9);
	stage->install_fails = true;
	come_back(stage, "code=c", visit.state, visit.cookie, &reply);
	says(&reply, 503, "could not be taken in");
	assert_null(strstr(reply.body, "disk")); /* ours to know, not theirs */
	app_reply_free(&reply);
	app_stage_close(stage);
}

static void ended_in_the_middle(void **state)
{
	struct app_stage *stage = shared();
	struct visit visit = begin(stage);
	struct app_reply reply;
	char *path = mem_format("/slack/acme/oauth?code=c&state=%s", visit.state);

	(void)state;
	app_says_status(stage, "oauth.v2.access", 0, NULL);
	app_get_begin(stage, path, visit.cookie, &reply);
	app_run_called(stage, "oauth.v2.access", 1);
	free(path);
	app_stage_close(stage);
	app_reply_free(&reply);
}

/* A proxy takes "/bots" off before it calls us; browsers keep it. */
static void below_a_folder_of_a_proxy(void **state)
{
	struct app_stage *stage = app_stage_open(app_shared);
	struct app_door *root = &stage->doors[0];
	struct app_reply reply;
	struct err err = { 0 };

	(void)state;
	slack_platform.destroy(root->platform);
	root->host.public_url = "https://example.org/bots";
	root->platform = slack_platform.create(&root->host, stage->settings, &err);
	assert_non_null(root->platform);
	app_stage_start(stage);
	app_get(stage, "/slack/acme/install", NULL, &reply);
	says(&reply, 200, "redirect_uri=https%3A%2F%2Fexample.org%2Fbots%2Fslack%2Facme%2Foauth");
	assert_non_null(strstr(reply.head, "Path=/bots/slack/acme;"));
	assert_non_null(strstr(reply.head, "; Secure"));
	app_reply_free(&reply);
	app_get(stage, "/slack/acme/oauth", NULL, &reply);
	says(&reply, 400, "href=\"https://example.org/bots/slack/acme/install\"");
	app_reply_free(&reply);
	app_stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_button_leads_to_slack),
		cmocka_unit_test(the_page_loads_nothing_and_is_not_kept),
		cmocka_unit_test(everything_shown_is_text),
		cmocka_unit_test(a_workspace_is_added),
		cmocka_unit_test(an_organisation_is_added_with_a_token_that_expires),
		cmocka_unit_test(a_state_is_good_for_one_browser_once),
		cmocka_unit_test(states_grow_old_and_few),
		cmocka_unit_test(they_changed_their_mind),
		cmocka_unit_test(what_slack_refuses),
		cmocka_unit_test(another_workspaces_token_is_not_kept),
		cmocka_unit_test(beside_a_token_of_our_own),
		cmocka_unit_test(added_means_stored),
		cmocka_unit_test(not_stored_is_said),
		cmocka_unit_test(ended_in_the_middle),
		cmocka_unit_test(below_a_folder_of_a_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
