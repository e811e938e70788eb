/* Scanning in two steps: characters of any script become few ASCII ones, then a small grammar. */
#include "amount.h"
#include "names.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicode/uchar.h>
#include <unicode/ucurr.h>

/* ---- characters -------------------------------------------------------------------------------------------------- */

/* What stands for money besides signs (ICU: category Sc) and the codes of ISO 4217 (ICU). */
static const char *const MONEY[] = { "kr",  "kr.",  "zł", "Kč",	 "Ft",	 "lei",	 "Fr",	 "Fr.",
				     "SFr", "SFr.", "Rs", "Rs.", "R",	 "US",	 "CA",	 "AU",
				     "NZ",  "HK",   "NT", "MX",	 "руб",	 "руб.", "р.",	 "грн",
				     "TL",  "元",   "円", "원",	 "Euro", "euro", "euros" };

static bool is_money(const char *word, size_t len)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar code[4] = { 0 };

	for (size_t i = 0; i < sizeof(MONEY) / sizeof(MONEY[0]); i++)
		if (strlen(MONEY[i]) == len && memcmp(word, MONEY[i], len) == 0)
			return true;
	for (size_t i = 0; len == 3 && i < 3; i++) {
		if (!isupper((unsigned char)word[i]))
			return false;
		code[i] = (UChar)word[i];
	}
	/* With times of no beginning and no end: any that ever was. */
	return len == 3 && ucurr_isAvailable(code, -1e15, 1e15, &status) && U_SUCCESS(status);
}

/* The ASCII character that stands for this one; 0: none. */
static char plain_of(UChar32 c)
{
	int32_t digit;

	if (c >= '0' && c <= '9')
		return (char)c;
	switch (c) {
	case '.':
	case ',':
	case '\'':
	case '+':
	case '-':
	case '(':
	case ')':
	case '%':
		return (char)c;
	case 0x066b: /* Arabic decimal mark */
		return '.';
	case 0x066c: /* Arabic thousands */
	case 0x2019:
	case 0x00b4:
	case '`':
		return '\'';
	case 0x2010:
	case 0x2011:
	case 0x2012:
	case 0x2013:
	case 0x2212:
		return '-';
	case 0x066a:
	case 0xff05:
		return '%';
	}
	digit = u_charDigitValue(c);
	if (digit >= 0)
		return (char)('0' + digit);
	if (u_isUWhiteSpace(c))
		return ' ';
	return u_charType(c) == U_CURRENCY_SYMBOL ? '$' : 0;
}

/* The end of the word at from: letters, and a point behind them when it belongs to it ("Fr."). */
static int32_t word_end(const char *text, int32_t from, int32_t len)
{
	int32_t at = from, end = from;
	UChar32 c;

	while (at < len) {
		c = char_next(text, &at, len);
		if (c < 0 || !u_isalpha(c))
			break;
		end = at;
	}
	if (end < len && text[end] == '.' && is_money(text + from, (size_t)(end + 1 - from)))
		end++;
	return end;
}

/* The text as few ASCII characters ($: money, E: exponent); false: it has others. */
static bool simplify(const char *text, size_t length, char *out, size_t room)
{
	int32_t len = (int32_t)length, at = 0;
	size_t n = 0;

	while (at < len) {
		int32_t from = at;
		UChar32 c;
		char plain;

		c = char_next(text, &at, len);
		if (c < 0 || n + 1 >= room)
			return false;
		plain = plain_of(c);
		if (plain == 0) {
			if ((c == 'e' || c == 'E') && n > 0 && isdigit((unsigned char)out[n - 1]) &&
			    at < len && strchr("+-0123456789", text[at]) != NULL) {
				plain = 'E';
			} else {
				at = word_end(text, from, len);
				if (at == from || !is_money(text + from, (size_t)(at - from)))
					return false;
				plain = '$';
				if (n > 0 && out[n - 1] == '$')
					n--;
			}
		} else if (plain == '$' && n > 0 && out[n - 1] == '$') {
			n--; /* "US$" */
		}
		out[n++] = plain;
	}
	out[n] = '\0';
	return true;
}

/* ---- the grammar ------------------------------------------------------------------------------------------------ */

/* Whether body makes sense with this decimal mark: groups of three (or two with commas, as in India) between marks of one kind. */
static bool fits(const struct amount *amount, char point)
{
	const char *body = amount->body, *decimal = strchr(body, point);
	size_t whole = decimal ? (size_t)(decimal - body) : amount->len, run = 0, groups = 0;
	char mark = 0;

	if (decimal != NULL && strspn(decimal + 1, "0123456789") != strlen(decimal + 1))
		return false;
	for (size_t i = 0; i <= whole; i++) {
		if (i < whole && isdigit((unsigned char)body[i])) {
			run++;
			continue;
		}
		if (i < whole && mark != 0 && body[i] != mark)
			return false;
		if (i == whole && groups == 0)
			break;
		/* The first has one to three digits and no zero in front, the last three, others two or three. */
		if (groups == 0	 ? run < 1 || run > 3 || body[0] == '0'
		    : i == whole ? run != 3
				 : run != 3 && (run != 2 || mark != ','))
			return false;
		if (i < whole)
			mark = body[i];
		groups++;
		run = 0;
	}
	return whole > 0 || (decimal != NULL && decimal[1] != '\0');
}

static bool marks_tell(struct amount *amount)
{
	bool point = fits(amount, '.'), comma = fits(amount, ',');

	amount->marks = !point				      ? MARKS_COMMA
			: !comma			      ? MARKS_POINT
			: strpbrk(amount->body, ".,") == NULL ? MARKS_NONE
							      : MARKS_OPEN;
	return point || comma;
}

/* Digits with marks between them, from *at on. */
static bool body_take(struct amount *amount, const char *plain, size_t *at)
{
	size_t i = *at;

	for (; plain[i] != '\0'; i++) {
		bool digit = isdigit((unsigned char)plain[i]),
		     mark = strchr(".,' ", plain[i]) != NULL &&
			    (isdigit((unsigned char)plain[i + 1]) ||
			     ((plain[i] == '.' || plain[i] == ',') && i > *at &&
			      isdigit((unsigned char)plain[i - 1])));

		if (!digit && !mark)
			break;
		if (amount->len == AMOUNT_MAX)
			return false;
		amount->body[amount->len++] = plain[i];
	}
	amount->body[amount->len] = '\0';
	if (plain[i] == 'E') {
		char *end;
		long exponent = strtol(plain + i + 1, &end, 10);

		if (end == plain + i + 1 || labs(exponent) > AMOUNT_EXPONENT_MAX)
			return false;
		amount->exponent = (int)exponent;
		i = (size_t)(end - plain);
	}
	*at = i;
	return amount->len > 0;
}

/* What stands before and behind the digits, each of it once. */
struct around {
	bool open, closed, sign;
};

static bool around_take(struct amount *amount, struct around *around, char c, bool behind)
{
	bool *once = c == '(' && !behind		 ? &around->open
		     : c == ')' && behind		 ? &around->closed
		     : c == '-' || (c == '+' && !behind) ? &around->sign
		     : c == '$'				 ? &amount->money
		     : c == '%' && behind		 ? &amount->percent
							 : NULL;

	if (c == ' ')
		return true;
	if (once == NULL || *once)
		return false;
	*once = true;
	amount->negative = amount->negative || c == '-' || c == '(';
	return true;
}

bool amount_scan(struct amount *amount, const char *text, size_t len)
{
	char plain[AMOUNT_MAX + 40];
	struct around around = { 0 };
	size_t at = 0;

	*amount = (struct amount){ 0 };
	if (len == 0 || len > sizeof(plain) * 4 || !simplify(text, len, plain, sizeof(plain)))
		return false;
	for (;
	     plain[at] != '\0' && !isdigit((unsigned char)plain[at]) && plain[at] != '.' && plain[at] != ',';
	     at++)
		if (!around_take(amount, &around, plain[at], false))
			return false;
	if (!body_take(amount, plain, &at))
		return false;
	for (; plain[at] != '\0'; at++)
		if (!around_take(amount, &around, plain[at], true))
			return false;
	return around.open == around.closed && !(around.open && around.sign) && marks_tell(amount);
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

/* Digits with the point moved; false: too long. */
static bool digits_write(const char *digits, size_t count, long point, bool negative, struct buf *out)
{
	bool zero = strspn(digits, "0") == count;

	if (point > AMOUNT_EXPONENT_MAX || point < -AMOUNT_EXPONENT_MAX)
		return false;
	while (point > 1 && count > 1 && *digits == '0')
		digits++, count--, point--;
	if (negative && !zero)
		buf_text(out, "-");
	if (point <= 0) {
		buf_text(out, "0.");
		for (; point < 0; point++)
			buf_text(out, "0");
		buf_add(out, digits, count);
		return true;
	}
	buf_add(out, digits, count < (size_t)point ? count : (size_t)point);
	for (size_t i = count; i < (size_t)point; i++)
		buf_text(out, zero ? "" : "0");
	if (count > (size_t)point) {
		buf_text(out, ".");
		buf_add(out, digits + point, count - (size_t)point);
	}
	return true;
}

bool amount_write(const struct amount *amount, char point, struct buf *out)
{
	char digits[AMOUNT_MAX + 2];
	char decimal = point;
	size_t n = 0, whole = 0;
	bool behind = false;

	if (amount->marks == MARKS_POINT)
		decimal = '.';
	else if (amount->marks == MARKS_COMMA)
		decimal = ',';
	for (size_t i = 0; i < amount->len; i++) {
		if (amount->body[i] == decimal)
			behind = true;
		if (!isdigit((unsigned char)amount->body[i]))
			continue;
		digits[n++] = amount->body[i];
		whole += !behind;
	}
	digits[n] = '\0';
	return digits_write(digits, n, (long)whole + amount->exponent - (amount->percent ? 2 : 0),
			    amount->negative, out);
}

enum amount_whole amount_whole(struct buf *number)
{
	const char *point = strchr(buf_str(number), '.');
	const char *digits = buf_str(number) + (buf_str(number)[0] == '-');
	const char *most = *buf_str(number) == '-' ? "9223372036854775808" : "9223372036854775807";
	size_t len;

	if (point != NULL) {
		if (strspn(point + 1, "0") != strlen(point + 1))
			return AMOUNT_BROKEN;
		buf_cut(number, (size_t)(point - number->data));
		digits = buf_str(number) + (buf_str(number)[0] == '-');
	}
	len = strlen(digits);
	if (len > strlen(most) || (len == strlen(most) && strcmp(digits, most) > 0))
		return AMOUNT_HUGE;
	return AMOUNT_WHOLE;
}

/* ---- comparing ---------------------------------------------------------------------------------------------------- */

/* Of numbers without sign and exponent, as digits_write makes them. */
static int plain_compare(const char *a, const char *b)
{
	size_t whole_a = strspn(a, "0123456789"), whole_b = strspn(b, "0123456789");
	int difference;

	if (whole_a != whole_b)
		return whole_a < whole_b ? -1 : 1;
	difference = strncmp(a, b, whole_a);
	if (difference != 0)
		return difference;
	a += whole_a + (a[whole_a] == '.');
	b += whole_b + (b[whole_b] == '.');
	while (*a != '\0' || *b != '\0') {
		int left = *a != '\0' ? *a++ : '0', right = *b != '\0' ? *b++ : '0';

		if (left != right)
			return left < right ? -1 : 1;
	}
	return 0;
}

int amount_compare(const char *a, const char *b)
{
	bool below_a = *a == '-', below_b = *b == '-';

	if (below_a != below_b)
		return below_a ? -1 : 1;
	return below_a ? plain_compare(b + 1, a + 1) : plain_compare(a, b);
}

void amount_stage(void)
{
	struct amount amount;

	(void)amount_scan(&amount, "12,50 EUR", 9);
}
