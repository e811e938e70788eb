/* What a file is, by content: magic numbers, then a look inside of archives and of text. The name only decides between
 * what looks the same (R31). */
#include "charset.h"
#include "mem.h"
#include "peek.h"
#include <magic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	HEAD = 1 << 16,	     /* bytes that are looked at */
	TYPES_MAX = 1 << 20, /* bytes of [Content_Types].xml */
	OLE_LOOK = 1 << 20,  /* bytes of an old office file where its list of streams is looked for */
};

/* Loaded once before the sandbox: afterwards its file can't be opened. */
static magic_t magic;

bool type_stage(struct err *err)
{
	magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR |
			   MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_JSON | MAGIC_NO_CHECK_CSV);
	if (magic == NULL || magic_load(magic, NULL) != 0)
		return err_set(err, ERR_REFUSED, "the database of file types can't be loaded: %s",
			       magic ? magic_error(magic) : "no memory");
	(void)magic_buffer(magic, "warm", 4);
	return true;
}

struct named {
	const char *key, *kind, *mime;
};

static const struct named OPEN_XML[] = {
	{ "wordprocessingml.document.main+xml", "docx",
	  "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ "word.document.macroEnabled.main+xml", "docx", "application/vnd.ms-word.document.macroEnabled.12" },
	{ "spreadsheetml.sheet.main+xml", "xlsx",
	  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "excel.sheet.macroEnabled.main+xml", "xlsx", "application/vnd.ms-excel.sheet.macroEnabled.12" },
	{ "presentationml.presentation.main+xml", "pptx",
	  "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
	{ "powerpoint.presentation.macroEnabled.main+xml", "pptx",
	  "application/vnd.ms-powerpoint.presentation.macroEnabled.12" },
};

static const struct named OPEN_DOCUMENT[] = {
	{ "application/vnd.oasis.opendocument.text", "odt", "application/vnd.oasis.opendocument.text" },
	{ "application/vnd.oasis.opendocument.spreadsheet", "ods",
	  "application/vnd.oasis.opendocument.spreadsheet" },
};

static struct named zip_kind(const struct input *input)
{
	struct named kind = { NULL, "zip", "application/zip" };
	zip_t *zip = zip_input_open(input, NULL);
	char *types, *mime;
	size_t len;

	if (zip == NULL)
		return kind;
	types = zip_input_head(zip, "[Content_Types].xml", TYPES_MAX, &len);
	for (size_t i = 0; types != NULL && i < sizeof(OPEN_XML) / sizeof(OPEN_XML[0]); i++)
		if (memmem(types, len, OPEN_XML[i].key, strlen(OPEN_XML[i].key)) != NULL) {
			kind = OPEN_XML[i];
			break;
		}
	mime = zip_input_head(zip, "mimetype", 200, &len);
	for (size_t i = 0; mime != NULL && i < sizeof(OPEN_DOCUMENT) / sizeof(OPEN_DOCUMENT[0]); i++) {
		mime[strcspn(mime, " \r\n")] = '\0';
		if (strcmp(mime, OPEN_DOCUMENT[i].key) == 0)
			kind = OPEN_DOCUMENT[i];
	}
	free(types);
	free(mime);
	zip_discard(zip);
	return kind;
}

static const struct named BINARY[] = {
	{ "application/pdf", "pdf", "application/pdf" },
	{ "message/rfc822", "eml", "message/rfc822" },
	{ "image/", "image", NULL },
	{ "audio/", "audio", NULL },
	{ "application/ogg", "audio", NULL },
};

static bool is_archive(const char *mime)
{
	return strcmp(mime, "application/zip") == 0 || strncmp(mime, "application/vnd.oasis.", 22) == 0 ||
	       strncmp(mime, "application/vnd.openxmlformats", 30) == 0 ||
	       strcmp(mime, "application/java-archive") == 0 || strcmp(mime, "application/epub+zip") == 0;
}

/* A document of today's office programs with a password is an old office file that holds this stream. */
static bool is_encrypted_office(const struct input *input)
{
	static const char name[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";
	char *data = mem_alloc(OLE_LOOK);
	size_t len = input_read(input, 0, data, OLE_LOOK);
	bool found = len > 8 && memcmp(data, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0 &&
		     memmem(data, len, name, sizeof(name) - 1) != NULL;

	if (!found && input->size > OLE_LOOK && memcmp(data, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0) {
		len = input_read(input, input->size - OLE_LOOK, data, OLE_LOOK);
		found = memmem(data, len, name, sizeof(name) - 1) != NULL;
	}
	free(data);
	return found;
}

static bool encrypted_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	(void)parse;
	(void)input;
	(void)sink;
	return parse_fail(err, "encrypted", "The file has a password.");
}

static const struct reader encrypted_reader = { "unknown", "application/x-ole-storage", encrypted_read };

static const struct reader *found(const struct named *kind, const char **kind_out, const char **mime_out)
{
	*kind_out = kind->kind;
	*mime_out = kind->mime;
	return reader_of(kind->kind);
}

/* The head as text; NULL: it is none. */
static char *head_text(const char *head, size_t len, size_t *text_len_out, const char *mime)
{
	const char *charset;
	size_t mark, controls = 0;
	bool wide;
	char *text;

	charset = charset_guess(head, len, NULL, &mark);
	wide = strncmp(charset, "UTF-16", 6) == 0 || strncmp(charset, "UTF-32", 6) == 0;
	if (!wide && memchr(head, 0, len) != NULL)
		return NULL;
	if (wide)
		len -= len % 4;
	text = parse_utf8(head, len, NULL, text_len_out, NULL);
	for (size_t i = 0; i < *text_len_out; i++)
		controls += (unsigned char)text[i] < ' ' && strchr("\t\n\r\f\x1b\b", text[i]) == NULL;
	if (controls > *text_len_out / 100 || (strncmp(mime, "text/", 5) != 0 && controls > 0 &&
					       strcmp(mime, "application/octet-stream") != 0)) {
		free(text);
		return NULL;
	}
	return text;
}

const struct reader *parse_type(const struct input *input, const char **kind_out, const char **mime_out)
{
	char *head = mem_alloc(HEAD), *text = NULL;
	size_t len = input_read(input, 0, head, HEAD), text_len = 0;
	const char *mime = len ? magic_buffer(magic, head, len) : NULL;
	struct named kind = { NULL, "unknown", NULL };

	if (mime == NULL)
		mime = len ? "application/octet-stream" : "application/x-empty";
	kind.mime = mime;
	for (size_t i = 0; i < sizeof(BINARY) / sizeof(BINARY[0]); i++)
		if (strncmp(mime, BINARY[i].key, strlen(BINARY[i].key)) == 0) {
			kind.kind = BINARY[i].kind;
			/* libmagic keeps its own only until it is asked again, about a file inside. */
			kind.mime = BINARY[i].mime ? BINARY[i].mime : mime;
		}
	if (is_archive(mime))
		kind = zip_kind(input);
	else if (strcmp(kind.kind, "unknown") == 0 || strcmp(mime, "image/svg+xml") == 0)
		text = len ? head_text(head, len, &text_len, mime) : NULL;
	if (text != NULL) {
		const struct peek peek =
			peek_text(text, text_len, (int64_t)len < input->size, input->name, mime);

		kind = (struct named){ NULL, peek.kind, peek.mime };
	}
	free(text);
	if (strcmp(kind.kind, "unknown") == 0 && is_encrypted_office(input)) {
		free(head);
		*kind_out = encrypted_reader.kind;
		*mime_out = encrypted_reader.mime;
		return &encrypted_reader;
	}
	free(head);
	return found(&kind, kind_out, mime_out);
}
