/* What the daemon asks of this process: one line on standard input (include/extract.h). */
#ifndef USHER_PARSE_ORDER_H
#define USHER_PARSE_ORDER_H

#include "json.h"
#include "parse_room.h"

struct order {
	char *what; /* "extract", "convert" */
	char *name; /* of the file, as its owner calls it */
	struct limits limits;
	json_t *spec; /* NULL: none given */
};

/* Strict: unknown keys, wrong types and values beyond the limits are refused. order is for order_free either way. */
bool order_read(struct order *order, const char *line, size_t len, struct err *err);
void order_free(struct order *order);

#endif
