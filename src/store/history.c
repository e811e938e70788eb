/* Reads what was said before: prompts, answers, and what tools were called for the newest of them. */
#include "history.h"
#include "memory.h"
#include "prompt.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum {
	CALLS_TURNS = 3,      /* of the newest turns the calls are told */
	CALLS_MAX = 8,	      /* of one turn */
	ARGUMENTS_MAX = 1024, /* bytes; a call with more is left out, since half a JSON object is none */
	RESULT_MAX = 1024,    /* bytes that are told of a result */
};

const char *history_asked(struct arena *room, const struct query *query, int prompt, int more_column)
{
	struct prompt_more more = prompt_more(room, db_text(query, more_column));
	const char *kept;
	char *said, *text;

	if (more.context == NULL && more.heard == NULL)
		return room_text(room, query, prompt);
	said = message_with_heard(db_text(query, prompt), more.heard);
	text = message_with_context(more.context, said);
	kept = arena_text(room, text);
	free(text);
	free(said);
	return kept;
}

/* One turn's run, while its calls are looked up. */
struct past {
	int64_t task_id;
	struct ai_message *answer;
	struct ai_past_call calls[CALLS_MAX];
};

/* Nine letters and digits: what the pickiest service takes (Mistral), and the same in every request of the conversation. */
static const char *make_id(struct arena *room, int64_t turn_id, unsigned n)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	enum { TURN_DIGITS = 7, LEN = 9, BASE = 36 };
	char id[LEN];

	for (int i = TURN_DIGITS - 1; i >= 0; i--, turn_id /= BASE)
		id[i] = digits[turn_id % BASE];
	id[TURN_DIGITS] = digits[n / BASE % BASE];
	id[LEN - 1] = digits[n % BASE];
	return arena_text_n(room, id, LEN);
}

static const char *short_result(struct arena *room, const struct query *query, int column)
{
	size_t len = db_text_len(query, column), fit = text_fit(db_text(query, column), len, RESULT_MAX);

	if (fit == len)
		return room_text(room, query, column);
	return arena_format(room, "%.*s\n[cut: the first %zu of %zu bytes]", (int)fit, db_text(query, column),
			    fit, len);
}

/* Calls with their results, in the order they were made. What was begun and has no result is not told, nor what was erased. */
static bool read_calls(struct db *db, struct arena *room, struct past pasts[CALLS_TURNS], size_t count,
		       struct err *err)
{
	struct query query;

	if (count == 0)
		return true;
	db_query(db, &query,
		 "SELECT i.\"llmTaskId\", i.round, i.tool, i.payload, r.payload FROM \"LLMTaskStep\" i"
		 " JOIN \"LLMTaskStep\" r ON r.\"llmTaskId\" = i.\"llmTaskId\" AND r.kind = 'result'"
		 " AND r.round = i.round AND r.\"callId\" = i.\"callId\""
		 " WHERE i.\"llmTaskId\" IN ($1, $2, $3) AND i.kind = 'intent'"
		 " AND (i.payload <> '{}' OR r.payload <> '{}') ORDER BY i.\"llmTaskId\", i.round, i.n",
		 "iii", pasts[0].task_id, pasts[1].task_id, pasts[2].task_id);
	while (db_row(&query)) {
		struct past *past = pasts;
		struct ai_message *answer;

		while (past->task_id != db_int(&query, 0))
			past++;
		answer = past->answer;
		if (answer->call_count == CALLS_MAX || db_text_len(&query, 3) > ARGUMENTS_MAX)
			continue;
		past->calls[answer->call_count] =
			(struct ai_past_call){ .round = (unsigned)db_int(&query, 1),
					       .id = make_id(room, answer->turn,
							     (unsigned)answer->call_count),
					       .tool = room_text(room, &query, 2),
					       .arguments = room_text(room, &query, 3),
					       .result = short_result(room, &query, 4) };
		answer->call_count++;
		answer->calls = past->calls;
	}
	return db_end(&query, err);
}

/* Newest first, written from the end of the array. */
bool history_read(struct db *db, struct arena *room, const struct history_ask *ask,
		  struct store_recalled *out, struct err *err)
{
	size_t most = 2 * (size_t)ask->turns, at = most, count = 0;
	struct ai_message *messages = arena_alloc(room, (most ? most : 1) * sizeof(*messages));
	struct past *pasts = arena_alloc(room, CALLS_TURNS * sizeof(*pasts));
	struct query query;

	memset(pasts, 0, CALLS_TURNS * sizeof(*pasts));
	db_query(db, &query,
		 "SELECT m.\"userPrompt\", m.\"llmParsedOutput\"," HISTORY_MORE
		 ", m.id, m.\"llmTaskId\" FROM \"LLMConversationMessage\" m"
		 " WHERE m.\"llmConversationId\" = $1 AND m.id < $2 AND m.id > $4 AND" HISTORY_COUNTS
		 " ORDER BY m.id DESC LIMIT $3",
		 "iiii", ask->conversation_id, ask->before_turn_id, (int64_t)ask->turns, ask->after_turn_id);
	while (at > 0 && db_row(&query)) {
		bool gone = strstr(db_text(&query, 0), prompt_deleted) != NULL;

		messages[--at] = (struct ai_message){ .role = AI_ASSISTANT,
						      .text = memory_answer(room, &query, 1),
						      .turn = db_int(&query, 3) };
		if (count < CALLS_TURNS && !gone && !db_null(&query, 4))
			pasts[count++] =
				(struct past){ .task_id = db_int(&query, 4), .answer = &messages[at] };
		messages[--at] = (struct ai_message){ .role = AI_USER,
						      .text = history_asked(room, &query, 0, 2),
						      .turn = db_int(&query, 3) };
	}
	out->history = messages + at;
	out->count = most - at;
	return db_end(&query, err) && read_calls(db, room, pasts, count, err);
}
