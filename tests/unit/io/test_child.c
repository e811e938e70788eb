/* Child processes: what they say comes line by line, what they are given is all they have, and they always end, with
 * everything they started. */
#include "buf.h"
#include "child.h"
#include "io.h"
#include "mem.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct stage {
	struct io *io;
	struct child *child;
	struct loop_timer *limit;
	struct buf lines;
	struct err err;
	unsigned ended, said;
	bool destroy_in_line, close_in_line, late;
};

static void on_line(void *owner, struct child *child, const char *line, size_t len)
{
	struct stage *w = owner;

	assert_int_equal(strlen(line), len);
	w->said++;
	buf_format(&w->lines, "[%s]", line);
	if (w->close_in_line)
		child_close(child);
	if (w->destroy_in_line) {
		child_destroy(child);
		w->child = NULL;
		io_stop(w->io);
	}
}

static void on_ended(void *owner, struct child *child, const struct err *err)
{
	struct stage *w = owner;

	assert_ptr_equal(child, w->child);
	w->child = NULL;
	w->ended++;
	w->err = *err;
	io_stop(w->io);
}

static void too_late(void *data)
{
	struct stage *w = data;

	w->late = true;
	io_stop(w->io);
}

static const char *const least[] = { "PATH=/usr/bin:/bin", "GIVEN=1", NULL };
static const struct child_events events = { on_line, on_ended };

static struct child *start(struct stage *w, const char *script)
{
	const char *command[] = { "sh", "-c", script, NULL };
	struct child_options options = { .command = command, .env = least, .line_max = 1000 };
	struct err err = { 0 };

	w->child = child_start(w->io, &options, &events, w, &err);
	if (w->child == NULL)
		fail_msg("%s", err.text);
	return w->child;
}

static void run(struct stage *w)
{
	loop_timer_start(w->limit, 120000, 0);
	io_run(w->io);
	loop_timer_stop(w->limit);
	assert_false(w->late);
}

static int begin(void **state)
{
	struct stage *w = mem_zero(1, sizeof(*w));
	struct err err = { 0 };

	w->io = io_create(&err);
	assert_non_null(w->io);
	w->limit = loop_timer_create(io_loop(w->io), too_late, w);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct stage *w = *state;

	loop_timer_destroy(w->limit);
	io_destroy(w->io); /* aborts when a handle is left */
	buf_free(&w->lines);
	free(w);
	return 0;
}

static void test_lines_come_whole(void **state)
{
	struct stage *w = *state;

	start(w, "printf 'one\\ntw'; sleep 0.05; printf 'o\\r\\n\\nlast without an end'");
	run(w);
	assert_string_equal(buf_str(&w->lines), "[one][two]");
	assert_int_equal(w->ended, 1);
	assert_non_null(strstr(w->err.text, "exited with status 0"));
}

static void test_it_hears_what_is_sent_and_ends_when_asked(void **state)
{
	struct stage *w = *state;

	w->close_in_line = true;
	start(w, "read line; echo \"heard $line\"; cat");
	assert_true(child_send(w->child, "hello\n", 6));
	run(w);
	assert_string_equal(buf_str(&w->lines), "[heard hello]");
	assert_int_equal(w->err.kind, ERR_NONE);
}

/* Our own environment holds tokens and keys. */
static void test_it_has_the_environment_it_was_given_and_nothing_else(void **state)
{
	struct stage *w = *state;

	setenv("USHER_TEST_TOKEN", "not for children", 1);
	start(w, "env | sort | grep -v -e '^_=' -e '^PWD=' -e '^SHLVL='; ls /proc/self/fd | wc -l");
	run(w);
	assert_string_equal(buf_str(&w->lines), "[GIVEN=1][PATH=/usr/bin:/bin][4]");
}

static void test_a_line_without_end_is_an_error(void **state)
{
	struct stage *w = *state;

	start(w, "head -c 100000 /dev/zero | tr '\\0' x; sleep 100");
	run(w);
	assert_string_equal(buf_str(&w->lines), "");
	assert_non_null(strstr(w->err.text, "line over 1000 bytes"));
}

static void test_much_on_its_standard_error_does_not_hold_it_up(void **state)
{
	struct stage *w = *state;

	start(w, "yes complaint | head -n 20000 >&2; echo done");
	run(w);
	assert_string_equal(buf_str(&w->lines), "[done]");
}

static void test_how_it_ended_is_told(void **state)
{
	struct stage *w = *state;

	start(w, "exit 3");
	run(w);
	assert_non_null(strstr(w->err.text, "exited with status 3"));
	start(w, "kill -9 $$");
	run(w);
	assert_non_null(strstr(w->err.text, "killed by signal 9"));
}

static void test_what_can_not_be_started_is_told_at_once(void **state)
{
	struct stage *w = *state;
	const char *command[] = { "no-such-program-anywhere", NULL };
	struct child_options options = { .command = command, .env = least, .line_max = 1000 };
	struct err err = { 0 };

	assert_null(child_start(w->io, &options, &events, w, &err));
	assert_non_null(strstr(err.text, "no-such-program-anywhere can't be started"));
}

/* A server that takes no notice of anything, and what it has started. */
static void test_stubborn_ones_and_their_children_are_killed(void **state)
{
	struct stage *w = *state;
	long pid, grandchild;
	char *rest;

	w->close_in_line = true;
	start(w, "trap '' TERM; sleep 1000 & echo $$ $!; while :; do sleep 1; done");
	run(w);
	pid = strtol(buf_str(&w->lines) + 1, &rest, 10);
	grandchild = strtol(rest, NULL, 10);
	assert_true(pid > 1 && grandchild > 1);
	for (int i = 0; i < 100 && kill((pid_t)grandchild, 0) == 0; i++)
		usleep(20000); /* until its new parent has taken note */
	assert_int_equal(kill((pid_t)pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void test_destroyed_in_its_own_callback(void **state)
{
	struct stage *w = *state;

	w->destroy_in_line = true;
	start(w, "echo one; echo two; sleep 1000");
	run(w);
	assert_string_equal(buf_str(&w->lines), "[one]");
	assert_int_equal(w->ended, 0);
}

static void test_what_waits_to_be_read_is_bounded(void **state)
{
	struct stage *w = *state;
	static char block[1 << 20];
	unsigned taken = 0;

	start(w, "sleep 1000");
	memset(block, 'x', sizeof(block));
	while (taken < 100 && child_send(w->child, block, sizeof(block)))
		taken++;
	assert_true(taken >= 3 && taken <= 5);
	child_destroy(w->child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines_come_whole, begin, end),
		cmocka_unit_test_setup_teardown(test_it_hears_what_is_sent_and_ends_when_asked, begin, end),
		cmocka_unit_test_setup_teardown(test_it_has_the_environment_it_was_given_and_nothing_else,
						begin, end),
		cmocka_unit_test_setup_teardown(test_a_line_without_end_is_an_error, begin, end),
		cmocka_unit_test_setup_teardown(test_much_on_its_standard_error_does_not_hold_it_up, begin,
						end),
		cmocka_unit_test_setup_teardown(test_how_it_ended_is_told, begin, end),
		cmocka_unit_test_setup_teardown(test_what_can_not_be_started_is_told_at_once, begin, end),
		cmocka_unit_test_setup_teardown(test_stubborn_ones_and_their_children_are_killed, begin, end),
		cmocka_unit_test_setup_teardown(test_destroyed_in_its_own_callback, begin, end),
		cmocka_unit_test_setup_teardown(test_what_waits_to_be_read_is_bounded, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
