/* Errors as a kind and a sentence. */
#include "err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A sentence that was cut must not end inside a UTF-8 sequence. */
static void end_on_character(char *text, size_t size)
{
	size_t len = strlen(text);

	if (len + 1 < size)
		return;
	while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
		text[--len] = '\0';
	if (len > 0 && ((unsigned char)text[len - 1] & 0x80))
		text[len - 1] = '\0';
}

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list args;

	if (err == NULL)
		return false;
	err->kind = kind;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	end_on_character(err->text, sizeof(err->text));
	return false;
}

bool err_add(struct err *err, const char *fmt, ...)
{
	char context[sizeof(err->text)], old[sizeof(err->text)];
	va_list args;

	if (err == NULL)
		return false;
	va_start(args, fmt);
	vsnprintf(context, sizeof(context), fmt, args);
	va_end(args);
	memcpy(old, err->text, sizeof(old));
	if (snprintf(err->text, sizeof(err->text), "%s: %s", context, old) >= (int)sizeof(err->text))
		end_on_character(err->text, sizeof(err->text));
	return false;
}

void err_clear(struct err *err)
{
	*err = (struct err){ .kind = ERR_NONE };
}

const char *err_kind_name(enum err_kind kind)
{
	static const char *const names[] = {
		[ERR_NONE] = "none",	 [ERR_AGAIN] = "again", [ERR_REFUSED] = "refused",
		[ERR_UNSURE] = "unsure", [ERR_GONE] = "gone",	[ERR_FULL] = "full",
		[ERR_FATAL] = "fatal",	 [ERR_BUG] = "bug",
	};

	return names[kind];
}
