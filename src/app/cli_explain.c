/* `usher explain`: one message's whole way, told in the order it happened. */
#include "cli.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 200 };
enum { STAGE_QUESTION, STAGE_ANSWER, STAGE_END };

/* Something to be told, with its time. */
struct told {
	const char *at;
	int64_t seq; /* of the record; 0: not from there */
	int stage;
	size_t order;
	const json_t *row;
	void (*tell)(const json_t *row);
};

struct story {
	struct told *list;
	size_t count;
};

static int64_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_text(object, name);

	return text ? text : "";
}

/* A text on one line, cut where it gets long. */
static void put_short(const char *text)
{
	size_t len = strlen(text), fit = text_fit(text, len, SHOWN_MAX);
	char *cut = mem_text_n(text, fit);

	for (char *at = cut; *at; at++)
		if (*at == '\n' || *at == '\r' || *at == '\t')
			*at = ' ';
	cli_put(stdout, cut);
	if (fit < len)
		printf("... (%zu bytes)", len);
	free(cut);
}

static void line(const char *what, const char *text)
{
	printf("%26s%s: ", "", what);
	put_short(text);
	putchar('\n');
}

static void begin(const char *at)
{
	printf("%-24s  ", at);
}

/* ---- one line, or some, of the story ------------------------------------------------------------------------ */

static void tell_what(const json_t *row)
{
	begin(text_of(row, "at"));
	put_short(text_of(row, "what"));
	putchar('\n');
}

static void tell_attempt(const json_t *row)
{
	const json_t *cost = json_object_get(row, "cost_usd"), *tokens = json_object_get(row, "tokens");

	begin(text_of(row, "created_at"));
	if (strcmp(text_of(row, "type"), "transcription") == 0)
		fputs("transcription by ", stdout);
	else if (strcmp(text_of(row, "type"), "summary") == 0)
		fputs("summary by ", stdout);
	else
		fputs("model ", stdout);
	put_short(*text_of(row, "provider") ? text_of(row, "provider") : "-");
	putchar('/');
	put_short(*text_of(row, "model") ? text_of(row, "model") : "unknown");
	printf(" %s after %" PRId64 " ms",
	       json_is_true(json_object_get(row, "success")) ? "answered" : "failed",
	       number_of(row, "latency_ms"));
	if (json_is_integer(tokens))
		printf(", %" PRId64 " + %" PRId64 " tokens", number_of(row, "input_tokens"),
		       number_of(row, "output_tokens"));
	printf(", %s%s\n", json_is_string(cost) ? "$" : "cost unknown",
	       json_is_string(cost) ? json_string_value(cost) : "");
	if (*text_of(row, "error"))
		line("why", text_of(row, "error"));
}

/* What was said before is told in fewer words from now on. */
static void tell_summary(const json_t *row)
{
	tell_attempt(row);
	printf("%26sof the turns up to %" PRId64 "%s\n", "", number_of(row, "upto_turn_id"),
	       json_is_true(json_object_get(row, "in_use")) ? "" : ", not in use");
	if (*text_of(row, "text"))
		line("text", text_of(row, "text"));
}

static void tell_call(const json_t *row)
{
	begin(text_of(row, "created_at"));
	fputs("tool ", stdout);
	put_short(text_of(row, "tool"));
	if (*text_of(row, "class"))
		printf(" (%s)", text_of(row, "class"));
	printf(" %s after %" PRId64 " ms\n",
	       json_is_true(json_object_get(row, "success")) ? "answered" : text_of(row, "error"),
	       number_of(row, "latency_ms"));
	line("arguments", text_of(row, "arguments"));
	line("result", text_of(row, "result"));
}

/* ---- putting it together ------------------------------------------------------------------------------------- */

/* Who was asked what. */
static void tell_asked(const json_t *row)
{
	char *arguments = json_write(json_object_get(row, "arguments"));

	begin(text_of(row, "asked_at"));
	fputs("asks ", stdout);
	put_short(text_of(row, "asked"));
	fputs(" to approve ", stdout);
	put_short(text_of(row, "tool"));
	printf(" (%s), now: %s\n", text_of(row, "code"), text_of(row, "state"));
	line("arguments", arguments);
	free(arguments);
}

/* Who said yes or no, and when. */
static void tell_decided(const json_t *row)
{
	begin(text_of(row, "decided_at"));
	put_short(text_of(row, "tool"));
	printf(" (%s) %s by ", text_of(row, "code"), text_of(row, "state"));
	put_short(*text_of(row, "decided_by") ? text_of(row, "decided_by") : "nobody");
	putchar('\n');
}

/* The story goes by stage before it goes by time: times of one millisecond tell nothing. What was asked here is decided
 * when the answer is out. */
static int stage_of(const json_t *row, void (*tell)(const json_t *row))
{
	const char *what = text_of(row, "what");

	if (tell == tell_decided && json_is_true(json_object_get(row, "asked_here")))
		return STAGE_END;
	if (tell != tell_what || strncmp(what, "model ", 6) == 0) /* one that was not asked */
		return STAGE_ANSWER;
	return strncmp(what, "said", 4) == 0 || strcmp(what, "accepted") == 0 || strncmp(what, "turn", 4) == 0
		       ? STAGE_QUESTION
		       : STAGE_END;
}

static void add(struct story *story, const json_t *rows, const char *time, void (*tell)(const json_t *row))
{
	const json_t *row;
	size_t i;

	story->list = mem_resize(story->list, story->count + json_array_size(rows) + 1, sizeof(*story->list));
	json_array_foreach (rows, i, row) {
		if (*text_of(row, time) == '\0')
			continue; /* it has not happened */
		story->list[story->count] = (struct told){ .at = text_of(row, time),
							   .seq = number_of(row, "seq"),
							   .stage = stage_of(row, tell),
							   .order = story->count,
							   .row = row,
							   .tell = tell };
		story->count++;
	}
}

/* Rows of the record go by their numbers: several may share one millisecond. */
static int earlier(const void *a, const void *b)
{
	const struct told *x = a, *y = b;
	int by_time;

	if (x->stage != y->stage)
		return x->stage - y->stage;
	if (x->seq && y->seq)
		return x->seq < y->seq ? -1 : x->seq > y->seq;
	by_time = strcmp(x->at, y->at);
	return by_time ? by_time : x->order < y->order ? -1 : 1;
}

/* The daemon's lines about model and tools say less than the rows of the record. */
static json_t *without_record(const json_t *timeline)
{
	json_t *rest = json_array(), *row;
	size_t i;

	json_array_foreach (timeline, i, row) {
		if (strcmp(text_of(row, "source"), "record") != 0)
			json_array_append(rest, row);
	}
	return rest;
}

static void tell_head(const json_t *all)
{
	const json_t *message = json_object_get(all, "message"), *turn = json_object_get(all, "turn");
	const json_t *who = json_object_get(message, "sender_name");

	printf("Message %" PRId64 " (%s), state: %s", number_of(message, "id"), text_of(message, "uuid"),
	       text_of(message, "state"));
	if (*text_of(message, "reason"))
		printf(" (%s)", text_of(message, "reason"));
	fputs("\nfrom ", stdout);
	put_short(json_is_string(who) ? json_string_value(who) : text_of(message, "sender"));
	printf(" on ");
	put_short(text_of(message, "platform"));
	putchar('/');
	put_short(text_of(message, "installation"));
	fputs("\nsaid: ", stdout);
	put_short(text_of(message, "text"));
	putchar('\n');
	if (*text_of(turn, "answer")) {
		fputs("answer: ", stdout);
		put_short(text_of(turn, "answer"));
		putchar('\n');
	}
	putchar('\n');
}

static void tell_total(const json_t *all)
{
	const json_t *task = json_object_get(all, "task"), *cost = json_object_get(task, "cost_usd");
	size_t requests = json_array_size(json_object_get(all, "attempts"));

	if (!json_is_object(task))
		return;
	printf("\nTotal: %zu requests to models, %zu tool calls", requests,
	       json_array_size(json_object_get(all, "calls")));
	if (json_is_integer(json_object_get(task, "tokens")))
		printf(", %" PRId64 " tokens", number_of(task, "tokens"));
	if (requests > 0)
		printf(", %s%s", json_is_string(cost) ? "$" : "cost unknown",
		       json_is_string(cost) ? json_string_value(cost) : "");
	if (json_is_integer(json_object_get(task, "latency_ms")))
		printf(", %" PRId64 " ms", number_of(task, "latency_ms"));
	putchar('\n');
}

int cli_explain(struct cli *cli)
{
	struct story story = { 0 };
	json_t *all, *rest;
	int status = cli_report(cli, "explain", cli->args, 1, &all);

	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print(cli, all, "");
		return status;
	}
	rest = without_record(json_object_get(all, "timeline"));
	add(&story, rest, "at", tell_what);
	add(&story, json_object_get(all, "attempts"), "created_at", tell_attempt);
	add(&story, json_object_get(all, "calls"), "created_at", tell_call);
	add(&story, json_object_get(all, "summaries"), "created_at", tell_summary);
	add(&story, json_object_get(all, "approvals"), "asked_at", tell_asked);
	add(&story, json_object_get(all, "approvals"), "decided_at", tell_decided);
	if (story.count)
		qsort(story.list, story.count, sizeof(*story.list), earlier);
	tell_head(all);
	for (size_t i = 0; i < story.count; i++)
		story.list[i].tell(story.list[i].row);
	tell_total(all);
	free(story.list);
	json_decref(rest);
	json_decref(all);
	return status;
}
