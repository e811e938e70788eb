/* What reports and acts share: arguments that are checked, people and conversations looked up, rows turned to
 * JSON. Store threads only. */
#ifndef USHER_STORE_PEOPLE_ROOM_H
#define USHER_STORE_PEOPLE_ROOM_H

#include "buf.h"
#include "json.h"
#include "store_people.h"
#include "store_room.h"
#include "text.h"
#include <string.h>

/* For "%.*s": user text in a sentence, cut at a character. */
#define CUT(TEXT) (int)text_fit((TEXT), strlen(TEXT), 80), (TEXT)

enum { NAMED_ARGS_MAX = 8, ARG_BYTES_MAX = 65536, REPORT_BYTES_MAX = 16 * 1024 * 1024 };

/* ---- lookup.c ------------------------------------------------------------------------------------ */

/* The arguments of a report or act, in the order of its table. One letter each:
 *   t text   w somebody (becomes the profile id)   c conversation (becomes its id)   i number, from 1
 *   p the profile that asks, or NULL: an operator   l limit (never NULL afterwards)
 *   n the time, filled in by us
 * Upper case: must be given. c is looked up for the profile of p, whatever their order. */
struct named_args {
	const char *text[NAMED_ARGS_MAX];
};

/* Checks and looks up; names (comma-separated) are for the sentence when one is missing. */
bool args_check(struct db *db, struct arena *room, const char *letters, const char *names,
		struct named_args *args, struct err *err);

struct person {
	const char *profile_id, *org_id, *username /* NULL: no account */, *display_name;
	int64_t user_id; /* 0: no account */
};

/* By user name, else by profile id. ERR_GONE when there is nobody. */
bool person_find(struct db *db, struct arena *room, const char *who, struct person *person_out,
		 struct err *err);

/* ---- rows.c ------------------------------------------------------------------------------------- */

/* Appends the current row as an object. A column alias may end in ":json" (text that is JSON), ":bool" (0 or
 * 1) or
 * ":usd" (millionths, shown as decimal text); the end is not part of the name. */
void row_print(const struct query *query, struct buf *out);

/* The same of one statement whose arguments are all text. */
bool rows_of(struct db *db, struct buf *out, const char *sql, const char *const *args, size_t count,
	     struct err *err);

/* The first row as an object; "null" and found_out false when there is none. */
bool row_of(struct db *db, struct buf *out, const char *sql, const char *const *args, size_t count,
	    bool *found_out, struct err *err);

/* The value as text in the arena; takes the reference. */
char *json_answer_take(struct arena *room, json_t *value);

/* ---- explain.c ---------------------------------------------------------------------------------- */

/* The timeline of args[0], an inbox id or uuid, for the profile args[1] or (NULL) an operator. */
bool explain_print(struct db *db, struct arena *room, const char *const *args, struct buf *out,
		   struct err *err);

/* ---- report_installs.c --------------------------------------------------------------------------- */

/* All of them; the one called platform/name, or name alone where that is clear. */
bool installs_print(struct db *db, struct buf *out, struct err *err);
bool install_print(struct db *db, const char *name, struct buf *out, struct err *err);

/* ---- the acts ----------------------------------------------------------------------------------- */

/* Does it; *answer_out is an object. */
typedef bool act_run(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		     struct err *err);

act_run act_user_add, act_user_status, act_user_role;	 /* act_users.c */
act_run act_pair_approve, act_pair_drop;		 /* act_pairs.c */
act_run act_key_add, act_key_replace, act_key_revoke;	 /* act_keys.c */
act_run act_link_make, act_link_invite, act_link_use;	 /* act_links.c */
act_run act_language;					 /* act_language.c */
act_run act_audit_erase;				 /* act_erase.c */
act_run act_budget_set, act_budget_remove;		 /* act_budgets.c */
act_run act_approval_decide;				 /* approvals.c */
act_run act_mcp_grant_keep, act_mcp_grant_drop;		 /* act_grants.c */
act_run act_tools_seen, act_tool_said, act_tool_approve; /* act_tools.c */
act_run act_conversation_rename, act_conversation_archive,
	act_conversation_unarchive;					   /* act_conversations.c */
act_run act_dead_letter_retry, act_dead_letter_drop;			   /* act_letters.c */
act_run act_task_add, act_task_complete, act_task_update, act_task_delete; /* act_tasks.c */
act_run act_model_set, act_model_remove, act_model_use_conversation,
	act_model_use_installation;						 /* act_models.c */
act_run act_message_send;							 /* act_send.c */
act_run act_import_retry, act_import_post, act_import_cancel, act_import_delete; /* act_imports.c */
act_run act_file_share, act_file_delete;					 /* act_files.c */

#endif
