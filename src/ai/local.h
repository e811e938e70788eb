/* The built-in offline responder: settings and operations, and its pure part for tests. */
#ifndef USHER_LOCAL_H
#define USHER_LOCAL_H

#include "llm.h"

struct arena;

extern const struct llm_ops local_ops;

/* What a person asked of the task list. */
enum phrase_kind {
	PHRASE_OTHER,
	PHRASE_ADD,	 /* title */
	PHRASE_LIST,	 /* title: "pending", "completed" or NULL */
	PHRASE_COMPLETE, /* id, or title */
	PHRASE_DELETE,	 /* id, or title */
	PHRASE_RENAME,	 /* id or title, and into */
	PHRASE_GREETING,
	PHRASE_THANKS,
	PHRASE_HELP,
};

struct phrase {
	enum phrase_kind kind;
	long id; /* 0: none */
	const char *title, *into;
};

/* Pure. Strings are the arena's. */
struct phrase local_phrase(const char *text, struct arena *arena);

/* What to say to this request: either text, or a call of a tool the request offers. */
struct local_reply {
	const char *text;
	struct llm_call call; /* id NULL: none */
};
struct local_reply local_answer(const struct llm_request *request, struct arena *arena);

#endif
