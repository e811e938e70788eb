/* Words as they are searched: folded alike where they are kept and where they are asked for. Store threads only. */
#ifndef USHER_STORE_FOLD_H
#define USHER_STORE_FOLD_H

#include "buf.h"

/* Appends text (UTF-8) as words: compatibility forms made one, without case and accents, one space between words and nothing
 * else; characters of scripts that are written without spaces stand alone, so that a phrase of them is found within a
 * longer run. */
void fold_words(struct buf *out, const char *text, size_t len);

/* What the full-text search is asked: every word must be there, or with `any` one of them. Runs of a script without spaces
 * are phrases; the last word may be the beginning of one. What people write is never syntax. false: no word in it. */
bool fold_query(struct buf *out, const char *text, size_t len, bool any);

#endif
