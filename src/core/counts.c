/* Counts what the core does, for /metrics. */
#include "counts.h"
#include "metrics.h"
#include <string.h>

static struct metric messages = { .name = "usher_messages_total",
				  .help = "Messages by what became of them: at intake and at their end.",
				  .type = METRIC_COUNTER,
				  .label = "platform,outcome" };
static struct metric replies = { .name = "usher_replies_total",
				 .help = "Attempts to send a reply by how they ended.",
				 .type = METRIC_COUNTER,
				 .label = "platform,outcome" };
static struct metric step_seconds = { .name = "usher_turn_step_seconds",
				      .help = "How long the steps of a turn took.",
				      .type = METRIC_HISTOGRAM,
				      .label = "step",
				      .buckets = metric_seconds };
static struct metric first_token = {
	.name = "usher_first_token_seconds",
	.help = "Time from a request to a model to the first piece of its answer.",
	.type = METRIC_HISTOGRAM,
	.buckets = metric_seconds
};
static struct metric tokens = { .name = "usher_tokens_total",
				.help = "Tokens as the model's provider counted them.",
				.type = METRIC_COUNTER,
				.label = "model,kind" };
static struct metric cost = { .name = "usher_cost_usd_total",
			      .help = "US dollars spent where the price is known.",
			      .type = METRIC_COUNTER,
			      .label = "model" };
static struct metric requests = { .name = "usher_model_requests_total",
				  .help = "Requests to models by outcome.",
				  .type = METRIC_COUNTER,
				  .label = "model,outcome" };
static struct metric running = { .name = "usher_turns_running",
				 .help = "Turns running now.",
				 .type = METRIC_GAUGE };
static struct metric waiting = { .name = "usher_conversations_waiting",
				 .help = "Conversations waiting for a slot.",
				 .type = METRIC_GAUGE };
static struct metric oldest = { .name = "usher_queue_oldest_seconds",
				.help = "Age of the conversation that has waited longest for a slot.",
				.type = METRIC_GAUGE };
static struct metric level = { .name = "usher_pressure_level",
			       .help = "Back-pressure: 0 normal, 1 busy, 2 shed, 3 store-only, 4 closed.",
			       .type = METRIC_GAUGE };

void count_messages(const char *platform, const char *outcome, size_t count)
{
	metric_add(&messages, (const char *[]){ platform, outcome }, (double)count);
}

void count_reply(const char *platform, const char *outcome)
{
	metric_add(&replies, (const char *[]){ platform, outcome }, 1);
}

void count_step(const char *step, uint64_t ms)
{
	metric_observe(&step_seconds, (const char *[]){ step }, (double)ms / 1e3);
}

static void count_tokens(const char *model, const char *kind, int64_t count)
{
	if (count > 0)
		metric_add(&tokens, (const char *[]){ model, kind }, (double)count);
}

void count_attempts(const struct ai_attempt *attempts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ai_attempt *attempt = &attempts[i];
		const char *model = attempt->model ? attempt->model : "unknown";

		if (attempt->type && strcmp(attempt->type, "skipped") == 0)
			continue; /* it was never sent */
		metric_add(&requests, (const char *[]){ model, attempt->error ? "failed" : "answered" }, 1);
		count_tokens(model, "input", attempt->input_tokens);
		count_tokens(model, "output", attempt->output_tokens);
		count_tokens(model, "cached", attempt->cached_tokens);
		if (attempt->cost_micros > 0)
			metric_add(&cost, (const char *[]){ model }, (double)attempt->cost_micros / 1e6);
		if (attempt->first_token_ms >= 0)
			metric_observe(&first_token, NULL, (double)attempt->first_token_ms / 1e3);
	}
}

void count_gauges(const struct count_gauges *now)
{
	metric_set(&running, NULL, (double)now->turns);
	metric_set(&waiting, NULL, (double)now->waiting);
	metric_set(&oldest, NULL, now->oldest_s);
	metric_set(&level, NULL, (double)now->level);
}
