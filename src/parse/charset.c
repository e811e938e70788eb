/* Which character set, and the way out of it. ICU does the work; UTF-8 goes by it. */
#include "charset.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unistr.h>

enum {
	PIECE = 1 << 16,
	SAMPLE = 1 << 15,
	PIVOT = 2048,
	CONFIDENT = 15, /* of 100: below it the guess is worse than the most usual one */
};

static const char *by_mark(const unsigned char *head, size_t len, size_t *mark_out)
{
	static const struct {
		const char *mark;
		size_t len;
		const char *name;
	} marks[] = {
		{ "\xef\xbb\xbf", 3, "UTF-8" },	   { "\xff\xfe\0\0", 4, "UTF-32LE" },
		{ "\0\0\xfe\xff", 4, "UTF-32BE" }, { "\xff\xfe", 2, "UTF-16LE" },
		{ "\xfe\xff", 2, "UTF-16BE" },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (len >= marks[i].len && memcmp(head, marks[i].mark, marks[i].len) == 0) {
			*mark_out = marks[i].len;
			return marks[i].name;
		}
	*mark_out = 0;
	return NULL;
}

/* Wide characters of plain text have their zero bytes all in the same places. */
static const char *by_zeros(const unsigned char *head, size_t len)
{
	size_t zeros[4] = { 0 }, quarter = len / 4;

	for (size_t i = 0; i < quarter * 4; i++)
		zeros[i % 4] += head[i] == 0;
	if (quarter < 2)
		return NULL;
	if (zeros[1] + zeros[2] + zeros[3] == quarter * 3 || zeros[2] + zeros[3] == quarter * 2)
		return zeros[0] < quarter / 4 ? "UTF-32LE" : NULL;
	if (zeros[0] + zeros[1] == quarter * 2)
		return zeros[3] < quarter / 4 ? "UTF-32BE" : NULL;
	if (zeros[1] + zeros[3] > quarter && zeros[0] + zeros[2] < quarter / 4)
		return "UTF-16LE";
	if (zeros[0] + zeros[2] > quarter && zeros[1] + zeros[3] < quarter / 4)
		return "UTF-16BE";
	return NULL;
}

/* What is called Latin-1 is, where people write it, the set of Windows that contains it; as browsers have it. */
static const char *as_people_mean(const char *name)
{
	if (strcasecmp(name, "ISO-8859-1") == 0 || strcasecmp(name, "US-ASCII") == 0)
		return "windows-1252";
	if (strcasecmp(name, "ISO-8859-9") == 0)
		return "windows-1254";
	return name;
}

/* ---- Thai ---- */

/* TIS-620: consonants, signs above or below them, vowels in front of them, other letters and digits. */
static bool is_consonant(unsigned char c)
{
	return c >= 0xa1 && c <= 0xce;
}

static bool is_sign(unsigned char c)
{
	return c == 0xd1 || (c >= 0xd4 && c <= 0xda) || (c >= 0xe7 && c <= 0xee);
}

static bool is_before(unsigned char c)
{
	return c >= 0xe0 && c <= 0xe4;
}

static bool is_thai(unsigned char c)
{
	return c == 0xa0 || is_consonant(c) || (c >= 0xcf && c <= 0xda) || (c >= 0xdf && c <= 0xfb);
}

/* ICU does not know its looks. A sign stands on a consonant or another sign, and a consonant behind a vowel that is written
 * first: what another set's letters would break all the time. Words of sets with two bytes a letter have even lengths: a text of
 * such has to be longer. The numbers are by trial with words of Korean, Japanese, Chinese and Thai. */
static bool looks_thai(const unsigned char *head, size_t len)
{
	size_t letters = 0, wrong = 0, signs = 0, word = 0;
	bool odd = false;

	for (size_t i = 0; i < len; i++) {
		unsigned char before = i ? head[i - 1] : 0;

		if (head[i] < 0x80) {
			odd = odd || word % 2 == 1;
			word = 0;
			continue;
		}
		word++;
		letters++;
		signs += is_sign(head[i]) || is_before(head[i]);
		if (!is_thai(head[i]) || (is_sign(head[i]) && !is_consonant(before) && !is_sign(before)) ||
		    (is_before(head[i]) && i + 1 < len && !is_consonant(head[i + 1])))
			wrong++;
	}
	if (odd || word % 2 == 1)
		return letters >= 12 && wrong <= letters / 50 && signs >= letters / 5;
	return letters >= 40 && wrong == 0 && signs >= letters / 4;
}

static const char *by_looks(const char *head, size_t len)
{
	UErrorCode status = U_ZERO_ERROR;
	UCharsetDetector *detector = ucsdet_open(&status);
	const UCharsetMatch *match;
	const char *name = NULL;

	ucsdet_setText(detector, head, (int32_t)len, &status);
	match = ucsdet_detect(detector, &status);
	if (U_SUCCESS(status) && match != NULL && ucsdet_getConfidence(match, &status) >= CONFIDENT)
		name = ucsdet_getName(match, &status);
	/* The name is the detector's own, static text of ICU: it outlives the detector. */
	if (detector != NULL)
		ucsdet_close(detector);
	return name == NULL || strncmp(name, "UTF-", 4) == 0 ? "windows-1252" : as_people_mean(name);
}

/* As ICU calls it; NULL when it knows no such set, or one that is not for text of this kind. */
static const char *by_name(const char *declared)
{
	UErrorCode status = U_ZERO_ERROR;
	const char *name = ucnv_getStandardName(declared, "MIME", &status);

	if (U_FAILURE(status) || name == NULL) {
		status = U_ZERO_ERROR;
		name = ucnv_getAlias(declared, 0, &status);
	}
	return U_FAILURE(status) ? NULL : name;
}

/* whole: nothing follows, so a character that has only begun is none. */
static const char *guess(const void *head, size_t len, bool whole, const char *declared, size_t *mark_out)
{
	const char *name = by_mark(head, len, mark_out);
	bool utf8;

	if (name != NULL)
		return name;
	name = by_zeros(head, len);
	if (name != NULL)
		return name;
	utf8 = u8_check(head, whole ? len : text_whole(head, len)) == NULL;
	if (utf8 && memchr(head, 0x1b, len) == NULL)
		return "UTF-8";
	name = declared ? by_name(declared) : NULL;
	if (name != NULL && strncmp(name, "UTF-", 4) != 0)
		return as_people_mean(name);
	name = looks_thai(head, len) ? "windows-874" : by_looks(head, len);
	/* Escapes are colours of a terminal, or they change the character set. */
	return utf8 && strncmp(name, "ISO-2022", 8) != 0 ? "UTF-8" : name;
}

const char *charset_guess(const void *head, size_t len, const char *declared, size_t *mark_out)
{
	return guess(head, len, false, declared, mark_out);
}

/* ---- converting ---------------------------------------------------------------------------------------------- */

struct pivot {
	UConverter *from, *to;
	UChar units[PIVOT], *read, *write;
};

static bool pivot_open(struct pivot *pivot, const char *name)
{
	UErrorCode status = U_ZERO_ERROR;

	pivot->from = ucnv_open(name, &status);
	pivot->to = ucnv_open("UTF-8", &status);
	pivot->read = pivot->write = pivot->units;
	return U_SUCCESS(status);
}

static void pivot_close(struct pivot *pivot)
{
	if (pivot->from != NULL)
		ucnv_close(pivot->from);
	if (pivot->to != NULL)
		ucnv_close(pivot->to);
}

static void pivot_feed(struct pivot *pivot, const char *data, size_t len, bool last, struct buf *out)
{
	const char *end = data + len;
	char room[PIECE];
	UErrorCode status;

	do {
		char *to = room;

		status = U_ZERO_ERROR;
		ucnv_convertEx(pivot->to, pivot->from, &to, room + sizeof(room), &data, end, pivot->units,
			       &pivot->read, &pivot->write, pivot->units + PIVOT, 0, last ? 1 : 0, &status);
		buf_add(out, room, (size_t)(to - room));
	} while (status == U_BUFFER_OVERFLOW_ERROR);
}

static void blank_zeros(char *data, size_t len)
{
	for (char *at = data; at != NULL && (at = memchr(at, 0, len - (size_t)(at - data))) != NULL;)
		*at = ' ';
}

/* Appends bytes that should be UTF-8. */
static void valid_add(struct buf *out, const char *data, size_t len)
{
	if (len > 0 && u8_check((const uint8_t *)data, len) != NULL) {
		char *whole = text_repair(data, len);

		buf_text(out, whole);
		free(whole);
		return;
	}
	buf_add(out, data, len);
}

char *parse_utf8(const void *data, size_t len, const char *declared, size_t *len_out,
		 const char **charset_out)
{
	size_t mark;
	const char *name = guess(data, len, true, declared, &mark);
	const char *from = (const char *)data + mark;
	struct pivot pivot = { 0 };
	struct buf out = { 0 }, plain = { 0 };

	if (strcmp(name, "UTF-8") != 0 && pivot_open(&pivot, name)) {
		pivot_feed(&pivot, from, len - mark, true, &out);
		blank_zeros(out.data, out.len);
	} else {
		name = "UTF-8";
		buf_add(&plain, from, len - mark);
		blank_zeros(plain.data, plain.len);
		valid_add(&out, buf_str(&plain), plain.len);
		buf_free(&plain);
	}
	pivot_close(&pivot);
	if (charset_out != NULL)
		*charset_out = name;
	*len_out = out.len;
	return buf_take(&out);
}

void charset_stage(void)
{
	size_t len;

	free(parse_utf8("na\xefve caf\xe9 and more of it", 23, "windows-1252", &len, NULL));
	(void)by_looks("\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0! \xca\xe0\xea \xe4\xe5\xeb\xe0?", 22);
}

/* ---- streams ------------------------------------------------------------------------------------------------- */

struct stream {
	struct parse *parse;
	const struct input *input;
	const char *name;
	struct pivot pivot; /* unused for UTF-8 */
	bool utf8, ended;
	int64_t at;
	struct buf in, out;
};

/* The set of a file: what tells are the bytes that are not ASCII, wherever the first of them stands. */
static const char *input_charset(const struct input *input, const char *declared, size_t *mark_out)
{
	unsigned char *head = mem_alloc(SAMPLE);
	size_t len = input_read(input, 0, head, SAMPLE), ignored, plain = 0;
	const char *name = charset_guess(head, len, declared, mark_out);
	int64_t at = 0;

	if (*mark_out == 0 && strcmp(name, "UTF-8") == 0) {
		while (len > 0) {
			for (plain = 0; plain < len && head[plain] != 0 && head[plain] < 0x80; plain++)
				;
			if (plain < len)
				break;
			at += (int64_t)len;
			len = input_read(input, at, head, SAMPLE);
		}
		if (len > 0) {
			/* Some of the words before belong to it. */
			at += (int64_t)plain - (plain > 512 ? 512 : (int64_t)plain);
			len = input_read(input, at, head, SAMPLE);
			name = charset_guess(head, len, declared, &ignored);
			if (strncmp(name, "UTF-16", 6) == 0 || strncmp(name, "UTF-32", 6) == 0)
				name = "UTF-8";
		}
	}
	free(head);
	return name;
}

struct stream *stream_open(struct parse *parse, const struct input *input, const char *declared)
{
	struct stream *stream = mem_zero(1, sizeof(*stream));
	size_t mark;

	stream->parse = parse;
	stream->input = input;
	stream->name = input_charset(input, declared, &mark);
	stream->utf8 = strcmp(stream->name, "UTF-8") == 0 || !pivot_open(&stream->pivot, stream->name);
	if (stream->utf8)
		stream->name = "UTF-8";
	stream->at = (int64_t)mark;
	return stream;
}

static void take_utf8(struct stream *stream, const char *data, size_t len)
{
	size_t whole;

	buf_add(&stream->in, data, len);
	whole = stream->ended ? stream->in.len : text_whole(stream->in.data, stream->in.len);
	blank_zeros(stream->in.data, whole);
	valid_add(&stream->out, buf_str(&stream->in), whole);
	buf_drop(&stream->in, whole);
}

bool stream_next(struct stream *stream, const char **data_out, size_t *len_out)
{
	char piece[PIECE];

	buf_clear(&stream->out);
	while (stream->out.len == 0 && !stream->ended) {
		size_t len = input_read(stream->input, stream->at, piece, sizeof(piece));

		stream->at += (int64_t)len;
		stream->ended = len < sizeof(piece);
		if (stream->utf8) {
			take_utf8(stream, piece, len);
		} else {
			pivot_feed(&stream->pivot, piece, len, stream->ended, &stream->out);
			blank_zeros(stream->out.data, stream->out.len);
		}
		if (stream->input->depth == 0)
			parse_progress(stream->parse, stream->at, -1, -1);
	}
	*data_out = buf_str(&stream->out);
	*len_out = stream->out.len;
	return stream->out.len > 0;
}

void stream_close(struct stream *stream)
{
	if (!stream->utf8)
		pivot_close(&stream->pivot);
	buf_free(&stream->in);
	buf_free(&stream->out);
	free(stream);
}
