/* Money set aside before a model is asked, and how much people may say: what the core asks of the store. Same rules as
 * store.h. Money is in whole millionths of a US dollar; days and months are those of UTC. */
#ifndef USHER_STORE_BUDGET_H
#define USHER_STORE_BUDGET_H

#include "err.h"
#include <stdbool.h>
#include <stdint.h>

struct store;

enum budget_scope {
	BUDGET_ORGANIZATION,
	BUDGET_INSTALLATION,
	BUDGET_CHANNEL,
	BUDGET_PROFILE,
	BUDGET_MODEL,
	BUDGET_SCOPES
};
enum budget_period { BUDGET_DAY, BUDGET_MONTH, BUDGET_PERIODS };

/* Limits of the settings file: each for every single thing of its scope that has no budget of its own in the database
 * for that period. has false: no such limit. */
struct store_limits {
	struct store_limit {
		bool has;
		int64_t micros;
	} of[BUDGET_SCOPES][BUDGET_PERIODS];
};

/* One request to a model that is about to be sent in this turn. */
struct store_reserve {
	const char *id; /* of the request: a UUID; the same one again changes nothing and is granted */
	int64_t turn_id;
	const char *provider, *model;
	int64_t micros; /* the most it can cost; AI_COST_UNKNOWN: its price is not known; 0: no budget is
				   asked, it is only on record that it leaves */
	unsigned channel_parts; /* of the conversation's key that name the channel (platform_ops); 0: all */
	struct store_limits limits;
};

/* Whether it may be sent. When not: the budget that has no room for it. */
struct store_reserved {
	bool granted;
	bool unpriced; /* refused because its price is not known while this budget is in force */
	enum budget_scope scope;
	enum budget_period period;
	const char *who;      /* the speaker, for the operator: user name or display name */
	const char *subject;  /* as `usher budget list` prints it; "" for an organisation */
	int64_t limit, used;  /* used: spent and held */
	int64_t begins_again; /* Unix milliseconds */
};

/* Grants when each budget that applies has room for micros beside all that is spent and held, and holds it in the same
 * transaction. Held money is settled where the request's attempt is recorded (ai_attempt.reservation), given back when
 * its turn ends without such an attempt, and counts as spent in full when the daemon dies or after STORE_HELD_MS: the next
 * start puts a request that nobody heard the outcome of on record. A refusal is on record for the operator. ERR_GONE: no such turn. Commits like T3. */
enum { STORE_HELD_MS = 15 * 60 * 1000 };
typedef void store_reserved_fn(void *owner, uint64_t ticket, const struct err *err,
			       const struct store_reserved *r);
void store_reserve(struct store *store, const struct store_reserve *ask, store_reserved_fn *fn, void *owner,
		   uint64_t ticket);

#endif
