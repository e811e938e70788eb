/* Texts that a platform's plugin keeps over a restart. */
#include "asking.h"
#include "buf.h"
#include "store_install.h"
#include <stdlib.h>
#include <string.h>

static int open_case(void **state)
{
	*state = asking_create();
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

/* ---- questions ---------------------------------------------------------------------------------- */

static void end(struct asking *asking, const struct err *err, void *got)
{
	asking->err = *err;
	asking->got = got;
	if (--asking->waiting == 0)
		io_stop(asking->io);
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	(void)ticket;
	end(owner, err, NULL);
}

static void on_texts(void *owner, uint64_t ticket, const struct err *err, const struct store_text *texts,
		     size_t count)
{
	struct asking *asking = owner;
	struct buf all = { 0 };

	(void)ticket;
	for (size_t i = 0; i < count; i++)
		buf_format(&all, "%s=%s ", texts[i].name, texts[i].text);
	end(asking, err, (void *)(uintptr_t)arena_text(asking->room, buf_str(&all)));
	buf_free(&all);
}

/* "name=text " of all, by name. */
static const char *texts_of(struct asking *a, const char *name)
{
	a->waiting++;
	store_texts(a->store, "chat", name, on_texts, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	return a->got;
}

static enum err_kind remember(struct asking *a, const char *installation, const char *name, const char *text)
{
	a->waiting++;
	store_remember(a->store, "chat", installation, name, text, on_done, a, 1);
	asking_wait(a);
	return a->err.kind;
}

static void on_rows(void *owner, uint64_t ticket, const struct err *err,
		    const struct store_installation *rows, size_t count)
{
	(void)ticket;
	(void)rows;
	assert_int_equal(count, 1);
	end(owner, err, NULL);
}

static void install(struct asking *a, const char *name)
{
	a->waiting++;
	store_install(a->store, &(struct store_install){ .platform = "chat", .name = name }, on_rows, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
}

static void take_out(struct asking *a, const char *name)
{
	a->waiting++;
	store_remove(a->store, "chat", name, "kicked", on_done, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
}

/* ---- tests -------------------------------------------------------------------------------------- */

/* What was told to be kept is there after a kill; each installation has its own. */
static void a_restart_gives_it_back(void **state)
{
	struct asking *a = *state;

	install(a, "acme");
	assert_string_equal(texts_of(a, "acme"), "");
	assert_int_equal(remember(a, "acme", "shard/1", "old"), ERR_NONE);
	assert_int_equal(remember(a, "acme", "shard/0", "{\"seq\":7}"), ERR_NONE);
	assert_int_equal(remember(a, "acme", "shard/1", "new"), ERR_NONE);
	assert_int_equal(remember(a, "other", "shard/0", "theirs"),
			 ERR_NONE); /* has no row, and needs none */
	asking_crash(a);
	assert_string_equal(texts_of(a, "acme"), "shard/0={\"seq\":7} shard/1=new ");
	assert_string_equal(texts_of(a, "other"), "shard/0=theirs ");
}

static void nothing_forgets_it(void **state)
{
	struct asking *a = *state;

	assert_int_equal(remember(a, "acme", "a", "1"), ERR_NONE);
	assert_int_equal(remember(a, "acme", "b", ""), ERR_NONE);
	assert_int_equal(remember(a, "acme", "a", NULL), ERR_NONE);
	assert_int_equal(remember(a, "acme", "a", NULL), ERR_NONE); /* again: nothing to forget */
	asking_restart(a);
	assert_string_equal(texts_of(a, "acme"), "b= ");
}

/* Several in one commit: the last word counts. */
static void they_are_written_in_order(void **state)
{
	struct asking *a = *state;

	for (int i = 0; i < 20; i++) {
		a->waiting++;
		store_remember(a->store, "chat", "acme", "a", i % 2 ? "odd" : NULL, on_done, a, 1);
	}
	asking_wait(a);
	assert_string_equal(texts_of(a, "acme"), "a=odd ");
}

/* A session of before the removal must not be taken up by who adds us again. */
static void removal_forgets_them(void **state)
{
	struct asking *a = *state;

	install(a, "acme");
	install(a, "acme/T1");
	assert_int_equal(remember(a, "acme", "a", "1"), ERR_NONE);
	assert_int_equal(remember(a, "acme/T1", "a", "2"), ERR_NONE);
	take_out(a, "acme/T1");
	assert_string_equal(texts_of(a, "acme/T1"), "");
	assert_string_equal(texts_of(a, "acme"), "a=1 ");
	assert_int_equal(remember(a, "acme/T1", "a", "late"), ERR_GONE);
	assert_int_equal(remember(a, "acme/T1", "a", NULL), ERR_NONE);
	assert_string_equal(texts_of(a, "acme/T1"), "");
	/* Written by a release that did not know: added again it starts afresh all the same. */
	asking_sql(a, "INSERT INTO plugin_texts (platform, installation, name, text) VALUES"
		      " ('chat', 'acme/T1', 'a', 'old')");
	install(a, "acme/T1");
	assert_string_equal(texts_of(a, "acme/T1"), "");
	assert_int_equal(remember(a, "acme/T1", "a", "3"), ERR_NONE);
	install(a, "acme/T1"); /* not removed in between */
	assert_string_equal(texts_of(a, "acme/T1"), "a=3 ");
}

/* All of them are read at the start: there is an end to it. A known name always finds its place. */
static void they_are_bounded(void **state)
{
	struct asking *a = *state;

	asking_sql(a, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
		      " INSERT INTO plugin_texts (platform, installation, name, text)"
		      " SELECT 'chat', 'acme', 'n' || i, 'x' FROM n");
	assert_int_equal(remember(a, "acme", "one more", "1"), ERR_REFUSED);
	assert_int_equal(remember(a, "acme", "n7", "1"), ERR_NONE);
	assert_int_equal(remember(a, "other", "one", "1"), ERR_NONE);
	assert_int_equal(remember(a, "acme", "n8", NULL), ERR_NONE);
	assert_int_equal(remember(a, "acme", "one more", "1"), ERR_NONE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM plugin_texts WHERE installation = 'acme'"),
			 STORE_TEXTS_MAX);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM plugin_texts WHERE name = 'n7' AND text = '1'"),
			 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(a_restart_gives_it_back), CASE(nothing_forgets_it), CASE(they_are_written_in_order),
		CASE(removal_forgets_them),    CASE(they_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
