/* What a turn needs from its platform before the model is asked: the files that came with it, and what others had said
 * before. */
#ifndef USHER_CORE_GATHER_H
#define USHER_CORE_GATHER_H

#include "inside.h"

struct turn;
struct gather;
struct arena;
struct buf;

struct gathers *gathers_create(struct core *core);
void gathers_destroy(struct gathers *gathers);

/* Whether there is anything to gather for this turn; fresh: nothing was said in its conversation before. */
bool gather_wanted(const struct turn *turn, bool fresh);

/* host->fetched, host->context. */
void gathers_fetched(struct gathers *gathers, struct installation *inst, uint64_t ticket,
		     const struct fetched *fetched);
void gathers_context(struct gathers *gathers, struct installation *inst, uint64_t ticket, const char *text);

/* The plugin object is destroyed: it answers nothing more. */
void gathers_forget(struct gathers *gathers, const struct installation *inst);

/* This import was ended by somebody: what is being done for it ends. */
void gathers_end(struct gathers *gathers, int64_t import_id);

/* What is being done for this import, in words; NULL: nothing. The caller frees. */
char *gathers_progress(const struct gathers *gathers, int64_t import_id);

/* Time limits of context, second tries. */
void gathers_sweep(struct gathers *gathers);

/* Frees what a turn gathered, whatever is still under way. Takes NULL. */
void gather_destroy(struct gather *gather);

/* What others had said, each line quoted; or NULL. */
const char *gather_context(const struct gather *gather);

/* Paths of the files that were received, borrowed from gather; the list is in arena. gather may be NULL. */
const char *const *gather_files(const struct gather *gather, struct arena *arena, size_t *count_out);

/* What is said in the voice notes, as if it had been written; or NULL. The caller frees. */
char *gather_heard(const struct gather *gather);

/* Appends one line for each file: for the model ("(file: ...)"), or as Markdown for the person. gather may be NULL. */
void gather_prompt(const struct gather *gather, struct buf *out);
void gather_answer(const struct gather *gather, struct buf *out);

#endif
