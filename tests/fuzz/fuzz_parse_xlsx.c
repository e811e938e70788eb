/* rooms: base parse */
/* Any bytes as a sheet, the shared texts, the styles or the list of sheets of a workbook. */
#include "parse_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const PARTS[] = { "sheet.xml", "shared.xml", "styles.xml", "book.xml" };
	struct fuzz_part parts[] = {
		{ "_rels/.rels", FUZZ_RELS FUZZ_REL("a", "officeDocument", "book.xml") "</Relationships>" },
		{ "_rels/book.xml.rels",
		  FUZZ_RELS FUZZ_REL("s", "styles", "styles.xml") FUZZ_REL("t", "sharedStrings", "shared.xml")
			  FUZZ_REL("w", "worksheet", "sheet.xml") "</Relationships>" },
		{ "book.xml", "<b xmlns:r=\"x/relationships\"><sheet name=\"S\" r:id=\"w\"/></b>" },
		{ "sheet.xml",
		  "<s><row r=\"2\"><c r=\"B2\" t=\"s\"><v>0</v></c><c s=\"1\"><v>1.5</v></c></row></s>" },
		{ "styles.xml", "<s><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></s>" },
		{ "shared.xml", "<s><si><t>x</t></si></s>" },
		{ NULL, NULL },
	};

	for (size_t i = 0; size > 0 && parts[i].name; i++)
		if (strcmp(parts[i].name, PARTS[data[0] & 3]) == 0)
			parts[i].text = NULL;
	if (size > 0)
		fuzz_parts(&xlsx_reader, parts, data + 1, size - 1);
	return 0;
}
