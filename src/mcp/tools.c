/* The list of a server's tools: fetched page by page, judged, and swapped as a whole (sheet 8). */
#include "mem.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>

static void ask_page(struct server *server, const char *cursor);

static void drop_listing(struct server *server)
{
	tool_list_finish(&server->listing);
	json_decref(server->cursors);
	server->cursors = NULL;
	server->lists = false;
}

void tools_reset(struct server *server)
{
	drop_listing(server);
	tool_list_finish(&server->judged);
	server->judge = 0;
	server->list_again = false;
	modern_reset(server);
	if (server->relist)
		loop_timer_stop(server->relist);
}

/* ---- the end of a list ----------------------------------------------------------------------------------------- */

static void in_force(struct server *server)
{
	tool_list_finish(&server->tools);
	server->tools = server->judged;
	server->judged = (struct tool_list){ 0 };
	server->judge = 0;
	if (server->state == SERVER_STARTING) /* later lists are told of when they are asked for */
		log_info(&server->log, "offers %zu tools, %u more are left out", server->tools.count,
			 server->hidden);
	else
		log_debug(&server->log, "offers %zu tools now", server->tools.count);
	mcp_changed(server->mcp);
	modern_listen(server);
	if (server->state == SERVER_STARTING)
		server_ready(server);
	else
		server_flush(server);
}

void tools_judged(struct server *server, const bool *good, size_t count)
{
	struct tool_list kept = { 0 };

	for (size_t i = 0; i < server->judged.count; i++) {
		free(server->judged.tools[i].definition);
		server->judged.tools[i].definition = NULL;
		if (i < count && good[i]) {
			tool_list_add(&kept, &server->judged.tools[i]);
			continue;
		}
		server->hidden++;
		log_debug(&server->log, "tool %s is not offered: its description is not approved",
			  server->judged.tools[i].original);
		tool_finish(&server->judged.tools[i]);
	}
	free(server->judged.tools);
	server->judged = kept;
	in_force(server);
}

static void listed(struct server *server)
{
	tool_list_settle(&server->listing, server->config.name, &server->log);
	tool_list_finish(&server->judged);
	server->judged = server->listing;
	server->listing = (struct tool_list){ 0 };
	drop_listing(server);
	if (server->judged.count == 0) {
		in_force(server);
		return;
	}
	server->judge = mcp_ask_judge(server->mcp, server);
}

/* ---- pages --------------------------------------------------------------------------------------------------------- */

/* What its schema wants in headers must be possible; other wires have none (sheet 13). */
static bool mirrors(struct server *server, const json_t *from, struct mcp_tool *tool, struct err *err)
{
	if (!server->modern || server->config.url == NULL ||
	    param_check(json_object_get(from, "inputSchema"), err))
		return true;
	tool_finish(tool);
	return false;
}

static void take_tool(struct server *server, const json_t *from)
{
	struct mcp_tool tool;
	struct err err = { 0 };
	const char *name = json_text(from, "name");

	if (!tool_read(server->config.name, from, &tool, &err) || !mirrors(server, from, &tool, &err)) {
		server->hidden++;
		if (server->state == SERVER_STARTING)
			log_info(&server->log, "tool %.100s is not offered: %s",
				 name ? name : "without a name", err.text);
		return;
	}
	if (!config_offers(&server->config, tool.original)) {
		tool_finish(&tool);
		return;
	}
	tool_list_add(&server->listing, &tool);
}

static bool seen(const json_t *cursors, const char *cursor)
{
	const json_t *one;
	size_t i;

	json_array_foreach (cursors, i, one) {
		if (strcmp(json_string_value(one), cursor) == 0)
			return true;
	}
	return false;
}

/* The empty text is a cursor too; no cursor is the end. */
static void next_page(struct server *server, const char *cursor)
{
	const char *why = server->pages >= MCP_PAGES_MAX	    ? "it has too many pages"
			  : server->listing.count >= MCP_TOOLS_MAX  ? "it has too many tools"
			  : cursor && seen(server->cursors, cursor) ? "its pages go round in a circle"
								    : NULL;

	if (cursor && why)
		log_warn(&server->log, "the list of tools is cut off after %u pages: %s", server->pages, why);
	if (cursor && why == NULL)
		ask_page(server, cursor);
	else
		listed(server);
}

/* A list that can't be had: what was in force stays so; at the start there is nothing to go on with. */
static void no_list(struct server *server, const struct rpc_answer *answer)
{
	const char *why = json_text(answer->error, "message");
	struct err err = answer->err;

	if (answer->result)
		err_set(&err, ERR_REFUSED, "the answer is not complete");
	if (answer->error)
		err_set(&err, ERR_REFUSED, "%.200s", why ? why : "refused without a word");
	err_add(&err, "listing its tools");
	drop_listing(server);
	if (server->state == SERVER_STARTING)
		server_fail(server, WIRE_ENDED, &err);
	else
		log_warn(&server->log, "%s", err.text);
	server_flush(server); /* calls that wait for a list go on with the one there is */
}

static void got_page(void *owner, uint64_t ticket, const struct rpc_answer *answer)
{
	struct server *server = owner;
	const json_t *one;
	size_t i;

	(void)ticket;
	if (server->rpc == NULL) /* the connection is being given up */
		return;
	if (answer->result == NULL || (server->modern && round_of(answer->result) != ROUND_COMPLETE)) {
		no_list(server, answer);
		return;
	}
	modern_listed(server, answer->result);
	json_array_foreach (json_object_get(answer->result, "tools"), i, one) {
		if (server->listing.count < MCP_TOOLS_MAX)
			take_tool(server, one);
	}
	next_page(server, json_text(answer->result, "nextCursor"));
}

static void ask_page(struct server *server, const char *cursor)
{
	json_t *params = cursor ? json_pack("{s:s}", "cursor", cursor) : NULL;

	if (cursor)
		json_array_append_new(server->cursors, json_string(cursor));
	server->pages++;
	modern_ask(server,
		   &(struct rpc_ask){
			   .method = "tools/list", .params = params, .total_ms = server->config.start_ms },
		   NULL, got_page, server, 0);
}

void tools_list(struct server *server)
{
	if (server->lists || server->judge) { /* later: what it lists now may be from before the change */
		server->list_again = true;
		loop_timer_start(server->relist, SERVER_RELIST_MS, 0);
		return;
	}
	server->list_again = false;
	server->hidden = 0;
	if (!server->has_tools) {
		listed(server);
		return;
	}
	server->lists = true;
	server->pages = 0;
	server->cursors = json_array();
	ask_page(server, NULL);
}

/* A storm of changes is one list, and can't put it off. */
void tools_changed(struct server *server)
{
	if (server->version[0] && !server->list_again) {
		server->list_again = true;
		loop_timer_start(server->relist, SERVER_RELIST_MS, 0);
	}
}
