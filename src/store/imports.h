/* Imports while scripts of other files work on what they belong to: messages, turns, replies, people. Store threads only. */
#ifndef USHER_STORE_IMPORTS_ROOM_H
#define USHER_STORE_IMPORTS_ROOM_H

#include "buf.h"
#include "journey.h"
#include "store_imports.h"

/* T1: a row for each file of this message, which is placed in its conversation. */
bool imports_add(struct db *db, int64_t inbox_id, struct err *err);

/* T4: what was read is processed, what was not has failed; without a reply on its way it is delivered, too. */
bool imports_answered(struct db *db, struct arena *room, const struct run *run, bool answered, int64_t now_ms,
		      struct err *err);

/* T6: this reply was sent. Delivered are the imports of its turn if every part of the answer is. */
bool imports_sent(struct db *db, int64_t reply_id, const char *now, struct err *err);

/* The end of one that has not ended; which do and how it is told to the person. */
struct import_end {
	int64_t id, task_id; /* task_id 0: none */
	const char *state;   /* "processed" or "failed" */
	const char *code, *error;
	int64_t now_ms;
};
bool import_end(struct db *db, const struct import_end *end, struct err *err);

/* Those whose message has ended without a turn that ends: removed, refused, dropped. */
bool imports_give_up(struct db *db, struct arena *room, const char *code, const char *error, int64_t now_ms,
		     struct err *err);

/* Where this import stands. found_out false: there is none. Text is in `room`. */
bool import_load(struct db *db, struct arena *room, int64_t id, struct store_import *out, bool *found_out,
		 struct err *err);
bool import_state_parse(const char *name, enum import_state *state_out);

/* The columns of a struct store_import of "LLMAgentImport" i, and the struct of a row that begins with them. */
#define IMPORT_COLUMNS                                                                                       \
	"i.id, i.\"processingStatus\", i.\"userCompanyId\", i.\"inputFileName\", i.mime, i.kind, i.sha256,"  \
	" coalesce(i.size, -1), i.outline, i.\"errorCode\", i.\"errorMessage\""
enum { IMPORT_COLUMN_COUNT = 11 };
void import_take(const struct query *query, struct arena *room, struct store_import *out);

/* outputs.c: content that an organisation keeps. full_out: it would be more than quota (0: any number), nothing is kept.
 * blob_leave: its file is there, but nothing is to name it: a row that counts nothing, so that store_blobs_unnamed finds it. */
bool blob_add(struct db *db, struct arena *room, const char *org_id, const char *sha256, int64_t bytes,
	      int64_t stored, int64_t quota, bool *full_out, struct err *err);
bool blob_leave(struct db *db, struct arena *room, const char *org_id, const char *sha256, struct err *err);

/* The files that were made in a turn, as struct outgoing has them; NULL: none. */
bool outputs_of_turn(struct db *db, struct arena *room, int64_t turn_id, const char **json_out,
		     struct err *err);

/* forget.c: everything of it, but not the blobs: those nobody names are asked for (store_blobs_unnamed). Of a long file a row without
 * a name stays until store_words_merge has taken its last piece: nobody finds or reads it. left_out (may be
 * NULL): a file of an older release could not be removed, its row stays. */
bool import_forget(struct db *db, struct arena *room, int64_t id, bool *left_out, struct err *err);

/* forget_told.c: what the model was told of it goes too, while its row is there: prompts, results of tools and contents of the
 * record of each run it came with, that made files of it, or that read or searched it; of a run that has not ended only such
 * results. everywhere: in whatever conversation since it came; else only in its own. What was said and answered stays. */
bool import_untell(struct db *db, struct arena *room, int64_t id, bool everywhere, struct err *err);

/* At most `limit` pieces of it with their words; rows_out says how many. */
bool pieces_forget(struct db *db, int64_t import_id, int64_t limit, int64_t *rows_out, struct err *err);

/* Outputs of a turn that came of no import. */
bool outputs_forget_turn(struct db *db, struct arena *room, int64_t turn_id, struct err *err);

/* Some of those that came of no import and are older than a time. */
bool outputs_forget_old(struct db *db, struct arena *room, const char *before, size_t *count_out,
			struct err *err);

/* At most `limit` that have ended, of a profile, of a conversation, or older than a time: one of them is given. Of a long file
 * only some pieces go at once: count_out is limit as long as there is more. */
struct import_whose {
	const char *profile_id;
	int64_t conversation_id;
	const char *before;
};
bool imports_forget(struct db *db, struct arena *room, const struct import_whose *whose, size_t limit,
		    size_t *count_out, struct err *err);

/* report_imports.c: a profile's or, without one, all: profile, organisation, state, limit, before; one: number, profile. */
extern const char imports_sql[], imports_all_sql[], import_sql[], uploads_waiting_sql[],
	message_imports_sql[];

/* report_files.c: organisation, profile, conversation, words, limit. */
extern const char files_sql[];

#endif
