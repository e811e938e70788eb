/* Takes multipart/form-data apart in pieces of a fixed size, whatever the file's. */
#include "form.h"
#include "buf.h"
#include "header.h"
#include "mem.h"
#include "text.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { ROOM = 128 << 10 };

/* ---- files ---------------------------------------------------------------------------------------------- */

static bool fault(struct err *err, const char *what, const char *path)
{
	return err_set(err, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_AGAIN, "%s can't be %s: %s",
		       path, what, strerror(errno));
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

bool form_digest(const char *path, char out[CRYPTO_SHA256_HEX], struct err *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	char *piece = mem_alloc(ROOM);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = -1;

	if (md == NULL)
		abort();
	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	while (fd >= 0 && (n = read(fd, piece, ROOM)) > 0)
		EVP_DigestUpdate(md, piece, (size_t)n);
	EVP_DigestFinal_ex(md, digest, NULL);
	EVP_MD_CTX_free(md);
	free(piece);
	if (n < 0)
		fault(err, "read", path);
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < CRYPTO_SHA256_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return n >= 0;
}

bool form_sync(const char *folder, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		fault(err, "synced", folder);
	if (fd >= 0)
		close(fd);
	return done;
}

/* ---- the scan ------------------------------------------------------------------------------------------- */

struct scan {
	int fd; /* read from */
	bool end;
	char *room;
	size_t from, len; /* what is in room and not taken yet */
	char delimiter[FORM_BOUNDARY_MAX + 8];
	size_t delimiter_len;
	const char *folder;
	struct err *err;
};

static bool bad(struct scan *scan, const char *why)
{
	return err_set(scan->err, ERR_REFUSED, "the form can't be read: %s", why);
}

static bool fill(struct scan *scan)
{
	ssize_t n;

	memmove(scan->room, scan->room + scan->from, scan->len);
	scan->from = 0;
	do
		n = read(scan->fd, scan->room + scan->len, ROOM - scan->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fault(scan->err, "read", "the upload");
	scan->end = n == 0;
	scan->len += (size_t)n;
	return true;
}

/* Where the bytes of a part go: to a file, or to memory as far as they may, or nowhere. */
struct sink {
	int fd; /* -1: none */
	const char *path;
	struct buf *value;
	size_t most;
	int64_t size;
};

static bool pour(struct scan *scan, struct sink *sink, size_t len)
{
	const char *data = scan->room + scan->from;

	if (sink->fd >= 0 && !write_all(sink->fd, data, len))
		return fault(scan->err, "written", sink->path);
	if (sink->value && sink->value->len + len > sink->most)
		return bad(scan, "a field is too long");
	if (sink->value)
		buf_add(sink->value, data, len);
	sink->size += (int64_t)len;
	scan->from += len;
	scan->len -= len;
	return true;
}

/* Everything before the mark goes to the sink; the mark is taken too. */
static bool until(struct scan *scan, const char *mark, size_t mark_len, struct sink *sink)
{
	for (;;) {
		const char *data = scan->room + scan->from;
		const char *found = memmem(data, scan->len, mark, mark_len);

		if (found) {
			if (!pour(scan, sink, (size_t)(found - data)))
				return false;
			scan->from += mark_len;
			scan->len -= mark_len;
			return true;
		}
		if (scan->len >= mark_len && !pour(scan, sink, scan->len - (mark_len - 1)))
			return false;
		if (!fill(scan))
			return false;
		if (scan->end)
			return bad(scan, "it ends before its last boundary");
	}
}

/* Behind a boundary: "--" ends the form, else a line end begins a part. */
static bool boundary_end(struct scan *scan, bool *last_out)
{
	struct buf line = { 0 };
	struct sink sink = { .fd = -1, .value = &line, .most = FORM_BOUNDARY_MAX };
	bool good;

	while (scan->len < 2 && !scan->end)
		if (!fill(scan))
			return false;
	*last_out = scan->len >= 2 && memcmp(scan->room + scan->from, "--", 2) == 0;
	if (*last_out)
		return true;
	good = until(scan, "\r\n", 2, &sink);
	if (good && strspn(buf_str(&line), " \t") != line.len)
		good = bad(scan, "a boundary is followed by something else");
	buf_free(&line);
	return good;
}

/* The value of this header in a part's head, trimmed; NULL: there is none. The caller frees. */
static char *head_value(const char *head, const char *name)
{
	size_t len = strlen(name);

	while (*head) {
		size_t line = strcspn(head, "\r\n");

		if (line > len && strncasecmp(head, name, len) == 0 && head[len] == ':') {
			const char *value = head + len + 1;
			size_t blank = strspn(value, " \t");

			return mem_text_n(value + blank, line - len - 1 - blank);
		}
		head += line + strspn(head + line, "\r\n");
	}
	return NULL;
}

static bool part_head(struct scan *scan, struct form_part *part)
{
	struct buf head = { 0 };
	struct sink sink = { .fd = -1, .value = &head, .most = FORM_HEAD_MAX };
	char *disposition = NULL, *filename;
	bool good = until(scan, "\r\n\r\n", 4, &sink);

	if (good && memchr(head.data ? head.data : "", 0, head.len))
		good = bad(scan, "a part's headers hold a NUL");
	if (good)
		disposition = head_value(buf_str(&head), "content-disposition");
	if (disposition) {
		part->name = header_param(disposition, "name");
		filename = header_param(disposition, "filename");
		if (filename)
			part->filename = header_file_name(filename);
		if (filename && part->filename == NULL)
			part->filename = mem_text("file");
		free(filename);
		part->type = head_value(buf_str(&head), "content-type");
	}
	if (good && part->name == NULL)
		good = bad(scan, "a part has no name");
	free(disposition);
	buf_free(&head);
	return good;
}

static bool part_file(struct scan *scan, struct form_part *part)
{
	struct sink sink = { 0 };
	bool good;

	part->path = mem_format("%s/%s", scan->folder, crypto_uuid((char[CRYPTO_UUID_SIZE]){ 0 }));
	sink.path = part->path;
	sink.fd = open(part->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (sink.fd < 0) {
		fault(scan->err, "made", part->path);
		free(part->path);
		part->path = NULL;
		return false;
	}
	good = until(scan, scan->delimiter, scan->delimiter_len, &sink);
	if (good && fsync(sink.fd) != 0)
		good = fault(scan->err, "made durable", part->path);
	close(sink.fd);
	part->size = sink.size;
	return good && form_digest(part->path, part->sha256, scan->err);
}

static bool part_value(struct scan *scan, struct form_part *part)
{
	struct buf value = { 0 };
	struct sink sink = { .fd = -1, .value = &value, .most = FORM_VALUE_MAX };
	bool good = until(scan, scan->delimiter, scan->delimiter_len, &sink);

	if (good && value.len && memchr(value.data, 0, value.len))
		good = bad(scan, "a field holds a NUL");
	part->value = good ? mem_text(buf_str(&value)) : NULL;
	buf_free(&value);
	return good;
}

static bool parts(struct scan *scan, size_t files_max, struct form *form)
{
	size_t files = 0;
	bool last;

	for (;;) {
		struct form_part *part;

		if (!boundary_end(scan, &last))
			return false;
		if (last)
			return true;
		if (form->count == FORM_PARTS_MAX)
			return bad(scan, "it has too many parts");
		form->parts = mem_resize(form->parts, form->count + 1, sizeof(*form->parts));
		part = &form->parts[form->count++];
		*part = (struct form_part){ 0 };
		if (!part_head(scan, part))
			return false;
		if (part->filename && ++files > files_max)
			return err_set(scan->err, ERR_REFUSED, "at most %zu files at once", files_max);
		if (!(part->filename ? part_file(scan, part) : part_value(scan, part)))
			return false;
	}
}

bool form_split(const char *path, const char *boundary, const char *folder, size_t files_max,
		struct form *form, struct err *err)
{
	struct scan scan = { .folder = folder, .err = err };
	struct sink nowhere = { .fd = -1 };
	bool good;

	*form = (struct form){ 0 };
	if (*boundary == '\0' || strlen(boundary) > FORM_BOUNDARY_MAX)
		return err_set(err, ERR_REFUSED,
			       "multipart/form-data needs a boundary of 1 to 70 characters");
	scan.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (scan.fd < 0)
		return fault(err, "read", path);
	scan.delimiter_len = (size_t)snprintf(scan.delimiter, sizeof(scan.delimiter), "\r\n--%s", boundary);
	scan.room = mem_alloc(ROOM);
	memcpy(scan.room, "\r\n", 2); /* the first boundary may be the first line */
	scan.len = 2;
	good = until(&scan, scan.delimiter, scan.delimiter_len, &nowhere) && parts(&scan, files_max, form);
	close(scan.fd);
	free(scan.room);
	if (!good)
		form_finish(form, true);
	return good;
}

void form_finish(struct form *form, bool remove_files)
{
	for (size_t i = 0; i < form->count; i++) {
		struct form_part *part = &form->parts[i];

		if (part->path && remove_files)
			unlink(part->path);
		free(part->name);
		free(part->filename);
		free(part->type);
		free(part->value);
		free(part->path);
	}
	free(form->parts);
	*form = (struct form){ 0 };
}
