/* The first pass of a convert: which table is meant, where its columns are and how they write what they hold. */
#ifndef USHER_PARSE_PLAN_H
#define USHER_PARSE_PLAN_H

#include "pick.h"
#include "value.h"

struct plan {
	const struct spec *spec;
	size_t number; /* of the table; 0: none was found */
	char *table;
	int64_t rows;
	int rank;	 /* how well it is what the SPEC calls it; 0: not at all */
	struct err err;	 /* its columns are not those of the SPEC */
	size_t count;	 /* of columns that go out */
	char **names;	 /* of them; own */
	char **from;	 /* what the source calls them; own */
	int64_t *source; /* of each: the index among the cells */
	struct style *styles;
};

struct planner {
	struct pick_to to; /* first */
	const struct spec *spec;
	struct plan best, now;
	char **tables; /* names of the first of them, for people */
	size_t tables_count, tables_all;
};

void planner_open(struct planner *planner, const struct spec *spec);
/* The plan, settled; NULL and err "spec: ...": there is no such table or column. Borrowed. */
struct plan *planner_end(struct planner *planner, struct err *err);
void planner_close(struct planner *planner);

#endif
