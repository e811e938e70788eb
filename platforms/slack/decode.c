/* Slack's payloads in one checked shape: the envelope, and which event means what (sheet 4.2, 8). */
#include "decode.h"
#include <stdlib.h>
#include <string.h>

enum { TS_WHOLE_MAX = 12, TS_FRACTION_MAX = 9 };

const char *slack_id_check(const char *id)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t len = id ? strspn(id, allowed) : 0;

	return len > 0 && len <= SLACK_ID_MAX && id[len] == '\0' ? id : NULL;
}

const char *slack_id(const json_t *object, const char *key)
{
	return slack_id_check(json_text(object, key));
}

const char *slack_ts_check(const char *ts)
{
	size_t whole = ts ? strspn(ts, "0123456789") : 0, fraction;

	if (whole == 0 || whole > TS_WHOLE_MAX)
		return NULL;
	if (ts[whole] == '\0')
		return ts;
	if (ts[whole] != '.')
		return NULL;
	fraction = strspn(ts + whole + 1, "0123456789");
	return fraction > 0 && fraction <= TS_FRACTION_MAX && ts[whole + 1 + fraction] == '\0' ? ts : NULL;
}

const char *slack_ts(const json_t *object, const char *key)
{
	return slack_ts_check(json_text(object, key));
}

int64_t slack_ts_ms(const char *ts)
{
	int64_t ms, scale = 100;

	if (slack_ts_check(ts) == NULL)
		return 0;
	ms = strtoll(ts, NULL, 10) * 1000;
	ts = strchr(ts, '.');
	for (ts = ts ? ts + 1 : ""; *ts && scale > 0; ts++, scale /= 10)
		ms += (*ts - '0') * scale;
	return ms;
}

bool slack_ts_after(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);

	return a_len != b_len ? a_len > b_len : strcmp(a, b) > 0;
}

/* ---- events that are no messages ----------------------------------------------------------------------- */

static void malformed(struct slack_decoded *out, const char *because)
{
	out->kind = SLACK_IS_MALFORMED;
	out->because = because;
}

static void decode_said(const json_t *event, struct slack_decoded *out)
{
	slack_decode_message(event, false, out);
}

static void decode_mention(const json_t *event, struct slack_decoded *out)
{
	slack_decode_message(event, true, out);
}

static void decode_home(const json_t *event, struct slack_decoded *out)
{
	const char *tab = json_text(event, "tab");

	if (tab == NULL || strcmp(tab, "messages") != 0) {
		out->because = "not the tab with messages";
		return;
	}
	out->kind = SLACK_IS_OPENED;
	out->user = slack_id(event, "user");
	out->channel = slack_id(event, "channel");
	out->direct = true;
	if (out->channel == NULL)
		malformed(out, "app_home_opened without a channel");
}

static void decode_pane(const json_t *event, struct slack_decoded *out)
{
	const json_t *thread = json_object_get(event, "assistant_thread");

	out->kind = SLACK_IS_OPENED;
	out->user = slack_id(thread, "user_id");
	out->channel = slack_id(thread, "channel_id");
	out->thread = slack_ts(thread, "thread_ts");
	out->direct = true;
	if (out->channel == NULL || out->thread == NULL)
		malformed(out, "assistant_thread_started without its thread");
}

static void decode_stopped(const json_t *event, struct slack_decoded *out)
{
	out->kind = SLACK_IS_STOPPED;
	out->user = slack_id(event, "user");
	out->user_team = slack_id(event, "team_id");
	out->channel = slack_id(event, "channel");
	out->thread = slack_ts(event, "thread_ts");
	out->streams = json_object_get(event, "streaming_message_ts");
	out->direct = out->channel && out->channel[0] == 'D';
	if (out->channel == NULL || out->user == NULL)
		malformed(out, "agent_session_stopped without a channel or a user");
}

static void decode_uninstalled(const json_t *event, struct slack_decoded *out)
{
	(void)event;
	out->kind = SLACK_IS_REMOVED;
	out->because = "the app was removed from the workspace";
}

/* The lists hold users, not tokens (sheet 3.5): anything under "bot" is our own token. */
static void decode_revoked(const json_t *event, struct slack_decoded *out)
{
	const json_t *bots = json_object_get(json_object_get(event, "tokens"), "bot");

	if (json_array_size(bots) == 0) {
		out->because = "tokens of people, not ours";
		return;
	}
	out->kind = SLACK_IS_REMOVED;
	out->because = "the bot token was revoked";
}

static void decode_joined(const json_t *event, struct slack_decoded *out)
{
	out->kind = SLACK_IS_JOINED;
	out->user = slack_id(event, "user");
	out->channel = slack_id(event, "channel");
	if (out->user == NULL || out->channel == NULL)
		malformed(out, "member_joined_channel without a user or a channel");
}

static const struct {
	const char *type;
	void (*decode)(const json_t *event, struct slack_decoded *out);
} events[] = {
	{ "message", decode_said },
	{ "app_mention", decode_mention },
	{ "app_home_opened", decode_home },
	{ "assistant_thread_started", decode_pane },
	{ "agent_session_stopped", decode_stopped },
	{ "app_uninstalled", decode_uninstalled },
	{ "tokens_revoked", decode_revoked },
	{ "member_joined_channel", decode_joined },
};

/* ---- the envelope -------------------------------------------------------------------------------------- */

/* authorizations[0] names the installation; what stands outside may be the other side of a shared channel (3.3). */
static void decode_whose(const json_t *payload, struct slack_decoded *out)
{
	const json_t *ours = json_array_get(json_object_get(payload, "authorizations"), 0);
	bool context = json_text(payload, "context_team_id") || json_text(payload, "context_enterprise_id");

	if (json_is_object(ours)) {
		out->enterprise = slack_id(ours, "enterprise_id");
		out->team = slack_id(ours, "team_id");
		out->org = json_is_true(json_object_get(ours, "is_enterprise_install"));
	}
	if (out->enterprise || out->team)
		return;
	out->enterprise = slack_id(payload, context ? "context_enterprise_id" : "enterprise_id");
	out->team = slack_id(payload, context ? "context_team_id" : "team_id");
}

static void decode_event(const json_t *payload, struct slack_decoded *out)
{
	const json_t *event = json_object_get(payload, "event");
	const char *type = json_text(event, "type");

	decode_whose(payload, out);
	out->event_id = slack_id(payload, "event_id");
	out->event_s = json_int(payload, "event_time", 0);
	out->external = json_is_true(json_object_get(payload, "is_ext_shared_channel"));
	if (type == NULL || out->event_id == NULL) {
		malformed(out, "an event without its type or id");
		return;
	}
	out->because = "an event that we have no use for";
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(events[i].type, type) == 0) {
			events[i].decode(event, out);
			return;
		}
	}
}

static void decode_events_payload(const json_t *payload, struct slack_decoded *out)
{
	const char *type = json_text(payload, "type");

	if (type == NULL) {
		malformed(out, "a payload without a type");
	} else if (strcmp(type, "app_rate_limited") == 0) { /* has no event inside (pitfall 4) */
		decode_whose(payload, out);
		out->kind = SLACK_IS_TOO_MANY;
	} else if (strcmp(type, "event_callback") == 0) {
		decode_event(payload, out);
	} else {
		out->because = "a payload of an unknown type";
	}
}

void slack_decode(enum slack_payload type, const json_t *payload, struct slack_decoded *out)
{
	*out = (struct slack_decoded){ .kind = SLACK_IS_NOTHING };
	out->app = slack_id(payload, "api_app_id");
	if (!json_is_object(payload))
		malformed(out, "a payload that is no object");
	else if (type == SLACK_EVENT)
		decode_events_payload(payload, out);
	else if (type == SLACK_COMMAND)
		slack_decode_command(payload, out);
	else
		slack_decode_interactive(payload, out);
}
