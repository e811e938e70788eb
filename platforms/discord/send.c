/* Answers on their way: how each begins, and what the outbox is told at its end. */
#include "clock.h"
#include "crypto.h"
#include "mem.h"
#include "metrics.h"
#include "sending.h"
#include "text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct metric sends_total = {
	.name = "usher_discord_sends_total",
	.help = "Attempts to send a message, by outcome",
	.type = METRIC_COUNTER,
	.label = "name,outcome",
};

/* ---- nonces ------------------------------------------------------------------------------------------------- */

enum { UUID_BYTES = 16, NONCE_TEXT = 22 };

/* What is no UUID is hashed: the same text always gives the same bytes. */
static void uuid_bytes(const char *uuid, uint8_t out[CRYPTO_SHA256_SIZE])
{
	uint8_t bytes[UUID_BYTES];
	size_t n = 0;

	crypto_sha256(uuid, strlen(uuid), out);
	for (const char *at = uuid; *at; at++) {
		int digit = text_hex_digit(*at);

		if (*at == '-')
			continue;
		if (digit < 0 || n == sizeof(bytes) * 2)
			return;
		bytes[n / 2] = (uint8_t)(n % 2 ? bytes[n / 2] | digit : digit << 4);
		n++;
	}
	if (n == sizeof(bytes) * 2)
		memcpy(out, bytes, sizeof(bytes));
}

void discord_nonce(const char *uuid, char suffix, char out[DISCORD_NONCE_SIZE])
{
	uint8_t bytes[CRYPTO_SHA256_SIZE];
	char text[4 * ((UUID_BYTES + 2) / 3) + 1];

	uuid_bytes(uuid, bytes);
	crypto_base64(bytes, UUID_BYTES, text);
	for (size_t i = 0; i < NONCE_TEXT; i++)
		out[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	out[NONCE_TEXT] = suffix;
	out[NONCE_TEXT + 1] = '\0';
}

struct discord_spot discord_sends_find(const struct discord_sends *sends, const char *nonce)
{
	for (size_t i = 0; i < SENDS_SEEN; i++)
		if (strcmp(sends->seen[i].nonce, nonce) == 0)
			return sends->seen[i].spot;
	return (struct discord_spot){ 0 };
}

void discord_sends_seen(struct platform *bot, const char *nonce, snowflake channel, snowflake message)
{
	struct discord_sends *sends = bot->sends;
	size_t i, len = strlen(nonce);

	if (len != NONCE_TEXT + 1 || !message || discord_sends_find(sends, nonce).message)
		return;
	i = sends->next_seen++ % SENDS_SEEN;
	memcpy(sends->seen[i].nonce, nonce, len + 1);
	sends->seen[i].spot = (struct discord_spot){ channel, message };
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void sending_free(struct sending *sending)
{
	for (size_t i = 0; i < sending->answers_to_count; i++)
		free(sending->answers_to[i]);
	free(sending->answers_to);
	discord_lookup_cancel(sending->lookup);
	discord_place_finish(&sending->place);
	free(sending->uuid);
	free(sending->text);
	free(sending->choices);
	free(sending->lost);
	message_file_free(sending->upload);
	free(sending);
}

static bool is_final(enum sent how)
{
	return how == SENT_ACCEPTED || how == SENT_REJECTED || how == SENT_UNKNOWN;
}

void discord_send_tell(struct sending *sending, enum sent how, unsigned retry_ms, const char *remote_id,
		       const char *why)
{
	struct platform *bot = sending->bot;

	if (sending->lost) { /* who asked was told, or could not be: the answer itself was refused */
		how = SENT_REJECTED;
		remote_id = NULL;
		why = sending->lost;
	}
	metric_add(&sends_total, (const char *[]){ bot->config.name, sent_name(how) }, 1);
	if (is_final(how) && sending->part == 0 && sending->answers_to_count)
		discord_preview_forget(bot, (const char *const *)sending->answers_to,
				       sending->answers_to_count);
	HASH_DEL(bot->sends->all, sending);
	bot->host->sent(bot->host, sending->ticket, how, retry_ms, remote_id,
			how == SENT_ACCEPTED ? NULL : why);
	sending_free(sending);
	discord_settle(bot);
}

void discord_send_tell_accepted(struct sending *sending, struct discord_spot spot)
{
	char *remote_id = spot.message ? discord_remote_id(spot) : NULL;

	discord_send_tell(sending, SENT_ACCEPTED, 0, remote_id, NULL);
	free(remote_id);
}

void discord_send_tell_outcome(struct sending *sending, const struct discord_answer *answer)
{
	unsigned retry_ms;
	struct err why;
	enum sent how = discord_outcome(answer, &retry_ms, &why);

	discord_send_tell(sending, how, retry_ms, NULL, why.text);
}

/* What stands in a place that was closed to us, perhaps a "…", can neither be changed nor taken away any more. */
static bool is_lost(const struct sending *sending, const struct discord_answer *answer)
{
	const struct discord_place *place = &sending->place;

	return discord_refused(answer, DISCORD_NO_ACCESS) && place->guild && place->user &&
	       place->token == NULL && (sending->stood.message || sending->part > 0);
}

void discord_send_give_up(struct sending *sending, const struct discord_answer *answer)
{
	unsigned retry_ms;
	struct err why;

	if (!is_lost(sending, answer)) {
		discord_send_tell_outcome(sending, answer);
		return;
	}
	discord_outcome(answer, &retry_ms, &why);
	sending->lost = mem_text(why.text);
	free(sending->text);
	sending->text =
		mem_format("I may not write in <#%" PRIu64 "> any more, so my answer there is not complete.",
			   sending->channel);
	free(sending->choices);
	sending->choices = NULL;
	sending->file = NULL;
	message_file_free(sending->upload);
	sending->upload = NULL;
	sending->stood = (struct discord_spot){ 0 };
	sending->channel = 0;
	discord_nonce(sending->uuid, 'l', sending->nonce);
	discord_send_step(sending, SEND_DM);
}

/* For what is known at once: no call is answered inside itself. */
static void tell_soon(struct sending *sending, enum sent how, const char *why)
{
	sending->step = SEND_SETTLED;
	sending->settled = how;
	sending->why = why;
	loop_timer_start(sending->bot->sends->soon, 0, 0);
}

static void tell_settled(void *data)
{
	struct discord_sends *sends = data;
	struct sending *sending, *next;

	HASH_ITER (hh, sends->all, sending, next)
		if (sending->step == SEND_SETTLED && sending->settled == SENT_ACCEPTED)
			discord_send_tell_accepted(sending, sending->stood);
		else if (sending->step == SEND_SETTLED)
			discord_send_tell(sending, sending->settled, 0, NULL, sending->why);
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

/* A further message of an interaction can't be looked for (sheet 19). */
static bool may_have_followed(const struct sending *sending)
{
	const struct discord_place *place = &sending->place;

	return sending->unsure && sending->part > 0 && place->whisper && place->token &&
	       sending->created_ms - place->made_ms < DISCORD_TOKEN_MS;
}

/* What only one person sees stands in no list of messages. */
static bool was_perhaps_whispered(const struct sending *sending)
{
	return sending->place.whisper && discord_send_may_stand_there(sending) &&
	       !discord_token_lives(sending->bot, &sending->place);
}

static void begin_interaction(struct sending *sending)
{
	if (may_have_followed(sending))
		tell_soon(sending, SENT_UNKNOWN,
			  "it can't be found out whether the further message of the interaction was sent");
	else if (was_perhaps_whispered(sending))
		tell_soon(sending, SENT_UNKNOWN,
			  "it can't be found out whether the answer was put in before the interaction was "
			  "over");
	else if (discord_token_lives(sending->bot, &sending->place) && sending->part == 0)
		discord_send_step(sending, SEND_ORIGINAL);
	else if (discord_token_lives(sending->bot, &sending->place) && sending->place.whisper)
		discord_send_step(sending, SEND_FOLLOW);
	else
		discord_send_post(sending);
}

/* This stands for it; message 0: nothing does. */
static void preview_ended(struct platform *bot, void *owner, uint64_t ticket, struct discord_spot spot)
{
	const struct discord_sends *sends = owner;
	struct sending *sending;

	(void)bot;
	HASH_FIND(hh, sends->all, &ticket, sizeof(ticket), sending);
	if (sending == NULL || sending->step != SEND_ASKING)
		return;
	sending->stood = spot;
	sending->original = sending->place.token != NULL;
	if (spot.message == 0 && sending->place.token)
		begin_interaction(sending);
	else if (spot.message)
		discord_send_step(sending, SEND_EDIT);
	else
		discord_send_post(sending);
}

/* The message of an interaction can be changed as long as its token lives, any other always. */
static void begin_settle(struct sending *sending, const char *remote_id)
{
	sending->changes = true;
	sending->bare = sending->file != NULL;
	sending->stood = discord_remote_read(remote_id);
	sending->original = remote_id && strcmp(remote_id, DISCORD_ORIGINAL) == 0 &&
			    discord_token_lives(sending->bot, &sending->place);
	if (sending->stood.message || sending->original)
		discord_send_step(sending, SEND_SETTLE);
	else
		tell_soon(sending, SENT_REJECTED, "the message can't be changed any more");
}

static bool is_private(const struct outgoing *out)
{
	return out->reason && strcmp(out->reason, MESSAGE_NOT_YOURS) == 0;
}

/* What only who pressed a button may see becomes a further message of that press. */
static bool takes_aside(struct sending *sending, const struct outgoing *out)
{
	struct discord_place *place = &sending->place;

	if (!is_private(out) || place->press_token == NULL || place->guild == 0)
		return false;
	place->token = place->press_token;
	place->press_token = NULL;
	place->whisper = true;
	return true;
}

void discord_send_link(struct sending *sending, const char *why)
{
	char *words = message_file_words(sending->upload, why), **texts;
	size_t count = discord_split(sending->bot, words, &texts);

	log_warn(sending->bot->host->log, "a file is not sent, its link is: %s", why);
	free(words);
	free(sending->text);
	sending->text = message_first_part(texts, count); /* a line: it is one message */
	message_file_free(sending->upload);
	sending->upload = NULL;
}

static void begin(struct sending *sending, const struct outgoing *out)
{
	struct platform *bot = sending->bot;

	if (bot->dead)
		tell_soon(sending, SENT_AUTH, "the token was refused");
	else if (bot->disabled)
		tell_soon(sending, SENT_NOT, "the bot is switched off");
	else if (sending->place.channel == 0)
		tell_soon(sending, SENT_REJECTED, "the reply address can't be read");
	else if (sending->text == NULL && sending->upload == NULL)
		tell_soon(sending, SENT_REJECTED, "there is no text to send");
	else if (out->settled && out->file)
		tell_soon(sending, SENT_REJECTED, "under a file nothing stands that could be changed");
	else if (out->settled)
		begin_settle(sending, out->remote_id);
	else if (takes_aside(sending, out) && sending->unsure)
		tell_soon(sending, SENT_UNKNOWN, "what one person was told can't be read back");
	else if (sending->place.token && bot->app_id == 0)
		tell_soon(sending, SENT_NOT, "the application is not known yet");
	else if (sending->unsure && (sending->stood = discord_sends_find(bot->sends, sending->nonce)).message)
		tell_soon(sending, SENT_ACCEPTED, NULL);
	else if (sending->place.whisper && is_private(out))
		/* NOLINTNEXTLINE(bugprone-branch-clone): the order of the conditions is the rule */
		discord_send_post(sending);
	else if (sending->part == 0)
		discord_preview_end(bot, out, preview_ended, bot->sends, sending->ticket);
	else if (sending->place.token)
		begin_interaction(sending);
	else
		discord_send_post(sending);
}

/* The outbox waits no longer for an earlier attempt and asks again, but that one is still under way: two of them would
 * say it twice, so it goes on in the place of the new one. True: it did. */
static bool goes_on(struct platform *bot, const struct outgoing *out, uint64_t ticket)
{
	struct discord_sends *sends = bot->sends;
	struct sending *earlier = sends->all;

	while (earlier && strcmp(earlier->uuid, out->uuid) != 0)
		earlier = earlier->hh.next;
	if (earlier == NULL)
		return false;
	HASH_DEL(sends->all, earlier);
	earlier->ticket = ticket;
	if (earlier->upload && out->file) { /* the old path ended with the old attempt */
		message_file_free(earlier->upload);
		earlier->upload = message_file_keep(out->file);
	}
	HASH_ADD(hh, sends->all, ticket, sizeof(ticket), earlier);
	if (earlier->step == SEND_ASKING) /* the preview knows the old ticket */
		discord_preview_end(bot, out, preview_ended, sends, ticket);
	return true;
}

void discord_send(struct platform *bot, const struct outgoing *out, uint64_t ticket)
{
	struct sending *sending;

	if (goes_on(bot, out, ticket))
		return;
	sending = mem_zero(1, sizeof(*sending));
	sending->ticket = ticket;
	sending->bot = bot;
	sending->uuid = mem_text(out->uuid);
	sending->text = mem_text(out->text);
	sending->choices = mem_text(out->choices);
	sending->part =
		out->file && out->part == 0 ? 1 : out->part; /* nothing that stands there becomes a file */
	sending->upload = message_file_keep(out->file);
	sending->created_ms = out->created_ms;
	sending->unsure = out->unsure;
	discord_nonce(out->uuid, 'a', sending->nonce);
	if (out->text && strncmp(out->text, DISCORD_DOCUMENT, strlen(DISCORD_DOCUMENT)) == 0)
		sending->file = sending->text + strlen(DISCORD_DOCUMENT);
	sending->answers_to = mem_zero(out->answers_to_count + 1, sizeof(*sending->answers_to));
	sending->answers_to_count = out->answers_to_count;
	for (size_t i = 0; i < out->answers_to_count; i++)
		sending->answers_to[i] = mem_text(out->answers_to[i]);
	HASH_ADD(hh, bot->sends->all, ticket, sizeof(ticket), sending);
	discord_place_read(out->reply_to, &sending->place); /* what is none has no channel */
	if (sending->upload && sending->upload->size > discord_file_max(bot, sending->place.guild))
		discord_send_link(sending, "larger than Discord takes there");
	begin(sending, out);
}

/* ---- the clock ---------------------------------------------------------------------------------------------- */

/* Only the wall clock survives a restart. Where it was set back, what is old looks young for as long as it was set back by. */
static void watch_clock(struct discord_sends *sends)
{
	int64_t now = (int64_t)loop_now_ms(sends->bot->host->loop), ahead = clock_wall_ms() - now;
	int64_t moved = ahead - sends->clock_ms;

	if (moved < SENDS_CLOCK_MS && moved > -SENDS_CLOCK_MS)
		return;
	sends->steady_ms = now + (moved > 0 ? ahead : sends->clock_ms);
	sends->clock_ms = ahead;
}

/* What was made before the machine started was made by a clock of which nothing is known. */
bool discord_sends_young(struct discord_sends *sends, int64_t created_ms)
{
	int64_t age = clock_wall_ms() - created_ms;

	watch_clock(sends);
	return age >= 0 && age < SENDS_NONCE_MS && created_ms >= sends->steady_ms &&
	       created_ms >= sends->clock_ms;
}

struct discord_sends *discord_sends_create(struct platform *bot)
{
	struct discord_sends *sends = mem_zero(1, sizeof(*sends));

	sends->bot = bot;
	sends->clock_ms = clock_wall_ms() - (int64_t)loop_now_ms(bot->host->loop);
	sends->soon = loop_timer_create(bot->host->loop, tell_settled, sends);
	return sends;
}

size_t discord_sends_running(const struct discord_sends *sends)
{
	return sends ? HASH_COUNT(sends->all) : 0;
}

void discord_sends_destroy(struct discord_sends *sends)
{
	struct sending *sending, *next;

	if (sends == NULL)
		return;
	sending = sends->all;
	HASH_CLEAR(hh, sends->all);
	for (; sending; sending = next) {
		next = sending->hh.next;
		if (sending->call)
			discord_rest_cancel(sends->bot, sending->call);
		sending_free(sending);
	}
	loop_timer_destroy(sends->soon);
	free(sends);
}
