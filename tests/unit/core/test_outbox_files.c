/* Replies that are files: brought, sent, gone again; and said as a line where nobody takes files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_imports.h"
#include "house.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct imports *imports;

static int setup(void **state)
{
	imports = fake_imports_create();
	return house_setup(state, &(struct core_options){ .imports = imports });
}

static int teardown(void **state)
{
	house_teardown(state);
	return fake_imports_destroy(imports) ? 0 : -1;
}

static const struct store_kept kept = { .org_id = "org",
					.sha256 = "ab",
					.name = "all_*sums*.csv",
					.mime = "text/csv",
					.size = 7,
					.import_id = 31 };

/* Behind two parts of text. */
static void due(struct house *house, const char *platform)
{
	struct store_reply reply = *house_reply(1, platform, 9, 1);

	reply.file = &kept;
	reply.out.text = NULL;
	reply.out.part = 2;
	reply.out.parts = 3;
	house_due(house, &reply);
}

static struct task *bringing(void)
{
	struct task *task = fake_imports_task(imports, TASK_FETCH);

	assert_non_null(task);
	return task;
}

static void settled(struct house *house, enum reply_state state, const char *why)
{
	struct question *q = house_question(house, Q_SENT);

	assert_int_equal(q->reply_state, state);
	if (why)
		assert_non_null(strstr(q->why, why));
	assert_false(q->unsure);
	fake_answer_done(house->store, q, NULL);
}

static void test_a_file_is_brought_and_sent(void **state)
{
	struct house *house = *state;
	const struct fake_send *sent = &house->room->sends[0];

	due(house, "room");
	assert_int_equal(house->room->send_count, 0);
	assert_string_equal(bringing()->org_id, "org");
	assert_string_equal(bringing()->sha256, "ab");
	fake_brought(imports, bringing(), NULL);
	assert_int_equal(house->room->send_count, 1);
	assert_string_equal(sent->name, "all_*sums*.csv");
	assert_string_equal(sent->text, "");
	assert_string_equal(sent->link, "https://files.test/files/org-ab/all_*sums*.csv");
	assert_int_equal(sent->size, 7);
	assert_int_equal(access(sent->path, R_OK), 0);
	house->room->host->sent(house->room->host, sent->ticket, SENT_ACCEPTED, 0, "m1", NULL);
	assert_int_equal(access(sent->path, F_OK), -1);
	settled(house, REPLY_SENT, NULL);
}

static void test_a_file_that_is_gone(void **state)
{
	const struct err gone = { .kind = ERR_GONE, .text = "no such file is kept" },
			 other = { .kind = ERR_REFUSED, .text = "a kept file is not what it was" };
	struct house *house = *state;

	due(house, "room");
	fake_brought(imports, bringing(), &gone);
	settled(house, REPLY_REJECTED, "no such file is kept");
	due(house, "room");
	fake_brought(imports, bringing(), &other);
	settled(house, REPLY_REJECTED, "not what it was");
	assert_int_equal(house->room->send_count, 0);
}

/* No attempt is counted: nothing was tried. */
static void test_a_disk_that_is_full_for_a_while(void **state)
{
	const struct err full = { .kind = ERR_FULL, .text = "No space left on device" };
	struct house *house = *state;

	due(house, "room");
	fake_brought(imports, bringing(), &full);
	assert_true(house_question(house, Q_SENT)->waits);
	settled(house, REPLY_PENDING, "No space left");
}

static void test_a_file_that_does_not_come(void **state)
{
	struct house *house = *state;
	char path[200];

	due(house, "room");
	snprintf(path, sizeof(path), "%s", bringing()->path);
	fake_loop_pass(house->loop, 121000);
	settled(house, REPLY_PENDING, "not there in time"); /* and not "it may have arrived" */
	fake_brought(imports, bringing(), NULL);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(house->room->send_count, 0);
}

/* Its time begins when the plugin gets it, not when it was asked for. */
static void test_a_plugin_has_its_whole_time(void **state)
{
	struct house *house = *state;

	due(house, "room");
	fake_loop_pass(house->loop, 100000);
	fake_brought(imports, bringing(), NULL);
	fake_loop_pass(house->loop, 100000);
	assert_int_equal(house_waiting(house, Q_SENT), 0);
	fake_loop_pass(house->loop, 21000);
	assert_true(house_question(house, Q_SENT)->unsure);
	assert_int_equal(access(house->room->sends[0].path, F_OK), -1);
}

static void on_stopped(void *owner)
{
	(void)owner;
}

static void test_stopped_while_it_is_brought(void **state)
{
	struct house *house = *state;

	due(house, "room");
	core_stop(house->core, 10000, on_stopped, house);
	fake_brought(imports, bringing(), NULL);
	settled(house, REPLY_PENDING, "stopping");
	assert_int_equal(house->room->send_count, 0);
}

static void test_where_no_files_are_taken(void **state)
{
	struct house *house = *state;

	due(house, "chat");
	assert_string_equal(house->chat->sends[0].text,
			    "`all_*sums*.csv`: <https://files.test/files/org-ab/all_*sums*.csv>");
	assert_int_equal(fake_imports_waiting(imports, TASK_FETCH), 0);
	house->chat->host->sent(house->chat->host, house->chat->sends[0].ticket, SENT_ACCEPTED, 0, "m1",
				NULL);
	settled(house, REPLY_SENT, NULL);
	fake_imports_no_links(imports);
	due(house, "chat");
	assert_string_equal(house->chat->sends[1].text,
			    "`all_*sums*.csv`: the operator has it (usher import show 31)");
}

static void test_where_nothing_is_kept(void **state)
{
	struct house house;

	(void)state;
	house_open(&house, &(struct core_options){ 0 });
	due(&house, "room");
	settled(&house, REPLY_REJECTED, "no files are kept");
	house_close(&house);
}

/* Who fetches the answer gets links, while it is told and when it is looked for later. */
static void test_files_of_fetched_answers(void **state)
{
	static const char files[] = "[{\"name\":\"a.csv\",\"mime\":\"text/csv\",\"size\":7,\"org\":\"org\","
				    "\"sha256\":\"ab\"}]",
			  linked[] = "[{\"name\":\"a.csv\",\"mime\":\"text/csv\",\"size\":7,"
				     "\"link\":\"/files/org-ab/a.csv\"}]";
	const struct outgoing ended = {
		.uuid = "r1", .state = MESSAGE_ANSWERED, .text = "Here.", .files = files
	};
	struct house *house = *state;

	house_think(house, 1, 5);
	fake_ai_answer(house->ai, fake_ai_thought(house->ai, 0), "Here.");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), NULL,
			     &(struct store_answered){ .ended = &ended });
	assert_string_equal(house->chat->ended[0].files, linked);
	house->chat->host->look(house->chat->host, "u1", 7);
	fake_loop_run(house->loop);
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL, &ended);
	assert_string_equal(house->chat->found[0].files, linked);
	house->chat->host->look(house->chat->host, "u2", 8);
	fake_loop_run(house->loop);
	fake_answer_found(house->store, house_question(house, Q_LOOK), NULL, NULL);
	assert_true(house->chat->found[1].none);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_a_file_is_brought_and_sent),	      CASE(test_a_file_that_is_gone),
		CASE(test_a_disk_that_is_full_for_a_while),   CASE(test_a_file_that_does_not_come),
		CASE(test_a_plugin_has_its_whole_time),	      CASE(test_stopped_while_it_is_brought),
		CASE(test_where_no_files_are_taken),	      CASE(test_files_of_fetched_answers),
		cmocka_unit_test(test_where_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
