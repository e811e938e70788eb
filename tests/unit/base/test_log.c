/* What stands in the log: no secret, no line of somebody else's making. */
#include "log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static char said[16384];

/* What this sentence looks like on the standard error output. */
static const char *logged(bool json, const char *text)
{
	int file = memfd_create("log", MFD_CLOEXEC), old = dup(STDERR_FILENO);
	ssize_t len;

	dup2(file, STDERR_FILENO);
	log_setup(LOG_INFO, json);
	log_info(NULL, "%s", text);
	dup2(old, STDERR_FILENO);
	len = pread(file, said, sizeof(said) - 1, 0);
	close(old);
	close(file);
	assert_true(len > 0);
	said[len] = '\0';
	return said;
}

/* People write api_key = "secret" for servers that check none; that must not hang the daemon. */
static void a_secret_that_is_in_the_mark_is_replaced_once(void **state)
{
	(void)state;
	log_hide("secret");
	log_hide("secret");
	assert_non_null(strstr(logged(true, "the secret is secret"), "\"the [secret] is [secret]\""));
}

static void every_secret_is_replaced_wherever_it_stands(void **state)
{
	(void)state;
	log_hide("hunter-2-hunter");
	log_hide("another one");
	assert_non_null(strstr(logged(true, "hunter-2-hunteranother one, hunter-2-hunter"),
			       "\"[secret][secret], [secret]\""));
	assert_null(strstr(logged(false, "hunter-2-hunter"), "hunter"));
}

/* A short one that begins a long one must not leave the rest of it readable, in whatever order they came. */
static void a_secret_that_begins_another_leaves_nothing_of_it(void **state)
{
	(void)state;
	log_hide("prefix-of");
	log_hide("prefix-of-the-longer-one");
	assert_null(strstr(logged(false, "it is prefix-of-the-longer-one"), "longer"));
}

/* A line is cut at 4,000 bytes, what it says of a secret is not. */
static void a_secret_at_the_end_of_a_long_line_is_replaced_whole(void **state)
{
	char text[4100];

	(void)state;
	log_hide("0123456789-abcdefghij");
	memset(text, 'x', sizeof(text));
	strcpy(text + 3990, "0123456789-abcdefghij");
	assert_null(strstr(logged(false, text), "0123"));
}

static void what_is_shown_elsewhere_holds_no_secret(void **state)
{
	char *clean;

	(void)state;
	log_hide("echoed-token-42");
	clean = log_clean("token echoed-token-42 is over");
	assert_null(strstr(clean, "echoed"));
	assert_non_null(strstr(clean, " is over"));
	free(clean);
}

static void short_values_are_not_hidden(void **state)
{
	(void)state;
	log_hide("key");
	assert_non_null(strstr(logged(true, "which key"), "which key"));
}

/* Tokens that are renewed twice a day must not be remembered for ever; one that somebody else still uses must. */
static void what_is_good_for_nothing_any_more_is_forgotten(void **state)
{
	(void)state;
	log_hide("renewed-token-1");
	log_hide("renewed-token-1");
	log_unhide("renewed-token-1");
	assert_null(strstr(logged(false, "renewed-token-1"), "renewed"));
	log_unhide("renewed-token-1");
	assert_non_null(strstr(logged(false, "renewed-token-1"), "renewed-token-1"));
	log_unhide("renewed-token-1");
	log_unhide(NULL);
}

/* A line break or an escape sequence in what a stranger sent must not become one in the operator's terminal.
 */
static void control_characters_are_shown_and_not_sent(void **state)
{
	const char *line;

	(void)state;
	line = logged(false, "a\nb\x1b[2Jc\x7f"
			     "d\xc2\x9b"
			     "2Je\xc3\xbc");
	assert_non_null(strstr(line, "a\\x0ab\\x1b[2Jc\\x7f"
				     "d\\x9b"
				     "2Je\xc3\xbc\n"));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	line = logged(true, "a\nb\x1b[2J\xc2\x9b");
	assert_non_null(strstr(line, "a\\nb\\\\x1b[2J\\\\x9b\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_secret_is_replaced_wherever_it_stands),
		cmocka_unit_test(a_secret_that_is_in_the_mark_is_replaced_once),
		cmocka_unit_test(a_secret_that_begins_another_leaves_nothing_of_it),
		cmocka_unit_test(a_secret_at_the_end_of_a_long_line_is_replaced_whole),
		cmocka_unit_test(what_is_shown_elsewhere_holds_no_secret),
		cmocka_unit_test(short_values_are_not_hidden),
		cmocka_unit_test(what_is_good_for_nothing_any_more_is_forgotten),
		cmocka_unit_test(control_characters_are_shown_and_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
