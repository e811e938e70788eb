/* A call that 2026-07-28 lets a server answer with questions: what is sent along with the next try (sheet 13, MRTR). We
 * declare nothing that may be asked for, so a server that asks all the same is refused in the way that each question has. */
#include "server.h"
#include <string.h>

enum { QUESTIONS_MAX = 32, STATE_MAX = 1 << 20 };

/* NULL: there is no way to say no but to end the call. */
static json_t *refusal_of(const char *method)
{
	if (method && strcmp(method, "elicitation/create") == 0)
		return json_pack("{s:s}", "action", "decline");
	if (method && strcmp(method, "roots/list") == 0)
		return json_pack("{s:[]}", "roots");
	return NULL;
}

static bool refuse_all(json_t *questions, json_t *answers, struct err *err)
{
	json_t *question;
	const char *key;

	if (!json_is_object(questions) || json_object_size(questions) > QUESTIONS_MAX)
		return err_set(err, ERR_REFUSED, "what it asks for is no object of at most %d questions",
			       QUESTIONS_MAX);
	json_object_foreach (questions, key, question) {
		const char *method = json_text(question, "method");
		json_t *refusal = refusal_of(method);

		if (refusal == NULL)
			return err_set(err, ERR_REFUSED, "it asks for %.60s, which is not offered",
				       method ? method : "something without a name");
		json_object_set_new(answers, key, refusal);
	}
	return true;
}

json_t *round_next(const json_t *result, struct err *err)
{
	json_t *questions = json_object_get(result, "inputRequests");
	json_t *state = json_object_get(result, "requestState");
	json_t *more = json_object(), *answers;

	if (questions) {
		answers = json_object();
		json_object_set_new(more, "inputResponses", answers);
		if (!refuse_all(questions, answers, err)) {
			json_decref(more);
			return NULL;
		}
	}
	if (state)
		json_object_set(more, "requestState", state); /* the very value, unread */
	if (state && (!json_is_string(state) || json_string_length(state) > STATE_MAX))
		err_set(err, ERR_REFUSED, "its requestState is no text of at most %d bytes", STATE_MAX);
	else if (state == NULL && questions == NULL)
		err_set(err, ERR_REFUSED, "it wants the call once more without saying what for");
	else
		return more;
	json_decref(more);
	return NULL;
}

enum round_kind round_of(const json_t *result)
{
	const json_t *type = json_object_get(result, "resultType");
	const char *name = json_string_value(type);

	if (type == NULL || (name && strcmp(name, "complete") == 0))
		return ROUND_COMPLETE;
	return name && strcmp(name, "input_required") == 0 ? ROUND_ASKS : ROUND_UNKNOWN;
}
