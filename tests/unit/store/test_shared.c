/* Files are shared and deleted by whoever sent them and by operators, and listed within reach. */
#include "asking.h"
#include "json.h"
#include "store_people.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *ann, *bob, *boss, *org;

static const char *person(struct asking *a, const char *who)
{
	return asking_text(
		a, arena_format(a->room,
				"SELECT profile_id FROM platform_identities WHERE external_user_id = '%s'",
				who));
}

/* File 1 is ann's, of another organisation is 9. */
static int open_case(void **state)
{
	struct asking *a = asking_create();

	*state = a;
	asking_know(a, "ann");
	asking_know(a, "bob");
	asking_know(a, "carol");
	ann = person(a, "ann");
	bob = person(a, "bob");
	boss = person(a, "carol");
	org = asking_text(a, "SELECT id FROM organizations");
	asking_sql(a,
		   arena_format(a->room, "UPDATE user_profiles SET role = 'operator' WHERE id = '%s'", boss));
	asking_sql(a, "INSERT INTO organizations (id, name) VALUES ('00000000-0000-7000-8000-0000000000ff', "
		      "'other')");
	asking_sql(a,
		   arena_format(a->room,
				"INSERT INTO \"LLMAgentImport\" (id, \"userId\", \"userCompanyId\","
				" \"inputFileName\", \"processingStatus\") VALUES (1, '%s', '%s', 'Plan.pdf',"
				" 'delivered'), (9, NULL, '00000000-0000-7000-8000-0000000000ff', "
				"'Theirs.pdf', 'delivered')",
				ann, org));
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

static enum err_kind act(struct asking *a, const char *name, const char *who, const char *import,
			 const char *scope)
{
	ask_act(a, name, (const char *const[]){ org, who, import, scope }, scope ? 4 : 3);
	return a->err.kind;
}

static size_t listed(struct asking *a, const char *who)
{
	const char *answer =
		ask_report(a, "list_files", (const char *const[]){ org, who, NULL, "[]", NULL }, 5);
	json_t *files = json_read(answer, strlen(answer), NULL);
	size_t count = json_array_size(files);

	json_decref(files);
	return count;
}

static void a_file_is_shared_by_its_owner_and_with_all_by_an_operator(void **state)
{
	struct asking *a = *state;

	assert_int_equal(listed(a, ann), 1);
	assert_int_equal(listed(a, bob), 0);
	assert_int_equal(act(a, "file_share", ann, "1", "organization"), ERR_REFUSED);
	assert_int_equal(act(a, "file_share", bob, "1", "person"), ERR_REFUSED);
	assert_int_equal(act(a, "file_share", boss, "9", "organization"), ERR_REFUSED);
	assert_int_equal(act(a, "file_share", ann, "1", "everybody"), ERR_REFUSED);
	assert_int_equal(listed(a, bob), 0);
	assert_int_equal(act(a, "file_share", boss, "1", "organization"), ERR_NONE);
	assert_int_equal(listed(a, bob), 1);
	assert_int_equal(act(a, "file_share", ann, "1", "conversation"), ERR_NONE); /* and it was in none */
	assert_int_equal(listed(a, ann), 0);
	assert_int_equal(listed(a, boss), 1);
}

static void a_file_is_deleted_by_its_owner_or_an_operator(void **state)
{
	struct asking *a = *state;

	assert_int_equal(act(a, "file_share", boss, "1", "organization"), ERR_NONE);
	assert_int_equal(act(a, "file_delete", bob, "1", NULL), ERR_REFUSED); /* he may read it */
	assert_int_equal(act(a, "file_delete", boss, "9", NULL), ERR_REFUSED);
	assert_int_equal(act(a, "file_delete", ann, "1", NULL), ERR_NONE);
	assert_int_equal(asking_int(a, "SELECT sum(id) FROM \"LLMAgentImport\""), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_shared_by_its_owner_and_with_all_by_an_operator,
						open_case, close_case),
		cmocka_unit_test_setup_teardown(a_file_is_deleted_by_its_owner_or_an_operator, open_case,
						close_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
