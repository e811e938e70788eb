/* A request's way in: check, read, map, hand over. */
#include "buf.h"
#include "clock.h"
#include "header.h"
#include "hook.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { DELIVERY_KEY_SIZE = 96 };

static struct metric failed_checks = {
	.name = "usher_webhook_failed_checks_total",
	.help = "Requests whose signature or key was missing, malformed, out of time or wrong",
	.type = METRIC_COUNTER,
	.label = "hook,why",
};

static const char *const standard_once[] = { "webhook-id", "webhook-timestamp", "webhook-signature",
					     "svix-id",	   "svix-timestamp",	"svix-signature",
					     NULL };

static bool any_repeated(const struct web_request *request, const char *const *names)
{
	for (; *names; names++)
		if (web_header_repeated(request, *names))
			return true;
	return false;
}

/* The names of today, or the older ones that some senders still use; never a mixture. */
static void standard_headers(const struct web_request *request, struct verify_headers *out)
{
	*out = (struct verify_headers){ web_header(request, "webhook-id"),
					web_header(request, "webhook-timestamp"),
					web_header(request, "webhook-signature") };
	if (!out->id && !out->timestamp && !out->signature)
		*out = (struct verify_headers){ web_header(request, "svix-id"),
						web_header(request, "svix-timestamp"),
						web_header(request, "svix-signature") };
}

static enum verified check_standard(const struct webhook *hook, const struct web_request *request)
{
	struct verify_headers headers;
	size_t len;
	const char *body = web_body(request, &len);
	int64_t now_s = clock_wall_ms() / 1000;
	enum verified result;

	if (any_repeated(request, standard_once))
		return VERIFIED_FORM;
	standard_headers(request, &headers);
	result = hook_verify_standard(&hook->config.keys, &headers, body, len, now_s,
				      hook->config.tolerance_s);
	if (result == VERIFIED_TIME)
		log_info(hook->host->log, "a request's timestamp is %s, our clock says %lld",
			 headers.timestamp, (long long)now_s);
	return result;
}

static enum verified check_github(const struct webhook *hook, const struct web_request *request)
{
	size_t len;
	const char *body = web_body(request, &len);

	if (web_header_repeated(request, "x-hub-signature-256"))
		return VERIFIED_FORM;
	return hook_verify_github(&hook->config.keys, web_header(request, "x-hub-signature-256"), body, len);
}

static enum verified check_bearer(const struct webhook *hook, const struct web_request *request)
{
	if (web_header_repeated(request, "authorization"))
		return VERIFIED_FORM;
	return hook_verify_bearer(&hook->config.keys, web_header(request, "authorization"));
}

/* Without a key only programs on this machine count: not what a proxy passes on, and not a page in a browser.
 */
static enum verified check_none(const struct webhook *hook, const struct web_request *request)
{
	(void)hook;
	return web_loopback(request) && web_header(request, "origin") == NULL ? VERIFIED : VERIFIED_WRONG;
}

static enum verified check(const struct webhook *hook, const struct web_request *request)
{
	static enum verified (*const checks[])(const struct webhook *, const struct web_request *) = {
		[AUTH_STANDARD] = check_standard,
		[AUTH_GITHUB] = check_github,
		[AUTH_BEARER] = check_bearer,
		[AUTH_NONE] = check_none,
	};

	return checks[hook->config.auth](hook, request);
}

/* Polling: bodies are signed, and a GET has none; the receipt holds a token for it. */
static enum verified check_poll(const struct webhook *hook, const struct web_request *request,
				const char *uuid)
{
	if (hook->config.auth == AUTH_BEARER || hook->config.auth == AUTH_NONE)
		return check(hook, request);
	if (web_header_repeated(request, "authorization"))
		return VERIFIED_FORM;
	return hook_verify_poll(&hook->config.keys, web_header(request, "authorization"), uuid);
}

/* The check comes first even for a peer that failed often, since many senders may share a proxy's address:
 * who has the key is never locked out by who has not. */
void hook_refuse(struct webhook *hook, struct web_request *request, enum verified why)
{
	const char *labels[] = { hook->config.name, hook_verified_name(why) };

	metric_add(&failed_checks, labels, 1);
	if (hook_failure(&hook->failures, web_peer(request), loop_now_ms(hook->host->loop))) {
		web_add_header(request, "retry-after", "60");
		web_answer_error(request, 429, "RATE_LIMITED", "too many failed requests");
		return;
	}
	log_warn(hook->host->log, "a request from %s failed its check: %s", web_peer(request),
		 hook_verified_name(why));
	if (hook->config.auth == AUTH_BEARER)
		web_add_header(request, "www-authenticate", "Bearer");
	web_answer_error(request, 401, "AUTH_FAILED", "the request could not be authenticated");
}

static bool seconds_read(const char *text, size_t len, unsigned *seconds_out)
{
	unsigned seconds = 0;

	if (len == 0 || len > 6)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		seconds = seconds * 10 + (unsigned)(text[i] - '0');
	}
	*seconds_out = seconds;
	return true;
}

/* "Prefer: respond-async, wait=10" (RFC 7240); preferences that are not understood are ignored. */
static unsigned preferred_wait(const char *header)
{
	unsigned seconds = 0;

	while (header && *header) {
		size_t len;

		header += strspn(header, " \t,");
		len = strcspn(header, " \t,;");
		if (len > 5 && strncasecmp(header, "wait=", 5) == 0 &&
		    seconds_read(header + 5, len - 5, &seconds))
			return seconds;
		header += strcspn(header, ",");
	}
	return 0;
}

/* False: already answered. */
static bool wait_read(const struct webhook *hook, struct web_request *request, unsigned *wait_s_out)
{
	const char *query = web_query(request, "wait");

	if (query == NULL) {
		*wait_s_out = preferred_wait(web_header(request, "prefer"));
	} else if (!seconds_read(query, strlen(query), wait_s_out)) {
		web_answer_error(request, 400, "BAD_REQUEST", "wait is a whole number of seconds");
		return false;
	}
	if (*wait_s_out > hook->config.wait_max_s)
		*wait_s_out = hook->config.wait_max_s;
	return true;
}

/* Why a valid request holds nothing to answer, or NULL. */
static const char *ignore_reason(const struct webhook *hook, const struct web_request *request)
{
	const char *origin = web_header(request, "x-usher-origin");
	const char *event = web_header(request, "x-github-event");

	if (origin && strcmp(origin, hook_origin()) == 0)
		return "our own callback";
	if (hook->config.auth == AUTH_GITHUB && event && strcmp(event, "ping") == 0)
		return "GitHub ping";
	return NULL;
}

/* The sender's id of this delivery, or NULL. */
static const char *sent_id(const struct web_request *request, const struct mapped *mapped)
{
	static const char *const headers[] = { "webhook-id", "svix-id", "x-github-delivery", NULL };

	for (const char *const *name = headers; *name; name++) {
		const char *id = web_header(request, *name);

		if (id && *id)
			return id;
	}
	return mapped->id;
}

/* Hands the message over. The delivery key is the sender's id, and then the same id with another body is a
 * conflict; or the body itself together with the stretch of time it came in. */
static uint64_t hand_over(struct webhook *hook, struct web_request *request, const struct mapped *mapped,
			  const char *fingerprint, unsigned wait_s, const char *ignored)
{
	const struct hook_config *config = &hook->config;
	char key[DELIVERY_KEY_SIZE];
	const char *id = sent_id(request, mapped);
	struct incoming in = {
		.delivery_key = id ? id : key,
		.fingerprint = id ? fingerprint : NULL,
		.sender = mapped->sender,
		.sender_name = mapped->sender_name,
		.conversation = mapped->conversation,
		.text = ignored ? ignored : mapped->text,
		.reply_to = mapped->reply_url ? mapped->reply_url : config->reply_url,
		.files = mapped->files,
		.file_count = mapped->file_count,
	};

	snprintf(key, sizeof(key), "sha256:%s:%lld", fingerprint,
		 (long long)(clock_wall_ms() / 1000 / HOOK_REPEAT_S));
	if (ignored)
		in.flags |= INCOMING_IGNORE;
	else if (wait_s > 0 || !config->merge || in.reply_to == NULL)
		in.flags |= INCOMING_ALONE;
	in.receipt = hook_hold(hook, request, wait_s, ignored);
	hook->host->incoming(hook->host, &in);
	return in.receipt;
}

static void answer_body_fault(const struct webhook *hook, struct web_request *request, enum body_fault fault,
			      const struct err *err)
{
	static const struct {
		int status;
		const char *code;
	} answers[] = {
		[BODY_OK] = { 500, "INTERNAL_ERROR" },
		[BODY_TYPE] = { 415, "UNSUPPORTED_MEDIA_TYPE" },
		[BODY_SYNTAX] = { 400, "BAD_REQUEST" },
		[BODY_MEANING] = { 422, "UNPROCESSABLE" },
	};

	hook_count(hook, "malformed");
	web_answer_error(request, answers[fault].status, answers[fault].code, "%s", err->text);
}

/* What mapping alone can't know: events without text, and where answers may go. */
static enum body_fault judge(const struct webhook *hook, const struct mapped *mapped, const char *ignored,
			     struct err *err)
{
	if (ignored)
		return BODY_OK;
	if (mapped->text == NULL) {
		err_set(err, ERR_REFUSED,
			"no text found in the body; the hook's setting \"text\" says where it looks");
		return BODY_MEANING;
	}
	if (mapped->reply_url && !hook_reply_allowed(&hook->config, mapped->reply_url, err))
		return BODY_MEANING;
	return BODY_OK;
}

/* False: already answered. */
static bool may_go_on(struct webhook *hook, struct web_request *request, unsigned *wait_s_out)
{
	if (!hook->stopping)
		return wait_read(hook, request, wait_s_out);
	hook_refuse_busy(request, "STOPPING", "the service is stopping; send again");
	return false;
}

static void read_body(void *owner, struct web_request *request)
{
	struct webhook *hook = owner;
	struct mapped mapped = { 0 };
	struct err err = { 0 };
	enum verified genuine = check(hook, request);
	char fingerprint[CRYPTO_SHA256_HEX];
	enum body_fault fault;
	const char *ignored, *body;
	unsigned wait_s = 0;
	size_t len;

	if (genuine != VERIFIED) {
		hook_refuse(hook, request, genuine);
		return;
	}
	if (!may_go_on(hook, request, &wait_s))
		return;
	body = web_body(request, &len);
	ignored = ignore_reason(hook, request);
	fault = hook_map(&hook->config.mapping, web_header(request, "content-type"), body, len, &mapped,
			 &err);
	if (fault == BODY_OK)
		fault = judge(hook, &mapped, ignored, &err);
	if (fault == BODY_OK)
		hand_over(hook, request, &mapped, crypto_sha256_hex(body, len, fingerprint), wait_s, ignored);
	else
		answer_body_fault(hook, request, fault, &err);
	hook_mapped_finish(&mapped);
}

void hook_receive_post(void *owner, struct web_request *request)
{
	struct webhook *hook = owner;

	if (hook->host->uploads == NULL)
		read_body(hook, request);
	else if (hook_body_is_file(hook, request))
		hook_receive_file(hook, request);
	else
		web_collect(request, hook->config.body_max, read_body, hook);
}

/* ---- bodies that are files ----------------------------------------------------------------------------- */

void hook_refuse_busy(struct web_request *request, const char *code, const char *why)
{
	web_add_header(request, "retry-after", "5");
	web_answer_error(request, 503, code, "%s", why);
}

enum verified hook_check_head(const struct webhook *hook, const struct web_request *request)
{
	struct verify_headers headers;

	switch (hook->config.auth) {
	case AUTH_STANDARD:
		if (any_repeated(request, standard_once))
			return VERIFIED_FORM;
		standard_headers(request, &headers);
		return hook_verify_standard_head(&headers, clock_wall_ms() / 1000, hook->config.tolerance_s);
	case AUTH_GITHUB:
		if (web_header_repeated(request, "x-hub-signature-256"))
			return VERIFIED_FORM;
		return hook_verify_github_head(web_header(request, "x-hub-signature-256"));
	case AUTH_BEARER:
	case AUTH_NONE:
		break;
	}
	return check(hook, request);
}

struct verify_body *hook_check_begin(const struct webhook *hook, const struct web_request *request,
				     char **signature_out)
{
	struct verify_headers headers;

	if (hook->config.auth == AUTH_STANDARD) {
		standard_headers(request, &headers);
		*signature_out = mem_text(headers.signature);
		return hook_body_begin(&hook->config.keys, &headers);
	}
	if (hook->config.auth != AUTH_GITHUB)
		return NULL;
	*signature_out = mem_text(web_header(request, "x-hub-signature-256"));
	return hook_body_begin(&hook->config.keys, NULL);
}

/* Words beside the body. They are not signed: with an id that is, they count once with it; where the id is not, whoever had
 * seen one request could ask anything. */
static const char *beside(const struct web_request *request, const char *name)
{
	const char *text = web_query(request, name);

	return text && *text ? text : NULL;
}

static void map_file(const struct webhook *hook, const struct web_request *request, struct mapped *out)
{
	const struct mapping *mapping = &hook->config.mapping;
	const char *text = beside(request, "text"), *sender = beside(request, "sender"),
		   *place = beside(request, "conversation");

	if (text == NULL)
		text = web_header(request, "x-usher-text");
	out->text = text ? text : "";
	out->sender = sender ? sender : mapping->default_sender;
	out->sender_name = beside(request, "sender_name");
	out->conversation = place			    ? place
			    : mapping->default_conversation ? mapping->default_conversation
							    : out->sender;
	out->id = beside(request, "id");
}

static void fingerprint_file(const struct mapped *mapped, const struct message_file *file, const char *sha256,
			     char out[CRYPTO_SHA256_HEX])
{
	char *all = mem_format("%s\n%s\n%s\n%s\n%s", sha256, file->name, mapped->sender, mapped->conversation,
			       mapped->text);

	crypto_sha256_hex(all, strlen(all), out);
	free(all);
}

/* What it is called: as its sender says, or "file". The caller frees. */
static char *file_name(const struct web_request *request)
{
	const char *disposition = web_header(request, "content-disposition");
	char *given = disposition ? header_param(disposition, "filename") : NULL;
	char *name = given ? header_file_name(given) : NULL;

	if (name == NULL && beside(request, "name"))
		name = header_file_name(beside(request, "name"));
	free(given);
	return name ? name : mem_text("file");
}

static const char *file_fault(const struct webhook *hook, const struct web_request *request,
			      const struct hook_file *file)
{
	if (file->size == 0)
		return "the body is empty: send a file";
	if (hook->config.auth == AUTH_GITHUB &&
	    (beside(request, "text") || beside(request, "sender") || beside(request, "conversation") ||
	     web_header(request, "x-usher-text")))
		return "with auth = \"github\" nothing but the body is signed: no words may stand beside it";
	return NULL;
}

void hook_take_file(struct webhook *hook, struct web_request *request, const struct hook_file *file)
{
	const char *type = web_header(request, "content-type"), *fault = file_fault(hook, request, file);
	char *name = file_name(request), *mime = type ? mem_text_n(type, strcspn(type, "; \t")) : NULL;
	char *url = mem_format(HOOK_UPLOAD "%s", strrchr(file->path, '/') + 1);
	struct message_file one = { .url = url, .name = name, .mime = mime, .size = file->size };
	struct mapped mapped = { .files = &one, .file_count = 1 };
	char fingerprint[CRYPTO_SHA256_HEX];
	unsigned wait_s = 0;
	bool taken = false;

	if (fault) {
		hook_count(hook, "malformed");
		web_answer_error(request, 422, "UNPROCESSABLE", "%s", fault);
	} else if (may_go_on(hook, request, &wait_s)) {
		map_file(hook, request, &mapped);
		fingerprint_file(&mapped, &one, file->sha256, fingerprint);
		hook_hold_file(
			hook,
			hand_over(hook, request, &mapped, fingerprint, wait_s, ignore_reason(hook, request)),
			file->path);
		taken = true;
	}
	if (!taken) {
		unlink(file->path);
		free(file->path);
	}
	free(name);
	free(mime);
	free(url);
}

void hook_receive_poll(void *owner, struct web_request *request)
{
	struct webhook *hook = owner;
	const char *uuid = web_param(request, "id");
	enum verified genuine;

	if (uuid == NULL || !crypto_uuid_valid(uuid)) {
		web_answer_error(request, 404, "NOT_FOUND", "no such message");
		return;
	}
	genuine = check_poll(hook, request, uuid);
	if (genuine != VERIFIED) {
		hook_refuse(hook, request, genuine);
		return;
	}
	if (hook->stopping) {
		web_add_header(request, "retry-after", "5");
		web_answer_error(request, 503, "STOPPING", "the service is stopping; ask again");
		return;
	}
	hook->host->look(hook->host, uuid, hook_hold_poll(hook, request, uuid));
}
