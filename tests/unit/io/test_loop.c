/* The loop: timers, work from other threads, signals, the stall of a round, and an end that leaves nothing.
 */
#include "io.h"
#include "io_room.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { POSTS = 10000, THREADS = 2 };

static struct io *io;
static int ran[THREADS], order_broken, ticks;
static struct loop_timer *timer;

static int begin(void **state)
{
	struct err err = { 0 };

	(void)state;
	io = io_create(&err);
	assert_non_null(io);
	ticks = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	io_destroy(io);
	return 0;
}

/* ---- posting ------------------------------------------------------------------------------------------- */

static void take(void *data)
{
	int value = (int)(intptr_t)data, thread = value / POSTS;

	if (value % POSTS != ran[thread])
		order_broken++;
	if (++ran[thread] == POSTS && ran[0] == ran[THREADS - 1])
		io_stop(io);
}

static void *post_all(void *data)
{
	int first = (int)(intptr_t)data * POSTS;

	for (int i = 0; i < POSTS; i++)
		loop_post(io_loop(io), take, (void *)(intptr_t)(first + i));
	return NULL;
}

/* Answers of the store thread must come all, each thread's in its order. */
static void test_posts_from_threads(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_all, (void *)(intptr_t)i), 0);
	io_run(io);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(ran[i], POSTS);
	}
	assert_int_equal(order_broken, 0);
}

static void posts_again(void *data)
{
	loop_post(io_loop(io), posts_again, data);
}

static void tick_stops(void *data)
{
	ticks++;
	io_stop(data);
}

/* Work that posts itself again does not starve timers. */
static void test_post_runs_later(void **state)
{
	(void)state;
	timer = loop_timer_create(io_loop(io), tick_stops, io);
	loop_timer_start(timer, 20, 0);
	loop_post(io_loop(io), posts_again, NULL);
	io_run(io);
	assert_int_equal(ticks, 1);
	loop_timer_destroy(timer);
}

/* Work that was posted but not run at the end is dropped, not leaked. */
static void test_posts_left_at_the_end(void **state)
{
	(void)state;
	loop_post(io_loop(io), posts_again, NULL);
}

/* ---- timers -------------------------------------------------------------------------------------------- */

static void tick(void *data)
{
	if (++ticks < 3)
		return;
	loop_timer_destroy(timer); /* in its own callback */
	io_stop(data);
}

static void test_repeating_timer(void **state)
{
	uint64_t start = loop_now_ms(io_loop(io));

	(void)state;
	timer = loop_timer_create(io_loop(io), tick, io);
	loop_timer_start(timer, 5, 10);
	io_run(io);
	assert_int_equal(ticks, 3);
	assert_true(loop_now_ms(io_loop(io)) - start >= 25);
}

static void must_not_run(void *data)
{
	(void)data;
	fail();
}

static void test_stopped_timer(void **state)
{
	struct loop_timer *stopped = loop_timer_create(io_loop(io), must_not_run, NULL);

	(void)state;
	loop_timer_start(stopped, 1, 1);
	loop_timer_stop(stopped);
	loop_timer_stop(stopped);
	timer = loop_timer_create(io_loop(io), tick_stops, io);
	loop_timer_start(timer, 1000000, 0);
	loop_timer_start(timer, 30, 0); /* restarts */
	io_run(io);
	loop_timer_destroy(stopped);
	loop_timer_destroy(timer);
	loop_timer_destroy(NULL);
}

/* ---- signals, stall ------------------------------------------------------------------------------------ */

static int stops, reloads;

static void on_reload(void *data)
{
	(void)data;
	reloads++;
	kill(getpid(), SIGTERM);
}

static void on_stop(void *data)
{
	stops++;
	io_stop(data);
}

static void test_signals(void **state)
{
	(void)state;
	io_on_signals(io, on_stop, on_reload, io);
	kill(getpid(), SIGHUP);
	io_run(io);
	assert_int_equal(reloads, 1);
	assert_int_equal(stops, 1);
	kill(getpid(), SIGINT);
	io_run(io);
	assert_int_equal(stops, 2);
}

static void block(void *data)
{
	(void)data;
	usleep(50000);
}

/* The operator is told how long the loop was deaf; waiting for events does not count: where it was counted, none of the
 * tries, which a busy machine may make longer, would be shorter than the wait. */
static void test_stall(void **state)
{
	uint64_t stall;

	(void)state;
	timer = loop_timer_create(io_loop(io), tick_stops, io);
	for (int i = 0; i < 20; i++) {
		loop_timer_start(timer, 200, 0);
		loop_post(io_loop(io), block, NULL);
		io_run(io);
		stall = io_stall_us(io);
		assert_true(stall >= 50000);
		assert_int_equal(io_stall_us(io), 0); /* told once */
		if (stall < 190000)
			break;
	}
	assert_true(stall < 190000);
	loop_timer_destroy(timer);
}

static void test_descriptors(void **state)
{
	struct rlimit limit;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	assert_true(limit.rlim_cur <= 65536);
}

/* A forgotten handle ends the program: going on would use freed memory. */
static void test_leftover_aborts(void **state)
{
	pid_t child;
	int status;

	(void)state;
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit none = { 0, 0 };
		struct err err;
		struct io *other = io_create(&err);

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		loop_timer_create(io_loop(other), must_not_run, NULL);
		io_destroy(other);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_posts_from_threads, begin, end),
		cmocka_unit_test_setup_teardown(test_post_runs_later, begin, end),
		cmocka_unit_test_setup_teardown(test_posts_left_at_the_end, begin, end),
		cmocka_unit_test_setup_teardown(test_repeating_timer, begin, end),
		cmocka_unit_test_setup_teardown(test_stopped_timer, begin, end),
		cmocka_unit_test_setup_teardown(test_signals, begin, end),
		cmocka_unit_test_setup_teardown(test_stall, begin, end),
		cmocka_unit_test_setup_teardown(test_descriptors, begin, end),
		cmocka_unit_test(test_leftover_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
