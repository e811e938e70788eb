/* The provider that needs no key and no network: it hands out what local_answer says, in parts like a real
 * one. */
#include "local.h"
#include "loop.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { PARTS = 4 };

/* One answer being said. */
struct say {
	uint64_t ticket, began_ms;
	struct arena *arena;
	struct local_reply reply;
	size_t said;
	int64_t first_ms;
	bool cancelled;
	struct say *next;
};

struct check {
	uint64_t ticket;
	struct check *next;
};

struct llm {
	struct llm_host host;
	struct loop_timer *timer;
	struct say *first, **last;
	struct say *speaking; /* whose callback is on the stack */
	struct check *checks;
};

static void finish(struct llm *llm, struct say *say)
{
	struct llm_reply reply = {
		.text = say->reply.text ? say->reply.text : "",
		.calls = &say->reply.call,
		.call_count = say->reply.call.id ? 1 : 0,
		.stop = say->reply.call.id ? LLM_STOP_TOOLS : LLM_STOP_END,
		.first_token_ms = say->first_ms,
		.latency_ms = (int64_t)(loop_now_ms(llm->host.loop) - say->began_ms),
	};

	llm->host.done(llm->host.owner, say->ticket, &reply);
}

static void forget(struct say *say)
{
	arena_destroy(say->arena);
	free(say);
}

static void enqueue(struct llm *llm, struct say *say)
{
	say->next = NULL;
	*llm->last = say;
	llm->last = &say->next;
}

/* A part ends behind a space, so that words stay whole. */
static size_t part_len(const char *rest, size_t whole)
{
	size_t len = strlen(rest), want = whole / PARTS + 1;
	const char *space;

	if (want >= len)
		return len;
	space = strchr(rest + want, ' ');
	return space ? (size_t)(space - rest) + 1 : len;
}

/* Says the next part, or that all is said; false when it is over. */
static bool speak(struct llm *llm, struct say *say)
{
	const char *text = say->reply.text ? say->reply.text : "";
	size_t whole = strlen(text), len;

	if (say->said == whole) {
		finish(llm, say);
		return false;
	}
	if (say->said == 0)
		say->first_ms = (int64_t)(loop_now_ms(llm->host.loop) - say->began_ms);
	len = part_len(text + say->said, whole);
	say->said += len;
	llm->host.part(llm->host.owner, say->ticket, text + say->said - len, len);
	return true;
}

static void answer_checks(struct llm *llm)
{
	struct check *list = llm->checks, *next;
	struct err fine = { 0 };

	llm->checks = NULL;
	for (; list; list = next) {
		next = list->next;
		llm->host.checked(llm->host.owner, list->ticket, &fine, 0);
		free(list);
	}
}

/* Each answer gets one turn a round; those asked for meanwhile wait for the next. */
static void tick(void *data)
{
	struct llm *llm = data;
	size_t count = 0;

	for (struct say *say = llm->first; say; say = say->next)
		count++;
	answer_checks(llm);
	while (count-- > 0 && llm->first) {
		struct say *say = llm->first;
		bool more;

		llm->first = say->next;
		if (llm->first == NULL)
			llm->last = &llm->first;
		llm->speaking = say;
		more = speak(llm, say);
		llm->speaking = NULL;
		if (more && !say->cancelled)
			enqueue(llm, say);
		else
			forget(say);
	}
	if (llm->first || llm->checks)
		loop_timer_start(llm->timer, 0, 0);
}

static struct llm *create(const struct llm_host *host, const struct settings *model, struct err *err)
{
	struct llm *llm = mem_zero(1, sizeof(*llm));

	(void)model;
	(void)err;
	llm->host = *host;
	llm->last = &llm->first;
	llm->timer = loop_timer_create(host->loop, tick, llm);
	return llm;
}

static void ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct say *say = mem_zero(1, sizeof(*say));

	say->ticket = ticket;
	say->began_ms = loop_now_ms(llm->host.loop);
	say->first_ms = -1;
	say->arena = arena_create();
	say->reply = local_answer(request, say->arena);
	enqueue(llm, say);
	loop_timer_start(llm->timer, 0, 0);
}

static void cancel(struct llm *llm, uint64_t ticket)
{
	struct say **at = &llm->first, *say;

	if (llm->speaking && llm->speaking->ticket == ticket)
		llm->speaking->cancelled = true;
	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	say = *at;
	*at = say->next;
	if (*at == NULL)
		llm->last = at;
	forget(say);
}

static void check(struct llm *llm, uint64_t ticket)
{
	struct check *check = mem_zero(1, sizeof(*check));

	*check = (struct check){ .ticket = ticket, .next = llm->checks };
	llm->checks = check;
	loop_timer_start(llm->timer, 0, 0);
}

static void destroy(struct llm *llm)
{
	if (llm == NULL)
		return;
	while (llm->first)
		cancel(llm, llm->first->ticket);
	while (llm->checks) {
		struct check *next = llm->checks->next;

		free(llm->checks);
		llm->checks = next;
	}
	loop_timer_destroy(llm->timer);
	free(llm);
}

static const struct setting no_settings[] = { { 0 } };

const struct llm_ops local_ops = { "local", no_settings, create, ask, cancel, check, destroy };
