/* Copies of the store's answers, which are gone when the callback returns. */
#include "asking.h"

const char *const *copy_texts(struct arena *room, const char *const *from, size_t count)
{
	const char **copy = arena_alloc(room, count * sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = arena_text(room, from[i]);
	return copy;
}

static struct speaker copy_speaker(struct arena *room, const struct speaker *from)
{
	struct speaker copy = *from;

	copy.profile_id = arena_text(room, from->profile_id);
	copy.org_id = arena_text(room, from->org_id);
	copy.display_name = arena_text(room, from->display_name);
	return copy;
}

static const struct message_file *copy_files(struct arena *room, const struct message_file *from,
					     size_t count)
{
	struct message_file *copy = arena_alloc(room, count * sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = (struct message_file){ .url = arena_text(room, from[i].url),
						 .name = arena_text(room, from[i].name),
						 .mime = arena_text(room, from[i].mime),
						 .size = from[i].size };
	return copy;
}

struct store_turn *copy_turn(struct arena *room, const struct store_turn *from)
{
	struct store_turn *copy;
	struct ai_step *steps;
	size_t *messages;

	if (from == NULL)
		return NULL;
	copy = arena_alloc(room, sizeof(*copy));
	*copy = *from;
	copy->conversation_uuid = arena_text(room, from->conversation_uuid);
	copy->speaker = copy_speaker(room, &from->speaker);
	copy->platform = arena_text(room, from->platform);
	copy->installation = arena_text(room, from->installation);
	copy->sender = arena_text(room, from->sender);
	copy->reply_to = arena_text(room, from->reply_to);
	copy->text = arena_text(room, from->text);
	copy->uuids = copy_texts(room, from->uuids, from->count);
	copy->delivery_keys = copy_texts(room, from->delivery_keys, from->count);
	steps = arena_alloc(room, from->journal_count * sizeof(*steps));
	for (size_t i = 0; i < from->journal_count; i++) {
		steps[i] = from->journal[i];
		steps[i].call_id = arena_text(room, steps[i].call_id);
		steps[i].tool = arena_text(room, steps[i].tool);
		steps[i].payload = arena_text(room, steps[i].payload);
	}
	copy->journal = steps;
	copy->placeholder = arena_text(room, from->placeholder);
	copy->files = copy_files(room, from->files, from->file_count);
	messages = arena_alloc(room, from->file_count * sizeof(*messages));
	copy->file_messages = messages;
	for (size_t i = 0; i < from->file_count; i++)
		messages[i] = from->file_messages[i];
	return copy;
}

struct store_accepted *copy_accepted(struct arena *room, const struct store_accepted *from)
{
	struct store_accepted *copy;

	if (from == NULL)
		return NULL;
	copy = arena_alloc(room, sizeof(*copy));
	*copy = *from;
	copy->uuid = arena_text(room, from->uuid);
	copy->conversation_uuid = arena_text(room, from->conversation_uuid);
	if (from->speaker) {
		struct speaker *speaker = arena_alloc(room, sizeof(*speaker));

		*speaker = copy_speaker(room, from->speaker);
		copy->speaker = speaker;
	}
	copy->turn = copy_turn(room, from->turn);
	copy->text = arena_text(room, from->text);
	return copy;
}

struct outgoing *copy_outgoing(struct arena *room, const struct outgoing *from)
{
	struct outgoing *copy;

	if (from == NULL)
		return NULL;
	copy = arena_alloc(room, sizeof(*copy));
	*copy = *from;
	copy->uuid = arena_text(room, from->uuid);
	copy->answers_to = copy_texts(room, from->answers_to, from->answers_to_count);
	copy->delivery_keys = copy_texts(room, from->delivery_keys, from->answers_to_count);
	copy->reason = arena_text(room, from->reason);
	copy->reply_to = arena_text(room, from->reply_to);
	copy->text = arena_text(room, from->text);
	copy->tool_calls = arena_text(room, from->tool_calls);
	copy->placeholder = arena_text(room, from->placeholder);
	copy->files = arena_text(room, from->files);
	copy->remote_id = arena_text(room, from->remote_id);
	copy->conversation_uuid = arena_text(room, from->conversation_uuid);
	return copy;
}

struct store_reply *copy_reply(struct arena *room, const struct store_reply *from)
{
	struct store_reply *copy;

	if (from == NULL)
		return NULL;
	copy = arena_alloc(room, sizeof(*copy));
	*copy = *from;
	copy->platform = arena_text(room, from->platform);
	copy->installation = arena_text(room, from->installation);
	copy->out = *copy_outgoing(room, &from->out);
	return copy;
}
