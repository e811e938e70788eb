/* Finds out whether something we sent arrived: reads what stands in the channel since, and looks for our own message by its
 * nonce or, where none is shown, by what it says (sheet 14, 19). */
#include "buf.h"
#include "mem.h"
#include "out.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

enum {
	LOOK_PAGES_MAX = 20,
	LOOK_PAGE = 100,
	LOOK_SETTLE_MS = 5000,	    /* what was sent a moment ago may not stand there yet */
	LOOK_MARGIN_MS = 60 * 1000, /* the platform's clock is not ours */
};

struct discord_lookup {
	struct platform *bot;
	snowflake channel, asked_in, answers, after; /* answers: the message replied to, 0: none */
	bool in_guild;
	char nonce[DISCORD_NONCE_SIZE];
	char *words; /* of the message, as compared */
	size_t file_len;
	char *file_name;
	unsigned pages;
	bool saw_any;
	struct loop_timer *settle;
	uint64_t call;
	discord_found_fn *fn;
	void *owner;
	uint64_t ticket;
};

static void read_page(struct discord_lookup *lookup);

static void lookup_free(struct discord_lookup *lookup)
{
	loop_timer_destroy(lookup->settle);
	free(lookup->words);
	free(lookup->file_name);
	free(lookup);
}

static void finish(struct discord_lookup *lookup, const struct discord_found *found)
{
	lookup->fn(lookup->bot, lookup->owner, lookup->ticket, found);
	lookup_free(lookup);
}

static void finish_as(struct discord_lookup *lookup, enum discord_looked how, const char *why)
{
	finish(lookup, &(struct discord_found){ .how = how, .why = why });
}

/* ---- what a message is ------------------------------------------------------------------------------------ */

/* Letters and digits: the platform may strip the rest, and signs of form. Of a text without any, all that shows. */
static char *comparable(const char *text)
{
	struct buf words = { 0 }, signs = { 0 };
	const uint8_t *at = (const uint8_t *)text, *next;
	ucs4_t c;

	for (; (next = u8_next(&c, at)) != NULL; at = next) {
		if (uc_is_alnum(c))
			buf_add(&words, at, (size_t)(next - at));
		else if (!uc_is_property_white_space(c) && !uc_is_property_default_ignorable_code_point(c) &&
			 c != '\\')
			buf_add(&signs, at, (size_t)(next - at));
	}
	if (words.len == 0) {
		buf_free(&words);
		return buf_take(&signs);
	}
	buf_free(&signs);
	return buf_take(&words);
}

/* Right after the start we may not know yet who we are; then what is said must do, or an answer would be doubled. */
static bool is_own(const struct platform *bot, const json_t *message)
{
	snowflake author = snowflake_read(json_object_get(json_object_get(message, "author"), "id"));

	return bot->user_id == 0 || author == bot->user_id;
}

/* The platform writes names its own way: spaces become "_", what is not ASCII may be gone. */
static bool same_name(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a && !isalnum((unsigned char)*a))
			a++;
		while (*b && !isalnum((unsigned char)*b))
			b++;
		if (*a != *b || *a == '\0')
			return *a == *b;
	}
}

static bool is_file(const struct discord_lookup *lookup, const json_t *message)
{
	const json_t *files = json_object_get(message, "attachments"), *file = json_array_get(files, 0);
	const char *name = json_text(file, "filename");

	if (lookup->file_name == NULL)
		return json_array_size(files) == 0;
	return name && same_name(name, lookup->file_name) &&
	       json_int(file, "size", -1) == (int64_t)lookup->file_len;
}

static bool answers_other(const struct discord_lookup *lookup, const json_t *message)
{
	const json_t *reference = json_object_get(message, "message_reference");
	snowflake to = snowflake_read(json_object_get(reference, "message_id"));

	return to && to != lookup->answers;
}

static bool is_sought(const struct discord_lookup *lookup, const json_t *message)
{
	const char *nonce = json_text(message, "nonce"), *content = json_text(message, "content");
	char *words;
	bool same;

	if (!is_own(lookup->bot, message))
		return false;
	if (nonce)
		return strcmp(nonce, lookup->nonce) == 0;
	if (content == NULL || answers_other(lookup, message) || !is_file(lookup, message))
		return false;
	words = comparable(content);
	same = strcmp(words, lookup->words) == 0;
	free(words);
	return same;
}

/* ---- the pages ---------------------------------------------------------------------------------------------- */

static void failed(struct discord_lookup *lookup, const struct discord_answer *answer)
{
	struct discord_found found = { .how = DISCORD_LOOK_NEVER };
	struct err why;

	switch (discord_outcome(answer, &found.retry_ms, &why)) {
	case SENT_AUTH:
		found.how = DISCORD_LOOK_NOBODY;
		break;
	case SENT_LIMITED:
	case SENT_MAYBE: /* reading twice harms nobody */
		found.how = DISCORD_LOOK_LATER;
		break;
	case SENT_NOT:
		found.how = discord_refused(answer, DISCORD_UNKNOWN_MESSAGE) ? DISCORD_LOOK_NEVER
									     : DISCORD_LOOK_LATER;
		break;
	default:
		break;
	}
	found.why = why.text;
	finish(lookup, &found);
}

static void get(struct discord_lookup *lookup, char *path, discord_rest_fn *fn)
{
	lookup->call = discord_rest(lookup->bot, &(struct discord_call){ .method = "GET", .path = path }, fn,
				    lookup, lookup->ticket);
	free(path);
}

/* Who may not read gets an empty list, no error (sheet 17); asked for one message, they are told. */
static void probe_done(struct platform *bot, void *owner, uint64_t ticket,
		       const struct discord_answer *answer)
{
	struct discord_lookup *lookup = owner;

	(void)bot;
	(void)ticket;
	lookup->call = 0;
	if (answer->how == DISCORD_OK || discord_refused(answer, DISCORD_UNKNOWN_MESSAGE))
		finish_as(lookup, DISCORD_FOUND_NOT, NULL);
	else
		failed(lookup, answer);
}

static void probe(struct discord_lookup *lookup)
{
	snowflake message = lookup->answers ? lookup->answers : lookup->after;

	get(lookup, discord_message_path((struct discord_spot){ lookup->asked_in, message }), probe_done);
}

static void read_on(struct discord_lookup *lookup, const json_t *messages)
{
	const json_t *message;
	snowflake newest = lookup->after, id;
	struct discord_found found = { .how = DISCORD_FOUND };
	size_t i;

	json_array_foreach (messages, i, message) {
		id = snowflake_read(json_object_get(message, "id"));
		newest = id > newest ? id : newest;
		if (id && is_sought(lookup, message))
			found.spot = (struct discord_spot){ lookup->channel, id };
	}
	lookup->saw_any |= json_array_size(messages) > 0;
	if (found.spot.message)
		finish(lookup, &found);
	else if (json_array_size(messages) < LOOK_PAGE && (lookup->saw_any || !lookup->in_guild))
		finish_as(lookup, DISCORD_FOUND_NOT, NULL);
	else if (json_array_size(messages) < LOOK_PAGE)
		probe(lookup);
	else if (++lookup->pages >= LOOK_PAGES_MAX || newest == lookup->after)
		finish_as(lookup, DISCORD_LOOK_NEVER, "too much was said since to look for it");
	else {
		lookup->after = newest;
		read_page(lookup);
	}
}

static void page_done(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct discord_lookup *lookup = owner;

	(void)bot;
	(void)ticket;
	lookup->call = 0;
	if (answer->how != DISCORD_OK)
		failed(lookup, answer);
	else if (!json_is_array(answer->body))
		finish_as(lookup, DISCORD_LOOK_LATER,
			  "the platform answers with something else than messages");
	else
		read_on(lookup, answer->body);
}

static void read_page(struct discord_lookup *lookup)
{
	get(lookup,
	    mem_format("/channels/%" PRIu64 "/messages?limit=%d&after=%" PRIu64, lookup->channel, LOOK_PAGE,
		       lookup->after),
	    page_done);
}

static void settled(void *data)
{
	read_page(data);
}

struct discord_lookup *discord_read_back(struct platform *bot, const struct discord_look *look,
					 discord_found_fn *fn, void *owner, uint64_t ticket)
{
	struct discord_lookup *lookup = mem_zero(1, sizeof(*lookup));
	snowflake since = snowflake_at(look->since_ms - LOOK_MARGIN_MS), asked = look->place->message;

	lookup->bot = bot;
	lookup->channel = look->channel;
	lookup->asked_in = look->place->channel;
	lookup->in_guild = look->place->guild != 0 && !look->place->whisper;
	lookup->answers = asked;
	lookup->after = asked > since ? asked : since;
	lookup->words = comparable(look->content);
	lookup->file_len = look->file_len;
	lookup->file_name = mem_text(look->file_name);
	memcpy(lookup->nonce, look->nonce, strlen(look->nonce) + 1);
	lookup->fn = fn;
	lookup->owner = owner;
	lookup->ticket = ticket;
	lookup->settle = loop_timer_create(bot->host->loop, settled, lookup);
	loop_timer_start(lookup->settle, LOOK_SETTLE_MS, 0);
	return lookup;
}

void discord_lookup_cancel(struct discord_lookup *lookup)
{
	if (lookup == NULL)
		return;
	if (lookup->call)
		discord_rest_cancel(lookup->bot, lookup->call);
	lookup_free(lookup);
}
