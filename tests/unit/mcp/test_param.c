/* Headers that repeat what a request says: something between us and the server may act by them, so each rule counts. */
#include "mem.h"
#include "server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *json_of(const char *text)
{
	struct err err = { 0 };
	json_t *value = json_read(text, strlen(text), &err);

	if (value == NULL)
		fail_msg("%s: %s", err.text, text);
	return value;
}

/* The examples of the specification are among them. */
static void values_are_plain_or_coded(void **state)
{
	static const struct {
		const char *text, *value;
	} rows[] = {
		{ "us-west1", "us-west1" },
		{ "us west 1", "us west 1" },
		{ "", "" },
		{ "~!", "~!" },
		{ "Hello, \xe4\xb8\x96\xe7\x95\x8c", "=?base64?SGVsbG8sIOS4lueVjA==?=" },
		{ " padded ", "=?base64?IHBhZGRlZCA=?=" },
		{ " a", "=?base64?IGE=?=" },
		{ "a ", "=?base64?YSA=?=" },
		{ " ", "=?base64?IA==?=" },
		{ "line1\nline2", "=?base64?bGluZTEKbGluZTI=?=" },
		{ "\tindented", "=?base64?CWluZGVudGVk?=" },
		{ "a\tb", "=?base64?YQli?=" },
		{ "\x7f", "=?base64?fw==?=" },
		{ "=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=" },
		{ "=?base64?\?=", "=?base64?PT9iYXNlNjQ/Pz0=?=" },
		{ "=?base64?=", "=?base64?=" },
		{ "=?BASE64?x?=", "=?BASE64?x?=" },
		{ "=?base64?open", "=?base64?open" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *value = param_value(rows[i].text, strlen(rows[i].text));

		assert_string_equal(value, rows[i].value);
		free(value);
	}
}

static void schemas_keep_the_rules(void **state)
{
	static const struct {
		const char *schema;
		bool fine;
	} rows[] = {
		{ "{}", true },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':'A'}}}", true },
		{ "{'properties':{'a':{'type':'integer','x-mcp-header':'A-b.c_1'}}}", true },
		{ "{'properties':{'a':{'type':'boolean','x-mcp-header':'!#$%&*+^`|~'}}}", true },
		{ "{'properties':{'a':{'type':'object','properties':{'b':{'type':'string','x-mcp-header':'B'}"
		  "}}}}",
		  true },
		{ "{'properties':{'x-mcp-header':{'type':'string'}}}", true }, /* the name of a parameter */
		{ "{'properties':{'a':{'default':{'x-mcp-header':'A'}}}}", true }, /* data */
		{ "{'properties':{'a':{'enum':[{'x-mcp-header':'A'}]}}}", true },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':''}}}", false },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':1}}}", false },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':null}}}", false },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':'A B'}}}", false },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':'A:'}}}", false },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':'A\\r\\nB'}}}", false },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':'\xc3\xa4'}}}", false },
		{ "{'properties':{'a':{'type':'number','x-mcp-header':'A'}}}", false },
		{ "{'properties':{'a':{'type':'object','x-mcp-header':'A'}}}", false },
		{ "{'properties':{'a':{'type':'array','x-mcp-header':'A'}}}", false },
		{ "{'properties':{'a':{'type':'null','x-mcp-header':'A'}}}", false },
		{ "{'properties':{'a':{'type':['string','null'],'x-mcp-header':'A'}}}", false },
		{ "{'properties':{'a':{'x-mcp-header':'A'}}}", false },
		{ "{'properties':{'a':{'type':'string','x-mcp-header':'A'},'b':{'type':'string','x-mcp-"
		  "header':'a'}}}",
		  false },
		{ "{'x-mcp-header':'A','type':'object'}", false },
		{ "{'properties':{'a':{'items':{'type':'string','x-mcp-header':'A'}}}}", false },
		{ "{'anyOf':[{'properties':{'a':{'type':'string','x-mcp-header':'A'}}}]}", false },
		{ "{'if':{'properties':{'a':{'type':'string','x-mcp-header':'A'}}}}", false },
		{ "{'$defs':{'a':{'type':'string','x-mcp-header':'A'}}}", false },
		{ "{'properties':{'properties':{'items':{'type':'string','x-mcp-header':'A'}}}}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = mem_text(rows[i].schema);
		struct err err = { 0 };
		json_t *schema;

		for (char *at = text; *at; at++)
			*at = *at == '\'' ? '"' : *at;
		schema = json_of(text);
		if (param_check(schema, &err) != rows[i].fine)
			fail_msg("%s: %s", text, err.text);
		json_decref(schema);
		free(text);
	}
}

static void arguments_that_are_marked_are_mirrored(void **state)
{
	static const char schema_text[] =
		"{\"properties\":{\"s\":{\"type\":\"string\",\"x-mcp-header\":\"S\"},"
		"\"i\":{\"type\":\"integer\",\"x-mcp-header\":\"I\"},"
		"\"t\":{\"type\":\"boolean\",\"x-mcp-header\":\"T\"},"
		"\"o\":{\"properties\":{\"deep\":{\"type\":\"string\",\"x-mcp-header\":\"Deep\"}}},"
		"\"plain\":{\"type\":\"string\"}}}";
	static const struct {
		const char *arguments, *rows;
	} rows[] = {
		{ "{}", "" },
		{ "{\"s\":\"a b\",\"plain\":\"x\"}", "Mcp-Param-S: a b\n" },
		{ "{\"s\":\"\"}", "Mcp-Param-S: \n" },
		{ "{\"s\":\"a\\r\\nEvil: 1\"}", "Mcp-Param-S: =?base64?YQ0KRXZpbDogMQ==?=\n" },
		{ "{\"s\":null}", "" },
		{ "{\"i\":-7}", "Mcp-Param-I: -7\n" },
		{ "{\"i\":9007199254740991}", "Mcp-Param-I: 9007199254740991\n" },
		{ "{\"i\":9007199254740992}", "" },
		{ "{\"i\":-9007199254740992}", "" },
		{ "{\"t\":true}", "Mcp-Param-T: true\n" },
		{ "{\"t\":false}", "Mcp-Param-T: false\n" },
		{ "{\"o\":{\"deep\":\"d\"}}", "Mcp-Param-Deep: d\n" },
		{ "{\"o\":\"deep\"}", "" },
		{ "{\"s\":[1],\"i\":{},\"t\":1.5}", "" },
	};
	json_t *schema = json_of(schema_text);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct param_rows made = { 0 };
		json_t *arguments = json_of(rows[i].arguments);
		char all[200] = "";

		param_mirror(&made, schema, arguments);
		for (size_t k = 0; k < made.count; k++) {
			strcat(all, made.rows[k]);
			strcat(all, "\n");
		}
		assert_string_equal(all, rows[i].rows);
		param_finish(&made);
		json_decref(arguments);
	}
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_plain_or_coded),
		cmocka_unit_test(schemas_keep_the_rules),
		cmocka_unit_test(arguments_that_are_marked_are_mirrored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
