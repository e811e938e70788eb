/* How many tokens a text is for a model, by its bytes: an estimate for what fits and for what was not counted. */
#ifndef USHER_TOKENS_H
#define USHER_TOKENS_H

#include <stdint.h>

/* Four bytes a token for plain text, two and a half for other scripts; wrong by a quarter at most in practice. NULL: 0. */
int64_t tokens_of(const char *text);

#endif
