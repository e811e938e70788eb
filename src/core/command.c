/* Carries out our own commands: what a person asks the daemon, not the model. How they are written is the platform's
 * matter; here come the bare words. */
#include "command.h"
#include "approval.h"
#include "crypto.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "outbox.h"
#include "store_people.h"
#include "turn_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD_SIZE = 16 };

static const char help_text[] = "I answer questions and look after your to-do list. Just write to me.\n\n"
				"I also know these commands:\n\n"
				"* **help**: this list\n"
				"* **new**: begins a new conversation, without what was said before\n"
				"* **usage**: what your questions took today and this month\n"
				"* **link**: a code with which I know you in another place, too\n"
				"* **link** and a code: I am told that you are the person who got it there\n"
				"* **language** and a code such as de or pt-BR: I answer in this language; "
				"**language off**: as before\n";

/* ---- usage ----------------------------------------------------------------------------------- */

struct usage {
	int64_t requests, tokens, unknown;
	double cost_usd;
};

static struct usage read_usage(const json_t *part)
{
	return (struct usage){ .requests = json_int(part, "requests", 0),
			       .tokens = json_int(part, "tokens", 0),
			       .unknown = json_int(part, "unknown_cost", 0),
			       .cost_usd = json_number_value(json_object_get(part, "cost_usd")) };
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
	json_t *usage = json_read(json, strlen(json), NULL);
	struct usage today = read_usage(json_object_get(usage, "today"));
	struct usage month = read_usage(json_object_get(usage, "month"));
	struct buf out = { 0 };

	json_decref(usage);
	say_usage(&out, "Today", &today);
	buf_text(&out, "  \n");
	say_usage(&out, "This month", &month);
	return buf_take(&out);
}

/* ---- what the store answered ----------------------------------------------------------------- */

static void say_no(struct turn *turn, const char *why)
{
	char *words = mem_format("That is not possible: %s.", why);

	turn_answer(turn, words, NULL);
	free(words);
}

/* The turn whose command this was, when the store could do it. Why it may not is said to the person. */
static struct turn *settled(struct core *core, uint64_t ticket, const struct err *err)
{
	bool holds = core_answered(core, err);
	struct turn *turn = turn_of(core->turns, ticket);

	if (turn == NULL || holds)
		return turn;
	if (core_may_ask_again(err)) {
		turn_retry_later(turn, err);
	} else if (err->kind == ERR_GONE || err->kind == ERR_REFUSED) {
		say_no(turn, err->text);
	} else {
		log_error(&turn->log, "command: %s", err->text);
		turn_fail(turn, "command_failed", NULL);
	}
	return NULL;
}

static void done_usage(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct turn *turn = settled(owner, ticket, err);
	char *words;

	if (turn == NULL)
		return;
	words = usage_words(json);
	turn_answer(turn, words, NULL);
	free(words);
}

static void done_link_make(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct turn *turn = settled(owner, ticket, err);
	char *words;

	(void)json;
	if (turn == NULL)
		return;
	words = mem_format(
		"Your code is **%s**. Give me the command **link %s** where I do not know you yet. "
		"From then on you are the same person for me in both places. "
		"The code is good once, for ten minutes: keep it to yourself.",
		turn->question.code, turn->question.code);
	turn_answer(turn, words, NULL);
	free(words);
}

static void done_link_use(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct turn *turn = settled(owner, ticket, err);

	(void)json;
	if (turn)
		turn_answer(turn, "Done: I know you now as the person who asked for this code.", NULL);
}

/* The code in the answer, or NULL. The caller frees. */
static char *language_in(const char *json)
{
	json_t *row = json_read(json, strlen(json), NULL);
	char *language = mem_text(json_text(row, "language"));

	json_decref(row);
	return language;
}

static void tell_language(struct core *core, uint64_t ticket, const struct err *err, const char *json,
			  const char *with, const char *without)
{
	struct turn *turn = settled(core, ticket, err);
	char *language, *words = NULL;

	if (turn == NULL)
		return;
	language = language_in(json);
	if (language)
		words = mem_format("%s **%s**.", with, language);
	turn_answer(turn, words ? words : without, NULL);
	free(words);
	free(language);
}

static void done_language(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	tell_language(owner, ticket, err, json, "From now on I answer you in the language",
		      "From now on I answer in whatever language suits the question.");
}

static void done_language_of(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	tell_language(owner, ticket, err, json, "I answer you in the language",
		      "You have not asked for a language: I answer in whatever suits the question.");
}

/* ---- asking it ------------------------------------------------------------------------------- */

static void ask_usage(struct turn *turn)
{
	struct core *core = turn->core;
	const char *args[] = { turn->question.caller.profile_id };

	core_asking(core);
	store_report(core->options.store, "usage_of", args, 1, done_usage, core, turn_ticket(turn));
}

static void ask_act(struct turn *turn, const char *act, const char *const *args, size_t count,
		    store_json_fn *done)
{
	struct core *core = turn->core;

	core_asking(core);
	store_act(core->options.store, act, args, count, done, core, turn_ticket(turn));
}

static void make_code(struct turn *turn)
{
	char hash[CRYPTO_SHA256_HEX];
	const char *code = code_make(turn->question.code);
	const char *args[] = { turn->question.caller.profile_id,
			       crypto_sha256_hex(code, strlen(code), hash) };

	ask_act(turn, "link_make", args, sizeof(args) / sizeof(args[0]), done_link_make);
}

static void use_code(struct turn *turn, const char *code)
{
	char hash[CRYPTO_SHA256_HEX];
	const char *args[] = { turn->question.caller.profile_id, turn->platform, turn->installation,
			       turn->question.sender, crypto_sha256_hex(code, strlen(code), hash) };

	ask_act(turn, "link_use", args, sizeof(args) / sizeof(args[0]), done_link_use);
}

static void link_command(struct turn *turn, const char *argument)
{
	char code[CODE_SIZE];

	if (*argument == '\0') {
		make_code(turn);
	} else if (code_read(argument, code)) {
		use_code(turn, code);
	} else {
		turn_answer(turn, "This is not one of my codes: they have eight letters and digits.", NULL);
	}
}

/* The argument without what surrounds it; anything longer than a code of a language is none. */
static void language_command(struct turn *turn, const char *argument)
{
	struct core *core = turn->core;
	const char *profile = turn->question.caller.profile_id;
	size_t len = strcspn(argument, " \t\r\n");
	char *code = mem_text_n(argument, len);
	const char *args[] = { profile, strcasecmp(code, "off") == 0 ? NULL : code };

	if (argument[len + strspn(argument + len, " \t\r\n")] != '\0') {
		turn_answer(turn, "Please give me one code of a language, such as de or pt-BR.", NULL);
	} else if (len == 0) {
		core_asking(core);
		store_report(core->options.store, "language_of", args, 1, done_language_of, core,
			     turn_ticket(turn));
	} else {
		ask_act(turn, "language", args, 2, done_language);
	}
	free(code);
}

/* ---- approvals ------------------------------------------------------------------------------- */

/* The turn goes on as one of the model's, with the call that was approved. */
static void begin_approved(struct turn *turn, const json_t *decision)
{
	struct turn_question *question = &turn->question;
	struct ai_approval *approved = arena_alloc(question->arena, sizeof(*approved));
	const char *tool = arena_text(question->arena, json_text(decision, "tool"));

	*approved = (struct ai_approval){ arena_text(question->arena, question->code), tool,
					  arena_text(question->arena, json_text(decision, "arguments")) };
	question->approved = approved;
	question->prompt =
		arena_format(question->arena, "(I approve the call of %s that you asked for.)", tool);
	turn_go(turn, TURN_RECALL);
}

static void done_decide(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct core *core = owner;
	struct turn *turn = turn_of(core->turns, ticket);
	json_t *decision;
	char *words;

	if (turn &&
	    err->kind == ERR_GONE) /* a place full of people need not see who pressed a button for fun */
		turn->end.reason = MESSAGE_NOT_YOURS;
	if (err->kind == ERR_NONE)
		outbox_wake(core->outbox); /* the message that asked is to say so */
	turn = settled(owner, ticket, err);
	if (turn == NULL)
		return;
	decision = json_read(json, strlen(json), NULL);
	if (json_is_true(json_object_get(decision, "approved"))) {
		begin_approved(turn, decision);
	} else {
		words = mem_format("I leave it: **%s** is not done.", json_text(decision, "tool"));
		turn_answer(turn, words, NULL);
		free(words);
	}
	json_decref(decision);
}

static void decide(struct turn *turn, bool yes)
{
	char id[24];
	const char *args[] = { turn->question.code, turn->question.caller.profile_id,
			       yes ? "approve" : "deny", id };

	snprintf(id, sizeof(id), "%lld", (long long)turn->id);
	ask_act(turn, "approval_decide", args, sizeof(args) / sizeof(args[0]), done_decide);
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

bool command_code(const char *text, char out[CODE_SIZE])
{
	char word[WORD_SIZE];
	const char *argument = split_word(text, word);

	return strcasecmp(word, "link") == 0 && code_read(argument, out);
}

void start_command(struct turn *turn)
{
	char word[WORD_SIZE];
	const char *argument = split_word(turn->question.text, word);
	char *words;
	bool yes;

	if (approval_said(turn->question.text, &yes, turn->question.code)) {
		decide(turn, yes);
	} else if (strcasecmp(word, "help") == 0 || *word == '\0') {
		turn_answer(turn, help_text, NULL);
	} else if (strcasecmp(word, "new") == 0) {
		turn_answer(turn, "This is a new conversation: I begin without what was said before.", NULL);
	} else if (strcasecmp(word, "usage") == 0) {
		ask_usage(turn);
	} else if (strcasecmp(word, "link") == 0) {
		link_command(turn, argument);
	} else if (strcasecmp(word, "language") == 0) {
		language_command(turn, argument);
	} else {
		words = mem_format("I don't know this command. %s", help_text);
		turn_answer(turn, words, NULL);
		free(words);
	}
}
