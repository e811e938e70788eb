/* What the parts of the offline responder share. Pure: all of it from the request alone. Strings are the arena's or the
 * request's. */
#ifndef USHER_LOCAL_ROOM_H
#define USHER_LOCAL_ROOM_H

#include "json.h"
#include "local.h"

enum {
	LOCAL_FILES_MAX = 4, /* worked on for one message: two rounds each (assistant.tool_rounds) */
};

/* A prompt, apart: what was said, and the files that came with it as core/gather_words.c writes them. */
struct local_said {
	const char *words;	       /* without the lines about files */
	long file;		       /* number of the last that was taken; 0: none */
	size_t files;		       /* how many came, taken or not */
	long numbers[LOCAL_FILES_MAX]; /* of those taken, the first ones */
	size_t taken;		       /* how many were */
};
struct local_said local_said(const char *prompt, struct arena *arena);

/* What is to be done with a file. */
enum wish_kind { WISH_NONE, WISH_LIST, WISH_SUMMARY, WISH_CHECK, WISH_CONVERT };

enum { WISH_COLUMNS_MAX = 40 };

struct local_wish {
	enum wish_kind kind;
	const char *format; /* of CONVERT, as convert_table calls it; "none" of CHECK */
	const char *columns[WISH_COLUMNS_MAX];
	size_t column_count; /* 0: all */
};
struct local_wish local_wish(const char *words, struct arena *arena);

struct local_result {
	const char *tool; /* NULL: none was called yet */
	json_t *result;
};

struct local_scene {
	const struct llm_request *request;
	struct arena *arena;
	struct local_said said;
	struct phrase phrase;
	struct local_wish wish;
	struct local_result last;  /* that returned last */
	struct local_result *list; /* all, the first one first */
	size_t results;
};

const struct tool *local_offered(const struct local_scene *scene, const char *name);
struct local_reply local_call(struct local_scene *scene, const char *name, json_t *arguments_take);
struct local_reply local_say(const char *text);

/* Does what scene->wish says; false: the tools for it are not offered. */
bool local_files(struct local_scene *scene, struct local_reply *reply_out);

#endif
