/* Kept content as files: DIR/blobs/ORG/ab/HASH, plain or sealed. Blocking calls for libuv's threads; nothing here is shared
 * between calls but what struct vault says, which does not change.
 *
 * A sealed file: "usherblob1\n" and 5 zero bytes, a salt of 32 bytes, then pieces of 64 KiB with a tag each
 * (crypto_stream.h), bound to the organisation. A plain one is the content itself. Which it is, its name tells: HASH.s or HASH. */
#ifndef USHER_VAULT_H
#define USHER_VAULT_H

#include "crypto.h"
#include "err.h"
#include <stdbool.h>
#include <stdint.h>

struct vault {
	const char *dir;		   /* DIR/blobs */
	const uint8_t *key, *key_previous; /* NULL: none */
};

struct vault_kept {
	char sha256[CRYPTO_SHA256_HEX];
	int64_t size, stored;
	bool had;
};

/* Keeps a copy of the file at path; on the disk, with its folder's entry, when it returns. ERR_FULL: no room. */
bool vault_keep(const struct vault *vault, const char *org_id, const char *path, struct vault_kept *kept,
		struct err *err);

/* Puts what is kept into the descriptor (from its beginning) and checks it against its hash. ERR_GONE: not there; ERR_FATAL
 * never: a damaged file is ERR_REFUSED. */
bool vault_open(const struct vault *vault, const char *org_id, const char *sha256, int fd, struct err *err);

/* Seals a plain one: it goes when the sealed one was read back. */
bool vault_seal(const struct vault *vault, const char *org_id, const char *sha256, struct err *err);

void vault_drop(const struct vault *vault, const char *org_id, const char *sha256);

/* Whether both are of the form that makes a path: a UUID, and 64 hexadecimal digits. */
bool vault_names(const char *org_id, const char *sha256);

#endif
