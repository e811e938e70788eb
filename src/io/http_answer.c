/* Says what a transfer that ended means: not sent, maybe sent, or answered; and how long to wait before the
 * next. */
#include "clock.h"
#include "http_room.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t wait_max_ms = 365LL * 86400 * 1000; /* more than that is a mistake, not a plan */

static const char *header(const struct http_running *call, const char *name)
{
	struct curl_header *found;

	if (curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
		return NULL;
	return found->value;
}

const char *http_header(const struct http_answer *answer, const char *name)
{
	return answer->of != NULL ? header(answer->of, name) : NULL;
}

char *http_header_all(const struct http_answer *answer, const char *name)
{
	struct curl_header *one;
	struct buf all = { 0 };
	size_t i = 0, count = 1;

	for (; answer->of && i < count; i++) {
		if (curl_easy_header(answer->of->easy, name, i, CURLH_HEADER, -1, &one) != CURLHE_OK)
			break;
		count = one->amount;
		buf_format(&all, "%s%s", i ? ", " : "", one->value);
	}
	return i ? buf_take(&all) : NULL;
}

const char *http_header_of(const struct http *http, uint64_t id, const char *name)
{
	const struct http_running *call;

	HASH_FIND(hh, http->calls, &id, sizeof(id), call);
	return call != NULL && call->easy != NULL ? header(call, name) : NULL;
}

/* "1.5": digits and at most one point, as both headers write numbers. */
static bool number(const char *text, double *value_out)
{
	size_t len = strspn(text, "0123456789.");
	char *end;

	if (len == 0 || text[len] != '\0' || text[0] == '.')
		return false;
	*value_out = strtod(text, &end);
	return *end == '\0' && isfinite(*value_out);
}

static int64_t bounded_ms(double wait_ms)
{
	if (wait_ms <= 0)
		return 0;
	return wait_ms >= (double)wait_max_ms ? wait_max_ms : (int64_t)(wait_ms + 0.999);
}

static int64_t retry_after(const struct http_running *call, int64_t date_ms)
{
	const char *exact = header(call, "retry-after-ms"), *usual = header(call, "retry-after");
	double value;
	time_t when;

	if (exact != NULL && number(exact, &value))
		return bounded_ms(value);
	if (usual == NULL)
		return -1;
	if (number(usual, &value))
		return bounded_ms(value * 1000);
	when = curl_getdate(usual, NULL);
	if (when == -1)
		return -1;
	/* Measured by the peer's own clock where it tells it: ours may be off. */
	return bounded_ms((double)when * 1000 - (double)(date_ms != 0 ? date_ms : clock_wall_ms()));
}

/* Many answers tell the same second: it is read once. */
static int64_t date_of(struct http *http, const char *date)
{
	size_t len = strlen(date);
	time_t when;

	if (http->date_ms != 0 && strcmp(date, http->date) == 0)
		return http->date_ms;
	when = curl_getdate(date, NULL);
	http->date_ms = 0;
	if (when <= 0)
		return 0;
	if (len < sizeof(http->date)) {
		memcpy(http->date, date, len + 1);
		http->date_ms = (int64_t)when * 1000;
	}
	return (int64_t)when * 1000;
}

static void read_headers(const struct http_running *call, struct http_answer *answer)
{
	const char *date = header(call, "date"), *type = header(call, "content-type");

	answer->date_ms = date == NULL ? 0 : date_of(call->http, date);
	answer->retry_after_ms = retry_after(call, answer->date_ms);
	answer->type = type != NULL ? type : "";
	answer->request_id = header(call, "x-request-id");
	if (answer->request_id == NULL)
		answer->request_id = header(call, "request-id");
	answer->should_retry = header(call, "x-should-retry");
}

/* Our own reason first: curl only knows that a callback of ours said no. */
static const char *reason(const struct http_running *call)
{
	if (call->overdue != NULL)
		return call->overdue;
	if (call->too_large)
		return "the answer is too large";
	if (call->stopped)
		return "stopped while reading the answer";
	if (call->sent && call->result == CURLE_ABORTED_BY_CALLBACK)
		return "the connection ended before the answer came";
	if (call->result == CURLE_OK)
		return "the connection ended inside the headers of the answer";
	return call->why[0] != '\0' ? call->why : curl_easy_strerror(call->result);
}

static void explain(const struct http_running *call, struct http_answer *answer)
{
	if (call->refused.kind != ERR_NONE)
		answer->err = call->refused;
	else if (call->blocked && !call->sent)
		err_set(&answer->err, ERR_REFUSED, "the host's address is not a public one");
	else if (answer->how == HTTP_NOT_SENT)
		err_set(&answer->err, ERR_AGAIN, "%s", reason(call));
	else
		err_set(&answer->err, ERR_UNSURE, "%s", reason(call));
	/* Method and host only: paths and queries of some platforms hold tokens. */
	if (call->host != NULL)
		err_add(&answer->err, "%s %s", call->method, call->host);
}

/* curl is content with headers that break off in the middle. */
static bool complete(const struct http_running *call)
{
	return call->sent && call->overdue == NULL && call->result == CURLE_OK && call->status >= 200;
}

void http_answer_read(struct http_running *call, struct http_answer *answer)
{
	uint64_t now = clock_mono_ms();
	long status = 0;

	memset(answer, 0, sizeof(*answer));
	answer->how = complete(call) ? HTTP_ANSWERED : call->sent ? HTTP_MAYBE : HTTP_NOT_SENT;
	answer->body = buf_str(&call->collected);
	answer->len = call->collected.len;
	answer->type = "";
	answer->too_large = call->too_large;
	answer->retry_after_ms = -1;
	answer->total_ms = (int64_t)(now - call->started_at);
	answer->first_byte_ms =
		call->first_byte_at == 0 ? -1 : (int64_t)(call->first_byte_at - call->started_at);
	if (call->sent) {
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		answer->status = status >= 200 ? (int)status : 0;
		read_headers(call, answer);
		answer->of = call;
	}
	if (answer->how != HTTP_ANSWERED)
		explain(call, answer);
}
