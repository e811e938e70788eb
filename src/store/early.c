/* Changes that come before their message: deliveries that failed are repeated later, and overtaken. */
#include "arrival.h"
#include <string.h>

/* Longer than any platform repeats a delivery. */
enum { KEEP_MS = 48 * 3600 * 1000 };

#define CHANGES_OF_IT " WHERE platform = $1 AND installation = $2 AND target = $3 AND sender = $4"

/* A deletion first, else the newest edit that still has its text. */
static bool find_change(struct arrival *it, const char *message, bool *deleted_out, const char **text_out,
			struct err *err)
{
	struct query query;

	*deleted_out = false;
	*text_out = NULL;
	db_query(it->db, &query,
		 "SELECT kind = 'deleted', body FROM inbox" CHANGES_OF_IT
		 " AND (kind = 'deleted' OR (kind = 'edited' AND body <> ''))"
		 " ORDER BY kind, sent_at DESC, id DESC LIMIT 1",
		 "tttt", it->ask->platform, it->ask->installation, message, it->in->sender);
	if (db_row(&query)) {
		*deleted_out = db_int(&query, 0) != 0;
		*text_out = *deleted_out ? NULL : room_text(it->room, &query, 1);
	}
	return db_end(&query, err);
}

static bool forget_texts(struct arrival *it, const char *message, struct err *err)
{
	return db_run(it->db, err, NULL,
		      "UPDATE inbox SET body = ''" CHANGES_OF_IT " AND kind = 'edited' AND body <> ''",
		      "tttt", it->ask->platform, it->ask->installation, message, it->in->sender);
}

/* Of messages that never came, or were never for us. */
static bool forget_old(struct arrival *it, struct err *err)
{
	return db_run(it->db, err, NULL,
		      "UPDATE inbox SET body = '' WHERE kind = 'edited' AND body <> '' AND received_at < $1",
		      "t", room_time(it->room, it->now_ms - KEEP_MS));
}

bool arrival_catch(struct arrival *it, bool *deleted_out, struct err *err)
{
	const struct incoming *in = it->in;
	const char *text;

	*deleted_out = false;
	if (in->semantic_key == NULL || in->sender == NULL)
		return true;
	if (!find_change(it, in->semantic_key, deleted_out, &text, err))
		return false;
	if (text == NULL)
		return true;
	it->body = text;
	return forget_texts(it, in->semantic_key, err);
}

bool arrival_early(struct arrival *it, struct err *err)
{
	const struct incoming *in = it->in;
	const char *text;
	bool deleted;

	if (in->sender == NULL || in->target == NULL)
		return true;
	if (in->kind == INCOMING_DELETED)
		return forget_texts(it, in->target, err);
	if (!find_change(it, in->target, &deleted, &text, err) || !forget_old(it, err))
		return false;
	it->early = !deleted;
	return true;
}
