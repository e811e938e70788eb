/* Questions about people, keys and conversations: what the command line and the chat endpoint put to the
 * database. Same rules as store.h. Strings of answers live until the callback returns. */
#ifndef USHER_STORE_PEOPLE_H
#define USHER_STORE_PEOPLE_H

#include "store.h"

/* Every answer that is shown to people or programs is JSON text made on the store thread: an object, or an
 * array of them. ERR_GONE: no such thing. ERR_REFUSED: not possible, err->text says why. */
typedef void store_json_fn(void *owner, uint64_t ticket, const struct err *err, const char *json);

/* Runs one named read; arguments in this order, numbers as decimal text, NULL is SQL NULL, trailing ones may
 * be left out, [] marks those that need not be given. An array unless "object" is said. limit: 50 if not
 * given, at most 1000; an answer over 16 MB is ERR_REFUSED: ask for less. Wherever a conversation is asked
 * for, its integer id and its uuid are both taken; where a profile is asked for in [], NULL is the operator
 * who sees all, otherwise other people's rows are as if they did not exist (ERR_GONE).
 *
 *   users                                    everyone, with or without an account
 *   user         who                         object; who: a user name, or a profile id
 *   keys         [who]
 *   pairs                                    strangers who wait
 *   conversations [profile] [state] [limit] [before id]           newest first
 *   conversation  conversation [profile]                          object
 *   messages      conversation [profile] [role] [after] [before] [limit]
 *                 oldest first; after, before: times as given in "timestamp", which rise strictly
 *                 (page marks); with before and without after: the last ones before it
 *   explain       message [profile]          object: the whole timeline of an inbox id or uuid
 *   usage         day|model|user|platform [since] [until] [profile]
 *   usage_of      profile                    object: {"today", "month"}, each {"requests", "tokens", "cost_usd",
 *                                            "unknown_cost"} since midnight or the first of the month (UTC)
 *   language_of   profile                    object: {"language"}: a BCP 47 tag or null
 *   interactions  [profile] [since] [limit]  newest first
 *   feedback      [since] [limit]            what people thought of answers, newest first: "value" is up or down
 *   uploads_waiting                          "url" of uploads that were not fetched yet
 *   message_imports message                  "import_id" of its files
 *   dead_letters  [limit]                    replies that did not arrive ("r12"), messages set aside ("m7")
 *   status                                   object: counts by state, and who was refused by a budget of today or this month
 *   budgets                                  each with its limit, and what is spent and held of it
 *   spending                                 what today and this month have cost, by scope and subject
 *   budget_refusals                          who was refused by which budget, newest first
 *   installations                            "secrets": whether there are any; "removed_at" NULL: in use
 *   installation  name                       object; platform/name, or a name that only one platform has
 *   mcp_grants                               what servers of tools granted, sealed
 *   tool          server tool                object: "hash" of what is approved, "found" of what the server says now when that
 *                                            is something else, and the words of both ("definition", "found_definition";
 *                                            NULL: not kept)
 *   task_list     org profile [all|pending|completed]
 *   search_conversations org profile words [limit]   what this profile and its assistant said, newest first, at most 50;
 *                                            words: a JSON array of texts, all of which a message must hold
 *   list_files    org profile [conversation] words [limit]  files within reach (store_imports.h) by name and type
 */
void store_report(struct store *store, const char *name, const char *const *args, size_t arg_count,
		  store_json_fn *fn, void *owner, uint64_t ticket);

/* Changes by name. Each is one transaction; the answer is an object that says what was done.
 *
 *   user_add      username [display name] [email] [role]
 *   user_status   who active|disabled
 *   user_role     who member|operator|owner
 *   pair_approve  code [who] [approved by: who]      without who: a new profile
 *   pair_drop     code
 *   key_add       username, key name, key id, hash   refused while the user has an active key of that name
 *   key_replace   the same; revokes that one first
 *   key_revoke    key id
 *   link_make     profile, code hash         valid for 10 minutes; at most 3 open ones a profile
 *   link_invite   [who], code hash           the same for somebody by name; without who: the oldest active owner
 *   link_use      profile, platform, installation, sender, code hash
 *                 this sender (known as this profile) is the profile of the code from now on; both must be of one
 *                 organisation; a code serves once, and the same call again answers the same
 *   language      profile [tag]              answers in this language (BCP 47, checked by form); without: as before
 *   budget_set    scope [subject] day|month amount      scope: organization (by name or id; without: the first),
 *                 installation (PLATFORM/NAME), channel (PLATFORM/NAME#CHANNEL), profile (who) or model
 *                 (PROVIDER/MODEL); amount: US dollars with at most six decimals
 *   budget_remove scope [subject] day|month
 *   approval_decide code profile approve|deny turn   object: {"tool", "arguments" (JSON text), "approved"}; by the person
 *                 who was asked or an operator of that organisation, once, in time; the same turn may ask again
 *   tools_seen    server, JSON array of [tool, hash]    what a server says of its tools now: object {"judged", "wanted"}.
 *                 judged: one letter for each: "+" never seen before and kept from now on, "=" as it was, "!" something
 *                 else than was kept, "-" not kept, since the server has named too many tools; wanted: indexes of
 *                 those whose words are not kept yet (tool_said)
 *   tool_said     server, tool, hash, definition   the words behind a hash of tools_seen, for people; refused when there are
 *                 too many of this server
 *   tool_approve  server, tool, hash         what a server says of it now is what it may say; hash: the first 8 or more
 *                 digits of what that must be
 *   conversation_rename     conversation [profile] title
 *   conversation_archive    conversation [profile]
 *   conversation_unarchive  conversation [profile]
 *   dead_letter_retry       id ("r12", "m7", or the uuid of the reply or message)
 *   dead_letter_drop        id
 *   mcp_grant_keep server issuer sealed      what a server of tools granted, instead of what was kept before
 *   mcp_grant_drop server
 *   task_add      org profile title [description] [call key]
 *   task_complete org profile id [call key]
 *   task_update   org profile id [title] [description] [call key]
 *   task_delete   org profile id [call key]
 *   message_send  org profile conversation text [key] [call key]   profile: an operator of org; to where the newest
 *                 message of the conversation came from; with the same key (or call key) again: nothing
 *
 * A task act whose call key was used before changes nothing and answers what it answered then. */
void store_act(struct store *store, const char *name, const char *const *args, size_t arg_count,
	       store_json_fn *fn, void *owner, uint64_t ticket);

/* Who owns the key with this hash (SHA-256, lower-case hex)? ERR_GONE: unknown or revoked. speaker.active is
 * false when the profile or its account is switched off. last_used_at follows lazily, at most once a minute a
 * key. A read. */
struct store_key {
	const char *key_id;
	int64_t user_id; /* users.id */
	struct speaker speaker;
};
typedef void store_key_fn(void *owner, uint64_t ticket, const struct err *err, const struct store_key *key);
void store_key(struct store *store, const char *hash, store_key_fn *fn, void *owner, uint64_t ticket);

/* The profile behind a user name, for the control socket. ERR_GONE when there is none. A read. */
void store_user(struct store *store, const char *username, store_key_fn *fn, void *owner, uint64_t ticket);

#endif
