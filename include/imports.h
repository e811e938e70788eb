/* What becomes of files, as far as work goes: kept under their hash, read by a parser child, made into other files. Knows no
 * message and no database: the core says what is to be done and makes the outcome durable. Loop thread only; no call is
 * answered inside itself; what an answer points to is borrowed for the call. Hashing, sealing and copying run on other
 * threads, in pieces. */
#ifndef USHER_IMPORTS_H
#define USHER_IMPORTS_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imports;
struct io;
struct web;

enum {
	IMPORTS_AT_ONCE = 2,	    /* children; others wait in the order they came */
	IMPORTS_LINK_S = 7 * 86400, /* how long a download link holds */
};

/* How far the reading of a file has come. */
struct import_progress {
	bool checked;		    /* its type is known */
	const char *kind, *mime;    /* then; else NULL */
	bool waits;		    /* for other children to end */
	int64_t bytes, rows, pages; /* -1 unknown */
};

struct imports_options {
	struct io *io;
	struct web *web;		   /* where links are served; NULL: none are made */
	struct web *control;		   /* where they are served too, for `usher import --out`; or NULL */
	const char *data_dir;		   /* DIR: DIR/blobs and DIR/work are made */
	const char *parser;		   /* the program usher-parse */
	const char *public_url;		   /* or NULL: links are paths only */
	const uint8_t *key, *key_previous; /* store.key; NULL: content is kept as it is */
	int64_t memory, unpacked, output;  /* bytes: of a child, out of archives, of a file that is made */
	unsigned seconds; /* of a child's processor time; it may take four times that in all */
};

/* NULL and err when DIR can't be used. What DIR/work holds is of a process that died: removed. */
struct imports *imports_create(const struct imports_options *options, struct err *err);

/* A path below DIR/work that is used once: for a file that is being fetched or made. The caller frees. */
char *imports_work_path(struct imports *imports);

/* Ends the children; no event follows. Takes NULL. */
void imports_destroy(struct imports *imports);

/* ---- keeping --------------------------------------------------------------------------------------- */

/* A file kept under DIR/blobs/ORG/ab/abcdef...; what it holds is in sha256. */
struct import_blob {
	char sha256[65];
	int64_t size;	/* bytes of the content */
	int64_t stored; /* bytes on the disk */
	bool had;	/* it was there already */
};
typedef void import_kept_fn(void *owner, uint64_t ticket, const struct err *err,
			    const struct import_blob *blob);

/* Hashes the file at path and keeps a copy, sealed where a key is set (AES-256-GCM in pieces of 64 KiB, bound to the
 * organisation and their order); synced to the disk before the answer. path stays. The store is asked for the row that names
 * it inside the answer, before anybody can ask what nobody names (imports_quiet); when that can't be written now, keep again. */
void imports_keep(struct imports *imports, const char *org_id, const char *path, import_kept_fn *fn,
		  void *owner, uint64_t ticket);

/* Puts a kept file at path (mode 0600), opened and checked against its hash. ERR_GONE: it is not there. */
typedef void import_done_fn(void *owner, uint64_t ticket, const struct err *err);
void imports_fetch(struct imports *imports, const char *org_id, const char *sha256, const char *path,
		   import_done_fn *fn, void *owner, uint64_t ticket);

/* No file is being kept from the call of fn on, and none until imports_resume: what is kept next waits. Every answer of
 * imports_keep has been given, so the store knows of every row that is about to name a file. One at a time. */
typedef void import_quiet_fn(void *owner);
void imports_quiet(struct imports *imports, import_quiet_fn *fn, void *owner);
void imports_resume(struct imports *imports);

/* Removes a kept file; no row may name it any more. Between imports_quiet and imports_resume. */
void imports_drop(struct imports *imports, const char *org_id, const char *sha256);

/* Puts a sealed file in the place of one that was kept before there was a key, which goes once the other was read back. What
 * fails is logged and left as it is. May be called between imports_quiet and imports_resume. */
void imports_seal(struct imports *imports, const char *org_id, const char *sha256);

/* Which files are kept, some at a time: false with the last. Between imports_quiet and imports_resume, so that each of them has
 * its row unless a kill came in between. end takes NULL. */
struct import_scan;
struct import_name {
	char org_id[37], sha256[65];
	bool unsealed; /* and there is a key: it was kept before */
};
struct import_scan *imports_scan_begin(struct imports *imports);
bool imports_scan_next(struct import_scan *scan, struct import_name *names, size_t max, size_t *count_out);
void imports_scan_end(struct import_scan *scan);

/* A link under public_url that shows this file to whoever has it, until IMPORTS_LINK_S from now: /files/TOKEN/NAME, TOKEN sealed
 * (organisation, hash, mime, end). NULL without a public_url. The caller frees. path only: without the host. */
char *imports_link(const struct imports *imports, const char *org_id, const char *sha256, const char *name,
		   const char *mime, bool path_only);

/* The same link whenever it is asked for in the first days after made_ms (Unix milliseconds): what is sent again is the same to
 * the byte. It holds for half of IMPORTS_LINK_S at least. */
char *imports_link_made(const struct imports *imports, const char *org_id, const char *sha256,
			const char *name, const char *mime, int64_t made_ms);

/* ---- reading ---------------------------------------------------------------------------------------- */

struct import_outline {
	const char *kind, *mime;
	const char *json;   /* OUTLINE of extract.h */
	const char *chunks; /* path of the file of chunks, lines as in extract.h: the owner's from now on */
};
struct import_events {
	void (*progress)(void *owner, uint64_t ticket,
			 const struct import_progress *progress); /* may be NULL */
	/* The end. err: ERR_REFUSED with code (extract.h) and a line for the person, ERR_AGAIN when the child could not be
	 * started. */
	void (*read)(void *owner, uint64_t ticket, const struct err *err, const char *code,
		     const struct import_outline *outline);
	void (*made)(void *owner, uint64_t ticket, const struct err *err, const char *code,
		     const char *report, const char *path); /* of imports_convert */
};

/* Reads the file at path. chunks: where the chunks are to be put; nothing is left there when it does not end well. */
void imports_read(struct imports *imports, const char *path, const char *name, const char *chunks,
		  const struct import_events *events, void *owner, uint64_t ticket);

/* Makes another file of it: spec as in src/parse/spec.h (JSON), out: where it is to be put. Of a kept file: sha256 and
 * org_id; it is opened into an unnamed file for the child. */
void imports_convert(struct imports *imports, const char *org_id, const char *sha256, const char *name,
		     const char *spec, const char *out, const struct import_events *events, void *owner,
		     uint64_t ticket);

/* The same of the file at path, which stays. */
void imports_convert_file(struct imports *imports, const char *path, const char *name, const char *spec,
			  const char *out, const struct import_events *events, void *owner, uint64_t ticket);

/* Ends it; no event follows. Unknown tickets are ignored. */
void imports_cancel(struct imports *imports, void *owner, uint64_t ticket);

#endif
