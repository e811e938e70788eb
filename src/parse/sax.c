/* XML through libxml2's push parser: the archive is unpacked a block at a time and nothing is kept. */
#include "sax.h"
#include "mem.h"
#include "package.h"
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BLOCK = 64 << 10, DECLARATION_MAX = 200 };

static const char *attribute_value(struct sax *sax, const unsigned char *const *attribute)
{
	size_t len = (size_t)(attribute[4] - attribute[3]);
	char *value = sax->values + sax->values_len;

	/* The room was made when the element began: what was handed out stays where it is. */
	if (sax->values_room - sax->values_len < len + 1)
		return NULL;
	memcpy(value, attribute[3], len);
	value[len] = '\0';
	sax->values_len += len + 1;
	return value;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len, end_len = strlen(end);

	if (text == NULL)
		return false;
	len = strlen(text);
	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

const char *sax_attribute_of(struct sax *sax, const char *namespace_end, const char *name)
{
	for (int i = 0; i < sax->attribute_count; i++) {
		const unsigned char *const *attribute = sax->attributes + (size_t)i * 5;

		if (strcmp((const char *)attribute[0], name) == 0 &&
		    (namespace_end == NULL || ends_with((const char *)attribute[2], namespace_end)))
			return attribute_value(sax, attribute);
	}
	return NULL;
}

const char *sax_attribute(struct sax *sax, const char *name)
{
	return sax_attribute_of(sax, NULL, name);
}

void sax_skip(struct sax *sax)
{
	sax->skipping = 1;
}

void sax_stop(struct sax *sax)
{
	sax->stopped = true;
	xmlStopParser(sax->parser);
}

void sax_abandon(struct sax *sax)
{
	sax->failed = true;
	xmlStopParser(sax->parser);
}

/* Room for each value twice. */
static void values_begin(struct sax *sax, const unsigned char **attributes, int count)
{
	size_t need = 0;

	for (int i = 0; i < count; i++)
		need += 2 * ((size_t)(attributes[i * 5 + 4] - attributes[i * 5 + 3]) + 1);
	sax->values_len = 0;
	if (need <= sax->values_room)
		return;
	free(sax->values);
	sax->values = mem_alloc(need);
	sax->values_room = need;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_count,
		     const xmlChar **ns, int count, int defaulted, const xmlChar **attributes)
{
	struct sax *sax = ctx;

	(void)prefix, (void)uri, (void)ns_count, (void)ns, (void)defaulted;
	if (sax->stopped || sax->failed)
		return;
	/* libxml2 has such a limit only for documents that it keeps. */
	if (++sax->depth > SAX_DEPTH_MAX) {
		parse_fail(&sax->err, "damaged", "A part has more than %d elements inside each other.",
			   SAX_DEPTH_MAX);
		sax_abandon(sax);
		return;
	}
	if (sax->skipping) {
		sax->skipping++;
		return;
	}
	sax->attributes = attributes;
	sax->attribute_count = count;
	if (sax->start) {
		values_begin(sax, attributes, count);
		sax->start(sax, (const char *)name);
	}
	sax->attribute_count = 0;
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct sax *sax = ctx;

	(void)prefix, (void)uri;
	if (sax->stopped || sax->failed)
		return;
	sax->depth--;
	if (sax->skipping)
		sax->skipping--;
	else if (sax->end)
		sax->end(sax, (const char *)name);
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
	struct sax *sax = ctx;

	if (!sax->stopped && !sax->failed && !sax->skipping && sax->text && len > 0)
		sax->text(sax, (const char *)text, (size_t)len);
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	struct sax *sax = ctx;

	(void)name, (void)external, (void)system;
	sax->doctype = true;
	sax_abandon(sax);
}

static void on_error(void *ctx, xmlErrorPtr error)
{
	(void)ctx, (void)error; /* asked for at the end, of the context */
}

/* Other character sets would be looked up in files, which can't be opened here; office formats don't use them. */
static bool encoding_known(const char *data, size_t len)
{
	static const char *const KNOWN[] = { "utf-8", "utf-16", "iso-8859-1", "us-ascii", "ascii" };
	size_t head = len < DECLARATION_MAX ? len : DECLARATION_MAX;
	const char *declaration = memmem(data, head, "<?xml", 5), *name, *end;

	if (declaration == NULL || (name = memmem(data, head, "encoding=", 9)) == NULL)
		return true;
	end = memmem(data, head, "?>", 2);
	if ((end && end < name) || name + 10 >= data + head)
		return true;
	name += 10;
	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
		size_t known = strlen(KNOWN[i]);

		if (name + known < data + head && strncasecmp(name, KNOWN[i], known) == 0 &&
		    strchr("\"'", name[known]) != NULL)
			return true;
	}
	return false;
}

static bool entry_failed(zip_file_t *file, const char *name, struct err *err)
{
	int code = zip_error_code_zip(zip_file_get_error(file));

	if (code == ZIP_ER_NOPASSWD || code == ZIP_ER_WRONGPASSWD)
		return parse_fail(err, "encrypted", "The file needs a password.");
	if (code == ZIP_ER_MEMORY)
		return parse_fail(err, "too_large", "The file needs more memory than it may have.");
	return parse_fail(err, "damaged", "The part %.100s can't be unpacked.", name);
}

static bool xml_failed(const struct sax *sax, const xmlParserCtxt *parser, const char *name, struct err *err)
{
	const xmlError *last = &parser->lastError;

	if (sax->doctype)
		return parse_fail(err, "damaged",
				  "The part %.100s declares a document type, which is not allowed.", name);
	if (sax->failed) {
		if (err)
			*err = sax->err;
		return false;
	}
	if (last->code == XML_ERR_NO_MEMORY)
		return parse_fail(err, "too_large", "The file needs more memory than it may have.");
	return parse_fail(err, "damaged", "The part %.100s is not well-formed (line %d).", name, last->line);
}

/* Block after block; a document that ends early is found by the last call. */
static bool blocks_read(struct sax *sax, xmlParserCtxtPtr parser, struct parse *parse, zip_file_t *file,
			const char *name, struct err *err)
{
	char block[BLOCK];
	bool first = true;
	zip_int64_t n;

	while ((n = zip_fread(file, block, sizeof(block))) > 0) {
		if (!package_take(parse, n, err))
			return false;
		if (first && !encoding_known(block, (size_t)n))
			return parse_fail(err, "damaged", "The part %.100s has an unknown character set.",
					  name);
		first = false;
		if (xmlParseChunk(parser, block, (int)n, 0) != 0 && !sax->stopped)
			return xml_failed(sax, parser, name, err);
		if (sax->stopped)
			return true;
		if (sax->failed)
			return xml_failed(sax, parser, name, err);
	}
	if (n < 0)
		return entry_failed(file, name, err);
	if ((xmlParseChunk(parser, block, 0, 1) != 0 || !parser->wellFormed || sax->failed) && !sax->stopped)
		return xml_failed(sax, parser, name, err);
	return true;
}

bool sax_read(struct sax *sax, struct parse *parse, zip_t *zip, const char *name, struct err *err)
{
	xmlSAXHandler calls = { .initialized = XML_SAX2_MAGIC,
				.startElementNs = on_start,
				.endElementNs = on_end,
				.characters = on_text,
				.ignorableWhitespace = on_text,
				.cdataBlock = on_text,
				.internalSubset = on_doctype,
				.serror = on_error };
	zip_file_t *file = package_entry(zip, name, err);
	xmlParserCtxtPtr parser;
	bool good;

	if (file == NULL)
		return false;
	parser = xmlCreatePushParserCtxt(&calls, sax, NULL, 0, NULL);
	if (parser == NULL) {
		zip_fclose(file);
		return parse_fail(err, "too_large", "The file needs more memory than it may have.");
	}
	xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	sax->parser = parser;
	sax->depth = sax->skipping = 0;
	sax->stopped = sax->failed = sax->doctype = false;
	good = blocks_read(sax, parser, parse, file, name, err);
	if (parser->myDoc)
		xmlFreeDoc(parser->myDoc);
	xmlFreeParserCtxt(parser);
	sax->parser = NULL;
	free(sax->values);
	sax->values = NULL;
	sax->values_room = 0;
	zip_fclose(file);
	return good;
}
