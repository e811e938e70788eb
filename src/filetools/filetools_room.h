/* What the tools for files share: a call on its way through the store and the room of imports. */
#ifndef USHER_FILETOOLS_ROOM_H
#define USHER_FILETOOLS_ROOM_H

#include "filetools.h"
#include "imports.h"
#include "json.h"
#include "mem.h"
#include "store_imports.h"
#include "store_people.h"

struct file_call;

struct file_kind {
	const char *name, *description, *parameters;
	enum tool_class class;
	bool foreign;	    /* what it returns are words of files */
	bool makes;	    /* needs the room of imports */
	const char *failed; /* what the model is told when the reason is ours */
	void (*run)(struct file_call *call);
};

struct file_bound {
	struct filetools *tools;
	const struct file_kind *kind;
	struct tool tool;
};

enum { FILE_TOOLS = 7 };
extern const struct file_kind file_kinds[FILE_TOOLS];

struct filetools {
	struct filetools_options options;
	struct file_call *calls;
	struct loop_timer *timer; /* begins calls in a round of their own */
	uint64_t serial;
	size_t count;
	struct file_bound bound[FILE_TOOLS];
	const struct tool *list[FILE_TOOLS];
};

/* The file that a call is about: a copy, in the call's arena. */
struct file_about {
	int64_t id;
	enum import_state state;
	const char *name, *sha256, *error;
	json_t *outline; /* or NULL */
};

/* A file that is being made. */
struct file_made {
	const char *name, *format, *mime;
	char *rows;			  /* a path: what it is made of when that is kept nowhere; or NULL */
	const char *source, *source_name; /* what it is made of: its hash, and what it is called */
	const char *spec;
	char *path; /* in the folder of work: removed at the end */
	char *report;
	struct import_blob blob;
	int64_t import_id;
};

struct file_call {
	struct filetools *tools;
	const struct file_kind *kind;
	uint64_t serial;
	tool_done_fn *done;
	void *owner;
	uint64_t ticket;
	struct arena *arena;
	bool begun;
	struct store_reach reach;
	const char *key;
	int64_t turn_id;
	json_t *arguments;
	void (*found)(struct file_call *call); /* after file_find */
	struct file_about about;
	struct file_made made;
	json_t *quotes; /* of a search, while names are looked for */
	struct file_call *prev, *next;
};

/* The call whose serial this is, or NULL. */
struct file_call *file_call_of(void *tools, uint64_t serial);

/* End the call. result_take: an object. */
void file_answer(struct file_call *call, json_t *result_take);
void file_refuse(struct file_call *call, const char *why);
/* What was wrong with the call is told to the model; what is wrong with us is not its business. */
void file_fail(struct file_call *call, const struct err *err);
void file_fail_with(struct file_call *call, const char *why, json_t *more_take);

/* A text or a number, as text of the arena: models write one for the other. NULL: not given. */
const char *file_argument(struct file_call *call, const char *name);
int64_t file_number(struct file_call *call, const char *name, int64_t fallback);

/* Looks the file up that the argument names by number or name, then found; the call ends when there is none. */
void file_find(struct file_call *call, void (*found)(struct file_call *call));

/* read.c: what is told of a file's tables: {"kind","pages"?,"tables":[...]}, bounded. NULL when nothing is known. */
json_t *file_outline(const json_t *outline);

/* read.c */
void file_list(struct file_call *call);
void file_search(struct file_call *call);
void file_read(struct file_call *call);
/* make.c */
void file_convert(struct file_call *call);
void file_write(struct file_call *call);
/* own.c */
void file_share(struct file_call *call);
void file_delete(struct file_call *call);

/* keep.c: keeps what lies at made.path, makes its row and answers with it. */
void file_keep(struct file_call *call);
/* Runs the converter over made.source into made.path, then keeps it. */
void file_run(struct file_call *call);

/* spec.c: what the converter is asked (src/parse/spec.h), from the call's arguments. NULL and why when they can't be meant. */
char *file_spec(struct file_call *call, const char **why_out);

struct file_format {
	const char *name, *also, *extension, *mime;
};
/* NULL: none of that name. */
const struct file_format *file_format(const char *name);
/* The name of a new file: as wished or like the source, with the extension of the format. In the arena. */
const char *file_name(struct file_call *call, const char *wish, const char *source,
		      const struct file_format *format);

#endif
