/* Web requests under way: made, found again by ticket after every wait, answered once, forgotten. */
#include "api_room.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* The client went away. While we write to it the writer is on the stack and drops the call itself. */
static void on_gone(void *data)
{
	struct call *call = data;

	call->gone = true;
	if (!call->writing)
		call_drop(call);
}

struct call *call_create(struct door *door, struct web_request *request)
{
	struct call *call = mem_zero(1, sizeof(*call));

	call->door = door;
	call->web_id = web_id(request);
	call->ticket = ++door->api->last_ticket;
	call->step = CALL_AUTH;
	HASH_ADD(hh, door->api->calls, ticket, sizeof(call->ticket), call);
	web_on_gone(request, on_gone, call);
	return call;
}

struct call *call_claim(struct platform *api, uint64_t ticket, enum call_step step)
{
	struct call *call;

	HASH_FIND(hh, api->calls, &ticket, sizeof(ticket), call);
	return call && call->step == step ? call : NULL;
}

struct web_request *call_request(struct call *call)
{
	return web_find(call->door->web, call->web_id);
}

static void uncount(struct call *call)
{
	struct platform *api = call->door->api;
	struct user_load *load;

	if (!call->counted)
		return;
	HASH_FIND_STR(api->loads, call->caller.profile, load);
	if (load && --load->held == 0) {
		HASH_DEL(api->loads, load);
		free(load);
	}
}

bool call_count(struct call *call)
{
	struct platform *api = call->door->api;
	struct user_load *load;

	HASH_FIND_STR(api->loads, call->caller.profile, load);
	if (load == NULL) {
		load = mem_zero(1, sizeof(*load));
		memcpy(load->profile, call->caller.profile, sizeof(load->profile));
		HASH_ADD_STR(api->loads, profile, load);
	} else if (load->held >= api->held_per_user) {
		return false;
	}
	load->held++;
	call->counted = true;
	return true;
}

void call_drop(struct call *call)
{
	struct platform *api = call->door->api;
	struct web_request *request = call_request(call);

	if (request) /* also of a connection that was just cut: that it is gone is told in a later round */
		web_on_gone(request, NULL, NULL);
	watch_leave(call);
	mcp_forget(call);
	upload_forget(call);
	free(call->import_ids);
	uncount(call);
	HASH_DEL(api->calls, call);
	free(call);
}

/* From here on the request is the web server's alone. */
static struct web_request *let_go(struct call *call)
{
	struct web_request *request = call->gone ? NULL : call_request(call);

	call_drop(call);
	return request;
}

void call_answer(struct call *call, int status, const struct buf *json)
{
	struct web_request *request = let_go(call);

	if (request && json)
		web_answer(request, status, "application/json", json->data, json->len);
	else if (request)
		web_answer(request, status, NULL, NULL, 0);
}

void call_fail_why(struct call *call, enum api_error error, const char *why)
{
	struct buf json = { 0 };

	buf_text(&json, "{\"error\":");
	error_print(&json, error, why);
	buf_text(&json, "}");
	call_answer(call, error_status(error), &json);
	buf_free(&json);
}

void call_fail(struct call *call, enum api_error error)
{
	call_fail_why(call, error, NULL);
}

void call_fail_retry(struct call *call, enum api_error error, unsigned retry_s)
{
	struct web_request *request = call_request(call);
	char seconds[12];

	snprintf(seconds, sizeof(seconds), "%u", retry_s ? retry_s : 1);
	if (request)
		web_add_header(request, "Retry-After", seconds);
	call_fail(call, error);
}

void call_fail_store(struct call *call, const struct err *err)
{
	if (err->kind == ERR_REFUSED) {
		call_fail_why(call, API_VALIDATION_FAILED, err->text);
	} else if (err->kind == ERR_BUG) {
		log_error(&call->door->api->log, "%s", err->text);
		call_fail(call, API_INTERNAL);
	} else {
		call_fail_retry(call, API_STORE_UNAVAILABLE, API_RETRY_S);
	}
}

void call_add_location(struct call *call)
{
	struct web_request *request = call_request(call);
	char place[64 + CRYPTO_UUID_SIZE];

	snprintf(place, sizeof(place), "/api/%lld/messages/%s", (long long)call->caller.user_id, call->uuid);
	if (request && !call->opened)
		web_add_header(request, "Location", place);
}
