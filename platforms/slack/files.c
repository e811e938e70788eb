/* Fetches shared files with the bot's token, which goes to Slack's own hosts and nowhere else (sheet 15). */
#include "clock.h"
#include "decode.h"
#include "fetches.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	REDIRECTS_MAX = 3,
	FRESH_MS = 60000, /* a token that ends sooner is renewed first */
	TOKEN_HEADER_MAX = 4096,
};

/* New uploads are still being scanned and may be missing for some ten seconds. */
static const unsigned missing_ms[] = { 1000, 3000, 6000 };

struct file {
	struct fetch fetch;
	struct slack_file_ref ref;
	char *mime, *url; /* url: the one asked now */
	bool informed, wants_token;
	unsigned redirects, misses;
	uint64_t call;
};

struct slack_files {
	struct platform *workspace;
	struct fetches *fetches;
};

static struct file *file_of(struct fetch *fetch)
{
	return (struct file *)fetch;
}

static struct platform *workspace_of(const struct file *file)
{
	const struct slack_files *files = fetches_owner(&file->fetch);

	return files->workspace;
}

static void end(struct file *file, enum fetched_how how, const char *why)
{
	fetch_fail(&file->fetch, how, why);
}

/* Words for the person who sent it. */
static const char *refusal(const char *why)
{
	static const struct {
		const char *mode, *words;
	} table[] = {
		{ "external", "the file lies outside Slack and is not fetched from there" },
		{ "tombstone", "the file was deleted" },
		{ "hidden_by_limit", "Slack hides the file because of the limits of the workspace's plan" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].mode, why) == 0)
			return table[i].words;
	return "Slack names no address for the file";
}

/* ---- the answer ------------------------------------------------------------------------------------------ */

static bool begins(const char *text, const char *start)
{
	return text && strncasecmp(text, start, strlen(start)) == 0;
}

/* Without the right to read it, Slack shows its login page, with status 200 (pitfall 18). */
static bool login_page(const struct file *file, const struct download_end *got)
{
	const char *head = got->head + strspn(got->head, " \t\r\n\xef\xbb\xbf");
	bool page = begins(head, "<!doctype") || begins(head, "<html");

	if (begins(file->mime, "text/html"))
		return false;
	return begins(got->type, "text/html") || (page && !begins(file->mime, "text/"));
}

static void complete(struct fetch *fetch, const struct download_end *got)
{
	struct file *file = file_of(fetch);

	if (!login_page(file, got)) {
		fetch_take(fetch, got->size, got->type);
		return;
	}
	log_warn(workspace_of(file)->host->log,
		 "a file came as a login page: is the scope files:read granted?");
	fetch_drop(fetch, FETCHED_REFUSED, "Slack does not let us read the file");
}

static void get(struct file *file);

/* Absolute, or a path on the same host. */
static char *redirect_target(const char *from, const char *location)
{
	const char *host = strstr(from, "://");

	if (location == NULL || host == NULL || strlen(location) > MESSAGE_REPLY_TO_MAX)
		return NULL;
	if (location[0] != '/' || location[1] == '/')
		return mem_text(location);
	host += 3;
	return mem_format("%.*s%s", (int)((size_t)(host - from) + strcspn(host, "/?#")), from, location);
}

static void redirect(struct file *file, const char *location)
{
	char *target = redirect_target(file->url, location);

	if (target == NULL || file->redirects++ >= REDIRECTS_MAX) {
		free(target);
		end(file, FETCHED_NOT, "Slack leads from one address to the next");
		return;
	}
	free(file->url);
	file->url = target;
	get(file);
}

static void missing(struct file *file)
{
	if (file->misses < sizeof(missing_ms) / sizeof(missing_ms[0]))
		fetch_later(&file->fetch, missing_ms[file->misses++]);
	else
		end(file, FETCHED_REFUSED, "the file is not there any more");
}

static void answered(struct fetch *fetch, const struct download_end *got)
{
	struct file *file = file_of(fetch);

	if (got->status >= 300 && got->status < 400)
		redirect(file, got->location);
	else if (got->status == 404)
		missing(file);
	else if (got->status == 410)
		end(file, FETCHED_REFUSED, "the file is not there any more");
	else if (got->status == 401 || got->status == 403)
		end(file, FETCHED_REFUSED, "Slack does not let us read the file");
	else
		end(file, FETCHED_NOT, "Slack can't give the file now");
}

/* Every address is checked, also those Slack leads to: the token must not leave. */
static void get(struct file *file)
{
	const struct platform *workspace = workspace_of(file);
	char *header;

	if (workspace->token == NULL) {
		end(file, FETCHED_NOT, "the workspace is not connected");
		return;
	}
	if (!slack_url_ours(&workspace->app->config, file->url)) {
		end(file, FETCHED_REFUSED, "the file's address is not one of Slack's");
		return;
	}
	header = mem_format("Authorization: Bearer %.*s", TOKEN_HEADER_MAX, workspace->token);
	fetch_get(&file->fetch, file->url, (const char *[]){ header, NULL });
	free(header);
}

/* ---- before it ------------------------------------------------------------------------------------------- */

static void start(struct file *file);

static void informed(struct platform *workspace, void *owner, uint64_t serial,
		     const struct slack_answer *answer)
{
	const struct slack_files *files = owner;
	struct file *file = file_of(fetches_find(files->fetches, serial));
	const json_t *info;
	char *text;

	(void)workspace;
	if (file == NULL)
		return;
	file->call = 0;
	if (answer->how != SLACK_OK) {
		bool never = answer->how == SLACK_REFUSED;

		end(file, never ? FETCHED_REFUSED : FETCHED_NOT,
		    never ? "Slack does not say where the file is" : "Slack can't be asked for the file now");
		return;
	}
	info = json_object_get(answer->body, "file");
	text = slack_file_url(info);
	file->informed = true;
	file->fetch.size = json_int(info, "size", file->fetch.size);
	if (json_text(info, "mimetype")) {
		free(file->mime);
		file->mime = mem_text(json_text(info, "mimetype"));
	}
	if (slack_file_ref_read(text, &file->ref))
		start(file);
	else
		end(file, FETCHED_REFUSED, refusal(""));
	free(text);
}

static void ask(struct file *file)
{
	struct slack_call call = { .method = "files.info", .args = json_object() };

	json_object_set_new(call.args, "file", json_string(file->ref.id));
	file->call = slack_api(workspace_of(file), &call, informed, fetches_owner(&file->fetch),
			       file->fetch.serial);
}

static void start(struct file *file)
{
	const struct slack_file_ref *ref = &file->ref;

	if (file->fetch.size > file->fetch.max) {
		end(file, FETCHED_REFUSED, fetch_too_large);
	} else if (ref->why[0] == '\0' && ref->url[0]) {
		free(file->url);
		file->url = mem_text(ref->url);
		get(file);
	} else if (strcmp(ref->why, "check_file_info") == 0 && !file->informed) {
		ask(file);
	} else {
		end(file, FETCHED_REFUSED, refusal(ref->why));
	}
}

static void go_on(struct fetch *fetch)
{
	if (file_of(fetch)->wants_token)
		fetch_later(fetch, 0);
}

static void renewed(struct platform *workspace, void *owner, bool fresh)
{
	const struct slack_files *files = owner;

	(void)workspace;
	(void)fresh; /* if it is not, the request fails and says so */
	fetches_each(files->fetches, go_on);
}

/* The token is used without the Web API, so it is our matter that it is still good. False: it is being renewed. */
static bool token_good(struct file *file)
{
	struct platform *workspace = workspace_of(file);

	if (file->wants_token || workspace->expires_ms == 0 ||
	    workspace->expires_ms - clock_wall_ms() > FRESH_MS) {
		file->wants_token = false;
		return true;
	}
	file->wants_token = true;
	slack_fresh(workspace, renewed, fetches_owner(&file->fetch));
	return false;
}

/* Its turn has come, its token was renewed, or what was missing may be there by now. */
static void begin(struct fetch *fetch)
{
	struct file *file = file_of(fetch);
	const struct platform *workspace = workspace_of(file);

	if (workspace->dead || workspace->disabled || workspace->token == NULL)
		end(file, FETCHED_NOT, "the workspace is not connected");
	else if (!token_good(file))
		return;
	else if (file->misses)
		get(file);
	else
		start(file);
}

static void release(struct fetch *fetch)
{
	struct file *file = file_of(fetch);

	if (file->call)
		slack_api_cancel(workspace_of(file), file->call);
	free(file->mime);
	free(file->url);
}

static const struct fetches_rules rules = {
	.begin = begin,
	.complete = complete,
	.answered = answered,
	.release = release,
};

/* ---- the contract ---------------------------------------------------------------------------------------- */

void slack_fetch(struct platform *workspace, const struct message_file *file, const char *path, int64_t max,
		 uint64_t ticket)
{
	struct file *wanted = mem_zero(1, sizeof(*wanted));

	wanted->mime = mem_text(file->mime);
	slack_file_ref_read(file->url, &wanted->ref); /* what is none has no address, and is refused */
	fetches_add(workspace->files->fetches, &wanted->fetch, file, path, max, ticket);
}

struct slack_files *slack_files_create(struct platform *workspace)
{
	struct slack_files *files = mem_zero(1, sizeof(*files));

	files->workspace = workspace;
	files->fetches = fetches_create(workspace->host, files, &rules);
	return files;
}

void slack_files_destroy(struct slack_files *files)
{
	if (files == NULL)
		return;
	fetches_destroy(files->fetches);
	files->workspace->files = NULL;
	free(files);
}
