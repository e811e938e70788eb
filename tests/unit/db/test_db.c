/* The database room on real files: what is asked of it, and what it says when the file is not as it should
 * be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fresh(void **state)
{
	char dir[] = "/tmp/usher-db-XXXXXX";
	struct err err = { 0 };
	struct db *db, *reader;
	char *url, *check;
	int64_t n;
	bool found;

	(void)state;
	assert_non_null(mkdtemp(dir));
	url = mem_format("sqlite:%s/a/b/usher.db", dir);
	db = db_open(url, DB_WRITER, &err);
	assert_string_equal(err.text, "");
	assert_non_null(db);
	if (!db_migrate(db, &err))
		fail_msg("%s", err.text);
	assert_true(db_migrate(db, &err));
	reader = db_open(url, DB_READER, &err);
	assert_non_null(reader);
	assert_true(db_one_int(reader, &err, &found, &n, "SELECT count(*) FROM organizations WHERE name = $1",
			       "t", "default"));
	assert_int_equal(n, 1);
	assert_false(db_run(reader, &err, NULL, "DELETE FROM organizations", ""));
	check = db_check(db);
	assert_string_equal(check, "ok");
	free(check);
	db_close(reader);
	db_close(db);
	free(url);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(fresh) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
