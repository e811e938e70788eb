/* Fetches shared files with the bot's token, which goes to Slack's own hosts and nowhere else (sheet 15). */
#include "clock.h"
#include "decode.h"
#include "download.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <utlist.h>

enum {
	RUNNING_MAX = 4, /* of one workspace at once; the others wait */
	TOTAL_MS = 10 * 60 * 1000,
	IDLE_MS = 30000,
	REDIRECTS_MAX = 3,
	FRESH_MS = 60000, /* a token that ends sooner is renewed first */
	TOKEN_HEADER_MAX = 4096,
};

/* New uploads are still being scanned and may be missing for some ten seconds. */
static const unsigned missing_ms[] = { 1000, 3000, 6000 };

struct fetch {
	struct slack_files *files;
	uint64_t serial, ticket;
	struct slack_file_ref ref;
	char *path, *mime, *url; /* url: the one asked now */
	int64_t size, max;
	bool running, informed, wants_token;
	unsigned redirects, misses;
	uint64_t call;
	struct download *download;
	struct loop_timer *timer;
	struct fetch *prev, *next;
};

struct slack_files {
	struct platform *workspace;
	struct fetch *fetches;
	unsigned running;
};

static void run_waiting(struct slack_files *files);

/* ---- life ------------------------------------------------------------------------------------------------ */

struct slack_files *slack_files_create(struct platform *workspace)
{
	struct slack_files *files = mem_zero(1, sizeof(*files));

	files->workspace = workspace;
	return files;
}

static void fetch_free(struct slack_files *files, struct fetch *fetch)
{
	if (fetch->call)
		slack_api_cancel(files->workspace, fetch->call);
	download_abandon(fetch->download);
	loop_timer_destroy(fetch->timer);
	DL_DELETE(files->fetches, fetch);
	files->running -= fetch->running;
	free(fetch->path);
	free(fetch->mime);
	free(fetch->url);
	free(fetch);
}

void slack_files_destroy(struct slack_files *files)
{
	if (files == NULL)
		return;
	while (files->fetches)
		fetch_free(files, files->fetches);
	files->workspace->files = NULL;
	free(files);
}

static struct fetch *find(const struct slack_files *files, uint64_t serial)
{
	struct fetch *fetch;

	DL_FOREACH (files->fetches, fetch) {
		if (fetch->serial == serial)
			return fetch;
	}
	return NULL;
}

/* ---- ends ------------------------------------------------------------------------------------------------ */

static void end_with(struct slack_files *files, struct fetch *fetch, const struct fetched *fetched)
{
	struct platform_host *host = files->workspace->host;
	uint64_t ticket = fetch->ticket;

	fetch_free(files, fetch);
	host->fetched(host, ticket, fetched);
	run_waiting(files);
}

static void end(struct slack_files *files, struct fetch *fetch, enum fetched_how how, const char *why)
{
	end_with(files, fetch, &(struct fetched){ .how = how, .why = why });
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
static bool login_page(const struct fetch *fetch, const struct download_end *got)
{
	const char *head = got->head + strspn(got->head, " \t\r\n\xef\xbb\xbf");
	bool page = begins(head, "<!doctype") || begins(head, "<html");

	if (begins(fetch->mime, "text/html"))
		return false;
	return begins(got->type, "text/html") || (page && !begins(fetch->mime, "text/"));
}

/* What was written of a file that is not taken is removed first: the core may try again with the same path. */
static void take_body(struct slack_files *files, struct fetch *fetch, const struct download_end *got)
{
	if (login_page(fetch, got)) {
		log_warn(files->workspace->host->log,
			 "a file came as a login page: is the scope files:read granted?");
		unlink(fetch->path);
		end(files, fetch, FETCHED_REFUSED, "Slack does not let us read the file");
	} else if (fetch->size >= 0 && got->size < fetch->size) {
		unlink(fetch->path);
		end(files, fetch, FETCHED_NOT, "the file came incomplete");
	} else {
		end_with(files, fetch,
			 &(struct fetched){
				 .how = FETCHED, .size = got->size, .mime = *got->type ? got->type : NULL });
	}
}

static void get(struct slack_files *files, struct fetch *fetch);

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

static void redirect(struct slack_files *files, struct fetch *fetch, const char *location)
{
	char *target = redirect_target(fetch->url, location);

	if (target == NULL || fetch->redirects++ >= REDIRECTS_MAX) {
		free(target);
		end(files, fetch, FETCHED_NOT, "Slack leads from one address to the next");
		return;
	}
	free(fetch->url);
	fetch->url = target;
	get(files, fetch);
}

static void missing(struct slack_files *files, struct fetch *fetch)
{
	if (fetch->misses < sizeof(missing_ms) / sizeof(missing_ms[0]))
		loop_timer_start(fetch->timer, missing_ms[fetch->misses++], 0);
	else
		end(files, fetch, FETCHED_REFUSED, "the file is not there any more");
}

static void answered(struct slack_files *files, struct fetch *fetch, const struct download_end *got)
{
	if (got->status >= 300 && got->status < 400)
		redirect(files, fetch, got->location);
	else if (got->status == 404)
		missing(files, fetch);
	else if (got->status == 410)
		end(files, fetch, FETCHED_REFUSED, "the file is not there any more");
	else if (got->status == 401 || got->status == 403)
		end(files, fetch, FETCHED_REFUSED, "Slack does not let us read the file");
	else
		end(files, fetch, FETCHED_NOT, "Slack can't give the file now");
}

static void downloaded(void *owner, uint64_t serial, const struct download_end *got)
{
	struct slack_files *files = owner;
	struct fetch *fetch = find(files, serial);

	if (fetch == NULL)
		return;
	fetch->download = NULL;
	switch (got->how) {
	case DOWNLOADED:
		take_body(files, fetch, got);
		break;
	case DOWNLOAD_ANSWERED:
		answered(files, fetch, got);
		break;
	case DOWNLOAD_TOO_LARGE:
		end(files, fetch, FETCHED_REFUSED, "the file is too large");
		break;
	case DOWNLOAD_CUT:
		end(files, fetch, FETCHED_NOT, "the connection failed");
		break;
	case DOWNLOAD_DISK:
		log_warn(files->workspace->host->log, "a file can't be written: %s",
			 got->why ? got->why : "it comes faster than the disk takes it");
		end(files, fetch, FETCHED_NOT, "the file could not be written here");
		break;
	}
}

/* Every address is checked, also those Slack leads to: the token must not leave. */
static void get(struct slack_files *files, struct fetch *fetch)
{
	struct platform *workspace = files->workspace;
	char *header;

	if (workspace->token == NULL) {
		end(files, fetch, FETCHED_NOT, "the workspace is not connected");
		return;
	}
	if (!slack_url_ours(&workspace->app->config, fetch->url)) {
		end(files, fetch, FETCHED_REFUSED, "the file's address is not one of Slack's");
		return;
	}
	header = mem_format("Authorization: Bearer %.*s", TOKEN_HEADER_MAX, workspace->token);
	fetch->download = download_start(workspace->host->io, workspace->host->http,
					 &(struct download_call){
						 .url = fetch->url,
						 .headers = (const char *[]){ header, NULL },
						 .path = fetch->path,
						 .max = fetch->max,
						 .total_ms = TOTAL_MS,
						 .idle_ms = IDLE_MS,
					 },
					 downloaded, files, fetch->serial);
	free(header);
}

/* ---- before it ------------------------------------------------------------------------------------------- */

static void begin(struct slack_files *files, struct fetch *fetch);

static void informed(struct platform *workspace, void *owner, uint64_t serial,
		     const struct slack_answer *answer)
{
	struct slack_files *files = owner;
	struct fetch *fetch = find(files, serial);
	const json_t *file;
	char *text;

	(void)workspace;
	if (fetch == NULL)
		return;
	fetch->call = 0;
	if (answer->how != SLACK_OK) {
		bool never = answer->how == SLACK_REFUSED;

		end(files, fetch, never ? FETCHED_REFUSED : FETCHED_NOT,
		    never ? "Slack does not say where the file is" : "Slack can't be asked for the file now");
		return;
	}
	file = json_object_get(answer->body, "file");
	text = slack_file_url(file);
	fetch->informed = true;
	fetch->size = json_int(file, "size", fetch->size);
	if (json_text(file, "mimetype")) {
		free(fetch->mime);
		fetch->mime = mem_text(json_text(file, "mimetype"));
	}
	if (slack_file_ref_read(text, &fetch->ref))
		begin(files, fetch);
	else
		end(files, fetch, FETCHED_REFUSED, refusal(""));
	free(text);
}

static void ask(struct slack_files *files, struct fetch *fetch)
{
	struct slack_call call = { .method = "files.info", .args = json_object() };

	json_object_set_new(call.args, "file", json_string(fetch->ref.id));
	fetch->call = slack_api(files->workspace, &call, informed, files, fetch->serial);
}

static void begin(struct slack_files *files, struct fetch *fetch)
{
	const struct slack_file_ref *ref = &fetch->ref;

	if (fetch->size > fetch->max) {
		end(files, fetch, FETCHED_REFUSED, "the file is too large");
	} else if (ref->why[0] == '\0' && ref->url[0]) {
		free(fetch->url);
		fetch->url = mem_text(ref->url);
		get(files, fetch);
	} else if (strcmp(ref->why, "check_file_info") == 0 && !fetch->informed) {
		ask(files, fetch);
	} else {
		end(files, fetch, FETCHED_REFUSED, refusal(ref->why));
	}
}

static void renewed(struct platform *workspace, void *owner, bool fresh)
{
	struct slack_files *files = owner;
	struct fetch *fetch;

	(void)workspace;
	(void)fresh; /* if it is not, the request fails and says so */
	DL_FOREACH (files->fetches, fetch) {
		if (fetch->wants_token)
			loop_timer_start(fetch->timer, 0, 0);
	}
}

/* The token is used without the Web API, so it is our matter that it is still good. False: it is being renewed. */
static bool token_good(struct slack_files *files, struct fetch *fetch)
{
	struct platform *workspace = files->workspace;

	if (fetch->wants_token || workspace->expires_ms == 0 ||
	    workspace->expires_ms - clock_wall_ms() > FRESH_MS) {
		fetch->wants_token = false;
		return true;
	}
	fetch->wants_token = true;
	slack_fresh(workspace, renewed, files);
	return false;
}

/* Its turn has come, its token was renewed, or what was missing may be there by now. */
static void fire(void *data)
{
	struct fetch *fetch = data;
	struct slack_files *files = fetch->files;
	const struct platform *workspace = files->workspace;

	if (workspace->dead || workspace->disabled || workspace->token == NULL)
		end(files, fetch, FETCHED_NOT, "the workspace is not connected");
	else if (!token_good(files, fetch))
		return;
	else if (fetch->misses)
		get(files, fetch);
	else
		begin(files, fetch);
}

static void run_waiting(struct slack_files *files)
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

void slack_fetch(struct platform *workspace, const struct message_file *file, const char *path, int64_t max,
		 uint64_t ticket)
{
	struct slack_files *files = workspace->files;
	struct fetch *fetch = mem_zero(1, sizeof(*fetch));

	fetch->files = files;
	fetch->serial = slack_ticket(workspace->app);
	fetch->ticket = ticket;
	fetch->path = mem_text(path);
	fetch->mime = mem_text(file->mime);
	fetch->size = file->size;
	fetch->max = max;
	fetch->timer = loop_timer_create(workspace->host->loop, fire, fetch);
	slack_file_ref_read(file->url, &fetch->ref); /* what is none has no address, and is refused */
	DL_APPEND(files->fetches, fetch);
	run_waiting(files);
}
