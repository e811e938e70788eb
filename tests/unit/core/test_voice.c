/* Voice notes: what is said in them is what the model is asked, and the person sees what was heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_imports.h"
#include "house.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct imports *imports;

static int setup(void **state)
{
	int status;

	imports = fake_imports_create();
	status = house_setup(state, &(struct core_options){ .imports = imports, .file_max = 1000 });
	fake_ai_hears(((struct house *)*state)->ai);
	return status;
}

static int teardown(void **state)
{
	house_teardown(state);
	return fake_imports_destroy(imports) ? 0 : -1;
}

static const struct message_file note[] = {
	{ .url = "V1", .name = "voice.oga", .mime = "audio/ogg", .size = 12 }
};
static const size_t messages[1];

/* The note has come and is on record. */
static void bring(struct house *house, const char *text)
{
	struct store_turn turn = *house_room_turn("one", 1, 5, 0);

	turn.files = note;
	turn.file_messages = messages;
	turn.file_count = 1;
	turn.text = text;
	house_begin(house, &turn);
	house_recall(house);
	fake_answer_imports(house->store, house_question(house, Q_IMPORTS), NULL,
			    &(struct store_import){ .id = 31, .size = -1 }, 1);
	house->room->host->fetched(house->room->host, house->room->fetches[0].ticket,
				   &(struct fetched){ .how = FETCHED, .size = 1234, .mime = "audio/ogg" });
	fake_kept(imports, fake_imports_task(imports, TASK_KEEP), NULL, "ab", 1234);
	fake_answer_done(house->store, house_question(house, Q_STEP), NULL);
	assert_null(fake_imports_task(imports, TASK_READ)); /* there is nothing to read in it */
	assert_string_equal(house_question(house, Q_STEP)->kind_of, "audio");
	fake_answer_done(house->store, house_question(house, Q_STEP), NULL);
	assert_int_equal(house_question(house, Q_STEP)->step, IMPORT_EXTRACTED);
	fake_answer_done(house->store, house_question(house, Q_STEP), NULL);
}

static struct thought *thinking(struct house *house)
{
	return fake_ai_thought(house->ai, 0);
}

static void test_what_is_said_is_asked(void **state)
{
	struct house *house = *state;
	struct question *q;

	bring(house, "");
	assert_null(thinking(house)); /* it is being heard first */
	assert_string_equal(fake_ai_hearing(house->ai), house->room->fetches[0].path);
	fake_ai_heard(house->ai, "Add milk to *my* list", NULL);
	assert_int_equal(house_waiting(house, Q_JOURNAL), 1); /* what it took is on record */
	assert_ptr_equal(strstr(thinking(house)->prompt,
				"[Said in a voice note:]\nAdd milk to *my* list\n(file: voice.oga"),
			 thinking(house)->prompt);
	fake_ai_answer(house->ai, thinking(house), "Done.");
	q = house_question(house, Q_ANSWER);
	assert_non_null(strstr(q->text, "import 31, heard: Add milk to \\*my\\* list"));
	assert_string_equal(q->heard, "Add milk to *my* list"); /* and remembered in later turns */
	house_answered(house);
}

/* Better an answer that says so than none. */
static void test_what_could_not_be_heard_is_said(void **state)
{
	struct house *house = *state;

	bring(house, "look at this");
	fake_ai_heard(house->ai, NULL, "the transcription service answered 503");
	assert_non_null(strstr(thinking(house)->prompt, "look at this\n(file: voice.oga"));
	assert_non_null(
		strstr(thinking(house)->prompt, "could not be told: the transcription service answered 503"));
	fake_ai_answer(house->ai, thinking(house), "I can't hear it.");
	assert_non_null(strstr(house_question(house, Q_ANSWER)->text,
			       "not heard: the transcription service answered 503"));
	house_answered(house);
}

static void test_a_service_without_an_answer_holds_nobody_up(void **state)
{
	struct house *house = *state;

	bring(house, "hello");
	fake_loop_pass(house->loop, 601000);
	assert_null(fake_ai_hearing(house->ai));
	assert_non_null(strstr(thinking(house)->prompt, "it took too long"));
	fake_ai_answer(house->ai, thinking(house), "Hi.");
	house_answered(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_said_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_could_not_be_heard_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_service_without_an_answer_holds_nobody_up, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
