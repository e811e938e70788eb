/* Moves outgoing calls from their start to their end: waiting, running on curl, ended. */
#include "http.h"
#include "clock.h"
#include "http_room.h"
#include "io_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

enum { UNUSED_SWEEP_MS = 30000 }; /* between looks at the shards when no call runs */

/* ---- states -------------------------------------------------------------------------------------------- */

static struct http_running **place(struct http_running *call)
{
	struct http *http = call->http;

	switch (call->state) {
	case CALL_WAITING:
		return &http->waiting[call->trust];
	case CALL_ENDED:
		return &http->ended;
	case CALL_DOOMED:
		return &http->doomed;
	default:
		return NULL; /* curl has it */
	}
}

static void move(struct http_running *call, enum http_state state)
{
	struct http_running **from = place(call), **to;

	if (from != NULL)
		DL_DELETE(*from, call);
	call->state = state;
	to = place(call);
	if (to != NULL)
		DL_APPEND(*to, call);
}

/* From now on nobody outside can reach the call. */
static void forget_id(struct http_running *call)
{
	HASH_DEL(call->http->calls,
		 call); /* NOLINT(clang-analyzer-core.NullDereference): uthash keeps its own ends */
}

/* Only while curl is not on the stack. */
static void take_from_curl(struct http_running *call)
{
	if (call->shard == NULL)
		return;
	curl_multi_remove_handle(call->shard->multi, call->easy);
	call->shard->running--;
	call->shard->unused_since = clock_mono_ms();
	call->shard = NULL;
	for (unsigned i = 0; i < call->opened_count; i++)
		http_socket_check(call->http, call->opened[i]);
	call->opened_count = 0;
	http_request_known(call);
}

/* It is in no list any more. */
static void free_call(struct http_running *call)
{
	http_request_end(call);
	http_form_free(call);
	curl_slist_free_all(call->headers);
	buf_free(&call->collected);
	free(call->url);
	free(call->host);
	free(call->method);
	free(call->ca_file);
	free(call->body);
	free(call);
}

static void drop_call(struct http_running *call)
{
	struct http_running **list = place(call);

	if (list != NULL)
		DL_DELETE(*list, call);
	take_from_curl(call);
	free_call(call);
}

static const char *overdue(const struct http_running *call, uint64_t now)
{
	if (call->state == CALL_ENDED)
		return NULL;
	if (now - call->started_at >= call->total_ms)
		return "no complete answer in time";
	if (call->first_byte_at == 0 && now - call->started_at >= call->first_byte_ms)
		return "no answer in time";
	if (call->first_byte_at != 0 && call->idle_ms != 0 && now - call->last_byte_at >= call->idle_ms)
		return "the answer stopped in the middle";
	return NULL;
}

static void begin(struct http_running *call)
{
	struct http_shard *shard;

	call->overdue = overdue(call, clock_mono_ms());
	if (call->refused.kind != ERR_NONE || call->overdue != NULL) {
		move(call, CALL_ENDED);
		return;
	}
	shard = http_shard_pick(call->http, call->trust);
	if (!http_request_begin(call, shard->multi)) {
		move(call, CALL_ENDED);
		return;
	}
	call->shard = shard;
	shard->running++;
	move(call, CALL_RUNNING);
}

/* Names are resolved by a thread each: calls whose host is a name begin a few at a time, until the name is
 * known. */
static void begin_waiting(struct http *http)
{
	for (int trust = 0; trust < HTTP_TRUSTS; trust++) {
		struct http_running *call;

		while ((call = http->waiting[trust]) != NULL) {
			if (call->by_name && http->lookups[trust] >= HTTP_LOOKUPS_MAX)
				break;
			begin(call);
		}
	}
}

static void deliver(struct http *http)
{
	struct http_running *call;

	while ((call = http->ended) != NULL) {
		struct http_answer answer;

		DL_DELETE(http->ended, call);
		forget_id(call);
		http_answer_read(call, &answer);
		call->on_done(call->owner, call->ticket, &answer);
		free_call(call);
	}
}

static void read_messages(struct http_shard *shard)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(shard->multi, &left)) != NULL) {
		struct http_running *call = NULL;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		call->result = result;
		take_from_curl(call); /* the message is gone now */
		move(call, CALL_ENDED);
	}
}

void http_settle(struct http *http, struct http_shard *shard)
{
	while (http->doomed != NULL)
		drop_call(http->doomed);
	if (shard != NULL)
		read_messages(shard);
	begin_waiting(http);
	deliver(http);
}

/* ---- limits -------------------------------------------------------------------------------------------- */

static bool close_unused(struct http *http, uint64_t now)
{
	bool left = false;

	for (size_t i = 0; i < HTTP_TRUSTS * (size_t)HTTP_SHARDS_MAX; i++) {
		struct http_shard *shard = http->shards[i / HTTP_SHARDS_MAX][i % HTTP_SHARDS_MAX];

		if (shard == NULL)
			continue;
		if (shard->running == 0 && now - shard->unused_since >= HTTP_SHARD_IDLE_MS)
			http_shard_close(shard);
		else
			left = true;
	}
	return left;
}

static void on_sweep(uv_timer_t *timer);

static void sweep_every(struct http *http, uint64_t period_ms)
{
	if (http->sweep_ms == period_ms)
		return;
	http->sweep_ms = period_ms;
	if (period_ms == 0)
		uv_timer_stop(&http->sweep);
	else
		uv_timer_start(&http->sweep, on_sweep, period_ms, period_ms);
}

/* One timer looks after all calls: thousands wait for a model at the same time. */
static void on_sweep(uv_timer_t *timer)
{
	struct http *http = timer->data;
	struct http_running *call;
	uint64_t now = clock_mono_ms();
	bool shards;

	for (call = http->calls; call != NULL; call = call->hh.next) {
		const char *limit = overdue(call, now);

		if (limit == NULL)
			continue;
		call->overdue = limit;
		take_from_curl(call);
		move(call, CALL_ENDED);
	}
	http_settle(http, NULL);
	shards = close_unused(http, now);
	if (http->calls == NULL)
		sweep_every(http, shards ? UNUSED_SWEEP_MS : 0);
}

static void on_soon(uv_timer_t *timer)
{
	http_settle(timer->data, NULL);
}

/* ---- the contract -------------------------------------------------------------------------------------- */

uint64_t http_start(struct http *http, const struct http_call *wanted, http_data_fn *on_data,
		    http_done_fn *on_done, void *owner, uint64_t ticket)
{
	struct http_running *call = mem_zero(1, sizeof(*call));

	call->http = http;
	call->id = ++http->last_id;
	call->on_data = on_data;
	call->on_done = on_done;
	call->owner = owner;
	call->ticket = ticket;
	call->started_at = clock_mono_ms();
	http_request_check(call, wanted); /* a refusal is told in a later round, as every end */
	HASH_ADD(hh, http->calls, id, sizeof(call->id), call);
	call->state = CALL_WAITING;
	DL_APPEND(http->waiting[call->trust], call);
	uv_timer_start(&http->soon, on_soon, 0, 0);
	sweep_every(http, HTTP_SWEEP_MS);
	return call->id;
}

void http_cancel(struct http *http, uint64_t id)
{
	struct http_running *call;

	HASH_FIND(hh, http->calls, &id, sizeof(id), call);
	if (call == NULL)
		return;
	forget_id(call);
	if (call->state == CALL_RUNNING && http->inside > 0)
		move(call, CALL_DOOMED);
	else
		drop_call(call);
}

size_t http_running(const struct http *http)
{
	return HASH_COUNT(http->calls);
}

static char *usual_ca_file(void)
{
	CURL *easy = curl_easy_init();
	char *file = NULL, *copy;

	if (easy != NULL)
		curl_easy_getinfo(easy, CURLINFO_CAINFO, &file);
	copy = mem_text(file);
	curl_easy_cleanup(easy);
	return copy;
}

static bool check_options(const struct http_options *options, struct err *err)
{
	if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0)
		return err_set(err, ERR_REFUSED, "the CA file %s can't be read", options->ca_file);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return err_set(err, ERR_FATAL, "libcurl does not start");
	return true;
}

static CURLSH *make_share(void)
{
	CURLSH *share = curl_share_init();

	if (share == NULL)
		abort(); /* out of memory, as in mem.c */
	curl_share_setopt(share, CURLSHOPT_SHARE, (long)CURL_LOCK_DATA_DNS);
	curl_share_setopt(share, CURLSHOPT_SHARE, (long)CURL_LOCK_DATA_SSL_SESSION);
	return share;
}

struct http *http_create(struct io *io, const struct http_options *options, struct err *err)
{
	struct http *http;

	if (!check_options(options, err))
		return NULL;
	http = mem_zero(1, sizeof(*http));
	http->io = io;
	http->uv = io_uv(io);
	http->ca_file = options->ca_file != NULL ? mem_text(options->ca_file) : usual_ca_file();
	http->private_ca = mem_text(options->ca_file);
	http->proxy = mem_text(options->proxy);
	http->agent = mem_text(options->agent);
	http->share = make_share();
	uv_timer_init(http->uv, &http->sweep);
	uv_timer_init(http->uv, &http->soon);
	http->sweep.data = http->soon.data = http;
	http->open_handles = 2;
	return http;
}

const char *http_proxy(const struct http *http)
{
	return http->proxy;
}

const char *http_ca_file(const struct http *http)
{
	return http->private_ca;
}

static void free_http(uv_handle_t *handle)
{
	struct http *http = handle->data;

	if (--http->open_handles > 0)
		return;
	free(http->sockets);
	free(http->ca_file);
	free(http->private_ca);
	free(http->proxy);
	free(http->agent);
	free(http);
	curl_global_cleanup();
}

void http_destroy(struct http *http)
{
	struct http_running *call;

	if (http == NULL)
		return;
	while ((call = http->calls) != NULL) {
		forget_id(call); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself out of http->calls */
		drop_call(call);
	}
	for (int trust = 0; trust < HTTP_TRUSTS; trust++)
		while (http->spares[trust] > 0)
			curl_easy_cleanup(http->spare[trust][--http->spares[trust]]);
	for (size_t i = 0; i < HTTP_TRUSTS * (size_t)HTTP_SHARDS_MAX; i++) {
		struct http_shard *shard = http->shards[i / HTTP_SHARDS_MAX][i % HTTP_SHARDS_MAX];

		if (shard != NULL)
			http_shard_close(shard);
	}
	for (size_t fd = 0; fd < http->sockets_room; fd++)
		http_socket_gone(http, (curl_socket_t)fd);
	curl_share_cleanup(http->share);
	uv_close((uv_handle_t *)&http->sweep, free_http);
	uv_close((uv_handle_t *)&http->soon, free_http);
}
