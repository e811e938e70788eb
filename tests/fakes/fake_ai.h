/* An AI room that says what the test says. */
#ifndef FAKE_AI_H
#define FAKE_AI_H

#include "ai.h"

/* One question to the model. Strings are copies. */
struct thought {
	uint64_t ticket;
	const struct ai_events *events;
	void *owner;
	char *prompt, *system_prompt, *model, *key, *profile_id;
	char *files;	/* their paths, each with a line end */
	char *approved; /* tool and arguments, or NULL */
	char *summary;	/* or NULL */
	bool summarise;
	size_t history_count, journal_count;
	unsigned journaled; /* how often ai_journaled was called */
	bool reserve;	    /* as asked */
	unsigned reserved;  /* how often ai_reserved said yes; once it says no, the thought has failed */
	struct thought *prev, *next;
};

struct ai *fake_ai_create(void);
void fake_ai_destroy(struct ai *ai);
size_t fake_ai_count(const struct ai *ai);
size_t fake_ai_cancelled(const struct ai *ai);
struct thought *fake_ai_thought(struct ai *ai, size_t index); /* oldest first; NULL beyond the last */
void fake_ai_answer(struct ai *ai, struct thought *thought, const char *text);
void fake_ai_fail(struct ai *ai, struct thought *thought, const char *code);
void fake_ai_result(struct ai *ai, struct thought *thought, const struct ai_result *result);

void fake_ai_repeats(struct ai *ai); /* there is no model that can sum up */

/* Voice notes: heard from now on; the path of the one that is being heard, or NULL; what is said in it, or why not. */
void fake_ai_hears(struct ai *ai);
const char *fake_ai_hearing(const struct ai *ai);
void fake_ai_heard(struct ai *ai, const char *text, const char *why);

#endif
