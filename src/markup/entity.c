/* Entities: numeric ones, and the named ones that models write. Others stay the text they are. */
#include "text.h"
#include "tree.h"
#include <stdint.h>
#include <string.h>

static const struct entity {
	const char *name, *text;
} entities[] = {
	{ "amp", "&" },	   { "lt", "<" },	   { "gt", ">" },	 { "quot", "\"" },
	{ "apos", "'" },   { "nbsp", "\u00a0" },   { "copy", "©" },	 { "reg", "®" },
	{ "trade", "™" },  { "hellip", "…" },	   { "mdash", "—" },	 { "ndash", "–" },
	{ "lsquo", "‘" },  { "rsquo", "’" },	   { "sbquo", "‚" },	 { "ldquo", "“" },
	{ "rdquo", "”" },  { "bdquo", "„" },	   { "laquo", "«" },	 { "raquo", "»" },
	{ "bull", "•" },   { "middot", "·" },	   { "sect", "§" },	 { "para", "¶" },
	{ "deg", "°" },	   { "plusmn", "±" },	   { "times", "×" },	 { "divide", "÷" },
	{ "minus", "−" },  { "frac12", "½" },	   { "frac14", "¼" },	 { "frac34", "¾" },
	{ "sup2", "²" },   { "sup3", "³" },	   { "micro", "µ" },	 { "cent", "¢" },
	{ "pound", "£" },  { "yen", "¥" },	   { "euro", "€" },	 { "larr", "←" },
	{ "uarr", "↑" },   { "rarr", "→" },	   { "darr", "↓" },	 { "harr", "↔" },
	{ "rArr", "⇒" },   { "ne", "≠" },	   { "le", "≤" },	 { "ge", "≥" },
	{ "asymp", "≈" },  { "infin", "∞" },	   { "auml", "ä" },	 { "ouml", "ö" },
	{ "uuml", "ü" },   { "Auml", "Ä" },	   { "Ouml", "Ö" },	 { "Uuml", "Ü" },
	{ "szlig", "ß" },  { "eacute", "é" },	   { "egrave", "è" },	 { "agrave", "à" },
	{ "ccedil", "ç" }, { "ntilde", "ñ" },	   { "check", "✓" },	 { "ast", "*" },
	{ "lowbar", "_" }, { "grave", "`" },	   { "vert", "|" },	 { "lbrack", "[" },
	{ "rbrack", "]" }, { "lpar", "(" },	   { "rpar", ")" },	 { "num", "#" },
	{ "excl", "!" },   { "dollar", "$" },	   { "percnt", "%" },	 { "commat", "@" },
	{ "colon", ":" },  { "bsol", "\\" },	   { "sol", "/" },	 { "lbrace", "{" },
	{ "rbrace", "}" }, { "thinsp", "\u2009" }, { "ensp", "\u2002" }, { "emsp", "\u2003" },
};

static size_t encode(uint32_t point, char out[4])
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

/* Control characters become a blank: a text node holds no line feed, whoever spells it. */
static uint32_t harmless(uint32_t point)
{
	if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0xfffd;
	return point < 0x20 || point == 0x7f ? ' ' : point;
}

static size_t numeric(const char *digits, size_t len, char out[4])
{
	bool hex = len && (digits[0] == 'x' || digits[0] == 'X');
	uint32_t point = 0;

	if (hex)
		digits++, len--;
	if (len == 0 || len > 8)
		return 0;
	for (size_t i = 0; i < len; i++) {
		int digit = text_hex_digit(digits[i]);

		if (digit < 0 || (!hex && digit > 9))
			return 0;
		point = point > 0x10ffff ? point : point * (hex ? 16 : 10) + (uint32_t)digit;
	}
	return encode(harmless(point), out);
}

size_t entity_text(const char *entity, size_t len, char out[4])
{
	if (len < 4 || entity[0] != '&' || entity[len - 1] != ';')
		return 0;
	if (entity[1] == '#')
		return numeric(entity + 2, len - 3, out);
	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++)
		if (strlen(entities[i].name) == len - 2 &&
		    memcmp(entities[i].name, entity + 1, len - 2) == 0) {
			size_t size = strlen(entities[i].text);

			memcpy(out, entities[i].text, size);
			return size;
		}
	return 0;
}
