/* What a tool is: something the model may ask for, run by us, bound to the person who spoke. */
#ifndef USHER_TOOL_H
#define USHER_TOOL_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may be done when a crash leaves a call with an intent and no result (durability.md 2.6). */
enum tool_class {
	TOOL_READ,    /* no effect: run again */
	TOOL_KEYED,   /* an effect, but the key makes a repetition harmless: run again with the same key */
	TOOL_ONCE,    /* an effect without a key: never run again, the model is told the outcome is unknown */
	TOOL_CONFIRM, /* like TOOL_ONCE, and the person is asked each time, also when the policy allows it */
};

/* What the operator's policy says of a tool for somebody at some place. */
enum tool_policy {
	TOOL_ALLOW,
	TOOL_ASK, /* the person who speaks approves each call, bound to its arguments, within TOOL_APPROVAL_S */
	TOOL_DENY, /* not offered */
};

enum { TOOL_APPROVAL_S = 15 * 60 };

/* On whose behalf a call is made. Made by the core, passed through the AI room unread. Borrowed. */
struct tool_caller {
	const char *org_id;
	const char *profile_id;
	int64_t conversation_id;
	const char *role;		     /* "member", "operator", "owner" */
	const char *platform, *installation; /* where it is said: "slack", "acme/T123" */
	bool files; /* there are files that a tool could be asked about: those that only do that are offered */
	int64_t turn_id; /* in whose answer it is told; 0: not in a turn (an MCP client's call) */
};

/* result: JSON text, an object; a failure is {"error":"..."} with failed true. Borrowed for the call. */
typedef void tool_done_fn(void *owner, uint64_t ticket, const char *result, bool failed);

struct tool {
	const char *name;	 /* [a-zA-Z0-9_-]{1,64} */
	const char *description; /* for the model */
	const char *parameters;	 /* JSON Schema object */
	enum tool_class class;
	enum tool_policy policy; /* for who speaks: TOOL_ALLOW or TOOL_ASK */
	bool foreign; /* somebody else's program answers: what it says is labelled as not to be trusted */
	void *box;    /* whose tool it is; first argument of call */
	/* Runs the tool. arguments: a JSON object (already checked to be one); key: the same for a repetition of
	 * this very call. Copies what it keeps. done is called exactly once, in a later loop round. Loop thread. */
	void (*call)(void *box, const struct tool_caller *caller, const char *arguments, const char *key,
		     tool_done_fn *done, void *owner, uint64_t ticket);
};

/* Tools as they are offered to one turn: frozen until it gives them back. */
struct toolset {
	const struct tool *const *tools;
	size_t count;
	void (*release)(const struct toolset *set);
};

/* Who has tools. They may come and go; each turn opens its own set. Loop thread. */
struct toolbox {
	void *box;
	const struct toolset *(*open)(void *box, const struct tool_caller *caller);
};

#endif
