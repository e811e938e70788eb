/* rooms: base io markup telegram */
/* Any answer of the Bot API: nothing is certain that is not, and the token is in no text. The same bytes as an answer that
 * can't be read, and as an update. */
#include "api_room.h"
#include "mem.h"
#include "poll_room.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static const char token[] = "1:AAHd";

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct telegram_answer *answer, const struct http_answer *http)
{
	must((answer->how == TELEGRAM_OK) == (answer->result != NULL));
	must((answer->how == TELEGRAM_OK) == (answer->why == NULL));
	must((answer->how == TELEGRAM_LIMITED) == (answer->retry_ms > 0));
	must(answer->how != TELEGRAM_OK || (http->how == HTTP_ANSWERED && http->status < 300));
	must(answer->how != TELEGRAM_REFUSED || http->how == HTTP_ANSWERED);
	must(answer->how != TELEGRAM_NOT_SENT || http->how != HTTP_MAYBE);
	must((answer->refusal == TELEGRAM_MOVED) == (answer->moved_to != 0));
	must(answer->refusal == TELEGRAM_OTHER || answer->how == TELEGRAM_REFUSED);
	must(answer->unread == NULL || answer->how == TELEGRAM_MAYBE);
	if (answer->why != NULL) {
		must(strstr(answer->why, "AAHd") == NULL && strlen(answer->why) < 300);
		must(http->how != HTTP_ANSWERED || text_valid(answer->why, strlen(answer->why)));
	}
}

/* Two bytes of status, one of what happened to the request, and the rest is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_answer http = { .type = "", .retry_after_ms = -1 };
	struct telegram_reading reading;
	char *body;
	json_t *update;

	if (size < 3)
		return 0;
	http.status = 100 + (data[0] * 256 + data[1]) % 500;
	http.how = data[2] % 4 == 0 ? HTTP_NOT_SENT : data[2] % 4 == 1 ? HTTP_MAYBE : HTTP_ANSWERED;
	body = mem_text_n((const char *)data + 3, size - 3);
	http.body = body;
	http.len = size - 3;
	if (http.how != HTTP_ANSWERED)
		err_set(&http.err, ERR_UNSURE, "%.*s", (int)strnlen(body, 250), body);
	telegram_reading_begin(&reading, &http, token);
	check(&reading.answer, &http);
	telegram_reading_finish(&reading);
	must(telegram_unread_id(body) >= 0 && telegram_unread_id(body) <= INT32_MAX);
	update = json_read(body, size - 3, NULL);
	telegram_update_chat(update);
	json_decref(update);
	free(body);
	return 0;
}
