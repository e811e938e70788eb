/* Opens a real store on a temporary file and waits for each answer on the real loop. */
#include "people_stage.h"
#include "db.h"
#include "io.h"
#include "mem.h"
#include "store_open.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGS_MAX = 12 };

struct err stage_err;

static struct {
	char dir[32], *url;
	struct io *io;
	struct store *store;
	json_t *answer;
	bool key_found, key_active;
	char profile[40];
} stage;

static void open_store(void)
{
	struct err err = { 0 };
	struct store_options options = { .url = stage.url };

	stage.io = io_create(&err);
	assert_non_null(stage.io);
	stage.store = store_open(io_loop(stage.io), &options, &err);
	if (stage.store == NULL)
		fail_msg("%s", err.text);
}

/* What the store posted last must run before the loop may go. */
static void stop(void *data)
{
	io_stop(data);
}

static void close_store(void)
{
	store_close(stage.store);
	stage.store = NULL;
	loop_post(io_loop(stage.io), stop, stage.io);
	io_run(stage.io);
	io_destroy(stage.io);
	stage.io = NULL;
}

int stage_open(void **state)
{
	(void)state;
	strcpy(stage.dir, "/tmp/usher-people-XXXXXX");
	if (mkdtemp(stage.dir) == NULL)
		return -1;
	stage.url = mem_format("sqlite:%s/usher.db", stage.dir);
	open_store();
	return 0;
}

static int remove_one(const char *path, const struct stat *file, int type, struct FTW *at)
{
	(void)file;
	(void)type;
	(void)at;
	return remove(path);
}

int stage_close(void **state)
{
	(void)state;
	close_store();
	json_decref(stage.answer);
	stage.answer = NULL;
	free(stage.url);
	nftw(stage.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

void stage_script(const char *sql)
{
	struct err err = { 0 };
	struct db *db;

	close_store();
	db = db_open(stage.url, DB_WRITER, &err);
	assert_non_null(db);
	if (!db_script(db, sql, &err))
		fail_msg("%s", err.text);
	db_close(db);
	open_store();
}

static void answered(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	(void)owner;
	assert_int_equal(ticket, 7);
	stage_err = *err;
	if (err->kind == ERR_NONE) {
		struct err fault = { 0 };

		stage.answer = json_read(json, strlen(json), &fault);
		if (stage.answer == NULL)
			fail_msg("the answer is not JSON: %s: %s", fault.text, json);
	}
	io_stop(stage.io);
}

static json_t *ask(bool act, const char *name, va_list list)
{
	const char *args[ARGS_MAX];
	size_t count = 0;

	for (const char *arg; (arg = va_arg(list, const char *)) != END && count < ARGS_MAX;)
		args[count++] = arg;
	json_decref(stage.answer);
	stage.answer = NULL;
	if (act)
		store_act(stage.store, name, args, count, answered, NULL, 7);
	else
		store_report(stage.store, name, args, count, answered, NULL, 7);
	assert_null(stage.answer); /* never inside the call */
	io_run(stage.io);
	return stage.answer;
}

json_t *stage_report(const char *name, ...)
{
	va_list list;
	json_t *answer;

	va_start(list, name);
	answer = ask(false, name, list);
	va_end(list);
	return answer;
}

json_t *stage_act(const char *name, ...)
{
	va_list list;
	json_t *answer;

	va_start(list, name);
	answer = ask(true, name, list);
	va_end(list);
	return answer;
}

static void key_found(void *owner, uint64_t ticket, const struct err *err, const struct store_key *key)
{
	(void)owner;
	(void)ticket;
	stage_err = *err;
	stage.key_found = key != NULL;
	assert_true((err->kind == ERR_NONE) == (key != NULL));
	if (key != NULL) {
		stage.key_active = key->speaker.active;
		strncpy(stage.profile, key->speaker.profile_id, sizeof(stage.profile) - 1);
	}
	io_stop(stage.io);
}

static bool take_key(bool *active_out, char *profile_out)
{
	io_run(stage.io);
	*active_out = stage.key_active;
	if (profile_out != NULL)
		memcpy(profile_out, stage.profile, 37);
	return stage.key_found;
}

bool stage_key(const char *hash, bool *active_out, char *profile_out)
{
	store_key(stage.store, hash, key_found, NULL, 0);
	return take_key(active_out, profile_out);
}

bool stage_user(const char *username, bool *active_out, char *profile_out)
{
	store_user(stage.store, username, key_found, NULL, 0);
	return take_key(active_out, profile_out);
}

void stage_refused(enum err_kind kind, const char *words)
{
	assert_int_equal(stage_err.kind, kind);
	if (strstr(stage_err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", stage_err.text, words);
}

const char *stage_at(json_t *rows, size_t row, const char *key)
{
	return json_text(json_array_get(rows, row), key);
}
