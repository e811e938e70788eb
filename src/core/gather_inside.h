/* What was gathered for a turn, shared by the fetching (gather.c) and the telling (gather_words.c). */
#ifndef USHER_CORE_GATHER_INSIDE_H
#define USHER_CORE_GATHER_INSIDE_H

#include "gather.h"
#include "message.h"

enum item_state {
	ITEM_LATER,   /* to be fetched from retry_ms on */
	ITEM_FETCHES, /* the plugin has been asked */
	ITEM_RECORDS, /* the store has been asked */
	ITEM_AGAIN,   /* the store could not take it: from retry_ms on */
	ITEM_HEARS,   /* a voice note is being put into words */
	ITEM_DONE,
};

struct item {
	enum item_state state;
	struct message_file file;
	const char *uuid;		    /* of its message */
	unsigned index;			    /* among that message's files */
	char *path;			    /* where it lies, or is to lie */
	char *mime, *why;		    /* as found; why it was not taken, or NULL */
	char *heard;			    /* what is said in it, or NULL */
	char *unheard;			    /* why that could not be told, or NULL */
	uint64_t hears;			    /* with ITEM_HEARS: the ticket */
	const struct ai_reserve *reserving; /* of its running request, in the arena */
	int64_t size, import_id;
	unsigned tries;
	uint64_t retry_ms;
};

struct gather {
	struct gathers *gathers;
	struct turn *turn;
	struct arena *arena; /* of the files' words: they outlive the question */
	struct item *items;
	size_t count, left_out;	     /* files beyond FILES_MAX */
	bool asks_context, budgeted; /* budgeted: what costs money is reserved first */
	uint64_t context_serial, began_ms;
	char *context;
	struct gather *prev, *next;
};

/* Each line marked as a quotation; of a long text the newest, which is at the end. The caller frees. */
char *gather_quote(const char *text);

#endif
