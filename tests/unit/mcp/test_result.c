/* Results for the model: words as they are, a line for everything else, and never more than fits. */
#include "buf.h"
#include "server.h"
#include "text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *becomes(const char *text, bool *failed)
{
	json_t *result = json_read(text, strlen(text), NULL), *read;
	char *json;

	assert_non_null(result);
	json = result_json(result, failed);
	read = json_read(json, strlen(json), NULL);
	assert_true(json_is_object(read));
	json_decref(read);
	json_decref(result);
	return json;
}

static void blocks_become_words(void **state)
{
	static const struct {
		const char *result, *json;
		bool failed;
	} cases[] = {
		{ "{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}",
		  "{\"text\":\"a\\nb\"}", false },
		{ "{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"structuredContent\":{\"x\":1}}",
		  "{\"text\":\"a\"}", false },
		{ "{\"content\":[],\"structuredContent\":{\"x\":[1]}}", "{\"structured\":{\"x\":[1]}}",
		  false },
		{ "{\"structuredContent\":{\"x\":1},\"isError\":true}",
		  "{\"error\":\"the tool failed\",\"structured\":{\"x\":1}}", true },
		{ "{\"content\":[{\"type\":\"text\",\"text\":\"no\"}],\"isError\":true}",
		  "{\"error\":\"no\"}", true },
		{ "{\"content\":[],\"isError\":true}", "{\"error\":\"the tool failed without a word\"}",
		  true },
		{ "{}", "{\"text\":\"(no output)\"}", false },
		{ "{\"content\":[{\"type\":\"text\",\"text\":\"\"}]}", "{\"text\":\"(no output)\"}", false },
		{ "{\"content\":[{\"type\":\"image\",\"data\":\"QUJD\",\"mimeType\":\"image/png\"}]}",
		  "{\"text\":\"[image, image/png, 3 bytes]\"}", false },
		{ "{\"content\":[{\"type\":\"audio\"}],\"structuredContent\":{}}",
		  "{\"text\":\"[audio, of an unknown type, 0 bytes]\",\"structured\":{}}", false },
		{ "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"f:///a\",\"text\":\"T\"}}]}",
		  "{\"text\":\"[resource f:///a]\\nT\"}", false },
		{ "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"f:///"
		  "a\",\"blob\":\"QUJD\",\"mimeType\":\"a/b\"}}]}",
		  "{\"text\":\"[resource f:///a]\\n[file, a/b, 3 bytes]\"}", false },
		{ "{\"content\":[{\"type\":\"resource_link\",\"uri\":\"f:///"
		  "a\",\"name\":\"n\",\"description\":\"d\"}]}",
		  "{\"text\":\"[link to n: f:///a, d]\"}", false },
		{ "{\"content\":[{\"type\":\"hologram\"},{},7]}",
		  "{\"text\":\"[something of the unknown type hologram]\\n[something of the unknown type "
		  "?]\\n[something "
		  "of the unknown type ?]\"}",
		  false },
		{ "{\"content\":\"text\"}", "{\"text\":\"(no output)\"}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool failed;
		char *json = becomes(cases[i].result, &failed);

		assert_string_equal(json, cases[i].json);
		assert_int_equal(failed, cases[i].failed);
		free(json);
	}
}

static void long_ones_are_cut_and_say_so(void **state)
{
	struct buf text = { 0 };
	bool failed;
	char *json;

	(void)state;
	buf_text(&text, "{\"content\":[{\"type\":\"text\",\"text\":\"x");
	for (int i = 0; i < MCP_RESULT_MAX; i++)
		buf_text(&text, "\xc3\xa4");
	buf_text(&text, "\"},{\"type\":\"text\",\"text\":\"never seen\"}]}");
	json = becomes(text.data, &failed);
	assert_in_range(strlen(json), MCP_RESULT_MAX - 2, MCP_RESULT_MAX + 200);
	assert_non_null(strstr(json, "[cut here: these are the first "));
	assert_true(text_valid(json, strlen(json)));
	assert_null(strstr(json, "never seen"));
	free(json);
	buf_free(&text);
}

/* What is no text is bounded as well. */
static void large_structures_are_cut_as_text(void **state)
{
	struct buf text = { 0 };
	bool failed;
	char *json;

	(void)state;
	buf_text(&text, "{\"structuredContent\":{\"x\":\"");
	for (int i = 0; i < MCP_RESULT_MAX / 4; i++)
		buf_text(&text, "abcdefgh");
	buf_text(&text, "\"}}");
	json = becomes(text.data, &failed);
	assert_in_range(strlen(json), MCP_RESULT_MAX, MCP_RESULT_MAX + 200);
	assert_non_null(strstr(json, "[cut here"));
	free(json);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_become_words),
		cmocka_unit_test(long_ones_are_cut_and_say_so),
		cmocka_unit_test(large_structures_are_cut_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
