/* One connection to an SQLite file: opened with the settings durability asks for, committed, checkpointed,
 * closed. */
#include "sqlite.h"
#include "mem.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { BUSY_WAIT_MS = 5000 };

/* ---- opening ------------------------------------------------------------------------------------ */

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_text(".");
	return slash == path ? mem_text("/") : mem_text_n(path, (size_t)(slash - path));
}

/* Makes the folder and those above it, for the owner only. */
static bool make_folder(const char *folder, struct err *err)
{
	char *part = mem_text(folder);
	bool made = true;

	for (char *at = part + 1; made && part[0] != '\0'; at++) {
		char kept = *at;

		if (kept != '/' && kept != '\0')
			continue;
		*at = '\0';
		made = mkdir(part, 0700) == 0 || errno == EEXIST || errno == EISDIR;
		if (!made)
			err_set(err, ERR_FATAL, "can't make the folder %s: %s", part, strerror(errno));
		*at = kept;
		if (kept == '\0')
			break;
	}
	free(part);
	return made;
}

/* A new name is only durable when its folder is. */
static void sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

static bool make_file(const struct db *db, struct err *err)
{
	char *folder = folder_of(db->path);
	bool made = make_folder(folder, err);
	int fd;

	if (made) {
		/* Only a file that isn't there: closing one that is would drop the locks of our other
		 * connection. */
		fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0) {
			close(fd);
			sync_folder(folder);
		} else if (errno != EEXIST) {
			made = err_set(err, ERR_FATAL,
				       "can't make the database %s: %s: check who may write its folder",
				       db->path, strerror(errno));
		}
	}
	free(folder);
	return made;
}

static bool pragma_is(struct db *db, const char *sql, const char *expected, struct err *err)
{
	struct query query;
	bool same;

	db_query(db, &query, sql, "");
	same = db_row(&query) && db_text(&query, 0) != NULL && strcmp(db_text(&query, 0), expected) == 0;
	if (!db_end(&query, err))
		return err_add(err, "open");
	if (!same)
		return err_set(err, ERR_FATAL,
			       "database %s: \"%s\" did not take effect: the file must lie on a local disk",
			       db->path, sql);
	return true;
}

static bool set_up(struct db *db, struct err *err)
{
	static const char common[] = "PRAGMA synchronous = FULL;"
				     "PRAGMA foreign_keys = ON;"
				     "PRAGMA secure_delete = ON;"
				     "PRAGMA trusted_schema = OFF;"
				     "PRAGMA cell_size_check = ON;"
				     "PRAGMA mmap_size = 0;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA cache_size = -2048;";
	int on = 0;

	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_WAIT_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	/* Ours alone: db_checkpoint, whose result is looked at. */
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_wal_autocheckpoint(db->handle, 0);
	if (!on)
		return err_set(err, ERR_FATAL, "this SQLite has no defensive mode");
	if (!sqlite_json(db, err) || !sqlite_text(db, err) || !db_script(db, common, err))
		return false;
	if (db->mode == DB_READER)
		return db_script(db, "PRAGMA query_only = ON", err);
	return pragma_is(db, "PRAGMA journal_mode = WAL", "wal", err) &&
	       pragma_is(db, "PRAGMA journal_size_limit = 67108864", "67108864", err) &&
	       pragma_is(db, "PRAGMA synchronous", "2", err) &&
	       pragma_is(db, "PRAGMA secure_delete", "1", err) &&
	       pragma_is(db, "PRAGMA foreign_keys", "1", err);
}

static bool open_handle(struct db *db, struct err *err)
{
	int flags =
		SQLITE_OPEN_NOMUTEX | (db->mode == DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int code = sqlite3_open_v2(db->path, &db->handle, flags, NULL);

	if (code != SQLITE_OK)
		return sqlite_fault(db, err, code);
	return set_up(db, err);
}

static void give_up(struct db *db)
{
	sqlite_forget(db);
	sqlite3_close(db->handle);
	sqlite3_close(db->plain);
	sqlite_unlock(db);
	free(db->path);
	free(db);
}

/* Once in a process, before its first connection: counting memory takes a lock at every allocation, and
 * nobody asks for the count. A fifth of a message's time in the store. */
static void do_not_count(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct db *db_open(const char *url, enum db_mode mode, struct err *err)
{
	static const char scheme[] = "sqlite:";
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct db *db;
	bool ready;

	pthread_once(&once, do_not_count);
	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0 || url[sizeof(scheme) - 1] == '\0') {
		err_set(err, ERR_REFUSED, "store.url is \"%s\", expected \"sqlite:PATH\"", url);
		return NULL;
	}
	db = mem_zero(1, sizeof(*db));
	db->path = mem_text(url + sizeof(scheme) - 1);
	db->mode = mode;
	db->lock = -1;
	ready = mode == DB_READER || (make_file(db, err) && sqlite_lock(db, err));
	if (ready && open_handle(db, err))
		return db;
	give_up(db);
	return NULL;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	if (db->mode == DB_WRITER)
		db_rollback(db);
	give_up(db);
}

/* ---- transactions ------------------------------------------------------------------------------- */

bool db_script(struct db *db, const char *sql, struct err *err)
{
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK || sqlite_fault(db, err, code);
}

bool db_begin(struct db *db, struct err *err)
{
	return db_run(db, err, NULL, "BEGIN IMMEDIATE", "");
}

bool db_commit(struct db *db, struct err *err)
{
	/* A full disk or an I/O fault may have ended the transaction before: then nothing of it is stored. */
	if (sqlite3_get_autocommit(db->handle))
		return err_set(err, ERR_AGAIN, "database %s: the transaction was already rolled back",
			       db->path);
	if (db_run(db, err, NULL, "COMMIT", ""))
		return true;
	if (err != NULL && err->kind != ERR_FULL && err->kind != ERR_AGAIN)
		err->kind = ERR_FATAL;
	return false;
}

void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->handle))
		(void)db_run(db, NULL, NULL, "ROLLBACK", "");
}

bool db_savepoint(struct db *db, struct err *err)
{
	return db_run(db, err, NULL, "SAVEPOINT job", "");
}

bool db_release(struct db *db, struct err *err)
{
	return db_run(db, err, NULL, "RELEASE job", "");
}

void db_rollback_to(struct db *db)
{
	if (sqlite3_get_autocommit(db->handle))
		return;
	(void)db_run(db, NULL, NULL, "ROLLBACK TO job", "");
	(void)db_run(db, NULL, NULL, "RELEASE job", "");
}

/* ---- the log and the disk ----------------------------------------------------------------------- */

bool db_checkpoint(struct db *db, bool wait, struct err *err)
{
	int code = sqlite3_wal_checkpoint_v2(db->handle, "main",
					     wait ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
					     NULL, NULL);

	return code == SQLITE_OK || sqlite_fault(db, err, code);
}

int64_t db_log_bytes(const struct db *db)
{
	char *path = mem_format("%s-wal", db->path);
	struct stat file;
	int64_t size = stat(path, &file) == 0 ? (int64_t)file.st_size : 0;

	free(path);
	return size;
}

int64_t db_disk_free(const struct db *db)
{
	struct statvfs fs;

	if (statvfs(db->path, &fs) != 0)
		return -1;
	return (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

char *db_check(struct db *db)
{
	struct query query;
	struct err err = { 0 };
	char *faults = NULL;

	db_query(db, &query, "SELECT group_concat(integrity_check, '; ') FROM pragma_integrity_check(10)",
		 "");
	if (db_row(&query))
		faults = mem_text(db_text(&query, 0));
	if (!db_end(&query, &err) || faults == NULL) {
		free(faults);
		faults = mem_text(err.text[0] ? err.text : "the check gave no answer");
	}
	return faults;
}

void db_trim(struct db *db)
{
	sqlite_forget(db);
	sqlite3_db_release_memory(db->handle);
}
