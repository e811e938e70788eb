/* What is erased, and how far it has come. Store threads only. */
#ifndef USHER_STORE_ERASE_H
#define USHER_STORE_ERASE_H

#include "audit.h"

enum { STEP_TURNS = 200, STEP_ROWS = 500 };

/* What is left of a text says so. */
#define GONE "'" AUDIT_ERASED "'"

/* A person's, or a conversation's; in steps. */
struct erasing {
	struct db *db;
	struct arena *room;
	const char *profile; /* or NULL: the conversation */
	int64_t conversation;
	const char *org_id;
	struct audit_why why;
	int64_t turns, rows, files_left;
	bool more;
	struct err *err;
};

struct numbers {
	int64_t *list;
	size_t count;
};

/* Rows of the inbox that came from the profile $1: as it was known then, or as its senders are known now. */
#define ERASE_SAID_BY(ROW)                                                                                   \
	" (" ROW ".profile_id = $1 OR (" ROW ".profile_id IS NULL AND EXISTS (SELECT 1 FROM"                 \
	" platform_identities p WHERE p.profile_id = $1 AND p.platform = " ROW ".platform"                   \
	" AND p.installation = " ROW ".installation AND p.external_user_id = " ROW ".sender)))"

/* Rows of the outbox that say something to the profile $1. */
#define ERASE_TOLD                                                                                           \
	" (inbox_id IN (SELECT i.id FROM inbox i WHERE" ERASE_SAID_BY(                                       \
		"i") ") OR turn_id IN (SELECT m.id FROM \"LLMConversationMessage\" m WHERE m.\"userId\" = "  \
		     "$1)"                                                                                   \
		     " OR (inbox_id IS NULL AND turn_id IS NULL AND \"llmConversationId\" IN"                \
		     " (SELECT c.id FROM \"LLMConversation\" c WHERE c.\"userId\" = $1)))"

/* At most STEP_ROWS numbers; type "t": $1 is text, "i": $1 is number. */
bool erase_numbers(struct erasing *it, struct numbers *out, const char *sql, const char *type,
		   const void *text, int64_t number);

/* What is kept of a run (LLMTask) beside the record: prompts, outputs, what its tools were given and gave. */
bool erase_run(struct db *db, int64_t task, struct err *err);

/* The files of these rows of the inbox, from the disk and from the table. */
bool erase_files(struct erasing *it, const char *sql, const char *type, const void *text, int64_t number);

/* What belongs to no turn: the last step. */
bool erase_rest(struct erasing *it);

#endif
