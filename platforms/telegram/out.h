/* What the files on the way out share: what an answer of the platform means for a message, and how messages of ours are
 * called. Loop thread only.
 *
 * Remote ids (host->sent, host->hold, host->placed) are "CHAT/MESSAGE": a message's number is unique only in its chat. */
#ifndef USHER_TELEGRAM_OUT_H
#define USHER_TELEGRAM_OUT_H

#include "markup.h"
#include "telegram_room.h"

#define TELEGRAM_DOCUMENT MARKUP_FILE /* a text of the outbox that is sent as a file */

#define TELEGRAM_PLACEHOLDER "…" /* stands where the answer will */

/* ---- outcome.c: pure ------------------------------------------------------------------------------------ */

/* What an answer to a call means for the message that it sends. why_out: cause and cure in one line; with SENT_LIMITED
 * retry_ms_out says how long, else it is 0. */
enum sent telegram_outcome(const struct telegram_answer *answer, unsigned *retry_ms_out, struct err *why_out);

bool telegram_refused(const struct telegram_answer *answer, enum telegram_refusal refusal);

/* "CHAT/MESSAGE"; the caller frees. */
char *telegram_remote_id(int64_t chat, int64_t message);
/* False for anything else, NULL too: then both are 0. */
bool telegram_remote_read(const char *remote_id, int64_t *chat_out, int64_t *message_out);

/* ---- preview.c ------------------------------------------------------------------------------------------ */

/* message 0: nothing stands for the answer. */
typedef void telegram_preview_fn(struct platform *bot, void *owner, uint64_t ticket, int64_t message);

/* No edit of a preview of these messages begins after this. Says what stands for the answer: at once, or in a later
 * round when that is being posted. done may be called inside. */
void telegram_preview_end(struct platform *bot, const struct outgoing *out, telegram_preview_fn *done,
			  void *owner, uint64_t ticket);
/* The answer to these messages is sent for good, or never will be. */
void telegram_preview_forget(struct platform *bot, const char *const *answers_to, size_t count);

#endif
