/* The readers there are, by kind, and what one of them is called with. */
#include "parse_room.h"
#include <libxml/parser.h>
#include <string.h>

/* A line for each. */
static const struct reader *const READERS[] = {
	&text_reader,	&markdown_reader, &html_reader, &csv_reader,  &json_reader,
	&ndjson_reader, &image_reader,	  &pdf_reader,	&docx_reader, &xlsx_reader,
	&pptx_reader,	&odt_reader,	  &ods_reader,	&eml_reader,  &zip_reader,
};

void readers_stage(void)
{
	xmlInitParser();
	eml_stage();
	pdf_stage();
}

const struct reader *reader_of(const char *kind)
{
	if (strcmp(kind, "tsv") == 0)
		kind = "csv";
	for (size_t i = 0; i < sizeof(READERS) / sizeof(READERS[0]); i++)
		if (strcmp(READERS[i]->kind, kind) == 0)
			return READERS[i];
	return NULL;
}

bool kind_without_text(const char *kind)
{
	return strcmp(kind, "audio") == 0;
}

bool parse_file(struct parse *parse, const struct reader *reader, const char *mime, const struct input *input,
		struct sink *sink, struct err *err)
{
	if (input->size == 0)
		return parse_fail(err, "empty", "The file is empty.");
	if (reader == NULL)
		return parse_fail(err, "unsupported", "Files of the type %s can't be read.", mime);
	return reader->read(parse, input, sink, err);
}
