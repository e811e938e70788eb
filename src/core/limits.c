/* Checks an incoming message against the limits of message.h before anything is kept of it. */
#include "ingress.h"
#include "message.h"
#include "text.h"
#include <string.h>

static const struct field {
	size_t at;  /* in struct incoming or struct message_file */
	size_t max; /* bytes */
	bool required;
	const char *missing, *broken;
} fields[] = {
	{ offsetof(struct incoming, delivery_key), MESSAGE_KEY_MAX, true, "the delivery key is missing",
	  "the delivery key is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct incoming, semantic_key), MESSAGE_KEY_MAX, false, NULL,
	  "the semantic key is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct incoming, fingerprint), MESSAGE_KEY_MAX, false, NULL,
	  "the fingerprint is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct incoming, sender), MESSAGE_KEY_MAX, true, "the sender is missing",
	  "the sender is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct incoming, sender_name), MESSAGE_NAME_MAX, false, NULL,
	  "the sender's name is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct incoming, profile), MESSAGE_KEY_MAX, false, NULL, "the profile is not an id" },
	{ offsetof(struct incoming, conversation), MESSAGE_KEY_MAX, false, NULL,
	  "the conversation is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct incoming, text), MESSAGE_TEXT_MAX, false, NULL,
	  "the text is longer than 65536 bytes or not UTF-8" },
	{ offsetof(struct incoming, reply_to), MESSAGE_REPLY_TO_MAX, false, NULL,
	  "the reply address is longer than 4096 bytes or not UTF-8" },
	{ offsetof(struct incoming, target), MESSAGE_KEY_MAX, false, NULL,
	  "the target is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct incoming, cursor_scope), MESSAGE_KEY_MAX, false, NULL,
	  "the cursor's scope is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct incoming, cursor), MESSAGE_KEY_MAX, false, NULL,
	  "the cursor is longer than 255 bytes or not UTF-8" },
};

static const struct field file_fields[] = {
	{ offsetof(struct message_file, url), MESSAGE_REPLY_TO_MAX, true, "a file has no address",
	  "a file's address is longer than 4096 bytes or not UTF-8" },
	{ offsetof(struct message_file, name), MESSAGE_NAME_MAX, false, NULL,
	  "a file's name is longer than 255 bytes or not UTF-8" },
	{ offsetof(struct message_file, mime), MESSAGE_NAME_MAX, false, NULL,
	  "a file's type is longer than 255 bytes or not UTF-8" },
};

static const char *field_broken(const void *object, const struct field *field)
{
	const char *text;
	size_t len;

	memcpy(&text, (const char *)object + field->at, sizeof(text));
	if (text == NULL)
		return field->required ? field->missing : NULL;
	len = strnlen(text, field->max + 1);
	if (len > field->max || !text_valid(text, len))
		return field->broken;
	return field->required && len == 0 ? field->missing : NULL;
}

static const char *fields_broken(const void *object, const struct field *table, size_t count)
{
	const char *broken = NULL;

	for (size_t i = 0; i < count && broken == NULL; i++)
		broken = field_broken(object, &table[i]);
	return broken;
}

/* A file speaks for itself, and what is about something earlier need not say more. A reason is always given. */
static const char *text_broken(const struct incoming *in)
{
	const char *text = in->text ? in->text : "";

	if (in->flags & INCOMING_IGNORE)
		return *text == '\0' ? "the text is empty" : NULL;
	if (in->kind == INCOMING_RATED && strcmp(text, "up") != 0 && strcmp(text, "down") != 0)
		return "a rating is neither \"up\" nor \"down\"";
	if (in->kind == INCOMING_SAID && in->file_count == 0 && text_blank(text))
		return "the text is empty";
	return NULL;
}

static const char *target_broken(const struct incoming *in)
{
	bool needed = in->kind != INCOMING_SAID && in->kind != INCOMING_STOPPED;

	if ((unsigned)in->kind > INCOMING_MOVED)
		return "the kind is not known";
	return needed && (in->target == NULL || *in->target == '\0') ? "the target is missing" : NULL;
}

/* Into itself it would be moved again and again. */
static const char *move_broken(const struct incoming *in)
{
	size_t len;

	if (in->kind != INCOMING_MOVED || in->conversation == NULL)
		return NULL;
	len = strlen(in->target);
	return strncmp(in->conversation, in->target, len) == 0 &&
			       (in->conversation[len] == '\0' || in->conversation[len] == '/')
		       ? "a place is moved into itself"
		       : NULL;
}

/* Positions are compared as text: only digits, and one point at most, can be. */
static const char *cursor_broken(const struct incoming *in)
{
	static const char digits[] = "0123456789";
	size_t whole;

	if (in->cursor_scope == NULL && in->cursor == NULL)
		return NULL;
	if (in->cursor_scope == NULL || in->cursor == NULL)
		return "a cursor needs a scope and a position";
	whole = strspn(in->cursor, digits);
	if (whole && in->cursor[whole] == '.')
		whole += 1 + strspn(in->cursor + whole + 1, digits);
	return whole && in->cursor[whole] == '\0' ? NULL : "the cursor is not a number";
}

static bool needs_place(const struct incoming *in)
{
	if (in->kind == INCOMING_MOVED)
		return true;
	return (in->kind == INCOMING_SAID || in->kind == INCOMING_STOPPED) && !(in->flags & INCOMING_NEW) &&
	       in->conversation_id == 0;
}

const char *limits_broken(const struct incoming *in)
{
	const char *broken = fields_broken(in, fields, sizeof(fields) / sizeof(fields[0]));

	if (broken == NULL)
		broken = target_broken(in);
	if (broken == NULL)
		broken = move_broken(in);
	if (broken == NULL)
		broken = text_broken(in);
	if (broken == NULL)
		broken = cursor_broken(in);
	if (broken == NULL && needs_place(in) && (in->conversation == NULL || *in->conversation == '\0'))
		broken = "the conversation is missing";
	if (broken == NULL && in->file_count > MESSAGE_FILES_MAX)
		broken = "more than 20 files";
	for (size_t i = 0; i < in->file_count && broken == NULL; i++)
		broken = fields_broken(&in->files[i], file_fields,
				       sizeof(file_fields) / sizeof(file_fields[0]));
	return broken;
}
