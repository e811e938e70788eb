/* Places that get another key, and files whose message was taken back. */
#include "asking.h"
#include "store_imports.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

static const struct store_accepted *say(struct asking *a, const char *place, const char *key)
{
	struct incoming in = says("ann", place, key, key);

	in.semantic_key = key;
	return ask_accept(a, &in, true);
}

static void move(struct asking *a, const char *from, const char *to, const char *key)
{
	struct incoming in = says("ann", to, key, NULL);
	const struct store_accepted *got;

	in.kind = INCOMING_MOVED;
	in.target = from;
	got = ask_accept(a, &in, true);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_int_equal(got->how, ACCEPT_NEW);
	assert_int_equal(got->state, MESSAGE_IGNORED);
	assert_int_equal(got->conversation_id, 0);
}

static const char *keys(struct asking *a)
{
	return asking_text(a, "SELECT group_concat(id || ' ' || \"sessionId\" || ' ' || state, ', ') FROM"
			      " (SELECT * FROM \"LLMConversation\" ORDER BY id)");
}

/* A group that was given another number goes on talking where it was, in each of its topics. */
static void a_place_moves_with_what_lies_in_it(void **state)
{
	struct asking *a = *state;
	int64_t group = say(a, "-5", "a")->conversation_id, topic = say(a, "-5/7", "b")->conversation_id;

	say(a, "-51", "c"); /* another place, whose key begins alike */
	say(a, "-5:7", "d");
	move(a, "-5", "-100", "move");
	assert_string_equal(keys(a), "1 -100 active, 2 -100/7 active, 3 -51 active, 4 -5:7 active");
	assert_string_equal(asking_text(a,
					"SELECT kind || state || reason || target || conversation_key || body"
					" FROM inbox WHERE kind = 'moved'"),
			    "movedignoredmoved-5-100");
	assert_int_equal(say(a, "-100", "e")->conversation_id, group);
	assert_int_equal(say(a, "-100/7", "f")->conversation_id, topic);
	move(a, "-5", "-100", "told twice");
	assert_string_equal(keys(a), "1 -100 active, 2 -100/7 active, 3 -51 active, 4 -5:7 active");
}

/* The news of the move came after the first words in the new place: the conversation there goes on, both stay readable. */
static void where_somebody_spoke_already_the_new_one_goes_on(void **state)
{
	struct asking *a = *state;

	say(a, "-5", "a");
	say(a, "-5/7", "b");
	say(a, "-100", "c");
	move(a, "-5", "-100", "move");
	assert_string_equal(keys(a), "1 -5 archived, 2 -100/7 active, 3 -100 active");
	assert_int_equal(say(a, "-100", "d")->conversation_id, 3);
	move(a, "-5", "-100", "again");
	assert_string_equal(keys(a), "1 -5 archived, 2 -100/7 active, 3 -100 active");
}

/* What was archived or belongs to another bot has nothing to do with it. */
static void only_what_is_active_there_moves(void **state)
{
	struct asking *a = *state;

	say(a, "-5", "a");
	asking_sql(a, "UPDATE \"LLMConversation\" SET state = 'archived'");
	say(a, "-5", "b");
	say(a, "-5/1", "c");
	asking_sql(a, "UPDATE \"LLMConversation\" SET installation = 'other' WHERE id = 3");
	move(a, "-5", "-100", "move");
	assert_string_equal(keys(a), "1 -5 archived, 2 -100 active, 3 -5/1 active");
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Where an older release put it, before files were kept under their hash. */
static void record(struct asking *a, const struct store_accepted *message, unsigned index, const char *path)
{
	char *sql = mem_format("UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'fetched', path = '%s'"
			       " WHERE \"fileIndex\" = %u AND \"inboxId\" ="
			       " (SELECT id FROM inbox WHERE uuid = '%s')",
			       path, index, message->uuid);

	asking_sql(a, sql);
	free(sql);
}

static char *lay(struct asking *a, const char *name)
{
	char *path = mem_format("%s/%s", a->folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fclose(file);
	return path;
}

static const struct store_accepted *say_files(struct asking *a, const char *key)
{
	static const struct message_file files[] = { { .url = "F1", .size = 2 }, { .url = "F2", .size = 2 } };
	struct incoming in = says("ann", "room", key, "see");

	in.semantic_key = key;
	in.files = files;
	in.file_count = 2;
	return ask_accept(a, &in, true);
}

static const struct store_accepted *take_back(struct asking *a, const char *target, const char *key)
{
	struct incoming in = says("ann", "room", key, NULL);

	in.kind = INCOMING_DELETED;
	in.target = target;
	return ask_accept(a, &in, true);
}

static int64_t rows(struct asking *a)
{
	return asking_int(a, "SELECT count(*) FROM \"LLMAgentImport\"");
}

/* A photo sent by mistake and deleted a moment later must not lie on the server for ever. */
static void files_go_with_their_message(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *first = say_files(a, "m1"), *second = say_files(a, "m2");
	char *one = lay(a, "one"), *other = lay(a, "other");

	record(a, first, 0, one);
	record(a, first, 1, "/nowhere/at all"); /* fetched, and removed by hand since */
	record(a, second, 0, other);
	assert_int_equal(rows(a), 4);
	assert_int_equal(take_back(a, "m1", "d1")->files_left, 0);
	assert_int_equal(rows(a), 2);
	assert_int_not_equal(access(one, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(take_back(a, "m2", "d2")->files_left, 0); /* it waits: ends without an answer */
	assert_int_equal(rows(a), 0);
	assert_int_not_equal(access(other, F_OK), 0);
	free(one);
	free(other);
}

static void on_step(void *owner, uint64_t ticket, const struct err *err)
{
	struct asking *a = owner;

	(void)ticket;
	a->err = *err;
	if (--a->waiting == 0)
		io_stop(a->io);
}

/* Still under way when its message was taken back: nobody wants it any more. */
static void a_file_that_comes_too_late_is_not_kept(void **state)
{
	struct asking *a = *state;

	say_files(a, "m1");
	take_back(a, "m1", "d1");
	a->waiting++;
	store_import_step(a->store,
			  &(struct store_import_step){ .id = 1, .state = IMPORT_FETCHED, .sha256 = "ab" },
			  on_step, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_GONE); /* then the core removes what it fetched */
	assert_int_equal(rows(a), 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM blobs"), 0);
}

/* What cannot be removed is told, and its row says where it lies; the words are erased all the same. */
static void a_file_that_stays_is_told(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *message = say_files(a, "m1");
	char *folder = mem_format("%s/a folder", a->folder);

	assert_int_equal(mkdir(folder, 0700), 0);
	record(a, message, 0, folder); /* a folder cannot be unlinked */
	assert_int_equal(take_back(a, "m1", "d1")->files_left, 1);
	assert_int_equal(rows(a), 1);
	assert_string_equal(asking_text(a, "SELECT body FROM inbox WHERE semantic_key = 'm1'"),
			    "(deleted by its author)");
	rmdir(folder);
	free(folder);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(a_place_moves_with_what_lies_in_it),
		CASE(where_somebody_spoke_already_the_new_one_goes_on),
		CASE(only_what_is_active_there_moves),
		CASE(files_go_with_their_message),
		CASE(a_file_that_comes_too_late_is_not_kept),
		CASE(a_file_that_stays_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
