/* A request whose body goes through a spool into a file. */
#include "download.h"
#include "http.h"
#include "mem.h"
#include "spool.h"
#include <stdlib.h>
#include <string.h>

enum {
	WAITING_MAX = 8 << 20,
	ROOM = 65536, /* so that it is us who say "too large" */
};

struct download {
	struct io *io;
	struct http *http;
	uint64_t request;
	struct spool *spool;
	char *path;
	int64_t max;
	struct download_end end; /* how: what it will be */
	char head[DOWNLOAD_HEAD_MAX + 1];
	size_t head_len;
	char *type, *location, *why;
	download_fn *fn;
	void *owner;
	uint64_t ticket;
};

static void release(struct download *download)
{
	free(download->path);
	free(download->type);
	free(download->location);
	free(download->why);
	free(download);
}

static void finish(struct download *download)
{
	struct download_end end = download->end;

	end.type = download->type ? download->type : "";
	end.location = download->location;
	end.head = download->head;
	end.why = download->why;
	download->fn(download->owner, download->ticket, &end);
	release(download);
}

static void spooled(void *data, uint64_t ticket, const struct err *err, int64_t size)
{
	struct download *download = data;

	(void)ticket;
	download->spool = NULL;
	download->end.size = size;
	if (err->kind != ERR_NONE && download->end.how == DOWNLOADED) {
		download->end.how = DOWNLOAD_DISK;
		free(download->why);
		download->why = mem_text(err->text);
	}
	finish(download);
}

static void open_spool(struct download *download)
{
	if (download->spool == NULL)
		download->spool =
			spool_create(download->io, download->path, WAITING_MAX, spooled, download, 0);
}

static void keep_head(struct download *download, const char *bytes, size_t len)
{
	size_t room = DOWNLOAD_HEAD_MAX - download->head_len;

	room = room < len ? room : len;
	memcpy(download->head + download->head_len, bytes, room);
	download->head_len += room;
}

static bool on_data(void *data, uint64_t ticket, const char *bytes, size_t len)
{
	struct download *download = data;

	(void)ticket;
	keep_head(download, bytes, len);
	download->end.size += (int64_t)len;
	if (download->end.size > download->max) {
		download->end.how = DOWNLOAD_TOO_LARGE;
		return false;
	}
	open_spool(download);
	if (spool_write(download->spool, bytes, len))
		return true;
	download->end.how = DOWNLOAD_DISK;
	return false;
}

static void on_done(void *data, uint64_t ticket, const struct http_answer *answer)
{
	struct download *download = data;

	(void)ticket;
	download->request = 0;
	download->end.status = answer->status;
	if (download->end.how == DOWNLOADED && answer->how != HTTP_ANSWERED) {
		download->end.how = DOWNLOAD_CUT;
		download->why = mem_text(answer->err.text);
	} else if (download->end.how == DOWNLOADED && (answer->status < 200 || answer->status > 299)) {
		download->end.how = DOWNLOAD_ANSWERED;
		download->location = mem_text(http_header(answer, "location"));
	}
	if (download->end.how == DOWNLOADED) {
		download->type = mem_text_n(answer->type, strcspn(answer->type, "; \t"));
		open_spool(download); /* also of an empty one */
		spool_finish(download->spool);
	} else if (download->spool) {
		spool_discard(download->spool);
	} else {
		finish(download);
	}
}

struct download *download_start(struct io *io, struct http *http, const struct download_call *call,
				download_fn *fn, void *owner, uint64_t ticket)
{
	struct download *download = mem_zero(1, sizeof(*download));

	*download = (struct download){ .io = io,
				       .http = http,
				       .path = mem_text(call->path),
				       .max = call->max,
				       .fn = fn,
				       .owner = owner,
				       .ticket = ticket };
	download->request = http_start(http,
				       &(struct http_call){
					       .method = "GET",
					       .url = call->url,
					       .headers = call->headers,
					       .idle_ms = call->idle_ms,
					       .total_ms = call->total_ms,
					       .answer_max = (size_t)call->max + ROOM,
					       .guarded = call->guarded,
					       .guard_loopback = call->guard_loopback,
				       },
				       on_data, on_done, download, 0);
	return download;
}

void download_abandon(struct download *download)
{
	if (download == NULL)
		return;
	if (download->request)
		http_cancel(download->http, download->request);
	spool_abandon(download->spool);
	release(download);
}
