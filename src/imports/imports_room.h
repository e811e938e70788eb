/* What the files of this room share: keeping (keep.c), runs of the parser child (run.c), links (link.c). */
#ifndef USHER_IMPORTS_ROOM_H
#define USHER_IMPORTS_ROOM_H

#include "crypto.h"
#include "imports.h"
#include "log.h"
#include "vault.h"

struct run;

/* Outlives `imports` as long as work on other threads needs it. */
struct vault_share {
	struct vault vault;
	uint8_t key[CRYPTO_KEY_SIZE], key_previous[CRYPTO_KEY_SIZE];
	char *dir;
	unsigned users;
};
struct vault_share *vault_hold(struct vault_share *share);
void vault_release(struct vault_share *share);

struct keeping; /* keep.c */

struct imports {
	struct imports_options options; /* its strings are ours */
	char *work, *parser, *public_url;
	struct vault_share *vault;
	uint8_t link_key[CRYPTO_KEY_SIZE];
	struct keeping *keepings;
	struct keeping *held;	/* wait for the end of the quiet, in the order they came */
	unsigned keeps;		/* under way */
	import_quiet_fn *quiet; /* waits for those to end; or NULL */
	void *quiet_owner;
	bool is_quiet; /* it has been called, imports_resume has not */
	struct serving *servings;
	struct run *runs;  /* in the order they came */
	unsigned children; /* that run */
	uint64_t serial;
	struct log log;
};

/* Descriptors of work files; -1 and err. */
int imports_open_read(const char *path, struct err *err);
int imports_open_new(const char *path, struct err *err);

/* keep.c: puts a kept file into this descriptor on another thread, then fn unless forgotten. The descriptor stays the
 * caller's. */
struct keeping *imports_open_kept(struct imports *imports, const char *org_id, const char *sha256, int fd,
				  import_done_fn *fn, void *owner, uint64_t ticket);
void keeping_forget(struct keeping *keeping); /* takes NULL */
void keepings_forget(struct imports *imports);

void runs_destroy(struct imports *imports);

/* link.c */
bool links_start(struct imports *imports, struct err *err);
void links_stop(struct imports *imports);

#endif
