/* What others said in a thread before we were called: read once, as lines "Name: words", for the first turn there. */
#include "context.h"
#include "decode.h"
#include "mem.h"
#include "names.h"
#include "said.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	PAGE = 200,
	PAGES_MAX = 5,
	WAIT_MS = 5000, /* for a turn in the pace */
};

/* One question of the core. */
struct slack_context {
	struct platform *workspace;
	uint64_t serial, ticket;
	struct slack_place place;
	uint64_t call;
	char *page;
	unsigned pages;
	json_t *last; /* the newest SAID_LINES_MAX messages before ours, oldest first */
	struct slack_wanted wanted;
	bool naming; /* waits for names */
	struct loop_timer *timer;
	struct slack_context *prev, *next;
};

static void context_free(struct slack_context *context)
{
	if (context->call)
		slack_api_cancel(context->workspace, context->call);
	DL_DELETE(context->workspace->contexts, context);
	loop_timer_destroy(context->timer);
	slack_place_finish(&context->place);
	json_decref(context->last);
	free(context->page);
	free(context);
}

void slack_contexts_forget(struct platform *workspace)
{
	while (workspace->contexts)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the list */
		context_free(workspace->contexts);
}

static void answer(struct slack_context *context, const char *text)
{
	struct platform_host *host = context->workspace->host;
	uint64_t ticket = context->ticket;

	context_free(context);
	host->context(host, ticket, text);
}

/* ---- telling --------------------------------------------------------------------------------------------- */

static const char *author_name(struct platform *workspace, const json_t *message)
{
	const char *user = slack_id(message, "user");
	const char *name = user ? slack_name(workspace, 'U', user) : NULL;

	if (name == NULL)
		name = json_text(message, "username");
	if (name == NULL)
		name = json_text(json_object_get(message, "bot_profile"), "name");
	return name ? name : user ? user : "somebody";
}

static bool add(struct said *said, struct platform *workspace, const json_t *message)
{
	char *mrkdwn = slack_message_mrkdwn(message);
	char *words = slack_words(mrkdwn, slack_name, workspace);
	bool more = said_add(said, author_name(workspace, message), words);

	free(words);
	free(mrkdwn);
	return more;
}

/* The newest that fit, oldest first. */
static void tell(struct slack_context *context)
{
	size_t next = json_array_size(context->last);
	struct said said = { 0 };
	char *told;

	while (next > 0 && add(&said, context->workspace, json_array_get(context->last, next - 1)))
		next--;
	told = said_take(&said);
	answer(context, told);
	free(told);
}

void slack_context_named(struct platform *workspace)
{
	struct slack_context *context, *next;

	DL_FOREACH_SAFE(workspace->contexts, context, next)
	{
		if (context->naming && slack_wanted_settled(workspace, &context->wanted))
			tell(context);
	}
}

/* The names of those who spoke; the wait is bounded as for messages. */
static void name_them(struct slack_context *context)
{
	const json_t *message;
	size_t i;

	json_array_foreach (context->last, i, message) {
		slack_wanted_add(&context->wanted, 'U', slack_id(message, "user"));
	}
	if (slack_wanted_settled(context->workspace, &context->wanted)) {
		tell(context);
		return;
	}
	context->naming = true;
	loop_timer_start(context->timer, SLACK_NAMES_WAIT_MS, 0);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static void ask(struct slack_context *context);

/* Oldest first, the root in every page. Ours and what came after it are no context. */
static void keep_page(struct slack_context *context, const json_t *body)
{
	const json_t *messages = json_object_get(body, "messages");
	const char *until = context->place.ts;
	json_t *message;
	size_t i;

	json_array_foreach (messages, i, message) {
		const char *ts = slack_ts(message, "ts");
		bool again = context->pages > 1 && ts && strcmp(ts, context->place.thread) == 0;

		if (ts == NULL || again || (*until && !slack_ts_after(until, ts)))
			continue;
		json_array_append(context->last, message);
		if (json_array_size(context->last) > SAID_LINES_MAX)
			json_array_remove(context->last, 0);
	}
}

static void read_page(struct platform *workspace, void *owner, uint64_t serial,
		      const struct slack_answer *given)
{
	struct slack_context *context = owner;
	const char *cursor;

	(void)serial;
	context->call = 0;
	if (given->how != SLACK_OK) {
		log_info(workspace->host->log, "what was said before can't be read: %s",
			 given->error ? given->error : "no answer");
		answer(context, NULL);
		return;
	}
	keep_page(context, given->body);
	cursor = json_text(json_object_get(given->body, "response_metadata"), "next_cursor");
	if (cursor && *cursor && context->pages < PAGES_MAX) {
		free(context->page);
		context->page = mem_text(cursor);
		ask(context);
	} else {
		name_them(context);
	}
}

static void ask(struct slack_context *context)
{
	struct slack_call call = {
		.method = "conversations.replies",
		.args = json_object(),
		.wait_ms = WAIT_MS,
	};

	json_object_set_new(call.args, "channel", json_string(context->place.channel));
	json_object_set_new(call.args, "ts", json_string(context->place.thread));
	json_object_set_new(call.args, "limit", json_integer(PAGE));
	if (context->place.ts[0])
		json_object_set_new(call.args, "latest", json_string(context->place.ts));
	if (context->page)
		json_object_set_new(call.args, "cursor", json_string(context->page));
	context->pages++;
	context->call = slack_api(context->workspace, &call, read_page, context, context->serial);
}

/* The first time: begins. Later: the names took too long. */
static void fire(void *data)
{
	struct slack_context *context = data;
	const struct platform *workspace = context->workspace;

	if (context->naming)
		tell(context);
	else if (context->place.thread[0] == '\0' || workspace->dead || workspace->disabled ||
		 workspace->token == NULL)
		answer(context, NULL);
	else
		ask(context);
}

void slack_context(struct platform *workspace, const char *reply_to, uint64_t ticket)
{
	struct slack_context *context = mem_zero(1, sizeof(*context));

	context->workspace = workspace;
	context->ticket = ticket;
	context->serial = slack_ticket(workspace->app);
	context->last = json_array();
	context->timer = loop_timer_create(workspace->host->loop, fire, context);
	slack_place_read(reply_to, &context->place);
	DL_APPEND(workspace->contexts, context);
	loop_timer_start(context->timer, 0, 0);
}
