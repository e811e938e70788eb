/* Types of values and columns. */
#include "columns.h"
#include "mem.h"
#include "text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const NAMES[VALUES] = {
	"empty", "text", "integer", "number", "date", "datetime", "boolean"
};

const char *value_name(enum value value)
{
	return NAMES[value];
}

static bool is_boolean(const char *text, size_t len)
{
	static const char *const words[] = { "true", "false", "yes", "no", "ja", "nein" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && strncasecmp(text, words[i], len) == 0)
			return true;
	return false;
}

/* A currency sign, percent sign or blank at *at; how many bytes. */
static size_t ornament(const char *text, size_t len)
{
	static const char *const signs[] = { "$",	 "%",	     " ",	 "\xe2\x82\xac",
					     "\xc2\xa3", "\xc2\xa5", "\xc2\xa0", "\xe2\x80\xaf",
					     "EUR",	 "USD",	     "GBP",	 "CHF" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strlen(signs[i]) <= len && memcmp(text, signs[i], strlen(signs[i])) == 0)
			return strlen(signs[i]);
	return 0;
}

static size_t ornaments(const char *text, size_t len)
{
	size_t at = 0, n;

	while (at < len && (n = ornament(text + at, len - at)) > 0)
		at += n;
	return at;
}

static size_t digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && isdigit((unsigned char)text[n]))
		n++;
	return n;
}

/* What may stand between two groups of digits; ' ' for blanks of any kind. *len_out: its bytes. 0: it does not. */
static char separator(const char *text, size_t len, size_t *len_out)
{
	*len_out = 1;
	if (len > 0 && strchr(".,'", *text) != NULL)
		return *text;
	*len_out = len > 0 && (*text == ' ' || *text == '\xc2' || *text == '\xe2') ? ornament(text, len) : 0;
	return *len_out > 0 && memcmp(text, "\xe2\x82", 2) != 0 && memcmp(text, "\xc2\xa3", 2) != 0 &&
			       memcmp(text, "\xc2\xa5", 2) != 0
		       ? ' '
		       : 0;
}

struct amount {
	size_t used, digits, groups; /* groups: behind the first */
	bool good;
};

/* Thousands in threes, all parted alike; only the last part may be parted by another mark and have any length. */
static struct amount amount_of(const char *text, size_t len)
{
	struct amount amount = { .used = digits(text, len), .good = true };
	char first = 0, mark;
	size_t n, bytes, lead = amount.used;

	amount.digits = lead;
	while ((mark = separator(text + amount.used, len - amount.used, &bytes)) != 0 &&
	       (n = digits(text + amount.used + bytes, len - amount.used - bytes)) > 0) {
		bool decimal = amount.groups == 0 ? mark == '.' || mark == ','
						  : mark != first && (mark == '.' || mark == ',');
		bool more;
		size_t after = amount.used + bytes + n, next;

		more = separator(text + after, len - after, &next) != 0 &&
		       digits(text + after + next, len - after - next) > 0;
		if (amount.groups == 0)
			first = mark;
		if ((more || !decimal) && (n != 3 || mark != first || lead > 3))
			amount.good = false;
		amount.groups++;
		amount.digits += n;
		amount.used = after;
	}
	return amount;
}

static enum value number_of(const char *text, size_t len)
{
	size_t at = ornaments(text, len), from, marks;
	bool exponent = false;
	struct amount amount;

	at += at < len && (text[at] == '-' || text[at] == '+');
	at += ornaments(text + at, len - at);
	from = at;
	amount = amount_of(text + at, len - at);
	/* Numbers of people and places ("00123", a phone's) are no amounts. */
	if (!amount.good || amount.digits == 0 || amount.digits > 18 ||
	    (amount.groups == 0 && amount.digits > 1 && text[from] == '0'))
		return VALUE_TEXT;
	at += amount.used;
	if (at + 1 < len && (text[at] == 'e' || text[at] == 'E')) {
		size_t sign = text[at + 1] == '-' || text[at + 1] == '+';
		size_t n = digits(text + at + 1 + sign, len - at - 1 - sign);

		exponent = n > 0;
		at += exponent ? 1 + sign + n : 0;
	}
	marks = ornaments(text + at, len - at);
	if (at + marks < len)
		return VALUE_TEXT;
	return amount.groups == 0 && !exponent && marks == 0 && from <= 1 ? VALUE_INTEGER : VALUE_NUMBER;
}

/* Digits at text: how many, value in *value. */
static size_t digits_at(const char *text, size_t len, int *value)
{
	size_t n = 0;

	for (*value = 0; n < len && n < 4 && isdigit((unsigned char)text[n]); n++)
		*value = *value * 10 + (text[n] - '0');
	return n;
}

/* Three numbers with the same mark between them, one of them a year, the others a day and a month; how long, or 0. */
static size_t date_at(const char *text, size_t len)
{
	size_t at = 0, n[3];
	int value[3];
	char mark = 0;

	for (int i = 0; i < 3; i++) {
		n[i] = digits_at(text + at, len - at, &value[i]);
		at += n[i];
		if (n[i] == 0 || n[i] == 3)
			return 0;
		if (i < 2) {
			if (at >= len || strchr("-./", text[at]) == NULL || (mark != 0 && text[at] != mark))
				return 0;
			mark = text[at++];
			if (at < len && text[at] == ' ' && mark == '.')
				at++;
		}
	}
	if (n[0] == 4)
		return value[1] >= 1 && value[1] <= 12 && value[2] >= 1 && value[2] <= 31 && n[1] <= 2 &&
				       n[2] <= 2
			       ? at
			       : 0;
	if (n[0] > 2 || n[1] > 2 || (n[2] != 4 && (n[2] != 2 || mark == '-')))
		return 0;
	return value[0] >= 1 && value[1] >= 1 && value[0] <= 31 && value[1] <= 31 &&
			       (value[0] <= 12 || value[1] <= 12)
		       ? at
		       : 0;
}

static enum value date_of(const char *text, size_t len)
{
	size_t at = date_at(text, len);
	int hour, minute;
	size_t n;

	if (at == 0)
		return VALUE_TEXT;
	if (at == len || (len - at == 1 && text[at] == '.'))
		return VALUE_DATE;
	if (text[at] == ',' && at + 1 < len)
		at++;
	if (text[at] != 'T' && text[at] != ' ')
		return VALUE_TEXT;
	at++;
	n = digits_at(text + at, len - at, &hour);
	if (n == 0 || n > 2 || hour > 24 || at + n >= len || text[at + n] != ':')
		return VALUE_TEXT;
	at += n + 1;
	n = digits_at(text + at, len - at, &minute);
	return n == 2 && minute < 60 && len - at < 24 ? VALUE_DATETIME : VALUE_TEXT;
}

enum value value_of(const struct cell *cell)
{
	const char *text = cell->text;
	size_t len = cell->len;
	enum value value;

	while (len > 0 && strchr(" \t", text[len - 1]) != NULL)
		len--;
	for (; len > 0 && strchr(" \t", *text) != NULL; len--)
		text++;
	if (len == 0 || cell->type == CELL_EMPTY)
		return VALUE_EMPTY;
	if (cell->type == CELL_BOOL)
		return VALUE_BOOLEAN;
	if (cell->type == CELL_DATE)
		return len > 10 ? VALUE_DATETIME : VALUE_DATE;
	if (cell->type == CELL_ERROR || len > 60)
		return VALUE_TEXT;
	if (is_boolean(text, len))
		return VALUE_BOOLEAN;
	value = date_of(text, len);
	return value == VALUE_TEXT ? number_of(text, len) : value;
}

/* ---- columns --------------------------------------------------------------------------------------------------- */

static void sample_add(struct column *column, const struct cell *cell)
{
	size_t len = cell->len > SAMPLE_BYTES ? text_fit(cell->text, cell->len, SAMPLE_BYTES) : cell->len;

	for (size_t i = 0; i < SAMPLES_MAX; i++) {
		if (column->samples[i] == NULL) {
			char *sample = mem_text_n(cell->text, len);

			column->samples[i] = text_one_line(sample);
			free(sample);
			return;
		}
		if (strncmp(column->samples[i], cell->text, len) == 0 && column->samples[i][len] == '\0')
			return;
	}
}

void column_add(struct column *column, const struct cell *cell)
{
	enum value value = value_of(cell);

	column->of[value]++;
	if (value == VALUE_EMPTY)
		return;
	column->filled++;
	if (column->samples[SAMPLES_MAX - 1] == NULL)
		sample_add(column, cell);
}

enum value column_type(const struct column *column)
{
	const int64_t *of = column->of, most = column->filled - column->filled / 10;

	if (column->filled == 0)
		return VALUE_EMPTY;
	for (enum value value = VALUE_TEXT; value < VALUES; value++)
		if (of[value] >= most && value != VALUE_TEXT && value != VALUE_INTEGER)
			return value;
	if (of[VALUE_INTEGER] >= most && of[VALUE_NUMBER] == 0)
		return VALUE_INTEGER;
	if (of[VALUE_INTEGER] + of[VALUE_NUMBER] >= most)
		return VALUE_NUMBER;
	return of[VALUE_DATE] + of[VALUE_DATETIME] >= most ? VALUE_DATETIME : VALUE_TEXT;
}

void column_free(struct column *column)
{
	for (size_t i = 0; i < SAMPLES_MAX; i++)
		free(column->samples[i]);
}
