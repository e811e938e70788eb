/* Turns a call into a prepared curl handle, and watches over it while curl works: the guard, the one sending,
 * and the pieces of the answer. */
#include "clock.h"
#include "guard.h"
#include "http_room.h"
#include "mem.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	CONNECT_MS = 10000,
	TOTAL_MS = 30000,
	ANSWER_MAX = 65536,
	ERROR_MAX = 65536,
	BUFFER_SIZE = 4096,
	UPLOAD_SIZE = 16384
};

/* ---- what curl calls ----------------------------------------------------------------------------------- */

void http_request_known(struct http_running *call)
{
	if (call->looking_up)
		call->http->lookups[call->trust]--;
	call->looking_up = false;
}

static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_running *call = data;
	curl_socket_t fd;

	(void)purpose;
	http_request_known(call);
	if (call->trust == HTTP_USERS && !guard_allows(&address->addr, call->guard_loopback)) {
		call->blocked = true;
		return CURL_SOCKET_BAD;
	}
	fd = http_socket_open(call->http, address);
	if (fd != CURL_SOCKET_BAD && call->opened_count < HTTP_OPENED_MAX)
		call->opened[call->opened_count++] = fd;
	return fd;
}

static bool ip_allowed(const char *ip, bool loopback)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, ip, &in4.sin_addr) == 1)
		return guard_allows((const struct sockaddr *)&in4, loopback);
	if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
		return guard_allows((const struct sockaddr *)&in6, loopback);
	return false;
}

/* Connected (TLS included), nothing sent yet. Comes a second time when a kept connection died and curl wants
 * to send the request again, although the peer may have acted on the first one. */
static int before_sending(void *data, char *ip, char *own_ip, int port, int own_port)
{
	struct http_running *call = data;

	(void)own_ip;
	(void)port;
	(void)own_port;
	http_request_known(call);
	if (call->sent)
		return CURL_PREREQFUNC_ABORT;
	/* One forbidden address among several is an attack, even if another one answered. */
	if (call->trust == HTTP_USERS && (call->blocked || !ip_allowed(ip, call->guard_loopback))) {
		call->blocked = true;
		return CURL_PREREQFUNC_ABORT;
	}
	call->sent = true;
	return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
	struct http_running *call = data;
	size_t len = size * count;
	long status = 0;

	call->last_byte_at = clock_mono_ms();
	if (call->first_byte_at == 0)
		call->first_byte_at = call->last_byte_at;
	call->head_len += len;
	if (call->head_len > HTTP_HEAD_MAX) {
		call->too_large = true;
		return 0;
	}
	if (len <= 2 && (line[0] == '\r' || line[0] == '\n')) {
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		call->status = (int)status;
	}
	return len;
}

static bool pass_on(struct http_running *call, const char *data, size_t len)
{
	size_t room = call->answer_max - call->passed_len;
	bool more;

	if (len > room) {
		call->too_large = true;
		return false;
	}
	call->passed_len += len;
	more = call->on_data(call->owner, call->ticket, data, len);
	if (call->state == CALL_DOOMED)
		return false;
	call->stopped = !more;
	return more;
}

/* Who reads in pieces may allow much, yet of an error only the beginning is of interest: the rest is read and
 * thrown away, for hundreds of calls can fail at once. */
static bool collect(struct http_running *call, const char *data, size_t len)
{
	size_t most = call->on_data != NULL && call->answer_max > ERROR_MAX ? ERROR_MAX : call->answer_max;
	size_t room = most - call->collected.len;

	call->too_large = len > call->answer_max - call->passed_len;
	call->passed_len += len;
	buf_add(&call->collected, data, len < room ? len : room);
	return !call->too_large;
}

static size_t on_body(char *data, size_t size, size_t count, void *owner)
{
	struct http_running *call = owner;
	size_t len = size * count;

	if (call->state == CALL_DOOMED)
		return 0;
	call->last_byte_at = clock_mono_ms();
	if (call->on_data != NULL && call->status >= 200 && call->status < 300)
		return len == 0 || pass_on(call, data, len) ? len : 0;
	return collect(call, data, len) ? len : 0;
}

/* ---- easy handles -------------------------------------------------------------------------------------- */

/* What is the same for every call of this trust. */
static CURL *make_easy(const struct http *http, enum http_trust trust)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		abort(); /* out of memory, as in mem.c */
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* The folder of CAs would be trusted beside the file; without it curl also keeps the parsed file. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_SIZE);
	/* Else ending a call waits for the thread that resolves its name, and the loop with it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	/* Once and for all: a handle that leaves a share and comes back loses the memory of its own sessions. */
	if (trust == HTTP_OURS)
		curl_easy_setopt(easy, CURLOPT_SHARE, http->share);
	if (http->agent != NULL)
		curl_easy_setopt(easy, CURLOPT_USERAGENT, http->agent);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, http_socket_close);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	return easy;
}

static void set_trust(const struct http_running *call)
{
	const struct http *http = call->http;
	bool users = call->trust == HTTP_USERS;
	const char *ca_file = call->ca_file != NULL ? call->ca_file : http->ca_file;

	curl_easy_setopt(call->easy, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, (long)users);
	curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, (long)users);
	curl_easy_setopt(call->easy, CURLOPT_DNS_CACHE_TIMEOUT, users ? 0L : 60L);
	/* The guard would see the proxy's address instead of the user's. */
	curl_easy_setopt(call->easy, CURLOPT_PROXY, users || http->proxy == NULL ? "" : http->proxy);
	curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
}

static void set_method(struct http_running *call)
{
	bool form = call->part_count > 0;
	bool post = !form && (strcmp(call->method, "POST") == 0 || call->body != NULL);
	bool head = strcmp(call->method, "HEAD") == 0;

	curl_easy_setopt(call->easy, CURLOPT_NOBODY, (long)head);
	if (form)
		http_form_set(call);
	if (!head && !post && !form)
		curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L);
	if (!head && post) {
		curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
		curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body != NULL ? call->body : "");
	}
	curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, head ? NULL : call->method);
}

bool http_request_begin(struct http_running *call, CURLM *multi)
{
	struct http *http = call->http;
	uint64_t waited = clock_mono_ms() - call->started_at;

	if (http->spares[call->trust] > 0)
		call->easy = http->spare[call->trust][--http->spares[call->trust]];
	else
		call->easy = make_easy(http, call->trust);
	set_trust(call);
	set_method(call);
	curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_ms);
	curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS,
			 waited < call->total_ms ? (long)(call->total_ms - waited) : 1L);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->why);
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_CLOSESOCKETDATA, http);
	curl_easy_setopt(call->easy, CURLOPT_PREREQDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	if (curl_multi_add_handle(multi, call->easy) != CURLM_OK)
		return err_set(&call->refused, ERR_AGAIN, "the HTTP client takes no more calls");
	call->looking_up = call->by_name;
	http->lookups[call->trust] += call->by_name;
	return true;
}

void http_request_end(struct http_running *call)
{
	struct http *http = call->http;

	http_request_known(call);
	if (call->easy == NULL)
		return;
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, NULL);
	http_form_clear(call);
	if (http->spares[call->trust] < HTTP_SPARE_MAX)
		http->spare[call->trust][http->spares[call->trust]++] = call->easy;
	else
		curl_easy_cleanup(call->easy);
	call->easy = NULL;
}

/* ---- checking what the caller wants ----------------------------------------------------------------------
 */

static bool valid_method(const char *method)
{
	return method != NULL && method[0] != '\0' && strlen(method) < 20 &&
	       strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(method);
}

/* One line: a second one would be a header, or a request, that nobody meant. */
static bool valid_header(const char *line)
{
	const char *colon = strchr(line, ':');

	if (colon == NULL || colon == line)
		return false;
	for (const char *at = line; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' && *at != '\t')
			return false;
	}
	return true;
}

static void add_header(struct http_running *call, const char *line)
{
	struct curl_slist *longer = curl_slist_append(call->headers, line);

	if (longer == NULL)
		abort(); /* out of memory, as in mem.c */
	call->headers = longer;
}

/* curl leaves out a header that has no value after its colon; one that is meant to be empty is written with a semicolon. */
static void add_row(struct http_running *call, const char *line)
{
	size_t name = strcspn(line, ":");
	char *empty;

	if (line[name + 1 + strspn(line + name + 1, " \t")] != '\0') {
		add_header(call, line);
		return;
	}
	empty = mem_format("%.*s;", (int)name, line);
	add_header(call, empty);
	free(empty);
}

static bool take_headers(struct http_running *call, const char *const *headers)
{
	bool typed = false;

	for (; headers != NULL && *headers != NULL; headers++) {
		if (!valid_header(*headers))
			return err_set(&call->refused, ERR_REFUSED,
				       "a header is not one line of \"Name: value\"");
		typed = typed || strncasecmp(*headers, "content-type:", 13) == 0;
		add_row(call, *headers);
	}
	add_header(call, "Expect:"); /* or larger bodies wait for a permission that many servers never send */
	if (call->part_count > 0)
		return !typed || err_set(&call->refused, ERR_REFUSED, "a form has a type of its own");
	if (!typed)
		add_header(call, "Content-Type:"); /* or curl claims that it is a form */
	return true;
}

static void take_limits(struct http_running *call, const struct http_call *wanted)
{
	call->connect_ms = wanted->connect_ms != 0 ? wanted->connect_ms : CONNECT_MS;
	call->total_ms = wanted->total_ms != 0 ? wanted->total_ms : TOTAL_MS;
	call->first_byte_ms = wanted->first_byte_ms != 0 ? wanted->first_byte_ms : call->total_ms;
	call->idle_ms = wanted->idle_ms;
	call->answer_max = wanted->answer_max != 0 ? wanted->answer_max : ANSWER_MAX;
}

bool http_request_check(struct http_running *call, const struct http_call *wanted)
{
	struct in_addr unused;

	call->trust = wanted->guarded ? HTTP_USERS : HTTP_OURS;
	call->guard_loopback = wanted->guard_loopback;
	take_limits(call, wanted);
	call->method = mem_text(wanted->method != NULL ? wanted->method : "");
	if (!valid_method(wanted->method))
		return err_set(&call->refused, ERR_REFUSED, "this is not a method");
	if (!http_url_parse(wanted->url, wanted->guarded, wanted->guard_loopback, &call->url, &call->host,
			    &call->refused))
		return false;
	call->by_name = call->host[0] != '[' && inet_pton(AF_INET, call->host, &unused) != 1;
	if (wanted->part_count > 0 && (wanted->body != NULL || strcmp(wanted->method, "POST") != 0))
		return err_set(&call->refused, ERR_REFUSED, "a form is posted, without another body");
	http_form_keep(call, wanted->parts, wanted->part_count);
	if (!take_headers(call, wanted->headers))
		return false;
	call->ca_file = mem_text(wanted->ca_file);
	if (wanted->body != NULL) { /* curl keeps a pointer only */
		call->body = mem_copy(wanted->body, wanted->body_len);
		call->body_len = wanted->body_len;
	}
	return true;
}
