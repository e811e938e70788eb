/* The run of this process over one file, as its own rooms see it. */
#ifndef USHER_PARSE_ROOM_H
#define USHER_PARSE_ROOM_H

#include "parse.h"
#include <jansson.h>
#include <zip.h>

/* extract.h, LIMITS. */
struct limits {
	int64_t memory, cpu_s, output, unpacked, entries, depth;
};

/* The most of everything. Static. */
const struct limits *limits_most(void);

struct parse {
	struct limits limits;
	int answers;		    /* where answers go; -1: nowhere */
	int64_t unpacked, entries;  /* taken so far, all together */
	int64_t held;		    /* bytes of files inside files that are in memory now */
	int64_t bytes, rows, pages; /* how far it is */
	int64_t told_ms;	    /* when that was said last; 0: never */
	bool spent;		    /* a limit of archives is met: nothing more is unpacked */
	bool cut;		    /* a limit ended the reading early: what was read holds */
};

/* ---- answers.c: lines on standard output ----------------------------------------------------------------- */

void answer_checked(const struct parse *parse, const char *kind, const char *mime);
void answer_progress(const struct parse *parse);
void answer_done(const struct parse *parse, const json_t *result);
/* err->text as parse_fail makes it; what has no code is "damaged". */
void answer_failed(const struct parse *parse, const struct err *err);

/* ---- type.c -------------------------------------------------------------------------------------------------- */

/* Loads the database of magic numbers; before the sandbox. */
bool type_stage(struct err *err);

/* ---- readers.c ----------------------------------------------------------------------------------------------- */

/* The reader of a kind of file; NULL: there is none. */
const struct reader *reader_of(const char *kind);

/* Makes the libraries of readers read what they need; before the sandbox. */
void readers_stage(void);
void eml_stage(void);
void pdf_stage(void);
void poppler_data_stage(void);

/* Kinds that are known and have nothing to be read, "audio". */
bool kind_without_text(const char *kind);

/* Reads input with the reader of its type and sends it to the sink. */
bool parse_file(struct parse *parse, const struct reader *reader, const char *mime, const struct input *input,
		struct sink *sink, struct err *err);

/* ---- zip_input.c ------------------------------------------------------------------------------------------------ */

/* An archive over an input, read piece by piece; NULL and err ("damaged") when it is none. input must live longer.
 * End with zip_discard. */
zip_t *zip_input_open(const struct input *input, struct err *err);

/* Up to max bytes of the beginning of an entry; the caller frees. NULL: there is no such entry, or it can't be read. */
char *zip_input_head(zip_t *zip, const char *name, size_t max, size_t *len_out);

#endif
