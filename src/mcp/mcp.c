/* All servers together: the set of tools that is offered, calls that have ended, the state for people. */
#include "mcp.h"
#include "buf.h"
#include "io.h"
#include "mem.h"
#include "oauth.h"
#include "oauth_form.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

enum { STOP_MS = 5000, SETTLE_MS = 5000 };

/* One tool of a set, with all that a call needs: the server's list may change meanwhile. */
struct bound {
	struct tool tool;
	struct mcp_tool copy;
	struct server *server; /* lives as long as the mcp */
	char plain[MCP_NAME_MAX + 1];
	char *server_name; /* ours: a set may outlive the mcp */
	bool trusted;
};

struct offer {
	struct toolset set;
	unsigned holders;
	struct bound *bound;
	const struct tool **list;
};

struct ended {
	tool_done_fn *done;
	void *owner;
	uint64_t ticket;
	char *result;
	bool failed;
	struct ended *next;
};

struct mcp {
	struct mcp_options options;
	struct server *servers;
	size_t count;
	struct offer *offer; /* in force; NULL: to be made */
	struct ended *ended;
	struct loop_timer *later, *limit, *settling;
	uint64_t last_judge, last_keep;
	bool flush;
	void (*stopped)(void *owner);
	void *stopped_owner;
	void (*settled)(void *owner); /* until it was called */
	void *settled_owner;
	char *callback, *document;
	struct kept {
		uint64_t ticket;
		struct server *server;
		struct kept *next;
	} * keeps;
};

/* ---- sets of tools ------------------------------------------------------------------------------------------ */

static void call_tool(void *box, const struct tool_caller *caller, const char *arguments, const char *key,
		      tool_done_fn *done, void *owner, uint64_t ticket)
{
	struct bound *bound = box;
	struct err err = { 0 };
	json_t *whole = json_read(arguments, strlen(arguments), &err);

	(void)caller;
	if (!json_is_object(whole)) {
		json_decref(whole);
		mcp_finish(bound->server->mcp, done, owner, ticket,
			   result_error("the arguments are no JSON object"), true);
		return;
	}
	server_call(bound->server, &(struct server_call){ .tool = &bound->copy,
							  .arguments = whole,
							  .class = bound->tool.class,
							  .key = key,
							  .done = done,
							  .owner = owner,
							  .ticket = ticket });
}

static void release(const struct toolset *set)
{
	struct offer *offer = (struct offer *)(uintptr_t)set; /* its first member */

	if (--offer->holders > 0)
		return;
	for (size_t i = 0; i < offer->set.count; i++) {
		tool_finish(&offer->bound[i].copy);
		free(offer->bound[i].server_name);
	}
	free(offer->bound);
	free(offer->list);
	free(offer);
}

/* A crash in the middle of a call: what the operator says counts, then what a trusted server says. */
static enum tool_class class_of(const struct server *server, const struct mcp_tool *tool)
{
	enum tool_class class;

	if (config_class(&server->config, tool->original, &class))
		return class;
	return server->config.trusted && tool->reads ? TOOL_READ : TOOL_ONCE;
}

static void bind(struct bound *bound, struct server *server, const struct mcp_tool *tool)
{
	bound->server = server;
	bound->server_name = mem_text(server->config.name);
	bound->trusted = server->config.trusted;
	tool_name(server->config.name, tool->original, false, bound->plain);
	bound->copy = *tool;
	bound->copy.original = mem_text(tool->original);
	bound->copy.description = mem_text(tool->description);
	bound->copy.parameters = mem_text(tool->parameters);
	bound->copy.schema = mem_text(tool->schema);
	bound->copy.definition = NULL;
	bound->tool = (struct tool){ .name = bound->copy.name,
				     .description = bound->copy.description,
				     .parameters = bound->copy.parameters,
				     .class = class_of(server, tool),
				     .foreign = true,
				     .box = bound,
				     .call = call_tool };
}

static struct offer *make_offer(struct mcp *mcp)
{
	struct offer *offer = mem_zero(1, sizeof(*offer));
	size_t count = 0;

	for (size_t s = 0; s < mcp->count; s++)
		count += mcp->servers[s].tools.count;
	offer->bound = mem_zero(count ? count : 1, sizeof(*offer->bound));
	offer->list = mem_zero(count ? count : 1, sizeof(struct tool *));
	offer->holders = 1;
	for (size_t s = 0; s < mcp->count; s++) {
		const struct tool_list *list = &mcp->servers[s].tools;

		for (size_t i = 0; i < list->count; i++) {
			struct bound *bound = &offer->bound[offer->set.count];

			bind(bound, &mcp->servers[s], &list->tools[i]);
			offer->list[offer->set.count++] = &bound->tool;
		}
	}
	offer->set.tools = offer->list;
	offer->set.release = release;
	return offer;
}

const struct toolset *mcp_tools(struct mcp *mcp)
{
	mcp_warm(mcp);
	for (size_t i = 0; i < mcp->count; i++)
		modern_freshen(&mcp->servers[i]);
	if (mcp->offer == NULL)
		mcp->offer = make_offer(mcp);
	mcp->offer->holders++;
	return &mcp->offer->set;
}

bool mcp_owns(const struct tool *tool)
{
	return tool->call == call_tool;
}

struct mcp_about mcp_about(const struct tool *tool)
{
	const struct bound *bound = tool->box;

	return (struct mcp_about){ .server = bound->server_name,
				   .tool = bound->copy.original,
				   .plain = bound->plain,
				   .schema = bound->copy.schema,
				   .trusted = bound->trusted,
				   .reads = bound->copy.reads };
}

void mcp_changed(struct mcp *mcp)
{
	if (mcp->offer)
		release(&mcp->offer->set);
	mcp->offer = NULL;
}

/* ---- the judge ---------------------------------------------------------------------------------------------------- */

static struct server *judged_server(struct mcp *mcp, uint64_t ticket)
{
	for (size_t i = 0; i < mcp->count; i++)
		if (ticket && mcp->servers[i].judge == ticket)
			return &mcp->servers[i];
	return NULL;
}

void mcp_judged(struct mcp *mcp, uint64_t ticket, const bool *good, size_t count)
{
	struct server *server = judged_server(mcp, ticket);

	if (server)
		tools_judged(server, good, count);
}

uint64_t mcp_ask_judge(struct mcp *mcp, struct server *server)
{
	size_t count = server->judged.count;
	struct mcp_pin *pins = mem_zero(count, sizeof(*pins));
	uint64_t ticket = ++mcp->last_judge;

	for (size_t i = 0; i < count; i++)
		pins[i] = (struct mcp_pin){ .server = server->config.name,
					    .tool = server->judged.tools[i].original,
					    .hash = server->judged.tools[i].hash,
					    .definition = server->judged.tools[i].definition };
	server->judge = ticket;
	mcp->options.judge(mcp->options.owner, ticket, pins, count);
	free(pins);
	return server->judge; /* it may have been answered already */
}

/* ---- authorization ---------------------------------------------------------------------------------------------- */

static struct server *named(const struct mcp *mcp, const char *name)
{
	for (size_t i = 0; i < mcp->count; i++)
		if (strcmp(mcp->servers[i].config.name, name) == 0)
			return &mcp->servers[i];
	return NULL;
}

static struct oauth *oauth_of(const struct mcp *mcp, const char *name, struct err *err)
{
	const struct server *server = named(mcp, name);

	if (server == NULL)
		err_set(err, ERR_GONE, "the settings name no server \"%.40s\" in tools.mcp", name);
	else if (server->oauth == NULL)
		err_set(err, ERR_REFUSED,
			"%s has no use for a login: it is a program, or its credentials are set, or its url "
			"is "
			"not https",
			name);
	return server ? server->oauth : NULL;
}

void mcp_keep(struct mcp *mcp, struct server *server, const char *issuer, const char *text)
{
	struct kept *kept = mem_zero(1, sizeof(*kept));

	*kept = (struct kept){ .ticket = ++mcp->last_keep, .server = server };
	LL_PREPEND(mcp->keeps, kept);
	if (mcp->options.keep)
		mcp->options.keep(mcp->options.keep_owner, kept->ticket, server->config.name, issuer, text);
	else
		mcp_kept(mcp, kept->ticket, &(struct err){ 0 });
}

void mcp_kept(struct mcp *mcp, uint64_t ticket, const struct err *err)
{
	struct kept *kept;

	LL_SEARCH_SCALAR(mcp->keeps, kept, ticket, ticket);
	if (kept == NULL)
		return;
	LL_DELETE(mcp->keeps, kept);
	if (kept->server)
		oauth_kept(kept->server->oauth, err);
	free(kept);
}

void mcp_recall(struct mcp *mcp, const char *name, const char *text)
{
	const struct server *server = named(mcp, name);

	if (server && server->oauth)
		oauth_recall(server->oauth, text);
}

void mcp_login(struct mcp *mcp, const char *name, mcp_login_fn *fn, void *owner, uint64_t ticket)
{
	struct err err = { 0 };
	struct oauth *oauth = oauth_of(mcp, name, &err);

	if (oauth)
		oauth_login(oauth, fn, owner, ticket);
	else
		fn(owner, ticket, &err, NULL);
}

char *mcp_login_state(const struct mcp *mcp, const char *name)
{
	struct err err = { 0 };
	const struct oauth *oauth = oauth_of(mcp, name, &err);
	json_t *json;
	char *text;

	if (oauth == NULL)
		return NULL;
	json = json_pack("{s:s}", "state", oauth_login_state(oauth, &err));
	if (err.kind != ERR_NONE)
		json_object_set_new(json, "why", json_string(err.text));
	text = json_write(json);
	json_decref(json);
	return text;
}

bool mcp_redirected(struct mcp *mcp, const char *name, const struct mcp_redirect *redirect, struct err *err)
{
	struct oauth *oauth = oauth_of(mcp, name, err);

	return oauth && oauth_redirected(oauth, redirect, err);
}

bool mcp_pasted(struct mcp *mcp, const char *name, const char *address, struct err *err)
{
	struct mcp_redirect redirect;
	char *room = NULL;
	bool fine;

	oauth_redirect_read(address, &redirect, &room);
	fine = mcp_redirected(mcp, name, &redirect, err);
	free(room);
	return fine;
}

bool mcp_logout(struct mcp *mcp, const char *name)
{
	struct server *server = named(mcp, name);
	struct kept *kept;

	if (server == NULL)
		return false;
	LL_FOREACH (mcp->keeps, kept)
		if (kept->server == server)
			kept->server = NULL; /* what is kept too late is forgotten */
	server_forget(server);
	return true;
}

char *mcp_document(const struct mcp *mcp)
{
	json_t *redirects = json_array(), *json;
	char *text;

	for (size_t i = 0; i < mcp->count && mcp->callback; i++)
		if (mcp->servers[i].oauth)
			json_array_append_new(
				redirects, json_sprintf("%s/%s", mcp->callback, mcp->servers[i].config.name));
	json = json_pack("{s:s, s:s, s:o, s:[s, s], s:[s], s:s, s:s}", "client_id",
			 mcp->document ? mcp->document : "", "client_name", "usher", "redirect_uris",
			 redirects, "grant_types", "authorization_code", "refresh_token", "response_types",
			 "code", "token_endpoint_auth_method", "none", "application_type", "web");
	text = json_write(json);
	json_decref(json);
	return text;
}

/* ---- later rounds --------------------------------------------------------------------------------------------------- */

void mcp_finish(struct mcp *mcp, tool_done_fn *done, void *owner, uint64_t ticket, char *result, bool failed)
{
	struct ended *ended = mem_zero(1, sizeof(*ended));

	*ended = (struct ended){
		.done = done, .owner = owner, .ticket = ticket, .result = result, .failed = failed
	};
	LL_APPEND(mcp->ended, ended);
	loop_timer_start(mcp->later, 0, 0);
}

void mcp_flush_later(struct mcp *mcp)
{
	mcp->flush = true;
	loop_timer_start(mcp->later, 0, 0);
}

/* One at a time: who is told may call again, and that is for the next round. */
static void on_later(void *data)
{
	struct mcp *mcp = data;
	struct ended *one, *next, *all = mcp->ended;

	mcp->ended = NULL;
	LL_FOREACH_SAFE(all, one, next)
	{
		one->done(one->owner, one->ticket, one->result, one->failed);
		free(one->result);
		free(one);
	}
	if (mcp->flush) {
		mcp->flush = false;
		for (size_t i = 0; i < mcp->count; i++)
			server_flush(&mcp->servers[i]);
	}
}

/* ---- the object ------------------------------------------------------------------------------------------------------- */

static bool same_name_before(const struct mcp *mcp, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcasecmp(mcp->servers[i].config.name, mcp->servers[index].config.name) == 0)
			return true;
	return false;
}

static void on_limit(void *data);
static void on_settling(void *data);

struct mcp *mcp_create(const struct mcp_options *options, struct err *err)
{
	struct mcp *mcp = mem_zero(1, sizeof(*mcp));
	struct loop *loop = io_loop(options->io);

	mcp->options = *options;
	mcp->options.callback = mcp->callback = mem_text(options->callback);
	mcp->options.document = mcp->document = mem_text(options->document);
	mcp->servers = mem_zero(options->count ? options->count : 1, sizeof(*mcp->servers));
	mcp->later = loop_timer_create(loop, on_later, mcp);
	mcp->limit = loop_timer_create(loop, on_limit, mcp);
	mcp->settling = loop_timer_create(loop, on_settling, mcp);
	for (size_t i = 0; i < options->count; i++) {
		if (!server_create(mcp, &mcp->options, options->servers[i], &mcp->servers[i], err)) {
			mcp_destroy(mcp);
			return NULL;
		}
		mcp->count++;
		if (same_name_before(mcp, i)) {
			err_set(err, ERR_REFUSED, "%s: two servers are called \"%s\"",
				settings_where(options->servers[i], "name"), mcp->servers[i].config.name);
			mcp_destroy(mcp);
			return NULL;
		}
	}
	mcp->options.servers = NULL; /* only read here */
	return mcp;
}

struct server *mcp_server(struct mcp *mcp, size_t index)
{
	return &mcp->servers[index];
}

void mcp_warm(struct mcp *mcp)
{
	for (size_t i = 0; i < mcp->count; i++)
		server_need(&mcp->servers[i]);
}

/* ---- the beginning --------------------------------------------------------------------------------------------------- */

static void on_settling(void *data)
{
	struct mcp *mcp = data;
	void (*settled)(void *owner) = mcp->settled;

	mcp->settled = NULL;
	if (settled)
		settled(mcp->settled_owner);
}

void mcp_moved(struct mcp *mcp)
{
	for (size_t i = 0; mcp->settled && i < mcp->count; i++)
		if (!server_settled(&mcp->servers[i]))
			return;
	if (mcp->settled)
		loop_timer_start(mcp->settling, 0, 0);
}

void mcp_on_settled(struct mcp *mcp, void (*settled)(void *owner), void *owner)
{
	mcp->settled = settled;
	mcp->settled_owner = owner;
	loop_timer_start(mcp->settling, SETTLE_MS, 0);
	mcp_moved(mcp);
}

void mcp_list_again(struct mcp *mcp, const char *name)
{
	for (size_t i = 0; i < mcp->count; i++)
		if (strcmp(mcp->servers[i].config.name, name) == 0 && mcp->servers[i].state == SERVER_READY)
			tools_list(&mcp->servers[i]);
}

char *mcp_status(const struct mcp *mcp)
{
	json_t *all = json_array();
	char *text;

	for (size_t i = 0; i < mcp->count; i++) {
		const struct server *server = &mcp->servers[i];
		json_t *one = json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "name", server->config.name,
					"state", server_state_name(server), "transport", server->ops->name,
					"tools", (json_int_t)server->tools.count, "hidden",
					(json_int_t)server->hidden, "trusted", server->config.trusted);

		if (server->version[0])
			json_object_set_new(one, "protocol", json_string(server->version));
		if (server->title)
			json_object_set_new(one, "server", json_string(server->title));
		if (server->why.kind != ERR_NONE)
			json_object_set_new(one, "why", json_string(server->why.text));
		json_array_append_new(all, one);
	}
	text = json_write(all);
	json_decref(all);
	return text;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------- */

static void tell_stopped(struct mcp *mcp)
{
	void (*stopped)(void *owner) = mcp->stopped;

	mcp->stopped = NULL;
	if (stopped)
		stopped(mcp->stopped_owner);
}

/* Also the way in which a stop that has nothing to wait for is told in a later round. */
static void on_limit(void *data)
{
	tell_stopped(data);
}

static bool all_closed(const struct mcp *mcp)
{
	for (size_t i = 0; i < mcp->count; i++)
		if (mcp->servers[i].state != SERVER_CLOSED)
			return false;
	return true;
}

void mcp_closed(struct mcp *mcp)
{
	if (mcp->stopped && all_closed(mcp))
		loop_timer_start(mcp->limit, 0, 0);
}

void mcp_stop(struct mcp *mcp, void (*done)(void *owner), void *owner)
{
	mcp->stopped = done;
	mcp->stopped_owner = owner;
	loop_timer_start(mcp->limit, STOP_MS, 0);
	for (size_t i = 0; i < mcp->count; i++)
		server_close(&mcp->servers[i]);
	mcp_closed(mcp);
}

void mcp_destroy(struct mcp *mcp)
{
	struct ended *one, *next;
	struct kept *kept, *after;

	if (mcp == NULL)
		return;
	for (size_t i = 0; i < mcp->count; i++)
		server_destroy(&mcp->servers[i]);
	LL_FOREACH_SAFE(mcp->ended, one, next)
	{
		free(one->result);
		free(one);
	}
	mcp_changed(mcp);
	LL_FOREACH_SAFE(mcp->keeps, kept, after)
	free(kept);
	free(mcp->callback);
	free(mcp->document);
	loop_timer_destroy(mcp->later);
	loop_timer_destroy(mcp->limit);
	loop_timer_destroy(mcp->settling);
	free(mcp->servers);
	free(mcp);
}
