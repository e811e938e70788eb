/* Messages as mail programs save them: who, what about, the text, and the files that hang on. */
#include "buf.h"
#include "mem.h"
#include "parse_room.h"
#include "text.h"
#include "words.h"
#include <gmime/gmime.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 64 << 10, DEPTH_MAX = 30, HEADER_MAX = 2000, FILE_NAME_MAX = 200 };

struct eml {
	struct parse *parse;
	const struct input *input;
	struct sink *sink;
	struct err *err;
	unsigned depth, attachments;
	bool bodies, encrypted, enough;
};

static bool part_walk(struct eml *eml, GMimeObject *part);

/* The decoded bytes of a part, a block at a time. */
static bool part_bytes(GMimePart *part, bool (*take)(void *owner, const char *data, size_t len), void *owner)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	char block[BLOCK], *decoded;
	GMimeEncoding encoding;
	bool more = true;
	ssize_t n;

	if (stream == NULL)
		return true;
	g_mime_stream_reset(stream);
	g_mime_encoding_init_decode(&encoding, g_mime_data_wrapper_get_encoding(content));
	decoded = mem_alloc(g_mime_encoding_outlen(&encoding, sizeof(block)) + 64);
	while (more && (n = g_mime_stream_read(stream, block, sizeof(block))) > 0)
		more = take(owner, decoded, g_mime_encoding_step(&encoding, block, (size_t)n, decoded));
	if (more)
		more = take(owner, decoded, g_mime_encoding_flush(&encoding, block, 0, decoded));
	free(decoded);
	return more;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static bool into_buf(void *owner, const char *data, size_t len)
{
	buf_add(owner, data, len);
	return true;
}

static char *part_text(GMimePart *part, size_t *len_out)
{
	const char *charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
	struct buf bytes = { 0 };
	char *text;

	part_bytes(part, into_buf, &bytes);
	text = parse_utf8(buf_str(&bytes), bytes.len, charset, len_out, NULL);
	buf_free(&bytes);
	return text;
}

static void say(struct eml *eml, const char *place, const char *text, size_t len)
{
	if (len > 0 && !eml->enough && !eml->sink->text(eml->sink, place, text, len))
		eml->enough = true;
}

/* Lines of messages end with two characters. */
static size_t returns_drop(char *text, size_t len)
{
	size_t to = 0;

	for (size_t at = 0; at < len; at++)
		if (text[at] != '\r')
			text[to++] = text[at];
	text[to] = '\0';
	return to;
}

/* Paragraphs, which blank lines part. */
static void plain_tell(struct eml *eml, char *text, size_t len)
{
	size_t from = 0;

	len = returns_drop(text, len);
	for (size_t at = 0; at < len && !eml->enough;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line = end ? (size_t)(end - text) - at : len - at;
		bool blank = strspn(text + at, " \t") >= line;

		if (blank && at > from)
			say(eml, "body", text + from, at - from - 1);
		at += line + (end != NULL);
		if (blank)
			from = at;
	}
	while (len > from && text[len - 1] == '\n')
		len--;
	if (from < len)
		say(eml, "body", text + from, len - from);
}

/* The reader of HTML takes a file: with a mark in front, so that what a page says of its character set does not count. */
static bool html_tell(struct eml *eml, const char *text, size_t len)
{
	struct input page = { .fd = memfd_create("body", MFD_CLOEXEC),
			      .name = "body.html",
			      .where = eml->input->where,
			      .depth = eml->input->depth };
	struct buf bytes = { 0 };
	struct err ignored = { 0 };
	bool good = true;

	buf_text(&bytes, "\xef\xbb\xbf");
	buf_add(&bytes, text, len);
	for (size_t at = 0; good && at < bytes.len;) {
		ssize_t n = page.fd < 0 ? -1 : write(page.fd, bytes.data + at, bytes.len - at);

		good = n > 0;
		at += good ? (size_t)n : 0;
	}
	page.size = (int64_t)bytes.len;
	buf_free(&bytes);
	if (!good)
		parse_fail(eml->err, "too_large", "There is no memory for the text of the message.");
	else if (!html_reader.read(eml->parse, &page, eml->sink, &ignored))
		eml->sink->warn(eml->sink, "the text of the message can't be read");
	if (page.fd >= 0)
		close(page.fd);
	return good;
}

static bool body_read(struct eml *eml, GMimePart *part, bool html)
{
	size_t len;
	char *text = part_text(part, &len);
	bool good = true;

	eml->bodies = true;
	if (html && len > 0)
		good = html_tell(eml, text, len);
	else
		plain_tell(eml, text, len);
	free(text);
	return good;
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

struct adding {
	struct inner *inner;
	struct err *err;
};

static bool into_inner(void *owner, const char *data, size_t len)
{
	struct adding *adding = owner;

	return len == 0 || parse_inner_add(adding->inner, data, len, adding->err);
}

/* Some programs say the whole path. */
static const char *name_last(const char *path)
{
	for (const char *at = path; *at; at++)
		if ((*at == '/' || *at == '\\') && at[1])
			path = at + 1;
	return path;
}

static struct inner *inner_begin(struct eml *eml, const char *given, const char *end, int64_t size)
{
	char *decoded = given ? words_decode(given, FILE_NAME_MAX) : mem_text("");
	char *name = text_file_name(name_last(decoded), FILE_NAME_MAX);
	struct inner *inner;

	eml->attachments++;
	if (given == NULL || *decoded == '\0') {
		free(name);
		name = mem_format("attachment %u%s", eml->attachments, end);
	}
	inner = parse_inner(eml->parse, eml->input, name, size, eml->err);
	free(name);
	free(decoded);
	return inner;
}

static bool inner_finish(struct eml *eml, struct inner *inner, bool good)
{
	if (good)
		return parse_inner_end(inner, eml->sink, eml->err);
	parse_inner_drop(inner);
	return false;
}

static bool attachment_read(struct eml *eml, GMimePart *part)
{
	struct adding adding = { inner_begin(eml, g_mime_part_get_filename(part), "", 0), eml->err };

	return adding.inner && inner_finish(eml, adding.inner, part_bytes(part, into_inner, &adding));
}

/* A message inside this one: written out again, and read like a file. */
static bool message_read(struct eml *eml, GMimeMessagePart *part)
{
	GMimeMessage *message = g_mime_message_part_get_message(part);
	const char *subject = message ? g_mime_object_get_header(GMIME_OBJECT(message), "Subject") : NULL;
	GMimeStream *stream;
	struct adding adding = { NULL, eml->err };
	GByteArray *bytes;
	bool good;
	char *name;

	if (message == NULL)
		return true;
	name = subject ? mem_format("%.150s.eml", subject) : NULL;
	stream = g_mime_stream_mem_new();
	g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, stream);
	bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	adding.inner = inner_begin(eml, name, ".eml", (int64_t)bytes->len);
	free(name);
	good = adding.inner &&
	       inner_finish(eml, adding.inner, into_inner(&adding, (const char *)bytes->data, bytes->len));
	g_object_unref(stream);
	return good;
}

/* ---- parts ---------------------------------------------------------------------------------------------------------- */

static bool is_type(GMimeObject *part, const char *type, const char *subtype)
{
	GMimeContentType *own = g_mime_object_get_content_type(part);

	return own && g_mime_content_type_is_type(own, type, subtype);
}

static bool is_attached(GMimeObject *part)
{
	const char *disposition = g_mime_object_get_disposition(part);

	return (disposition && g_ascii_strcasecmp(disposition, "attachment") == 0) ||
	       g_mime_part_get_filename(GMIME_PART(part)) != NULL;
}

/* The same said in several ways: as plain text, if that says anything; else the richest, which is the last. */
static bool alternative_walk(struct eml *eml, GMimeMultipart *parts)
{
	int count = g_mime_multipart_get_count(parts);

	for (int i = 0; i < count; i++) {
		GMimeObject *part = g_mime_multipart_get_part(parts, i);
		size_t len;
		char *text;
		bool says;

		if (!GMIME_IS_PART(part) || !is_type(part, "text", "plain"))
			continue;
		text = part_text(GMIME_PART(part), &len);
		says = !text_blank(text);
		free(text);
		if (says)
			return part_walk(eml, part);
	}
	return count == 0 || part_walk(eml, g_mime_multipart_get_part(parts, count - 1));
}

static bool multipart_walk(struct eml *eml, GMimeObject *part)
{
	GMimeMultipart *parts = GMIME_MULTIPART(part);
	int count = g_mime_multipart_get_count(parts);

	if (is_type(part, "multipart", "alternative"))
		return alternative_walk(eml, parts);
	if (is_type(part, "multipart", "encrypted")) {
		eml->encrypted = true;
		return true;
	}
	for (int i = 0; i < count && !eml->enough; i++)
		if (!part_walk(eml, g_mime_multipart_get_part(parts, i)))
			return false;
	return true;
}

static bool part_read(struct eml *eml, GMimeObject *part)
{
	if (GMIME_IS_MULTIPART(part))
		return multipart_walk(eml, part);
	if (GMIME_IS_MESSAGE_PART(part))
		return message_read(eml, GMIME_MESSAGE_PART(part));
	if (!GMIME_IS_PART(part))
		return true;
	if (is_type(part, "application", "pkcs7-mime") || is_type(part, "application", "x-pkcs7-mime")) {
		eml->encrypted = true;
		return true;
	}
	if (!is_attached(part) && is_type(part, "text", "html"))
		return body_read(eml, GMIME_PART(part), true);
	if (!is_attached(part) && is_type(part, "text", "plain"))
		return body_read(eml, GMIME_PART(part), false);
	/* What lies beside a signed text to prove it is nothing to read. */
	if (is_type(part, "application", "pgp-signature") || is_type(part, "application", "pkcs7-signature"))
		return true;
	return attachment_read(eml, GMIME_PART(part));
}

static bool part_walk(struct eml *eml, GMimeObject *part)
{
	bool good;

	if (part == NULL)
		return true;
	if (eml->depth == DEPTH_MAX)
		return parse_fail(eml->err, "too_large",
				  "The message has more than %d parts inside each other.", DEPTH_MAX);
	eml->depth++;
	good = part_read(eml, part);
	eml->depth--;
	return good;
}

static void headers_tell(struct eml *eml, GMimeObject *message)
{
	static const char *const SHOWN[] = { "From", "To", "Cc", "Date", "Subject" };
	GMimeHeaderList *headers = g_mime_object_get_header_list(message);
	struct buf lines = { 0 };

	for (size_t i = 0; i < sizeof(SHOWN) / sizeof(SHOWN[0]); i++) {
		GMimeHeader *header = g_mime_header_list_get_header(headers, SHOWN[i]);
		const char *raw = header ? g_mime_header_get_raw_value(header) : NULL;
		char *value = raw ? words_decode(raw, HEADER_MAX) : NULL;

		if (value && *value)
			buf_format(&lines, "%s%s: %s", lines.len ? "\n" : "", SHOWN[i], value);
		if (value && *value && i == 4)
			eml->sink->title(eml->sink, value);
		free(value);
	}
	say(eml, "header", buf_str(&lines), lines.len);
	buf_free(&lines);
}

static bool message_walk(struct eml *eml, GMimeMessage *message)
{
	if (g_mime_header_list_get_count(g_mime_object_get_header_list(GMIME_OBJECT(message))) == 0)
		return parse_fail(eml->err, "damaged", "The file is no message: it has no headers.");
	headers_tell(eml, GMIME_OBJECT(message));
	if (!part_walk(eml, g_mime_message_get_mime_part(message)))
		return false;
	if (eml->encrypted && !eml->bodies)
		return parse_fail(eml->err, "encrypted", "The message is encrypted.");
	return true;
}

void eml_stage(void)
{
	/* The library converts names of files by itself, with tables that lie in files: they stay while one is open. */
	static const char *const SETS[] = { "ISO-8859-1",  "ISO-8859-15", "WINDOWS-1252", "WINDOWS-1251",
					    "ISO-2022-JP", "GB18030",	  "UTF-16BE" };

	static iconv_t open[sizeof(SETS) / sizeof(SETS[0])]; /* for as long as the program lives */

	for (size_t i = 0; i < sizeof(SETS) / sizeof(SETS[0]); i++)
		if (open[i] == NULL)
			open[i] = iconv_open("UTF-8", SETS[i]);
	g_mime_init();
}

static bool eml_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct eml eml = { .parse = parse, .input = input, .sink = sink, .err = err };
	GMimeStream *stream = g_mime_stream_fs_new_with_bounds(input->fd, 0, input->size);
	GMimeParser *parser;
	GMimeMessage *message;
	bool good;

	g_mime_stream_fs_set_owner(GMIME_STREAM_FS(stream), FALSE);
	parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_set_persist_stream(parser, TRUE);
	message = g_mime_parser_construct_message(parser, NULL);
	good = message ? message_walk(&eml, message)
		       : parse_fail(err, "damaged", "The file is no message: it has no headers.");
	if (message)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
	return good;
}

const struct reader eml_reader = { .kind = "eml", .mime = "message/rfc822", .read = eml_read };
