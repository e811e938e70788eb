/* What was gathered for a turn, shared by the fetching (gather.c) and the telling (gather_words.c). */
#ifndef USHER_CORE_GATHER_INSIDE_H
#define USHER_CORE_GATHER_INSIDE_H

#include "gather.h"
#include "message.h"
#include "store_imports.h"

enum item_state {
	ITEM_WAITS,   /* for what the store knows of it */
	ITEM_LATER,   /* to be fetched from retry_ms on */
	ITEM_FETCHES, /* the plugin has been asked */
	ITEM_OPENS,   /* one that was kept before a crash is brought back */
	ITEM_KEEPS,   /* it is being kept */
	ITEM_READS,   /* the parser child has it, or it waits for one */
	ITEM_HEARS,   /* a voice note is being put into words */
	ITEM_STEPS,   /* the store has been asked to note how far it is */
	ITEM_AGAIN,   /* the store could not: from retry_ms on */
	ITEM_DONE,
};

struct item {
	enum item_state state;
	enum import_state reached; /* noted by the store, or being noted */
	struct message_file file;
	int64_t id;			    /* of its import; 0: not on record */
	char *path;			    /* where it lies while the turn runs */
	char *chunks;			    /* where the parser puts them, or NULL */
	char *mime, *kind;		    /* as found, or NULL */
	char *sha256;			    /* kept under, or NULL */
	char *outline;			    /* JSON (extract.h), or NULL */
	char *code, *why;		    /* why it was not taken or read, or NULL */
	char *heard;			    /* what is said in it, or NULL */
	char *unheard;			    /* why that could not be told, or NULL */
	const struct ai_reserve *reserving; /* of its running request, in the arena */
	size_t message;			    /* its message's place in the turn's uuids */
	unsigned index;			    /* and which of its files */
	uint64_t ticket;		    /* of what is under way */
	int64_t size, stored;
	int64_t rows, pages; /* read so far; -1 unknown */
	bool waits;	     /* for other files to be read */
	unsigned tries;
	uint64_t began_ms, retry_ms;
};

struct gather {
	struct gathers *gathers;
	struct turn *turn;
	struct arena *arena; /* of the files' words: they outlive the question */
	struct item *items;
	size_t count;
	bool asks_context, budgeted; /* budgeted: what costs money is reserved first */
	bool known;		     /* the store has said what it knows of the files */
	uint64_t ask_ms;	     /* it is asked again from then on; 0: not */
	uint64_t began_ms, shown_ms; /* shown: progress, last */
	char *context, *shown;	     /* the progress that was shown last */
	struct gather *prev, *next;
};

/* A question under way. A plugin that answers when nobody waits any more leaves a file behind, which goes. */
struct wait {
	uint64_t serial;
	struct gather *gather; /* NULL: nobody waits */
	size_t item;
	struct installation *inst; /* who was asked, held; NULL: the store, or imports */
	char *path;
	UT_hash_handle hh;
};

struct gathers {
	struct core *core;
	struct gather *all;
	struct wait *waits;
};

/* gather.c. item NULL: the question is about none. find: NULL when nobody asked. */
struct wait *gather_wait(struct gather *gather, struct item *item, struct installation *inst);
struct wait *gather_find_wait(struct gathers *gathers, uint64_t serial);
void gather_free_wait(struct gathers *gathers, struct wait *wait);

/* Whose answer this is, and forgets the question; NULL: nobody waits any more. */
struct item *gather_answered(struct gathers *gathers, uint64_t ticket, struct gather **gather_out);
void gather_done_item(struct gather *gather, struct item *item); /* and the step, when it was the last */

/* reading.c: from the fetched file to what is known of it. */
void reading_kept(struct gather *gather, struct item *item); /* keep it, then read it */
void reading_on(struct gather *gather, struct item *item); /* what is kept already: bring it back, read it */
void reading_failed(struct gather *gather, struct item *item, const char *code, const char *why);
void reading_lost(struct gather *gather, struct item *item,
		  const char *why);			      /* the store has no row for it */
void reading_again(struct gather *gather, struct item *item); /* ITEM_AGAIN */
void reading_cancel(struct gather *gather, struct item *item);
void reading_too_long(struct gather *gather, struct item *item);

/* hearing.c */
void hearing_begin(struct gather *gather, struct item *item);
void hearing_cancel(struct gather *gather,
		    struct item *item); /* what it has cost is on record all the same */

/* gather_words.c: what the person sees meanwhile, as Markdown. NULL: nothing worth saying. The caller frees. */
char *gather_progress(const struct gather *gather);

/* Each line marked as a quotation; of a long text the newest, which is at the end. The caller frees. */
char *gather_quote(const char *text);

#endif
