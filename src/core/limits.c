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
	{ offsetof(struct incoming, text), MESSAGE_TEXT_MAX, true, "the text is empty",
	  "the text is longer than 65536 bytes or not UTF-8" },
	{ offsetof(struct incoming, reply_to), MESSAGE_REPLY_TO_MAX, false, NULL,
	  "the reply address is longer than 4096 bytes or not UTF-8" },
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

const char *limits_broken(const struct incoming *in)
{
	const char *broken = fields_broken(in, fields, sizeof(fields) / sizeof(fields[0]));

	if (broken == NULL && !(in->flags & INCOMING_IGNORE) && text_blank(in->text))
		broken = "the text is empty";
	if (broken == NULL && !(in->flags & INCOMING_NEW) && in->conversation_id == 0 &&
	    (in->conversation == NULL || *in->conversation == '\0'))
		broken = "the conversation is missing";
	if (broken == NULL && in->file_count > MESSAGE_FILES_MAX)
		broken = "more than 20 files";
	for (size_t i = 0; i < in->file_count && broken == NULL; i++)
		broken = fields_broken(&in->files[i], file_fields,
				       sizeof(file_fields) / sizeof(file_fields[0]));
	return broken;
}
