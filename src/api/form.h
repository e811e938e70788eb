/* Uploads that have arrived as one file: taken apart into what the client named. Blocks (reads and writes files): on a thread
 * of work.h. No shared state. */
#ifndef USHER_API_FORM_H
#define USHER_API_FORM_H

#include "crypto.h"
#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FORM_PARTS_MAX = 64,
	FORM_HEAD_MAX = 8192,	/* bytes of one part's headers */
	FORM_VALUE_MAX = 65536, /* bytes of a field that is no file */
	FORM_BOUNDARY_MAX = 70, /* RFC 2046, 5.1.1 */
};

struct form_part {
	char *name;	/* of the field */
	char *filename; /* a file: as the client calls it, without folders; NULL: a field */
	char *type;	/* of a file, as given; or NULL */
	char *value;	/* of a field, UTF-8 is not checked */
	char *path;	/* of a file: where it is */
	int64_t size;
	char sha256[CRYPTO_SHA256_HEX];
};
struct form {
	struct form_part *parts;
	size_t count;
};

/* Takes multipart/form-data (RFC 7578) at path apart: each file goes to a new file in folder, synced. files_max: more are
 * refused. False: err says what is wrong (ERR_REFUSED: the client's fault), and no file is left. */
bool form_split(const char *path, const char *boundary, const char *folder, size_t files_max,
		struct form *form_out, struct err *err);

/* SHA-256 of a file, in lower-case hex. */
bool form_digest(const char *path, char out[CRYPTO_SHA256_HEX], struct err *err);

/* Makes the names in a folder durable. */
bool form_sync(const char *folder, struct err *err);

/* Frees; remove: the files too. */
void form_finish(struct form *form, bool remove);

#endif
