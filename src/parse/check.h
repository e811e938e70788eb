/* Rows held against the rules of a SPEC. */
#ifndef USHER_PARSE_CHECK_H
#define USHER_PARSE_CHECK_H

#include "report.h"
#include "unique.h"

struct check {
	const struct spec *spec;
	const struct style *styles;
	const int64_t *source; /* of each column: the index among the cells */
	struct report *report;
	struct unique *unique;
	size_t count;
	struct value_out *values; /* of the row, one for each column */
};

void check_open(struct check *check, const struct spec *spec, const struct style *styles,
		const int64_t *source, size_t count, struct report *report);
/* Fills the values of a row; false: it breaks a rule, which the report knows. */
bool check_row(struct check *check, int64_t number, const struct cell *cells, size_t count);
void check_close(struct check *check);

#endif
