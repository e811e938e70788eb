/* Files that are sent: what is answered about them when the store can't be asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

#define SEND "/api/me/imports?name=list.txt"

static void test_its_numbers_are_told(void **state)
{
	struct reply reply;

	(void)state;
	store_next("[{\"import_id\":7}]");
	reply = http_as(ANN, "POST", SEND, "", "one line");
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.body, "\"import_ids\":[7]"));
	reply_free(&reply);
}

/* Without its number nobody could ask how far it is: that is no success. But it is stored, and who sends it again without a
 * key would have it twice: the answer says where it is. */
static void test_stored_but_its_number_is_not_known(void **state)
{
	struct reply reply;

	(void)state;
	store_fails_at("message_imports");
	reply = http_as(ANN, "POST", SEND, "", "one line");
	assert_int_equal(reply.status, 503);
	assert_null(strstr(reply.body, "import_ids"));
	assert_non_null(strcasestr(reply.head, "Location: /api/42/messages/"));
	assert_non_null(strcasestr(reply.head, "Retry-After:"));
	reply_free(&reply);
	store_fails_at(NULL);
	reply = http_as(ANN, "POST", SEND, "", "one line");
	assert_int_equal(reply.status, 200);
	reply_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_its_numbers_are_told, harness_setup_uploads,
						harness_teardown),
		cmocka_unit_test_setup_teardown(test_stored_but_its_number_is_not_known,
						harness_setup_uploads, harness_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
