/* Calls of tools that need a person's yes: how they are asked, and what is an answer to that. */
#ifndef USHER_CORE_APPROVAL_H
#define USHER_CORE_APPROVAL_H

#include "ai.h"
#include "buf.h"
#include "code.h"
#include "store.h"
#include <stdbool.h>

/* Appends the questions to an answer, as Markdown. */
void approval_words(struct buf *answer, const struct ai_approval *approvals, size_t count);

/* How they ended, a line for each, as Markdown. */
void approval_ends(struct buf *out, const struct store_settled *settled, size_t count);

/* "approve CODE" or "deny CODE" and nothing else, in any case of letters: it is a command wherever it is written. */
bool approval_said(const char *text, bool *yes_out, char code_out[CODE_SIZE]);

#endif
