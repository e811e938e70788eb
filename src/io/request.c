/* A request from its first byte to its handler: head, route, body; and what a handler may ask about it. */
#include "crypto.h"
#include "mem.h"
#include "web_room.h"
#include <arpa/inet.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	SPARE_TEXT = 8192, /* larger buffers are given back */
	SPARE_BODY = 16384,
};

/* ---- life ---------------------------------------------------------------------------------------------- */

static uint32_t take_slot(struct web *web)
{
	uint32_t slot = web->free_slot;

	if (slot > 0) {
		web->free_slot = web->slots[slot - 1].next_free;
		return slot - 1;
	}
	if (web->slot_count == web->slot_room) {
		web->slot_room = web->slot_room == 0 ? 64 : web->slot_room * 2;
		web->slots = mem_resize(web->slots, web->slot_room, sizeof(*web->slots));
	}
	web->slots[web->slot_count] = (struct web_slot){ 0 };
	return web->slot_count++;
}

/* Slots stay with their request object; a dropped object leaves its slot to the next new one. */
static struct web_request *request_create(struct conn *conn)
{
	struct web *web = conn->web;
	struct web_request *request;
	struct web_slot *slot;

	if (web->spare_count > 0) {
		request = web->spare[--web->spare_count];
	} else {
		request = mem_zero(1, sizeof(*request));
		request->slot = take_slot(web);
	}
	slot = &web->slots[request->slot];
	slot->request = request;
	slot->serial++;
	request->id = (uint64_t)slot->serial << 32 | request->slot;
	request->conn = conn;
	conn->request = request;
	return request;
}

static void request_drop(struct web *web, struct web_request *request)
{
	web->slots[request->slot].next_free = web->free_slot;
	web->free_slot = request->slot + 1;
	free(request->text);
	buf_free(&request->body);
	buf_free(&request->extra);
	free(request);
}

static void trim(struct buf *buf, size_t most)
{
	if (buf->room > most)
		buf_free(buf);
	else
		buf_clear(buf);
}

/* As new, but for its slot and its buffers. */
static void clear(struct web_request *request)
{
	struct web_request old = *request;

	if (old.text_room > SPARE_TEXT) {
		free(old.text);
		old.text = NULL;
		old.text_room = 0;
	}
	file_let_go(&old);
	trim(&old.body, SPARE_BODY);
	trim(&old.extra, SPARE_TEXT);
	*request = (struct web_request){ .slot = old.slot,
					 .text = old.text,
					 .text_room = old.text_room,
					 .body = old.body,
					 .extra = old.extra };
}

void request_free(struct web_request *request)
{
	struct web *web = request->conn->web;

	request->conn->request = NULL;
	web->slots[request->slot].request = NULL;
	if (web->spare_count == WEB_SPARE_REQUESTS) {
		file_let_go(request);
		request_drop(web, request);
		return;
	}
	clear(request);
	web->spare[web->spare_count++] = request;
}

void request_gone(struct web_request *request)
{
	void (*gone)(void *data) = request->gone;
	void *data = request->gone_data;

	request_free(request);
	if (gone != NULL)
		gone(data);
}

void web_requests_free(struct web *web)
{
	while (web->spare_count > 0)
		request_drop(web, web->spare[--web->spare_count]);
	free(web->slots);
}

uint64_t web_id(const struct web_request *request)
{
	return request->id;
}

struct web_request *web_find(struct web *web, uint64_t id)
{
	uint32_t slot = (uint32_t)id;
	struct web_request *request = slot < web->slot_count ? web->slots[slot].request : NULL;

	return request != NULL && request->id == id ? request : NULL;
}

void web_on_gone(struct web_request *request, void (*fn)(void *data), void *data)
{
	request->gone = fn;
	request->gone_data = data;
}

/* ---- head ---------------------------------------------------------------------------------------------- */

static const struct web_fault bad_target = { 400, "BAD_REQUEST", "malformed request target" };
static const struct web_fault bad_chunk = { 400, "BAD_REQUEST", "malformed chunked body" };
static const struct web_fault large_body = { 413, "PAYLOAD_TOO_LARGE", "the body is too large" };
static const struct web_fault unknown_path = { 404, "NOT_FOUND", "nothing is here" };
static const struct web_fault not_yet = { 503, "SHUTTING_DOWN", "the service is being restarted" };
static const struct web_fault wrong_method = { 405, "METHOD_NOT_ALLOWED", "this path has other methods" };

static const struct web_fault *no_route(const struct web *web)
{
	return web->starting ? &not_yet : &unknown_path;
}

/* Room for more bytes of the head, and for what is decoded behind it. */
static void grow_text(struct web_request *request, size_t more)
{
	size_t room = request->text_len + more;

	if (room <= request->text_room)
		return;
	room = room < 1024 ? 1024 : room + room / 2;
	request->text = mem_resize(request->text, room, 1);
	request->text_room = room;
}

/* Gives the whole request to its handler, if that still wants it. */
static void hand_over(struct conn *conn)
{
	struct web_request *request = conn->request;
	bool known;
	const struct route *route =
		route_find(&conn->web->routes, request->head.method, &request->target, &known);

	if (!request->to_file)
		conn->unread = false; /* else it still may be refused with its body on the way */
	if (route == NULL) {
		answer_fault(request, no_route(conn->web));
		return;
	}
	request->param_count = route_params(route, &request->target, request->params, request->target.end);
	conn_to(conn, CONN_REPLY);
	route->given.fn(route->given.owner, request);
}

/* text[start, end) is the head. Everything that can be refused is refused here, before a byte of the body is
 * kept. */
static const struct web_fault *check_head(struct conn *conn, size_t start, size_t end)
{
	struct web_request *request = conn->request;
	struct head *head = &request->head;
	const struct web_fault *fault;
	const struct route *route;
	bool known;

	grow_text(request, target_room(request->scan.first_len) + ROUTE_PATH_MAX);
	fault = head_read(head, request->text, start, end);
	if (fault != NULL)
		return fault;
	conn->unread = head->chunked || head->length > 0;
	conn->closes = !head->keep_alive || conn->web->draining;
	request->is_head = strcmp(head->method, "HEAD") == 0;
	if (!target_read(&request->target, head->target, head->target_len, request->text + end))
		return &bad_target;
	route = route_find(&conn->web->routes, head->method, &request->target, &known);
	if (route == NULL && known)
		route_methods(&conn->web->routes, &request->target, &request->extra);
	if (route == NULL)
		return known ? &wrong_method : no_route(conn->web);
	request->body_max = route->given.body_max;
	request->to_file = route->given.folder != NULL;
	if (request->to_file)
		request->file =
			mem_format("%s/%s", route->given.folder, crypto_uuid((char[CRYPTO_UUID_SIZE]){ 0 }));
	return head->length > request->body_max ? &large_body : NULL;
}

static void end_head(struct conn *conn, size_t start, size_t end, bool more_is_here)
{
	struct web_request *request = conn->request;
	const struct web_fault *fault = check_head(conn, start, end);

	if (fault != NULL) {
		answer_fault(request, fault);
	} else if (!conn->unread || request->to_file) {
		hand_over(conn);
	} else {
		conn_to(conn, CONN_BODY);
		if (request->head.continues && !more_is_here)
			answer_continue(conn);
	}
}

size_t request_take_head(struct conn *conn, const char *data, size_t len)
{
	struct web_request *request = conn->request == NULL ? request_create(conn) : conn->request;
	size_t old = request->text_len, part = WEB_HEAD_MAX - old, end;
	const struct web_fault *fault;

	if (part > len)
		part = len;
	grow_text(request, part);
	memcpy(request->text + old, data, part);
	request->text_len += part;
	if (conn->state == CONN_IDLE) {
		conn_to(conn, CONN_HEAD);
		conn->unread = true;
	}
	fault = head_scan(&request->scan, request->text, request->text_len, &end);
	if (fault != NULL) {
		answer_fault(request, fault);
		return part;
	}
	if (end == 0)
		return part;
	request->text_len = end;
	end_head(conn, request->scan.start, end, end - old < len);
	return end - old;
}

/* ---- body ---------------------------------------------------------------------------------------------- */

static void body_progress(struct conn *conn)
{
	struct web_request *request = conn->request;

	if (request->received - request->progress < WEB_PROGRESS)
		return;
	request->progress = request->received;
	conn_touch(conn);
}

void answer_too_large(struct web_request *request)
{
	answer_fault(request, &large_body);
}

/* All of it has come. */
static void body_end(struct conn *conn)
{
	struct web_request *request = conn->request;

	conn->unread = false;
	if (request->to_file) {
		file_end(conn);
	} else if (request->arrived) {
		conn_to(conn, CONN_REPLY);
		request->arrived(request->arrived_owner, request);
	} else {
		hand_over(conn);
	}
}

static void body_grows(struct conn *conn)
{
	if (conn->request->to_file)
		file_take(conn);
}

static size_t take_chunks(struct conn *conn, const char *data, size_t len)
{
	struct web_request *request = conn->request;
	size_t used;
	enum chunk_result result =
		chunk_read(&request->chunk, data, len, &request->body, (size_t)request->body_max, &used);

	request->received = request->chunk.taken;
	body_grows(conn);
	switch (result) {
	case CHUNK_MORE:
		body_progress(conn);
		break;
	case CHUNK_DONE:
		body_end(conn);
		break;
	case CHUNK_BAD:
		answer_fault(request, &bad_chunk);
		break;
	case CHUNK_TOO_LARGE:
		answer_fault(request, &large_body);
		break;
	}
	return used;
}

size_t request_take_body(struct conn *conn, const char *data, size_t len)
{
	struct web_request *request = conn->request;
	uint64_t left = request->head.length - request->received;

	if (request->head.chunked)
		return take_chunks(conn, data, len);
	if (len > left)
		len = (size_t)left;
	buf_add(&request->body, data, len);
	request->received += len;
	body_grows(conn);
	if (len == left)
		body_end(conn);
	else
		body_progress(conn);
	return len;
}

/* ---- what a handler may ask ---------------------------------------------------------------------------- */

const char *web_method(const struct web_request *request)
{
	return request->head.method;
}

const char *web_path(const struct web_request *request)
{
	return request->target.path;
}

const char *web_param(const struct web_request *request, const char *name)
{
	for (unsigned i = 0; i < request->param_count; i++) {
		if (strcmp(request->params[i].name, name) == 0)
			return request->params[i].value;
	}
	return NULL;
}

const char *web_query(const struct web_request *request, const char *name)
{
	return target_query(&request->target, name);
}

const char *web_header(const struct web_request *request, const char *name)
{
	return head_find(&request->head, name, NULL);
}

bool web_header_repeated(const struct web_request *request, const char *name)
{
	unsigned times;

	head_find(&request->head, name, &times);
	return times > 1;
}

const char *web_body(const struct web_request *request, size_t *len_out)
{
	if (len_out != NULL)
		*len_out = request->body.len;
	return buf_str(&request->body);
}

const char *web_peer(const struct web_request *request)
{
	/* Text made on demand: most handlers never ask. */
	struct web_request *cache = web_find(request->conn->web, request->id);
	const struct in6_addr *peer = &request->conn->peer;

	if (request->conn->is_unix)
		return "unix";
	if (IN6_IS_ADDR_V4MAPPED(peer))
		inet_ntop(AF_INET, &peer->s6_addr[12], cache->peer, sizeof(cache->peer));
	else
		inet_ntop(AF_INET6, peer, cache->peer, sizeof(cache->peer));
	return cache->peer;
}

bool web_peer_unix(const struct web_request *request, uid_t *uid_out, gid_t *gid_out)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (!request->conn->is_unix ||
	    getsockopt(lws_get_socket_fd(request->conn->wsi), SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0)
		return false;
	*uid_out = cred.uid;
	*gid_out = cred.gid;
	return true;
}

bool web_loopback(const struct web_request *request)
{
	static const char *const passed_on[] = { "x-forwarded-for", "forwarded", "x-real-ip", "via", NULL };
	const struct in6_addr *peer = &request->conn->peer;

	for (const char *const *name = passed_on; *name; name++)
		if (web_header(request, *name))
			return false;
	return request->conn->is_unix || IN6_IS_ADDR_LOOPBACK(peer) ||
	       (IN6_IS_ADDR_V4MAPPED(peer) && peer->s6_addr[12] == 127);
}
