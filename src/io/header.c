/* Parameters of header lines, and names of files in them. */
#include "header.h"
#include "buf.h"
#include "mem.h"
#include "text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 255 };

static int hex(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* %XX of RFC 8187 and of what browsers write in form-data (WHATWG: %22, %0D, %0A). */
static char *unescape(const char *text, bool all)
{
	struct buf out = { 0 };

	for (; *text; text++) {
		int high = *text == '%' ? hex(text[1]) : -1, low = high >= 0 ? hex(text[2]) : -1;
		char c = (char)(low >= 0 ? high * 16 + low : *text);

		if (low >= 0 && !all && c != '"' && c != '\r' && c != '\n')
			low = -1, c = '%';
		if (low >= 0)
			text += 2;
		if (c == '\0')
			break;
		buf_add(&out, &c, 1);
	}
	return buf_take(&out);
}

/* The value that begins here; *at is moved behind it. */
static char *take_value(const char **at)
{
	struct buf out = { 0 };
	const char *p = *at;

	if (*p != '"') {
		size_t len = strcspn(p, "; \t");

		*at = p + len;
		return mem_text_n(p, len);
	}
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++; /* only these: C:\new\file.csv is written by some without escapes */
		buf_add(&out, p, 1);
	}
	*at = *p ? p + 1 : p;
	return buf_take(&out);
}

char *header_param(const char *header, const char *name)
{
	size_t len = strlen(name);
	char *found = NULL, *value;

	header += strcspn(header, ";");
	while (*header == ';') {
		const char *key;
		size_t key_len;

		header += 1 + strspn(header + 1, " \t");
		key = header;
		key_len = strcspn(key, "=; \t");
		header += key_len + strspn(header + key_len, " \t");
		if (*header != '=')
			continue;
		header += 1 + strspn(header + 1, " \t");
		value = take_value(&header);
		header += strcspn(header, ";");
		if (key_len == len + 1 && key[len] == '*' && strncasecmp(key, name, len) == 0 &&
		    strncasecmp(value, "utf-8'", 6) == 0 && strchr(value + 6, '\'')) {
			free(found);
			found = unescape(strchr(value + 6, '\'') + 1, true);
			free(value);
			return found; /* it counts before the plain one */
		}
		if (key_len == len && found == NULL && strncasecmp(key, name, len) == 0)
			found = unescape(value, false);
		free(value);
	}
	return found;
}

char *header_file_name(const char *name)
{
	const char *last = name + strlen(name);
	char *clean, *fixed;

	while (last > name && last[-1] != '/' && last[-1] != '\\')
		last--;
	fixed = text_repair(last, strlen(last));
	clean = text_file_name(fixed, NAME_MAX_BYTES);
	free(fixed);
	if (clean && *clean && strcmp(clean, ".") != 0 && strcmp(clean, "..") != 0)
		return clean;
	free(clean);
	return NULL;
}
