/* Files that strangers send are written beside the loop: whole, private, or not at all. */
#include "io.h"
#include "mem.h"
#include "spool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct stage {
	struct io *io;
	char folder[64], path[96];
	unsigned ends;
	struct err err;
	int64_t size;
	struct loop_timer *limit;
};

static void too_long(void *data)
{
	struct stage *stage = data;

	io_stop(stage->io);
}

static void ended(void *owner, uint64_t ticket, const struct err *err, int64_t size)
{
	struct stage *stage = owner;

	assert_int_equal(ticket, 7);
	stage->ends++;
	stage->err = *err;
	stage->size = size;
	io_stop(stage->io);
}

static int open_stage(void **state)
{
	struct stage *stage = mem_zero(1, sizeof(*stage));

	stage->io = io_create(NULL);
	snprintf(stage->folder, sizeof(stage->folder), "/tmp/usher-spool-XXXXXX");
	assert_non_null(mkdtemp(stage->folder));
	snprintf(stage->path, sizeof(stage->path), "%s/file", stage->folder);
	stage->limit = loop_timer_create(io_loop(stage->io), too_long, stage);
	*state = stage;
	return 0;
}

/* Closing the loop waits for everything that runs on it. */
static void close_loop(struct stage *stage)
{
	loop_timer_destroy(stage->limit);
	io_destroy(stage->io);
	stage->io = NULL;
}

static int close_stage(void **state)
{
	struct stage *stage = *state;

	if (stage->io)
		close_loop(stage);
	unlink(stage->path);
	rmdir(stage->folder);
	free(stage);
	return 0;
}

static void run(struct stage *stage)
{
	loop_timer_start(stage->limit, 120000, 0);
	io_run(stage->io);
	assert_int_equal(stage->ends, 1);
}

static void bytes_arrive_in_order(void **state)
{
	struct stage *stage = *state;
	struct spool *spool = spool_create(stage->io, stage->path, 1 << 20, ended, stage, 7);
	char line[32], expected[32];
	struct stat about;
	FILE *file;

	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "line %05d\n", i);
		assert_true(spool_write(spool, line, 11));
	}
	spool_finish(spool);
	assert_int_equal(stage->ends, 0); /* never inside the call */
	run(stage);
	assert_int_equal(stage->err.kind, ERR_NONE);
	assert_int_equal(stage->size, 11000);
	assert_int_equal(stat(stage->path, &about), 0);
	assert_int_equal(about.st_size, 11000);
	assert_int_equal(about.st_mode & 0777, 0600);
	file = fopen(stage->path, "r");
	for (int i = 0; i < 1000; i++) {
		snprintf(expected, sizeof(expected), "line %05d\n", i);
		assert_non_null(fgets(line, sizeof(line), file));
		assert_string_equal(line, expected);
	}
	fclose(file);
}

static void an_empty_file_is_a_file(void **state)
{
	struct stage *stage = *state;

	spool_finish(spool_create(stage->io, stage->path, 1024, ended, stage, 7));
	run(stage);
	assert_int_equal(stage->err.kind, ERR_NONE);
	assert_int_equal(access(stage->path, F_OK), 0);
}

/* A name that somebody put there, or a link to elsewhere, is not written through. */
static void what_exists_is_not_touched(void **state)
{
	struct stage *stage = *state;
	struct spool *spool;
	struct stat about;

	assert_int_equal(symlink("/tmp", stage->path), 0);
	spool = spool_create(stage->io, stage->path, 1024, ended, stage, 7);
	assert_true(spool_write(spool, "x", 1));
	spool_finish(spool);
	run(stage);
	assert_int_equal(stage->err.kind, ERR_AGAIN);
	assert_int_equal(lstat(stage->path, &about), 0);
	assert_true(S_ISLNK(about.st_mode));
}

static void memory_is_bounded(void **state)
{
	struct stage *stage = *state;
	struct spool *spool = spool_create(stage->io, stage->path, 10, ended, stage, 7);

	assert_true(spool_write(spool, "1234567890", 10));
	assert_false(spool_write(spool, "1", 1)); /* nothing of it was written yet */
	spool_abandon(spool);
	close_loop(stage);
	assert_int_equal(stage->ends, 0);
	assert_int_not_equal(access(stage->path, F_OK), 0); /* nothing is left behind */
}

static void rested(void *data)
{
	struct stage *stage = data;

	io_stop(stage->io);
}

/* Pauses of the network: the spool rests, goes on, and the end may come long after the last byte. */
static void pauses_do_no_harm(void **state)
{
	struct stage *stage = *state;
	struct spool *spool = spool_create(stage->io, stage->path, 1024, ended, stage, 7);
	struct loop_timer *pause = loop_timer_create(io_loop(stage->io), rested, stage);

	for (int i = 0; i < 3; i++) {
		assert_true(spool_write(spool, "abc", 3));
		loop_timer_start(pause, 20, 0);
		io_run(stage->io);
	}
	loop_timer_destroy(pause);
	spool_finish(spool);
	run(stage);
	assert_int_equal(stage->size, 9);
}

static void abandoned_at_the_last_moment(void **state)
{
	struct stage *stage = *state;
	struct spool *spool = spool_create(stage->io, stage->path, 1024, ended, stage, 7);

	assert_true(spool_write(spool, "abc", 3));
	spool_finish(spool);
	spool_abandon(spool);
	close_loop(stage);
	assert_int_equal(stage->ends, 0);
	assert_int_not_equal(access(stage->path, F_OK), 0);
	spool_abandon(NULL);
}

/* Told when the name is free again, so that the next attempt may use it. */
static void discarded_ones_are_told_when_they_are_gone(void **state)
{
	struct stage *stage = *state;
	struct spool *spool = spool_create(stage->io, stage->path, 1024, ended, stage, 7);

	assert_true(spool_write(spool, "abc", 3));
	spool_discard(spool);
	run(stage);
	assert_int_equal(stage->err.kind, ERR_REFUSED);
	assert_int_not_equal(access(stage->path, F_OK), 0);
}

static void a_folder_that_is_gone_is_told(void **state)
{
	struct stage *stage = *state;
	struct spool *spool = spool_create(stage->io, "/nowhere/file", 1 << 20, ended, stage, 7);
	struct loop_timer *pause = loop_timer_create(io_loop(stage->io), rested, stage);

	for (int i = 0; i < 2000 && spool_write(spool, "a", 1); i++) {
		loop_timer_start(pause, 5, 0);
		io_run(stage->io);
	}
	assert_false(spool_write(spool, "abc", 3)); /* the failure is noticed while writing */
	loop_timer_destroy(pause);
	spool_finish(spool);
	run(stage);
	assert_int_equal(stage->err.kind, ERR_AGAIN);
	assert_non_null(strstr(stage->err.text, "can't be made"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_arrive_in_order),
		TEST(an_empty_file_is_a_file),
		TEST(what_exists_is_not_touched),
		TEST(memory_is_bounded),
		TEST(pauses_do_no_harm),
		TEST(abandoned_at_the_last_moment),
		TEST(discarded_ones_are_told_when_they_are_gone),
		TEST(a_folder_that_is_gone_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
