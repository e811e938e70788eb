/* Commands are recognised whatever case they are typed in, and a question that begins like one stays a question. */
#include "command_words.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void found_by_name_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMAND_WORDS; i++) {
		const struct command_word *word = &command_words[i];

		assert_ptr_equal(command_word_find(word->name, strlen(word->name)), word);
		assert_true(strlen(word->about) > 0);
		assert_true(word->argument_max <= COMMAND_ARGUMENT_MAX);
		assert_int_equal(word->argument != NULL, word->argument_max > 0);
	}
	assert_string_equal(command_word_find("HeLp me", 4)->name, "help");
	assert_null(command_word_find("help me", 7));
	assert_null(command_word_find("hel", 3));
	assert_null(command_word_find("", 0));
}

static const char *told(struct arena *arena, const char *name, const char *rest)
{
	return command_word_text(arena, command_word_find(name, strlen(name)), rest);
}

static void a_question_is_no_command(void **state)
{
	struct arena *arena = arena_create();
	char longest[COMMAND_ARGUMENT_MAX + 2];

	(void)state;
	assert_string_equal(told(arena, "help", ""), "help");
	assert_null(told(arena, "help", "me with my taxes"));
	assert_string_equal(told(arena, "link", "ABCD 1234"), "link ABCD 1234");
	assert_string_equal(told(arena, "language", "pt-BR\n"), "language pt-BR");
	assert_null(told(arena, "language", "de\nand what is the weather?"));
	memset(longest, 'A', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_null(told(arena, "link", longest));
	longest[sizeof(longest) - 2] = '\0';
	assert_non_null(told(arena, "link", longest));
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_name_alone),
		cmocka_unit_test(a_question_is_no_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
