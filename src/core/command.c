/* Carries out our own commands: what a person asks the daemon, not the model. How they are written is the platform's
 * matter; here come the bare words. */
#include "clock.h"
#include "crypto.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "store_people.h"
#include "turn_inside.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD_SIZE = 16, MONTH_SIZE = 8 /* "2026-01" */, DAY_SIZE = 11 };

static const char help_text[] = "I answer questions and look after your to-do list. Just write to me.\n\n"
				"I also know these commands:\n\n"
				"* **help**: this list\n"
				"* **new**: begins a new conversation, without what was said before\n"
				"* **usage**: what your questions took today and this month\n"
				"* **link**: a code with which I know you in another place, too\n"
				"* **link** and a code: I am told that you are the person who got it there\n";

/* ---- usage ----------------------------------------------------------------------------------- */

struct usage {
	int64_t requests, tokens, unknown;
	double cost_usd;
};

static void add_day(struct usage *usage, const json_t *day)
{
	usage->requests += json_int(day, "requests", 0);
	usage->tokens += json_int(day, "tokens", 0);
	usage->unknown += json_int(day, "unknown_cost", 0);
	usage->cost_usd += json_number_value(json_object_get(day, "cost_usd"));
}

static void say_usage(struct buf *out, const char *when, const struct usage *usage)
{
	if (usage->requests == 0) {
		buf_format(out, "%s: nothing yet.", when);
		return;
	}
	buf_format(out, "%s: %lld request%s to the model, %lld tokens, ", when, (long long)usage->requests,
		   usage->requests == 1 ? "" : "s", (long long)usage->tokens);
	if (usage->unknown == usage->requests)
		buf_text(out, "cost unknown.");
	else if (usage->unknown)
		buf_format(out, "$%.4f, and unknown cost for %lld of them.", usage->cost_usd,
			   (long long)usage->unknown);
	else
		buf_format(out, "$%.4f.", usage->cost_usd);
}

static char *usage_words(const char *json)
{
	char now[CLOCK_TEXT_SIZE];
	struct usage today = { 0 }, month = { 0 };
	json_t *days = json_read(json, strlen(json), NULL);
	struct buf out = { 0 };
	const json_t *day;
	size_t i;

	clock_text(clock_wall_ms(), now);
	json_array_foreach (days, i, day) {
		const char *date = json_text(day, "day");

		add_day(&month, day);
		if (date && strncmp(date, now, DAY_SIZE - 1) == 0)
			add_day(&today, day);
	}
	json_decref(days);
	say_usage(&out, "Today", &today);
	buf_text(&out, "  \n");
	say_usage(&out, "This month", &month);
	return buf_take(&out);
}

/* ---- what the store answered ----------------------------------------------------------------- */

/* The turn whose command this was, when the store could do it. refusal: said when it may not. */
static struct turn *settled(struct core *core, uint64_t ticket, const struct err *err, const char *refusal)
{
	bool holds = core_answered(core, err);
	struct turn *turn = turn_of(core->turns, ticket);

	if (turn == NULL || holds)
		return turn;
	if (core_may_ask_again(err)) {
		turn_retry_later(turn, err);
	} else if (refusal && (err->kind == ERR_GONE || err->kind == ERR_REFUSED)) {
		turn_answer(turn, refusal, NULL);
	} else {
		log_error(&turn->log, "command: %s", err->text);
		turn_fail(turn, "command_failed", NULL);
	}
	return NULL;
}

static void done_usage(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct turn *turn = settled(owner, ticket, err, NULL);
	char *words;

	if (turn == NULL)
		return;
	words = usage_words(json);
	turn_answer(turn, words, NULL);
	free(words);
}

static void done_link_make(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct turn *turn = settled(owner, ticket, err, NULL);
	char *words;

	(void)json;
	if (turn == NULL)
		return;
	words = mem_format(
		"Your code is **%s**. Give me the command **link %s** where I do not know you yet. "
		"From then on you are the same person for me in both places. "
		"The code is good once, and for a short time: keep it to yourself.",
		turn->question.code, turn->question.code);
	turn_answer(turn, words, NULL);
	free(words);
}

static void done_link_use(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct turn *turn = settled(owner, ticket, err,
				    "I don't know this code, or its time is over. Ask for a new one with the "
				    "command **link** in the place where I know you.");

	(void)json;
	if (turn)
		turn_answer(turn, "Done: I know you now as the person who asked for this code.", NULL);
}

/* ---- asking it ------------------------------------------------------------------------------- */

static void ask_usage(struct turn *turn)
{
	struct core *core = turn->core;
	char now[CLOCK_TEXT_SIZE], since[DAY_SIZE];
	const char *args[] = { "day", since, NULL, turn->question.caller.profile_id };

	clock_text(clock_wall_ms(), now);
	snprintf(since, sizeof(since), "%.*s-01", MONTH_SIZE - 1, now);
	core_asking(core);
	store_report(core->options.store, "usage", args, sizeof(args) / sizeof(args[0]), done_usage, core,
		     turn_ticket(turn));
}

static void ask_link(struct turn *turn, const char *act, const char *code, store_json_fn *done)
{
	struct core *core = turn->core;
	char hash[CRYPTO_SHA256_HEX];
	const char *args[] = { turn->question.caller.profile_id,
			       crypto_sha256_hex(code, strlen(code), hash) };

	core_asking(core);
	store_act(core->options.store, act, args, sizeof(args) / sizeof(args[0]), done, core,
		  turn_ticket(turn));
}

/* Typed by hand: capitals or not, with spaces or dashes. false: it cannot be a code of ours. */
static bool read_code(const char *text, char out[PAIRING_CODE_SIZE])
{
	size_t len = 0;

	for (; *text; text++) {
		char c = (char)toupper((unsigned char)*text);

		if (c == ' ' || c == '-')
			continue;
		if (strchr(pairing_alphabet, c) == NULL || len == PAIRING_CODE_SIZE - 1)
			return false;
		out[len++] = c;
	}
	out[len] = '\0';
	return len == PAIRING_CODE_SIZE - 1;
}

static void link_command(struct turn *turn, const char *argument)
{
	char code[PAIRING_CODE_SIZE];

	if (*argument == '\0') {
		pairing_code(turn->question.code);
		ask_link(turn, "link_make", turn->question.code, done_link_make);
	} else if (read_code(argument, code)) {
		ask_link(turn, "link_use", code, done_link_use);
	} else {
		turn_answer(turn, "This is not one of my codes: they have eight letters and digits.", NULL);
	}
}

/* The first word without its case, and what follows it. */
static const char *split_word(const char *text, char word[WORD_SIZE])
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strcspn(text, " \t\r\n");
	snprintf(word, WORD_SIZE, "%.*s", (int)(len < WORD_SIZE ? len : WORD_SIZE), text);
	text += len;
	return text + strspn(text, " \t\r\n");
}

void start_command(struct turn *turn)
{
	char word[WORD_SIZE];
	const char *argument = split_word(turn->question.text, word);
	char *words;

	if (strcasecmp(word, "help") == 0 || *word == '\0') {
		turn_answer(turn, help_text, NULL);
	} else if (strcasecmp(word, "new") == 0) {
		turn_answer(turn, "This is a new conversation: I begin without what was said before.", NULL);
	} else if (strcasecmp(word, "usage") == 0) {
		ask_usage(turn);
	} else if (strcasecmp(word, "link") == 0) {
		link_command(turn, argument);
	} else {
		words = mem_format("I don't know this command. %s", help_text);
		turn_answer(turn, words, NULL);
		free(words);
	}
}
