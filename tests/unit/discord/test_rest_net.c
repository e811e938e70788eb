/* REST calls on a real socket: what the platform sees of them, byte for byte where it matters (sheet 12, 15). */
#include "stage_net.h"

struct seen {
	unsigned count, answers;
	char method[8], path[200], agent[100], authorization[200], type[100], length[20];
	char body[2000];
	size_t len;
	enum discord_how how;
	char bucket[40];
};

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%.*s", (int)size - 1, from ? from : "(none)");
}

static void on_request(struct lo_stage *stage, struct web_request *request)
{
	struct seen *seen = stage->own;
	size_t len;
	const char *body = web_body(request, &len);

	seen->count++;
	copy(seen->method, sizeof(seen->method), web_method(request));
	copy(seen->path, sizeof(seen->path), web_path(request));
	copy(seen->agent, sizeof(seen->agent), web_header(request, "user-agent"));
	copy(seen->authorization, sizeof(seen->authorization), web_header(request, "authorization"));
	copy(seen->type, sizeof(seen->type), web_header(request, "content-type"));
	copy(seen->length, sizeof(seen->length), web_header(request, "content-length"));
	assert_true(len < sizeof(seen->body));
	memcpy(seen->body, body ? body : "", len);
	seen->len = len;
	web_add_header(request, "X-RateLimit-Bucket", "abcd1234");
	web_add_header(request, "X-RateLimit-Limit", "5");
	web_add_header(request, "X-RateLimit-Remaining", "4");
	web_add_header(request, "X-RateLimit-Reset-After", "1.250");
	web_answer_json(request, 200, "{\"id\":\"1\"}");
}

static void came(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct seen *seen = owner;

	(void)bot;
	(void)ticket;
	seen->answers++;
	seen->how = answer->how;
}

static struct seen call(struct discord_call wanted, const char *args)
{
	struct lo_stage *stage = lo_open(on_request);
	struct seen seen = { 0 };

	stage->own = &seen;
	wanted.args = args ? json_read(args, strlen(args), NULL) : NULL;
	discord_rest(&stage->bot, &wanted, came, &seen, 1);
	LO_WAIT(stage, seen.answers == 1);
	assert_int_equal(seen.how, DISCORD_OK);
	assert_int_equal(seen.count, 1);
	assert_int_equal(HASH_COUNT(stage->bot.lanes->lanes), 2); /* by its route, then by its bucket */
	copy(seen.bucket, sizeof(seen.bucket), stage->bot.lanes->routes->hash);
	lo_close(stage);
	assert_string_equal(seen.bucket, "abcd1234");
	return seen;
}

/* curl's own user agent would be blocked (pitfall 25). */
static void test_json(void **state)
{
	struct seen seen = call((struct discord_call){ .method = "POST", .path = "/channels/1/messages" },
				"{\"content\":\"\xc3\xa9\"}");

	(void)state;
	assert_string_equal(seen.method, "POST");
	assert_string_equal(seen.path, "/api/v10/channels/1/messages");
	assert_string_equal(seen.agent, "DiscordBot (https://usher.example, " USHER_VERSION ")");
	assert_string_equal(seen.authorization, "Bot " LO_TOKEN);
	assert_string_equal(seen.type, "application/json");
	assert_string_equal(seen.body, "{\"content\":\"\xc3\xa9\"}");
}

static void test_without_a_body(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "PATCH", "GET", "DELETE" };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct seen seen = call(
			(struct discord_call){ .method = methods[i], .path = "/channels/1/typing" }, NULL);

		assert_string_equal(seen.method, methods[i]);
		assert_string_equal(seen.length, i < 3 ? "0" : "(none)");
		assert_string_equal(seen.type, "(none)");
	}
}

static void test_without_the_token(void **state)
{
	struct seen seen = call((struct discord_call){ .method = "POST",
						       .path = "/interactions/1/abc/callback",
						       .no_token = true },
				"{\"type\":5}");

	(void)state;
	assert_string_equal(seen.authorization, "(none)");
}

static void test_an_upload(void **state)
{
	static const char file[] = "# A\r\n--\0\xff";
	struct seen seen = call((struct discord_call){ .method = "POST",
						       .path = "/channels/1/messages",
						       .file = file,
						       .file_len = sizeof(file) - 1,
						       .file_name = "answer.md",
						       .file_type = "text/markdown" },
				"{\"content\":\"a\"}");

	(void)state;
	assert_int_equal(strncmp(seen.type, "multipart/form-data; boundary=", 30), 0);
	assert_non_null(
		strstr(seen.body,
		       "name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n"
		       "{\"content\":\"a\",\"attachments\":[{\"id\":0,\"filename\":\"answer.md\"}]}\r\n"));
	assert_non_null(strstr(seen.body,
			       "name=\"files[0]\"; filename=\"answer.md\"\r\nContent-Type: text/markdown"));
	assert_non_null(memmem(seen.body, seen.len, file, sizeof(file) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_without_a_body),
		cmocka_unit_test(test_without_the_token),
		cmocka_unit_test(test_an_upload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
