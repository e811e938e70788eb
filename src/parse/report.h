/* What came of the rows: the REPORT of extract.h. */
#ifndef USHER_PARSE_REPORT_H
#define USHER_PARSE_REPORT_H

#include "value.h"

struct report_reason; /* of a column */

struct report {
	int64_t rows_in, rows_out, rows_refused, rows_blank;
	const char *const *names; /* of the columns; borrowed */
	size_t count;
	struct report_reason *reasons; /* count * REFUSALS */
	json_t *warnings;
};

void report_open(struct report *report, const char *const *names, size_t count);
void report_warn(struct report *report,
		 const char *warning); /* repeated ones are dropped, and more than 20 */
void report_refuse(struct report *report, size_t column, enum refusal refusal, int64_t row, const char *value,
		   size_t len);
/* {"rows_in", ..., "reasons", "warnings"}; the caller's reference. */
json_t *report_write(const struct report *report);
void report_close(struct report *report);

#endif
