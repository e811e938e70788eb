/* Copies lent values whole, so that a question can be put to the store a second time. */
#include "keep.h"
#include "mem.h"

const char *const *keep_texts(struct arena *arena, const char *const *texts, size_t count)
{
	const char **copy = arena_alloc(arena, count * sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = arena_text(arena, texts[i]);
	return copy;
}

struct ai_step *keep_steps(struct arena *arena, const struct ai_step *steps, size_t count)
{
	struct ai_step *copy = arena_alloc(arena, count * sizeof(*copy));

	for (size_t i = 0; i < count; i++) {
		copy[i] = steps[i];
		copy[i].call_id = arena_text(arena, steps[i].call_id);
		copy[i].tool = arena_text(arena, steps[i].tool);
		copy[i].payload = arena_text(arena, steps[i].payload);
	}
	return copy;
}

struct ai_attempt *keep_attempts(struct arena *arena, const struct ai_attempt *attempts, size_t count)
{
	struct ai_attempt *copy = arena_alloc(arena, count * sizeof(*copy));

	for (size_t i = 0; i < count; i++) {
		copy[i] = attempts[i];
		copy[i].provider = arena_text(arena, attempts[i].provider);
		copy[i].model = arena_text(arena, attempts[i].model);
		copy[i].input = arena_text(arena, attempts[i].input);
		copy[i].output = arena_text(arena, attempts[i].output);
		copy[i].request_id = arena_text(arena, attempts[i].request_id);
		copy[i].reservation = arena_text(arena, attempts[i].reservation);
		copy[i].error = arena_text(arena, attempts[i].error);
	}
	return copy;
}

static const struct ai_approval *keep_approvals(struct arena *arena, const struct ai_approval *approvals,
						size_t count)
{
	struct ai_approval *copy = arena_alloc(arena, (count + 1) * sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = (struct ai_approval){ arena_text(arena, approvals[i].code),
						arena_text(arena, approvals[i].tool),
						arena_text(arena, approvals[i].arguments) };
	return copy;
}

struct ai_result *keep_result(struct arena *arena, const struct ai_result *result)
{
	struct ai_result *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *result;
	copy->code = arena_text(arena, result->code);
	copy->text = arena_text(arena, result->text);
	copy->tool_calls = arena_text(arena, result->tool_calls);
	copy->request = arena_text(arena, result->request);
	copy->raw = arena_text(arena, result->raw);
	copy->model = arena_text(arena, result->model);
	copy->attempts = keep_attempts(arena, result->attempts, result->attempt_count);
	copy->approvals = keep_approvals(arena, result->approvals, result->approval_count);
	return copy;
}

static const struct ai_past_call *keep_calls(struct arena *arena, const struct ai_message *message)
{
	struct ai_past_call *calls = arena_alloc(arena, message->call_count * sizeof(*calls));

	for (size_t i = 0; i < message->call_count; i++)
		calls[i] = (struct ai_past_call){ message->calls[i].round,
						  arena_text(arena, message->calls[i].id),
						  arena_text(arena, message->calls[i].tool),
						  arena_text(arena, message->calls[i].arguments),
						  arena_text(arena, message->calls[i].result) };
	return calls;
}

struct store_recalled *keep_recalled(struct arena *arena, const struct store_recalled *recalled)
{
	struct store_recalled *copy = arena_alloc(arena, sizeof(*copy));
	struct ai_message *history = arena_alloc(arena, recalled->count * sizeof(*history));

	for (size_t i = 0; i < recalled->count; i++) {
		history[i] = recalled->history[i];
		history[i].text = arena_text(arena, recalled->history[i].text);
		history[i].calls = keep_calls(arena, &recalled->history[i]);
	}
	*copy = *recalled;
	copy->history = history;
	copy->model = arena_text(arena, recalled->model);
	copy->system_prompt = arena_text(arena, recalled->system_prompt);
	copy->tools = arena_text(arena, recalled->tools);
	copy->language = arena_text(arena, recalled->language);
	copy->summary = arena_text(arena, recalled->summary);
	copy->said = keep_texts(arena, recalled->said, recalled->said_count);
	return copy;
}

static const struct store_kept *keep_kept(struct arena *arena, const struct store_kept *file)
{
	struct store_kept *copy;

	if (file == NULL)
		return NULL;
	copy = arena_alloc(arena, sizeof(*copy));
	*copy = *file;
	copy->org_id = arena_text(arena, file->org_id);
	copy->sha256 = arena_text(arena, file->sha256);
	copy->name = arena_text(arena, file->name);
	copy->mime = arena_text(arena, file->mime);
	return copy;
}

static const struct store_settled *keep_settled(struct arena *arena, const struct store_reply *reply)
{
	struct store_settled *copy = arena_alloc(arena, (reply->settled_count + 1) * sizeof(*copy));

	for (size_t i = 0; i < reply->settled_count; i++) {
		const struct store_settled *one = &reply->settled[i];

		copy[i] = (struct store_settled){ arena_text(arena, one->code), arena_text(arena, one->who),
						  arena_text(arena, one->state), one->at_ms };
	}
	return copy;
}

struct store_reply *keep_reply(struct arena *arena, const struct store_reply *reply)
{
	struct store_reply *copy = arena_alloc(arena, sizeof(*copy));
	struct outgoing *out = &copy->out;

	*copy = *reply;
	copy->platform = arena_text(arena, reply->platform);
	copy->installation = arena_text(arena, reply->installation);
	copy->settled = keep_settled(arena, reply);
	copy->file = keep_kept(arena, reply->file);
	out->uuid = arena_text(arena, out->uuid);
	out->answers_to = keep_texts(arena, out->answers_to, out->answers_to_count);
	out->delivery_keys =
		out->delivery_keys ? keep_texts(arena, out->delivery_keys, out->answers_to_count) : NULL;
	out->reason = arena_text(arena, out->reason);
	out->reply_to = arena_text(arena, out->reply_to);
	out->text = arena_text(arena, out->text);
	out->remote_id = arena_text(arena, out->remote_id);
	out->placeholder = arena_text(arena, out->placeholder);
	out->tool_calls = arena_text(arena, out->tool_calls);
	out->choices = arena_text(arena, out->choices);
	out->conversation_uuid = arena_text(arena, out->conversation_uuid);
	return copy;
}
