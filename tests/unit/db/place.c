/* Databases in a folder of their own, for tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem.h"
#include "place.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char place_dir[32], *url, *path;

int make_place(void **state)
{
	(void)state;
	strcpy(place_dir, "/tmp/usher-db-XXXXXX");
	if (mkdtemp(place_dir) == NULL)
		return -1;
	path = mem_format("%s/var/usher.db", place_dir);
	url = mem_format("sqlite:%s", path);
	return 0;
}

static int remove_one(const char *name, const struct stat *file, int type, struct FTW *at)
{
	(void)file;
	(void)type;
	(void)at;
	return remove(name);
}

int drop_place(void **state)
{
	(void)state;
	free(url);
	free(path);
	return nftw(place_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void expect(const struct err *err, enum err_kind kind, const char *words)
{
	assert_string_equal(err_kind_name(err->kind), err_kind_name(kind));
	if (strstr(err->text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}

struct db *opened(enum db_mode mode)
{
	struct err err = { 0 };
	struct db *db = db_open(url, mode, &err);

	if (db == NULL)
		fail_msg("%s", err.text);
	return db;
}

struct db *fresh(void)
{
	struct err err = { 0 };
	struct db *db = opened(DB_WRITER);

	if (!db_migrate(db, &err))
		fail_msg("%s", err.text);
	return db;
}

int64_t number(struct db *db, const char *sql)
{
	struct err err = { 0 };
	int64_t value;
	bool found;

	if (!db_one_int(db, &err, &found, &value, sql, ""))
		fail_msg("%s", err.text);
	return value;
}
