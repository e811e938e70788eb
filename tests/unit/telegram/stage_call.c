/* Makes calls of the Bot API and keeps what came of them. */
#include "stage_call.h"

static unsigned order;

static void came(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	struct net_result *result = owner;
	char *text = answer->result ? json_write(answer->result) : mem_text("(none)");

	assert_int_equal(ticket, 77);
	assert_true((answer->why == NULL) == (answer->how == TELEGRAM_OK));
	result->count++;
	result->order = ++order;
	result->how = answer->how;
	result->refusal = answer->refusal;
	result->code = answer->code;
	snprintf(result->why, sizeof(result->why), "%s", answer->why ? answer->why : "(none)");
	snprintf(result->result, sizeof(result->result), "%s", text);
	result->moved_to = answer->moved_to;
	result->retry_ms = answer->retry_ms;
	result->too_large = answer->too_large;
	result->unread = answer->unread != NULL;
	free(text);
	if (result->next)
		net_message(result->stage, result->next, 1);
	if (result->cancels)
		telegram_api_cancel(bot, result->cancels);
}

uint64_t net_call(struct net_stage *stage, struct net_result *result, struct telegram_call wanted,
		  const char *args)
{
	wanted.args = args ? json_read(args, strlen(args), NULL) : NULL;
	return telegram_api(&stage->bot, &wanted, came, result, 77);
}

uint64_t net_message(struct net_stage *stage, struct net_result *result, int64_t chat)
{
	return net_call(stage, result, (struct telegram_call){ .method = "sendMessage", .chat = chat },
			"{\"text\":\"x\"}");
}

struct net_result net_ask(struct net_stage *stage, const char *method)
{
	struct net_result result = { 0 };

	net_call(stage, &result, (struct telegram_call){ .method = method }, NULL);
	assert_int_equal(result.count, 0); /* never inside the call */
	NET_WAIT(stage, result.count == 1);
	return result;
}
