/* The control socket: what `usher COMMAND` asks of the running daemon, as HTTP over a unix socket. Only root
 * and the daemon's own user get an answer (SO_PEERCRED); no path here changes settings or starts programs:
 * the settings file can be read again, as by SIGHUP. */
#include "admin_args.h"
#include "apikey.h"
#include "buf.h"
#include "clock.h"
#include "daemon_room.h"
#include "json.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool admin_allowed(struct web_request *request)
{
	uid_t uid;
	gid_t gid;

	if (web_peer_unix(request, &uid, &gid) && (uid == 0 || uid == geteuid()))
		return true;
	web_answer_error(request, 403, "FORBIDDEN",
			 "the control socket serves root and the daemon's own user");
	return false;
}

/* ---- reports and acts: names and arguments are checked by the store ---------------------------------------
 */

static int status_of(const struct err *err)
{
	switch (err->kind) {
	case ERR_GONE:
		return 404;
	case ERR_REFUSED:
		return 409;
	case ERR_AGAIN:
	case ERR_FULL:
		return 503;
	default:
		return 500;
	}
}

void admin_answer(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct daemon *daemon = owner;
	struct web_request *request = web_find(daemon->control, ticket);

	if (request == NULL)
		return;
	if (err->kind != ERR_NONE)
		web_answer_error(request, status_of(err), "FAILED", "%s", err->text);
	else
		web_answer_json(request, 200, json);
}

static void add_progress(const struct daemon *daemon, json_t *import)
{
	char *words = core_import_progress(daemon->core, json_int(import, "import_id", 0));

	json_object_set_new(import, "progress", words ? json_string(words) : json_null());
	free(words);
}

/* What only the running daemon knows of imports is put into the store's answer. */
static void imports_answer(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	json_t *imports = json ? json_read(json, strlen(json), NULL) : NULL, *one;
	char *text;
	size_t i;

	if (err->kind != ERR_NONE || imports == NULL) {
		admin_answer(owner, ticket, err, json);
		return;
	}
	if (json_is_object(imports))
		add_progress(owner, imports);
	json_array_foreach (imports, i, one)
		add_progress(owner, one);
	text = json_write(imports);
	admin_answer(owner, ticket, err, text);
	free(text);
	json_decref(imports);
}

static void acted(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct daemon *daemon = owner;

	admin_answer(owner, ticket, err, json);
	if (err->kind == ERR_NONE)
		core_acted(daemon->core, json); /* what it lets go on must not wait for the next timer */
	else
		core_wake(daemon->core);
}

bool admin_read_args(struct web_request *request, struct admin_args *args)
{
	struct err err = { 0 };
	size_t len;
	const char *text = web_body(request, &len);

	if (admin_args_read(args, text, len, &err))
		return true;
	web_answer_error(request, 400, "BAD_REQUEST", "%s", err.text);
	return false;
}

static void report(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	const char *name = web_param(request, "name");
	bool imports = strcmp(name, "imports") == 0 || strcmp(name, "import") == 0;
	struct admin_args args;

	if (!admin_allowed(request) || !admin_read_args(request, &args))
		return;
	store_report(daemon->store, name, args.texts, args.count, imports ? imports_answer : admin_answer,
		     daemon, web_id(request));
	admin_args_free(&args);
}

static void act(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;

	if (!admin_allowed(request) || !admin_read_args(request, &args))
		return;
	log_info(&daemon->log, "operator: %s", web_param(request, "name"));
	store_act(daemon->store, web_param(request, "name"), args.texts, args.count, acted, daemon,
		  web_id(request));
	admin_args_free(&args);
}

/* ---- keys: made here, stored as a hash, shown once --------------------------------------------------- */

struct new_key {
	struct daemon *daemon;
	uint64_t request;
	char key[APIKEY_SIZE], id[APIKEY_ID_SIZE];
};

static void key_stored(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct new_key *made = owner;
	struct web_request *request = web_find(made->daemon->control, made->request);
	char answer[256];

	(void)ticket;
	(void)json;
	if (request && err->kind != ERR_NONE) {
		web_answer_error(request, status_of(err), "FAILED", "%s", err->text);
	} else if (request) {
		snprintf(answer, sizeof(answer), "{\"key_id\":\"%s\",\"key\":\"%s\"}", made->id, made->key);
		web_answer_json(request, 200, answer);
	}
	explicit_bzero(made->key, sizeof(made->key));
	free(made);
}

static void add_key(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;
	char hash[CRYPTO_SHA256_HEX];
	struct new_key *made;

	if (!admin_allowed(request) || !admin_read_args(request, &args))
		return;
	if (args.count != 2 || args.texts[0] == NULL || args.texts[1] == NULL) {
		web_answer_error(request, 400, "BAD_REQUEST",
				 "a key needs the name of a user and a name of its own");
		admin_args_free(&args);
		return;
	}
	made = mem_zero(1, sizeof(*made));
	made->daemon = daemon;
	made->request = web_id(request);
	apikey_make(made->key, made->id, hash);
	store_act(daemon->store, "key_add",
		  (const char *const[]){ args.texts[0], args.texts[1], made->id, hash }, 4, key_stored, made,
		  0);
	admin_args_free(&args);
}

/* ---- status and doctor
 * ------------------------------------------------------------------------------------- */

static void status(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct store_gauges gauges = store_gauges(daemon->store);
	struct buf out = { 0 };
	char *servers, *changed;

	if (!admin_allowed(request))
		return;
	buf_format(
		&out,
		"{\"version\":\"%s\",\"pid\":%d,\"uptime_s\":%llu,\"ready\":%s,\"stopping\":%s,\"port\":%d,"
		"\"connections\":%zu,\"requests_running\":%zu,\"store\":{\"queued\":%zu,\"commits\":%llu,"
		"\"full\":%s,\"disk_free\":%lld},\"core\":",
		USHER_VERSION, (int)getpid(),
		(unsigned long long)((clock_mono_ms() - daemon->started_ms) / 1000),
		daemon->ready ? "true" : "false", daemon->stopping ? "true" : "false", web_port(daemon->web),
		web_connections(daemon->web), http_running(daemon->http), gauges.queued,
		(unsigned long long)gauges.commits, gauges.full ? "true" : "false",
		(long long)gauges.disk_free);
	core_status(daemon->core, &out);
	servers = mcp_status(daemon->tools.mcp);
	changed = admin_tools_changed(daemon);
	buf_format(&out, ",\"mcp\":%s,\"tools_changed\":%s,\"import_target\":", servers, changed);
	target_status(daemon->target, &out);
	buf_text(&out, "}");
	free(changed);
	free(servers);
	web_answer_json(request, 200, out.data);
	buf_free(&out);
}

/* One model of `usher doctor`, asked one after the other by the command line. */
static void model_checked(void *owner, uint64_t ticket, const struct err *err, int64_t clock_skew_ms)
{
	struct daemon *daemon = owner;
	struct web_request *request = web_find(daemon->control, ticket);
	struct buf out = { 0 };

	if (request == NULL)
		return;
	buf_format(&out, "{\"ok\":%s,\"message\":", err->kind == ERR_NONE ? "true" : "false");
	json_quote(&out, err->text, strlen(err->text));
	buf_format(&out, ",\"clock_skew_ms\":%lld}", (long long)clock_skew_ms);
	web_answer_json(request, 200, out.data);
	buf_free(&out);
}

static void check_model(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;

	if (admin_allowed(request))
		ai_check(daemon->ai, web_param(request, "name"), model_checked, daemon, web_id(request));
}

static void list_models(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct buf out = { 0 };
	const char *name;

	if (!admin_allowed(request))
		return;
	buf_text(&out, "[");
	for (size_t i = 0; (name = ai_model_name(daemon->ai, i)); i++) {
		buf_text(&out, i ? "," : "");
		json_quote(&out, name, strlen(name));
	}
	buf_text(&out, "]");
	web_answer_json(request, 200, out.data);
	buf_free(&out);
}

void admin_claim(struct daemon *daemon)
{
	static const struct {
		const char *method, *path;
		web_fn *fn;
	} routes[] = {
		{ "GET", "/admin/status", status },
		{ "POST", "/admin/report/{name}", report },
		{ "POST", "/admin/act/{name}", act },
		{ "POST", "/admin/key", add_key },
		{ "GET", "/admin/models", list_models },
		{ "POST", "/admin/models/{name}/check", check_model },
	};

	admin_install_claim(daemon);
	admin_tools_claim(daemon);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		web_claim(daemon->control, &(struct web_route){ .method = routes[i].method,
								.path = routes[i].path,
								.body_max = ADMIN_BODY_MAX,
								.fn = routes[i].fn,
								.owner = daemon });
}
