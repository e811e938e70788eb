/* POST /api/{user_id}/chat: a web request becomes an incoming message, and its commit an answer to wait for.
 */
#include "api_room.h"
#include "chat_body.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool chat_wants_events(const struct web_request *request)
{
	const char *accept = web_header(request, "accept");

	return accept && strcasestr(accept, "text/event-stream") != NULL;
}

/* The same request of the same key has the same delivery key; the profile in front says whose message it is.
 * Long client keys are replaced by their digest, so that the whole stays within MESSAGE_KEY_MAX. */
void chat_delivery_key(const struct caller *caller, const char *client_key, char out[MESSAGE_KEY_MAX + 1])
{
	char digest[CRYPTO_SHA256_HEX], uuid[CRYPTO_UUID_SIZE];
	const char *own = client_key ? client_key : crypto_uuid(uuid);
	int len = snprintf(out, MESSAGE_KEY_MAX + 1, "%s:%s:%s", caller->profile, caller->key_id, own);

	if (len > MESSAGE_KEY_MAX)
		snprintf(out, MESSAGE_KEY_MAX + 1, "%s:%s:sha256:%s", caller->profile, caller->key_id,
			 crypto_sha256_hex(own, strlen(own), digest));
}

static void hand_over(struct call *call, const struct web_request *request, const struct chat_body *body,
		      int64_t conversation_id)
{
	struct platform_host *host = call->door->api->host;
	const char *header = web_header(request, "idempotency-key");
	char client_key[CHAT_KEY_MAX + 1], delivery_key[MESSAGE_KEY_MAX + 1], fingerprint[CRYPTO_SHA256_HEX];
	size_t len;
	const char *text = web_body(request, &len);

	if (header &&
	    (web_header_repeated(request, "idempotency-key") || !chat_body_key(header, client_key))) {
		call_fail_why(call, API_VALIDATION_FAILED,
			      "Idempotency-Key must be one value of 1 to 255 printable ASCII characters");
		return;
	}
	if (!call_count(call)) {
		call_fail_retry(call, API_TOO_MANY_REQUESTS, API_RETRY_S);
		return;
	}
	chat_delivery_key(&call->caller, header ? client_key : NULL, delivery_key);
	call->step = CALL_ACCEPT;
	host->incoming(host, &(struct incoming){
				     .receipt = call->ticket,
				     .delivery_key = delivery_key,
				     .fingerprint = crypto_sha256_hex(text, len, fingerprint),
				     .sender = call->caller.profile,
				     .sender_name = call->caller.name[0] ? call->caller.name : NULL,
				     .profile = call->caller.profile,
				     .conversation_id = conversation_id,
				     .text = body->message,
				     .flags = INCOMING_ALONE | (conversation_id ? 0 : INCOMING_NEW),
			     });
}

/* A conversation named by UUID is looked up among the caller's own; then the message goes on with its number.
 */
static void on_conversation(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct call *call = call_claim(owner, ticket, CALL_RESOLVE);
	struct web_request *request = call ? call_request(call) : NULL;
	json_t *found;
	int64_t id;
	struct chat_body body = { 0 };
	enum api_error error;
	const char *text;
	size_t len;

	if (request == NULL)
		return;
	if (err->kind != ERR_NONE) {
		if (err->kind == ERR_GONE)
			call_fail(call, API_CONVERSATION_NOT_FOUND);
		else
			call_fail_store(call, err);
		return;
	}
	found = json_read(json, strlen(json), NULL);
	id = json_int(found, "conversation_id", 0);
	json_decref(found);
	text = web_body(request, &len);
	if (id <= 0)
		call_fail(call, API_CONVERSATION_NOT_FOUND);
	else if (chat_body_read(text, len, &body, &error, NULL)) /* it was fine before the question */
		hand_over(call, request, &body, id);
	chat_body_finish(&body);
}

void chat_run(struct call *call, struct web_request *request)
{
	struct chat_body body = { 0 };
	enum api_error error;
	struct err err;
	size_t len;
	const char *text = web_body(request, &len);

	call->stream = chat_wants_events(request);
	if (!chat_body_type(web_header(request, "content-type"))) {
		call_fail(call, API_UNSUPPORTED_MEDIA_TYPE);
	} else if (!chat_body_read(text, len, &body, &error, &err)) {
		call_fail_why(call, error, err.text);
	} else if (body.conversation_uuid) {
		call->step = CALL_RESOLVE;
		store_report(call->door->api->store, "conversation",
			     (const char *const[]){ body.conversation_uuid, call->caller.profile }, 2,
			     on_conversation, call->door->api, call->ticket);
	} else {
		hand_over(call, request, &body, body.conversation_id);
	}
	chat_body_finish(&body);
}

static void refused(struct call *call, const struct ack *ack)
{
	unsigned retry_s = (ack->retry_ms + 999) / 1000;

	switch (ack->how) {
	case ACK_CONFLICT:
		call_fail(call, API_IDEMPOTENCY_CONFLICT);
		break;
	case ACK_INVALID:
		call_fail_why(call, API_VALIDATION_FAILED, ack->why);
		break;
	case ACK_NO_CONVERSATION:
		call_fail(call, API_CONVERSATION_NOT_FOUND);
		break;
	case ACK_ARCHIVED:
		call_fail(call, API_CONVERSATION_ARCHIVED);
		break;
	case ACK_DISABLED:
		call_fail(call, API_PROFILE_DISABLED);
		break;
	case ACK_BUSY:
		call_fail_retry(call, API_OVERLOADED, retry_s);
		break;
	default:
		call_fail_retry(call, API_STORE_UNAVAILABLE, retry_s);
		break;
	}
}

void chat_ack(struct platform *api, uint64_t receipt, const struct ack *ack)
{
	struct call *call = call_claim(api, receipt, CALL_ACCEPT);

	if (call == NULL)
		return; /* the client went away; its message, if stored, is answered all the same */
	upload_mark(call, ack->how == ACK_STORED);
	if (ack->how != ACK_STORED && ack->how != ACK_BEFORE) {
		refused(call, ack);
		return;
	}
	call->owned = true;
	call->state = ack->state;
	call->conversation_id = ack->conversation_id;
	snprintf(call->uuid, sizeof(call->uuid), "%s", ack->uuid);
	snprintf(call->conversation_uuid, sizeof(call->conversation_uuid), "%s",
		 ack->conversation_uuid ? ack->conversation_uuid : "");
	if (call->upload) {
		upload_stored(call);
		return;
	}
	if (ack->how == ACK_STORED && !answer_final(ack->state)) {
		watch_begin(call);
		return;
	}
	watch_join(call); /* before the question: its end may come first */
	watch_look(call);
}
