/* What SQLite's result codes mean for the daemon: try again, make room, or stop. */
#include "sqlite.h"
#include <errno.h>

static bool out_of_room(const struct db *db, int code)
{
	int cause = sqlite3_system_errno(db->handle);

	return (code & 0xff) == SQLITE_FULL ||
	       ((code & 0xff) == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT));
}

static bool fault_busy(const struct db *db, struct err *err)
{
	long holder = sqlite_lock_holder(db->path);

	if (holder > 0)
		return err_set(
			err, ERR_AGAIN,
			"database %s is locked by process %ld: end that process, or wait until it is done",
			db->path, holder);
	return err_set(err, ERR_AGAIN, "database %s is locked by another process: see `fuser %s`", db->path,
		       db->path);
}

static bool fault_constraint(const struct db *db, struct err *err, int code)
{
	bool rule = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
		    code == SQLITE_CONSTRAINT_FOREIGNKEY;

	return err_set(err, rule ? ERR_REFUSED : ERR_BUG, "the database refused it: %s",
		       sqlite3_errmsg(db->handle));
}

static bool fault_open(const struct db *db, struct err *err)
{
	int cause = sqlite3_system_errno(db->handle);
	bool passing = cause == EMFILE || cause == ENFILE;

	if (db->mode == DB_READER && cause == ENOENT)
		return err_set(err, ERR_GONE, "there is no database %s", db->path);
	return err_set(
		err, passing ? ERR_AGAIN : ERR_FATAL,
		"can't open database %s (system error %d): check that the file and its folder belong to "
		"the user usher runs as",
		db->path, cause);
}

bool sqlite_fault(const struct db *db, struct err *err, int code)
{
	if (out_of_room(db, code))
		return err_set(err, ERR_FULL, "no room to write %s: free space on its file system", db->path);
	switch (code & 0xff) {
	case SQLITE_READONLY:
		return err_set(err, db->mode == DB_READER ? ERR_BUG : ERR_FULL,
			       "database %s can't be written: its file system or the file is read-only",
			       db->path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fault_busy(db, err);
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
	case SQLITE_SCHEMA:
		return err_set(err, ERR_AGAIN, "database %s: %s", db->path, sqlite3_errmsg(db->handle));
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return fault_open(db, err);
	case SQLITE_NOTADB:
		return err_set(err, ERR_FATAL,
			       "%s is not a database: name another file in store.url, or move this one away",
			       db->path);
	case SQLITE_CORRUPT:
		return err_set(
			err, ERR_FATAL,
			"database %s is damaged (%s): stop, keep the file, put back the last backup of it",
			db->path, sqlite3_errmsg(db->handle));
	case SQLITE_CONSTRAINT:
		return fault_constraint(db, err, code);
	case SQLITE_TOOBIG:
		return err_set(err, ERR_REFUSED, "too large for the database");
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
		return err_set(err, ERR_FATAL,
			       "database %s: %s (code %d, system error %d): check the disk, then start again",
			       db->path, sqlite3_errmsg(db->handle), code, sqlite3_system_errno(db->handle));
	default:
		return err_set(err, ERR_BUG, "database: %s (code %d)", sqlite3_errmsg(db->handle), code);
	}
}
