/* Markdown as models write it, as a tree from which every platform renders by construction: what is text stays text,
 * whatever it looks like. md4c parses (CommonMark with tables, strikethrough, task lists and bare web addresses; no
 * HTML: it is text). Any thread. */
#ifndef USHER_MARKUP_H
#define USHER_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

enum markup_kind {
	/* blocks */
	MARKUP_DOCUMENT,
	MARKUP_PARAGRAPH, /* holds inlines; so do heading and cell */
	MARKUP_HEADING,
	MARKUP_QUOTE, /* holds blocks; so does item */
	MARKUP_LIST,  /* holds items */
	MARKUP_ITEM,
	MARKUP_CODE_BLOCK, /* text with its line feeds, the last one included */
	MARKUP_RULE,
	MARKUP_TABLE, /* holds rows, the first one is the header */
	MARKUP_ROW,   /* holds cells */
	MARKUP_CELL,
	/* inlines */
	MARKUP_TEXT,
	MARKUP_CODE, /* text */
	MARKUP_STRONG,
	MARKUP_EMPHASIS,
	MARKUP_STRIKE,
	MARKUP_LINK,
	MARKUP_IMAGE, /* its children are the alternative text */
	MARKUP_BREAK, /* a line ends here */
	MARKUP_SOFT,  /* a line ended in the source: a blank or a line end, as the platform likes */
};

enum markup_align { MARKUP_ALIGN_NONE, MARKUP_ALIGN_LEFT, MARKUP_ALIGN_CENTER, MARKUP_ALIGN_RIGHT };

enum markup_limits {
	MARKUP_DEPTH_MAX = 32, /* deeper nesting is flattened into its parent: nothing is lost */
};

struct markup_node {
	enum markup_kind kind;
	const char *text; /* TEXT, CODE, CODE_BLOCK: literal, entities resolved; NUL-terminated. Else NULL */
	size_t len;
	const char *target;   /* LINK, IMAGE: address as written, entities resolved; never NULL there */
	const char *language; /* CODE_BLOCK: first word after the fence, or NULL */
	unsigned level;	      /* HEADING: 1 to 6 */
	unsigned start;	      /* LIST: first number */
	bool ordered, tight;  /* LIST */
	bool task, checked;   /* ITEM */
	bool continued; /* ITEM: it begins in an earlier part (markup_split): no bullet, number or box is shown */
	enum markup_align align; /* CELL */
	struct markup_node *parent, *first, *last, *next;
};

struct markup;

/* Never fails: any UTF-8 is some document. The tree lives until markup_free. */
struct markup *markup_parse(const char *text, size_t len);
const struct markup_node *markup_root(const struct markup *markup);
void markup_free(struct markup *markup); /* takes NULL */

/* The words without any sign of form, blocks separated by line feeds. The caller frees. */
char *markup_plain(const struct markup_node *node);

/* A table as lines of plain text, each with its line feed, that show as columns where every character takes its cells
 * (a fixed-width font): the first row, a line below it, the others; the address of a link follows its words. The caller
 * frees. */
char *markup_table(const struct markup_node *table);

/* Cuts a document so that measure() of each part is at most max: between blocks where possible, else between items,
 * rows (the header is repeated), lines of code (each part is a code block of the same language), sentences, words,
 * at last characters (grapheme clusters). Never inside a link, and never leaving a part empty; nothing but white space
 * between blocks is lost, nothing but table headers repeated. A list that is continued keeps counting. parts_out: an
 * array of documents that live as long as markup; returns how many, at least 1 (an empty document is one part).
 * max: at least 64. An inline that cannot be cut (a link whose address alone is too long) is turned into text. */
typedef size_t markup_measure_fn(const void *owner, const struct markup_node *document);
size_t markup_split(struct markup *markup, size_t max, markup_measure_fn *measure, const void *owner,
		    const struct markup_node *const **parts_out);

/* A text that begins so is to be sent as a file; what follows is its contents, Markdown. */
#define MARKUP_FILE "<document>\n"

/* How a platform writes messages. */
struct markup_form {
	size_t max; /* measure() of one message */
	markup_measure_fn *measure;
	const void *owner;							/* for measure and render */
	char *(*render)(const void *owner, const struct markup_node *document); /* the caller frees */
	unsigned
		file_from; /* what makes more messages than this is its beginning and MARKUP_FILE; 0: nothing is */
	size_t file_max; /* ... unless it is longer than this */
};

/* The messages of a text, for platform_ops.split: at least one. The caller frees the array and each text. */
size_t markup_texts(const char *markdown, const struct markup_form *form, char ***texts_out);

#endif
