/* Files shared with us: fetched whole and with the token, which never leaves for another host. */
#include "clock.h"
#include "mem.h"
#include "stage_app.h"
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 3000000 };

/* The server of files, and what the core was told. */
struct shelf {
	struct app_stage *stage;
	char folder[64], path[96], base[128];
	unsigned gets, with_token, missing; /* missing: answers 404 so often */
	unsigned ends;
	enum fetched_how how;
	int64_t size;
	char mime[100], why[200];
};

static struct shelf *the_shelf;

static char *large_body(void)
{
	char *body = mem_alloc(LARGE);

	for (size_t i = 0; i < LARGE; i++)
		body[i] = (char)('a' + i % 26);
	return body;
}

static void answer_large(struct web_request *request, const char *type)
{
	char *body = large_body();

	web_answer(request, 200, type, body, LARGE);
	free(body);
}

static void redirect(struct shelf *shelf, struct web_request *request, const char *to)
{
	char *url =
		to[0] == '/' ? mem_text(to) : mem_format("%s%s", strstr(to, "://") ? "" : shelf->base, to);

	web_add_header(request, "location", url);
	web_answer(request, 302, NULL, "", 0);
	free(url);
}

static void on_file(void *owner, struct web_request *request)
{
	struct shelf *shelf = owner;
	const char *name = web_param(request, "name"), *token = web_header(request, "authorization");
	static const char page[] = "\n<!DOCTYPE html><html>sign in</html>";

	shelf->gets++;
	shelf->with_token += token && strcmp(token, "Bearer " STAGE_BOT_TOKEN) == 0;
	if (shelf->missing > 0) {
		shelf->missing--;
		web_answer(request, 404, NULL, "", 0);
	} else if (strcmp(name, "plan.pdf") == 0) {
		web_answer(request, 200, "application/pdf; v=1", "%PDF-1", 6);
	} else if (strcmp(name, "large.txt") == 0) {
		answer_large(request, "text/plain");
	} else if (strcmp(name, "login.png") == 0) {
		web_answer(request, 200, "text/html; charset=utf-8", page, sizeof(page) - 1);
	} else if (strcmp(name, "sneaky.png") == 0) {
		web_answer(request, 200, "image/png", page, sizeof(page) - 1);
	} else if (strcmp(name, "page.html") == 0) {
		web_answer(request, 200, "text/html", page, sizeof(page) - 1);
	} else if (strcmp(name, "empty.txt") == 0) {
		web_answer(request, 200, "text/plain", "", 0);
	} else if (strcmp(name, "moved") == 0) {
		redirect(shelf, request, "/files/plan.pdf");
	} else if (strcmp(name, "away") == 0) {
		redirect(shelf, request, "http://127.0.0.2:1/files/plan.pdf");
	} else if (strcmp(name, "round") == 0) {
		redirect(shelf, request, "round");
	} else {
		web_answer(request, strcmp(name, "forbidden") == 0 ? 403 : 500, NULL, "", 0);
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

	the_shelf = shelf;
	shelf->stage = app_stage_open(app_http);
	shelf->stage->doors[0].host.fetched = on_fetched;
	assert_true(web_claim(shelf->stage->web,
			      &(struct web_route){ "GET", "/files/{name}", 0, on_file, shelf }));
	snprintf(shelf->base, sizeof(shelf->base), "%s/files/", shelf->stage->public_url);
	snprintf(shelf->folder, sizeof(shelf->folder), "/tmp/usher-files-XXXXXX");
	assert_non_null(mkdtemp(shelf->folder));
	snprintf(shelf->path, sizeof(shelf->path), "%s/file", shelf->folder);
	*state = shelf;
	return 0;
}

static int close_shelf(void **state)
{
	struct shelf *shelf = *state;

	app_stage_close(shelf->stage);
	unlink(shelf->path);
	assert_int_equal(rmdir(shelf->folder), 0); /* nothing else was left there */
	free(shelf);
	return 0;
}

static void begin(struct shelf *shelf, const char *url, const char *mime, int64_t size, uint64_t ticket)
{
	slack_platform.fetch(app_root(shelf->stage),
			     &(struct message_file){ .url = url, .name = "x", .mime = mime, .size = size },
			     shelf->path, LARGE, ticket);
}

static void fetch(struct shelf *shelf, const char *name, const char *mime, int64_t size)
{
	char *url = strchr(name, ':') ? mem_text(name) : mem_format("%s%s#F1", shelf->base, name);
	unsigned before = shelf->ends;

	begin(shelf, url, mime, size, 41 + before);
	assert_int_equal(shelf->ends, before); /* never inside the call */
	app_run_count(shelf->stage, &shelf->ends, before + 1);
	free(url);
}

static void was_refused(const struct shelf *shelf, const char *why)
{
	assert_int_equal(shelf->how, FETCHED_REFUSED);
	assert_non_null(strstr(shelf->why, why));
}

static off_t size_on_disk(const struct shelf *shelf)
{
	struct stat about;

	return stat(shelf->path, &about) == 0 ? about.st_size : -1;
}

static void a_file_is_fetched_with_the_token(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "plan.pdf", "application/pdf", 6);
	assert_int_equal(shelf->how, FETCHED);
	assert_int_equal(shelf->size, 6);
	assert_string_equal(shelf->mime, "application/pdf");
	assert_int_equal(shelf->with_token, 1);
	assert_int_equal(size_on_disk(shelf), 6);
}

static void large_ones_arrive_whole(void **state)
{
	struct shelf *shelf = *state;
	char *body = large_body(), *found = mem_alloc(LARGE);
	FILE *file;

	fetch(shelf, "large.txt", "text/plain", LARGE);
	assert_int_equal(shelf->how, FETCHED);
	file = fopen(shelf->path, "r");
	assert_int_equal(fread(found, 1, LARGE, file), LARGE);
	assert_memory_equal(found, body, LARGE);
	fclose(file);
	free(found);
	free(body);
}

static void empty_ones_too(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "empty.txt", "text/plain", 0);
	assert_int_equal(shelf->how, FETCHED);
	assert_int_equal(size_on_disk(shelf), 0);
}

static void too_large_is_refused_before_and_while(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "plan.pdf", NULL, LARGE + 1);
	was_refused(shelf, "too large");
	assert_int_equal(shelf->gets, 0);
	slack_platform.fetch(app_root(shelf->stage), &(struct message_file){ .url = "", .size = -1 },
			     shelf->path, 10, 42);
	app_run_count(shelf->stage, &shelf->ends, 2);
	was_refused(shelf, "no address");
	{
		char *url = mem_format("%slarge.txt#F1", shelf->base);

		slack_platform.fetch(app_root(shelf->stage), &(struct message_file){ .url = url, .size = -1 },
				     shelf->path, 100000, 43);
		free(url);
	}
	app_run_count(shelf->stage, &shelf->ends, 3);
	was_refused(shelf, "too large");
}

/* Without the right to read, the answer is a page with status 200: it must not pass for the picture (pitfall 18). */
static void login_pages_are_not_files(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "login.png", "image/png", -1);
	was_refused(shelf, "does not let us");
	fetch(shelf, "sneaky.png", "image/png", -1);
	was_refused(shelf, "does not let us");
	fetch(shelf, "forbidden", "image/png", -1);
	was_refused(shelf, "does not let us");
	fetch(shelf, "page.html", "text/html", -1);
	assert_int_equal(shelf->how, FETCHED); /* a page that somebody shared */
}

static void redirects_stay_in_the_house(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "moved", "application/pdf", 6);
	assert_int_equal(shelf->how, FETCHED);
	unlink(shelf->path);
	assert_int_equal(shelf->with_token, 2);
	fetch(shelf, "away", "application/pdf", 6);
	was_refused(shelf, "not one of Slack's");
	shelf->gets = 0;
	fetch(shelf, "round", NULL, -1);
	assert_int_equal(shelf->how, FETCHED_NOT);
	assert_int_equal(shelf->gets, 4);
	fetch(shelf, "https://files.slack.com.evil.example/x#F1", NULL, -1);
	was_refused(shelf, "not one of Slack's");
}

static void new_uploads_may_be_late(void **state)
{
	struct shelf *shelf = *state;

	shelf->missing = 1;
	fetch(shelf, "plan.pdf", "application/pdf", 6);
	assert_int_equal(shelf->how, FETCHED);
	assert_int_equal(shelf->gets, 2);
}

static void trouble_means_later(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "broken", NULL, -1);
	assert_int_equal(shelf->how, FETCHED_NOT);
	fetch(shelf, "plan.pdf", "application/pdf", 7); /* a byte is missing */
	assert_int_equal(shelf->how, FETCHED_NOT);
	app_root(shelf->stage)->dead = true;
	fetch(shelf, "plan.pdf", "application/pdf", 6);
	assert_int_equal(shelf->how, FETCHED_NOT);
}

static void what_slack_does_not_have_is_explained(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "slack-file:F1?external", NULL, -1);
	was_refused(shelf, "outside");
	fetch(shelf, "slack-file:F1?tombstone", NULL, -1);
	was_refused(shelf, "deleted");
	fetch(shelf, "slack-file:F1?hidden_by_limit", NULL, -1);
	was_refused(shelf, "limits");
	assert_int_equal(shelf->gets, 0);
}

/* Slack Connect gives stubs: files.info knows more (sheet 15.1). */
static void stubs_are_asked_for(void **state)
{
	struct shelf *shelf = *state;
	char *json =
		mem_format("{\"ok\":true,\"file\":{\"id\":\"F1\",\"mimetype\":\"application/pdf\",\"size\":6,"
			   "\"url_private\":\"%splan.pdf\"}}",
			   shelf->base);

	app_says(shelf->stage, "files.info", json);
	fetch(shelf, "slack-file:F1?check_file_info", NULL, -1);
	assert_int_equal(shelf->how, FETCHED);
	unlink(shelf->path);
	app_forget_answers(shelf->stage);
	app_says(shelf->stage, "files.info",
		 "{\"ok\":true,\"file\":{\"id\":\"F1\",\"file_access\":\"check_file_info\"}}");
	fetch(shelf, "slack-file:F1?check_file_info", NULL, -1);
	assert_int_equal(shelf->how, FETCHED_REFUSED);
	app_forget_answers(shelf->stage);
	app_says(shelf->stage, "files.info", "{\"ok\":false,\"error\":\"file_not_found\"}");
	fetch(shelf, "slack-file:F1?check_file_info", NULL, -1);
	assert_int_equal(shelf->how, FETCHED_REFUSED);
	free(json);
}

static void a_path_that_exists_is_left_alone(void **state)
{
	struct shelf *shelf = *state;
	FILE *file = fopen(shelf->path, "w");

	fputs("mine", file);
	fclose(file);
	fetch(shelf, "plan.pdf", "application/pdf", 6);
	assert_int_equal(shelf->how, FETCHED_NOT);
	assert_int_equal(size_on_disk(shelf), 4);
}

/* Many at once wait for each other, and closing in the middle leaves nothing behind. */
static void many_at_once_and_the_end(void **state)
{
	struct shelf *shelf = *state;
	char *url = mem_format("%slarge.txt#F1", shelf->base);

	for (uint64_t i = 0; i < 9; i++)
		begin(shelf, url, "text/plain", LARGE, 41 + i);
	app_run_count(shelf->stage, &shelf->gets, 1);
	free(url);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shelf, close_shelf)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_fetched_with_the_token),
		TEST(large_ones_arrive_whole),
		TEST(empty_ones_too),
		TEST(too_large_is_refused_before_and_while),
		TEST(login_pages_are_not_files),
		TEST(redirects_stay_in_the_house),
		TEST(new_uploads_may_be_late),
		TEST(trouble_means_later),
		TEST(what_slack_does_not_have_is_explained),
		TEST(stubs_are_asked_for),
		TEST(a_path_that_exists_is_left_alone),
		TEST(many_at_once_and_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
