/* Files sent to us: fetched whole by way of getFile, and the token, which is part of the address, told to nobody. */
#include "stage_net.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 3000000 };

/* The server of files, and what the core was told. */
struct shelf {
	struct net_stage *net;
	char *folder, *path, *base, *own; /* own: the server's folder for this bot */
	unsigned gets, with_token, ends;
	enum fetched_how how;
	int64_t size;
	char mime[100], why[200], asked[200];
};

static struct shelf *the_shelf;

static void on_file(void *owner, struct web_request *request)
{
	struct shelf *shelf = owner;
	const char *name = web_param(request, "name");
	char *body;

	shelf->gets++;
	shelf->with_token += strcmp(web_param(request, "bot"), "bot" NET_TOKEN) == 0;
	snprintf(shelf->asked, sizeof(shelf->asked), "%s", name);
	if (strcmp(name, "plan.pdf") == 0 || strcmp(name, "a b#c?.pdf") == 0) {
		web_answer(request, 200, "application/octet-stream", "%PDF-1", 6);
	} else if (strcmp(name, "note.txt") == 0) {
		web_answer(request, 200, "text/plain; charset=utf-8", "", 0);
	} else if (strcmp(name, "large") == 0) {
		body = mem_zero(1, LARGE + 1);
		web_answer(request, 200, "application/octet-stream", body, LARGE + 1);
		free(body);
	} else {
		web_answer(request, strcmp(name, "gone") == 0 ? 404 : 500, NULL, "no", 2);
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
	assert_null(strstr(the_shelf->why, "AAHdq")); /* pitfall 18 */
}

static int open_shelf(void **state)
{
	struct shelf *shelf = mem_zero(1, sizeof(*shelf));
	char folder[] = "/tmp/usher-files-XXXXXX";

	the_shelf = shelf;
	shelf->net = net_open();
	shelf->net->host.fetched = on_fetched;
	assert_non_null(mkdtemp(folder));
	shelf->folder = mem_text(folder);
	shelf->path = mem_format("%s/file", folder);
	shelf->own = mem_format("%s/" NET_TOKEN, folder);
	assert_int_equal(mkdir(shelf->own, 0700), 0);
	assert_true(web_claim(shelf->net->web, &(struct web_route){ "GET", "/file/{bot}/documents/{name}", 0,
								    on_file, shelf }));
	shelf->base = net_url(shelf->net, "/file");
	shelf->net->bot.config.file_base = shelf->base;
	shelf->net->bot.files = telegram_files_create(&shelf->net->bot);
	*state = shelf;
	return 0;
}

static int close_shelf(void **state)
{
	struct shelf *shelf = *state;

	telegram_files_destroy(shelf->net->bot.files);
	net_close(shelf->net);
	unlink(shelf->path);
	assert_int_equal(rmdir(shelf->own), 0);
	assert_int_equal(rmdir(shelf->folder), 0); /* nothing else was left there */
	free(shelf->folder);
	free(shelf->path);
	free(shelf->own);
	free(shelf->base);
	free(shelf);
	return 0;
}

static void begin(struct shelf *shelf, const char *url, int64_t size, uint64_t ticket)
{
	telegram_fetch(&shelf->net->bot, &(struct message_file){ .url = url, .name = "x", .size = size },
		       shelf->path, LARGE, ticket);
}

static void end(struct shelf *shelf)
{
	unsigned before = shelf->ends;

	begin(shelf, "file_id:F1", -1, 41 + before);
	assert_int_equal(shelf->ends, before); /* never inside the call */
	NET_WAIT(shelf->net, shelf->ends > before);
}

/* getFile says that it lies there. */
static void fetch(struct shelf *shelf, const char *path, int64_t size)
{
	net_say(shelf->net, "getFile", 200,
		"{\"ok\":true,\"result\":{\"file_id\":\"F1\",\"file_size\":%lld,\"file_path\":\"%s\"}}",
		(long long)size, path);
	end(shelf);
}

static void was(const struct shelf *shelf, enum fetched_how how, const char *why)
{
	assert_int_equal(shelf->how, how);
	if (strstr(shelf->why, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, shelf->why);
	assert_int_equal(access(shelf->path, F_OK), -1); /* the core may try again with the same path */
}

static void a_file_is_fetched(void **state)
{
	struct shelf *shelf = *state;
	struct stat about;

	fetch(shelf, "documents/plan.pdf", 6);
	assert_int_equal(shelf->how, FETCHED);
	assert_int_equal(shelf->size, 6);
	assert_string_equal(shelf->mime, ""); /* "octet-stream" says nothing: the message knows better */
	assert_int_equal(shelf->with_token, 1);
	assert_string_equal(json_text(net_request(shelf->net, "getFile", 0)->args, "file_id"), "F1");
	assert_int_equal(stat(shelf->path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	unlink(shelf->path);
	fetch(shelf, "documents/note.txt", 0);
	assert_int_equal(shelf->how, FETCHED);
	assert_string_equal(shelf->mime, "text/plain");
	unlink(shelf->path);
	fetch(shelf, "documents/a b#c?.pdf", 6);
	assert_string_equal(shelf->asked, "a b#c?.pdf");
}

static void what_is_too_large(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "documents/large", 10); /* whatever was said before */
	was(shelf, FETCHED_REFUSED, "too large");
	fetch(shelf, "documents/plan.pdf", LARGE + 1);
	was(shelf, FETCHED_REFUSED, "too large");
	assert_int_equal(shelf->gets, 1);
	net_say(shelf->net, "getFile", 400,
		"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: file is too big\"}");
	end(shelf);
	was(shelf, FETCHED_REFUSED, "20 MB");
}

/* Nobody waits for a refusal that is certain: not even getFile is asked. */
static void the_limit_of_the_cloud_is_known(void **state)
{
	struct shelf *shelf = *state;

	telegram_fetch(&shelf->net->bot,
		       &(struct message_file){ .url = "file_id:F1", .size = TELEGRAM_FILE_MAX + 1 },
		       shelf->path, INT64_C(100) << 20, 41);
	NET_WAIT(shelf->net, shelf->ends == 1);
	was(shelf, FETCHED_REFUSED, "20 MB");
	assert_int_equal(net_asked(shelf->net, "getFile"), 0);
}

static void what_does_not_come(void **state)
{
	struct shelf *shelf = *state;

	fetch(shelf, "documents/broken", 6);
	was(shelf, FETCHED_NOT, "now");
	fetch(shelf, "documents/gone", 6);
	was(shelf, FETCHED_REFUSED, "not there any more");
	fetch(shelf, "documents/plan.pdf", 7);
	was(shelf, FETCHED_NOT, "incomplete");
	net_say(shelf->net, "getFile", 502, "<html>");
	end(shelf);
	was(shelf, FETCHED_NOT, "can't be asked");
	net_say(shelf->net, "getFile", 400,
		"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: wrong file_id\"}");
	end(shelf);
	was(shelf, FETCHED_REFUSED, "does not give us");
	net_say(shelf->net, "getFile", 200, "{\"ok\":true,\"result\":{\"file_id\":\"F1\"}}");
	end(shelf);
	was(shelf, FETCHED_REFUSED, "does not say where");
	fetch(shelf, "documents/../../../getMe", 6);
	was(shelf, FETCHED_REFUSED, "does not say where");
	begin(shelf, "https://example.org/", -1, 41 + shelf->ends);
	NET_WAIT(shelf->net, shelf->ends == 8);
	was(shelf, FETCHED_REFUSED, "no file of Telegram's");
	shelf->net->bot.disabled = true;
	end(shelf);
	was(shelf, FETCHED_NOT, "not connected");
}

static void write_file(const char *path, size_t size)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char *bytes = mem_zero(1, size);

	assert_true(file >= 0);
	assert_int_equal(write(file, bytes, size), size);
	close(file);
	free(bytes);
}

/* Pitfall 29. */
static void a_server_on_this_machine(void **state)
{
	struct shelf *shelf = *state;
	char *path = mem_format("%s/plan.pdf", shelf->own);

	write_file(path, 1000000);
	fetch(shelf, path, 1000000);
	was(shelf, FETCHED_REFUSED, "another machine"); /* not told that it is this one */
	shelf->net->bot.config.local_files = true;
	fetch(shelf, path, 1000000);
	assert_int_equal(shelf->how, FETCHED);
	assert_int_equal(shelf->size, 1000000);
	assert_int_equal(shelf->gets, 0);
	unlink(shelf->path);
	unlink(path);
	fetch(shelf, path, 1000000);
	was(shelf, FETCHED_REFUSED, "can't be read");
	write_file(path, LARGE + 1);
	fetch(shelf, path, 6);
	was(shelf, FETCHED_REFUSED, "too large");
	unlink(path);
	free(path);
}

/* Whatever the server says, nothing else of this machine is read. */
static void only_the_servers_own_folder_is_read(void **state)
{
	struct shelf *shelf = *state;
	char *link = mem_format("%s/link", shelf->own), *pipe = mem_format("%s/pipe", shelf->own);

	shelf->net->bot.config.local_files = true;
	fetch(shelf, "/etc/hostname", 6);
	was(shelf, FETCHED_REFUSED, "outside");
	assert_int_equal(symlink("/etc/hostname", link), 0);
	fetch(shelf, link, 6);
	was(shelf, FETCHED_REFUSED, "outside");
	unlink(link);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	fetch(shelf, pipe, 6); /* and nobody waits for a writer */
	was(shelf, FETCHED_REFUSED, "no file");
	unlink(pipe);
	fetch(shelf, shelf->own, 6);
	was(shelf, FETCHED_REFUSED, "outside");
	free(link);
	free(pipe);
}

/* At most four at once, and the rest follow. */
static void many_files_take_turns(void **state)
{
	struct shelf *shelf = *state;

	shelf->net->hold = true;
	for (unsigned i = 0; i < 6; i++)
		begin(shelf, "file_id:F1", -1, 41 + i);
	NET_WAIT(shelf->net, net_asked(shelf->net, "getFile") == 4);
	net_rest(shelf->net);
	assert_int_equal(net_asked(shelf->net, "getFile"), 4);
	shelf->net->hold = false;
	for (unsigned i = 0; i < 6; i++)
		net_say(shelf->net, "getFile", 400,
			"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: no\"}");
	while (net_held(shelf->net))
		net_let_go(shelf->net);
	NET_WAIT(shelf->net, shelf->ends == 6);
}

static void what_runs_is_let_go(void **state)
{
	struct shelf *shelf = *state;
	char *path = mem_format("%s/plan.pdf", shelf->own);

	write_file(path, LARGE);
	shelf->net->bot.config.local_files = true;
	net_say(shelf->net, "getFile", 200, "{\"ok\":true,\"result\":{\"file_path\":\"%s\"}}", path);
	begin(shelf, "file_id:F1", -1, 41);
	NET_WAIT(shelf->net, access(shelf->path, F_OK) == 0);
	net_say(shelf->net, "getFile", 200, "{\"ok\":true,\"result\":{\"file_path\":\"documents/large\"}}");
	begin(shelf, "file_id:F2", -1, 42);
	NET_WAIT(shelf->net, net_asked(shelf->net, "getFile") == 2);
	telegram_files_destroy(shelf->net->bot.files);
	assert_null(shelf->net->bot.files);
	NET_WAIT(shelf->net, access(shelf->path, F_OK) != 0);
	unlink(path);
	free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shelf, close_shelf)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_fetched),
		TEST(what_is_too_large),
		TEST(the_limit_of_the_cloud_is_known),
		TEST(what_does_not_come),
		TEST(a_server_on_this_machine),
		TEST(only_the_servers_own_folder_is_read),
		TEST(many_files_take_turns),
		TEST(what_runs_is_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
