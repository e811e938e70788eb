/* Requests wait in a list until the test answers the newest one. */
#include "fake_http.h"
#include "buf.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct running {
	struct fake_call seen;
	uint64_t id, ticket;
	http_data_fn *on_data;
	http_done_fn *on_done;
	void *owner;
	struct running *next;
};

struct http {
	struct running *calls;
	uint64_t last_id;
};

struct http *fake_http_create(void)
{
	return mem_zero(1, sizeof(struct http));
}

static void forget(struct running *call)
{
	free(call->seen.method);
	free(call->seen.url);
	free(call->seen.body);
	free(call->seen.headers);
	free(call);
}

void fake_http_destroy(struct http *http)
{
	while (http->calls)
		http_cancel(http, http->calls->id);
	free(http);
}

uint64_t http_start(struct http *http, const struct http_call *call, http_data_fn *on_data,
		    http_done_fn *on_done, void *owner, uint64_t ticket)
{
	struct running *run = mem_zero(1, sizeof(*run));
	struct buf headers = { 0 };

	for (size_t i = 0; call->headers && call->headers[i]; i++)
		buf_format(&headers, "%s\n", call->headers[i]);
	*run = (struct running){
		.seen = { mem_text(call->method), mem_text(call->url),
			  mem_text_n(call->body ? call->body : "", call->body_len), buf_take(&headers),
			  call->first_byte_ms, call->idle_ms, call->total_ms },
		.id = ++http->last_id,
		.ticket = ticket,
		.on_data = on_data,
		.on_done = on_done,
		.owner = owner,
	};
	LL_PREPEND(http->calls, run);
	return run->id;
}

void http_cancel(struct http *http, uint64_t id)
{
	struct running *call;

	LL_SEARCH_SCALAR(http->calls, call, id, id);
	if (call == NULL)
		return;
	LL_DELETE(http->calls, call);
	forget(call);
}

size_t http_running(const struct http *http)
{
	struct running *call;
	size_t count;

	LL_COUNT(http->calls, call, count);
	return count;
}

const char *http_header(const struct http_answer *answer, const char *name)
{
	(void)answer; /* what the test writes has no headers but those in the struct */
	(void)name;
	return NULL;
}

const struct fake_call *fake_http_call(const struct http *http)
{
	return http->calls ? &http->calls->seen : NULL;
}

bool fake_http_data(struct http *http, const char *data, size_t len)
{
	struct running *call = http->calls;
	/* A copy of exactly this size, so that a sanitizer sees any step beyond. */
	char *copy = mem_copy(data, len);
	bool more = call && call->on_data(call->owner, call->ticket, copy, len);

	free(copy);
	return more;
}

void fake_http_end(struct http *http, const struct http_answer *answer)
{
	struct running *call = http->calls;
	struct http_answer copy = *answer;

	if (call == NULL)
		return;
	if (copy.body == NULL)
		copy.body = "";
	if (copy.type == NULL)
		copy.type = "";
	LL_DELETE(http->calls, call);
	call->on_done(call->owner, call->ticket, &copy);
	forget(call);
}

void fake_http_stream(struct http *http, const char *text)
{
	struct http_answer answer = { .how = HTTP_ANSWERED, .status = 200, .retry_after_ms = -1 };

	if (fake_http_data(http, text, strlen(text)))
		fake_http_end(http, &answer);
	else
		fake_http_broken(http, HTTP_MAYBE);
}

void fake_http_status(struct http *http, int status, const char *body)
{
	struct http_answer answer = { .how = HTTP_ANSWERED,
				      .status = status,
				      .body = body,
				      .len = strlen(body),
				      .retry_after_ms = -1 };

	fake_http_end(http, &answer);
}

void fake_http_broken(struct http *http, enum http_how how)
{
	struct http_answer answer = { .how = how, .retry_after_ms = -1 };

	err_set(&answer.err, ERR_AGAIN, "connection refused");
	fake_http_end(http, &answer);
}
