/* Documents, slides, PDF: the text as a person sees it, each piece with the place where it stands. */
#include "buf.h"
#include "stage_made.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RELS		      "<Relationships>"
#define TYPE		      "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define REL(id, type, target) "<Relationship Id=\"" id "\" Type=\"" TYPE type "\" Target=\"" target "\"/>"

static const char ROOT[] = RELS REL("a", "officeDocument", "word/document.xml") "</Relationships>";
static const char DOC_RELS[] = RELS REL("s", "styles", "styles.xml") REL("f", "footnotes", "footnotes.xml")
	REL("h", "header", "header1.xml") REL("n", "numbering", "numbering.xml") "</Relationships>";
static const char STYLES[] =
	"<styles><style styleId=\"U1\"><name val=\"heading 1\"/></style><style styleId=\"Mine\"><name "
	"val=\"My\"/>"
	"<basedOn val=\"U1\"/></style><style styleId=\"Loop\"><name val=\"x\"/><basedOn "
	"val=\"Loop\"/></style>"
	"<style styleId=\"L\"><name val=\"l\"/><pPr><numPr><numId val=\"1\"/></numPr></pPr></style></styles>";
static const char NOTES[] =
	"<footnotes><footnote type=\"separator\" id=\"-1\"><p><r><t>---</t></r></p></footnote>"
	"<footnote id=\"2\"><p><r><t>the note</t></r></p></footnote></footnotes>";

static const char NUMBERING[] =
	"<numbering><abstractNum abstractNumId=\"5\"><lvl ilvl=\"0\"><start val=\"1\"/><numFmt "
	"val=\"decimal\"/>"
	"<lvlText val=\"%1.\"/></lvl><lvl ilvl=\"1\"><start val=\"1\"/><numFmt val=\"lowerLetter\"/><lvlText "
	"val=\"%1.%2)\"/></lvl></abstractNum><num numId=\"7\"><abstractNumId val=\"5\"/></num><num "
	"numId=\"8\">"
	"<abstractNumId val=\"5\"/><lvlOverride ilvl=\"0\"><startOverride "
	"val=\"1\"/></lvlOverride></num></numbering>";

static void document(struct made_read *read, const char *body)
{
	const struct made_part parts[] = {
		{ "_rels/.rels", ROOT },
		{ "word/document.xml", body },
		{ "word/_rels/document.xml.rels", DOC_RELS },
		{ "word/styles.xml", STYLES },
		{ "word/footnotes.xml", NOTES },
		{ "word/numbering.xml", NUMBERING },
		{ "word/header1.xml", "<hdr><p><r><t>letterhead</t></r></p></hdr>" },
		{ NULL, NULL },
	};

	made_read_parts(read, &docx_reader, parts);
}

static void test_docx_producers(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	made_read(&read, &docx_reader, made_corpus("pandoc.docx"));
	made_has(&read, "= Report on bees");
	made_has(&read, "T Hives|There are many hives[footnote 20].");
	made_has(&read, "T Hives|- two");
	made_has(&read, "T Hives|  - inner");
	made_has(&read, "# table 1|Hives, table 1");
	made_has(&read, "R 2|text:A|text:12");
	made_has(&read, "T Flowers|Clover and heather, café.");
	made_has(&read, "T footnote 20|Counted in June.");
	made_done(&read);
	made_read(&read, &docx_reader, made_corpus("libreoffice.docx"));
	made_has(&read, "T Hives|  - inner");
	made_has(&read, "R 2|text:A|text:12");
	made_has(&read, "T Flowers|Clover and heather, café.");
	made_done(&read);
	made_read(&read, &docx_reader, made_corpus("python-docx.docx"));
	made_has(&read, "T Prices|- first");
	made_has(&read, "T Prices|1. one");
	made_has(&read, "R 3|text:Milk|text:1.20~y|");
	made_has(&read, "T Delivery|Within three days.");
	made_has(&read, "! hidden text was left out");
	made_has_not(&read, "secret");
	made_done(&read);
}

/* What was deleted must not be quoted as if it were agreed. */
static void test_docx_changes(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	document(
		&read,
		"<document xmlns:mc=\"mc\"><p><pPr><pStyle val=\"Mine\"/></pPr><r><t>Price</t></r></p>"
		"<p><r><t>It costs "
		"</t></r><del><r><delText>5</delText></r><r><t>6</t></r></del><ins><r><t>7</t>"
		"</r></ins><r><tab/><t>euro</t><br/><t>net</t><footnoteReference id=\"2\"/></r></p>"
		"<moveFrom><p><r><t>moved</t></r></p></moveFrom>"
		"<p><pPr><pStyle val=\"L\"/></pPr><r><t>item</t></r></p><p><pPr><pStyle "
		"val=\"Loop\"/></pPr></p>"
		"<tbl><tr><trPr><gridBefore val=\"1\"/></trPr><tc><tcPr><gridSpan "
		"val=\"2\"/></tcPr><p><r><t>a</t></r>"
		"</p></tc><tc><p><r><t>b</t></r></p><tbl><tr><tc><p><r><t>in</t></r></p></"
		"tc><tc><p><r><t>ner</t></r>"
		"</p></tc></tr></tbl></tc></tr><tr><trPr><del/></trPr><tc><p><r><t>gone</t></r></p></tc></tr>"
		"<tr><tc><p/></tc><tc><p><r><t>last</t></r></p></tc></tr></tbl>"
		"<p><r><t>anchor</t><mc:AlternateContent><mc:Choice><txbxContent><p><r><t>box</t></r></p>"
		"</txbxContent></mc:Choice><mc:Fallback><p><r><t>box again</t></r></p></mc:Fallback>"
		"</mc:AlternateContent></r></p></document>");
	made_has(&read, "T Price|It costs 7\teuro~net[footnote 2]");
	made_has(&read, "T Price|- item");
	made_has(&read, "R 1||text:a||text:b~in~ner");
	made_has(&read, "R 2||text:last");
	made_has(&read, "T Price|box");
	made_has(&read, "T Price|anchor");
	made_has(&read, "T footnote 2|the note");
	made_has(&read, "T page header|letterhead");
	made_has(&read, "! text whose deletion is tracked was left out");
	made_has_not(&read, "moved");
	made_has_not(&read, "gone");
	made_has_not(&read, "again");
	made_has_not(&read, "---");
	made_done(&read);
}

/* Clauses are quoted by the numbers that people see. */
static void test_docx_numbers(void **state)
{
#define ITEM(list, level, text)                                                                              \
	"<p><pPr><numPr><ilvl val=\"" level "\"/><numId val=\"" list "\"/></numPr></pPr><r><t>" text         \
	"</t></r></p>"
	struct made_read read = { 0 };

	(void)state;
	document(&read, "<d>" ITEM("7", "0", "one") ITEM("7", "1", "deep") ITEM("7", "1", "deeper")
				ITEM("7", "0", "") ITEM("7", "0", "two") ITEM("7", "1", "again")
					ITEM("8", "0", "anew") ITEM("8", "0", "and on")
						ITEM("9", "0", "unknown") "</d>");
	made_has(&read, "T |1. one");
	made_has(&read, "T |  1.a) deep");
	made_has(&read, "T |  1.b) deeper");
	made_has(&read, "T |3. two");
	made_has(&read, "T |  3.a) again");
	made_has(&read, "T |1. anew");
	made_has(&read, "T |2. and on");
	made_has(&read, "T |- unknown");
	made_done(&read);
}

static char *nested(const char *open, const char *close, int times)
{
	struct buf text = { 0 };

	for (int i = 0; i < times; i++)
		buf_text(&text, open);
	for (int i = 0; i < times; i++)
		buf_text(&text, close);
	return buf_take(&text);
}

static void test_hostile_xml(void **state)
{
	static const char *const DAMAGED[] = {
		"<!DOCTYPE d [<!ENTITY a \"b\">]><d><p><r><t>&a;</t></r></p></d>",
		"<!DOCTYPE d SYSTEM \"file:///etc/passwd\"><d/>",
		"<d><p><r><t>&undefined;</t></r></p></d>",
		"<d><p>",
		"",
		"not XML",
		"<?xml version=\"1.0\" encoding=\"EUC-KR\"?><d/>",
		"<d><p><r><t>\xff\xfe</t></r></p></d>",
		"<d></e>",
	};
	struct made_read read = { 0 };
	char *deep = nested("<p>", "</p>", 5000),
	     *tables = nested("<tbl><tr><tc><p>", "</p></tc></tr></tbl>", 60);

	(void)state;
	for (size_t i = 0; i < sizeof(DAMAGED) / sizeof(DAMAGED[0]); i++) {
		document(&read, DAMAGED[i]);
		made_failed(&read, "damaged");
		made_done(&read);
	}
	document(&read, deep);
	made_failed(&read, "damaged");
	made_done(&read);
	document(&read, tables);
	made_has(&read, "# table 1|table 1");
	made_done(&read);
	read.parse.limits = *limits_most();
	read.parse.limits.unpacked = 100;
	document(&read, "<d/>");
	made_failed(&read, "too_large");
	made_done(&read);
	free(deep);
	free(tables);
}

static void test_odt(void **state)
{
	const struct made_part made[] = {
		{ "content.xml",
		  "<d><body><text><tracked-changes><p>old</p></tracked-changes><h>Head</h><p>a<s "
		  "c=\"3\"/>b<tab/>c"
		  "<line-break/>d</p><p>x<note><note-citation>7</note-citation><note-body><p>note</p></"
		  "note-body>"
		  "</note>y</p><list><list-item><p>one</p><p>more</p><list><list-item><p>two</p></"
		  "list-item></list>"
		  "</list-item></list><p>frame<text-box><p>in box</p></text-box></p></text></body></d>" },
		{ NULL, NULL }
	};
	const struct made_part locked[] = {
		{ "META-INF/manifest.xml",
		  "<manifest><file-entry><encryption-data/></file-entry></manifest>" },
		{ "content.xml", "garbage" },
		{ NULL, NULL }
	};
	const struct made_part empty[] = { { "other", "x" }, { NULL, NULL } };
	struct made_read read = { 0 };

	(void)state;
	made_read(&read, &odt_reader, made_corpus("pandoc.odt"));
	made_has(&read, "= Report on bees");
	made_has(&read, "T Hives|There are many hives[1].");
	made_has(&read, "T Hives|[1] Counted in June.");
	made_has(&read, "T Hives|  - inner");
	made_has(&read, "R 2|text:A|text:12");
	made_done(&read);
	made_read_parts(&read, &odt_reader, made);
	made_has(&read, "T Head|a   b\tc~d");
	made_has(&read, "T Head|[7] note");
	made_has(&read, "T Head|x[7]y");
	made_has(&read, "T Head|- one");
	made_has(&read, "T Head|more");
	made_has(&read, "T Head|  - two");
	made_has(&read, "T Head|in box");
	made_has_not(&read, "old");
	made_done(&read);
	made_read_parts(&read, &odt_reader, locked);
	made_failed(&read, "encrypted");
	made_done(&read);
	made_read_parts(&read, &odt_reader, empty);
	made_failed(&read, "damaged");
	made_done(&read);
}

static void test_pptx(void **state)
{
	/* The second slide of the file is shown first. */
	const struct made_part made[] = {
		{ "_rels/.rels", RELS REL("a", "officeDocument", "ppt/p.xml") "</Relationships>" },
		{ "ppt/p.xml",
		  "<p xmlns:r=\"http://x/relationships\"><sldIdLst><sldId id=\"1\" r:id=\"b\"/><sldId "
		  "id=\"2\" r:id=\"a\"/></sldIdLst></p>" },
		{ "ppt/_rels/p.xml.rels", RELS REL("a", "slide", "slides/1.xml")
						  REL("b", "slide", "slides/2.xml") "</Relationships>" },
		{ "ppt/slides/1.xml",
		  "<sld show=\"0\"><sp><ph type=\"title\"/><p><r><t>one</t></r></p></sp></sld>" },
		{ "ppt/slides/2.xml",
		  "<sld><sp><ph type=\"sldNum\"/><p><r><t>99</t></r></p></sp><sp><p><pPr lvl=\"1\"/>"
		  "<r><t>two</t></r></p></sp></sld>" },
		{ NULL, NULL },
	};
	const struct made_part missing[] = {
		{ "_rels/.rels", RELS REL("a", "officeDocument", "p.xml") "</Relationships>" },
		{ "p.xml", "<p xmlns:r=\"http://x/relationships\"><sldId r:id=\"b\"/></p>" },
		{ NULL, NULL },
	};
	struct made_read read = { 0 };

	(void)state;
	made_read(&read, &pptx_reader, made_corpus("pandoc.pptx"));
	made_has(&read, "P 3");
	made_has(&read, "T slide 2|honey");
	made_has(&read, "T slide 2, notes|Say hello first.");
	made_has(&read, "# table 1|slide 3, table 1");
	made_has(&read, "R 2|text:A|text:12");
	made_done(&read);
	made_read_parts(&read, &pptx_reader, made);
	made_has(&read, "T slide 1|  - two");
	made_has(&read, "T slide 2|one");
	made_has(&read, "! slide 2 is hidden when it is shown");
	made_has_not(&read, "99");
	made_done(&read);
	made_read_parts(&read, &pptx_reader, missing);
	made_failed(&read, "damaged");
	made_done(&read);
}

static void test_pdf(void **state)
{
	static const char cut[] = "%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n";
	struct made_read read = { 0 };

	(void)state;
	made_read(&read, &pdf_reader, made_corpus("libreoffice.pdf"));
	made_has(&read, "= Report on bees");
	made_has(&read, "P 1");
	assert_non_null(strstr(read.lines, "T page 1|"));
	assert_non_null(strstr(read.lines, "Clover and heather, café."));
	made_done(&read);
	made_read(&read, &pdf_reader, made_corpus("encrypted.pdf"));
	made_failed(&read, "encrypted");
	made_done(&read);
	made_read(&read, &pdf_reader, made_bytes(cut, sizeof(cut) - 1));
	made_failed(&read, "damaged");
	made_done(&read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docx_producers),
		cmocka_unit_test(test_docx_changes),
		cmocka_unit_test(test_docx_numbers),
		cmocka_unit_test(test_hostile_xml),
		cmocka_unit_test(test_odt),
		cmocka_unit_test(test_pptx),
		cmocka_unit_test(test_pdf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
