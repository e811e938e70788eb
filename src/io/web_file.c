/* Bodies that go to a file: handed to the spool as they come, while the peer is held back when the disk is slower. */
#include "mem.h"
#include "spool.h"
#include "web_room.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_MAX = 256 << 10 }; /* what one read may bring on top of WEB_SPOOL_WAIT */

static void written(void *data)
{
	struct web_request *request = data;

	conn_touch(request->conn); /* a slow disk is not the sender's fault */
	conn_check_reading(request->conn);
}

static void tell(struct web_request *request)
{
	conn_to(request->conn, CONN_REPLY);
	request->arrived(request->arrived_owner, request);
}

static void ended(void *owner, uint64_t ticket, const struct err *err, int64_t size)
{
	struct web_request *request = web_find(owner, ticket);

	if (request == NULL)
		return;
	request->spool = NULL;
	request->file_size = size;
	request->file_err = *err;
	if (err->kind != ERR_NONE) {
		free(request->file);
		request->file = NULL;
	}
	tell(request);
}

void web_receive(struct web_request *request, web_fn *fn, void *owner)
{
	struct conn *conn = request->conn;

	request->arrived = fn;
	request->arrived_owner = owner;
	request->spool = spool_create(conn->web->io, request->file, WEB_SPOOL_WAIT + PIECE_MAX, ended,
				      conn->web, request->id);
	spool_on_written(request->spool, written, request);
	if (!conn->unread) { /* an empty body */
		spool_finish(request->spool);
		return;
	}
	conn_to(conn, CONN_BODY);
	if (request->head.continues && conn->rest.len == 0)
		answer_continue(conn);
	conn_go_on(conn);
}

void web_collect(struct web_request *request, size_t max, web_fn *fn, void *owner)
{
	struct conn *conn = request->conn;

	free(request->file);
	request->file = NULL;
	request->to_file = false;
	request->body_max = max;
	request->arrived = fn;
	request->arrived_owner = owner;
	if (!conn->unread) {
		fn(owner, request);
	} else if (request->head.length > max) {
		answer_too_large(request);
	} else {
		conn_to(conn, CONN_BODY);
		if (request->head.continues && conn->rest.len == 0)
			answer_continue(conn);
		conn_go_on(conn);
	}
}

void file_take(struct conn *conn)
{
	struct web_request *request = conn->request;

	/* What can't be written is not kept; the end of the spool says why. */
	if (request->body.len > 0)
		spool_write(request->spool, request->body.data, request->body.len);
	buf_clear(&request->body);
}

void file_end(struct conn *conn)
{
	conn_to(conn, CONN_REPLY);
	spool_finish(conn->request->spool);
}

bool file_full(const struct web_request *request)
{
	return request->spool && spool_waiting(request->spool) >= WEB_SPOOL_WAIT;
}

void file_let_go(struct web_request *request)
{
	if (request->spool)
		spool_abandon(request->spool);
	else if (request->arrived && request->file)
		unlink(request->file);
	free(request->file);
	request->spool = NULL;
	request->file = NULL;
}

const char *web_file(const struct web_request *request, int64_t *size_out, struct err *err)
{
	*size_out = request->file_size;
	if (err)
		*err = request->file_err;
	return request->file_err.kind == ERR_NONE ? request->file : NULL;
}

char *web_take_file(struct web_request *request)
{
	char *path = request->spool ? NULL : request->file;

	if (path)
		request->file = NULL;
	return path;
}
