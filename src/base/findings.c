/* One line of a check after the other. */
#include "findings.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLOCK_WARN_MS = 60000, CLOCK_FAULT_MS = 300000 };

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

void findings_clock(json_t *findings, const char *whose, int64_t off_ms, const char *trouble)
{
	int64_t off = off_ms < 0 ? -off_ms : off_ms;

	if (off >= CLOCK_FAULT_MS)
		findings_add(findings, FINDING_FAULT, "clock", "%" PRId64 " s off: %s; set the clock",
			     off / 1000, trouble);
	else
		findings_add(findings, off >= CLOCK_WARN_MS ? FINDING_WARNING : FINDING_OK, "clock",
			     "within %" PRId64 " s of %s's", off / 1000 + 1, whose);
}
