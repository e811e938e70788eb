/* What the core is told about slash commands, shortcuts, ratings and the Stop button (sheet 9, 10, 11). */
#include "clock.h"
#include "command_words.h"
#include "crypto.h"
#include "inbound.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* These payloads have no id of their own: the parts that tell one act from another are hashed, for together they may be
 * longer than a key (sheet 10). */
static const char *act_key(struct slack_arrival *arrival, const char *prefix, const char *what)
{
	const struct slack_decoded *say = &arrival->say;
	char hex[CRYPTO_SHA256_HEX];
	char *parts =
		mem_format("%s/%s/%s/%s/%s/%s/%s", arrival->workspace->key, say->team ? say->team : "",
			   say->channel, say->user, say->ts ? say->ts : "", what ? what : "", say->action_ts);

	crypto_sha256_hex(parts, strlen(parts), hex);
	free(parts);
	return arena_format(arrival->arena, "%s/%s", prefix, hex);
}

static void write_place(struct slack_arrival *arrival)
{
	char *text = slack_place_write(&arrival->place);

	arrival->in.reply_to = arena_text(arrival->arena, text);
	free(text);
}

static void take_sender(struct slack_arrival *arrival)
{
	arrival->in.sender = arrival->say.user;
	slack_wanted_add(&arrival->wanted, 'U', arrival->say.user);
}

/* ---- slash commands -------------------------------------------------------------------------------------- */

/* The command as the core knows it, or NULL: then it is a question. "help me" is one, "help" is not. */
static const char *command_text(struct arena *arena, const char *text)
{
	const char *at = text + strspn(text, " \t\r\n"), *rest, *argument;
	size_t len = strcspn(at, " \t\r\n"), rest_len;
	const struct command_word *command = command_word_find(at, len);

	rest = at + len + strspn(at + len, " \t\r\n");
	rest_len = strcspn(rest, " \t\r\n");
	if (len == 0)
		return "help";
	if (command == NULL || rest[rest_len + strspn(rest + rest_len, " \t\r\n")] != '\0')
		return NULL;
	argument = arena_format(arena, "%.*s", (int)rest_len, rest);
	return command_word_text(arena, command, argument);
}

static void command_place(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	struct slack_place *place = &arrival->place;

	slack_place_copy(place->team, say->team ? say->team : arrival->workspace->team_id);
	slack_place_copy(place->channel, say->channel);
	slack_place_copy(place->user, say->user);
	place->response_url = arena_text(arrival->arena, say->response_url);
	place->made_ms = clock_wall_ms();
}

/* The conversation is the asker's own: nobody else sees the answer. Only "new" in a direct message with us means that
 * one, where it is one conversation; whether it is ours, and not one between two people, is known with the names. */
const char *slack_build_command(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	const char *word = command_text(arrival->arena, say->text);
	struct incoming *in = &arrival->in;

	take_sender(arrival);
	command_place(arrival);
	write_place(arrival);
	in->kind = INCOMING_SAID;
	in->flags |= INCOMING_ALONE;
	in->delivery_key = act_key(arrival, "cmd", NULL);
	in->conversation = arena_format(arrival->arena, "%s/%s/command/%s", arrival->workspace->key,
					say->channel, say->user);
	in->sent_ms = arrival->place.made_ms;
	if (word == NULL) {
		arrival->mrkdwn = say->text;
		slack_wanted_scan(&arrival->wanted, say->text);
		arrival->shows_work = true;
		return NULL;
	}
	in->text = word;
	in->flags |= INCOMING_COMMAND;
	if (strcmp(word, "new") != 0)
		return NULL;
	in->flags |= INCOMING_NEW;
	arrival->renews =
		say->channel[0] == 'D' && arrival->workspace->app->config.direct == SLACK_DIRECT_CHANNEL;
	if (arrival->renews)
		slack_wanted_add(&arrival->wanted, 'C', say->channel);
	return NULL;
}

/* ---- the message shortcut -------------------------------------------------------------------------------- */

/* Asked about a message: answered in its thread, where the conversation may be one of ours already. */
const char *slack_build_shortcut(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	struct incoming *in = &arrival->in;
	char *mrkdwn = slack_message_mrkdwn(say->message);

	arrival->mrkdwn = arena_text(arrival->arena, mrkdwn);
	free(mrkdwn);
	if (arrival->mrkdwn[strspn(arrival->mrkdwn, " \t\r\n")] == '\0')
		return "a shortcut on a message without words";
	take_sender(arrival);
	slack_wanted_add(&arrival->wanted, 'U', slack_id(say->message, "user"));
	slack_wanted_scan(&arrival->wanted, arrival->mrkdwn);
	slack_message_place(arrival);
	arrival->place.response_url = arena_text(arrival->arena, say->response_url);
	arrival->place.made_ms = clock_wall_ms();
	write_place(arrival);
	in->kind = INCOMING_SAID;
	in->flags |= INCOMING_JOINED;
	in->delivery_key = act_key(arrival, "act", say->action);
	in->sent_ms = slack_ts_ms(say->action_ts);
	arrival->quotes = true;
	arrival->shows_work = true;
	return NULL;
}

/* ---- ratings and the Stop button ------------------------------------------------------------------------- */

const char *slack_build_rated(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	struct incoming *in = &arrival->in;

	take_sender(arrival);
	slack_message_place(arrival);
	in->kind = INCOMING_RATED;
	in->delivery_key = act_key(arrival, "act", say->action);
	in->sent_ms = slack_ts_ms(say->action_ts);
	in->text = say->text;
	in->target = say->target;
	return NULL;
}

/* Said by who pressed, where the answer stands. */
const char *slack_build_chosen(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	struct incoming *in = &arrival->in;

	take_sender(arrival);
	slack_message_place(arrival);
	write_place(arrival);
	in->kind = INCOMING_SAID;
	in->flags |= INCOMING_COMMAND | INCOMING_ALONE;
	in->delivery_key = act_key(arrival, "act", say->action);
	in->sent_ms = slack_ts_ms(say->action_ts);
	in->text = say->text;
	return NULL;
}

/* What is shown stops at once; the core stops what runs. */
const char *slack_build_stopped(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	struct incoming *in = &arrival->in;
	const json_t *stream;
	size_t i;

	take_sender(arrival);
	slack_message_place(arrival);
	in->kind = INCOMING_STOPPED;
	in->flags |= INCOMING_IF_PLACE;
	in->delivery_key = slack_event_key(arrival);
	json_array_foreach (say->streams, i, stream) {
		const char *ts = slack_ts_check(json_string_value(stream));

		if (ts)
			slack_stream_stopped(arrival->workspace, say->channel, ts);
	}
	return NULL;
}
