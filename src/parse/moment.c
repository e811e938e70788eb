/* Scanning by tokens: numbers, words, marks. What day it is, and whether there is one, ICU's strict calendar says. */
#include "moment.h"
#include "moment_words.h"
#include "names.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/uchar.h>

enum { TOKENS_MAX = 24, TEXT_MAX = 120, CENTURY_TURN = 69, GREGORIAN_YEAR_MIN = 1000 };

struct token {
	char kind;  /* '0': a number, 'a': a word, ' ': blanks, else the mark itself */
	int value;  /* of a number; moment_word of a word */
	int digits; /* of a number */
	const char *text;
};

struct tokens {
	struct token all[TOKENS_MAX + 1];
	size_t count, at;
};

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static bool number_token(struct token *token, const char *text, int32_t len, int32_t *at)
{
	*token = (struct token){ '0', 0, 0, text + *at };
	while (*at < len) {
		int32_t next = *at, digit;
		UChar32 c;

		c = char_next(text, &next, len);
		digit = c < 0 ? -1 : u_charDigitValue(c);
		if (digit < 0)
			break;
		if (token->digits == 9)
			return false;
		token->value = token->value * 10 + digit;
		token->digits++;
		*at = next;
	}
	return true;
}

static bool word_token(struct token *token, const char *text, int32_t len, int32_t *at)
{
	int32_t from = *at, last;
	UChar32 c;

	do {
		last = *at;
		if (*at >= len)
			break;
		c = char_next(text, at, len);
		/* Marks belong to the word they stand on (Hindi, Arabic); the Far East's counters are a word each. */
	} while (c >= 0 && (u_isalpha(c) || u_charType(c) == U_NON_SPACING_MARK ||
			    u_charType(c) == U_COMBINING_SPACING_MARK));
	*at = last;
	/* "p.m.", "a.m." */
	if (last - from == 1 && len - last >= 3 && text[last] == '.' && (text[last + 1] | 0x20) == 'm' &&
	    text[last + 2] == '.')
		*at = last + 3;
	*token = (struct token){ 'a', moment_word(text + from, (size_t)(*at - from)), 0, text + from };
	return token->value != 0;
}

static bool tokens_read(struct tokens *tokens, const char *text, size_t length)
{
	int32_t at = 0, len = (int32_t)length;

	while (at < len) {
		struct token *token = &tokens->all[tokens->count];
		int32_t from = at;
		UChar32 c;

		if (tokens->count == TOKENS_MAX)
			return false;
		c = char_next(text, &at, len);
		if (c < 0)
			return false;
		if (u_charDigitValue(c) >= 0 || u_isalpha(c)) {
			at = from;
			if (!(u_isalpha(c) ? word_token : number_token)(token, text, len, &at))
				return false;
		} else if (u_isUWhiteSpace(c)) {
			*token = (struct token){ ' ', 0, 0, text + from };
			if (tokens->count == 0 || token[-1].kind == ' ')
				continue;
		} else if (c == 0x2212 || c == 0x2013 || c == 0x2010 || c == 0x2011) {
			*token = (struct token){ '-', 0, 0, text + from };
		} else if (c < 128 && strchr("-./,:+'()", (char)c) != NULL) {
			*token = (struct token){ (char)c, 0, 0, text + from };
		} else {
			return false;
		}
		tokens->count++;
	}
	if (tokens->count > 0 && tokens->all[tokens->count - 1].kind == ' ')
		tokens->count--;
	tokens->all[tokens->count] = (struct token){ 0 };
	return tokens->count > 0;
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static struct token *now(struct tokens *tokens)
{
	return &tokens->all[tokens->at];
}

static bool takes(struct tokens *tokens, char kind)
{
	if (now(tokens)->kind != kind)
		return false;
	tokens->at++;
	return true;
}

static bool number_takes(struct tokens *tokens, int *value, int most_digits)
{
	*value = now(tokens)->value;
	return now(tokens)->digits <= most_digits && takes(tokens, '0');
}

/* "Z", "UTC", "+01:00", "+0100", "+01"; nothing of it is fine. */
static bool zone_read(struct tokens *tokens, struct moment *moment)
{
	char sign = now(tokens)->kind;
	int hours, minutes = 0;
	int digits;

	if (sign == 'a' && now(tokens)->value == WORD_ZULU) {
		tokens->at++;
		memcpy(moment->zone, "Z", sizeof("Z"));
		sign = now(tokens)->kind;
		if (sign != '+' && sign != '-')
			return true;
	}
	if (sign != '+' && sign != '-')
		return true;
	tokens->at++;
	digits = now(tokens)->digits;
	if (!number_takes(tokens, &hours, 4))
		return false;
	if (digits > 2) {
		minutes = hours % 100;
		hours /= 100;
	} else if (takes(tokens, ':') && !number_takes(tokens, &minutes, 2)) {
		return false;
	}
	snprintf(moment->zone, sizeof(moment->zone), "%c%02u:%02u", sign, (unsigned)hours % 100,
		 (unsigned)minutes % 100);
	return hours <= 14 && minutes < 60;
}

static bool fraction_read(struct tokens *tokens, struct moment *moment)
{
	size_t digits;

	if (now(tokens)->kind != '.' && now(tokens)->kind != ',')
		return true;
	tokens->at++;
	digits = (size_t)now(tokens)->digits;
	if (now(tokens)->kind != '0' || digits >= sizeof(moment->fraction) ||
	    strspn(now(tokens)->text, "0123456789") < digits)
		return false;
	memcpy(moment->fraction, now(tokens)->text, digits);
	tokens->at++;
	return true;
}

/* Everything from an hour on. */
static enum moment_found time_read(struct tokens *tokens, struct moment *moment)
{
	int half = 0;

	moment->timed = true;
	if (!number_takes(tokens, &moment->hour, 2) || !takes(tokens, ':') || now(tokens)->digits != 2 ||
	    !number_takes(tokens, &moment->minute, 2))
		return MOMENT_NONE;
	if (takes(tokens, ':') &&
	    (!number_takes(tokens, &moment->second_of, 2) || !fraction_read(tokens, moment)))
		return MOMENT_NONE;
	takes(tokens, ' ');
	if (now(tokens)->kind == 'a' && (now(tokens)->value == WORD_AM || now(tokens)->value == WORD_PM)) {
		half = now(tokens)->value;
		tokens->at++;
		takes(tokens, ' ');
	}
	if (!zone_read(tokens, moment))
		return MOMENT_NONE;
	takes(tokens, ' ');
	if (now(tokens)->kind == 'a' && now(tokens)->value == WORD_FILLER) /* "Uhr" */
		tokens->at++;
	if (tokens->at != tokens->count)
		return MOMENT_NONE;
	if (half != 0 && (moment->hour < 1 || moment->hour > 12))
		return MOMENT_IMPOSSIBLE;
	if (half != 0)
		moment->hour = moment->hour % 12 + (half == WORD_PM ? 12 : 0);
	return moment->hour < 24 && moment->minute < 60 && moment->second_of < 60 ? MOMENT_GOOD
										  : MOMENT_IMPOSSIBLE;
}

/* ---- days -------------------------------------------------------------------------------------------------------- */

struct parts {
	struct token *number[3];
	size_t count;
	int month; /* by name; 0: none */
	char mark; /* the first between numbers */
};

static int year_of(const struct token *token, struct moment *moment)
{
	if (token->digits == 4)
		return token->value;
	moment->short_year = true;
	return token->value + (token->value < CENTURY_TURN ? 2000 : 1900);
}

/* A word that dates don't have, or a mark of the time. */
static bool is_foreign(const struct token *token)
{
	return token->kind == 'a' ? token->value != WORD_FILLER : strchr(":+()", token->kind) != NULL;
}

/* Up to the time or the end. */
static bool parts_read(struct tokens *tokens, struct parts *parts)
{
	for (; tokens->at < tokens->count; tokens->at++) {
		struct token *token = now(tokens);

		if (token->kind == '0') {
			if (token[1].kind == ':')
				break;
			if (parts->count == 3)
				return false;
			parts->number[parts->count++] = token;
		} else if (token->kind == 'a' && token->value <= 12) {
			if (parts->month != 0)
				return false;
			parts->month = token->value;
		} else if (token->kind == 'a' && token->value == WORD_TIME) {
			tokens->at++;
			break;
			/* NOLINTNEXTLINE(bugprone-branch-clone): the order of the conditions is the rule */
		} else if (is_foreign(token)) {
			return false;
		} else if (parts->count == 1 && parts->mark == 0) {
			parts->mark = token->kind;
		} else if (parts->count == 2 && parts->month == 0 && token->kind != 'a' &&
			   token->kind != ' ' && token->kind != parts->mark) {
			return false;
		}
	}
	return true;
}

/* With the month's name: a day and a year, whichever is first. */
static enum moment_found named_tell(const struct parts *parts, struct moment *moment)
{
	const struct token *day = parts->number[0], *year = parts->number[1];

	if (parts->count != 2)
		return MOMENT_NONE;
	if (day->digits == 4 || (day->digits == 2 && day->value > 31 && year->digits <= 2)) {
		day = parts->number[1];
		year = parts->number[0];
	}
	if (day->digits > 2 || (year->digits != 2 && year->digits != 4))
		return MOMENT_NONE;
	moment->year = year_of(year, moment);
	moment->first = parts->month;
	moment->second = day->value;
	moment->order = ORDER_YEAR_FIRST;
	return MOMENT_GOOD;
}

static enum moment_found numbers_tell(const struct parts *parts, struct moment *moment)
{
	struct token *const *n = parts->number;

	if (parts->count == 1 && n[0]->digits == 8) { /* 20260131 */
		moment->year = n[0]->value / 10000;
		moment->first = n[0]->value / 100 % 100;
		moment->second = n[0]->value % 100;
		return moment->year >= 1800 && moment->year < 2200 ? MOMENT_GOOD : MOMENT_NONE;
	}
	if (parts->count != 3 || parts->mark == ' ' || parts->mark == ',')
		return MOMENT_NONE;
	if (n[0]->digits == 4 || (n[0]->digits == 2 && n[0]->value > 31)) {
		moment->year = year_of(n[0], moment);
		moment->first = n[1]->value;
		moment->second = n[2]->value;
		return n[1]->digits <= 2 && n[2]->digits <= 2 ? MOMENT_GOOD : MOMENT_NONE;
	}
	if (n[0]->digits > 2 || n[1]->digits > 2 || (n[2]->digits != 2 && n[2]->digits != 4))
		return MOMENT_NONE;
	moment->year = year_of(n[2], moment);
	moment->first = n[0]->value;
	moment->second = n[1]->value;
	if (n[0]->value > 12 && n[1]->value > 12)
		return MOMENT_IMPOSSIBLE;
	moment->dotted = parts->mark == '.';
	/* Nobody writes the month first with points. */
	moment->order = moment->dotted || n[0]->value > 12 ? ORDER_DAY_FIRST
			: n[1]->value > 12		   ? ORDER_MONTH_FIRST
							   : ORDER_OPEN;
	return MOMENT_GOOD;
}

/* Month and day by order. */
static void day_of(const struct moment *moment, bool day_first, int *month, int *day)
{
	bool turned = moment->order == ORDER_DAY_FIRST || (moment->order == ORDER_OPEN && day_first);

	*month = turned ? moment->second : moment->first;
	*day = turned ? moment->first : moment->second;
}

/* Whether the day exists, by ICU's calendar when it is strict. */
static bool day_exists(int year, int month, int day)
{
	UErrorCode status = U_ZERO_ERROR;
	UCalendar *calendar;

	if (year < GREGORIAN_YEAR_MIN || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	if (day <= 28)
		return true;
	calendar = ucal_open(u"UTC", -1, "en_US", UCAL_GREGORIAN, &status);
	if (U_FAILURE(status))
		return false;
	/* As ISO 8601 counts: by today's rules before 1582, too. */
	ucal_setGregorianChange(calendar, -1e15, &status);
	ucal_setAttribute(calendar, UCAL_LENIENT, 0);
	ucal_setDate(calendar, year, month - 1, day, &status);
	(void)ucal_getMillis(calendar, &status);
	ucal_close(calendar);
	return U_SUCCESS(status);
}

enum moment_found moment_scan(struct moment *moment, const char *text, size_t len)
{
	struct tokens tokens = { 0 };
	struct parts parts = { 0 };
	enum moment_found found;
	int month, day;

	*moment = (struct moment){ 0 };
	if (len == 0 || len > TEXT_MAX || !tokens_read(&tokens, text, len) || !parts_read(&tokens, &parts))
		return MOMENT_NONE;
	found = parts.month ? named_tell(&parts, moment) : numbers_tell(&parts, moment);
	if (found == MOMENT_NONE)
		return found;
	if (tokens.at < tokens.count) {
		enum moment_found time = time_read(&tokens, moment);

		if (time != MOMENT_GOOD)
			return time;
	}
	day_of(moment, true, &month, &day);
	if (found == MOMENT_IMPOSSIBLE ||
	    (!day_exists(moment->year, month, day) &&
	     (moment->order != ORDER_OPEN || !day_exists(moment->year, day, month))))
		return MOMENT_IMPOSSIBLE;
	return MOMENT_GOOD;
}

bool moment_write(const struct moment *moment, bool day_first, bool with_time, struct buf *out)
{
	int month, day;

	day_of(moment, day_first, &month, &day);
	if (!day_exists(moment->year, month, day))
		return false;
	buf_format(out, "%04d-%02d-%02d", moment->year, month, day);
	if (!with_time)
		return true;
	buf_format(out, "T%02d:%02d:%02d", moment->hour, moment->minute, moment->second_of);
	if (moment->fraction[0] != '\0')
		buf_format(out, ".%s", moment->fraction);
	buf_text(out, moment->zone);
	return true;
}

int moment_compare(const char *a, const char *b)
{
	size_t whole = strlen("2026-01-31T10:00:00");
	size_t left = strnlen(a, whole), right = strnlen(b, whole), both = left < right ? left : right;

	/* A day and a moment: the day begins at midnight. */
	if (left == right || both == 0)
		return strncmp(a, b, both);
	if (strncmp(a, b, both) != 0)
		return strncmp(a, b, both);
	if (left > right)
		return strcmp(a + both, "T00:00:00") > 0;
	return -(strcmp(b + both, "T00:00:00") > 0);
}
