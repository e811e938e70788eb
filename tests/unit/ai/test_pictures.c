/* Pictures that come with a message: shown to models that see, whatever their sender called them; never more than a service
 * takes, which would refuse the whole question. */
#include "fake_loop.h"
#include "mem.h"
#include "turn_stage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/usher-test-XXXXXX";
static const char *paths[16];
static size_t path_count;

static const char *put(const char *name, const char *start, size_t start_len, size_t len)
{
	char *path = mem_format("%s/%s", folder, name);
	FILE *file = fopen(path, "wb");
	char *bytes = mem_zero(1, len);

	assert_non_null(file);
	memcpy(bytes, start, start_len);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
	free(bytes);
	return paths[path_count++] = path;
}

static int make(void **state)
{
	(void)state;
	path_count = 0;
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int clear(void **state)
{
	(void)state;
	for (size_t i = 0; i < path_count; i++) {
		unlink(paths[i]);
		free((void *)(uintptr_t)paths[i]);
	}
	return rmdir(folder);
}

static void ask_with(struct turn_stage *w, bool vision)
{
	struct ai_ask ask;

	turn_setup(w);
	w->ai->models[0].vision = vision;
	ask = turn_question(w);
	ask.files = paths;
	ask.file_count = path_count;
	turn_start(w, &ask);
	fake_loop_pass(w->loop, 0);
}

#define PNG "\x89PNG\r\n\x1a\n"

static void test_kinds(void **state)
{
	struct turn_stage w;

	(void)state;
	put("a.txt", "\xff\xd8\xff\xe0", 4, 30); /* by its content, not its name */
	put("b.png", "no picture", 10, 30);
	put("c", "GIF89a", 6, 30);
	put("d", "RIFF....WEBP", 12, 30);
	put("e", PNG, 8, 30);
	put("f", PNG, 8, 30); /* the fifth */
	ask_with(&w, true);
	turn_expect_seen(&w,
			 "\nuser: go [image/jpeg /9j/4AAAAAAA 40] [image/gif R0lGODlhAAAA 40] [image/webp "
			 "UklGRi4uLi5X 40] [image/png iVBORw0KGgoA 40]\n");
	turn_say(&w, "Nice", LLM_STOP_END);
	turn_expect_log(&w, "done Nice []\n");
	assert_int_equal(w.ai->picture_bytes, 0);
	turn_teardown(&w);
}

static void test_a_model_that_does_not_see(void **state)
{
	struct turn_stage w;

	(void)state;
	put("a", PNG, 8, 30);
	ask_with(&w, false);
	turn_expect_seen(&w, "\nuser: go\n");
	turn_say(&w, "Well", LLM_STOP_END);
	turn_teardown(&w);
}

/* What is too large, empty or gone is left out; the others are shown. */
static void test_sizes(void **state)
{
	struct turn_stage w;

	(void)state;
	put("large", PNG, 8, PICTURE_BYTES_MAX + 1);
	put("empty", "", 0, 0);
	put("start", PNG, 8, 8);
	unlink(put("gone", PNG, 8, 30));
	put("most", PNG, 8, PICTURE_BYTES_MAX);
	ask_with(&w, true);
	turn_expect_seen(&w, "\nuser: go [image/png iVBORw0KGgoA 5242880]\n");
	assert_int_equal(w.ai->picture_bytes, 5242880);
	turn_break_down(&w, LLM_FAULT_TRANSIENT, 0, "");
	assert_int_equal(w.ai->picture_bytes, 0); /* while it waits it holds nothing */
	fake_loop_pass(w.loop, 60000);
	turn_expect_seen(&w, "[image/png iVBORw0KGgoA 5242880]"); /* and is shown again */
	ai_cancel(w.ai, 42, NULL, NULL);
	assert_int_equal(w.ai->picture_bytes, 0);
	turn_teardown(&w);
}

/* Hundreds of people who send pictures at once must not take all memory. */
static void test_memory_is_bounded(void **state)
{
	struct turn_stage w;

	(void)state;
	put("a", PNG, 8, 300);
	put("b", PNG, 8, 30);
	turn_setup(&w);
	w.ai->picture_bytes = PICTURES_RUNNING_MAX - 100;
	struct ai_ask ask = turn_question(&w);

	w.ai->models[0].vision = true;
	ask.files = paths;
	ask.file_count = path_count;
	turn_start(&w, &ask);
	fake_loop_pass(w.loop, 0);
	turn_expect_seen(&w, "\nuser: go [image/png iVBORw0KGgoA 40]\n");
	turn_say(&w, "Well", LLM_STOP_END);
	assert_int_equal(w.ai->picture_bytes, PICTURES_RUNNING_MAX - 100);
	turn_teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kinds, make, clear),
		cmocka_unit_test_setup_teardown(test_a_model_that_does_not_see, make, clear),
		cmocka_unit_test_setup_teardown(test_sizes, make, clear),
		cmocka_unit_test_setup_teardown(test_memory_is_bounded, make, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
