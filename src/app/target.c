/* Finished imports are told to the target that the settings name: one after the other, signed by Standard Webhooks, again until
 * it says yes or it has been tried long enough. The database says which is due, so that a kill changes nothing: the
 * same import comes again under the same webhook-id. */
#include "backoff.h"
#include "buf.h"
#include "clock.h"
#include "daemon_room.h"
#include "http.h"
#include "json.h"
#include "mem.h"
#include "store_imports.h"
#include "verify.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK_MS = 2000,
	POST_MS = 30000,
	BASE_MS = 5000,
	CAP_MS = 3600 * 1000,
	TRIES_MAX = 150, /* about three days of pauses that are half an hour long on average */
	ID_MAX = 255,
};

struct target {
	struct daemon *daemon;
	struct loop_timer *timer;
	const char *url;
	struct verify_key key;
	int64_t id; /* of the import that is being posted */
	unsigned attempts;
	uint64_t call;
	struct {
		int64_t id; /* 0: the last one was taken */
		unsigned attempts;
		bool given_up;
		char why[320];
	} fault;
};

static void later(struct target *target, int64_t due_ms)
{
	int64_t wait = due_ms ? due_ms - clock_wall_ms() : LOOK_MS;

	loop_timer_start(target->timer, wait < 1 ? 1 : wait > LOOK_MS ? LOOK_MS : (uint64_t)wait, 0);
}

static void on_kept(void *owner, uint64_t ticket, const struct err *err)
{
	struct target *target = owner;

	(void)ticket;
	if (target->daemon->http == NULL)
		return; /* the daemon ends */
	if (err->kind != ERR_NONE && err->kind != ERR_GONE)
		log_warn(&target->daemon->log, "what became of import %lld is not kept: %s",
			 (long long)target->id, err->text);
	later(target, err->kind == ERR_NONE ? 1 : 0);
}

/* Its id of the import, as text; NULL: it says none. The caller frees. */
static char *read_id(const struct http_answer *answer)
{
	json_t *body = answer->len ? json_read(answer->body, answer->len, NULL) : NULL;
	const json_t *id = json_object_get(body, "id");
	char *text = NULL;

	if (json_is_integer(id))
		text = mem_format("%lld", (long long)json_integer_value(id));
	else if (json_is_string(id) && json_string_length(id) > 0 && json_string_length(id) <= ID_MAX)
		text = mem_text(json_string_value(id));
	json_decref(body);
	return text;
}

/* Only what is said of this import. A wrong secret or address is mended in the settings, and then all of them are to arrive. */
static bool for_good(const struct http_answer *answer)
{
	int status = answer->how == HTTP_ANSWERED ? answer->status : 0;

	return status == 400 || status == 410 || status == 413 || status == 415 || status == 422;
}

static const char *hint_of(int status)
{
	if (status == 401 || status == 403)
		return "; is imports.target.secret what it expects?";
	return status == 404 || status == 405 || (status >= 300 && status <= 399)
		       ? "; is imports.target.url right?"
		       : "";
}

/* More than we read of its answer is an answer, too. */
static bool was_taken(const struct http_answer *answer)
{
	return (answer->how == HTTP_ANSWERED || answer->too_large) && answer->status >= 200 &&
	       answer->status <= 299;
}

static void failed(struct target *target, const struct http_answer *answer)
{
	int64_t due = clock_wall_ms() + 1 + (int64_t)backoff_ms(target->attempts, BASE_MS, CAP_MS);
	char *why = target->fault.why;

	if (answer->how == HTTP_ANSWERED)
		snprintf(why, sizeof(target->fault.why), "the target answered %d%s", answer->status,
			 hint_of(answer->status));
	else
		snprintf(why, sizeof(target->fault.why), "the target did not answer: %.250s",
			 answer->err.text);
	if (answer->how == HTTP_ANSWERED && answer->retry_after_ms >= 0)
		due = clock_wall_ms() + 1 +
		      (answer->retry_after_ms > CAP_MS ? CAP_MS : answer->retry_after_ms);
	if (for_good(answer) || target->attempts >= TRIES_MAX)
		due = 0;
	target->fault.id = target->id;
	target->fault.attempts = target->attempts;
	target->fault.given_up = due == 0;
	log_warn(&target->daemon->log, "import %lld: %s; %s", (long long)target->id, why,
		 due ? "it is tried again" : "given up");
	store_post_done(target->daemon->store, target->id, NULL, why, due, on_kept, target, 0);
}

static void on_answer(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct target *target = owner;
	char *id;

	(void)ticket;
	target->call = 0;
	if (!was_taken(answer)) {
		failed(target, answer);
		return;
	}
	target->fault.id = 0;
	id = read_id(answer);
	if (id == NULL)
		log_warn(&target->daemon->log, "the target took import %lld and gave no id for it",
			 (long long)target->id);
	store_post_done(target->daemon->store, target->id, id, NULL, 0, on_kept, target, 0);
	free(id);
}

static void post(struct target *target, const char *body)
{
	char id[48], id_line[64], time_line[64], signature[VERIFY_SIGNATURE_SIZE], signature_line[80];
	const char *const headers[] = { "content-type: application/json", id_line, time_line, signature_line,
					NULL };
	int64_t now_s = clock_wall_ms() / 1000;

	snprintf(id, sizeof(id), "import-%lld", (long long)target->id);
	hook_sign(&target->key, id, now_s, body, strlen(body), signature);
	snprintf(id_line, sizeof(id_line), "webhook-id: %s", id);
	snprintf(time_line, sizeof(time_line), "webhook-timestamp: %lld", (long long)now_s);
	snprintf(signature_line, sizeof(signature_line), "webhook-signature: %s", signature);
	target->call = http_start(target->daemon->http,
				  &(struct http_call){ .method = "POST",
						       .url = target->url,
						       .headers = headers,
						       .body = body,
						       .body_len = strlen(body),
						       .total_ms = POST_MS },
				  NULL, on_answer, target, 0);
}

static void on_next(void *owner, uint64_t ticket, const struct err *err, const struct store_post *next)
{
	struct target *target = owner;

	(void)ticket;
	if (target->daemon->http == NULL)
		return; /* the daemon ends */
	if (err->kind != ERR_NONE || next->id == 0 || next->body == NULL) {
		later(target, err->kind == ERR_NONE && next->id == 0 ? next->due_ms : 0);
		return;
	}
	target->id = next->id;
	target->attempts = next->attempts;
	post(target, next->body);
}

static void look(void *data)
{
	struct target *target = data;

	store_post_next(target->daemon->store, on_next, target, 0);
}

bool target_check(const struct settings *imports, struct err *err)
{
	const struct settings *group = settings_group(imports, "target");
	const char *url = settings_text(group, "url"), *secret = settings_text(group, "secret");
	struct verify_key key;

	if (url == NULL && secret == NULL)
		return true;
	if (url == NULL || secret == NULL)
		return err_set(err, ERR_REFUSED, "%s: imports.target needs both url and secret",
			       settings_where(group, NULL));
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return err_set(err, ERR_REFUSED, "%s: a target is an http or https address",
			       settings_where(group, "url"));
	return hook_key_standard(secret, &key, err) || err_add(err, "%s", settings_where(group, "secret"));
}

struct target *target_start(struct daemon *daemon)
{
	const struct settings *group = settings_group(settings_group(daemon->settings, "imports"), "target");
	struct target *target;

	if (settings_text(group, "url") == NULL)
		return NULL;
	target = mem_zero(1, sizeof(*target));
	target->daemon = daemon;
	target->url = settings_text(group, "url");
	hook_key_standard(settings_text(group, "secret"), &target->key, NULL); /* target_check has seen it */
	target->timer = loop_timer_create(io_loop(daemon->io), look, target);
	loop_timer_start(target->timer, 1, 0);
	return target;
}

void target_status(const struct target *target, struct buf *out)
{
	if (target == NULL || target->fault.id == 0) {
		buf_text(out, "null");
		return;
	}
	buf_format(out,
		   "{\"import\":%lld,\"attempts\":%u,\"given_up\":%s,\"why\":", (long long)target->fault.id,
		   target->fault.attempts, target->fault.given_up ? "true" : "false");
	json_quote(out, target->fault.why, strlen(target->fault.why));
	buf_text(out, "}");
}

void target_destroy(struct target *target)
{
	if (target) {
		loop_timer_destroy(target->timer);
		explicit_bzero(&target->key, sizeof(target->key));
	}
	free(target);
}
