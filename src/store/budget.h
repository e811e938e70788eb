/* What has been spent and what is held, inside the transactions of a message's journey. Store threads only. */
#ifndef USHER_STORE_BUDGET_ROOM_H
#define USHER_STORE_BUDGET_ROOM_H

#include "journey.h"
#include "store_budget.h"

/* What a request counts against, in the words of the database. */
struct budget_subjects {
	const char *org_id;
	const char *of[BUDGET_SCOPES]; /* NULL: none of this scope */
};

extern const char *const budget_scopes[BUDGET_SCOPES]; /* "organization", ... */
extern const char *const budget_periods[BUDGET_PERIODS];

enum { BUDGET_DAY_CHARS = 10, BUDGET_MONTH_CHARS = 7 }; /* of a time's text */

/* Adds to what the day and month of this time have spent and hold, for every subject. */
bool budget_book(struct db *db, const struct budget_subjects *subjects, const char *at, int64_t spent,
		 int64_t held, struct err *err);

/* An attempt is being recorded: what was held for it is replaced by what it cost, or by all that was held when that is
 * not known. Without a reservation its cost is counted as it is. */
bool budget_settle(struct db *db, const struct run *run, const struct ai_attempt *attempt, int64_t now_ms,
		   struct err *err);

/* The turn has ended and all its attempts are settled: what it still holds was never sent. */
bool budget_release(struct db *db, struct arena *room, int64_t turn_id, int64_t now_ms, struct err *err);

/* What expires until this time counts as spent, since its cost was never told. until NULL: everything that is held. */
bool budget_lapse(struct db *db, struct arena *room, const char *until, const char *now, struct err *err);

/* A process has died: nobody will tell what its requests have cost. Old records of requests go. */
bool budget_recover(struct db *db, struct arena *room, int64_t now_ms, struct err *err);

#endif
