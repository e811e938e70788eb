/* What follows from the settings without standing in them literally: keys as bytes, folders, addresses. */
#ifndef USHER_DERIVED_H
#define USHER_DERIVED_H

#include "budgets.h"
#include "crypto.h"
#include "settings.h"
#include <stddef.h>
#include <stdint.h>

struct platform_ops;

enum { DERIVED_KEYS_MAX = 2 };

struct derived {
	uint8_t keys[DERIVED_KEYS_MAX][CRYPTO_KEY_SIZE]; /* store.key, store.key_previous */
	size_t key_count;
	char *public_url; /* listen.public_url without a final slash, or NULL */
	char *data_dir;	  /* the folder of the database file, or NULL */
	int64_t file_max; /* limits.file_mb in bytes */
	struct budgets budgets;
	const char **link_hosts; /* assistant.link_hosts; the texts are the settings' */
	size_t link_host_count;
	int reset_minute; /* assistant.reset_daily as minutes after midnight, -1: never */
};

/* False and err (with file, line and cure) when a key or the address can't be what it should be. settings: all of
 * them. */
bool derived_read(const struct settings *settings, struct derived *derived_out, struct err *err);
/* One bot that is set up twice would hear everything twice, and answer it: whether one (of this platform) shares nothing
 * that must be apart with the first so many installations in force. */
bool derived_apart(const struct settings *platforms, const struct platform_ops *ops, size_t before,
		   const struct settings *one, struct err *err);

/* Frees and forgets; harmless on a zeroed one. */
void derived_finish(struct derived *derived);

#endif
