/* What went wrong, in a form code can act on and a person can read. */
#ifndef USHER_ERR_H
#define USHER_ERR_H

#include <stdbool.h>

/* What the caller can do about it. Order is not significant; values are never stored. */
enum err_kind {
	ERR_NONE = 0, /* nothing is wrong */
	ERR_AGAIN,    /* a passing fault: the same call may work later */
	ERR_REFUSED,  /* the request is wrong or not allowed: repeating it changes nothing */
	ERR_UNSURE,   /* it may or may not have happened: look before repeating */
	ERR_GONE,     /* the thing asked for does not exist (any more) */
	ERR_FULL,     /* no room (disk, queue): accept nothing new until there is */
	ERR_FATAL,    /* storage or process state can't be trusted: stop the daemon */
	ERR_BUG,      /* a rule of ours was broken: log and give up this piece of work */
};

/* A sentence for people and a kind for code. Plain data: copy it freely. */
struct err {
	enum err_kind kind;
	char text[300]; /* UTF-8, NUL-terminated, cut at a character boundary if too long */
};

/* Sets kind and sentence where the failure happens. Returns false so that `return err_set(...)` reads well.
 * err may be NULL (nothing is recorded). Any thread. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the sentence, keeps the kind, returns false. err may be NULL. */
bool err_add(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Back to ERR_NONE and an empty sentence. */
void err_clear(struct err *err);

/* "again", "refused", ...: for logs and metrics. */
const char *err_kind_name(enum err_kind kind);

#endif
