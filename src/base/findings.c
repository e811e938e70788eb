/* One line of a check after the other. */
#include "findings.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void findings_add(json_t *findings, enum finding result, const char *what, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "warning", "fault" };
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	json_array_append_new(findings, json_pack("{s:s, s:s, s:s}", "check", what, "result", words[result],
						  "message", text ? text : "?"));
	free(text);
}
