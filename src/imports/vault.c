/* Files under the hash of what they hold. */
#include "vault.h"
#include "crypto_stream.h"
#include "mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 64 << 10, MARK_SIZE = 16 };

static const char mark[MARK_SIZE] = "usherblob1\n";

static bool fail(struct err *err, const char *what)
{
	return err_set(err,
		       errno == ENOSPC || errno == EDQUOT ? ERR_FULL
		       : errno == ENOENT		  ? ERR_GONE
							  : ERR_AGAIN,
		       "%s: %s", what, strerror(errno));
}

bool vault_names(const char *org_id, const char *sha256)
{
	return crypto_uuid_valid(org_id) && strlen(sha256) == CRYPTO_SHA256_HEX - 1 &&
	       strspn(sha256, "0123456789abcdef") == CRYPTO_SHA256_HEX - 1;
}

static char *folder_of(const struct vault *vault, const char *org_id, const char *sha256)
{
	return mem_format("%s/%s/%.2s", vault->dir, org_id, sha256);
}

static char *path_of(const struct vault *vault, const char *org_id, const char *sha256, bool sealed)
{
	return mem_format("%s/%s/%.2s/%s%s", vault->dir, org_id, sha256, sha256, sealed ? ".s" : "");
}

/* Up to len bytes, fewer only at the end. -1: errno. */
static ssize_t read_full(int fd, void *out, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, (char *)out + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static bool write_full(int fd, const void *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data = (const char *)data + n;
		len -= (size_t)n;
	}
	return true;
}

/* ---- keeping ------------------------------------------------------------------------------------------- */

static struct crypto_pieces *pieces_of(const uint8_t *key, const uint8_t *salt, const char *org_id)
{
	char *context = mem_format("usher blob %s", org_id);
	struct crypto_pieces *pieces = crypto_pieces_create(key, salt, context);

	free(context);
	return pieces;
}

struct copy {
	int from, to;
	struct crypto_digest *digest;
	struct crypto_pieces *pieces; /* NULL: plain */
	uint8_t *in, *next, *out;     /* a piece each, and a tag */
	int64_t size, stored;
};

static bool put(struct copy *copy, const void *data, size_t len)
{
	copy->stored += (int64_t)len;
	return write_full(copy->to, data, len);
}

/* One piece is read ahead: the last one is sealed as such. An empty file is one empty piece. */
static bool copy_pieces(struct copy *copy)
{
	ssize_t have = read_full(copy->from, copy->in, PIECE);

	for (uint32_t number = 0;; number++) {
		ssize_t more = have == PIECE ? read_full(copy->from, copy->next, PIECE) : 0;
		uint8_t *other = copy->in;

		if (have < 0 || more < 0)
			return false;
		crypto_digest_add(copy->digest, copy->in, (size_t)have);
		copy->size += have;
		if (copy->pieces)
			crypto_piece_seal(copy->pieces, number, more == 0, copy->in, (size_t)have, copy->out);
		if (!(copy->pieces ? put(copy, copy->out, (size_t)have + CRYPTO_TAG_SIZE)
				   : put(copy, copy->in, (size_t)have)))
			return false;
		if (more == 0)
			return true;
		copy->in = copy->next;
		copy->next = other;
		have = more;
	}
}

static bool copy_file(const struct vault *vault, const char *org_id, struct copy *copy)
{
	uint8_t salt[CRYPTO_SALT_SIZE];
	bool done = true;

	copy->in = mem_alloc(PIECE);
	copy->next = mem_alloc(PIECE);
	copy->out = mem_alloc(PIECE + CRYPTO_TAG_SIZE);
	copy->digest = crypto_digest_create();
	if (vault->key) {
		crypto_random(salt, sizeof(salt));
		copy->pieces = pieces_of(vault->key, salt, org_id);
		done = put(copy, mark, sizeof(mark)) && put(copy, salt, sizeof(salt));
	}
	done = done && copy_pieces(copy) && fsync(copy->to) == 0;
	crypto_pieces_destroy(copy->pieces);
	free(copy->in);
	free(copy->next);
	free(copy->out);
	return done;
}

static bool make_folder(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* A name that was made is only there for good when its folder is on the disk too. */
static bool sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return done;
}

static bool settle(const struct vault *vault, const char *org_id, const char *temporary,
		   struct vault_kept *kept)
{
	char *org = mem_format("%s/%s", vault->dir, org_id);
	char *folder = folder_of(vault, org_id, kept->sha256);
	char *path = path_of(vault, org_id, kept->sha256, vault->key != NULL);
	bool done = make_folder(org) && make_folder(folder);

	kept->had = done && access(path, F_OK) == 0;
	/* One that was there too: who made it may have been killed before this. */
	done = done && (kept->had || rename(temporary, path) == 0) && sync_folder(folder) &&
	       sync_folder(org) && sync_folder(vault->dir);
	free(org);
	free(folder);
	free(path);
	return done;
}

bool vault_keep(const struct vault *vault, const char *org_id, const char *path, struct vault_kept *kept,
		struct err *err)
{
	char *temporary = mem_format("%s/new-XXXXXX", vault->dir);
	struct copy copy = { .from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW),
			     .to = mkostemp(temporary, O_CLOEXEC) };
	bool done = copy.from >= 0 && copy.to >= 0;

	if (!done)
		fail(err, copy.from < 0 ? path : temporary);
	else if (!(done = copy_file(vault, org_id, &copy)))
		fail(err, "a file can't be kept");
	if (copy.digest)
		crypto_digest_end(copy.digest, kept->sha256);
	kept->size = copy.size;
	kept->stored = copy.stored;
	if (done && !(done = settle(vault, org_id, temporary, kept)))
		fail(err, "a file can't be kept");
	if (copy.from >= 0)
		close(copy.from);
	if (copy.to >= 0) {
		close(copy.to);
		unlink(temporary); /* gone already when it was settled */
	}
	free(temporary);
	return done;
}

/* ---- opening ------------------------------------------------------------------------------------------ */

struct reading {
	int from, to;
	struct crypto_digest *digest;
	uint8_t *in, *next, *out;
};

static bool give(struct reading *reading, const void *data, size_t len)
{
	crypto_digest_add(reading->digest, data, len);
	return write_full(reading->to, data, len);
}

static bool open_plain(struct reading *reading)
{
	ssize_t n;

	while ((n = read_full(reading->from, reading->in, PIECE)) > 0)
		if (!give(reading, reading->in, (size_t)n))
			return false;
	return n == 0;
}

/* 1: all of it; 0: errno; -1: the key is another, or it was changed. */
static int open_pieces(struct reading *reading, struct crypto_pieces *pieces)
{
	const size_t whole = PIECE + CRYPTO_TAG_SIZE;
	ssize_t have = read_full(reading->from, reading->in, whole);

	for (uint32_t number = 0;; number++) {
		ssize_t more = have == (ssize_t)whole ? read_full(reading->from, reading->next, whole) : 0;
		uint8_t *other = reading->in;

		if (have < 0 || more < 0)
			return 0;
		if (!crypto_piece_open(pieces, number, more == 0, reading->in, (size_t)have, reading->out))
			return -1;
		if (!give(reading, reading->out, (size_t)have - CRYPTO_TAG_SIZE))
			return 0;
		if (more == 0)
			return 1;
		reading->in = reading->next;
		reading->next = other;
		have = more;
	}
}

static int try_key(struct reading *reading, const uint8_t *key, const char *org_id)
{
	uint8_t head[MARK_SIZE + CRYPTO_SALT_SIZE];
	struct crypto_pieces *pieces;
	int how;

	if (key == NULL)
		return -1;
	if (lseek(reading->from, 0, SEEK_SET) != 0 || lseek(reading->to, 0, SEEK_SET) != 0 ||
	    read_full(reading->from, head, sizeof(head)) < 0)
		return 0;
	if (memcmp(head, mark, MARK_SIZE) != 0)
		return -1;
	pieces = pieces_of(key, head + MARK_SIZE, org_id);
	how = open_pieces(reading, pieces);
	crypto_pieces_destroy(pieces);
	return how;
}

static bool read_all(const struct vault *vault, const char *org_id, struct reading *reading, bool sealed,
		     struct err *err)
{
	int how;

	if (!sealed)
		return open_plain(reading) || fail(err, "a kept file can't be read");
	how = try_key(reading, vault->key, org_id);
	if (how < 0 && vault->key_previous) {
		crypto_digest_end(reading->digest, (char[CRYPTO_SHA256_HEX]){ 0 });
		reading->digest = crypto_digest_create();
		how = try_key(reading, vault->key_previous, org_id);
	}
	if (how == 0)
		return fail(err, "a kept file can't be read");
	return how > 0 ||
	       err_set(err, ERR_REFUSED,
		       "a kept file does not open: it was sealed with another store.key, or changed");
}

static bool open_found(const struct vault *vault, const char *org_id, const char *sha256,
		       struct reading *reading, bool sealed, struct err *err)
{
	char found[CRYPTO_SHA256_HEX];
	bool done;

	reading->in = mem_alloc(PIECE + CRYPTO_TAG_SIZE);
	reading->next = mem_alloc(PIECE + CRYPTO_TAG_SIZE);
	reading->out = mem_alloc(PIECE + CRYPTO_TAG_SIZE);
	reading->digest = crypto_digest_create();
	done = read_all(vault, org_id, reading, sealed, err);
	crypto_digest_end(reading->digest, found);
	if (done && strcmp(found, sha256) != 0)
		done = err_set(err, ERR_REFUSED, "a kept file is not what it was: its hash is another");
	free(reading->in);
	free(reading->next);
	free(reading->out);
	return done;
}

bool vault_open(const struct vault *vault, const char *org_id, const char *sha256, int fd, struct err *err)
{
	struct reading reading = { .from = -1, .to = fd };
	bool sealed = false, done;

	if (!vault_names(org_id, sha256))
		return err_set(err, ERR_GONE, "no such file is kept");
	for (int i = 0; i < 3 && reading.from < 0; i++) { /* a plain one may just have been sealed */
		char *path = path_of(vault, org_id, sha256, i != 1);

		reading.from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		sealed = i != 1;
		free(path);
	}
	if (reading.from < 0)
		return fail(err, "a kept file");
	done = open_found(vault, org_id, sha256, &reading, sealed, err);
	close(reading.from);
	return done;
}

bool vault_seal(const struct vault *vault, const char *org_id, const char *sha256, struct err *err)
{
	char *plain = path_of(vault, org_id, sha256, false);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct vault_kept kept;
	bool done = vault->key && vault_names(org_id, sha256) && nowhere >= 0 &&
		    vault_keep(vault, org_id, plain, &kept, err) &&
		    vault_open(vault, org_id, sha256, nowhere, err);

	if (done)
		unlink(plain);
	if (nowhere >= 0)
		close(nowhere);
	free(plain);
	return done;
}

void vault_drop(const struct vault *vault, const char *org_id, const char *sha256)
{
	if (!vault_names(org_id, sha256))
		return;
	for (int i = 0; i < 2; i++) {
		char *path = path_of(vault, org_id, sha256, i == 1);

		unlink(path);
		free(path);
	}
}
