/* Sheets: what people typed into cells arrives as it was meant, in the row and column where it stands. */
#include "number.h"
#include "stage_made.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RELS "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
#define TYPE "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define NS                                                                                                   \
	"xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://"              \
	"schemas.openxmlformats.org/officeDocument/2006/relationships\""

static const char ROOT[] = RELS "<Relationship Id=\"a\" Type=\"" TYPE
				"officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";
static const char BOOK_RELS[] =
	RELS "<Relationship Id=\"s1\" Type=\"" TYPE "worksheet\" Target=\"sheet1.xml\"/>"
	     "<Relationship Id=\"st\" Type=\"" TYPE "styles\" Target=\"/xl/styles.xml\"/>"
	     "<Relationship Id=\"ss\" Type=\"" TYPE "sharedStrings\" Target=\"shared.xml\"/></Relationships>";
static const char BOOK[] = "<workbook " NS "><sheets><sheet name=\"One\" r:id=\"s1\"/></sheets></workbook>";
static const char STYLES[] =
	"<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"dd.mm.yyyy\"/></numFmts>"
	"<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/></cellXfs></styleSheet>";

static void sheet(struct made_read *read, const char *data, const char *shared)
{
	char *whole = NULL, *texts = NULL;

	assert_true(asprintf(&whole, "<worksheet><sheetData>%s</sheetData></worksheet>", data) > 0);
	assert_true(asprintf(&texts, "<sst>%s</sst>", shared) > 0);
	{
		const struct made_part parts[] = {
			{ "_rels/.rels", ROOT },
			{ "xl/workbook.xml", BOOK },
			{ "xl/_rels/workbook.xml.rels", BOOK_RELS },
			{ "xl/styles.xml", STYLES },
			{ "xl/shared.xml", texts },
			{ "xl/sheet1.xml", whole },
			{ NULL, NULL },
		};

		made_read_parts(read, &xlsx_reader, parts);
	}
	free(whole);
	free(texts);
}

static void test_openpyxl(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	made_read(&read, &xlsx_reader, made_corpus("openpyxl.xlsx"));
	made_has(&read, "= Orders of 2026");
	made_has(&read, "# Orders|sheet Orders");
	made_has(&read, "R 2|text:Ada|number:12.5|date:2026-01-31|bool:true|date:2026-01-31T10:30:15|text:"
			"08:05:00||text:36:00:00");
	made_has(&read, "R 4");
	made_has(&read, "R 7|text:merged||text:next");
	made_has(&read, "# Secret|sheet Secret (hidden)");
	made_done(&read);
	made_read(&read, &xlsx_reader, made_corpus("openpyxl-1904.xlsx"));
	made_has(&read, "R 2|text:Ada|number:12.5|date:2026-01-31|bool:true|date:2026-01-31T10:30:15|text:"
			"08:05:00||text:36:00:00");
	made_done(&read);
}

static void test_libreoffice(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	made_read(&read, &xlsx_reader, made_corpus("libreoffice.xlsx"));
	made_has(&read, "R 3|text:Bjørn|number:1.1|date:1900-01-15|bool:false|date:2024-02-29T23:59:59|text:"
			"00:00:01|error:#DIV/0!");
	made_done(&read);
	made_read(&read, &ods_reader, made_corpus("libreoffice.ods"));
	made_has(&read, "= Orders of 2026");
	made_has(&read, "R 2|text:Ada|number:12.5|date:2026-01-31|number:1|date:2026-01-31T10:30:15|text:08:"
			"05:00|number:25|text:36:00:00");
	made_has(&read, "R 7|text:merged||text:next");
	made_has(&read, "R 8");
	made_has(&read, "# Secret|sheet Secret (hidden)");
	made_has_not(&read, "R 10");
	made_done(&read);
}

static void test_cells(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	sheet(&read,
	      "<row r=\"2\"><c r=\"B2\" t=\"s\"><v>1</v></c><c t=\"inlineStr\"><is><r><t>a</t></r><r><t "
	      "xml:space"
	      "=\"preserve\"> b</t></r></is></c><c r=\"E2\" s=\"1\"><v>46053</v></c><c "
	      "t=\"b\"><v>0</v></c><c t="
	      "\"e\"><v>#N/A</v></c><c "
	      "t=\"str\"><f>A1</f><v>x_x000A_y</v></c><c><v>1.1000000000000001</v></c><c>"
	      "<v>123456789012345678901</v></c><c t=\"d\"><v>2026-01-31</v></c></row>"
	      "<row r=\"5\"><c r=\"A5\"><f>1+1</f><v></v></c><c r=\"B5\"><v>7</v></c></row><row r=\"9\"/>",
	      "<si><t>zero</t></si><si><r><t>o</t></r><r><t>ne</t></r><rPh><t>no</t></rPh></si>");
	made_has(&read, "R 1");
	made_has(&read, "R 2||text:one|text:a b||date:2026-01-31|bool:false|error:#N/A|text:x~y|number:1.1|"
			"number:123456789012345678901|date:2026-01-31");
	made_has(&read, "R 4");
	made_has(&read, "R 5||number:7");
	made_has_not(&read, "R 6");
	made_has_not(&read, "|no");
	made_has(&read,
		 "! there are formulas without results: open the file in a spreadsheet program and save it, "
		 "so that they are computed");
	made_done(&read);
}

static void test_hostile_sheets(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	sheet(&read, "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>4</v></c></row>", "");
	made_failed(&read, "damaged");
	made_done(&read);
	sheet(&read, "<row r=\"1\"><c r=\"ZZZZ1\"><v>4</v></c></row>", "");
	made_failed(&read, "too_large");
	made_done(&read);
	sheet(&read,
	      "<row r=\"99999999999\"><c r=\"A1\"><v>4</v></c></row><row r=\"-5\"><c><v>5</v></c></row>", "");
	made_has(&read, "R 1|number:4");
	made_has(&read, "R 2|number:5");
	made_done(&read);
	sheet(&read, "<row r=\"1\"><c><v>4</v>", "");
	made_failed(&read, "damaged");
	made_done(&read);
}

/* A small file that says "a million times": the count holds, and what has values is bounded. */
static void test_repeated(void **state)
{
#define ODS(body)                                                                                            \
	"<d xmlns:t=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" "                                    \
	"xmlns:o=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\"><spreadsheet><t:table "                \
	"t:name=\"S\">" body "</t:table></spreadsheet></d>"
	const struct made_part blank[] = {
		{ "content.xml",
		  ODS("<t:table-row><t:table-cell t:number-columns-repeated=\"3\" o:value-type=\"float\" "
		      "o:value=\"1\"/><t:table-cell t:number-columns-repeated=\"16381\"/></t:table-row>"
		      "<t:table-row t:number-rows-repeated=\"3\"><t:table-cell/></t:table-row>"
		      "<t:table-row><t:table-cell/><t:covered-table-cell/><t:table-cell "
		      "o:value-type=\"string\">"
		      "<p>a<s c=\"2\"/>b</p><p>c</p></t:table-cell></t:table-row>"
		      "<t:table-row t:number-rows-repeated=\"1048571\"><t:table-cell/></t:table-row>") },
		{ NULL, NULL }
	};
	const struct made_part bomb[] = {
		{ "content.xml", ODS("<t:table-row t:number-rows-repeated=\"1000000\"><t:table-cell "
				     "t:number-columns-repeated=\"16384\" o:value-type=\"float\" "
				     "o:value=\"1\"/></t:table-row>") },
		{ NULL, NULL }
	};
	const struct made_part wide[] = {
		{ "content.xml", ODS("<t:table-row><t:table-cell t:number-columns-repeated=\"999999999999\" "
				     "o:value-type=\"float\" o:value=\"1\"/></t:table-row>") },
		{ NULL, NULL }
	};
	const struct made_part endless[] = {
		{ "content.xml",
		  ODS("<t:table-row t:number-rows-repeated=\"9223372036854775807\"><t:table-cell/>"
		      "</t:table-row><t:table-row t:number-rows-repeated=\"9223372036854775807\">"
		      "<t:table-cell o:value-type=\"float\" o:value=\"1\"/></t:table-row>") },
		{ NULL, NULL }
	};
	struct made_read read = { 0 };

	(void)state;
	made_read_parts(&read, &ods_reader, endless);
	made_failed(&read, "too_large");
	made_done(&read);
	made_read_parts(&read, &ods_reader, blank);
	made_has(&read, "R 1|number:1|number:1|number:1");
	made_has(&read, "R 4");
	made_has(&read, "R 5|||text:a  b~c");
	made_has_not(&read, "R 6");
	made_done(&read);
	made_read_parts(&read, &ods_reader, bomb);
	made_failed(&read, "too_large");
	made_done(&read);
	made_read_parts(&read, &ods_reader, wide);
	made_failed(&read, "too_large");
	made_done(&read);
}

static void serial_is(double serial, bool epoch_1904, unsigned shows, const char *expected)
{
	struct buf out = { 0 };

	if (expected == NULL) {
		assert_false(number_serial(serial, epoch_1904, shows, &out));
	} else {
		assert_true(number_serial(serial, epoch_1904, shows, &out));
		assert_string_equal(out.data, expected);
	}
	buf_free(&out);
}

static void test_dates(void **state)
{
	(void)state;
	serial_is(1, false, FORMAT_DATE, "1900-01-01");
	serial_is(59, false, FORMAT_DATE, "1900-02-28");
	serial_is(60, false, FORMAT_DATE, NULL);
	serial_is(61, false, FORMAT_DATE, "1900-03-01");
	serial_is(2958465, false, FORMAT_DATE, "9999-12-31");
	serial_is(2958466, false, FORMAT_DATE, NULL);
	serial_is(-1, false, FORMAT_DATE, NULL);
	serial_is(0, true, FORMAT_DATE, "1904-01-01");
	serial_is(44591, true, FORMAT_DATE, "2026-01-31");
	serial_is(45351.999988425923, false, FORMAT_DATE | FORMAT_TIME, "2024-02-29T23:59:59");
	serial_is(0.25, false, FORMAT_TIME, "06:00:00");
	serial_is(1.5, false, FORMAT_ELAPSED, "36:00:00");
	assert_int_equal(number_format("General"), 0);
	assert_int_equal(number_format("0.00\" days\""), 0);
	assert_int_equal(number_format("#,##0.00 [$EUR]"), 0);
	assert_int_equal(number_format("[Red]0"), 0);
	assert_int_equal(number_format("yyyy\\-mm\\-dd"), FORMAT_DATE);
	assert_int_equal(number_format("[$-409]d/m/yy h:mm AM/PM;@"), FORMAT_DATE | FORMAT_TIME);
	assert_int_equal(number_format("mm:ss.0"), FORMAT_TIME);
	assert_int_equal(number_format("mmm"), FORMAT_DATE);
	assert_int_equal(number_format("[h]:mm:ss"), FORMAT_ELAPSED);
	assert_int_equal(number_format("\"unended"), 0);
	assert_int_equal(number_format("["), 0);
	assert_int_equal(number_format("\\"), 0);
}

static void number_is(const char *given, const char *expected)
{
	struct buf text = { 0 };

	buf_text(&text, given);
	if (number_tidy(&text))
		assert_string_equal(text.data, expected);
	else
		assert_null(expected);
	buf_free(&text);
}

static void test_numbers(void **state)
{
	(void)state;
	number_is("12345678901234567890", "12345678901234567890");
	number_is("0.30000000000000004", "0.30000000000000004");
	number_is("2.2999999999999998", "2.3");
	number_is("1.23456789012346E+016", "1.23456789012346e+16");
	number_is("-0.5", "-0.5");
	number_is(".5", "0.5");
	number_is("007", "7");
	number_is("nan", NULL);
	number_is("0x10", NULL);
	number_is("1 2", NULL);
	number_is("", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openpyxl), cmocka_unit_test(test_libreoffice),
		cmocka_unit_test(test_cells),	 cmocka_unit_test(test_hostile_sheets),
		cmocka_unit_test(test_repeated), cmocka_unit_test(test_dates),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
