/* What MCP servers granted us, over restarts: sealed in the database, handed back at the start. Loop thread only. */
#ifndef USHER_TOOLS_GRANTS_H
#define USHER_TOOLS_GRANTS_H

#include "crypto.h"
#include "mcp.h"
#include "store_people.h"

struct grants;
struct log;
struct loop;

struct grants_options {
	struct store *store;
	struct loop *loop;
	const struct log *log;
	const uint8_t (*keys)[CRYPTO_KEY_SIZE]; /* the first seals, all open; borrowed */
	size_t key_count;			/* 0: nothing is kept */
};
struct grants *grants_create(const struct grants_options *options);

/* Whether what is granted survives a restart. */
bool grants_last(const struct grants *grants);

/* mcp_options.keep, with the grants as keep_owner. Tried again until the store has it, or refuses it. */
void grants_keep(void *grants, uint64_t ticket, const char *server, const char *issuer, const char *text);

/* Whose these are; NULL: nobody's any more. */
void grants_use(struct grants *grants, struct mcp *mcp);

/* Hands what is kept to mcp_recall and then calls done, in a later round; tried again until the store answers. */
void grants_recall(struct grants *grants, void (*done)(void *owner), void *owner);

/* Forgets what this server granted, here, in the mcp and in the store. fn as of store_act; ERR_GONE: there is no such server,
 * and nothing of it is kept. */
void grants_drop(struct grants *grants, const char *server, store_json_fn *fn, void *owner, uint64_t ticket);

/* When the mcp and the store ask and answer no more; takes NULL. */
void grants_destroy(struct grants *grants);

#endif
