/* Databases in a folder of their own, for tests. */
#ifndef TEST_PLACE_H
#define TEST_PLACE_H

#include "db.h"

/* The folder, and the database in it that need not exist yet. Setup and teardown of a test. */
extern char place_dir[32], *url, *path;
int make_place(void **state);
int drop_place(void **state);

/* Opened, and brought to its schema; fails the test when it can't be. */
struct db *opened(enum db_mode mode);
struct db *fresh(void);

/* The one number that a statement without arguments gives. */
int64_t number(struct db *db, const char *sql);

/* The fault has this kind and says these words. */
void expect(const struct err *err, enum err_kind kind, const char *words);

#endif
