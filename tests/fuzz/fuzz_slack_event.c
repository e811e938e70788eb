/* rooms: base io markup slack */
#include "decode.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_id(const char *id)
{
	check(id == NULL || (*id && strlen(id) <= SLACK_ID_MAX));
}

/* What the next rooms rely on without looking again. */
static void check_decoded(const struct slack_decoded *say)
{
	check_id(say->enterprise);
	check_id(say->team);
	check_id(say->app);
	check_id(say->event_id);
	check_id(say->user);
	check_id(say->user_team);
	check_id(say->channel);
	check_id(say->bot_id);
	check_id(say->client_id);
	check(say->ts == NULL || slack_ts_check(say->ts));
	check(say->thread == NULL || slack_ts_check(say->thread));
	check(say->kind < SLACK_IS_MALFORMED + 1 ? say->because != NULL : true);
	if (say->kind >= SLACK_IS_SAID && say->kind <= SLACK_IS_DELETED)
		check(say->channel && say->ts && (say->user || say->bot_id));
	if (say->kind >= SLACK_IS_COMMAND && say->kind <= SLACK_IS_STOPPED)
		check(say->channel && say->user);
	if (say->kind == SLACK_IS_EDITED)
		check(say->edit_ts != NULL);
	if (say->kind == SLACK_IS_RATED)
		check(say->target && say->text && strlen(say->target) == 36);
	if (say->kind == SLACK_IS_COMMAND)
		check(say->text && say->response_url && say->action_ts);
}

static void check_words(const json_t *message)
{
	char *mrkdwn = slack_message_mrkdwn(message), *rest = slack_without_mention(mrkdwn, "U1");
	const json_t *file;
	size_t i;

	check(text_valid(mrkdwn, strlen(mrkdwn)) || json_text(message, "text"));
	check(strlen(rest) <= strlen(mrkdwn));
	slack_message_mentions(message, "U1");
	json_array_foreach (json_object_get(message, "files"), i, file) {
		char *url = slack_file_url(file);
		struct slack_file_ref ref;

		check(url == NULL || (strlen(url) <= MESSAGE_REPLY_TO_MAX && slack_file_ref_read(url, &ref)));
		free(url);
	}
	free(rest);
	free(mrkdwn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum slack_payload types[] = { SLACK_EVENT, SLACK_COMMAND, SLACK_INTERACTIVE };
	char *text = mem_text_n((const char *)data, size);
	json_t *payload = json_read(text, size, NULL);
	struct slack_decoded say;
	struct slack_place place;
	struct slack_file_ref ref;

	for (size_t i = 0; payload && i < 3; i++) {
		slack_decode(types[i], payload, &say);
		check_decoded(&say);
		if (say.message)
			check_words(say.message);
	}
	slack_decode_listed("C1", false, payload, &say);
	check_decoded(&say);
	if (payload)
		check_words(payload);
	slack_file_ref_read(text, &ref);
	slack_ts_ms(text);
	if (slack_place_read(text, &place)) {
		char *again = slack_place_write(&place);

		check(again != NULL);
		free(again);
	}
	slack_place_finish(&place);
	json_decref(payload);
	free(text);
	return 0;
}
