/* What a platform's look at its tokens, rights and connection found, for `usher doctor` and `usher init`: a JSON array of
 * {"check","result","message"}. */
#ifndef USHER_FINDINGS_H
#define USHER_FINDINGS_H

#include <jansson.h>
#include <stdint.h>

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAULT };

void findings_add(json_t *findings, enum finding result, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* How far our clock is from theirs, for platforms that sign with the time. whose: "Slack". trouble: what comes of five
 * minutes, as a clause. */
void findings_clock(json_t *findings, const char *whose, int64_t off_ms, const char *trouble);

#endif
