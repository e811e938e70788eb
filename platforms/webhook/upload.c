/* Bodies that are files: they go to the disk as they come, are hashed on another thread, and count only when the signature over
 * their bytes is right. What can be refused by the head alone is refused before a byte is read. */
#include "clock.h"
#include "crypto_stream.h"
#include "header.h"
#include "hook.h"
#include "io.h"
#include "log.h"
#include "mem.h"
#include "work.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <utlist.h>

enum { PIECE = 64 << 10, FILES_ARRIVING_MAX = 8 };

/* A file whose bytes are being hashed. */
struct hashing {
	struct webhook *hook; /* NULL: gone */
	uint64_t web_id;
	char *path, *folder;
	int64_t size;
	struct verify_body *check; /* NULL: its sender is known already */
	char *signature;
	char sha256[CRYPTO_SHA256_HEX];
	enum verified genuine;
	int fault; /* errno, or 0 */
	struct hashing *prev, *next;
};

bool hook_body_is_file(const struct webhook *hook, const struct web_request *request)
{
	const char *type = web_header(request, "content-type");
	const char *disposition = web_header(request, "content-disposition");
	char *name = disposition ? header_param(disposition, "filename") : NULL;
	bool named = name != NULL;

	free(name);
	if (hook->host->uploads == NULL)
		return false;
	return named || (type && *type && !hook_type_read(type) && strncasecmp(type, "multipart/", 10) != 0);
}

/* ---- its bytes are hashed ----------------------------------------------------------------------------------- */

static void hash(void *data)
{
	struct hashing *hashing = data;
	struct crypto_digest *digest = crypto_digest_create();
	int fd = open(hashing->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), folder;
	char *piece = mem_alloc(PIECE);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		n = read(fd, piece, PIECE);
		if (n > 0 && hashing->check)
			hook_body_add(hashing->check, piece, (size_t)n);
		if (n > 0)
			crypto_digest_add(digest, piece, (size_t)n);
	}
	hashing->fault = n < 0 ? errno : 0;
	crypto_digest_end(digest, hashing->sha256);
	if (hashing->check)
		hashing->genuine = hook_body_end(hashing->check, hashing->signature);
	hashing->check = NULL;
	if (fd >= 0)
		close(fd);
	free(piece);
	folder = open(hashing->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (hashing->fault == 0 && (folder < 0 || fsync(folder) != 0))
		hashing->fault = errno;
	if (folder >= 0)
		close(folder);
}

static void free_hashing(struct hashing *hashing)
{
	if (hashing->path)
		unlink(hashing->path);
	free(hashing->path);
	free(hashing->folder);
	free(hashing->signature);
	free(hashing);
}

static void hashed(void *data)
{
	struct hashing *hashing = data;
	struct webhook *hook = hashing->hook;
	struct web_request *request = hook ? web_find(hook->host->web, hashing->web_id) : NULL;

	if (hook) {
		DL_DELETE(hook->hashings, hashing);
		hook->arriving--;
	}
	if (request && hashing->fault) {
		log_error(hook->host->log, "a file that came can't be kept: %s", strerror(hashing->fault));
		hook_refuse_busy(request, "UNAVAILABLE", "the file can't be kept at the moment; send again");
	} else if (request && hashing->genuine != VERIFIED) {
		hook_refuse(hook, request, hashing->genuine);
	} else if (request) {
		hook_take_file(hook, request,
			       &(struct hook_file){ hashing->path, hashing->sha256, hashing->size });
		hashing->path = NULL;
	}
	free_hashing(hashing);
	if (hook)
		hook_settle(hook);
}

static void arrived(void *owner, struct web_request *request)
{
	struct webhook *hook = owner;
	struct hashing *hashing;
	struct err err = { 0 };
	int64_t size;

	if (web_file(request, &size, &err) == NULL) {
		log_error(hook->host->log, "a file that came can't be kept: %s", err.text);
		hook_refuse_busy(request, "UNAVAILABLE", "the file can't be kept at the moment; send again");
		return;
	}
	hashing = mem_zero(1, sizeof(*hashing));
	hashing->hook = hook;
	hashing->web_id = web_id(request);
	hashing->path = web_take_file(request);
	hashing->folder = mem_text(hook->host->uploads);
	hashing->size = size;
	hashing->check = hook_check_begin(hook, request, &hashing->signature);
	DL_APPEND(hook->hashings, hashing);
	hook->arriving++;
	work_start(hook->host->io, hash, hashed, hashing);
}

void hook_receive_file(struct webhook *hook, struct web_request *request)
{
	enum verified genuine = hook_check_head(hook, request);

	if (genuine != VERIFIED)
		hook_refuse(hook, request, genuine);
	else if (hook->stopping)
		hook_refuse_busy(request, "STOPPING", "the service is stopping; send again");
	else if (hook->arriving >= FILES_ARRIVING_MAX)
		hook_refuse_busy(request, "OVERLOADED", "several files are being read; send again");
	else
		web_receive(request, arrived, hook);
}

void hook_files_forget(struct webhook *hook)
{
	struct hashing *hashing;

	DL_FOREACH (hook->hashings, hashing)
		hashing->hook = NULL;
}
