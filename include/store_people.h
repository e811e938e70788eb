/* Questions about people, keys and conversations: what the command line and the chat endpoint put to the database.
 * Same rules as store.h. Strings of answers live until the callback returns. */
#ifndef USHER_STORE_PEOPLE_H
#define USHER_STORE_PEOPLE_H

#include "store.h"

/* Every answer that is shown to people or programs is JSON text made on the store thread: an object, or an array of
 * them. ERR_GONE: no such thing. ERR_REFUSED: not possible, err->text says why. */
typedef void store_json_fn(void *owner, uint64_t ticket, const struct err *err, const char *json);

/* Runs one named read of src/store/reports.c ("users", "conversations", "explain", "usage", ...) with its arguments
 * in order; numbers as decimal text, NULL is SQL NULL. The table in reports.c lists names, arguments and columns.
 * A key's owner is always among the arguments of reads a user can cause. */
void store_report(struct store *store, const char *name, const char *const *args, size_t arg_count,
		  store_json_fn *fn, void *owner, uint64_t ticket);

/* Changes by name, table in acts.c: "user_add" (username, display name, email, role), "user_status" (username,
 * active|disabled), "user_role", "pair_approve" (code, username or NULL), "pair_drop", "key_add" (username, key name,
 * key id, hash), "key_revoke" (key id), "conversation_rename" (conversation, profile, title), "conversation_archive",
 * "dead_letter_retry" (id), "dead_letter_drop" (id). Each is one transaction; the answer says what was done. */
void store_act(struct store *store, const char *name, const char *const *args, size_t arg_count,
	       store_json_fn *fn, void *owner, uint64_t ticket);

/* Who owns the key with this hash (SHA-256, lower-case hex)? ERR_GONE: unknown, revoked, or its account is off.
 * last_used_at follows lazily, at most once a minute a key. A read. */
struct store_key {
	const char *key_id;
	int64_t user_id;            /* users.id */
	struct speaker speaker;
};
typedef void store_key_fn(void *owner, uint64_t ticket, const struct err *err, const struct store_key *key);
void store_key(struct store *store, const char *hash, store_key_fn *fn, void *owner, uint64_t ticket);

/* The profile behind a user name, for the control socket. ERR_GONE when there is none. A read. */
void store_user(struct store *store, const char *username, store_key_fn *fn, void *owner, uint64_t ticket);

#endif
