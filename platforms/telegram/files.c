/* Fetches files: getFile says where one lies, and the address holds the token, so it is never kept, logged or told
 * (sheet 6.9; pitfalls 18, 29). */
#include "buf.h"
#include "decode.h"
#include "fetches.h"
#include "files_local.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 1024 };

static const char too_large_there[] = "Telegram gives files of up to 20 MB to bots, this one is larger";

struct file {
	struct fetch fetch;
	char *id;
	uint64_t call;
	struct telegram_local *local;
};

struct telegram_files {
	struct platform *bot;
	struct fetches *fetches;
};

static struct file *file_of(struct fetch *fetch)
{
	return (struct file *)fetch;
}

static struct platform *bot_of(const struct fetch *fetch)
{
	const struct telegram_files *files = fetches_owner(fetch);

	return files->bot;
}

/* ---- from the web ------------------------------------------------------------------------------------------------- */

/* The server names most things "application/octet-stream": the message knows better. */
static const char *type_of(const char *type)
{
	return *type == '\0' || strcmp(type, "application/octet-stream") == 0 ? NULL : type;
}

static void complete(struct fetch *fetch, const struct download_end *got)
{
	fetch_take(fetch, got->size, type_of(got->type));
}

/* The address is good for an hour, and asked for anew with every try: 404 is no address that has grown old. */
static void answered(struct fetch *fetch, const struct download_end *got)
{
	int status = got->status;

	if (status == 404 || status == 410)
		fetch_fail(fetch, FETCHED_REFUSED, "the file is not there any more");
	else if (status == 401 || status == 403)
		fetch_fail(fetch, FETCHED_REFUSED, "Telegram does not let us read the file");
	else
		fetch_fail(fetch, FETCHED_NOT, "Telegram can't give the file now");
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
	char *url = address(bot_of(fetch), path);

	fetch_get(fetch, url, NULL);
	free(url);
}

/* ---- from this machine ---------------------------------------------------------------------------------------------- */

static void copied(void *owner, uint64_t serial, const struct fetched *fetched)
{
	const struct telegram_files *files = owner;
	struct fetch *fetch = fetches_find(files->fetches, serial);

	if (fetch == NULL)
		return;
	file_of(fetch)->local = NULL;
	if (fetched->how == FETCHED)
		fetch_take(fetch, fetched->size, fetched->mime);
	else
		fetch_fail(fetch, fetched->how, fetched->why);
}

static void copy(struct fetch *fetch, const char *path)
{
	struct platform *bot = bot_of(fetch);
	const struct telegram_local_call call = {
		.from = path, .folder = bot->config.bot_token, .to = fetch->path, .max = fetch->max
	};

	file_of(fetch)->local =
		telegram_local_start(bot->host, &call, copied, fetches_owner(fetch), fetch->serial);
}

/* ---- where it lies ------------------------------------------------------------------------------------------------------ */

static void located(struct fetch *fetch, const json_t *file)
{
	const struct platform *bot = bot_of(fetch);
	const char *path = json_text(file, "file_path");

	fetch->size = json_int(file, "file_size", fetch->size);
	if (path == NULL || !is_below(path)) {
		fetch_fail(fetch, FETCHED_REFUSED, "Telegram does not say where the file is");
	} else if (fetch->size > fetch->max) {
		fetch_fail(fetch, FETCHED_REFUSED, fetch_too_large);
	} else if (path[0] != '/') {
		get(fetch, path);
	} else if (bot->config.local_files) {
		copy(fetch, path);
	} else {
		log_warn(bot->host->log, "the Bot API server keeps files on its own machine (--local): set "
					 "local_files when that is this machine");
		fetch_fail(fetch, FETCHED_REFUSED, "the file lies on another machine");
	}
}

static void refused(struct fetch *fetch, const struct telegram_answer *answer)
{
	if (answer->how != TELEGRAM_REFUSED)
		fetch_fail(fetch, FETCHED_NOT, "Telegram can't be asked for the file now");
	else if (answer->why && strstr(answer->why, "too big"))
		fetch_fail(fetch, FETCHED_REFUSED, too_large_there);
	else
		fetch_fail(fetch, FETCHED_REFUSED, "Telegram does not give us the file");
}

static void on_answer(struct platform *bot, void *owner, uint64_t serial,
		      const struct telegram_answer *answer)
{
	const struct telegram_files *files = owner;
	struct fetch *fetch = fetches_find(files->fetches, serial);

	(void)bot;
	if (fetch == NULL)
		return;
	file_of(fetch)->call = 0;
	if (answer->how == TELEGRAM_OK)
		located(fetch, answer->result);
	else
		refused(fetch, answer);
}

/* Its turn has come. */
static void begin(struct fetch *fetch)
{
	struct platform *bot = bot_of(fetch);
	struct file *file = file_of(fetch);
	struct telegram_call call = { .method = "getFile" };

	if (bot->dead || bot->disabled) {
		fetch_fail(fetch, FETCHED_NOT, "the bot is not connected");
	} else if (file->id == NULL) {
		fetch_fail(fetch, FETCHED_REFUSED, "this is no file of Telegram's");
	} else if (fetch->size > fetch->max) {
		fetch_fail(fetch, FETCHED_REFUSED, fetch_too_large);
	} else if (fetch->size > TELEGRAM_FILE_MAX && !bot->config.local_files) {
		fetch_fail(fetch, FETCHED_REFUSED, too_large_there);
	} else {
		call.args = json_object();
		json_object_set_new(call.args, "file_id", json_string(file->id));
		file->call = telegram_api(bot, &call, on_answer, fetches_owner(fetch), fetch->serial);
	}
}

static void release(struct fetch *fetch)
{
	struct file *file = file_of(fetch);

	if (file->call)
		telegram_api_cancel(bot_of(fetch), file->call);
	telegram_local_abandon(file->local);
	free(file->id);
}

static const struct fetches_rules rules = {
	.begin = begin,
	.complete = complete,
	.answered = answered,
	.release = release,
};

/* ---- the contract ------------------------------------------------------------------------------------------------------- */

void telegram_fetch(struct platform *bot, const struct message_file *file, const char *path, int64_t max,
		    uint64_t ticket)
{
	struct file *wanted = mem_zero(1, sizeof(*wanted));

	wanted->id = mem_text(telegram_file_id(file->url));
	fetches_add(bot->files->fetches, &wanted->fetch, file, path, max, ticket);
}

struct telegram_files *telegram_files_create(struct platform *bot)
{
	struct telegram_files *files = mem_zero(1, sizeof(*files));

	files->bot = bot;
	files->fetches = fetches_create(bot->host, files, &rules);
	return files;
}

void telegram_files_destroy(struct telegram_files *files)
{
	if (files == NULL)
		return;
	fetches_destroy(files->fetches);
	files->bot->files = NULL;
	free(files);
}
