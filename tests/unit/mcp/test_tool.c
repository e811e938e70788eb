/* One tool: a name that every provider takes, a schema that none refuses, and a hash that tells a change. */
#include "buf.h"
#include "mem.h"
#include "server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mcp_tool reads(const char *text)
{
	struct err err = { 0 };
	json_t *from = json_read(text, strlen(text), &err);
	struct mcp_tool tool;

	assert_non_null(from);
	if (!tool_read("s", from, &tool, &err))
		fail_msg("%s: %s", text, err.text);
	json_decref(from);
	return tool;
}

static void refuses(const char *text, const char *why)
{
	struct err err = { 0 };
	json_t *from = json_read(text, strlen(text), NULL);
	struct mcp_tool tool;

	assert_non_null(from);
	assert_false(tool_read("s", from, &tool, &err));
	if (strstr(err.text, why) == NULL)
		fail_msg("%s, without %s", err.text, why);
	json_decref(from);
}

static void names_are_safe(void **state)
{
	static const char *const cases[][2] = { { "read", "files__read" },
						{ "read.file", "files__read_file" },
						{ "a b/c:d", "files__a_b_c_d" },
						{ "Gr\xc3\xb6\xc3\x9f"
						  "e",
						  "files__Gr____e" },
						{ "__", "files____" } };
	char name[MCP_NAME_MAX + 1], other[MCP_NAME_MAX + 1];
	char longest[201];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tool_name("files", cases[i][0], false, name);
		assert_string_equal(name, cases[i][1]);
	}
	tool_name("1st", "x", false, name);
	assert_string_equal(name, "t_1st__x");
	memset(longest, 'x', 200);
	longest[200] = '\0';
	tool_name("files", longest, false, name);
	assert_int_equal(strlen(name), MCP_NAME_MAX);
	longest[199] = 'y'; /* differs far behind the cut */
	tool_name("files", longest, false, other);
	assert_string_not_equal(name, other);
	tool_name("files", longest, false, name);
	assert_string_equal(name, other); /* and stays the same over restarts */
}

static void names_that_would_be_alike_are_not(void **state)
{
	static const char *const names[] = { "a.b", "a_b", "A_B", "a_b", "c" };
	struct tool_list list = { 0 };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		char *text = mem_format("{\"name\":\"%s\",\"inputSchema\":{}}", names[i]);
		struct mcp_tool tool = reads(text);

		tool_list_add(&list, &tool);
		free(text);
	}
	tool_list_settle(&list, "s", NULL);
	assert_int_equal(list.count, 4); /* the double is dropped */
	for (size_t i = 0; i < list.count; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(strcasecmp(list.tools[i].name, list.tools[j].name), 0);
	assert_string_equal(tool_list_find(&list, "c")->name, "s__c");
	assert_string_equal(tool_list_find(&list, "A_B")->name, "s__A_B");
	assert_null(tool_list_find(&list, "d"));
	tool_list_finish(&list);
}

static void schemas_are_cleaned_for_the_model(void **state)
{
	struct mcp_tool tool =
		reads("{\"name\":\"x\",\"title\":\"T\",\"inputSchema\":{\"$schema\":\"http://json-schema.org/"
		      "draft-07/schema#\",\"type\":\"object\",\"anyOf\":[{}]}}");

	(void)state;
	assert_string_equal(tool.parameters, "{\"type\":\"object\",\"properties\":{}}");
	assert_string_equal(tool.description, "T");
	tool_finish(&tool);
	tool = reads("{\"name\":\"x\",\"description\":\"D\",\"inputSchema\":{\"properties\":{\"a\":{\"$ref\":"
		     "\"http://127.0.0.1/x\"}},\"required\":[\"a\"]}}");
	assert_string_equal(tool.parameters,
			    "{\"properties\":{\"a\":{\"$ref\":\"http://127.0.0.1/x\"}},\"required\":[\"a\"],"
			    "\"type\":\"object\"}");
	assert_string_equal(tool.description, "D");
	tool_finish(&tool);
}

static void schemas_have_bounds(void **state)
{
	struct buf deep = { 0 }, large = { 0 };

	(void)state;
	refuses("{\"name\":\"x\"}", "no input schema");
	refuses("{\"name\":\"x\",\"inputSchema\":{\"type\":\"array\"}}", "not an object");
	refuses("{\"name\":\"x\",\"inputSchema\":{},\"execution\":{\"taskSupport\":\"required\"}}", "task");
	refuses("{\"inputSchema\":{}}", "no name");
	buf_text(&deep, "{\"name\":\"x\",\"inputSchema\":");
	for (int i = 0; i < 40; i++)
		buf_text(&deep, "{\"items\":");
	buf_text(&deep, "1");
	for (int i = 0; i < 41; i++)
		buf_text(&deep, "}");
	refuses(deep.data, "levels");
	buf_text(&large, "{\"name\":\"x\",\"inputSchema\":{\"description\":\"");
	for (int i = 0; i < MCP_SCHEMA_MAX / 16; i++)
		buf_text(&large, "0123456789abcdef");
	buf_text(&large, "\"}}");
	refuses(large.data, "bytes");
	buf_free(&deep);
	buf_free(&large);
}

/* The order of keys is no change; every word that the model reads is one. */
static void the_hash_is_of_what_matters(void **state)
{
	struct mcp_tool one =
		reads("{\"name\":\"x\",\"description\":\"d\",\"inputSchema\":{\"a\":1,\"b\":2}}");
	struct mcp_tool same = reads(
		"{\"inputSchema\":{\"b\":2,\"a\":1},\"description\":\"d\",\"name\":\"x\",\"title\":\"t\","
		"\"_meta\":{}}");

	(void)state;
	assert_string_equal(one.hash, same.hash);
	tool_finish(&same);
	same = reads("{\"name\":\"x\",\"description\":\"e\",\"inputSchema\":{\"a\":1,\"b\":2}}");
	assert_string_not_equal(one.hash, same.hash);
	tool_finish(&same);
	same = reads("{\"name\":\"x\",\"description\":\"d\",\"inputSchema\":{\"a\":1,\"b\":2},"
		     "\"annotations\":{}}");
	assert_string_not_equal(one.hash, same.hash);
	tool_finish(&same);
	tool_finish(&one);
}

static void long_descriptions_are_cut(void **state)
{
	struct buf text = { 0 };
	struct mcp_tool tool;

	(void)state;
	buf_text(&text, "{\"name\":\"x\",\"inputSchema\":{},\"description\":\"a");
	for (int i = 0; i < MCP_DESCRIPTION_MAX; i++)
		buf_text(&text, "\xc3\xa4");
	buf_text(&text, "\"}");
	tool = reads(text.data);
	assert_int_equal(strlen(tool.description), MCP_DESCRIPTION_MAX - 1); /* no half character */
	tool_finish(&tool);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_safe),
		cmocka_unit_test(names_that_would_be_alike_are_not),
		cmocka_unit_test(schemas_are_cleaned_for_the_model),
		cmocka_unit_test(schemas_have_bounds),
		cmocka_unit_test(the_hash_is_of_what_matters),
		cmocka_unit_test(long_descriptions_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
