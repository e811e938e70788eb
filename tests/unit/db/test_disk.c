/* A disk that fails, is full, or gave back something else than it was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"
#include "sqlite.h"
#include <stdio.h>

/* ---- the disk ----------------------------------------------------------------------------------- */

/* SQLite's own file methods and our copies of them: database and log have different ones. */
static struct {
	const sqlite3_io_methods *real;
	sqlite3_io_methods ours;
} disks[4];
static sqlite3_vfs *real_vfs;
static sqlite3_vfs vfs;
static int sync_code, write_code; /* what the disk says from now on; 0: what the real one says */

static const sqlite3_io_methods *real_of(const sqlite3_file *file)
{
	size_t i = 0;

	while (&disks[i].ours != file->pMethods)
		i++;
	return disks[i].real;
}

static int faulty_sync(sqlite3_file *file, int flags)
{
	return sync_code ? sync_code : real_of(file)->xSync(file, flags);
}

static int faulty_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	return write_code ? write_code : real_of(file)->xWrite(file, data, len, at);
}

static int faulty_open(sqlite3_vfs *self, sqlite3_filename name, sqlite3_file *file, int flags,
		       int *flags_out)
{
	int code = real_vfs->xOpen(self, name, file, flags, flags_out);
	size_t i = 0;

	if (code != SQLITE_OK || file->pMethods == NULL)
		return code;
	while (disks[i].real != NULL && disks[i].real != file->pMethods)
		i++;
	assert_true(i < 4);
	disks[i].real = file->pMethods;
	disks[i].ours = *file->pMethods;
	disks[i].ours.xSync = faulty_sync;
	disks[i].ours.xWrite = faulty_write;
	file->pMethods = &disks[i].ours;
	return code;
}

static int make_faulty_place(void **state)
{
	sync_code = 0;
	write_code = 0;
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "faulty";
	vfs.xOpen = faulty_open;
	return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK ? make_place(state) : -1;
}

static int drop_faulty_place(void **state)
{
	sqlite3_vfs_unregister(&vfs);
	return drop_place(state);
}

/* After a failed sync nobody knows what is on the disk: guessing would be the
 * end of "never loses a message". */
static void a_failed_sync_is_fatal(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };

	(void)state;
	assert_true(db_begin(db, &err));
	assert_true(db_run(db, &err, NULL, "INSERT INTO organizations (name) VALUES ('a')", ""));
	sync_code = SQLITE_IOERR_FSYNC;
	assert_false(db_commit(db, &err));
	expect(&err, ERR_FATAL, path);
	db_rollback(db);
	db_close(db);
}

/* A checkpoint that fails must not pass for done. */
static void a_failed_checkpoint_is_reported(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };

	(void)state;
	write_code = SQLITE_IOERR_WRITE;
	assert_false(db_checkpoint(db, true, &err));
	expect(&err, ERR_FATAL, "check the disk");
	write_code = 0;
	assert_true(db_checkpoint(db, true, &err));
	db_close(db);
}

/* A full disk is no end: nothing of the transaction is stored, and with room it goes on. */
static void a_full_disk_recovers(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };

	(void)state;
	assert_true(db_begin(db, &err));
	assert_true(db_run(db, &err, NULL, "INSERT INTO organizations (name) VALUES ('a')", ""));
	write_code = SQLITE_FULL;
	assert_false(db_commit(db, &err));
	expect(&err, ERR_FULL, "free space");
	db_rollback(db);
	write_code = 0;
	assert_int_equal(number(db, "SELECT count(*) FROM organizations"), 1);
	assert_true(db_begin(db, &err));
	assert_true(db_run(db, &err, NULL, "INSERT INTO organizations (name) VALUES ('a')", ""));
	assert_true(db_commit(db, &err));
	db_close(db);
	db = opened(DB_WRITER);
	assert_int_equal(number(db, "SELECT count(*) FROM organizations"), 2);
	db_close(db);
}

/* A damaged page is named, and the file is left for those who can repair it. */
static void a_damaged_file_is_fatal(void **state)
{
	struct db *db = fresh();
	struct err err = { 0 };
	FILE *file;

	(void)state;
	assert_true(db_checkpoint(db, true, &err));
	db_close(db);
	file = fopen(path, "r+");
	assert_non_null(file);
	for (long page = 4; page < 60; page++) {
		assert_int_equal(fseek(file, page * 4096, SEEK_SET), 0);
		for (int i = 0; i < 4096; i++)
			fputc(0xa5, file);
	}
	fclose(file);
	assert_null(db_open(url, DB_WRITER, &err));
	expect(&err, ERR_FATAL, "damaged");
	expect(&err, ERR_FATAL, "put back the last backup");
}

int main(void)
{
#define AT(TEST)	       cmocka_unit_test_setup_teardown(TEST, make_place, drop_place)
#define ON_A_FAULTY_DISK(TEST) cmocka_unit_test_setup_teardown(TEST, make_faulty_place, drop_faulty_place)
	const struct CMUnitTest tests[] = {
		AT(a_damaged_file_is_fatal),
		ON_A_FAULTY_DISK(a_failed_sync_is_fatal),
		ON_A_FAULTY_DISK(a_failed_checkpoint_is_reported),
		ON_A_FAULTY_DISK(a_full_disk_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
