/* Values of cells: see number.h. */
#include "number.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DIGITS_SHOWN = 15, DIGITS_MAX = 17, NUMBER_MAX = 400 };

static size_t digits_skip(const char *text)
{
	return strspn(text, "0123456789");
}

/* JSON's own grammar; fraction_out: it has one, or an exponent. */
static bool number_valid(const char *text, bool *fraction_out)
{
	size_t n;

	*fraction_out = false;
	text += *text == '-';
	n = digits_skip(text);
	if (n == 0 || (n > 1 && *text == '0'))
		return false;
	text += n;
	if (*text == '.') {
		*fraction_out = true;
		if ((n = digits_skip(++text)) == 0)
			return false;
		text += n;
	}
	if (*text == 'e' || *text == 'E') {
		*fraction_out = true;
		text++;
		text += *text == '+' || *text == '-';
		if ((n = digits_skip(text)) == 0)
			return false;
		text += n;
	}
	return *text == '\0';
}

static size_t digits_significant(const char *text)
{
	size_t count = 0;

	for (; *text && *text != 'e' && *text != 'E'; text++)
		count += isdigit((unsigned char)*text) && (count > 0 || *text != '0');
	return count;
}

static bool number_shortest(struct buf *text, double value)
{
	char shorter[40];

	if (!isfinite(value))
		return false;
	for (int digits = DIGITS_SHOWN; digits <= DIGITS_MAX; digits++) {
		snprintf(shorter, sizeof(shorter), "%.*g", digits, value);
		if (strtod(shorter, NULL) == value)
			break;
	}
	buf_clear(text);
	buf_text(text, shorter);
	return true;
}

bool number_tidy(struct buf *text)
{
	const char *whole = buf_str(text);
	bool fraction;
	char *end;
	double value;

	if (text->len == 0 || text->len > NUMBER_MAX || strlen(whole) != text->len)
		return false;
	if (number_valid(whole, &fraction))
		return !fraction ||
		       (digits_significant(whole) <= DIGITS_SHOWN && strpbrk(whole, "eE") == NULL) ||
		       number_shortest(text, strtod(whole, NULL));
	/* ".5", "+3", "007": numbers to spreadsheets; "0x1p3", "nan", " 1" are not. */
	if (strspn(whole, "0123456789+-.eE") != text->len)
		return false;
	value = strtod(whole, &end);
	return *end == '\0' && number_shortest(text, value);
}

static bool pattern_fits(const char **text, const char *pattern)
{
	const char *at = *text;

	for (; *pattern; pattern++, at++)
		if (*pattern == '9' ? !isdigit((unsigned char)*at) : *at != *pattern)
			return false;
	*text = at;
	return true;
}

bool number_is_date(const char *text)
{
	if (!pattern_fits(&text, "9999-99-99"))
		return false;
	if (*text == '\0')
		return true;
	if (!pattern_fits(&text, "T99:99"))
		return false;
	if (pattern_fits(&text, ":99") && *text == '.')
		text += 1 + digits_skip(text + 1);
	text += *text == 'Z';
	return *text == '\0';
}

static bool duration_part(const char **text, char unit, unsigned long *value_out)
{
	size_t digits = digits_skip(*text);

	if (digits == 0 || digits > 9)
		return false;
	*value_out = strtoul(*text, NULL, 10);
	*text += digits;
	if (unit == 'S' && **text == '.')
		*text += 1 + digits_skip(*text + 1);
	return *(*text)++ == unit;
}

void number_duration(struct buf *text)
{
	const char *at = buf_str(text);
	unsigned long hours, minutes, seconds;
	char shown[80];

	if (!pattern_fits(&at, "PT") || !duration_part(&at, 'H', &hours) ||
	    !duration_part(&at, 'M', &minutes) || !duration_part(&at, 'S', &seconds) || *at)
		return;
	snprintf(shown, sizeof(shown), "%02lu:%02lu:%02lu", hours, minutes, seconds);
	buf_clear(text);
	buf_text(text, shown);
}

/* What stands between brackets: "[h]" counts hours beyond a day, "[Red]" and "[$-409]" say nothing. */
static const char *brackets_skip(const char *code, unsigned *shows)
{
	size_t len = strcspn(code + 1, "]"), time = strspn(code + 1, "hHmMsS");

	if (len > 0 && time == len)
		*shows |= FORMAT_ELAPSED;
	return code[1 + len] ? code + 1 + len : code + len;
}

static char letter_next(const char *code)
{
	char own = (char)tolower((unsigned char)*code);

	while (tolower((unsigned char)*code) == own)
		code++;
	while (*code && strchr(": .-/\\", *code))
		code++;
	return (char)tolower((unsigned char)*code);
}

unsigned number_format(const char *code)
{
	unsigned shows = 0;
	char before = 0; /* the last letter that meant something */

	for (; *code && *code != ';'; code++) {
		char letter = (char)tolower((unsigned char)*code);

		if (letter == '"') {
			code += 1 + strcspn(code + 1, "\"");
			if (*code == '\0')
				break;
		} else if ((letter == '\\' || letter == '_' || letter == '*') && code[1]) {
			code++;
		} else if (letter == '[') {
			code = brackets_skip(code, &shows);
		} else if (strncasecmp(code, "am/pm", 5) == 0) {
			code += 4;
		} else if (strncasecmp(code, "general", 7) == 0) {
			code += 6;
		} else if (letter == 'y' || letter == 'd') {
			shows |= FORMAT_DATE;
			before = letter;
		} else if (letter == 'h' || letter == 's') {
			shows |= FORMAT_TIME;
			before = letter;
		} else if (letter == 'm' && before != 'm') {
			shows |= before == 'h' || letter_next(code) == 's' ? FORMAT_TIME : FORMAT_DATE;
			before = letter;
		}
	}
	return shows & FORMAT_ELAPSED ? FORMAT_ELAPSED : shows;
}

unsigned number_format_builtin(long id)
{
	if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) ||
	    id == 57 || id == 58)
		return FORMAT_DATE;
	if (id == 22)
		return FORMAT_DATE | FORMAT_TIME;
	if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47 || id == 55 || id == 56)
		return FORMAT_TIME;
	return id == 46 ? FORMAT_ELAPSED : 0;
}

/* The date of a day counted from 1 January 1970, by eras of 400 years that begin in March. */
static void civil(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t of_era = shifted - era * 146097;
	int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
	int64_t part = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * part + 2) / 5 + 1);
	*month = (int)(part < 10 ? part + 3 : part - 9);
	*year = years + era * 400 + (*month <= 2);
}

static void clock_add(struct buf *out, int64_t ms)
{
	buf_format(out, "%02d:%02d:%02d", (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60));
	if (ms % 1000 != 0)
		buf_format(out, ".%03d", (int)(ms % 1000));
}

bool number_serial(double serial, bool epoch_1904, unsigned shows, struct buf *out)
{
	static const int64_t DAY_MS = 86400000, LAST = 2958465; /* 31 December 9999 */
	int64_t total, day, ms, year;
	int month, of_month;

	if (!isfinite(serial) || serial < 0 || serial >= (double)LAST + 1)
		return false;
	total = (int64_t)llround(serial * (double)DAY_MS);
	day = total / DAY_MS;
	ms = total % DAY_MS;
	buf_clear(out);
	if (shows & FORMAT_ELAPSED || (shows == FORMAT_TIME && day == 0)) {
		clock_add(out, total);
		return true;
	}
	/* The other epoch has a 29 February 1900, for the sake of an older program. */
	if (!epoch_1904 && day == 60)
		return false;
	if (!epoch_1904 && day == 0 && shows & FORMAT_DATE && ms == 0)
		return false;
	day += epoch_1904 ? -24107 : day < 60 ? -25568 : -25569;
	civil(day, &year, &month, &of_month);
	buf_format(out, "%04d-%02d-%02d", (int)year, month, of_month);
	if (shows & FORMAT_TIME) {
		buf_text(out, "T");
		clock_add(out, ms);
	}
	return true;
}
