/* Fetches files of messages. Their addresses are signed and end: then the message is asked for a new one. The token goes
 * nowhere near them (sheet 15; pitfall 23). */
#include "clock.h"
#include "fetches.h"
#include "file_ref.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

struct file {
	struct fetch fetch;
	struct discord_file_ref ref;
	bool informed; /* the message has been asked */
	uint64_t call;
};

struct discord_files {
	struct platform *bot;
	struct fetches *fetches;
};

static struct file *file_of(struct fetch *fetch)
{
	return (struct file *)fetch;
}

static struct platform *bot_of(const struct fetch *fetch)
{
	const struct discord_files *files = fetches_owner(fetch);

	return files->bot;
}

/* ---- the message -------------------------------------------------------------------------------------------- */

static void get(struct file *file)
{
	char *url = discord_file_address(file->ref.url, bot_of(&file->fetch)->config.file_base);

	if (url == NULL)
		fetch_fail(&file->fetch, FETCHED_REFUSED, "the file's address is not one of Discord's");
	else
		fetch_get(&file->fetch, url, NULL);
	free(url);
}

static void gone(struct file *file)
{
	fetch_fail(&file->fetch, FETCHED_REFUSED, "the file is not there any more");
}

static void renew(struct file *file, const json_t *message)
{
	const json_t *attachment = discord_attachment_find(message, file->ref.attachment);
	const char *url = json_text(attachment, "url");

	if (url == NULL || strlen(url) > DISCORD_URL_MAX) {
		gone(file);
		return;
	}
	memcpy(file->ref.url, url, strlen(url) + 1);
	file->fetch.size = json_int(attachment, "size", file->fetch.size);
	if (file->fetch.size > file->fetch.max)
		fetch_fail(&file->fetch, FETCHED_REFUSED, fetch_too_large);
	else
		get(file);
}

static void on_message(struct platform *bot, void *owner, uint64_t serial,
		       const struct discord_answer *answer)
{
	const struct discord_files *files = owner;
	struct file *file = file_of(fetches_find(files->fetches, serial));

	(void)bot;
	if (file == NULL)
		return;
	file->call = 0;
	if (answer->how == DISCORD_OK)
		renew(file, answer->body);
	else if (answer->how != DISCORD_REFUSED || answer->refusal == DISCORD_WAIT)
		fetch_fail(&file->fetch, FETCHED_NOT, "Discord can't be asked for the file now");
	else if (answer->refusal == DISCORD_UNKNOWN_MESSAGE || answer->refusal == DISCORD_UNKNOWN_CHANNEL)
		gone(file);
	else
		fetch_fail(&file->fetch, FETCHED_REFUSED, "Discord does not let us read the file's message");
}

static void ask(struct file *file)
{
	struct platform *bot = bot_of(&file->fetch);
	char channel[SNOWFLAKE_SIZE], message[SNOWFLAKE_SIZE];
	char *path = mem_format("/channels/%s/messages/%s", snowflake_text(file->ref.channel, channel),
				snowflake_text(file->ref.message, message));
	struct discord_call call = { .method = "GET", .path = path };

	file->informed = true;
	file->call = discord_rest(bot, &call, on_message, fetches_owner(&file->fetch), file->fetch.serial);
	free(path);
}

static bool can_ask(const struct file *file)
{
	return !file->informed && file->ref.channel != 0 && file->ref.message != 0;
}

/* ---- the rules ------------------------------------------------------------------------------------------------ */

static void begin(struct fetch *fetch)
{
	struct file *file = file_of(fetch);
	const struct platform *bot = bot_of(fetch);

	if (bot->dead || bot->disabled)
		fetch_fail(fetch, FETCHED_NOT, "the bot is not connected");
	else if (file->ref.attachment == 0)
		fetch_fail(fetch, FETCHED_REFUSED, "this is no file of Discord's");
	else if (fetch->size > fetch->max)
		fetch_fail(fetch, FETCHED_REFUSED, fetch_too_large);
	else if (can_ask(file) &&
		 (file->ref.url[0] == '\0' || discord_url_expired(file->ref.url, clock_wall_ms())))
		ask(file);
	else
		get(file);
}

/* An address that has ended is answered like a file that is gone: only the message can tell. */
static void answered(struct fetch *fetch, const struct download_end *got)
{
	struct file *file = file_of(fetch);
	bool refused = got->status == 401 || got->status == 403 || got->status == 404 || got->status == 410;

	if (refused && can_ask(file))
		ask(file);
	else if (refused)
		gone(file);
	else
		fetch_fail(fetch, FETCHED_NOT, "Discord can't give the file now");
}

/* What the uploader's program said it is, when it said anything (sheet 15). */
static void complete(struct fetch *fetch, const struct download_end *got)
{
	fetch_take(fetch, got->size, strcmp(got->type, "application/octet-stream") == 0 ? NULL : got->type);
}

static void release(struct fetch *fetch)
{
	if (file_of(fetch)->call)
		discord_rest_cancel(bot_of(fetch), file_of(fetch)->call);
}

static const struct fetches_rules rules = {
	.begin = begin,
	.complete = complete,
	.answered = answered,
	.release = release,
};

/* ---- the contract ----------------------------------------------------------------------------------------------- */

void discord_fetch(struct platform *bot, const struct message_file *file, const char *path, int64_t max,
		   uint64_t ticket)
{
	struct file *wanted = mem_zero(1, sizeof(*wanted));

	if (!discord_file_ref_read(file->url, &wanted->ref))
		wanted->ref = (struct discord_file_ref){ 0 }; /* which is refused */
	fetches_add(bot->files->fetches, &wanted->fetch, file, path, max, ticket);
}

struct discord_files *discord_files_create(struct platform *bot)
{
	struct discord_files *files = mem_zero(1, sizeof(*files));

	files->bot = bot;
	files->fetches = fetches_create(bot->host, files, &rules);
	return files;
}

void discord_files_destroy(struct discord_files *files)
{
	if (files == NULL)
		return;
	fetches_destroy(files->fetches);
	files->bot->files = NULL;
	free(files);
}
