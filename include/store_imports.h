/* Imports and what is known from them: the questions of their way. Same rules as store.h. A row of "LLMAgentImport" is made
 * in T1, one for each file of a message that is to be answered ("received"); the rest of its way is here:
 *   received -> fetched -> checked -> extracted -> processed (T4) -> delivered (T6), or failed, each in one transaction.
 * No state goes back; what comes late for one that is failed or gone is answered ERR_GONE. */
#ifndef USHER_STORE_IMPORTS_H
#define USHER_STORE_IMPORTS_H

#include "store.h"

enum import_state {
	IMPORT_RECEIVED,
	IMPORT_FETCHED,
	IMPORT_CHECKED,
	IMPORT_EXTRACTED,
	IMPORT_PROCESSED,
	IMPORT_DELIVERED,
	IMPORT_FAILED,
};

/* "received", ...: the words of "processingStatus". Static. */
const char *import_state_name(enum import_state state);

struct store_import {
	int64_t id;
	enum import_state state;
	const char *org_id, *name, *mime, *kind;
	const char *sha256;	  /* kept under; NULL: not fetched */
	int64_t size;		  /* -1 unknown */
	const char *outline;	  /* JSON (extract.h), from EXTRACTED on; or NULL */
	const char *code, *error; /* when failed */
	size_t message;		  /* store_imports: its message's place in uuids */
	unsigned index;		  /* and which of its files */
};

/* The imports of these messages, in the order of the messages and of their files: what is left to be done of a turn that
 * begins, perhaps again. A read. */
typedef void store_imports_fn(void *owner, uint64_t ticket, const struct err *err,
			      const struct store_import *imports, size_t count);
void store_imports(struct store *store, const char *const *uuids, size_t count, store_imports_fn *fn,
		   void *owner, uint64_t ticket);

/* Fetched, checked, or failed; one step of its way made durable. A step that was made before changes nothing. ERR_GONE: it was
 * taken back, has failed or (FAILED) has ended. */
struct store_import_step {
	int64_t id;
	enum import_state state;
	const char *org_id; /* FETCHED: whose the file is, for when the import is gone */
	const char *mime, *kind;
	const char *sha256;   /* FETCHED: and the blob's row is made, even when it fails: the file is to go */
	int64_t size, stored; /* FETCHED */
	const char *code, *error; /* FAILED: error is a line for the person */
	int64_t quota; /* FETCHED: bytes the organisation may keep; ERR_REFUSED when it would be passed. 0: any number */
};
void store_import_step(struct store *store, const struct store_import_step *step, store_done_fn *fn,
		       void *owner, uint64_t ticket);

/* Extracted: reads the chunks (lines as in extract.h) from the file at path into what can be searched, a few hundred in a
 * transaction, and sets the state with the last. Called again after a crash it begins anew. */
void store_import_extracted(struct store *store, int64_t id, const char *outline, const char *path,
			    store_done_fn *fn, void *owner, uint64_t ticket);

/* ---- what the tools ask, bound to who speaks ------------------------------------------------------------------ */

/* Whose files may be seen: those of the conversation, of the person, or shared with the organisation. Decided in the query. */
struct store_reach {
	const char *org_id, *profile_id;
	int64_t conversation_id; /* 0: none */
};

/* One import within reach; import.id 0: none. name: of a file instead of a number; the newest of that name. A read. */
typedef void store_import_fn(void *owner, uint64_t ticket, const struct err *err,
			     const struct store_import *import);
void store_import_find(struct store *store, const struct store_reach *reach, int64_t id, const char *name,
		       store_import_fn *fn, void *owner, uint64_t ticket);

/* Words in files: JSON array [{"import_id","file","place","text","sent_at"}], the best first. import_id 0: all. A read. */
typedef void store_answer_text_fn(void *owner, uint64_t ticket, const struct err *err, const char *json);
void store_knowledge_search(struct store *store, const struct store_reach *reach, const char *words,
			    int64_t import_id, unsigned limit, store_answer_text_fn *fn, void *owner,
			    uint64_t ticket);

/* Pieces of one file in order: {"pieces":[{"ord","place","text"}],"next":N or null,"of":N}. A read. */
void store_knowledge_read(struct store *store, const struct store_reach *reach, int64_t import_id,
			  int64_t from, unsigned bytes, store_answer_text_fn *fn, void *owner,
			  uint64_t ticket);

/* A file that was made: kept, and delivered with the answer of the turn. Again with the same key: the one there is. */
struct store_output {
	const struct store_reach *reach;
	int64_t import_id, turn_id; /* 0: none */
	const char *key, *name, *format, *mime, *sha256, *report;
	int64_t bytes, stored, quota;
	const char *content; /* at most 64 KiB of text, for "outputContent"; or NULL */
};
typedef void store_output_fn(void *owner, uint64_t ticket, const struct err *err, int64_t output_id);
void store_output(struct store *store, const struct store_output *output, store_output_fn *fn, void *owner,
		  uint64_t ticket);

/* ---- the target of finished imports -------------------------------------------------------------------------- */

/* The next one due: marked as being sent. body: JSON of the import as it is posted. id 0: none; due_ms then says when the
 * next one will be (Unix milliseconds, 0: none). Imports that end while a target is set are marked due by T4 and
 * store_import_step (failed ones too). */
struct store_post {
	int64_t id;
	const char *body;
	unsigned attempts; /* this one included */
	int64_t due_ms;
};
typedef void store_post_fn(void *owner, uint64_t ticket, const struct err *err,
			   const struct store_post *post);
void store_post_next(struct store *store, store_post_fn *fn, void *owner, uint64_t ticket);

/* How it went: external_id (kept once, the first one counts), or error with the time of the next attempt (0: given up). */
void store_post_done(struct store *store, int64_t id, const char *external_id, const char *error,
		     int64_t due_ms, store_done_fn *fn, void *owner, uint64_t ticket);

/* ---- blobs nobody names any more ------------------------------------------------------------------------------- */

/* Takes rows of blobs that no import and no output names away, at most `limit`, and says which; called after deletions and
 * by the retention. The files are removed after that commit (imports_drop); one that a kill in between left behind is found
 * at the next start (store_blobs_found). */
struct store_blob {
	const char *org_id, *sha256;
};
typedef void store_blobs_fn(void *owner, uint64_t ticket, const struct err *err,
			    const struct store_blob *blobs, size_t count);
void store_blobs_unnamed(struct store *store, unsigned limit, store_blobs_fn *fn, void *owner,
			 uint64_t ticket);

/* Files that are kept: those without a row get one that counts nothing, so that store_blobs_unnamed finds them. */
void store_blobs_found(struct store *store, const struct store_blob *blobs, size_t count, store_done_fn *fn,
		       void *owner, uint64_t ticket);

/* Pieces of long files that were deleted go some at a time, and the index of words only marks what was deleted: the words leave it
 * when its parts are merged. Does a small piece of that, in a transaction of its own; more: ask again. */
typedef void store_merged_fn(void *owner, uint64_t ticket, const struct err *err, bool more);
void store_words_merge(struct store *store, store_merged_fn *fn, void *owner, uint64_t ticket);

#endif
