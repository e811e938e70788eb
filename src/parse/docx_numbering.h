/* Numbers of paragraphs in Word documents: they stand nowhere in the text, so they are counted as Word counts them. */
#ifndef USHER_DOCX_NUMBERING_H
#define USHER_DOCX_NUMBERING_H

#include "parse_room.h"

enum { NUMBERING_LEVELS = 9, NUMBERING_TEXT_MAX = 40, NUMBERING_MARK_MAX = 120 };

/* One way of counting; several lists may share it. */
struct docx_counting {
	long id;
	struct {
		char text[NUMBERING_TEXT_MAX]; /* "%1.%2" */
		char format;		       /* 'd' 1, 'a' a, 'A' A, 'i' i, 'I' I, '-' a bullet */
		long start, now;	       /* now: 0: not begun */
		bool begun;
	} levels[NUMBERING_LEVELS];
};

struct docx_list {
	long id, counting;
	long restart[NUMBERING_LEVELS]; /* -1: goes on */
	bool begun;
};

struct docx_numbering {
	struct docx_counting *countings;
	struct docx_list *lists;
	size_t counting_count, list_count;
};

bool docx_numbering_read(struct docx_numbering *numbering, struct parse *parse, zip_t *zip, const char *part,
			 struct err *err);
void docx_numbering_free(struct docx_numbering *numbering);

/* What stands before the next paragraph of that list and level (from 0): "3.2", "b)"; "-" for bullets and unknown lists. */
void docx_numbering_next(struct docx_numbering *numbering, long list, unsigned level,
			 char mark[NUMBERING_MARK_MAX]);

#endif
