/* What the daemon keeps of a file: chunks that can be quoted, and an outline from which a model knows what there is. */
#include "columns.h"
#include "json.h"
#include "stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The chunk lines are strict JSON with two keys each; how many. */
static int chunks_check(const struct buf *chunks)
{
	const char *at = buf_str(chunks);
	int count = 0;

	for (const char *end; (end = strchr(at, '\n')) != NULL; at = end + 1, count++) {
		json_t *line = json_read(at, (size_t)(end - at), NULL);

		assert_non_null(line);
		assert_int_equal(json_object_size(line), 2);
		assert_true(strlen(json_text(line, "text")) <= EXTRACT_CHUNK_MAX);
		assert_true(strlen(json_text(line, "place")) <= EXTRACT_PLACE_MAX);
		json_decref(line);
	}
	assert_int_equal(*at, '\0');
	return count;
}

static const char *at_text(const json_t *outline, const char *pointer)
{
	const json_t *value = json_pointer(outline, pointer);

	return json_is_string(value) ? json_string_value(value) : "(none)";
}

static int64_t at_int(const json_t *outline, const char *pointer)
{
	return json_integer_value(json_pointer(outline, pointer));
}

static void a_table_is_chunks_of_rows_and_columns_of_the_outline(void **state)
{
	struct stage stage;

	(void)state;
	stage_begin(&stage);
	stage_extract(&stage, "o.csv",
		      BYTES("Orders "
			    "2026,,\n\nName,Amount,Paid\nAnn,\"1.234,5\",01.02.2026\nBob,,02.02.2026\nZoe,3,"
			    "no date\n"));
	assert_true(stage.good);
	assert_int_equal(chunks_check(&stage.chunks), 1);
	assert_string_equal(
		buf_str(&stage.chunks),
		"{\"place\":\"rows 1-6\",\"text\":\"Orders 2026\\nName: Ann; Amount: 1.234,5; Paid: "
		"01.02.2026\\nName: Bob; Paid: 02.02.2026\\nName: Zoe; Amount: 3; Paid: no date\"}\n");
	assert_int_equal(at_int(stage.outline, "/tables/0/rows"), 3);
	assert_string_equal(at_text(stage.outline, "/tables/0/columns/0/name"), "Name");
	assert_string_equal(at_text(stage.outline, "/tables/0/columns/1/type"), "number");
	assert_int_equal(at_int(stage.outline, "/tables/0/columns/1/filled"), 2);
	assert_string_equal(at_text(stage.outline, "/tables/0/columns/2/type"), "text");
	assert_string_equal(at_text(stage.outline, "/tables/0/columns/2/samples/2"), "no date");
	assert_int_equal(at_int(stage.outline, "/chunks"), 1);
	assert_true(json_is_false(json_object_get(stage.outline, "cut")));
	stage_end(&stage);
}

static void tables_without_a_header_stay_whole(void **state)
{
	struct stage stage;

	(void)state;
	stage_begin(&stage);
	stage_extract(&stage, "n.csv", BYTES("1,2026-01-02\n2,2026-01-03\n"));
	assert_int_equal(at_int(stage.outline, "/tables/0/rows"), 2);
	assert_string_equal(at_text(stage.outline, "/tables/0/columns/0/name"), "column 1");
	assert_string_equal(at_text(stage.outline, "/tables/0/columns/1/type"), "date");
	assert_non_null(strstr(buf_str(&stage.chunks), "1 | 2026-01-02\\n2 | 2026-01-03"));
	stage_end(&stage);
	stage_begin(&stage);
	stage_extract(&stage, "h.csv", BYTES("Name,Amount\n"));
	assert_true(stage.good);
	assert_non_null(strstr(buf_str(&stage.chunks), "Name | Amount"));
	stage_end(&stage);
}

static void many_rows_make_many_chunks_that_say_which_rows(void **state)
{
	struct buf csv = { 0 };
	struct stage stage;

	(void)state;
	buf_text(&csv, "id,note\n");
	for (int i = 1; i <= 2000; i++)
		buf_format(&csv, "%d,this is the note of order %d\n", i, i);
	stage_begin(&stage);
	stage_extract(&stage, "o.csv", csv.data, csv.len);
	assert_true(chunks_check(&stage.chunks) > 30);
	assert_memory_equal(buf_str(&stage.chunks), "{\"place\":\"rows 2-", 16);
	assert_int_equal(at_int(stage.outline, "/tables/0/rows"), 2000);
	assert_true(strlen(at_text(stage.outline, "/head")) <= EXTRACT_HEAD_MAX);
	assert_string_equal(at_text(stage.outline, "/tables/0/columns/0/type"), "integer");
	stage_end(&stage);
	buf_free(&csv);
}

/* A line of an answer has a limit; what a stranger's file is like must not break it. */
static void an_outline_fits_its_line_whatever_the_file(void **state)
{
	struct buf json = { 0 };
	struct stage stage;
	char *text;

	(void)state;
	buf_text(&json, "{");
	for (int t = 0; t < 60; t++) {
		buf_format(&json, "%s\"t%d\":[{", t ? "," : "", t);
		for (int c = 0; c < 210; c++)
			buf_format(&json,
				   "%s\"column with a name that is quite long, as some people have them "
				   "%d\":\"value of the same kind %d\"",
				   c ? "," : "", c, c);
		buf_text(&json, "}]");
	}
	buf_text(&json, "}");
	stage_begin(&stage);
	stage_extract(&stage, "o.json", json.data, json.len);
	assert_true(stage.good);
	text = json_write(stage.outline);
	assert_true(strlen(text) < EXTRACT_LINE_MAX - 100);
	assert_true(json_array_size(json_object_get(stage.outline, "tables")) > 10);
	assert_true(json_array_size(json_object_get(stage.outline, "warnings")) > 0);
	free(text);
	stage_end(&stage);
	buf_free(&json);
}

static void output_that_meets_its_limit_is_cut_and_says_so(void **state)
{
	struct buf text = { 0 };
	struct stage stage;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_text(&text, "A sentence of some length, again and again.\n\n");
	stage_begin(&stage);
	stage.parse.limits.output = 10000;
	stage_extract(&stage, "o.txt", text.data, text.len);
	assert_true(stage.good);
	assert_true(json_is_true(json_object_get(stage.outline, "cut")));
	assert_true(stage.chunks.len <= 10000);
	assert_true(chunks_check(&stage.chunks) > 2);
	assert_int_equal(chunks_check(&stage.chunks), at_int(stage.outline, "/chunks"));
	stage_end(&stage);
	buf_free(&text);
}

static void values_are_told_by_their_looks(void **state)
{
	static const struct {
		const char *text;
		enum value want;
	} values[] = {
		{ "", VALUE_EMPTY },
		{ "  ", VALUE_EMPTY },
		{ "12", VALUE_INTEGER },
		{ "-12", VALUE_INTEGER },
		{ "1.5", VALUE_NUMBER },
		{ "1.234,56", VALUE_NUMBER },
		{ "1,234.56", VALUE_NUMBER },
		{ "1 234,5", VALUE_NUMBER },
		{ "\xe2\x82\xac 12,50", VALUE_NUMBER },
		{ "12 %", VALUE_NUMBER },
		{ "-$5", VALUE_NUMBER },
		{ "1e5", VALUE_NUMBER },
		{ "00123", VALUE_TEXT },
		{ "12a", VALUE_TEXT },
		{ "+49 171 1234567", VALUE_TEXT },
		{ "1-2", VALUE_TEXT },
		{ "2026-01-31", VALUE_DATE },
		{ "31.1.2026", VALUE_DATE },
		{ "1/31/2026", VALUE_DATE },
		{ "31.01.26", VALUE_DATE },
		{ "2026-13-01", VALUE_TEXT },
		{ "32.01.2026", VALUE_TEXT },
		{ "2026-01-31T10:00:00Z", VALUE_DATETIME },
		{ "31.01.2026 10:00", VALUE_DATETIME },
		{ "1.2.3", VALUE_TEXT },
		{ "yes", VALUE_BOOLEAN },
		{ "1,234,567.5", VALUE_NUMBER },
		{ "1.234.567", VALUE_NUMBER },
		{ "FALSE", VALUE_BOOLEAN },
		{ "Ann", VALUE_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct cell cell = { CELL_TEXT, values[i].text, strlen(values[i].text) };

		if (value_of(&cell) != values[i].want)
			fail_msg("\"%s\" is %s", values[i].text, value_name(value_of(&cell)));
	}
}

static void names_of_columns_are_filled_and_each_there_once(void **state)
{
	const struct cell cells[] = {
		{ CELL_TEXT, "a", 1 }, { CELL_EMPTY, "", 0 }, { CELL_TEXT, "a", 1 }, { CELL_TEXT, "b\nc", 3 }
	};
	char **names = header_names(cells, 4);

	(void)state;
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "column 2");
	assert_string_equal(names[2], "a (2)");
	assert_string_equal(names[3], "b c");
	for (size_t i = 0; i < 4; i++)
		free(names[i]);
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_chunks_of_rows_and_columns_of_the_outline),
		cmocka_unit_test(tables_without_a_header_stay_whole),
		cmocka_unit_test(many_rows_make_many_chunks_that_say_which_rows),
		cmocka_unit_test(an_outline_fits_its_line_whatever_the_file),
		cmocka_unit_test(output_that_meets_its_limit_is_cut_and_says_so),
		cmocka_unit_test(values_are_told_by_their_looks),
		cmocka_unit_test(names_of_columns_are_filled_and_each_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
