/* The chat endpoint's ops table: made, given the store, started, stopped. Read this file first. */
#include "api.h"
#include "api_room.h"
#include "mem.h"
#include <stdlib.h>

static const struct route routes[] = {
	{ "POST", "/api/{user}/chat", API_BODY_MAX, chat_run },
	{ "GET", "/api/{user}/messages/{message}", 0, message_run },
	{ "GET", "/api/{user}/messages/{message}/events", 0, message_events_run },
	{ "GET", "/api/{user}/conversations", 0, conversations_run },
	{ "GET", "/api/{user}/conversations/{conversation}", 0, conversation_run },
	{ "PATCH", "/api/{user}/conversations/{conversation}", API_SMALL_BODY_MAX, conversation_patch_run },
	{ "POST", "/api/{user}/conversations/{conversation}/archive", API_SMALL_BODY_MAX,
	  conversation_archive_run },
	{ "GET", "/api/{user}/conversations/{conversation}/messages", 0, conversation_messages_run },
	{ "POST", "/api/{user}/imports", 0, upload_run, .uploads = true, .as_user = true },
	{ "PUT", "/api/{user}/imports/{import}", 0, upload_run, .uploads = true, .as_user = true },
	{ "GET", "/api/{user}/imports", 0, imports_list_run, .as_user = true },
	{ "GET", "/api/{user}/imports/{import}", 0, import_run, .as_user = true },
	{ "DELETE", "/api/{user}/imports/{import}", 0, import_delete_run, .as_user = true },
	{ "POST", "/api/{user}/imports/{import}/retry", API_SMALL_BODY_MAX, import_retry_run,
	  .as_user = true },
	{ "POST", "/api/{user}/imports/{import}/cancel", API_SMALL_BODY_MAX, import_cancel_run,
	  .as_user = true },
	{ "POST", "/mcp", API_MCP_BODY_MAX, mcp_run, .as_user = true },
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };
_Static_assert(2 * ROUTES <= API_DOORS_MAX, "a door for each route on both servers");

static const struct setting api_settings[] = {
	{ .name = "name",
	  .type = SETTING_CHOICE,
	  .fallback = "chat",
	  .choices = "chat",
	  .help = "always this" },
	{ .name = "hold_seconds",
	  .type = SETTING_INT,
	  .fallback = "120",
	  .min = 1,
	  .max = 600,
	  .help = "a request waits this long for its answer, then 202 says where to fetch it" },
	{ .name = "held_per_user",
	  .type = SETTING_INT,
	  .fallback = "100",
	  .min = 1,
	  .max = 10000,
	  .help = "requests of one user that wait at the same time; more are answered 429" },
	{ .name = "auth_failures",
	  .type = SETTING_INT,
	  .fallback = "60",
	  .min = 1,
	  .max = 100000,
	  .help = "failed authentications of one address in a minute; more are answered 429" },
	{ .name = NULL },
};

static struct platform *create(struct platform_host *host, const struct settings *settings, struct err *err)
{
	struct platform *api = mem_zero(1, sizeof(*api));

	(void)err;
	api->host = host;
	api->log = (struct log){ .parent = host->log };
	api->hold_ms = (uint64_t)settings_int(settings, "hold_seconds") * 1000;
	api->held_per_user = (unsigned)settings_int(settings, "held_per_user");
	api->throttle.limit = (unsigned)settings_int(settings, "auth_failures");
	api->sweep = loop_timer_create(host->loop, watch_sweep, api);
	api->upload_sweep = loop_timer_create(host->loop, upload_clean, api);
	return api;
}

void api_use(struct platform *api, struct store *store, struct web *control, const char *operator_name)
{
	api->store = store;
	api->control = control;
	free(api->operator_name);
	api->operator_name = mem_text(operator_name);
}

void api_use_tools(struct platform *api, struct toolbox tools, const char *public_url)
{
	api->tools = tools;
	free(api->public_url);
	api->public_url = mem_text(public_url);
}

void api_use_imports(struct platform *api, const struct api_imports *imports)
{
	api->imports = *imports;
	api->upload_folder = mem_text(imports->folder);
	api->imports.folder = api->upload_folder;
}

/* Every request of every route comes in here. */
static void enter(void *owner, struct web_request *request)
{
	struct door *door = owner;

	auth_begin(call_create(door, request), request);
}

static bool open_doors(struct platform *api, struct web *web, bool control, struct err *err)
{
	for (size_t i = 0; i < ROUTES; i++) {
		bool uploads = routes[i].uploads;
		struct door *door = &api->doors[api->door_count];

		if (uploads && api->upload_folder == NULL)
			continue; /* files are not kept here */
		*door = (struct door){ .api = api, .web = web, .route = &routes[i], .control = control };
		if (!web_claim(web, &(struct web_route){ .method = routes[i].method,
							 .path = routes[i].path,
							 .body_max = uploads ? (size_t)api->imports.max +
										       API_SMALL_BODY_MAX
									     : routes[i].body_max,
							 .folder = uploads ? api->upload_folder : NULL,
							 .fn = enter,
							 .owner = door }))
			return err_set(err, ERR_REFUSED, "the path %s is taken", routes[i].path);
		api->door_count++;
	}
	return true;
}

static bool start(struct platform *api, struct err *err)
{
	if (api->store == NULL || api->tools.open == NULL)
		return err_set(err, ERR_BUG, "the chat endpoint was started without a store or tools");
	if (!open_doors(api, api->host->web, false, err))
		return false;
	if (api->control && !open_doors(api, api->control, true, err))
		return false;
	if (api->upload_folder)
		upload_clean(api);
	api->host->link(api->host, LINK_UP, NULL);
	return true;
}

/* Never asked: our messages have no reply address. Said all the same, so that a row could not hang. */
static void send_nothing(struct platform *api, const struct outgoing *out, uint64_t ticket)
{
	(void)out;
	api->host->sent(api->host, ticket, SENT_REJECTED, 0, NULL, "the chat endpoint's answers are fetched");
}

static void say_stopped(void *data)
{
	struct platform *api = data;

	api->host->stopped(api->host);
}

static void stop(struct platform *api)
{
	api->stopping = true;
	watch_stop(api);
	loop_post(api->host->loop, say_stopped, api);
}

static void destroy(struct platform *api)
{
	if (api == NULL)
		return;
	for (size_t i = 0; i < api->door_count; i++)
		web_release(api->doors[i].web, &api->doors[i]);
	while (api->calls)
		call_drop(api->calls);
	mcp_runs_free(api);
	uploads_free(api);
	loop_timer_destroy(api->upload_sweep);
	free(api->upload_folder);
	loop_timer_destroy(api->sweep);
	throttle_finish(&api->throttle);
	free(api->operator_name);
	free(api->public_url);
	free(api);
}

const struct platform_ops api_platform = {
	.abi = PLATFORM_ABI,
	.name = "api",
	.can = PLATFORM_STREAMS | PLATFORM_SHEDS_EARLY,
	.retry_cap_s = 60,
	.expire_s = 24 * 3600,
	.settings = api_settings,
	.create = create,
	.start = start,
	.ack = chat_ack,
	.send = send_nothing,
	.stream = watch_stream,
	.ended = watch_ended,
	.fetch = upload_fetch,
	.found = watch_found,
	.stop = stop,
	.destroy = destroy,
};
