/* What must not be asked again: requests that count as invalid lead to a ban of the whole address (sheet 13.7), so they
 * are counted, and a channel that refused us is not asked again for a while (pitfall 28). */
#include "mem.h"
#include "rest_room.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

/* ---- the count ----------------------------------------------------------------------------------------- */

static unsigned sum(const struct rest_invalid *invalid, uint64_t slot)
{
	unsigned all = 0;

	for (uint64_t i = 0; i < REST_INVALID_SLOTS; i++)
		if (invalid->slot + REST_INVALID_SLOTS > slot + i && i <= invalid->slot)
			all += invalid->slots[(invalid->slot - i) % REST_INVALID_SLOTS];
	return all;
}

unsigned rest_invalid_recent(const struct discord_lanes *lanes, uint64_t now_ms)
{
	return sum(&lanes->invalid, now_ms / REST_INVALID_SLOT_MS);
}

void rest_invalid_count(struct discord_lanes *lanes, uint64_t now_ms)
{
	struct rest_invalid *invalid = &lanes->invalid;
	uint64_t slot = now_ms / REST_INVALID_SLOT_MS;
	unsigned all;

	if (slot >= invalid->slot + REST_INVALID_SLOTS)
		*invalid = (struct rest_invalid){ .slot = slot };
	while (invalid->slot < slot)
		invalid->slots[++invalid->slot % REST_INVALID_SLOTS] = 0;
	invalid->slots[slot % REST_INVALID_SLOTS]++;
	all = sum(invalid, slot);
	if (all < REST_INVALID_SLOW)
		invalid->warned = false;
	else if (!invalid->warned || all == REST_INVALID_STOP)
		log_error(lanes->bot->host->log,
			  "%u requests were refused within ten minutes, %s: at 10,000 this machine's address "
			  "is "
			  "banned",
			  all,
			  all < REST_INVALID_STOP ? "signs of life are left out"
						  : "no more are sent for now");
	invalid->warned = all >= REST_INVALID_SLOW;
}

/* ---- what was refused ---------------------------------------------------------------------------------- */

/* A text may be allowed where a file is not. */
static char *key_of(const struct rest_call *call)
{
	return mem_format("%s|%s|%s", call->name.route, call->name.major, call->file != NULL ? "file" : "");
}

void rest_denied_remember(struct rest_call *call, const struct discord_answer *answer, uint64_t now_ms)
{
	struct recent *denied;
	char *key, *why;

	/* Where no file may be sent, words may. */
	if (call->file_path != NULL)
		return;
	if (!call->name.channel || call->no_token || answer->status != 403 || answer->code <= 0 ||
	    (answer->refusal != DISCORD_NO_ACCESS && answer->refusal != DISCORD_NO_DM))
		return;
	key = key_of(call);
	denied = recents_touch(&call->lanes->denied, key);
	denied->count = (unsigned)answer->code;
	denied->at_ms = now_ms;
	why = mem_text_n(answer->why, text_fit(answer->why, strlen(answer->why), RECENT_TEXT_MAX));
	recents_set(denied, why);
	free(why);
	free(key);
}

bool rest_denied(struct rest_call *call, uint64_t now_ms, struct discord_answer *answer_out)
{
	struct recents *all = &call->lanes->denied;
	struct recent *denied = NULL;
	char *key;

	if (call->name.channel && !call->no_token && all->all != NULL) {
		key = key_of(call);
		denied = recents_find(all, key);
		free(key);
	}
	if (denied == NULL)
		return false;
	if (now_ms - denied->at_ms >= REST_DENIED_MS) {
		recents_drop(all, denied);
		return false;
	}
	memcpy(call->why, denied->text, sizeof(denied->text));
	*answer_out = (struct discord_answer){ .how = DISCORD_REFUSED,
					       .refusal = rest_refusal_of((int)denied->count),
					       .status = 403,
					       .code = (int)denied->count,
					       .why = call->why };
	return true;
}
