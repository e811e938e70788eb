/* rooms: base parse */
/* Any bytes as a slide of a presentation, or as its notes. */
#include "parse_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_part parts[] = {
		{ "_rels/.rels", FUZZ_RELS FUZZ_REL("a", "officeDocument", "p.xml") "</Relationships>" },
		{ "_rels/p.xml.rels", FUZZ_RELS FUZZ_REL("s", "slide", "slide.xml") "</Relationships>" },
		{ "p.xml", "<p xmlns:r=\"x/relationships\"><sldId r:id=\"s\"/></p>" },
		{ "_rels/slide.xml.rels",
		  FUZZ_RELS FUZZ_REL("n", "notesSlide", "slide.xml") "</Relationships>" },
		{ "slide.xml", NULL },
		{ NULL, NULL },
	};

	fuzz_parts(&pptx_reader, parts, data, size);
	return 0;
}
