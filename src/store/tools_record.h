/* Tool calls, and what a crash cut off, in the record of interactions. Store threads only. */
#ifndef USHER_STORE_TOOLS_RECORD_H
#define USHER_STORE_TOOLS_RECORD_H

#include "journey.h"

/* One row for each result among these steps, which are in the journal already. */
bool tools_record(struct db *db, struct arena *room, const struct run *run, const struct ai_step *steps,
		  size_t count, int64_t now_ms, struct err *err);

/* The run ends: calls that were begun and have no result get a row that says so. */
bool tools_unknown(struct db *db, struct arena *room, const struct run *run, int64_t now_ms, struct err *err);

/* The daemon died while the run was under way: nobody knows whether a request to a model was made and not recorded. model:
 * the one that it would have been made to, as "provider/model"; NULL: not known. */
bool run_interrupted(struct db *db, const struct run *run, const char *model, int64_t now_ms,
		     struct err *err);

#endif
