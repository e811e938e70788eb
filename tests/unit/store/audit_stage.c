/* A record of interactions, made by talking, and what the report says of it. */
#include "audit_stage.h"
#include "json.h"
#include "store_audit.h"
#include <stdio.h>
#include <string.h>

int audit_open(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	asking_know(a, "bob");
	*state = a;
	return 0;
}

int audit_close(void **state)
{
	asking_destroy(*state);
	return 0;
}

int64_t audit_begin(struct asking *a, const char *who, const char *key, const char *text)
{
	struct incoming in = says(who, who, key, text);
	const struct store_accepted *got;

	in.semantic_key = key;
	got = ask_accept(a, &in, true);
	assert_non_null(got->turn);
	return got->turn->id;
}

void audit_finish(struct asking *a, int64_t turn, const char *input, const char *output)
{
	const struct ai_attempt attempt = { .provider = "p",
					    .model = "m",
					    .input = input,
					    .output = output,
					    .input_tokens = 3,
					    .output_tokens = 2,
					    .cached_tokens = -1,
					    .cost_micros = 12,
					    .latency_ms = 5,
					    .first_token_ms = -1,
					    .request_id = "r1" };
	const struct ai_result result = {
		.text = output, .tool_calls = "[]", .attempts = &attempt, .attempt_count = 1
	};
	const struct store_answer answer = {
		.turn_id = turn, .state = MESSAGE_ANSWERED, .text = output, .result = &result
	};

	ask_answer(a, &answer);
	assert_int_equal(a->err.kind, ERR_NONE);
}

/* So many rows of ann's; their numbers go on from those before. */
void audit_talk(struct asking *a, int rows)
{
	static int number;

	for (int i = 0; i < rows; i++) {
		char key[32];

		snprintf(key, sizeof(key), "k%d", ++number);
		audit_finish(a, audit_begin(a, "ann", key, "secret words"), "secret words", "an answer");
	}
}

const char *audit_verify_kept(struct asking *a, const char *seq, const char *hash)
{
	const char *answer =
		ask_report(a, "audit_verify", (const char *const[]){ ORG, NULL, NULL, seq, hash }, 5);

	assert_int_equal(a->err.kind, ERR_NONE);
	return answer;
}

const char *audit_verify(struct asking *a)
{
	return audit_verify_kept(a, NULL, NULL);
}

void audit_fine(struct asking *a)
{
	const char *answer = audit_verify(a);

	if (strstr(answer, "\"found\":0,") == NULL || strstr(answer, "\"done\":true") == NULL)
		fail_msg("%s", answer);
}

/* Exactly so many findings, one of them with this seq and these words. */
void audit_found(struct asking *a, int count, int seq, const char *words)
{
	const char *answer = audit_verify(a);
	struct err err;
	json_t *document = json_read(answer, strlen(answer), &err), *one;
	bool seen = false;
	size_t i;

	assert_non_null(document);
	json_array_foreach (json_object_get(document, "findings"), i, one)
		seen = seen || (json_integer_value(json_object_get(one, "seq")) == seq &&
				strstr(json_text(one, "what"), words));
	if (!seen || json_integer_value(json_object_get(document, "found")) != count)
		fail_msg("%d findings, row %d \"%s\": %s", count, seq, words, answer);
	json_decref(document);
}

static void on_retained(void *owner, uint64_t ticket, const struct err *err, bool more)
{
	struct asking *a = owner;

	(void)ticket;
	a->err = *err;
	assert_false(more);
	a->waiting--;
	io_stop(a->io);
}

void audit_retain(struct asking *a, int64_t content_days, int64_t keep_days)
{
	a->waiting++;
	store_retain(a->store,
		     &(struct store_retention){ .content_days = content_days, .keep_days = keep_days },
		     on_retained, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
}
