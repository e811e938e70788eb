/* The record of interactions under test: rows are made by talking, and proved by the report. */
#ifndef USHER_TESTS_AUDIT_STAGE_H
#define USHER_TESTS_AUDIT_STAGE_H

#include "asking.h"

#define ORG ROOM_DEFAULT_ORG

/* Setup and teardown of a test: ann and bob, who have said nothing yet. */
int audit_open(void **state);
int audit_close(void **state);

/* A turn, and its end with one request to a model. */
int64_t audit_begin(struct asking *a, const char *who, const char *key, const char *text);
void audit_finish(struct asking *a, int64_t turn, const char *input, const char *output);

/* So many rows of ann's: "secret words", "an answer". */
void audit_talk(struct asking *a, int rows);

/* One step of the retention; what is older than so many days goes (0: nothing). */
void audit_retain(struct asking *a, int64_t content_days, int64_t keep_days);

/* The report, and with a head that was kept elsewhere. */
const char *audit_verify(struct asking *a);
const char *audit_verify_kept(struct asking *a, const char *seq, const char *hash);

/* It finds nothing; exactly so many things, one of them with this seq and these words. */
void audit_fine(struct asking *a);
void audit_found(struct asking *a, int count, int seq, const char *words);

#endif
