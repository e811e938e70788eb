/* JSON as a stream of values, made flat: arrays of objects (or of arrays) are tables whose columns are the keys, nested
 * ones as "a.b"; all else is text, a line "path: value" for each value. Two passes: the first finds the columns of each
 * table, as any object may bring a key that none before it had. */
#ifndef USHER_PARSE_JSON_FLAT_H
#define USHER_PARSE_JSON_FLAT_H

#include "buf.h"
#include "parse_room.h"
#include <yajl/yajl_parse.h>

struct flat;

/* name: of tables that have no path. whole: every value at the top is a record of one table (NDJSON). */
struct flat *flat_open(const char *name, bool whole);
/* The second pass: what comes now goes to the sink. */
void flat_rewind(struct flat *flat, struct sink *sink);
/* The next records are told with this number and unit (NDJSON: lines); without it they are counted. */
void flat_number(struct flat *flat, int64_t number);
/* Drops a record that is not finished: the line was no JSON. */
void flat_drop(struct flat *flat);
/* How many values and keys there were: while it stands still, one value is being read. */
int64_t flat_events(const struct flat *flat);
/* Whether the sink has enough, or a limit (in err) was met. */
bool flat_over(const struct flat *flat);
const struct err *flat_err(const struct flat *flat);
void flat_close(struct flat *flat);

/* yajl's callbacks, to be called with the flat. */
const yajl_callbacks *flat_callbacks(void);

#endif
