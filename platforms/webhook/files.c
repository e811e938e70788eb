/* Fetches files of messages. The body names their addresses, and whoever wrote into it may have chosen them: none of a private
 * network is asked (security.md: requests forged through us), nothing that could tell who we are goes along, and no redirect
 * is followed. */
#include "fetches.h"
#include "hook.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	struct fetch fetch;
	char *url;
};

static struct file *file_of(struct fetch *fetch)
{
	return (struct file *)fetch;
}

/* A body that was a file: a second name for it, since the first stays until the import's row says that it is kept. */
static void take_upload(struct fetch *fetch, const char *id)
{
	const struct webhook *hook = fetches_owner(fetch);
	char *from = hook->host->uploads && crypto_uuid_valid(id)
			     ? mem_format("%s/%s", hook->host->uploads, id)
			     : NULL;
	struct stat found;

	if (from == NULL || stat(from, &found) != 0)
		fetch_fail(fetch, FETCHED_REFUSED, "it is not here any more");
	else if (found.st_size > fetch->max)
		fetch_fail(fetch, FETCHED_REFUSED, fetch_too_large);
	else if (link(from, fetch->path) != 0)
		fetch_fail(fetch, FETCHED_NOT, "it can't be taken in at the moment");
	else
		fetch_take(fetch, found.st_size, NULL);
	free(from);
}

static void begin(struct fetch *fetch)
{
	const struct webhook *hook = fetches_owner(fetch);
	const char *url = file_of(fetch)->url;
	bool loopback = hook->config.reply_loopback;
	struct err err = { 0 };

	if (url && strncmp(url, HOOK_UPLOAD, sizeof(HOOK_UPLOAD) - 1) == 0)
		take_upload(fetch, url + sizeof(HOOK_UPLOAD) - 1);
	else if (url && http_url_allowed(url, loopback, &err))
		fetch_get_public(fetch, url, loopback);
	else
		fetch_fail(fetch, FETCHED_REFUSED, "the file's address is not a public one");
}

static void answered(struct fetch *fetch, const struct download_end *got)
{
	if (got->status >= 500 || got->status == 408 || got->status == 425 || got->status == 429)
		fetch_fail(fetch, FETCHED_NOT, "the server of the file can't give it now");
	else
		fetch_fail(fetch, FETCHED_REFUSED, "the server of the file does not give it");
}

static void complete(struct fetch *fetch, const struct download_end *got)
{
	fetch_take(fetch, got->size, strcmp(got->type, "application/octet-stream") == 0 ? NULL : got->type);
}

static void release(struct fetch *fetch)
{
	free(file_of(fetch)->url);
}

void hook_files_create(struct webhook *hook)
{
	static const struct fetches_rules rules = {
		.begin = begin, .complete = complete, .answered = answered, .release = release
	};

	hook->fetches = fetches_create(hook->host, hook, &rules);
}

void hook_fetch(struct webhook *hook, const struct message_file *file, const char *path, int64_t max,
		uint64_t ticket)
{
	struct file *wanted = mem_zero(1, sizeof(*wanted));

	wanted->url = mem_text(file->url);
	fetches_add(hook->fetches, &wanted->fetch, file, path, max, ticket);
}
