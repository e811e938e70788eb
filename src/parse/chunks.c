/* Chunks: small texts are put together while their places go well with each other, large ones are cut where a reader would
 * take breath. */
#include "chunks.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unistd.h>
#include <unistr.h>

enum {
	WRITE_AT = 1 << 16,    /* bytes gathered before they are written */
	SMALL = 600,	       /* texts of different places are put together up to so many bytes */
	PLACES_TOGETHER = 200, /* bytes of the places of such a chunk */
};

/* ---- places -------------------------------------------------------------------------------------------------- */

/* The number that ends at *end; moves *end in front of it. -1: none. */
static int64_t number_before(const char *text, size_t *end)
{
	size_t at = *end;
	int64_t value = 0;

	while (at > 0 && *end - at < 15 && isdigit((unsigned char)text[at - 1]))
		at--;
	if (at == *end)
		return -1;
	for (size_t i = at; i < *end; i++)
		value = value * 10 + (text[i] - '0');
	*end = at;
	return value;
}

static bool take_unit(struct place *place, const char *text, size_t end)
{
	size_t word;

	if (end < 2 || text[end - 1] != ' ')
		return false;
	word = --end;
	while (word > 0 && islower((unsigned char)text[word - 1]))
		word--;
	if (word == end || end - word >= sizeof(place->unit) ||
	    (word > 0 && (word < 2 || memcmp(text + word - 2, ", ", 2) != 0)))
		return false;
	if (place->last > place->first && text[end - 1] == 's')
		end--;
	memcpy(place->unit, text + word, end - word);
	place->unit[end - word] = '\0';
	word = word > 2 ? word - 2 : 0;
	memcpy(place->front, text, word);
	place->front[word] = '\0';
	return true;
}

void place_read(struct place *place, const char *text)
{
	size_t len = strlen(text), end;
	int64_t before;

	*place = (struct place){ 0 };
	len = len > EXTRACT_PLACE_MAX ? text_fit(text, len, EXTRACT_PLACE_MAX) : len;
	end = len;
	place->last = place->first = number_before(text, &end);
	if (place->last >= 0 && end > 1 && text[end - 1] == '-') {
		end--;
		before = number_before(text, &end);
		place->first = before >= 0 && before <= place->last ? before : -1;
	}
	if (place->first >= 0 && take_unit(place, text, end))
		return;
	place->first = place->last = 0;
	memcpy(place->front, text, len);
	place->front[len] = '\0';
}

void place_write(const struct place *place, struct buf *out)
{
	char numbers[96] = "";
	size_t len, room;

	if (place->unit[0] != '\0' && place->first == place->last)
		snprintf(numbers, sizeof(numbers), "%s %lld", place->unit, (long long)place->first);
	else if (place->unit[0] != '\0')
		snprintf(numbers, sizeof(numbers), "%ss %lld-%lld", place->unit, (long long)place->first,
			 (long long)place->last);
	len = strlen(place->front);
	room = EXTRACT_PLACE_MAX - strlen(numbers) - 2;
	buf_add(out, place->front, len > room ? text_fit(place->front, len, room) : len);
	if (len > 0 && numbers[0] != '\0')
		buf_text(out, ", ");
	buf_text(out, numbers);
}

bool place_merge(struct place *place, const struct place *next)
{
	if (strcmp(place->front, next->front) != 0 || strcmp(place->unit, next->unit) != 0)
		return false;
	if (next->first < place->first)
		return false;
	place->last = next->last > place->last ? next->last : place->last;
	return true;
}

static bool ends_with(const struct buf *text, const struct buf *end)
{
	return text->len >= end->len && memcmp(text->data + text->len - end->len, end->data, end->len) == 0 &&
	       (text->len == end->len || text->data[text->len - end->len - 1] == ' ');
}

/* Different places of a small chunk, one behind the other, none twice in a row. */
static bool place_join(struct place *place, const struct place *next)
{
	struct buf both = { 0 }, other = { 0 };
	bool good;

	place_write(place, &both);
	place_write(next, &other);
	if (both.len > 0 && other.len > 0 && !ends_with(&both, &other)) {
		buf_text(&both, "; ");
		buf_add(&both, other.data, other.len);
	} else if (both.len == 0) {
		buf_add(&both, buf_str(&other), other.len);
	}
	good = both.len <= PLACES_TOGETHER;
	if (good) {
		*place = (struct place){ 0 };
		memcpy(place->front, buf_str(&both), both.len + 1);
	}
	buf_free(&both);
	buf_free(&other);
	return good;
}

/* ---- cutting ------------------------------------------------------------------------------------------------- */

/* Opened once, before the sandbox: their rules are ICU's data. One thread. */
static UBreakIterator *sentences, *words, *characters;

void chunks_stage(void)
{
	UErrorCode status = U_ZERO_ERROR;

	if (sentences != NULL)
		return;
	sentences = ubrk_open(UBRK_SENTENCE, "", NULL, 0, &status);
	words = ubrk_open(UBRK_LINE, "", NULL, 0, &status);
	characters = ubrk_open(UBRK_CHARACTER, "", NULL, 0, &status);
	if (U_FAILURE(status)) {
		fprintf(stderr, "usher-parse: no rules for words: %s\n", u_errorName(status));
		exit(3);
	}
	(void)chunk_fit("Rules are read when they are used. Once.", 40, 20);
}

/* The last boundary at or before max, in bytes; 0: none. */
static size_t boundary(UBreakIterator *rules, const char *text, size_t len, size_t max)
{
	UErrorCode status = U_ZERO_ERROR;
	UText whole = UTEXT_INITIALIZER;
	int32_t at;

	utext_openUTF8(&whole, text, (int64_t)len, &status);
	ubrk_setUText(rules, &whole, &status);
	at = U_FAILURE(status) ? 0 : ubrk_preceding(rules, (int32_t)max + 1);
	utext_close(&whole);
	return at == UBRK_DONE || at < 0 ? 0 : (size_t)at;
}

static size_t last_blank_line(const char *text, size_t max)
{
	for (size_t at = max; at >= 2; at--)
		if (text[at - 1] == '\n' && text[at - 2] == '\n')
			return at;
	return 0;
}

static size_t last_line(const char *text, size_t max)
{
	const char *end = memrchr(text, '\n', max);

	return end ? (size_t)(end - text) + 1 : 0;
}

size_t chunk_fit(const char *text, size_t len, size_t max)
{
	size_t at, look;

	if (len <= max)
		return len;
	chunks_stage();
	at = last_blank_line(text, max);
	if (at >= max / 2)
		return at;
	look = text_fit(text, len, max + 256);
	at = boundary(sentences, text, look, max);
	if (at >= max / 2)
		return at;
	at = last_line(text, max);
	if (at >= max / 2)
		return at;
	at = boundary(words, text, look, max);
	if (at >= max / 4)
		return at;
	at = boundary(characters, text, look, max);
	return at > 0 ? at : text_fit(text, len, max);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void out_write(struct chunks *chunks)
{
	for (size_t at = 0; chunks->fd >= 0 && at < chunks->out.len && !chunks->broken;) {
		ssize_t n = write(chunks->fd, chunks->out.data + at, chunks->out.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			chunks->full = chunks->broken = true;
		else
			at += (size_t)n;
	}
	buf_clear(&chunks->out);
}

static void chunk_write(struct chunks *chunks, const char *text, size_t len)
{
	size_t before = chunks->out.len;
	struct buf place = { 0 };

	place_write(&chunks->place, &place);
	buf_text(&chunks->out, "{\"place\":");
	json_quote(&chunks->out, buf_str(&place), place.len);
	buf_text(&chunks->out, ",\"text\":");
	json_quote(&chunks->out, text, len);
	buf_text(&chunks->out, "}\n");
	buf_free(&place);
	if ((int64_t)(chunks->out.len - before) > chunks->room) {
		buf_cut(&chunks->out, before);
		chunks->full = true;
		return;
	}
	chunks->room -= (int64_t)(chunks->out.len - before);
	chunks->count++;
	chunks->text_bytes += (int64_t)len;
	if (chunks->out.len >= WRITE_AT)
		out_write(chunks);
}

/* Cuts off and writes chunks as long as there is more than one; all of it when nothing is to stay. */
static void text_write(struct chunks *chunks, bool all)
{
	const char *text = buf_str(&chunks->text);
	size_t len = chunks->text.len, at = 0;

	while (!chunks->full && (len - at > EXTRACT_CHUNK_MAX || (all && len > at))) {
		size_t n = chunk_fit(text + at, len - at, EXTRACT_CHUNK_MAX), end = n;

		while (end > 0 && strchr(" \n\t\r", text[at + end - 1]) != NULL)
			end--;
		if (end > 0)
			chunk_write(chunks, text + at, end);
		at += n;
	}
	buf_drop(&chunks->text, all ? len : at);
}

void chunks_break(struct chunks *chunks)
{
	text_write(chunks, true);
}

static void head_add(struct chunks *chunks, const char *text, size_t len)
{
	size_t room = EXTRACT_HEAD_MAX - chunks->head.len - 1;

	if (chunks->head_full)
		return;
	if (chunks->head.len > 0)
		buf_text(&chunks->head, "\n");
	buf_add(&chunks->head, text, len > room ? text_fit(text, len, room) : len);
	chunks->head_full = len >= room || chunks->head.len + 1 >= EXTRACT_HEAD_MAX;
}

/* Whether the text goes into the chunk that grows, with a place for both. */
static bool goes_on(struct chunks *chunks, const struct place *place, size_t len)
{
	if (chunks->text.len == 0) {
		chunks->place = *place;
		return true;
	}
	/* A part may be added beyond the measure: it is cut where it reads best, the rest begins the next. */
	if (chunks->text.len + 1 + len <= EXTRACT_CHUNK_MAX || len > EXTRACT_CHUNK_MAX / 2)
		if (place_merge(&chunks->place, place))
			return true;
	return chunks->text.len + 1 + len <= SMALL && place_join(&chunks->place, place);
}

static void valid_add(struct chunks *chunks, const struct place *place, const char *text, size_t len)
{
	if (!goes_on(chunks, place, len)) {
		text_write(chunks, true);
		chunks->place = *place;
	}
	head_add(chunks, text, len);
	if (chunks->text.len > 0)
		buf_text(&chunks->text, "\n");
	buf_add(&chunks->text, text, len);
	if (chunks->text.len > EXTRACT_CHUNK_MAX) {
		text_write(chunks, false);
		chunks->place = *place;
	}
}

bool chunks_add(struct chunks *chunks, const char *place, const char *text, size_t len)
{
	struct place where;
	char *valid = NULL;

	if (chunks->full)
		return false;
	if (len == 0)
		return true;
	if (memchr(text, 0, len) != NULL || u8_check((const uint8_t *)text, len) != NULL) {
		char *whole = mem_text_n(text, len);

		for (size_t i = 0; i < len; i++)
			if (whole[i] == '\0')
				whole[i] = ' ';
		valid = text_repair(whole, len);
		free(whole);
		text = valid;
		len = strlen(valid);
	}
	place_read(&where, place);
	valid_add(chunks, &where, text, len);
	free(valid);
	return !chunks->full;
}

void chunks_end(struct chunks *chunks)
{
	text_write(chunks, true);
	out_write(chunks);
}

void chunks_free(struct chunks *chunks)
{
	buf_free(&chunks->out);
	buf_free(&chunks->text);
	buf_free(&chunks->head);
}
