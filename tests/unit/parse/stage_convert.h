/* Files converted as the program does it, without the sandbox. */
#ifndef USHER_TEST_PARSE_STAGE_CONVERT_H
#define USHER_TEST_PARSE_STAGE_CONVERT_H

#include "buf.h"
#include "parse_room.h"
#include <jansson.h>

struct converted {
	struct parse parse; /* limits may be set before */
	bool good;
	struct err err;
	json_t *report;
	struct buf out; /* descriptor 4 */
};

void converted_begin(struct converted *converted);
/* spec is JSON with ' for ". */
void convert(struct converted *converted, const char *name, const void *data, size_t len, const char *spec);
void converted_end(struct converted *converted);

/* The beginning, the conversion of a CSV; fails unless it went well. */
void convert_csv(struct converted *converted, const char *csv, const char *spec);

int64_t report_number(const struct converted *converted, const char *key);
/* "COLUMN REASON ROWS: ROW=VALUE, ..." a line each; the caller frees. */
char *report_reasons(const struct converted *converted);
/* Whether a warning has this in it. */
bool report_warns(const struct converted *converted, const char *part);

#endif
