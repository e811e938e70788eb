/* Files on their way here, a few at once. */
#include "fetches.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "platform.h"
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

enum {
	RUNNING_MAX = 4,
	TOTAL_MS = 10 * 60 * 1000,
	IDLE_MS = 30000,
};

struct fetches {
	struct platform_host *host;
	void *owner;
	const struct fetches_rules *rules;
	struct fetch *all;
	unsigned running;
	uint64_t last_serial;
};

const char fetch_too_large[] = "the file is too large";

struct fetches *fetches_create(struct platform_host *host, void *owner, const struct fetches_rules *rules)
{
	struct fetches *fetches = mem_zero(1, sizeof(*fetches));

	*fetches = (struct fetches){ .host = host, .owner = owner, .rules = rules };
	return fetches;
}

void *fetches_owner(const struct fetch *fetch)
{
	return fetch->of->owner;
}

static void release(struct fetch *fetch)
{
	struct fetches *fetches = fetch->of;

	fetches->rules->release(fetch);
	download_abandon(fetch->download);
	loop_timer_destroy(fetch->timer);
	DL_DELETE(fetches->all, fetch);
	fetches->running -= fetch->running;
	free(fetch->path);
	free(fetch);
}

void fetches_destroy(struct fetches *fetches)
{
	if (fetches == NULL)
		return;
	while (fetches->all)
		release(fetches->all);
	free(fetches);
}

struct fetch *fetches_find(const struct fetches *fetches, uint64_t serial)
{
	struct fetch *fetch;

	DL_FOREACH (fetches->all, fetch) {
		if (fetch->serial == serial)
			return fetch;
	}
	return NULL;
}

void fetches_each(struct fetches *fetches, void (*fn)(struct fetch *fetch))
{
	struct fetch *fetch;

	DL_FOREACH (fetches->all, fetch)
		fn(fetch);
}

static void run_waiting(struct fetches *fetches)
{
	struct fetch *fetch;

	DL_FOREACH (fetches->all, fetch) {
		if (fetches->running >= RUNNING_MAX)
			return;
		if (fetch->running)
			continue;
		fetch->running = true;
		fetches->running++;
		loop_timer_start(fetch->timer, 0, 0);
	}
}

static void fire(void *data)
{
	struct fetch *fetch = data;

	fetch->of->rules->begin(fetch);
}

void fetches_add(struct fetches *fetches, struct fetch *fetch, const struct message_file *file,
		 const char *path, int64_t max, uint64_t ticket)
{
	fetch->of = fetches;
	fetch->serial = ++fetches->last_serial;
	fetch->ticket = ticket;
	fetch->path = mem_text(path);
	fetch->size = file->size;
	fetch->max = max;
	fetch->timer = loop_timer_create(fetches->host->loop, fire, fetch);
	DL_APPEND(fetches->all, fetch);
	run_waiting(fetches);
}

void fetch_later(struct fetch *fetch, unsigned ms)
{
	loop_timer_start(fetch->timer, ms, 0);
}

/* ---- ends ------------------------------------------------------------------------------------------------ */

static void end(struct fetch *fetch, const struct fetched *fetched)
{
	struct fetches *fetches = fetch->of;
	struct platform_host *host = fetches->host;
	uint64_t ticket = fetch->ticket;

	release(fetch);
	host->fetched(host, ticket, fetched);
	run_waiting(fetches);
}

void fetch_fail(struct fetch *fetch, enum fetched_how how, const char *why)
{
	end(fetch, &(struct fetched){ .how = how, .why = why });
}

/* The core may try again with the same path. */
void fetch_drop(struct fetch *fetch, enum fetched_how how, const char *why)
{
	unlink(fetch->path);
	fetch_fail(fetch, how, why);
}

void fetch_take(struct fetch *fetch, int64_t size, const char *mime)
{
	end(fetch, &(struct fetched){ .how = FETCHED, .size = size, .mime = mime && *mime ? mime : NULL });
}

/* ---- the download ---------------------------------------------------------------------------------------- */

static void complete(struct fetch *fetch, const struct download_end *got)
{
	if (fetch->of->rules->complete)
		fetch->of->rules->complete(fetch, got);
	else
		fetch_take(fetch, got->size, got->type);
}

static void downloaded(void *owner, uint64_t serial, const struct download_end *got)
{
	struct fetches *fetches = owner;
	struct fetch *fetch = fetches_find(fetches, serial);

	if (fetch == NULL)
		return;
	fetch->download = NULL;
	switch (got->how) {
	case DOWNLOADED:
		if (fetch->size >= 0 && got->size < fetch->size)
			fetch_drop(fetch, FETCHED_NOT, "the file came incomplete");
		else
			complete(fetch, got);
		break;
	case DOWNLOAD_ANSWERED:
		fetches->rules->answered(fetch, got);
		break;
	case DOWNLOAD_TOO_LARGE:
		fetch_fail(fetch, FETCHED_REFUSED, fetch_too_large);
		break;
	case DOWNLOAD_CUT:
		fetch_fail(fetch, FETCHED_NOT, "the connection failed");
		break;
	case DOWNLOAD_DISK:
		log_warn(fetches->host->log, "a file can't be written: %s",
			 got->why ? got->why : "it comes faster than the disk takes it");
		fetch_fail(fetch, FETCHED_NOT, "the file could not be written here");
		break;
	}
}

static void start(struct fetch *fetch, const struct download_call *what)
{
	struct platform_host *host = fetch->of->host;
	struct download_call call = *what;

	call.path = fetch->path;
	call.max = fetch->max;
	call.total_ms = TOTAL_MS;
	call.idle_ms = IDLE_MS;
	fetch->download = download_start(host->io, host->http, &call, downloaded, fetch->of, fetch->serial);
}

void fetch_get(struct fetch *fetch, const char *url, const char *const *headers)
{
	start(fetch, &(struct download_call){ .url = url, .headers = headers });
}

void fetch_get_public(struct fetch *fetch, const char *url, bool loopback)
{
	start(fetch, &(struct download_call){ .url = url, .guarded = true, .guard_loopback = loopback });
}
