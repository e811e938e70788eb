/* numbering.xml: ways of counting, and lists that use them. */
#include "docx_numbering.h"
#include "mem.h"
#include "sax.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTINGS_MAX = 5000, LISTS_MAX = 5000, LETTERS = 26, ROMAN_MAX = 3999 };

struct numbering_sax {
	struct sax sax;
	struct docx_numbering *numbering;
	struct docx_counting *counting; /* the one that is open */
	struct docx_list *list;
	long level;
};

static long number_of(struct sax *sax, const char *attribute)
{
	const char *value = sax_attribute(sax, attribute);

	return value ? strtol(value, NULL, 10) : -1;
}

static bool room_for(struct sax *sax, void **all, size_t count, size_t max, size_t size)
{
	if (count == max) {
		parse_fail(&sax->err, "too_large", "There are more than %zu lists.", max);
		sax_abandon(sax);
		return false;
	}
	if ((count & (count + 1)) == 0)
		*all = mem_resize(*all, (count + 1) * 2, size);
	return true;
}

static void counting_begin(struct numbering_sax *own)
{
	struct docx_numbering *numbering = own->numbering;
	void *all = numbering->countings;

	own->list = NULL;
	if (!room_for(&own->sax, &all, numbering->counting_count, COUNTINGS_MAX,
		      sizeof(*numbering->countings)))
		return;
	numbering->countings = all;
	own->counting = &numbering->countings[numbering->counting_count++];
	memset(own->counting, 0, sizeof(*own->counting));
	own->counting->id = number_of(&own->sax, "abstractNumId");
	for (int i = 0; i < NUMBERING_LEVELS; i++)
		own->counting->levels[i].format = '-';
}

static void list_begin(struct numbering_sax *own)
{
	struct docx_numbering *numbering = own->numbering;
	void *all = numbering->lists;

	own->counting = NULL;
	if (!room_for(&own->sax, &all, numbering->list_count, LISTS_MAX, sizeof(*numbering->lists)))
		return;
	numbering->lists = all;
	own->list = &numbering->lists[numbering->list_count++];
	memset(own->list, 0, sizeof(*own->list));
	own->list->id = number_of(&own->sax, "numId");
	own->list->counting = -1;
	for (int i = 0; i < NUMBERING_LEVELS; i++)
		own->list->restart[i] = -1;
}

static char format_of(const char *name)
{
	static const struct {
		const char *name;
		char format;
	} FORMATS[] = { { "lowerLetter", 'a' }, { "upperLetter", 'A' }, { "lowerRoman", 'i' },
			{ "upperRoman", 'I' },	{ "bullet", '-' },	{ "none", '-' } };

	for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++)
		if (strcmp(name, FORMATS[i].name) == 0)
			return FORMATS[i].format;
	return 'd';
}

static void level_property(struct numbering_sax *own, const char *name)
{
	const char *value = sax_attribute(&own->sax, "val");
	struct docx_counting *counting = own->counting;

	if (value == NULL || counting == NULL || own->level < 0 || own->level >= NUMBERING_LEVELS)
		return;
	if (strcmp(name, "numFmt") == 0)
		counting->levels[own->level].format = format_of(value);
	else if (strcmp(name, "start") == 0)
		counting->levels[own->level].start = strtol(value, NULL, 10);
	else if (strcmp(name, "lvlText") == 0)
		snprintf(counting->levels[own->level].text, NUMBERING_TEXT_MAX, "%.*s",
			 (int)text_fit(value, strlen(value), NUMBERING_TEXT_MAX - 1), value);
}

static void numbering_start(struct sax *sax, const char *name)
{
	struct numbering_sax *own = (struct numbering_sax *)sax;

	if (strcmp(name, "abstractNum") == 0) {
		counting_begin(own);
	} else if (strcmp(name, "num") == 0) {
		list_begin(own);
	} else if (strcmp(name, "lvl") == 0 || strcmp(name, "lvlOverride") == 0) {
		own->level = number_of(sax, "ilvl");
	} else if (strcmp(name, "abstractNumId") == 0 && own->list) {
		own->list->counting = number_of(sax, "val");
	} else if (strcmp(name, "startOverride") == 0 && own->list && own->level >= 0 &&
		   own->level < NUMBERING_LEVELS) {
		own->list->restart[own->level] = number_of(sax, "val");
	} else {
		level_property(own, name);
	}
}

bool docx_numbering_read(struct docx_numbering *numbering, struct parse *parse, zip_t *zip, const char *part,
			 struct err *err)
{
	struct numbering_sax own = { .sax.start = numbering_start, .numbering = numbering, .level = -1 };

	return sax_read(&own.sax, parse, zip, part, err);
}

void docx_numbering_free(struct docx_numbering *numbering)
{
	free(numbering->countings);
	free(numbering->lists);
	*numbering = (struct docx_numbering){ 0 };
}

/* ---- counting -------------------------------------------------------------------------------------------------- */

static void roman(struct buf *out, long number, bool small)
{
	static const struct {
		long value;
		const char *big, *small;
	} SIGNS[] = { { 1000, "M", "m" }, { 900, "CM", "cm" }, { 500, "D", "d" }, { 400, "CD", "cd" },
		      { 100, "C", "c" },  { 90, "XC", "xc" },  { 50, "L", "l" },  { 40, "XL", "xl" },
		      { 10, "X", "x" },	  { 9, "IX", "ix" },   { 5, "V", "v" },	  { 4, "IV", "iv" },
		      { 1, "I", "i" } };

	for (size_t i = 0; i < sizeof(SIGNS) / sizeof(SIGNS[0]); i++)
		for (; number >= SIGNS[i].value; number -= SIGNS[i].value)
			buf_text(out, small ? SIGNS[i].small : SIGNS[i].big);
}

static void number_write(struct buf *out, long number, char format)
{
	if ((format == 'a' || format == 'A') && number > 0 && number <= LETTERS) {
		char letter = (char)(unsigned char)((unsigned)format + (unsigned)number - 1);

		buf_add(out, &letter, 1);
	} else if ((format == 'i' || format == 'I') && number > 0 && number <= ROMAN_MAX) {
		roman(out, number, format == 'i');
	} else {
		buf_int(out, number);
	}
}

static struct docx_list *list_find(struct docx_numbering *numbering, long id)
{
	for (size_t i = 0; i < numbering->list_count; i++)
		if (numbering->lists[i].id == id)
			return &numbering->lists[i];
	return NULL;
}

static struct docx_counting *counting_find(struct docx_numbering *numbering, const struct docx_list *list)
{
	for (size_t i = 0; list && i < numbering->counting_count; i++)
		if (numbering->countings[i].id == list->counting)
			return &numbering->countings[i];
	return NULL;
}

static void count(struct docx_list *list, struct docx_counting *counting, unsigned level)
{
	for (int i = 0; !list->begun && i < NUMBERING_LEVELS; i++)
		if (list->restart[i] >= 0) {
			counting->levels[i].now = list->restart[i];
			counting->levels[i].begun = false;
		}
	for (unsigned i = 0; i <= level; i++) {
		bool fresh = !counting->levels[i].begun;

		if (fresh)
			counting->levels[i].now = !list->begun && list->restart[i] >= 0
							  ? list->restart[i]
							  : counting->levels[i].start;
		else if (i == level && counting->levels[i].now < LISTS_MAX * 100L)
			counting->levels[i].now++;
		counting->levels[i].begun = true;
	}
	for (unsigned i = level + 1; i < NUMBERING_LEVELS; i++)
		counting->levels[i].begun = false;
	list->begun = true;
}

void docx_numbering_next(struct docx_numbering *numbering, long list_id, unsigned level,
			 char mark[NUMBERING_MARK_MAX])
{
	struct docx_list *list = list_find(numbering, list_id);
	struct docx_counting *counting = counting_find(numbering, list);
	struct buf text = { 0 };

	level = level < NUMBERING_LEVELS ? level : NUMBERING_LEVELS - 1;
	snprintf(mark, NUMBERING_MARK_MAX, "-");
	if (counting == NULL)
		return;
	count(list, counting, level);
	if (counting->levels[level].format == '-')
		return;
	for (const char *at = counting->levels[level].text; *at; at++) {
		if (at[0] == '%' && at[1] >= '1' && at[1] <= '9') {
			int other = *++at - '1';

			number_write(&text, counting->levels[other].now, counting->levels[other].format);
		} else {
			buf_add(&text, at, 1);
		}
	}
	if (text.len > 0 && text.len < NUMBERING_MARK_MAX)
		memcpy(mark, text.data, text.len + 1);
	buf_free(&text);
}
