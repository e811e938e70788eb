/* GET /api/{user_id}/messages/{uuid}: where a message is, and the events of its answer once more. */
#include "api_room.h"
#include <ctype.h>
#include <string.h>

/* Takes the id from the path as we write it: lower case. */
static bool take_id(struct call *call, const struct web_request *request)
{
	const char *id = web_param(request, "message");

	if (!crypto_uuid_valid(id)) {
		call_fail(call, API_MESSAGE_NOT_FOUND);
		return false;
	}
	for (size_t i = 0; i < sizeof(call->uuid); i++)
		call->uuid[i] = (char)tolower((unsigned char)id[i]);
	return true;
}

void message_run(struct call *call, struct web_request *request)
{
	call->status = true;
	if (take_id(call, request))
		watch_look(call);
}

void message_events_run(struct call *call, struct web_request *request)
{
	if (!take_id(call, request))
		return;
	if (!call_count(call)) {
		call_fail_retry(call, API_TOO_MANY_REQUESTS, API_RETRY_S);
		return;
	}
	call->stream = true;
	watch_join(call); /* before the question: its end may come first */
	watch_look(call);
}
