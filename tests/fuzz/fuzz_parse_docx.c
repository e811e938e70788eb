/* rooms: base parse */
/* Any bytes as the text, the styles or the numbering of a Word document. */
#include "parse_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const PARTS[] = { "document.xml", "styles.xml", "notes.xml",
					     "_rels/document.xml.rels" };
	struct fuzz_part parts[] = {
		{ "_rels/.rels",
		  FUZZ_RELS FUZZ_REL("a", "officeDocument", "document.xml") "</Relationships>" },
		{ "_rels/document.xml.rels", FUZZ_RELS FUZZ_REL("s", "styles", "styles.xml") FUZZ_REL(
						     "f", "footnotes", "notes.xml") "</Relationships>" },
		{ "document.xml", "<d><p><pPr><pStyle val=\"a\"/><numPr><ilvl val=\"0\"/><numId "
				  "val=\"1\"/></numPr></pPr><r><t>x</t></r></p></d>" },
		{ "styles.xml", "<s><style styleId=\"a\"><name val=\"heading 1\"/></style></s>" },
		{ "numbering.xml",
		  "<n><abstractNum abstractNumId=\"1\"><lvl ilvl=\"0\"><numFmt val=\"upperRoman\"/><lvlText "
		  "val=\"%1.\"/></lvl></abstractNum><num numId=\"1\"><abstractNumId val=\"1\"/></num></n>" },
		{ "notes.xml", "<footnotes><footnote id=\"1\"><p/></footnote></footnotes>" },
		{ NULL, NULL },
	};

	for (size_t i = 0; size > 0 && parts[i].name; i++)
		if (strcmp(parts[i].name, PARTS[data[0] & 3]) == 0)
			parts[i].text = NULL;
	if (size > 0)
		fuzz_parts(&docx_reader, parts, data + 1, size - 1);
	return 0;
}
