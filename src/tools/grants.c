/* Seals, keeps and opens grants. One that can't be stored now is put again, for it may hold a token that is good once. */
#include "grants.h"
#include "json.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { AGAIN_MS = 2000 };

struct keeping {
	struct grants *grants;
	uint64_t ticket;
	char *server, *issuer, *sealed;
	bool waits;
	struct keeping *prev, *next;
};

struct grants {
	struct grants_options options;
	struct mcp *mcp;
	struct keeping *keeps;
	struct loop_timer *again;
	void (*recalled)(void *owner); /* until it was called */
	void *recalled_owner;
	bool asks;
};

/* A grant opens only in its own place. The caller frees. */
static char *context_of(const char *server, const char *issuer)
{
	return mem_format("mcp/%s %s", server, issuer);
}

/* ---- keeping ------------------------------------------------------------------------------------------------ */

static void free_keeping(struct keeping *keeping)
{
	DL_DELETE(keeping->grants->keeps, keeping);
	free(keeping->server);
	free(keeping->issuer);
	free(keeping->sealed);
	free(keeping);
}

static bool passing(const struct err *err)
{
	return err->kind == ERR_AGAIN || err->kind == ERR_FULL || err->kind == ERR_UNSURE;
}

static void kept(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct keeping *keeping = owner;
	struct grants *grants = keeping->grants;

	(void)json;
	if (passing(err)) {
		log_warn(grants->options.log, "what %s granted waits for the database: %s", keeping->server,
			 err->text);
		keeping->waits = true;
		loop_timer_start(grants->again, AGAIN_MS, 0);
		return;
	}
	free_keeping(keeping);
	if (grants->mcp)
		mcp_kept(grants->mcp, ticket, err);
}

static void put(struct keeping *keeping)
{
	keeping->waits = false;
	store_act(keeping->grants->options.store, "mcp_grant_keep",
		  (const char *const[]){ keeping->server, keeping->issuer, keeping->sealed }, 3, kept,
		  keeping, keeping->ticket);
}

void grants_keep(void *owner, uint64_t ticket, const char *server, const char *issuer, const char *text)
{
	struct grants *grants = owner;
	struct keeping *keeping;
	char *context;

	if (!grants_last(grants)) {
		if (grants->mcp)
			mcp_kept(grants->mcp, ticket, &(struct err){ 0 });
		return;
	}
	context = context_of(server, issuer);
	keeping = mem_zero(1, sizeof(*keeping));
	*keeping = (struct keeping){ .grants = grants,
				     .ticket = ticket,
				     .server = mem_text(server),
				     .issuer = mem_text(issuer),
				     .sealed = crypto_seal(grants->options.keys[0], context, text) };
	free(context);
	DL_APPEND(grants->keeps, keeping);
	put(keeping);
}

/* ---- at the start ---------------------------------------------------------------------------------------------- */

static char *open_sealed(const struct grants *grants, const char *context, const char *sealed, bool *old_out)
{
	char *text = NULL;

	for (size_t i = 0; text == NULL && i < grants->options.key_count; i++) {
		text = crypto_open(grants->options.keys[i], context, sealed);
		*old_out = i > 0;
	}
	return text;
}

/* What an old key had sealed is sealed with the new one, so that the old one can go. */
static void recall_row(struct grants *grants, const json_t *row)
{
	bool old = false;
	const char *server = json_text(row, "server"), *issuer = json_text(row, "issuer");
	const char *sealed = json_text(row, "sealed");
	char *context, *text;

	if (server == NULL || issuer == NULL || sealed == NULL)
		return;
	context = context_of(server, issuer);
	text = open_sealed(grants, context, sealed, &old);
	if (text)
		mcp_recall(grants->mcp, server, text);
	if (text && old)
		grants_keep(grants, 0, server, issuer, text);
	if (text == NULL)
		log_warn(grants->options.log,
			 "what %s granted can't be opened: store.key is another one than it was sealed with; "
			 "usher tool login %s grants it anew",
			 server, server);
	free(text);
	free(context);
}

static void ask(struct grants *grants);

static void recalled(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct grants *grants = owner;
	json_t *rows = err->kind == ERR_NONE ? json_read(json, strlen(json), NULL) : NULL;
	const json_t *row;
	size_t i;

	(void)ticket;
	grants->asks = false;
	if (err->kind != ERR_NONE) {
		log_warn(grants->options.log, "what servers granted waits for the database: %s", err->text);
		loop_timer_start(grants->again, AGAIN_MS, 0);
		return;
	}
	json_array_foreach (rows, i, row)
		if (grants->mcp)
			recall_row(grants, row);
	json_decref(rows);
	if (grants->recalled && grants->mcp) {
		void (*fn)(void *data) = grants->recalled;

		grants->recalled = NULL;
		fn(grants->recalled_owner);
	}
}

static void ask(struct grants *grants)
{
	grants->asks = true;
	store_report(grants->options.store, "mcp_grants", NULL, 0, recalled, grants, 0);
}

void grants_recall(struct grants *grants, void (*done)(void *owner), void *owner)
{
	grants->recalled = done;
	grants->recalled_owner = owner;
	ask(grants);
}

static void on_again(void *data)
{
	struct grants *grants = data;
	struct keeping *keeping;

	DL_FOREACH (grants->keeps, keeping)
		if (keeping->waits)
			put(keeping);
	if (grants->recalled && !grants->asks)
		ask(grants);
}

/* ---- the object -------------------------------------------------------------------------------------------------- */

void grants_drop(struct grants *grants, const char *server, store_json_fn *fn, void *owner, uint64_t ticket)
{
	struct keeping *keeping, *next;
	bool known;

	DL_FOREACH_SAFE(grants->keeps, keeping, next)
	if (keeping->waits && strcmp(keeping->server, server) == 0)
		free_keeping(keeping);
	known = grants->mcp && mcp_logout(grants->mcp, server);
	store_act(grants->options.store, "mcp_grant_drop",
		  (const char *const[]){ server, known ? "known" : NULL }, 2, fn, owner, ticket);
}

bool grants_last(const struct grants *grants)
{
	return grants->options.key_count > 0;
}

struct grants *grants_create(const struct grants_options *options)
{
	struct grants *grants = mem_zero(1, sizeof(*grants));

	grants->options = *options;
	grants->again = loop_timer_create(options->loop, on_again, grants);
	return grants;
}

void grants_use(struct grants *grants, struct mcp *mcp)
{
	grants->mcp = mcp;
}

void grants_destroy(struct grants *grants)
{
	struct keeping *keeping, *next;

	if (grants == NULL)
		return;
	DL_FOREACH_SAFE(grants->keeps, keeping, next)
	free_keeping(keeping);
	loop_timer_destroy(grants->again);
	free(grants);
}
