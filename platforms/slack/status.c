/* Signs of life: "working" while a turn runs, the title of a thread, suggested prompts (sheet 11). All of it is for
 * the eye: what fails is dropped, and nothing here ever queues before an answer. */
#include "buf.h"
#include "mem.h"
#include "out.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	PLACES_MAX = 200,
	UUIDS_MAX = 16, /* messages that wait in one thread; further ones are not counted */
	REPEAT_MS = 60000,
	TICK_MS = 5000,
	WAIT_MS = 300,
	OFF_MS = 3600000, /* what does not exist here is tried again after this */
	TRIES_MAX = 3,	  /* to take a sign away */
	TITLE_MAX = 200,
	PROMPT_TITLE_MAX = 75,
	PROMPTS_MAX = 4,
	ASIDES_MAX = 32, /* titles and prompts on their way */
};

/* How the sign is given: the later is the older way. */
enum sign { SIGN_SESSION, SIGN_ASSISTANT, SIGN_NONE };

struct working_place {
	struct platform *workspace;
	char channel[SLACK_ID_MAX + 1], thread[SLACK_ID_MAX + 1];
	char uuids[UUIDS_MAX][MESSAGE_UUID_SIZE];
	unsigned count; /* of uuids: while there are some, the sign is shown */
	bool shown;	/* as far as we know, or as the running call will have it */
	bool before;	/* shown, before that call */
	bool refused;	/* not in this place */
	char *title;	/* to be set with the first sign, or NULL */
	unsigned tries;
	uint64_t due_ms; /* next sign */
	uint64_t api;
	struct working_place *prev, *next;
};

struct slack_working {
	struct platform *workspace;
	struct working_place *places; /* oldest first */
	size_t count;
	struct loop_timer *tick;
	bool ticks;
	enum sign sign;
	uint64_t sign_until_ms; /* then SIGN_SESSION is tried again */
	uint64_t asides[ASIDES_MAX];
};

static void settle(struct working_place *place);

static uint64_t now_ms(const struct platform *workspace)
{
	return loop_now_ms(workspace->host->loop);
}

static void place_remove(struct working_place *place)
{
	struct slack_working *working = place->workspace->working;

	if (place->api)
		slack_api_cancel(place->workspace, place->api);
	DL_DELETE(working->places, place);
	working->count--;
	free(place->title);
	free(place);
}

/* ---- titles and prompts: asked once, the answer is only logged ------------------------------------------------ */

static void aside_done(struct platform *workspace, void *owner, uint64_t ticket,
		       const struct slack_answer *answer)
{
	struct slack_working *working = owner;

	working->asides[ticket] = 0;
	if (answer->how != SLACK_OK)
		log_debug(workspace->host->log, "a title or prompts could not be set: %s", answer->error);
}

static void aside(struct platform *workspace, const char *method, json_t *args)
{
	struct slack_working *working = workspace->working;
	uint64_t i = 0;

	while (i < ASIDES_MAX && working->asides[i])
		i++;
	if (i == ASIDES_MAX || workspace->dead || workspace->token == NULL) {
		json_decref(args);
		return;
	}
	working->asides[i] = slack_api(
		workspace, &(struct slack_call){ .method = method, .args = args, .wait_ms = WAIT_MS },
		aside_done, working, i);
}

/* ---- the sign --------------------------------------------------------------------------------------------------- */

static enum sign sign_now(struct slack_working *working)
{
	if (working->sign != SIGN_SESSION && now_ms(working->workspace) >= working->sign_until_ms)
		working->sign = SIGN_SESSION;
	return working->sign;
}

static void sign_less(struct slack_working *working, enum sign refused)
{
	if (working->sign == refused) {
		working->sign = refused + 1;
		working->sign_until_ms = now_ms(working->workspace) + OFF_MS;
	}
}

/* shown says what was tried: on or off. */
static void sign_done(struct working_place *place, const struct slack_answer *answer, enum sign sign)
{
	bool on = place->shown;

	place->api = 0;
	if (answer->how == SLACK_OK) {
		place->tries = 0;
		free(place->title); /* it counts only when the thread is new */
		place->title = NULL;
	} else if (slack_refused_feature(answer)) {
		sign_less(place->workspace->working, sign);
		place->shown = false;
		place->due_ms = 0; /* the older way, at once */
	} else if (answer->how == SLACK_REFUSED || answer->how == SLACK_AUTH) {
		log_debug(place->workspace->host->log, "no sign of life here: %s", answer->error);
		place->refused = true;
	} else if (on) { /* the next one is due in a minute */
		place->shown = answer->how == SLACK_MAYBE || place->before;
	} else if (++place->tries < TRIES_MAX) {
		place->shown = true;
		return; /* the next tick tries again */
	}
	settle(place);
}

static void session_done(struct platform *workspace, void *owner, uint64_t ticket,
			 const struct slack_answer *answer)
{
	(void)workspace;
	(void)ticket;
	sign_done(owner, answer, SIGN_SESSION);
}

static void assistant_done(struct platform *workspace, void *owner, uint64_t ticket,
			   const struct slack_answer *answer)
{
	(void)workspace;
	(void)ticket;
	sign_done(owner, answer, SIGN_ASSISTANT);
}

static void sign_session(struct working_place *place, bool on)
{
	json_t *args = json_pack("{s:s, s:s, s:s}", "channel_id", place->channel, "thread_ts", place->thread,
				 "status", on ? "processing" : "active");

	if (on && place->title)
		json_object_set_new(args, "title", json_string(place->title));
	place->api =
		slack_api(place->workspace,
			  &(struct slack_call){
				  .method = "agents.sessions.setStatus", .args = args, .wait_ms = WAIT_MS },
			  session_done, place, 0);
}

static void sign_assistant(struct working_place *place, bool on)
{
	json_t *args = json_pack("{s:s, s:s, s:s}", "channel_id", place->channel, "thread_ts", place->thread,
				 "status", on ? "is thinking\xe2\x80\xa6" : "");

	place->api =
		slack_api(place->workspace,
			  &(struct slack_call){
				  .method = "assistant.threads.setStatus", .args = args, .wait_ms = WAIT_MS },
			  assistant_done, place, 0);
	if (on && place->title) {
		aside(place->workspace, "assistant.threads.setTitle",
		      json_pack("{s:s, s:s, s:s}", "channel_id", place->channel, "thread_ts", place->thread,
				"title", place->title));
		free(place->title);
		place->title = NULL;
	}
}

static void give_sign(struct working_place *place, enum sign sign, bool on)
{
	place->before = place->shown;
	place->shown = on;
	place->due_ms = now_ms(place->workspace) + REPEAT_MS;
	if (sign == SIGN_SESSION)
		sign_session(place, on);
	else
		sign_assistant(place, on);
}

/* One call at a time for a place, so that the last word is the right one. The place may be gone afterwards. */
static void settle(struct working_place *place)
{
	enum sign sign = sign_now(place->workspace->working);
	bool can = sign != SIGN_NONE && !place->refused && !place->workspace->dead;

	if (place->api)
		return;
	if (place->count == 0 && (!can || !place->shown))
		place_remove(place);
	else if (can && (place->count == 0 || now_ms(place->workspace) >= place->due_ms))
		give_sign(place, sign, place->count > 0);
}

static void tick(void *data)
{
	struct slack_working *working = data;
	struct working_place *place, *next;

	DL_FOREACH_SAFE(working->places, place, next)
	settle(place);
	working->ticks = working->places != NULL;
	if (working->ticks)
		loop_timer_start(working->tick, TICK_MS, 0);
}

/* ---- beginning and end -------------------------------------------------------------------------------------------- */

/* One line of at most TITLE_MAX bytes, which is no more than that many characters; NULL when nothing is left. */
static char *title_of(const char *words)
{
	struct buf line = { 0 };

	for (; words && *words && line.len <= 4 * (size_t)TITLE_MAX; words++) {
		bool blank = strchr(" \t\r\n", *words) != NULL;

		if (!blank)
			buf_add(&line, words, 1);
		else if (line.len > 0 && line.data[line.len - 1] != ' ')
			buf_add(&line, " ", 1);
	}
	if (line.len == 0) {
		buf_free(&line);
		return NULL;
	}
	line.len = text_fit(line.data, line.len, TITLE_MAX);
	line.len -= line.data[line.len - 1] == ' ';
	line.data[line.len] = '\0';
	return buf_take(&line);
}

static struct working_place *place_find(struct slack_working *working, const struct slack_place *at)
{
	struct working_place *place;

	DL_FOREACH (working->places, place)
		if (strcmp(place->channel, at->channel) == 0 && strcmp(place->thread, at->thread) == 0)
			return place;
	return NULL;
}

static struct working_place *place_create(struct platform *workspace, const struct slack_place *at,
					  const char *title)
{
	struct slack_working *working = workspace->working;
	struct working_place *place = mem_zero(1, sizeof(*place));

	if (working->count >= PLACES_MAX)
		place_remove(working->places); /* its sign times out by itself */
	place->workspace = workspace;
	memcpy(place->channel, at->channel, sizeof(place->channel));
	memcpy(place->thread, at->thread, sizeof(place->thread));
	place->title = title_of(title);
	DL_APPEND(working->places, place);
	working->count++;
	if (!working->ticks)
		loop_timer_start(working->tick, TICK_MS, 0);
	working->ticks = true;
	return place;
}

static bool has_uuid(const struct working_place *place, const char *uuid)
{
	for (unsigned i = 0; i < place->count; i++)
		if (strcmp(place->uuids[i], uuid) == 0)
			return true;
	return false;
}

void slack_working_begin(struct platform *workspace, const char *uuid, const struct slack_place *at,
			 const char *title)
{
	struct slack_working *working = workspace->working;
	struct working_place *place;

	/* The sign belongs to a thread; of commands there is none. */
	if (at->thread[0] == '\0' || slack_place_whispers(at) || workspace->dead ||
	    workspace->token == NULL || strlen(uuid) >= MESSAGE_UUID_SIZE || sign_now(working) == SIGN_NONE)
		return;
	place = place_find(working, at);
	if (place == NULL)
		place = place_create(workspace, at, title);
	if (place->count < UUIDS_MAX && !has_uuid(place, uuid))
		memcpy(place->uuids[place->count++], uuid, strlen(uuid) + 1);
	if (!place->shown)
		place->due_ms = 0;
	settle(place);
}

static void drop_uuid(struct working_place *place, const char *uuid)
{
	for (unsigned i = 0; i < place->count; i++)
		if (strcmp(place->uuids[i], uuid) == 0) {
			place->count--;
			if (i < place->count)
				memcpy(place->uuids[i], place->uuids[place->count], sizeof(place->uuids[i]));
			return;
		}
}

void slack_working_end(struct platform *workspace, const struct outgoing *out)
{
	struct working_place *place, *next;

	DL_FOREACH_SAFE(workspace->working->places, place, next)
	{
		unsigned before = place->count;

		for (size_t i = 0; i < out->answers_to_count; i++)
			drop_uuid(place, out->answers_to[i]);
		if (before > 0 && place->count == 0)
			settle(place);
	}
}

void slack_prompts(struct platform *workspace, const char *channel, const char *thread)
{
	static const char *const standard[] = { "What can you do?", "Summarise what was said here so far",
						"Draft a reply to the last message", "Explain this to me" };
	const struct slack_config *config = &workspace->app->config;
	const char *const *prompts = config->prompt_count > 0 ? config->prompts : standard;
	size_t count =
		config->prompt_count > 0 ? config->prompt_count : sizeof(standard) / sizeof(standard[0]);
	json_t *list = json_array(), *args;

	for (size_t i = 0; i < count && i < PROMPTS_MAX; i++) {
		size_t len = text_fit(prompts[i], strlen(prompts[i]), PROMPT_TITLE_MAX);

		json_array_append_new(
			list, json_pack("{s:s%, s:s}", "title", prompts[i], len, "message", prompts[i]));
	}
	args = json_pack("{s:s, s:o}", "channel_id", channel, "prompts", list);
	if (thread && thread[0])
		json_object_set_new(args, "thread_ts", json_string(thread));
	aside(workspace, "assistant.threads.setSuggestedPrompts", args);
}

struct slack_working *slack_working_create(struct platform *workspace)
{
	struct slack_working *working = mem_zero(1, sizeof(*working));

	working->workspace = workspace;
	working->tick = loop_timer_create(workspace->host->loop, tick, working);
	return working;
}

void slack_working_destroy(struct slack_working *working)
{
	struct working_place *place, *next;

	if (working == NULL)
		return;
	for (size_t i = 0; i < ASIDES_MAX; i++)
		if (working->asides[i])
			slack_api_cancel(working->workspace, working->asides[i]);
	DL_FOREACH_SAFE(working->places, place, next)
	{
		if (place->api)
			slack_api_cancel(working->workspace, place->api);
		free(place->title);
		free(place);
	}
	loop_timer_destroy(working->tick);
	free(working);
}
