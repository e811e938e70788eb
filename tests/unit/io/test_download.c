/* Files from the network: whole and durable at their path, or not there at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call_stage.h"
#include "download.h"
#include "io.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX = 100000 };

static struct ending {
	unsigned count;
	enum download_how how;
	int status;
	int64_t size;
	char type[80], location[200], head[DOWNLOAD_HEAD_MAX + 1];
} last;

static char folder[64], path[96];

static int setup(void **state)
{
	memset(&last, 0, sizeof(last));
	snprintf(folder, sizeof(folder), "/tmp/usher-download-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	return client_setup(state);
}

static int teardown(void **state)
{
	unlink(path);
	assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
	return client_teardown(state);
}

static void ended(void *owner, uint64_t ticket, const struct download_end *end)
{
	assert_ptr_equal(owner, &last);
	assert_int_equal(ticket, 7);
	last.count++;
	last.how = end->how;
	last.status = end->status;
	last.size = end->size;
	snprintf(last.type, sizeof(last.type), "%s", end->type);
	snprintf(last.location, sizeof(last.location), "%s", end->location ? end->location : "");
	snprintf(last.head, sizeof(last.head), "%s", end->head);
	io_stop(client.io);
}

static struct download *begin(peer_fn *script, const char *to)
{
	peer = peer_start(&(struct peer_setup){ .script = script });
	return download_start(
		client.io, client.http,
		&(struct download_call){
			.url = peer_url(peer, "http", "/file"), .path = to, .max = MAX, .total_ms = 10000 },
		ended, &last, 7);
}

static void fetch(peer_fn *script, const char *to)
{
	begin(script, to);
	assert_int_equal(last.count, 0); /* never inside the call */
	client_run(&client);
	assert_int_equal(last.count, 1);
}

static void nothing_is_there(void)
{
	assert_int_equal(access(path, F_OK), -1);
}

static void say_page(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
			       "Content-Length: 6\r\n\r\n<html>");
}

static void test_a_file_is_at_its_path(void **state)
{
	struct stat about;

	(void)state;
	fetch(say_page, path);
	assert_int_equal(last.how, DOWNLOADED);
	assert_int_equal(last.size, 6);
	assert_string_equal(last.type, "text/html");
	assert_string_equal(last.head, "<html>");
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(about.st_size, 6);
}

static void say_nothing(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void test_an_empty_file_is_a_file(void **state)
{
	(void)state;
	fetch(say_nothing, path);
	assert_int_equal(last.how, DOWNLOADED);
	assert_int_equal(access(path, F_OK), 0);
}

static void say_moved(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 4\r\n\r\nbody");
}

static void test_another_status_is_told_and_not_kept(void **state)
{
	(void)state;
	fetch(say_moved, path);
	assert_int_equal(last.how, DOWNLOAD_ANSWERED);
	assert_int_equal(last.status, 302);
	assert_string_equal(last.location, "/other");
	nothing_is_there();
}

static void say_half(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nhalf");
}

static void test_half_a_file_is_none(void **state)
{
	(void)state;
	fetch(say_half, path);
	assert_int_equal(last.how, DOWNLOAD_CUT);
	nothing_is_there();
}

static void say_much(struct peer_link *link)
{
	char *body = mem_zero(1, MAX + 1);

	if (peer_read(link)) {
		peer_say(link, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
		peer_send(link, body, MAX + 1);
	}
	free(body);
}

static void test_a_file_that_never_said_how_large_it_is(void **state)
{
	(void)state;
	fetch(say_much, path);
	assert_int_equal(last.how, DOWNLOAD_TOO_LARGE);
	nothing_is_there();
}

static void test_a_disk_that_does_not_take_it(void **state)
{
	(void)state;
	fetch(say_page, "/nonexistent/folder/file");
	assert_int_equal(last.how, DOWNLOAD_DISK);
}

static void test_one_that_is_not_wanted_any_more(void **state)
{
	struct download *download = begin(peer_wait_gone, path);

	(void)state;
	download_abandon(download);
	download_abandon(NULL);
	assert_int_equal(last.count, 0);
	nothing_is_there();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_file_is_at_its_path),
		TEST(test_an_empty_file_is_a_file),
		TEST(test_another_status_is_told_and_not_kept),
		TEST(test_half_a_file_is_none),
		TEST(test_a_file_that_never_said_how_large_it_is),
		TEST(test_a_disk_that_does_not_take_it),
		TEST(test_one_that_is_not_wanted_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
