/* What the files of the SQLite backend share; nobody else includes it. */
#ifndef USHER_SQLITE_H
#define USHER_SQLITE_H

#include "db.h"
#include <sqlite3.h>

enum { SQLITE_RECENT = 128 };

struct db {
	sqlite3 *handle;
	sqlite3 *plain; /* an empty database beside it, for sqlite_json */
	char *path;
	enum db_mode mode;
	int lock;				    /* descriptor of the lock file, -1 when we hold none */
	struct db_statement *statements;	    /* by SQL text */
	struct db_statement *recent[SQLITE_RECENT]; /* the same, by the address of the text */
};

/* Turns the handle's last fault into kind and sentence: cause and cure. Returns false. Call it before
 * anything else is asked of the handle: SQLite overwrites its own text. */
bool sqlite_fault(const struct db *db, struct err *err, int code);

/* Keeps a second daemon from these files: a lock on PATH.lock that the kernel gives back when we die. */
bool sqlite_lock(struct db *db, struct err *err);
void sqlite_unlock(struct db *db);

/* Who holds the write lock of the database file: a process id, or 0 when it can't be told. */
long sqlite_lock_holder(const char *path);

/* The JSON functions the schema needs, on this handle. db->plain is closed after db->handle. */
bool sqlite_json(struct db *db, struct err *err);

/* Gives the connection fold(TEXT), see sqlite_text.c. */
bool sqlite_text(struct db *db, struct err *err);

/* Ends all prepared statements. */
void sqlite_forget(struct db *db);

#endif
