/* Whether a value was there before, in bounded memory: 16 bytes for each value, so many and no more. */
#ifndef USHER_PARSE_UNIQUE_H
#define USHER_PARSE_UNIQUE_H

#include <stdbool.h>
#include <stddef.h>

enum { UNIQUE_MAX = 2000000 /* values, of all columns together */ };

struct unique;
struct unique *unique_open(size_t max);
/* Whether the column had it before; it has it now. */
bool unique_add(struct unique *unique, size_t column, const char *text, size_t len);
/* The set is full: values that are new since are not known. */
bool unique_full(const struct unique *unique);
void unique_close(struct unique *unique);

#endif
