/* How fast we call (sheet 13.3), and where tokens may go (sheet 15.2): too fast and the whole workspace is throttled,
 * to the wrong host and the token is lost. */
#include "api_room.h"
#include "url.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* No minute, wherever it begins, holds more than what is granted. */
static void test_no_minute_is_over_its_tier(void **state)
{
	static const char *const names[] = { "chat.startStream", "chat.update", "chat.appendStream",
					     "chat.postMessage", "users.info",	"apps.uninstall" };
	static uint64_t went[20000];

	(void)state;
	for (size_t m = 0; m < sizeof(names) / sizeof(*names); m++) {
		const struct slack_method *method = slack_method_find(names[m]);
		struct pace pace = slack_method_pace(method);
		size_t count = 0, from = 0;

		for (uint64_t now = 600000; now < 900000; now += 10) {
			while (pace_wait(&pace, now, 0) == 0) {
				pace_take(&pace, now);
				went[count++] = now;
			}
			while (went[from] + 60000 <= now)
				from++;
			assert_in_range(count - from, 0, method->per_minute > 1 ? method->per_minute : 2);
		}
		assert_true(count > 5 * method->per_minute / 2); /* and at least half of it is used */
	}
}

static void test_methods_are_found_by_their_whole_name(void **state)
{
	(void)state;
	assert_true(slack_method_find("chat.postMessage")->posts);
	assert_false(slack_method_find("chat.postMessage")->harmless);
	assert_false(slack_method_find("chat.appendStream")->harmless);
	assert_true(slack_method_find("chat.update")->harmless);
	assert_int_equal(slack_method_find("oauth.v2.access")->body, SLACK_FORM);
	assert_int_equal(slack_method_find("users.info")->body, SLACK_FORM);
	assert_null(slack_method_find("chat.post"));
	assert_null(slack_method_find(""));
}

static void test_hosts_that_are_theirs(void **state)
{
	static const char *const ours[] = {
		"https://slack.com/api/x",
		"https://hooks.slack.com/commands/T1/2/3",
		"HTTPS://FILES.SLACK.COM/files-pri/T1-F1/download/a.png",
		"https://a.slack-edge.com:443/x?y#z",
		"https://slack-files.com",
		"http://127.0.0.1:8080/elsewhere",
	};
	static const char *const others[] = {
		"http://hooks.slack.com/",
		"https://slack.com:8443/",
		"https://slack.com.evil.example/",
		"https://evilslack.com/",
		"https://evil.example/slack.com",
		"https://slack.com@evil.example/",
		"https://evil.example\\@slack.com/",
		"https://evil.example\\.slack.com/",
		"https://slack.com%2eevil.example/",
		"https://evil.example#.slack.com/",
		"https://evil.example?.slack.com/",
		"https://slack.com./",
		"https://.slack.com/",
		"https://slack.com:/",
		"https://slack.com:443x/",
		"https://slack.com:000443/",
		"https:// slack.com/",
		"https://slack.com\n/",
		"https:///slack.com/",
		"https:slack.com",
		"//slack.com/",
		"",
		"javascript:alert(1)",
		"file:///etc/passwd",
		"https://[::1]slack.com/",
		"http://127.0.0.1:8081/",
		"http://127.0.0.1/",
		"https://127.0.0.1:8080/",
	};
	struct slack_config config = { .api_base = "http://127.0.0.1:8080/api" };

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!slack_url_ours(&config, ours[i]))
			fail_msg("%s was refused", ours[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (slack_url_ours(&config, others[i]))
			fail_msg("%s was allowed", others[i]);
}

static void test_loopback_as_written(void **state)
{
	struct url url;

	(void)state;
	assert_true(url_read("http://localhost:1/", &url) && url_loopback(&url));
	assert_true(url_read("ws://127.3.2.1/", &url) && url_loopback(&url));
	assert_true(url_read("http://[::1]:8080/api", &url) && url_loopback(&url));
	assert_int_equal(url.port, 8080);
	assert_true(url_read("http://127.evil.example/", &url) && !url_loopback(&url));
	assert_true(url_read("http://localhost.evil.example/", &url) && !url_loopback(&url));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_minute_is_over_its_tier),
		cmocka_unit_test(test_methods_are_found_by_their_whole_name),
		cmocka_unit_test(test_hosts_that_are_theirs),
		cmocka_unit_test(test_loopback_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
