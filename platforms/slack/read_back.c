/* Finds out whether something we sent arrived: reads the thread and looks for our own metadata (sheet 17). */
#include "clock.h"
#include "mem.h"
#include "out.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK_PAGES_MAX = 20,
	LOOK_PAGE = 200,
	LOOK_WAIT_MS = 5000,	     /* for a turn in the pace of the method */
	LOOK_SETTLE_MS = 5000,	     /* what was sent a moment ago may not stand there yet */
	LOOK_MARGIN_MS = 60 * 1000,  /* Slack's clock is not ours */
	LOOK_BACK_MS = 24 * 3600000, /* an answer that took longer has no beginning worth looking for */
	CURSOR_MAX = 1024,
};

struct slack_lookup {
	struct platform *workspace;
	char *channel, *thread, *uuid; /* thread NULL: a direct message without one */
	char **answers_to;
	size_t answers_to_count;
	int64_t since_ms;
	unsigned pages;
	struct loop_timer *settle;
	uint64_t api;
	struct slack_found found;
	slack_found_fn *fn;
	void *owner;
	uint64_t ticket;
};

static void read_page(struct slack_lookup *lookup, const char *cursor);

static void lookup_free(struct slack_lookup *lookup)
{
	loop_timer_destroy(lookup->settle);
	for (size_t i = 0; i < lookup->answers_to_count; i++)
		free(lookup->answers_to[i]);
	free(lookup->answers_to);
	free(lookup->channel);
	free(lookup->thread);
	free(lookup->uuid);
	free(lookup);
}

static void finish(struct slack_lookup *lookup, enum slack_looked how, unsigned retry_ms, const char *why)
{
	lookup->found.how = how;
	lookup->found.retry_ms = retry_ms;
	lookup->found.why = why;
	lookup->fn(lookup->workspace, lookup->owner, lookup->ticket, &lookup->found);
	lookup_free(lookup);
}

/* ---- what a message is ------------------------------------------------------------------------------------ */

/* Right after the start we may not know yet who we are; then our metadata must do, or an answer would be doubled. */
static bool is_own(const struct platform *workspace, const json_t *message)
{
	const char *user = json_text(message, "user"), *bot = json_text(message, "bot_id");

	if (user && workspace->bot_user_id)
		return strcmp(user, workspace->bot_user_id) == 0;
	if (bot && workspace->bot_id)
		return strcmp(bot, workspace->bot_id) == 0;
	return true;
}

static bool is_answered(const struct slack_lookup *lookup, const char *id)
{
	for (size_t i = 0; i < lookup->answers_to_count; i++)
		if (strcmp(lookup->answers_to[i], id) == 0)
			return true;
	return false;
}

/* The newest one counts; pages come in either order. A ts has a fixed form, so text compares like time. */
static void note(char place[SLACK_ID_MAX + 1], const char *ts)
{
	if (strlen(ts) <= SLACK_ID_MAX && strcmp(ts, place) > 0)
		memcpy(place, ts, strlen(ts) + 1);
}

static void look_at(struct slack_lookup *lookup, const json_t *message)
{
	const json_t *metadata = json_object_get(message, "metadata");
	const char *ts = json_text(message, "ts"), *streaming = json_text(message, "streaming_state");
	const char *event = json_text(metadata, "event_type");
	const char *id = json_text(json_object_get(metadata, "event_payload"), "id");

	if (ts == NULL || !is_own(lookup->workspace, message))
		return;
	if (streaming && strcmp(streaming, "in_progress") == 0 && lookup->workspace->bot_user_id)
		note(lookup->found.streaming, ts);
	if (event == NULL || id == NULL)
		return;
	if (lookup->uuid && strcmp(event, SLACK_META_REPLY) == 0 && strcmp(id, lookup->uuid) == 0)
		note(lookup->found.reply, ts);
	if (strcmp(event, SLACK_META_GROWING) == 0 && is_answered(lookup, id))
		note(lookup->found.growing, ts);
}

/* ---- the pages ---------------------------------------------------------------------------------------------- */

static void read_on(struct slack_lookup *lookup, const json_t *body)
{
	const char *cursor = json_text(json_object_get(body, "response_metadata"), "next_cursor");
	const json_t *message;
	size_t i;

	json_array_foreach (json_object_get(body, "messages"), i, message)
		look_at(lookup, message);
	if (lookup->found.reply[0] || cursor == NULL || cursor[0] == '\0')
		finish(lookup, SLACK_LOOKED, 0, NULL);
	else if (lookup->pages >= LOOK_PAGES_MAX || strlen(cursor) > CURSOR_MAX)
		finish(lookup, SLACK_LOOK_NEVER, 0, "too much was said since to look for it");
	else
		read_page(lookup, cursor);
}

static void refused(struct slack_lookup *lookup, const struct slack_answer *answer)
{
	unsigned retry_ms;
	struct err why;

	switch (slack_outcome(answer, lookup->workspace->app->app_id, &retry_ms, &why)) {
	case SENT_LIMITED:
	case SENT_NOT:
	case SENT_MAYBE:
		finish(lookup, SLACK_LOOK_LATER, retry_ms, why.text);
		return;
	default:
		finish(lookup, SLACK_LOOK_NEVER, 0, why.text);
	}
}

static void page_done(struct platform *workspace, void *owner, uint64_t ticket,
		      const struct slack_answer *answer)
{
	struct slack_lookup *lookup = owner;

	(void)workspace;
	(void)ticket;
	lookup->api = 0;
	switch (answer->how) {
	case SLACK_OK:
		read_on(lookup, answer->body);
		return;
	case SLACK_REFUSED:
		refused(lookup, answer);
		return;
	case SLACK_AUTH:
		finish(lookup, SLACK_LOOK_NOBODY, 0, answer->error);
		return;
	default: /* reading twice harms nobody */
		finish(lookup, SLACK_LOOK_LATER, answer->retry_ms, answer->error);
	}
}

static void read_page(struct slack_lookup *lookup, const char *cursor)
{
	json_t *args = json_pack("{s:s, s:b, s:b, s:i}", "channel", lookup->channel, "include_all_metadata",
				 1, "inclusive", 1, "limit", LOOK_PAGE);
	char oldest[32];

	snprintf(oldest, sizeof(oldest), "%" PRId64 ".%03d000", lookup->since_ms / 1000,
		 (int)(lookup->since_ms % 1000));
	json_object_set_new(args, "oldest", json_string(oldest));
	if (lookup->thread)
		json_object_set_new(args, "ts", json_string(lookup->thread));
	if (cursor)
		json_object_set_new(args, "cursor", json_string(cursor));
	lookup->pages++;
	lookup->api = slack_api(lookup->workspace,
				&(struct slack_call){ .method = lookup->thread ? "conversations.replies"
									       : "conversations.history",
						      .args = args,
						      .wait_ms = LOOK_WAIT_MS },
				page_done, lookup, lookup->ticket);
}

static void settled(void *data)
{
	read_page(data, NULL);
}

struct slack_lookup *slack_read_back(struct platform *workspace, const struct slack_look *look,
				     slack_found_fn *fn, void *owner, uint64_t ticket)
{
	struct slack_lookup *lookup = mem_zero(1, sizeof(*lookup));

	lookup->workspace = workspace;
	lookup->channel = mem_text(look->place->channel);
	lookup->thread = look->place->thread[0] ? mem_text(look->place->thread) : NULL;
	lookup->uuid = mem_text(look->uuid);
	lookup->answers_to = mem_zero(look->answers_to_count + 1, sizeof(*lookup->answers_to));
	lookup->answers_to_count = look->answers_to_count;
	for (size_t i = 0; i < look->answers_to_count; i++)
		lookup->answers_to[i] = mem_text(look->answers_to[i]);
	lookup->since_ms = look->since_ms > 0 ? look->since_ms : 0;
	lookup->fn = fn;
	lookup->owner = owner;
	lookup->ticket = ticket;
	lookup->settle = loop_timer_create(workspace->host->loop, settled, lookup);
	if (look->fresh)
		loop_timer_start(lookup->settle, LOOK_SETTLE_MS, 0);
	else
		read_page(lookup, NULL);
	return lookup;
}

void slack_lookup_cancel(struct slack_lookup *lookup)
{
	if (lookup == NULL)
		return;
	if (lookup->api)
		slack_api_cancel(lookup->workspace, lookup->api);
	lookup_free(lookup);
}

int64_t slack_look_since(const struct slack_place *place, int64_t created_ms)
{
	int64_t since = created_ms - LOOK_MARGIN_MS;
	int64_t asked = (int64_t)strtoll(place->ts, NULL, 10) * 1000;

	return asked > created_ms - LOOK_BACK_MS && asked < since ? asked : since;
}
