/* The words in dates. */
#ifndef USHER_PARSE_MOMENT_WORDS_H
#define USHER_PARSE_MOMENT_WORDS_H

#include <stddef.h>

enum moment_word { WORD_MONTH = 1 /* to 12 */, WORD_FILLER = 13, WORD_AM, WORD_PM, WORD_ZULU, WORD_TIME };

/* 1 to 12: a month in one of the languages, or one of moment_word; 0: not known, or not the same month in all of them. */
int moment_word(const char *text, size_t len);

#endif
