/* A hook on real sockets with a core that does what the test says. */
#include "stage.h"
#include "clock.h"
#include "drain.h"
#include "json.h"
#include "mem.h"
#include "webhook.h"

static struct stage *stage_of(struct platform_host *host)
{
	return (struct stage *)(void *)host;
}

/* ---- the core's part ----------------------------------------------------------------------------------- */

static void keep(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "(none)");
}

struct late {
	struct stage *stage;
	uint64_t ticket;
};

static void late_ack(void *data)
{
	struct late *late = data;

	if (late->stage->hook)
		webhook_platform.ack(late->stage->hook, late->ticket, &late->stage->ack);
	free(late);
}

static void late_found(void *data)
{
	struct late *late = data;

	if (late->stage->hook)
		webhook_platform.found(late->stage->hook, late->ticket, late->stage->found);
	free(late);
}

static void later(struct stage *stage, loop_fn *fn, uint64_t ticket)
{
	struct late *late = mem_alloc(sizeof(*late));

	*late = (struct late){ stage, ticket };
	loop_post(stage->host.loop, fn, late);
}

static void on_incoming(struct platform_host *host, const struct incoming *in)
{
	struct stage *stage = stage_of(host);

	stage->incoming++;
	stage->receipt = in->receipt;
	stage->flags = in->flags;
	keep(stage->key, sizeof(stage->key), in->delivery_key);
	keep(stage->fingerprint, sizeof(stage->fingerprint), in->fingerprint);
	keep(stage->sender, sizeof(stage->sender), in->sender);
	keep(stage->conversation, sizeof(stage->conversation), in->conversation);
	keep(stage->text, sizeof(stage->text), in->text);
	keep(stage->reply_to, sizeof(stage->reply_to), in->reply_to);
	if (!stage->silent)
		later(stage, late_ack, in->receipt);
}

static void on_sent(struct platform_host *host, uint64_t ticket, enum sent how, unsigned retry_ms,
		    const char *remote_id, const char *why)
{
	struct stage *stage = stage_of(host);

	(void)remote_id;
	assert_true(how == SENT_ACCEPTED || why != NULL);
	stage->sents++;
	stage->sent_ticket = ticket;
	stage->sent_how = how;
	stage->sent_retry_ms = retry_ms;
}

static void on_look(struct platform_host *host, const char *uuid, uint64_t ticket)
{
	struct stage *stage = stage_of(host);

	stage->looks++;
	stage->look_ticket = ticket;
	keep(stage->looked, sizeof(stage->looked), uuid);
	if (!stage->silent)
		later(stage, late_found, ticket);
}

static void on_link(struct platform_host *host, enum link_state now, const char *why)
{
	(void)why;
	stage_of(host)->links++;
	stage_of(host)->link = now;
}

static void on_stopped(struct platform_host *host)
{
	stage_of(host)->stops++;
}

/* ---- the callback receiver ------------------------------------------------------------------------------
 */

static void answer_callback(struct stage *stage, struct web_request *request)
{
	if (stage->callback_retry_after)
		web_add_header(request, "retry-after", stage->callback_retry_after);
	web_answer(request, stage->callback_status, NULL, NULL, 0);
}

static void on_callback(void *owner, struct web_request *request)
{
	struct stage *stage = owner;
	size_t len;

	keep(stage->callback_body, sizeof(stage->callback_body), web_body(request, &len));
	keep(stage->callback_id, sizeof(stage->callback_id), web_header(request, "webhook-id"));
	keep(stage->callback_time, sizeof(stage->callback_time), web_header(request, "webhook-timestamp"));
	keep(stage->callback_signature, sizeof(stage->callback_signature),
	     web_header(request, "webhook-signature"));
	keep(stage->callback_origin, sizeof(stage->callback_origin), web_header(request, "x-usher-origin"));
	stage->callbacks++;
	stage->callback_web_id = web_id(request);
	if (!stage->callback_held)
		answer_callback(stage, request);
}

/* ---- opening and closing ------------------------------------------------------------------------------- */

static void open_sockets(struct stage *stage)
{
	struct err err = { 0 };

	stage->io = io_create(&err);
	assert_non_null(stage->io);
	stage->web = web_create(stage->io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	assert_non_null(stage->web);
	stage->http = http_create(stage->io, &(struct http_options){ .agent = "usher-test" }, &err);
	assert_non_null(stage->http);
	assert_true(web_claim(stage->web, &(struct web_route){ "POST", "/cb", 65536, on_callback, stage }));
}

/* "PORT" in a setting becomes the port of the stage's server. */
static void put(struct stage *stage, const struct stage_put *one)
{
	const char *port = strstr(one->text, "PORT");
	struct err err = { 0 };
	char *text = port ? mem_format("%.*s%d%s", (int)(port - one->text), one->text, web_port(stage->web),
				       port + 4)
			  : mem_text(one->text);

	if (!settings_put(stage->settings, one->name, text, "test:1", &err))
		fail_msg("%s", err.text);
	free(text);
}

struct stage *stage_open(const struct stage_put *puts)
{
	struct stage *stage = mem_zero(1, sizeof(*stage));
	struct err err = { 0 };

	log_setup(LOG_ERROR, false); /* refusals are warnings, and the tests cause many */
	open_sockets(stage);
	stage->log = (struct log){ .name = "webhook/crm" };
	stage->host = (struct platform_host){
		.loop = io_loop(stage->io),
		.web = stage->web,
		.http = stage->http,
		.log = &stage->log,
		.incoming = on_incoming,
		.sent = on_sent,
		.look = on_look,
		.link = on_link,
		.stopped = on_stopped,
	};
	stage->ack = (struct ack){
		.how = ACK_STORED, .uuid = STAGE_UUID, .conversation_id = 7, .conversation_uuid = STAGE_PLACE
	};
	stage->callback_status = 204;
	stage->settings = settings_create(webhook_settings, "platforms.webhook[0]", "test:1");
	for (; puts->name; puts++)
		put(stage, puts);
	if (!settings_finish(stage->settings, &err))
		fail_msg("%s", err.text);
	stage->hook = webhook_platform.create(&stage->host, stage->settings, &err);
	if (!stage->hook || !webhook_platform.start(stage->hook, &err))
		fail_msg("%s", err.text);
	assert_int_equal(stage->link, LINK_UP);
	return stage;
}

void stage_close(struct stage *stage)
{
	struct platform *hook = stage->hook;

	stage->hook = NULL;
	webhook_platform.destroy(hook);
	drain(stage->io);
	http_destroy(stage->http);
	web_destroy(stage->web);
	settings_destroy(stage->settings);
	io_destroy(stage->io);
	free(stage);
}

/* ---- waiting ------------------------------------------------------------------------------------------- */

static void look_again(void *data)
{
	struct stage *stage = data;

	if (stage->until(stage, stage->what) || clock_mono_ms() > stage->deadline)
		io_stop(stage->io);
}

void stage_run(struct stage *stage, bool (*until)(struct stage *stage, const void *what), const void *what)
{
	struct loop_timer *timer = loop_timer_create(stage->host.loop, look_again, stage);

	stage->until = until;
	stage->what = what;
	stage->deadline = clock_mono_ms() + 120000;
	loop_timer_start(timer, 0, 2);
	io_run(stage->io);
	loop_timer_destroy(timer);
	if (!until(stage, what))
		fail_msg("what the test waits for did not happen in time");
}

static bool reply_done(struct stage *stage, const void *what)
{
	const struct reply *reply = what;

	(void)stage;
	return reply->done;
}

void stage_run_reply(struct stage *stage, const struct reply *reply)
{
	stage_run(stage, reply_done, reply);
}

struct least {
	const unsigned *count;
	unsigned least;
};

static bool count_reached(struct stage *stage, const void *what)
{
	const struct least *least = what;

	(void)stage;
	return *least->count >= least->least;
}

void stage_run_count(struct stage *stage, const unsigned *count, unsigned least)
{
	stage_run(stage, count_reached, &(struct least){ count, least });
}

/* ---- requests -------------------------------------------------------------------------------------------
 */

static void reply_came(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct reply *reply = owner;

	(void)ticket;
	reply->done = true;
	reply->how = answer->how;
	reply->status = answer->status;
	reply->retry_after_ms = answer->retry_after_ms;
	reply->body = mem_text(answer->body ? answer->body : "");
}

void stage_request(struct stage *stage, struct reply *reply, const char *method, const char *path,
		   const char *const *headers, const char *body)
{
	char *url = mem_format("http://127.0.0.1:%d%s", web_port(stage->web), path);

	*reply = (struct reply){ 0 };
	reply->http_id = http_start(stage->http,
				    &(struct http_call){ .method = method,
							 .url = url,
							 .headers = headers,
							 .body = body,
							 .body_len = body ? strlen(body) : 0 },
				    NULL, reply_came, reply, 0);
	free(url);
}

void stage_post_signed(struct stage *stage, struct reply *reply, const char *query, const char *id,
		       const char *type, const char *body)
{
	int64_t now_s = clock_wall_ms() / 1000;
	struct verify_key key;
	char signature[VERIFY_SIGNATURE_SIZE];
	char *path = mem_format("/webhook/crm%s", query);
	char *id_line = mem_format("webhook-id: %s", id), *type_line = mem_format("content-type: %s", type);
	char *time_line = mem_format("webhook-timestamp: %lld", (long long)now_s), *signature_line;

	assert_true(hook_key_standard(STAGE_SECRET, &key, NULL));
	hook_sign(&key, id, now_s, body, strlen(body), signature);
	signature_line = mem_format("webhook-signature: %s", signature);
	stage_request(stage, reply, "POST", path,
		      (const char *const[]){ type_line, id_line, time_line, signature_line, NULL }, body);
	free(path);
	free(id_line);
	free(type_line);
	free(time_line);
	free(signature_line);
}

void reply_free(struct reply *reply)
{
	free(reply->body);
	*reply = (struct reply){ 0 };
}

char *stage_member(const char *json, const char *pointer)
{
	json_t *document = json_read(json, strlen(json), NULL);
	const json_t *value = document ? json_pointer(document, pointer) : NULL;
	char *text = value == NULL		? mem_text("")
		     : json_string_value(value) ? mem_text(json_string_value(value))
						: json_write(value);

	json_decref(document);
	return text;
}

const struct stage_put stage_standard[] = { { "name", "crm" }, { "secret", STAGE_SECRET }, { NULL, NULL } };

static const char *const uuids[] = { STAGE_UUID };
static const char *const keys[] = { "evt_1" };
const struct outgoing stage_answered = {
	.uuid = "0190aaaa-1111-7000-8000-000000000002",
	.answers_to = uuids,
	.answers_to_count = 1,
	.delivery_keys = keys,
	.state = MESSAGE_ANSWERED,
	.text = "It is *done* \"now\".",
	.tool_calls = "[{\"name\":\"add\",\"arguments\":{},\"result\":{\"ok\":true}}]",
	.conversation_id = 7,
	.conversation_uuid = STAGE_PLACE,
	.created_ms = 1767323045678,
	.attempt = 1,
};

void stage_member_is(const struct reply *reply, const char *pointer, const char *expected)
{
	char *text = stage_member(reply->body, pointer);

	assert_string_equal(text, expected);
	free(text);
}

void stage_post(struct stage *stage, struct reply *reply, const char *query, const char *id)
{
	stage_post_signed(stage, reply, query, id, "application/json", STAGE_BODY);
}

void stage_expect(struct stage *stage, struct reply *reply, int status)
{
	stage_run_reply(stage, reply);
	assert_int_equal(reply->how, HTTP_ANSWERED);
	if (reply->status != status)
		fail_msg("answered %d, expected %d: %s", reply->status, status, reply->body);
}

bool stage_one_waits(struct stage *stage, const void *what)
{
	(void)what;
	return ((struct webhook *)(void *)stage->hook)->waiting == 1;
}

void stage_check_answered(const struct reply *reply)
{
	stage_member_is(reply, "/id", STAGE_UUID);
	stage_member_is(reply, "/status", "answered");
	stage_member_is(reply, "/conversation_id", "7");
	stage_member_is(reply, "/reply/text", stage_answered.text);
	stage_member_is(reply, "/reply/tool_calls/0/result/ok", "true");
}
