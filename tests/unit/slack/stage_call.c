/* Makes calls of the Web API and keeps what came of them. */
#include "stage_call.h"

static unsigned order;

static void keep(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "(none)");
}

void net_came(struct platform *workspace, void *owner, uint64_t ticket, const struct slack_answer *answer)
{
	struct net_result *result = owner;

	assert_int_equal(ticket, 77);
	result->count++;
	result->order = ++order;
	result->how = answer->how;
	keep(result->error, sizeof(result->error), answer->error);
	keep(result->needed, sizeof(result->needed), answer->needed);
	keep(result->scopes, sizeof(result->scopes), answer->scopes);
	keep(result->ts, sizeof(result->ts), json_text(answer->body, "ts"));
	result->retry_ms = answer->retry_ms;
	result->harmless = answer->harmless;
	if (result->next)
		net_call(result->stage, result->next, "auth.test", NULL, NULL);
	if (result->cancels)
		slack_api_cancel(workspace, result->cancels);
}

uint64_t net_call_with(struct net_stage *stage, struct net_result *result, struct slack_call wanted,
		       const char *args)
{
	wanted.args = args ? json_read(args, strlen(args), NULL) : NULL;
	return slack_api(&stage->root, &wanted, net_came, result, 77);
}

void net_call(struct net_stage *stage, struct net_result *result, const char *method, const char *args,
	      const char *lane)
{
	net_call_with(stage, result, (struct slack_call){ .method = method, .lane = lane }, args);
}

/* One call to its end. */
struct net_result net_ask(struct net_stage *stage, const char *method)
{
	struct net_result result = { 0 };

	net_call(stage, &result, method, NULL, NULL);
	assert_int_equal(result.count, 0); /* never inside the call */
	NET_WAIT(stage, result.count == 1);
	return result;
}
