/* Files of messages (sheet 15): fetched whole from the platform's own hosts, without the token, and through their message
 * when their address has ended (pitfall 23). */
#include "file_ref.h"
#include "stage_net.h"
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 300000 };

/* The hosts of files, the message that has the file, and what the core was told. */
struct shelf {
	struct lo_stage *net;
	char *folder, *path;
	unsigned gets, asks, ends, with_token;
	int ask_status;
	const char *message; /* NULL: one whose attachment 9 has the address `fresh` */
	const char *fresh;   /* a path */
	const char *gone;    /* a path that is answered with `gone_status` */
	int gone_status;
	char asked[300];
	enum fetched_how how;
	int64_t size;
	char mime[100], why[200];
};

static struct shelf *the_shelf;

static void answer_message(struct shelf *shelf, struct web_request *request)
{
	char *text;

	shelf->asks++;
	assert_string_equal(web_path(request), "/api/v10/channels/5/messages/6");
	if (shelf->message)
		text = mem_text(shelf->message);
	else
		text = mem_format("{\"id\":\"6\",\"attachments\":[{\"id\":\"8\",\"url\":\"x\"},{\"id\":\"9\","
				  "\"url\":\"%s%s\"}]}",
				  shelf->net->base, shelf->fresh);
	web_answer_json(request, shelf->ask_status ? shelf->ask_status : 200, text);
	free(text);
}

static void on_request(struct lo_stage *stage, struct web_request *request)
{
	struct shelf *shelf = stage->own;
	const char *path = web_path(request), *ex = web_query(request, "ex");
	char *body;

	if (strncmp(path, "/api/", 5) == 0) {
		answer_message(shelf, request);
		return;
	}
	shelf->gets++;
	shelf->with_token += web_header(request, "authorization") != NULL;
	snprintf(shelf->asked, sizeof(shelf->asked), "%s?ex=%s&hm=%s", path, ex ? ex : "",
		 web_query(request, "hm") ? web_query(request, "hm") : "");
	if (strcmp(path, "/hang") == 0)
		return; /* no answer at all */
	if (shelf->gone && strcmp(path, shelf->gone) == 0) {
		web_answer(request, shelf->gone_status, NULL, "no", 2);
	} else if (strstr(path, "large")) {
		body = mem_zero(1, LARGE);
		web_answer(request, 200, "application/octet-stream", body, LARGE);
		free(body);
	} else {
		web_answer(request, 200, "image/png; x=1", "picture", 7);
	}
}

static void on_fetched(struct platform_host *host, uint64_t ticket, const struct fetched *fetched)
{
	(void)host;
	the_shelf->ends++;
	assert_int_equal(ticket, 40 + the_shelf->ends);
	the_shelf->how = fetched->how;
	the_shelf->size = fetched->size;
	assert_int_equal(fetched->how == FETCHED, fetched->why == NULL);
	snprintf(the_shelf->mime, sizeof(the_shelf->mime), "%s", fetched->mime ? fetched->mime : "");
	snprintf(the_shelf->why, sizeof(the_shelf->why), "%s", fetched->why ? fetched->why : "");
}

static int open_shelf(void **state)
{
	struct shelf *shelf = mem_zero(1, sizeof(*shelf));
	char folder[] = "/tmp/usher-files-XXXXXX";

	the_shelf = shelf;
	shelf->net = lo_open(on_request);
	shelf->net->own = shelf;
	shelf->net->host.fetched = on_fetched;
	assert_non_null(mkdtemp(folder));
	shelf->folder = mem_text(folder);
	shelf->path = mem_format("%s/file", folder);
	shelf->net->bot.files = discord_files_create(&shelf->net->bot);
	shelf->fresh = "/attachments/5/9/new.png?ex=7fffffff&is=1&hm=abc";
	*state = shelf;
	return 0;
}

static int close_shelf(void **state)
{
	struct shelf *shelf = *state;

	discord_files_destroy(shelf->net->bot.files);
	assert_null(shelf->net->bot.files);
	lo_close(shelf->net);
	unlink(shelf->path);
	rmdir(shelf->folder);
	free(shelf->folder);
	free(shelf->path);
	free(shelf);
	return 0;
}

static void fetch_to(struct shelf *shelf, const char *url, int64_t size, int64_t max)
{
	discord_fetch(&shelf->net->bot, &(struct message_file){ .url = url, .size = size }, shelf->path, max,
		      41 + shelf->ends);
}

/* One file to its end: url below the stand-in when it begins with a slash. */
static void fetch(struct shelf *shelf, const char *url, int64_t size, int64_t max)
{
	char *whole = *url == '/' ? mem_format("%s%s", shelf->net->base, url) : mem_text(url);
	char *text = discord_file_write(5, 6, 9, whole);
	unsigned ends = shelf->ends;

	unlink(shelf->path);
	fetch_to(shelf, text, size, max);
	assert_int_equal(shelf->ends, ends); /* never inside the call */
	LO_WAIT(shelf->net, shelf->ends == ends + 1);
	assert_int_equal(access(shelf->path, F_OK) == 0, shelf->how == FETCHED);
	free(whole);
	free(text);
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static void test_a_file_as_text(void **state)
{
	struct discord_file_ref ref;
	char *text = discord_file_write(5, UINT64_MAX, 9, "https://cdn.discordapp.com/a?ex=1#x"), *longest;

	(void)state;
	assert_string_equal(text, "https://cdn.discordapp.com/a?ex=1#5/18446744073709551615/9");
	assert_true(discord_file_ref_read(text, &ref));
	assert_true(ref.channel == 5 && ref.message == UINT64_MAX && ref.attachment == 9);
	assert_string_equal(ref.url, "https://cdn.discordapp.com/a?ex=1");
	free(text);
	longest = mem_zero(1, DISCORD_URL_MAX + 2);
	memset(longest, 'x', DISCORD_URL_MAX + 1);
	text = discord_file_write(5, 6, 9, longest); /* the message knows it */
	assert_string_equal(text, "#5/6/9");
	assert_true(discord_file_ref_read(text, &ref));
	assert_string_equal(ref.url, "");
	free(text);
	free(longest);
	text = discord_file_write(0, 0, 9, "u"); /* of a command: no message */
	assert_true(discord_file_ref_read(text, &ref));
	assert_true(ref.channel == 0 && ref.message == 0 && ref.attachment == 9);
	free(text);
}

static void test_what_is_no_file(void **state)
{
	static const char *const bad[] = { "",
					   "https://cdn.discordapp.com/a",
					   "#",
					   "#5",
					   "#5/6",
					   "#5/6/",
					   "#5/6/0",
					   "#5/6/9/",
					   "#5/x/9",
					   "#-5/6/9",
					   "u#5/6/18446744073709551616",
					   "#05/6/9" };
	struct discord_file_ref ref;

	(void)state;
	assert_false(discord_file_ref_read(NULL, &ref));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (discord_file_ref_read(bad[i], &ref))
			fail_msg("%s", bad[i]);
}

/* Nobody leads us anywhere else, not even for a picture. */
static void test_whose_hosts(void **state)
{
	static const struct {
		const char *url, *base, *address;
	} cases[] = {
		{ "https://cdn.discordapp.com/a/b.png?ex=1&hm=2&", NULL,
		  "https://cdn.discordapp.com/a/b.png?ex=1&hm=2&" },
		{ "https://media.discordapp.net/a", NULL, "https://media.discordapp.net/a" },
		{ "https://CDN.discordapp.com:443/a", NULL, "https://CDN.discordapp.com:443/a" },
		{ "http://cdn.discordapp.com/a", NULL, NULL },
		{ "https://cdn.discordapp.com:8443/a", NULL, NULL },
		{ "https://x.cdn.discordapp.com/a", NULL, NULL },
		{ "https://cdn.discordapp.com.evil.example/a", NULL, NULL },
		{ "https://cdn.discordapp.com@evil.example/a", NULL, NULL },
		{ "https://evil.example/cdn.discordapp.com", NULL, NULL },
		{ "https://discord.com/a", NULL, NULL },
		{ "file:///etc/passwd", NULL, NULL },
		{ "", NULL, NULL },
		{ "https://cdn.discordapp.com/a?ex=1", "http://127.0.0.1:7/cdn",
		  "http://127.0.0.1:7/cdn/a?ex=1" },
		{ "http://127.0.0.1:7/cdn/a?ex=1", "http://127.0.0.1:7/cdn",
		  "http://127.0.0.1:7/cdn/a?ex=1" },
		{ "http://127.0.0.1:7/a?ex=1", "http://127.0.0.1:7/cdn", "http://127.0.0.1:7/cdn/a?ex=1" },
		{ "http://127.0.0.1:8/a", "http://127.0.0.1:7/cdn", NULL },
		{ "http://127.0.0.1:7", "http://127.0.0.1:7/cdn", NULL },
		{ "https://evil.example/a", "http://127.0.0.1:7/cdn", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *address = discord_file_address(cases[i].url, cases[i].base);

		if (cases[i].address == NULL ? address != NULL
					     : !address || strcmp(address, cases[i].address) != 0)
			fail_msg("%s: %s", cases[i].url, address ? address : "(none)");
		free(address);
	}
}

static void test_when_an_address_ends(void **state)
{
	static const struct {
		const char *url;
		bool expired;
	} cases[] = {
		{ "https://h/a?ex=3e8&is=1", true }, /* 1,000 s */
		{ "https://h/a?is=1&ex=3e8", true },
		{ "https://h/a?ex=7d0", true }, /* now */
		{ "https://h/a?ex=7f8", true }, /* in 40 s */
		{ "https://h/a?ex=80c", false },
		{ "https://h/a?ex=ffffffffffffffffffff&is=1", false },
		{ "https://h/a", false },
		{ "https://h/a?ex=", false },
		{ "https://h/a?ex=zz", false },
		{ "https://h/a?ex=3e8z", false },
		{ "https://h/a?hex=3e8", false },
		{ "https://h/a?x&&", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (discord_url_expired(cases[i].url, 2000000) != cases[i].expired)
			fail_msg("%s", cases[i].url);
}

/* ---- fetching --------------------------------------------------------------------------------------------------------- */

static void test_a_file(void **state)
{
	struct shelf *shelf = *state;
	struct stat info;

	fetch(shelf, "/attachments/5/9/a.png?ex=7fffffff&is=1&hm=abc&", 7, 1000);
	assert_int_equal(shelf->how, FETCHED);
	assert_int_equal(shelf->size, 7);
	assert_string_equal(shelf->mime, "image/png");
	assert_string_equal(shelf->asked,
			    "/attachments/5/9/a.png?ex=7fffffff&hm=abc"); /* the query is the key */
	assert_int_equal(shelf->with_token, 0);
	assert_int_equal(shelf->asks, 0);
	assert_int_equal(stat(shelf->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	fetch(shelf, "https://cdn.discordapp.com/attachments/1/2/large.bin", -1, LARGE);
	assert_int_equal(shelf->how, FETCHED);
	assert_string_equal(shelf->mime, ""); /* the message knows better */
}

static void test_an_address_that_has_ended(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "/attachments/5/9/a.png?ex=1&is=1&hm=old", 7, 1000);
	assert_int_equal(shelf->how, FETCHED);
	assert_int_equal(shelf->asks, 1);
	assert_int_equal(shelf->gets, 1); /* it was not even tried */
	assert_string_equal(shelf->asked, "/attachments/5/9/new.png?ex=7fffffff&hm=abc");
	assert_int_equal(shelf->with_token, 0);
}

/* What the host calls gone may only have ended early. */
static void test_refused_once(void **state)
{
	static const int statuses[] = { 401, 403, 404, 410 };
	struct shelf *shelf = *state;

	shelf->gone = "/attachments/5/9/a.png";
	for (size_t i = 0; i < 4; i++) {
		shelf->gone_status = statuses[i];
		shelf->asks = shelf->gets = 0;
		fetch(shelf, "/attachments/5/9/a.png?ex=7fffffff", 7, 1000);
		assert_int_equal(shelf->how, FETCHED);
		assert_int_equal(shelf->asks, 1);
		assert_int_equal(shelf->gets, 2);
	}
	shelf->fresh = "/attachments/5/9/a.png"; /* and again: it is gone */
	shelf->asks = 0;
	fetch(shelf, "/attachments/5/9/a.png?ex=7fffffff", 7, 1000);
	assert_int_equal(shelf->how, FETCHED_REFUSED);
	assert_string_equal(shelf->why, "the file is not there any more");
	assert_int_equal(shelf->asks, 1);
}

static void test_what_the_message_says(void **state)
{
	static const struct {
		int status;
		const char *message;
		enum fetched_how how;
		const char *why;
	} cases[] = {
		{ 200, "{\"id\":\"6\",\"attachments\":[]}", FETCHED_REFUSED,
		  "the file is not there any more" },
		{ 200, "{\"attachments\":[{\"id\":\"9\",\"url\":7}]}", FETCHED_REFUSED,
		  "the file is not there any more" },
		{ 200, "[]", FETCHED_REFUSED, "the file is not there any more" },
		{ 200, "{\"attachments\":[{\"id\":\"9\",\"url\":\"https://evil.example/a\"}]}",
		  FETCHED_REFUSED, "the file's address is not one of Discord's" },
		{ 200,
		  "{\"attachments\":[{\"id\":\"9\",\"url\":\"https://cdn.discordapp.com/a\",\"size\":1001}]}",
		  FETCHED_REFUSED, "the file is too large" },
		{ 200,
		  "{\"message_snapshots\":[{\"message\":{\"attachments\":[{\"id\":\"9\",\"url\":\"https://"
		  "cdn.discordapp.com/a\"}]}}]}",
		  FETCHED, "" },
		{ 200,
		  "{\"attachments\":[],\"referenced_message\":{\"attachments\":[{\"id\":9,\"url\":\"https://"
		  "media.discordapp.net/a\"}]}}",
		  FETCHED, "" },
		{ 404, "{\"message\":\"Unknown Message\",\"code\":10008}", FETCHED_REFUSED,
		  "the file is not there any more" },
		{ 404, "{\"message\":\"Unknown Channel\",\"code\":10003}", FETCHED_REFUSED,
		  "the file is not there any more" },
		{ 403, "{\"message\":\"Missing Access\",\"code\":50001}", FETCHED_REFUSED,
		  "Discord does not let us read the file's message" },
		{ 500, "{\"message\":\"x\",\"code\":0}", FETCHED_NOT,
		  "Discord can't be asked for the file now" },
		{ 429, "{\"message\":\"x\",\"retry_after\":0.01}", FETCHED_NOT,
		  "Discord can't be asked for the file now" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		void *own;
		struct shelf *shelf;

		open_shelf(&own);
		shelf = own;
		shelf->message = cases[i].message;
		shelf->ask_status = cases[i].status;
		fetch(shelf, "", 7, 1000);
		assert_int_equal(shelf->asks, 1);
		assert_string_equal(shelf->why, cases[i].why);
		assert_int_equal(shelf->how, cases[i].how);
		close_shelf(&own);
	}
}

static void test_what_is_not_fetched(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "/attachments/a.png", 1001, 1000);
	assert_int_equal(shelf->how, FETCHED_REFUSED);
	assert_string_equal(shelf->why, "the file is too large");
	assert_int_equal(shelf->gets, 0);
	fetch(shelf, "/attachments/large", -1, LARGE - 1); /* nobody had said so */
	assert_int_equal(shelf->how, FETCHED_REFUSED);
	assert_string_equal(shelf->why, "the file is too large");
	fetch(shelf, "/attachments/a.png", 8, 1000);
	assert_int_equal(shelf->how, FETCHED_NOT);
	assert_string_equal(shelf->why, "the file came incomplete");
	shelf->gone = "/attachments/a.png";
	shelf->gone_status = 503;
	fetch(shelf, "/attachments/a.png", 7, 1000);
	assert_int_equal(shelf->how, FETCHED_NOT);
	shelf->gone_status = 302; /* the hosts of files lead nowhere */
	fetch(shelf, "/attachments/a.png", 7, 1000);
	assert_int_equal(shelf->how, FETCHED_NOT);
	fetch(shelf, "http://127.0.0.1:1/a", 7, 1000);
	assert_int_equal(shelf->how, FETCHED_REFUSED);
	assert_int_equal(shelf->asks, 0);
	unlink(shelf->path);
	fetch_to(shelf, "https://cdn.discordapp.com/a", 7, 1000); /* not our own words */
	LO_WAIT(shelf->net, shelf->why[8] == 'n');
	assert_string_equal(shelf->why, "this is no file of Discord's");
	shelf->net->bot.dead = true;
	fetch(shelf, "/attachments/a.png", 7, 1000);
	assert_int_equal(shelf->how, FETCHED_NOT);
}

/* A file of a command has no message that could be asked. */
static void test_without_a_message(void **state)
{
	struct shelf *shelf = *state;
	char *url = mem_format("%s/a.png?ex=1", shelf->net->base), *text = discord_file_write(0, 0, 9, url);

	shelf->gone = "/a.png";
	shelf->gone_status = 404;
	fetch_to(shelf, text, 7, 1000);
	LO_WAIT(shelf->net, shelf->ends == 1);
	assert_int_equal(shelf->how, FETCHED_REFUSED);
	assert_int_equal(shelf->gets, 1);
	assert_int_equal(shelf->asks, 0);
	free(url);
	free(text);
}

/* A bot that is taken down in the middle leaves neither a file nor a callback behind. */
static void test_the_end_in_the_middle(void **state)
{
	struct shelf *shelf = *state;
	char *url = mem_format("%s/hang", shelf->net->base), *text = discord_file_write(5, 6, 9, url);

	shelf->fresh = "/hang";
	for (int i = 0; i < 8; i++)
		fetch_to(shelf, i % 2 ? text : "#5/6/9", 7, 1000);
	LO_WAIT(shelf->net, shelf->gets == 4 && shelf->asks == 2); /* as many as run at once */
	discord_files_destroy(shelf->net->bot.files);
	for (int i = 0; i < 20; i++)
		lo_step(shelf->net);
	assert_int_equal(shelf->ends, 0);
	assert_int_equal(access(shelf->path, F_OK), -1);
	shelf->net->bot.files = discord_files_create(&shelf->net->bot);
	free(url);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_as_text),
		cmocka_unit_test(test_what_is_no_file),
		cmocka_unit_test(test_whose_hosts),
		cmocka_unit_test(test_when_an_address_ends),
		cmocka_unit_test_setup_teardown(test_a_file, open_shelf, close_shelf),
		cmocka_unit_test_setup_teardown(test_an_address_that_has_ended, open_shelf, close_shelf),
		cmocka_unit_test_setup_teardown(test_refused_once, open_shelf, close_shelf),
		cmocka_unit_test(test_what_the_message_says),
		cmocka_unit_test_setup_teardown(test_what_is_not_fetched, open_shelf, close_shelf),
		cmocka_unit_test_setup_teardown(test_without_a_message, open_shelf, close_shelf),
		cmocka_unit_test_setup_teardown(test_the_end_in_the_middle, open_shelf, close_shelf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
