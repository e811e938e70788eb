/* Fetches files: getFile says where one lies, and the address holds the token, so it is never kept, logged or told
 * (sheet 6.9; pitfalls 18, 29). */
#include "buf.h"
#include "decode.h"
#include "download.h"
#include "files_local.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

enum {
	RUNNING_MAX = 4, /* of one bot at once; the others wait */
	TOTAL_MS = 10 * 60 * 1000,
	IDLE_MS = 30000,
	PATH_MAX_BYTES = 1024,
};

static const char too_large[] = "the file is too large";
static const char too_large_there[] = "Telegram gives files of up to 20 MB to bots, this one is larger";

struct fetch {
	struct telegram_files *files;
	uint64_t serial, ticket;
	char *id, *path;
	int64_t size, max;
	bool running;
	uint64_t call;
	struct download *download;
	struct telegram_local *local;
	struct loop_timer *timer;
	struct fetch *prev, *next;
};

struct telegram_files {
	struct platform *bot;
	struct fetch *fetches;
	unsigned running;
};

static void run_waiting(struct telegram_files *files);

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct telegram_files *telegram_files_create(struct platform *bot)
{
	struct telegram_files *files = mem_zero(1, sizeof(*files));

	files->bot = bot;
	return files;
}

static void fetch_free(struct telegram_files *files, struct fetch *fetch)
{
	if (fetch->call)
		telegram_api_cancel(files->bot, fetch->call);
	download_abandon(fetch->download);
	telegram_local_abandon(fetch->local);
	loop_timer_destroy(fetch->timer);
	DL_DELETE(files->fetches, fetch);
	files->running -= fetch->running;
	free(fetch->id);
	free(fetch->path);
	free(fetch);
}

void telegram_files_destroy(struct telegram_files *files)
{
	if (files == NULL)
		return;
	while (files->fetches)
		fetch_free(files, files->fetches);
	files->bot->files = NULL;
	free(files);
}

static struct fetch *find(const struct telegram_files *files, uint64_t serial)
{
	struct fetch *fetch;

	DL_FOREACH (files->fetches, fetch) {
		if (fetch->serial == serial)
			return fetch;
	}
	return NULL;
}

static void end(struct fetch *fetch, const struct fetched *fetched)
{
	struct telegram_files *files = fetch->files;
	struct platform_host *host = files->bot->host;
	uint64_t ticket = fetch->ticket;

	fetch_free(files, fetch);
	host->fetched(host, ticket, fetched);
	run_waiting(files);
}

static void fail(struct fetch *fetch, enum fetched_how how, const char *why)
{
	end(fetch, &(struct fetched){ .how = how, .why = why });
}

/* ---- from the web ------------------------------------------------------------------------------------------------- */

/* The server names most things "application/octet-stream": the message knows better. */
static const char *type_of(const char *type)
{
	return *type == '\0' || strcmp(type, "application/octet-stream") == 0 ? NULL : type;
}

static void complete(struct fetch *fetch, const struct download_end *got)
{
	if (fetch->size >= 0 && got->size < fetch->size) {
		unlink(fetch->path);
		fail(fetch, FETCHED_NOT, "the file came incomplete");
		return;
	}
	end(fetch, &(struct fetched){ .how = FETCHED, .size = got->size, .mime = type_of(got->type) });
}

/* The address is good for an hour, and asked for anew with every try: 404 is no address that has grown old. */
static void answered(struct fetch *fetch, int status)
{
	if (status == 404 || status == 410)
		fail(fetch, FETCHED_REFUSED, "the file is not there any more");
	else if (status == 401 || status == 403)
		fail(fetch, FETCHED_REFUSED, "Telegram does not let us read the file");
	else
		fail(fetch, FETCHED_NOT, "Telegram can't give the file now");
}

static void downloaded(void *owner, uint64_t serial, const struct download_end *got)
{
	struct telegram_files *files = owner;
	struct fetch *fetch = find(files, serial);

	if (fetch == NULL)
		return;
	fetch->download = NULL;
	switch (got->how) {
	case DOWNLOADED:
		complete(fetch, got);
		break;
	case DOWNLOAD_ANSWERED:
		answered(fetch, got->status);
		break;
	case DOWNLOAD_TOO_LARGE:
		fail(fetch, FETCHED_REFUSED, too_large);
		break;
	case DOWNLOAD_CUT:
		fail(fetch, FETCHED_NOT, "the connection failed");
		break;
	case DOWNLOAD_DISK:
		log_warn(files->bot->host->log, "a file can't be written: %s",
			 got->why ? got->why : "it comes faster than the disk takes it");
		fail(fetch, FETCHED_NOT, "the file could not be written here");
		break;
	}
}

/* Percent-encoded but for its slashes. The caller frees. */
static char *address(const struct platform *bot, const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	struct buf url = { 0 };

	buf_format(&url, "%s/bot%s/", bot->config.file_base, bot->config.bot_token);
	for (; *path; path++)
		buf_format(&url, strchr(plain, *path) ? "%c" : "%%%02X", (unsigned char)*path);
	return buf_take(&url);
}

static bool is_below(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (strcmp(at, "..") == 0 || strncmp(at, "../", 3) == 0)
			return false;
	}
	return *path && strlen(path) <= PATH_MAX_BYTES;
}

static void get(struct fetch *fetch, const char *path)
{
	struct telegram_files *files = fetch->files;
	char *url = address(files->bot, path);

	fetch->download = download_start(files->bot->host->io, files->bot->host->http,
					 &(struct download_call){ .url = url,
								  .path = fetch->path,
								  .max = fetch->max,
								  .total_ms = TOTAL_MS,
								  .idle_ms = IDLE_MS },
					 downloaded, files, fetch->serial);
	free(url);
}

/* ---- from this machine ---------------------------------------------------------------------------------------------- */

static void copied(void *owner, uint64_t serial, const struct fetched *fetched)
{
	struct telegram_files *files = owner;
	struct fetch *fetch = find(files, serial);

	if (fetch == NULL)
		return;
	fetch->local = NULL;
	end(fetch, fetched);
}

static void copy(struct fetch *fetch, const char *path)
{
	struct telegram_files *files = fetch->files;
	const struct telegram_local_call call = {
		.from = path, .folder = files->bot->config.bot_token, .to = fetch->path, .max = fetch->max
	};

	fetch->local = telegram_local_start(files->bot->host, &call, copied, files, fetch->serial);
}

/* ---- where it lies ------------------------------------------------------------------------------------------------------ */

static void located(struct fetch *fetch, const json_t *file)
{
	const struct platform *bot = fetch->files->bot;
	const char *path = json_text(file, "file_path");

	fetch->size = json_int(file, "file_size", fetch->size);
	if (path == NULL || !is_below(path)) {
		fail(fetch, FETCHED_REFUSED, "Telegram does not say where the file is");
	} else if (fetch->size > fetch->max) {
		fail(fetch, FETCHED_REFUSED, too_large);
	} else if (path[0] != '/') {
		get(fetch, path);
	} else if (bot->config.local_files) {
		copy(fetch, path);
	} else {
		log_warn(bot->host->log, "the Bot API server keeps files on its own machine (--local): set "
					 "local_files when that is this machine");
		fail(fetch, FETCHED_REFUSED, "the file lies on another machine");
	}
}

static void refused(struct fetch *fetch, const struct telegram_answer *answer)
{
	if (answer->how != TELEGRAM_REFUSED)
		fail(fetch, FETCHED_NOT, "Telegram can't be asked for the file now");
	else if (answer->why && strstr(answer->why, "too big"))
		fail(fetch, FETCHED_REFUSED, too_large_there);
	else
		fail(fetch, FETCHED_REFUSED, "Telegram does not give us the file");
}

static void on_answer(struct platform *bot, void *owner, uint64_t serial,
		      const struct telegram_answer *answer)
{
	struct fetch *fetch = find(owner, serial);

	(void)bot;
	if (fetch == NULL)
		return;
	fetch->call = 0;
	if (answer->how == TELEGRAM_OK)
		located(fetch, answer->result);
	else
		refused(fetch, answer);
}

/* Its turn has come. */
static void fire(void *data)
{
	struct fetch *fetch = data;
	struct platform *bot = fetch->files->bot;
	struct telegram_call call = { .method = "getFile" };

	if (bot->dead || bot->disabled) {
		fail(fetch, FETCHED_NOT, "the bot is not connected");
	} else if (fetch->id == NULL) {
		fail(fetch, FETCHED_REFUSED, "this is no file of Telegram's");
	} else if (fetch->size > fetch->max) {
		fail(fetch, FETCHED_REFUSED, too_large);
	} else if (fetch->size > TELEGRAM_FILE_MAX && !bot->config.local_files) {
		fail(fetch, FETCHED_REFUSED, too_large_there);
	} else {
		call.args = json_object();
		json_object_set_new(call.args, "file_id", json_string(fetch->id));
		fetch->call = telegram_api(bot, &call, on_answer, fetch->files, fetch->serial);
	}
}

static void run_waiting(struct telegram_files *files)
{
	struct fetch *fetch;

	DL_FOREACH (files->fetches, fetch) {
		if (files->running >= RUNNING_MAX)
			return;
		if (fetch->running)
			continue;
		fetch->running = true;
		files->running++;
		loop_timer_start(fetch->timer, 0, 0);
	}
}

void telegram_fetch(struct platform *bot, const struct message_file *file, const char *path, int64_t max,
		    uint64_t ticket)
{
	struct telegram_files *files = bot->files;
	struct fetch *fetch = mem_zero(1, sizeof(*fetch));

	fetch->files = files;
	fetch->serial = telegram_ticket(bot);
	fetch->ticket = ticket;
	fetch->id = mem_text(telegram_file_id(file->url));
	fetch->path = mem_text(path);
	fetch->size = file->size;
	fetch->max = max;
	fetch->timer = loop_timer_create(bot->host->loop, fire, fetch);
	DL_APPEND(files->fetches, fetch);
	run_waiting(files);
}
