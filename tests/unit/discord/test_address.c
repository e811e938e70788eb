/* Where the bot's token may go: nowhere without TLS, and to resume nowhere but to the gateway's own domain (sheet 6.3). */
#include "stage_gateway.h"

static void test_where_a_session_is_resumed(void **state)
{
	static const struct {
		const char *main, *resume;
		bool kin;
	} cases[] = {
		{ "wss://gateway.discord.gg", "wss://gateway-us-east1-b.discord.gg", true },
		{ "wss://gateway.discord.gg/", "wss://gateway.discord.gg:443/?v=9", true },
		{ "wss://gateway.discord.gg", "wss://GATEWAY.DISCORD.GG", true },
		{ "wss://gateway.discord.gg", "wss://gateway.discord.gg.evil.example", false },
		{ "wss://gateway.discord.gg", "wss://evildiscord.gg", false },
		{ "wss://gateway.discord.gg", "wss://evil.gg", false },
		{ "wss://gateway.discord.gg", "wss://gateway.discord.gg@evil.example", false },
		{ "wss://gateway.discord.gg", "wss://127.0.0.1", false },
		{ "wss://gateway.discord.gg", "wss://169.254.169.254", false },
		{ "wss://gateway.discord.gg", "wss://[::1]/", false },
		{ "wss://gateway.discord.gg", "", false },
		{ "wss://10.0.0.7", "wss://10.0.0.7:8443", true },
		{ "wss://10.0.0.7", "wss://9.9.0.7", false },
		{ "wss://gateway-proxy:9000", "wss://gateway-proxy:9000", true },
		{ "wss://gateway-proxy:9000", "wss://other", false },
		{ "ws://127.0.0.1:4000", "ws://localhost:4001/resume", true },
		{ "ws://127.0.0.1:4000", "wss://gateway.discord.gg", false },
		{ NULL, "wss://gateway.discord.gg", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (discord_address_kin(cases[i].main, cases[i].resume) != cases[i].kin)
			fail_msg("%s", cases[i].resume);
}

static void test_what_is_trusted(void **state)
{
	const struct discord_config real = { .api_base = "https://discord.com/api/v10" },
				    local = { .api_base = "http://127.0.0.1:9/api/v10" };
	bool loopback;

	(void)state;
	assert_true(discord_address_trusted(&real, "wss://gateway.discord.gg", &loopback));
	assert_false(loopback);
	assert_false(discord_address_trusted(&real, "ws://gateway.discord.gg", &loopback));
	assert_false(discord_address_trusted(&real, "ws://127.0.0.1", &loopback));
	assert_false(discord_address_trusted(&real, "https://gateway.discord.gg", &loopback));
	assert_false(discord_address_trusted(&real, "gateway.discord.gg", &loopback));
	assert_false(discord_address_trusted(&real, NULL, &loopback));
	assert_true(discord_address_trusted(&local, "ws://127.0.0.1:4000", &loopback));
	assert_true(loopback);
	assert_false(discord_address_trusted(&local, "ws://10.0.0.1", &loopback));
}

/* The gateway's own word for a query is not taken over (pitfall 11). */
static void test_the_query(void **state)
{
	const struct discord_config plain = { 0 }, packed = { .compress = true };
	char *whole = discord_address_whole(&plain, "wss://gateway.discord.gg/?v=6&encoding=etf");

	(void)state;
	assert_string_equal(whole, "wss://gateway.discord.gg/?v=10&encoding=json");
	free(whole);
	whole = discord_address_whole(&packed, "wss://gateway.discord.gg");
	assert_string_equal(whole, "wss://gateway.discord.gg/?v=10&encoding=json&compress=zlib-stream");
	free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_a_session_is_resumed),
		cmocka_unit_test(test_what_is_trusted),
		cmocka_unit_test(test_the_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
