/* Tables converted: what goes out is what the file says, and what can't be read is told. */
#include "mem.h"
#include "spec.h"
#include "stage_convert.h"
#include "unique.h"
#include "writer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void gives(const char *csv, const char *spec, const char *want)
{
	struct converted c;

	convert_csv(&c, csv, spec);
	assert_string_equal(buf_str(&c.out), want);
	assert_int_equal(report_number(&c, "bytes"), (int64_t)c.out.len);
	converted_end(&c);
}

static void reasons(const char *csv, const char *spec, const char *want)
{
	struct converted c;
	char *text;

	convert_csv(&c, csv, spec);
	text = report_reasons(&c);
	assert_string_equal(text, want);
	free(text);
	converted_end(&c);
}

static void refused(const char *csv, const char *spec, const char *want)
{
	struct converted c;

	converted_begin(&c);
	convert(&c, "a.csv", csv, strlen(csv), spec);
	if (c.good)
		fail_msg("%s went well", spec);
	if (strstr(c.err.text, want) == NULL)
		fail_msg("%s\nis not: %s", c.err.text, want);
	converted_end(&c);
}

static void warns(const char *csv, const char *spec, const char *want, bool yes)
{
	struct converted c;

	convert_csv(&c, csv, spec);
	if (report_warns(&c, want) != yes)
		fail_msg("%s: %s", csv, want);
	converted_end(&c);
}

/* ---- columns ------------------------------------------------------------------------------------------------------- */

static void columns_are_found_by_name_and_number(void **state)
{
	(void)state;
	gives("Kunden-Name;BETRAG (€);Größe\nAda;12,50;3\n",
	      "{'format':'ndjson','columns':[{'name':'Grosse'},{'name':'kundenname'},{'name':'n','from':2,'"
	      "type':"
	      "'number'}]}",
	      "{\"Grosse\":\"3\",\"kundenname\":\"Ada\",\"n\":12.50}\n");
}

/* What the outline calls them, they are asked for as: notes beside a table made every conversion of it fail. */
static void columns_without_a_name_are_found_as_they_are_told(void **state)
{
	const char *csv = "name,amount\nAda,1,,a note\nBob,2\n";

	(void)state;
	gives(csv,
	      "{'format':'ndjson','columns':[{'name':'name'},{'name':'column 4'},{'name':'c','from':'Column "
	      "3'}]}",
	      "{\"name\":\"Ada\",\"column 4\":\"a note\",\"c\":null}\n"
	      "{\"name\":\"Bob\",\"column 4\":null,\"c\":null}\n");
	gives("1,2\n3,4\n", "{'format':'ndjson','columns':[{'name':'column 2','type':'integer'}]}",
	      "{\"column 2\":2}\n{\"column 2\":4}\n");
	gives("name,column 3\nAda,1,x\n", "{'format':'ndjson','columns':[{'name':'column 3'}]}",
	      "{\"column 3\":\"1\"}\n");
	refused(csv, "{'format':'csv','columns':[{'name':'column 5'}]}", "There is no column \"column 5\"");
	refused(csv, "{'format':'csv','columns':[{'name':'column 1'}]}", "There is no column \"column 1\"");
	refused(csv, "{'format':'csv','columns':[{'name':'column 99999999999'}]}", "There is no column");
}

static void what_is_not_there_is_said_with_what_is(void **state)
{
	const char *csv = "name,amount\nAda,1\nBob,2\n";

	(void)state;
	refused(csv, "{'format':'csv','columns':[{'name':'amuont'}]}",
		"spec: There is no column \"amuont\"; the nearest is \"amount\". There are \"name\", "
		"\"amount\".");
	refused(csv, "{'format':'csv','columns':[{'name':'zzzzzz'}]}",
		"spec: There is no column \"zzzzzz\". There are \"name\", \"amount\".");
	refused(csv, "{'format':'csv','columns':[{'name':'x','from':3}]}", "spec: There is no column 3");
	refused(csv, "{'format':'csv','table':'b.csv'}", "the nearest is \"a.csv\"");
	refused(csv, "{'format':'csv','table':2}", "spec: There is no table 2. There are 1: 1 \"a.csv\".");
	refused("1,2\n3,4\n", "{'format':'csv','columns':[{'name':'x'}]}", "has no names of columns");
	refused("A,a\n1,2\n", "{'format':'csv','columns':[{'name':'Á'}]}", "More than one column could be");
	refused(csv, "{'format':'csv','columns':[{'name':'aäääääääääääääääääääääääääääääääääääääää'}]}",
		"ä…\". There are");
	refused("", "{'format':'csv'}", "empty: ");
	gives(csv, "{'format':'tsv','table':'A csv','columns':[{'name':'n','from':'name'}]}",
	      "n\r\nAda\r\nBob\r\n");
}

static void orders_that_can_not_be_are_refused(void **state)
{
	static const struct {
		const char *spec, *want;
	} all[] = {
		{ "[]", "must be an object" },
		{ "{}", "\"format\" is missing" },
		{ "{'format':'pdf'}", "\"format\" must be one of \"csv\"" },
		{ "{'format':'csv','foo':1}", "\"foo\" is not known; there are format, table" },
		{ "{'format':'csv','table':0}", "\"table\" must be a name or a number" },
		{ "{'format':'csv','table':true}", "\"table\" must be" },
		{ "{'format':'csv','refused':'drop'}", "\"leave_out\", \"keep\"" },
		{ "{'format':'csv','columns':[]}", "1 to 200" },
		{ "{'format':'csv','columns':{}}", "1 to 200" },
		{ "{'format':'csv','columns':['a']}", "Column \"1\": must be an object" },
		{ "{'format':'csv','columns':[{'from':'a'}]}", "Column \"1\": \"name\" is missing" },
		{ "{'format':'csv','columns':[{'name':''}]}", "\"name\" must be a text" },
		{ "{'format':'csv','columns':[{'name':'a','from':-1}]}", "\"from\" must be" },
		{ "{'format':'csv','columns':[{'name':'a','typ':'text'}]}",
		  "Column \"a\": \"typ\" is not known" },
		{ "{'format':'csv','columns':[{'name':'a','type':'money'}]}", "\"integer\", \"date\"" },
		{ "{'format':'csv','columns':[{'name':'a'},{'name':'a'}]}", "two of this name" },
		{ "{'format':'csv','columns':[{'name':'a','required':'yes'}]}", "true or false" },
		{ "{'format':'csv','columns':[{'name':'a','min':1}]}", "\"min\" is for the types" },
		{ "{'format':'csv','columns':[{'name':'a','type':'number','min':'x'}]}",
		  "a number of the column" },
		{ "{'format':'csv','columns':[{'name':'a','type':'integer','max':1.5}]}",
		  "a number of the column" },
		{ "{'format':'csv','columns':[{'name':'a','type':'date','max':'1.2.2026'}]}", "a date like" },
		{ "{'format':'csv','columns':[{'name':'a','type':'date','max':'2026-02-30'}]}",
		  "a date like" },
		{ "{'format':'csv','columns':[{'name':'a','type':'number','min':2,'max':1}]}",
		  "above \"max\"" },
		{ "{'format':'csv','columns':[{'name':'a','one_of':[]}]}", "1 to 1000" },
		{ "{'format':'csv','columns':[{'name':'a','type':'number','one_of':['b']}]}",
		  "not of the column" },
		{ "{'format':'csv','columns':[{'name':'a','max_length':0}]}", "from 1" },
		{ "{'format':'csv','columns':[{'name':'a','type':'boolean','default':'maybe'}]}",
		  "\"default\" must" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		refused("a,b\n1,2\n", all[i].spec, all[i].want);
}

/* ---- values ---------------------------------------------------------------------------------------------------------- */

static void all_rows_tell_how_numbers_are_written(void **state)
{
	const char *spec = "{'format':'ndjson','columns':[{'name':'a','type':'number'}]}";

	(void)state;
	gives("a\n1.234\n\"12,5\"\n", spec, "{\"a\":1234}\n{\"a\":12.5}\n");
	gives("a\n\"1,234\"\n12.5\n", spec, "{\"a\":1234}\n{\"a\":12.5}\n");
	gives("a\n1.234\n5\n", spec, "{\"a\":1.234}\n{\"a\":5}\n");
	warns("a\n1.234\n5\n", spec, "no row tells whether \"1.234\"", true);
	warns("a\n1.234\n\"12,5\"\n", spec, "no row tells", false);
	warns("a\n1.234\n\"12,5\"\n\"1,5\"\n9.25\n", spec, "decimal points and with decimal commas; 1 that",
	      true);
	/* Another column of the table tells. */
	gives("a;b\n1.234;0,50\n",
	      "{'format':'ndjson','columns':[{'name':'a','type':'number'},{'name':'b','type':'number'}]}",
	      "{\"a\":1234,\"b\":0.50}\n");
	/* So do dates. */
	gives("d,a\n31.01.2026,1.234\n",
	      "{'format':'ndjson','columns':[{'name':'a','type':'number'},{'name':'d','type':'date'}]}",
	      "{\"a\":1234,\"d\":\"2026-01-31\"}\n");
	warns("a\n12%\n5\n", spec, "percent sign", true);
}

static void all_rows_tell_whether_the_day_is_first(void **state)
{
	const char *spec = "{'format':'ndjson','columns':[{'name':'d','type':'date'}]}";

	(void)state;
	gives("d\n01/02/2026\n31/01/2026\n", spec, "{\"d\":\"2026-02-01\"}\n{\"d\":\"2026-01-31\"}\n");
	gives("d\n01/02/2026\n01/31/2026\n", spec, "{\"d\":\"2026-01-02\"}\n{\"d\":\"2026-01-31\"}\n");
	warns("d\n01/02/2026\n", spec, "the day or the month first", true);
	warns("d\n01/01/2026\n", spec, "the day or the month first", false);
	warns("d\n31/01/2026 10:00\n", spec, "time of day", true);
	warns("d\n31/01/26\n", spec, "two digits", true);
	gives("d\n31/01/2026\n", "{'format':'ndjson','columns':[{'name':'d','type':'datetime'}]}",
	      "{\"d\":\"2026-01-31T00:00:00\"}\n");
}

static void check_marks_alone_make_empty_cells_no(void **state)
{
	const char *spec = "{'format':'ndjson','columns':[{'name':'n'},{'name':'b','type':'boolean'}]}";

	(void)state;
	gives("n,b\na,x\nb,\n", spec, "{\"n\":\"a\",\"b\":true}\n{\"n\":\"b\",\"b\":false}\n");
	gives("n,b\na,yes\nb,\n", spec, "{\"n\":\"a\",\"b\":true}\n{\"n\":\"b\",\"b\":null}\n");
}

/* ---- rules ------------------------------------------------------------------------------------------------------------- */

static void rows_that_break_a_rule_are_left_out_and_told(void **state)
{
	const char *csv =
		"id,n,d,s\n1,5,2026-01-01,ab\n1,50,2025-12-31,abc\n,x,2026-02-30,ä€\n\n4,1.5,nope,zz\n";
	const char *columns =
		"'columns':[{'name':'id','required':true,'unique':true},"
		"{'name':'n','type':'integer','min':1,'max':10},{'name':'d','type':'date','min':"
		"'2026-01-01'},{'name':'s','max_length':2,'one_of':['ab','ä€','abc']}]";
	char *leave = mem_format("{'format':'csv',%s}", columns),
	     *keep = mem_format("{'format':'csv','refused':'keep',%s}", columns);
	char *none = mem_format("{'format':'none',%s}", columns);

	(void)state;
	gives(csv, leave, "id,n,d,s\r\n1,5,2026-01-01,ab\r\n");
	gives(csv, keep,
	      "id,n,d,s\r\n1,5,2026-01-01,ab\r\n1,50,2025-12-31,abc\r\n,x,2026-02-30,ä€\r\n4,1.5,nope,"
	      "zz\r\n");
	gives(csv, none, "");
	reasons(csv, leave,
		"id is missing 1: 4=\nid is there twice 1: 3=1\nn is not a number 1: 4=x\n"
		"n is not a whole number 1: 6=1.5\nn is above the maximum 1: 3=50\nd is not a date 1: "
		"6=nope\n"
		"d is a day or time that does not exist 1: 4=2026-02-30\nd is below the minimum 1: "
		"3=2025-12-31\n"
		"s is not one of the allowed values 1: 6=zz\ns is too long 1: 3=abc\n");
	free(leave);
	free(keep);
	free(none);
}

static void defaults_stand_where_nothing_is(void **state)
{
	(void)state;
	gives("a,b\n,\nx,3\n",
	      "{'format':'ndjson','columns':[{'name':'a','default':'none','required':true},{'name':'b','type'"
	      ":'number',"
	      "'default':'1.5'}]}",
	      "{\"a\":\"x\",\"b\":3}\n");
	gives("a,b\n,2\nx,\n",
	      "{'format':'ndjson','columns':[{'name':'a','default':'none','required':true},{'name':'b','type'"
	      ":'number',"
	      "'default':'1.5'}]}",
	      "{\"a\":\"none\",\"b\":2}\n{\"a\":\"x\",\"b\":1.5}\n");
}

static void a_long_value_is_shown_by_its_beginning(void **state)
{
	struct buf csv = { 0 };
	struct converted c;
	char *text;

	(void)state;
	buf_text(&csv, "a,b\n1,2\n3,");
	for (int i = 0; i < 1000; i++)
		buf_text(&csv, "€");
	buf_text(&csv, "\n");
	convert_csv(&c, buf_str(&csv), "{'format':'none','columns':[{'name':'b','type':'number'}]}");
	text = report_reasons(&c);
	assert_int_equal(strlen(text), strlen("b is not a number 1: 3=\n") + 80 * strlen("€"));
	free(text);
	converted_end(&c);
	buf_free(&csv);
}

static void a_set_that_is_full_says_so(void **state)
{
	struct unique *unique = unique_open(2);

	(void)state;
	assert_false(unique_add(unique, 0, "a", 1));
	assert_false(unique_add(unique, 1, "a", 1));
	assert_true(unique_add(unique, 0, "a", 1));
	assert_false(unique_full(unique));
	assert_false(unique_add(unique, 0, "c", 1));
	assert_true(unique_full(unique));
	assert_true(unique_add(unique, 1, "a", 1));
	unique_close(unique);
}

/* ---- formats ---------------------------------------------------------------------------------------------------------- */

static void every_format_keeps_values_apart(void **state)
{
	const char *csv = "a,b\n\"x, \"\"y\"\"\nz\",1.50\n|*,\n";

	(void)state;
	gives(csv, "{'format':'csv'}", "a,b\r\n\"x, \"\"y\"\"\nz\",1.50\r\n|*,\r\n");
	gives(csv, "{'format':'tsv'}", "a\tb\r\n\"x, \"\"y\"\"\nz\"\t1.50\r\n|*\t\r\n");
	gives(csv, "{'format':'json'}",
	      "[\n{\"a\":\"x, \\\"y\\\"\\nz\",\"b\":\"1.50\"},\n{\"a\":\"|*\",\"b\":null}\n]\n");
	gives(csv, "{'format':'ndjson','columns':[{'name':'b','type':'number'}]}",
	      "{\"b\":1.50}\n{\"b\":null}\n");
	gives(csv, "{'format':'markdown'}",
	      "| a | b |\n| --- | --- |\n| x, \"y\" z | 1.50 |\n| \\|\\* |  |\n");
	gives(csv, "{'format':'text'}", "a: x, \"y\" z\nb: 1.50\n\na: |*\n");
}

static void formulas_are_made_harmless(void **state)
{
	(void)state;
	gives("a\n=1+1\n+SUM(A1)\n-cmd\n@x\n\"\tx\"\n-5.00\n+49 30\n",
	      "{'format':'csv','columns':[{'name':'a','from':1}]}",
	      "a\r\n'=1+1\r\n'+SUM(A1)\r\n'-cmd\r\n'@x\r\nx\r\n-5.00\r\n+49 30\r\n");
	gives("a,b\n=1+1,-5\n", "{'format':'ndjson'}", "{\"a\":\"=1+1\",\"b\":\"-5\"}\n");
	assert_true(writer_formula("\tx", 2));
	assert_true(writer_formula("\rx", 2));
	assert_true(writer_formula("-1+1", 4));
	/* Programs of East Asia take these for the same; what they do not see in front protects from nothing. */
	assert_true(writer_formula("＝1", strlen("＝1")));
	assert_true(writer_formula("＋A1", strlen("＋A1")));
	assert_true(writer_formula("\xef\xbb\xbf \xef\xbb\xbf=1", 9));
	assert_false(writer_formula("－5", strlen("－5")));
	assert_false(writer_formula("\xef\xbb", 2));
	assert_false(writer_formula("-1,5", 4));
	assert_false(writer_formula("", 0));
	assert_false(writer_formula("a=b", 3));
}

static void a_sheet_is_read_back_as_it_was_written(void **state)
{
	struct converted sheet, back;

	(void)state;
	convert_csv(&sheet,
		    "n,a,d,b\nAda,\"1.234,56\",31.01.2026,ja\n=x,12345678901234567890,1.1.1850,nein\n",
		    "{'format':'xlsx','columns':[{'name':'n'},{'name':'a','type':'number'},{'name':'d','type'"
		    ":'date'},{"
		    "'name':'b','type':'boolean'}]}");
	assert_true(report_warns(&sheet, "2 numbers or dates are text"));
	converted_begin(&back);
	convert(&back, "a.xlsx", sheet.out.data, sheet.out.len, "{'format':'ndjson'}");
	assert_true(back.good);
	assert_string_equal(
		buf_str(&back.out),
		"{\"n\":\"Ada\",\"a\":1234.56,\"d\":\"2026-01-31\",\"b\":true}\n"
		"{\"n\":\"'=x\",\"a\":\"12345678901234567890\",\"d\":\"1850-01-01\",\"b\":false}\n");
	converted_end(&sheet);
	converted_end(&back);
}

static void an_output_that_is_full_is_whole_and_said(void **state)
{
	static const char *const formats[] = { "csv", "json", "ndjson", "markdown", "text", "xlsx" };
	struct buf csv = { 0 };

	(void)state;
	buf_text(&csv, "name,value\n");
	for (int i = 0; i < 2000; i++)
		buf_format(&csv, "row %d,%d\n", i, i * 7);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		char *spec = mem_format("{'format':'%s'}", formats[i]);
		struct converted c;

		converted_begin(&c);
		c.parse.limits.output = 8000;
		convert(&c, "a.csv", csv.data, csv.len, spec);
		assert_true(c.good);
		assert_true(c.out.len <= 8000);
		assert_true(json_is_true(json_object_get(c.report, "cut")));
		assert_true(report_warns(&c, "The output ends behind row"));
		assert_int_equal(report_number(&c, "rows_in"), report_number(&c, "rows_out"));
		assert_true(report_number(&c, "rows_out") > 15);
		if (strcmp(formats[i], "json") == 0)
			assert_string_equal(c.out.data + c.out.len - 3, "\n]\n");
		converted_end(&c);
		free(spec);
	}
	buf_free(&csv);
}

/* ---- odd tables ------------------------------------------------------------------------------------------------------ */

static void odd_tables_are_taken_as_they_are(void **state)
{
	(void)state;
	/* Ragged rows, a title above, blank rows. */
	gives("a,c,b\n1\n1,2,3,4\n", "{'format':'ndjson'}",
	      "{\"a\":\"1\",\"c\":null,\"b\":null,\"column 4\":null}\n"
	      "{\"a\":\"1\",\"c\":\"2\",\"b\":\"3\",\"column 4\":\"4\"}\n");
	/* The same name twice is no header by its looks; names that are asked for make it one. */
	gives("a,a,b\n1,2,3\n", "{'format':'csv'}", "column 1,column 2,column 3\r\na,a,b\r\n1,2,3\r\n");
	gives("a,a,b\n1,2,3\n", "{'format':'csv','columns':[{'name':'x','from':'a (2)'},{'name':'a'}]}",
	      "x,a\r\n2,1\r\n");
	gives("Report 2026,,\n,,\nname,amount,date\nAda,1,2026-01-01\n,,\nBob,2,2026-01-02\n",
	      "{'format':'csv','columns':[{'name':'amount'}]}", "amount\r\n1\r\n2\r\n");
	warns("Report 2026,,\n,,\nname,amount,date\nAda,1,2026-01-01\n",
	      "{'format':'csv','columns':[{'name':'amount'}]}", "stand above", true);
	/* Nothing but names. */
	gives("name,amount\n", "{'format':'json','columns':[{'name':'amount'}]}", "[]\n");
	/* Words all the way: the names asked for tell which row is the header. */
	gives("fruit,colour\nfruit,red\npear,green\n", "{'format':'csv','columns':[{'name':'colour'}]}",
	      "colour\r\nred\r\ngreen\r\n");
}

static void ten_thousand_columns_are_a_table(void **state)
{
	struct buf csv = { 0 };
	struct converted c;

	(void)state;
	for (int row = 0; row < 3; row++) {
		for (int i = 0; i < 10000; i++)
			buf_format(&csv, row ? "%s%d" : "%sc%d", i ? "," : "", i);
		buf_text(&csv, "\n");
	}
	convert_csv(&c, csv.data, "{'format':'ndjson'}");
	assert_int_equal(report_number(&c, "rows_out"), 2);
	assert_true(c.out.len > 2 * 10000 * strlen("\"c1\":\"1\","));
	converted_end(&c);
	convert_csv(&c, csv.data, "{'format':'csv','columns':[{'name':'C9999','type':'integer'}]}");
	assert_string_equal(buf_str(&c.out), "C9999\r\n9999\r\n9999\r\n");
	converted_end(&c);
	buf_free(&csv);
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Whatever the table is, every row is counted once. */
static void rows_always_add_up(void **state)
{
	static const char *const values[] = { "",	    "1",	  "1.5", "\"1,5\"",  "x",
					      "2026-01-01", "31.02.2026", "yes", "no",	     "1.234",
					      "-5",	    " ",	  "ä",	 "\"a\nb\"", "#" };
	static const char *const formats[] = { "csv", "json", "none", "markdown" };
	uint32_t seed = 20260131;

	(void)state;
	for (int run = 0; run < 150; run++) {
		struct buf csv = { 0 };
		struct converted c;
		char *spec = mem_format(
			"{'format':'%s','refused':'%s','columns':[{'name':'a','type':'number','unique':true},"
			"{'name':'b','type':'date','required':true},{'name':'c','type':'boolean'},{'name':"
			"'d','max_length':1}]}",
			formats[next(&seed) % 4], next(&seed) % 2 ? "keep" : "leave_out");
		uint32_t rows = next(&seed) % 40, room = next(&seed) % 2000 + 100;
		int64_t in;

		buf_text(&csv, "a,b,c,d\n");
		for (uint32_t i = 0; i < rows; i++) {
			for (uint32_t k = 0, width = next(&seed) % 6; k < width; k++)
				buf_format(&csv, "%s%s", k ? "," : "", values[next(&seed) % 15]);
			buf_text(&csv, "\n");
		}
		converted_begin(&c);
		c.parse.limits.output = room;
		convert(&c, "a.csv", csv.data, csv.len, spec);
		assert_true(c.good);
		in = report_number(&c, "rows_in");
		assert_int_equal(in, report_number(&c, "rows_out") + report_number(&c, "rows_refused") +
					     report_number(&c, "rows_blank"));
		assert_true(in <= (int64_t)rows * 2);
		assert_true(c.out.len <= room);
		converted_end(&c);
		free(spec);
		buf_free(&csv);
	}
}

static void the_largest_table_is_taken_and_others_by_name(void **state)
{
	const char *html = "<html><body><h2>One</h2><table><tr><th>a</th><th>n</th></tr><tr><td>x</td><td>1</"
			   "td></tr></table>"
			   "<h2>Two</h2><table><tr><th>b</th><th>n</th></tr><tr><td>y</td><td>2</td></tr>"
			   "<tr><td>z</td><td>3</td></tr></table></body></html>";
	struct converted c;

	(void)state;
	converted_begin(&c);
	convert(&c, "a.html", html, strlen(html), "{'format':'csv'}");
	assert_true(c.good);
	assert_string_equal(buf_str(&c.out), "b,n\r\ny,2\r\nz,3\r\n");
	converted_end(&c);
	converted_begin(&c);
	convert(&c, "a.html", html, strlen(html), "{'format':'csv','table':1}");
	assert_true(c.good);
	assert_string_equal(buf_str(&c.out), "a,n\r\nx,1\r\n");
	converted_end(&c);
	converted_begin(&c);
	convert(&c, "a.txt", "Only words.\nNone at all.\n", strlen("Only words.\nNone at all.\n"),
		"{'format':'csv'}");
	assert_false(c.good);
	assert_string_equal(c.err.text, "spec: There is no table in this file.");
	converted_end(&c);
}

static void numbers_of_json_stay_exact(void **state)
{
	const char *json =
		"[{\"id\":12345678901234567890,\"v\":0.1,\"t\":true},{\"id\":2,\"v\":1e3,\"t\":null}]";
	struct converted c;

	(void)state;
	converted_begin(&c);
	convert(&c, "a.json", json, strlen(json),
		"{'format':'ndjson','columns':[{'name':'id','type':'number'},{'name':'v','type':'number'},{'"
		"name':'t',"
		"'type':'boolean'}]}");
	assert_true(c.good);
	assert_string_equal(buf_str(&c.out), "{\"id\":12345678901234567890,\"v\":0.1,\"t\":true}\n"
					     "{\"id\":2,\"v\":1000,\"t\":null}\n");
	converted_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_found_by_name_and_number),
		cmocka_unit_test(columns_without_a_name_are_found_as_they_are_told),
		cmocka_unit_test(what_is_not_there_is_said_with_what_is),
		cmocka_unit_test(orders_that_can_not_be_are_refused),
		cmocka_unit_test(all_rows_tell_how_numbers_are_written),
		cmocka_unit_test(all_rows_tell_whether_the_day_is_first),
		cmocka_unit_test(check_marks_alone_make_empty_cells_no),
		cmocka_unit_test(rows_that_break_a_rule_are_left_out_and_told),
		cmocka_unit_test(defaults_stand_where_nothing_is),
		cmocka_unit_test(a_long_value_is_shown_by_its_beginning),
		cmocka_unit_test(a_set_that_is_full_says_so),
		cmocka_unit_test(every_format_keeps_values_apart),
		cmocka_unit_test(formulas_are_made_harmless),
		cmocka_unit_test(a_sheet_is_read_back_as_it_was_written),
		cmocka_unit_test(an_output_that_is_full_is_whole_and_said),
		cmocka_unit_test(odd_tables_are_taken_as_they_are),
		cmocka_unit_test(ten_thousand_columns_are_a_table),
		cmocka_unit_test(rows_always_add_up),
		cmocka_unit_test(the_largest_table_is_taken_and_others_by_name),
		cmocka_unit_test(numbers_of_json_stay_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
