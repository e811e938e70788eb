/* From the bytes of any body to the parts of a message, led by JSON Pointers. Pure; any thread. */
#ifndef USHER_WEBHOOK_MAPPING_H
#define USHER_WEBHOOK_MAPPING_H

#include "err.h"
#include "json.h"
#include "message.h"
#include <stdbool.h>
#include <stddef.h>

/* Pointers tried in order: the first that leads to a text that is not blank wins; for ids (sender,
 * conversation, id) a number counts too. */
struct pointers {
	const char *const *at;
	size_t count;
};

struct mapping {
	struct pointers text, sender, sender_name, conversation, id, files, reply_url;
	const char *default_sender;	  /* never NULL */
	const char *default_conversation; /* NULL: the sender is the conversation */
};

enum body_fault {
	BODY_OK,
	BODY_TYPE,    /* a content type that is not taken: 415 */
	BODY_SYNTAX,  /* not what its content type says: 400 */
	BODY_MEANING, /* understood, but there is nothing to answer or too much: 422 */
};

/* A message's parts; strings live until hook_mapped_finish. */
struct mapped {
	struct arena *arena;
	json_t *document; /* NULL for plain text */
	const char *plain;
	const char *text; /* NULL when no pointer led to any */
	const char *sender, *sender_name, *conversation, *id, *reply_url;
	struct message_file *files;
	size_t file_count;
};

/* Zero-initialise out. type: Content-Type or NULL (then JSON). A missing text is no fault here: the caller
 * knows which events have none. The caller calls hook_mapped_finish in any case. */
enum body_fault hook_map(const struct mapping *mapping, const char *type, const char *body, size_t len,
			 struct mapped *out, struct err *err);

void hook_mapped_finish(struct mapped *mapped);

/* Is a body of this type a message that can be read, in whatever characters? */
bool hook_type_read(const char *type);

/* Reading of the body alone (body.c): fills document or plain. */
enum body_fault hook_body_read(const char *type, const char *body, size_t len, struct mapped *out,
			       struct err *err);

#endif
