/* What was said before, as a model is told it. Store threads only. */
#ifndef USHER_STORE_HISTORY_H
#define USHER_STORE_HISTORY_H

#include "journey.h"

/* The newest turns of a conversation between two turns, oldest first: who asked gets two messages for each. */
struct history_ask {
	int64_t conversation_id;
	int64_t after_turn_id; /* 0: from the beginning */
	int64_t before_turn_id;
	unsigned turns; /* at most */
};
bool history_read(struct db *db, struct arena *room, const struct history_ask *ask,
		  struct store_recalled *out, struct err *err);

/* A turn that counts: it got an answer from a model. A notice is no answer, and a command was not said to the model. */
#define HISTORY_COUNTS                                                                                       \
	" NOT m.failed AND m.\"llmParsedOutput\" IS NOT NULL AND coalesce(m.\"entityType\", '') <> "         \
	"'command'"

/* Of its "structuredUserPrompt" what history_asked wants to see; most have none. */
#define HISTORY_MORE                                                                                         \
	" CASE WHEN substr(m.\"structuredUserPrompt\", 1, 11) = '{\"context\":'"                             \
	" OR substr(m.\"structuredUserPrompt\", 1, 9) = '{\"heard\":' THEN m.\"structuredUserPrompt\" END"

/* What was said, behind what others had said before, and with what was said in voice notes. The columns are
 * "userPrompt" and HISTORY_MORE. */
const char *history_asked(struct arena *room, const struct query *query, int prompt, int more);

#endif
