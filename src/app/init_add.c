/* A settings file extended as text, so that what people wrote into it stays: their order, blanks and comments. */
#include "buf.h"
#include "init.h"
#include "mem.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Behind white space and comments. */
static const char *skip(const char *at)
{
	for (;;) {
		at += strspn(at, " \t\r\n\f\v");
		if (*at == '#' || strncmp(at, "//", 2) == 0) {
			at += strcspn(at, "\n");
		} else if (strncmp(at, "/*", 2) == 0) {
			const char *end = strstr(at + 2, "*/");

			at = end ? end + 2 : at + strlen(at);
		} else {
			return at;
		}
	}
}

static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

/* "name = {" stands here: behind the bracket. */
static const char *opens(const char *at, const char *name, char bracket)
{
	size_t len = strlen(name);

	if (strncmp(at, name, len) != 0 || in_name(at[len]))
		return NULL;
	at = skip(at + len);
	if (*at != '=' && *at != ':')
		return NULL;
	at = skip(at + 1);
	return *at == bracket ? at + 1 : NULL;
}

/* Behind the bracket of the setting of this name in the group that `at` is in; NULL: there is none. */
static const char *find(const char *at, const char *name, char bracket)
{
	int depth = 0;

	for (at = skip(at); *at && depth >= 0; at = skip(at)) {
		const char *inside = depth == 0 ? opens(at, name, bracket) : NULL;

		if (inside)
			return inside;
		if (*at == '"')
			at = skip_string(at);
		else if (in_name(*at))
			while (in_name(*at))
				at++;
		else
			depth += strchr("{([", *at) ? 1 : strchr("})]", *at) ? -1 : 0, at++;
	}
	return NULL;
}

static char *insert(const char *text, const char *at, const char *format, const char *name, const char *item)
{
	struct buf out = { 0 };

	buf_add(&out, text, (size_t)(at - text));
	if (at == text + strlen(text) && out.len && out.data[out.len - 1] != '\n')
		buf_text(&out, "\n");
	for (; *format; format++) {
		if (*format == '@')
			buf_text(&out, name);
		else if (*format == '%')
			buf_text(&out, item);
		else
			buf_add(&out, format, 1);
	}
	buf_text(&out, at);
	return buf_take(&out);
}

char *init_add(const char *text, const char *group, const char *list, const char *item)
{
	const char *end = text + strlen(text), *inside = find(text, group, '{'), *elements;
	char *whole, *added;

	if (inside == NULL && list == NULL)
		return insert(text, end, "\n@ = {\n  %\n};\n", group, item);
	if (list == NULL)
		return insert(text, inside, "\n  %", "", item);
	if (inside == NULL) {
		added = mem_format("%s = (\n    %s\n  );", list, item);
		whole = insert(text, end, "\n@ = {\n  %\n};\n", group, added);
		free(added);
		return whole;
	}
	elements = find(inside, list, '(');
	if (elements == NULL)
		return insert(text, inside, "\n  @ = (\n    %\n  );", list, item);
	return insert(text, elements, *skip(elements) == ')' ? "\n    %\n  " : "\n    %,", "", item);
}

char *init_quote(const char *text)
{
	struct buf out = { 0 };

	buf_text(&out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_format(&out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			buf_format(&out, "\\x%02X", (unsigned)(unsigned char)*text);
		else
			buf_add(&out, text, 1);
	}
	buf_text(&out, "\"");
	return buf_take(&out);
}
