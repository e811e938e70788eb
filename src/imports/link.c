/* Download links: what is in them is sealed, so that nobody can make one or see what it leads to (security.md R37). */
#include "buf.h"
#include "clock.h"
#include "imports_room.h"
#include "io.h"
#include "json.h"
#include "mem.h"
#include "url.h"
#include "web.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

static const char context[] = "usher download link";

/* ---- the key ------------------------------------------------------------------------------------------- */

static bool read_key(int fd, uint8_t *key)
{
	return fd >= 0 && read(fd, key, CRYPTO_KEY_SIZE) == CRYPTO_KEY_SIZE;
}

/* A key of its own, made once: links outlive a restart and a change of store.key. */
static bool make_key(struct imports *imports, const char *path, struct err *err)
{
	char *made = imports_work_path(imports);
	int fd = imports_open_new(made, err);
	bool done;

	crypto_random(imports->link_key, CRYPTO_KEY_SIZE);
	done = fd >= 0 && write(fd, imports->link_key, CRYPTO_KEY_SIZE) == CRYPTO_KEY_SIZE &&
	       fsync(fd) == 0 && rename(made, path) == 0;
	if (!done)
		err_set(err, ERR_REFUSED, "%s can't be written: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(made);
	return done;
}

static bool have_key(struct imports *imports, struct err *err)
{
	char *path = mem_format("%s/link.key", imports->vault->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool done = read_key(fd, imports->link_key) || make_key(imports, path, err);

	if (fd >= 0)
		close(fd);
	free(path);
	return done;
}

/* ---- making --------------------------------------------------------------------------------------------- */

/* base64 as in a path: RFC 4648 section 5. */
static void to_path(char *text)
{
	for (; *text; text++)
		if (*text == '+' || *text == '/')
			*text = (char)(*text == '+' ? '-' : '_');
}

static char *encoded(const char *name)
{
	struct buf out = { 0 };

	url_add_encoded(&out, name);
	return buf_take(&out);
}

static char *from_path(const char *token)
{
	char *text = mem_format("v1.%s", token);

	for (char *p = text; *p; p++)
		if (*p == '-' || *p == '_')
			*p = (char)(*p == '-' ? '+' : '/');
	return text;
}

static char *make_link(const struct imports *imports, const char *org_id, const char *sha256,
		       const char *name, const char *mime, bool path_only, int64_t until_s)
{
	json_t *what = json_pack("{s:s, s:s, s:s, s:s, s:I}", "o", org_id, "h", sha256, "n", name, "m", mime,
				 "e", (json_int_t)until_s);
	char *text, *sealed, *file, *link;

	if (what == NULL || (!path_only && imports->public_url == NULL)) {
		json_decref(what);
		return NULL;
	}
	text = json_write(what);
	sealed = crypto_seal_same(imports->link_key, context, text);
	to_path(sealed);
	file = encoded(name);
	link = mem_format("%s/files/%s/%s", path_only ? "" : imports->public_url, sealed + strlen("v1."),
			  file);
	json_decref(what);
	free(text);
	free(sealed);
	free(file);
	return link;
}

char *imports_link(const struct imports *imports, const char *org_id, const char *sha256, const char *name,
		   const char *mime, bool path_only)
{
	return make_link(imports, org_id, sha256, name, mime, path_only,
			 clock_wall_ms() / 1000 + IMPORTS_LINK_S);
}

char *imports_link_made(const struct imports *imports, const char *org_id, const char *sha256,
			const char *name, const char *mime, int64_t made_ms)
{
	int64_t now_s = clock_wall_ms() / 1000, until_s = made_ms / 1000 + IMPORTS_LINK_S;

	if (until_s < now_s + IMPORTS_LINK_S / 2) /* sent again long after by hand */
		until_s +=
			(now_s + IMPORTS_LINK_S - 1 - until_s) / (IMPORTS_LINK_S / 2) * (IMPORTS_LINK_S / 2);
	return make_link(imports, org_id, sha256, name, mime, false, until_s);
}

/* ---- serving -------------------------------------------------------------------------------------------- */

struct serving {
	struct imports *imports;
	struct web *web;
	uint64_t request;
	int fd;
	char *name, *mime;
	struct serving *prev, *next;
};

static void free_serving(struct serving *serving)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is in there, so the list has its ends */
	DL_DELETE(serving->imports->servings, serving);
	if (serving->fd >= 0)
		close(serving->fd);
	free(serving->name);
	free(serving->mime);
	free(serving);
}

static void refuse(struct web_request *request)
{
	web_answer_error(request, 404, "NOT_FOUND",
			 "This link leads nowhere, or it has ended: ask for a new one.");
}

/* Shown as a file to save, never as a page of ours (security.md R37; RFC 6266). */
static void add_headers(struct web_request *request, const char *name)
{
	char *file = encoded(name);
	char *how = mem_format("attachment; filename*=UTF-8''%s", file);

	web_add_header(request, "Content-Disposition", how);
	web_add_header(request, "Content-Security-Policy", "sandbox; default-src 'none'");
	web_add_header(request, "Cache-Control", "private, no-store");
	web_add_header(request, "Referrer-Policy", "no-referrer");
	free(file);
	free(how);
}

static void on_opened(void *owner, uint64_t ticket, const struct err *err)
{
	struct serving *serving = owner;
	struct web_request *request = web_find(serving->web, serving->request);
	off_t size = lseek(serving->fd, 0, SEEK_END);

	(void)ticket;
	if (size >= 0 && lseek(serving->fd, 0, SEEK_SET) != 0) /* it is read from where it stands */
		size = -1;
	if (request && (err->kind != ERR_NONE || size < 0)) {
		if (err->kind != ERR_GONE)
			log_error(&serving->imports->log, "a download: %s", err->text);
		refuse(request);
	} else if (request) {
		add_headers(request, serving->name);
		web_answer_file(request, serving->mime, serving->fd, size);
		serving->fd = -1;
	}
	free_serving(serving);
}

static void serve(struct imports *imports, struct web *web, struct web_request *request, const json_t *what)
{
	struct serving *serving = mem_zero(1, sizeof(*serving));
	const char *org = json_text(what, "o"), *hash = json_text(what, "h");

	serving->imports = imports;
	serving->web = web;
	DL_APPEND(imports->servings, serving);
	serving->request = web_id(request);
	serving->name = mem_text(json_text(what, "n"));
	serving->mime = mem_text(json_text(what, "m"));
	serving->fd = open(imports->work, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (serving->fd < 0) {
		web_answer_error(request, 503, "UNAVAILABLE",
				 "There is no room on the disk for it: try again later.");
		free_serving(serving);
		return;
	}
	imports_open_kept(imports, org, hash, serving->fd, on_opened, serving, 0);
}

static void get(struct imports *imports, struct web *web, struct web_request *request)
{
	char *sealed = from_path(web_param(request, "token"));
	char *text = crypto_open(imports->link_key, context, sealed);
	json_t *what = text ? json_read(text, strlen(text), NULL) : NULL;

	if (what && json_int(what, "e", 0) * 1000 > clock_wall_ms())
		serve(imports, web, request, what);
	else
		refuse(request);
	json_decref(what);
	free(text);
	free(sealed);
}

static void on_get(void *owner, struct web_request *request)
{
	struct imports *imports = owner;

	get(imports, imports->options.web, request);
}

static void on_get_here(void *owner, struct web_request *request)
{
	struct imports *imports = owner;

	get(imports, imports->options.control, request);
}

static bool claim(struct imports *imports, struct web *web, web_fn *fn)
{
	return web == NULL ||
	       web_claim(web, &(struct web_route){ "GET", "/files/{token}/{name}", 0, fn, imports });
}

bool links_start(struct imports *imports, struct err *err)
{
	if (!have_key(imports, err))
		return false;
	return (claim(imports, imports->options.web, on_get) &&
		claim(imports, imports->options.control, on_get_here)) ||
	       err_set(err, ERR_BUG, "the path /files is taken");
}

void links_stop(struct imports *imports)
{
	if (imports->options.web)
		web_release(imports->options.web, imports);
	if (imports->options.control)
		web_release(imports->options.control, imports);
	while (imports->servings)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the list */
		free_serving(imports->servings);
}
