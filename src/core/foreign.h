/* What came before the model in a turn that its speaker did not write (results of tools, files, what others said, and
 * answers made of that), and where its answer may link to from then on: whoever wrote it could otherwise have what the
 * model knows carried away in an address that a chat fetches for its preview. The rule itself is in markup/links.h. */
#ifndef USHER_CORE_FOREIGN_H
#define USHER_CORE_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

struct turn;

/* The question is complete, and still there. */
void foreign_begin(struct turn *turn);

/* A tool has answered. */
void foreign_saw(struct turn *turn);

/* The answer grew: adds to turn->shown what may be shown of it. */
void foreign_grow(struct turn *turn, const char *text, size_t len, bool begins_again);

/* The answer as it may be sent. The caller frees. */
char *foreign_answer(const struct turn *turn, const char *text);

void foreign_end(struct turn *turn);

#endif
