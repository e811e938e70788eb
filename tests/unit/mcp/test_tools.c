/* Lists of tools: every page, never without end; what changed is seen, and nothing is offered that was not judged. */
#include "buf.h"
#include "mem.h"
#include "stage_wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOOL(name) "{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"

static size_t count_offered(struct stage_wire *w)
{
	const struct toolset *set = mcp_tools(w->mcp);
	size_t count = set->count;

	set->release(set);
	return count;
}

static void begins(struct stage_wire *w)
{
	mcp_warm(w->mcp);
	answers(w, sends(w, "initialize"),
		"\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
		"\"serverInfo\":{}}");
	json_decref(sends(w, "notifications/initialized"));
}

/* The empty text is a cursor like any other: only its absence ends a list. */
static void all_pages_are_read(void **state)
{
	static const char *const cursors[] = { NULL, "2", "" };
	static const char *const pages[] = {
		"\"result\":{\"tools\":[" TOOL("c") "," TOOL("a") "],\"nextCursor\":\"2\"}",
		"\"result\":{\"tools\":[" TOOL("b") "],\"nextCursor\":\"\"}",
		"\"result\":{\"tools\":[" TOOL("d") "]}",
	};
	struct stage_wire w;
	const struct toolset *set;

	(void)state;
	stage_wire_open(&w, NULL);
	begins(&w);
	for (size_t i = 0; i < 3; i++) {
		json_t *page = sends(&w, "tools/list");
		const char *cursor = json_text(json_object_get(page, "params"), "cursor");

		if (cursors[i])
			assert_string_equal(cursor, cursors[i]);
		else
			assert_null(cursor);
		assert_int_equal(count_offered(&w), 0); /* nothing before all of it is there */
		answers(&w, page, pages[i]);
	}
	set = mcp_tools(w.mcp);
	assert_int_equal(set->count, 4);
	assert_string_equal(set->tools[0]->name, "files__a"); /* in one order, whatever the server's */
	assert_string_equal(set->tools[3]->name, "files__d");
	set->release(set);
	stage_wire_close(&w);
}

static void a_circle_of_pages_ends(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	begins(&w);
	for (size_t i = 0; i < 2; i++)
		answers(&w, sends(&w, "tools/list"),
			i % 2 ? "\"result\":{\"tools\":[" TOOL("a") "],\"nextCursor\":\"x\"}"
			      : "\"result\":{\"tools\":[" TOOL("b") "],\"nextCursor\":\"y\"}");
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":[],\"nextCursor\":\"y\"}");
	sends_nothing(&w);
	assert_int_equal(count_offered(&w), 2);
	stage_wire_close(&w);
}

static void endless_pages_end(void **state)
{
	struct stage_wire w;
	unsigned pages = 0;

	(void)state;
	stage_wire_open(&w, NULL);
	begins(&w);
	while (json_array_size(w.sent) && pages < 1000) {
		char *page = mem_format("\"result\":{\"tools\":[],\"nextCursor\":\"%u\"}", ++pages);

		answers(&w, sends(&w, "tools/list"), page);
		free(page);
	}
	assert_int_equal(pages, MCP_PAGES_MAX);
	assert_int_equal(w.server->state, SERVER_READY);
	stage_wire_close(&w);
}

static void too_many_tools_are_cut_off(void **state)
{
	struct stage_wire w;
	struct buf page = { 0 };

	(void)state;
	stage_wire_open(&w, NULL);
	begins(&w);
	buf_text(&page, "\"result\":{\"tools\":[");
	for (unsigned i = 0; i < MCP_TOOLS_MAX + 10; i++)
		buf_format(&page, "%s{\"name\":\"t%u\",\"inputSchema\":{}}", i ? "," : "", i);
	buf_text(&page, "],\"nextCursor\":\"more\"}");
	answers(&w, sends(&w, "tools/list"), page.data);
	buf_free(&page);
	sends_nothing(&w);
	assert_int_equal(count_offered(&w), MCP_TOOLS_MAX);
	stage_wire_close(&w);
}

static void what_can_not_be_used_is_left_out(void **state)
{
	struct stage_wire w;
	const struct toolset *set;

	(void)state;
	stage_wire_open(&w, (const char *const[]){ "allow", "r*", "allow", "w*", "deny", "*secret*", NULL });
	stage_wire_ready(
		&w, "[" TOOL("read") "," TOOL("read") "," TOOL("write") "," TOOL("other") "," TOOL(
			    "read_secrets") ",{\"name\":\"r_no_schema\"},17,{\"name\":\"\"},"
					    "{\"name\":\"r_text\",\"inputSchema\":{\"type\":\"string\"}},"
					    "{\"name\":\"r_task\",\"inputSchema\":{},\"execution\":{"
					    "\"taskSupport\":\"required\"}}]");
	set = mcp_tools(w.mcp);
	assert_int_equal(set->count, 2);
	assert_non_null(offered(set, "files__read"));
	assert_non_null(offered(set, "files__write"));
	set->release(set);
	assert_int_equal(w.server->hidden, 5);
	stage_wire_close(&w);
}

/* A tool that changed after somebody looked at it is the way in which servers turn bad. */
static void nothing_is_offered_before_it_is_judged(void **state)
{
	struct stage_wire w;
	uint64_t first;

	(void)state;
	stage_wire_open(&w, NULL);
	w.judges = false;
	stage_wire_ready(&w, "[" TOOL("a") "," TOOL("b") "]");
	assert_int_equal(w.pins, 2);
	assert_string_equal(w.pin, "files/a");
	assert_int_equal(strlen(w.hash), 64);
	assert_int_equal(count_offered(&w), 0);
	mcp_judged(w.mcp, w.judge + 1, (const bool[]){ true, true }, 2); /* nobody asked */
	assert_int_equal(count_offered(&w), 0);
	first = w.judge;
	mcp_judged(w.mcp, first, (const bool[]){ false, true }, 2);
	assert_int_equal(count_offered(&w), 1);
	mcp_judged(w.mcp, first, (const bool[]){ true, true }, 2); /* once */
	assert_int_equal(count_offered(&w), 1);
	stage_wire_close(&w);
}

static void a_burst_of_changes_is_one_list(void **state)
{
	static const char changed[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}";
	struct stage_wire w;
	const struct toolset *before, *after;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, "[" TOOL("a") "]");
	before = mcp_tools(w.mcp);
	for (int i = 0; i < 50; i++)
		hears(&w, changed);
	stage_loop_pass(SERVER_RELIST_MS);
	hears(&w, changed); /* while it lists: once more afterwards */
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":[" TOOL("b") "]}");
	stage_loop_pass(SERVER_RELIST_MS);
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":[" TOOL("c") "]}");
	stage_loop_pass(10 * SERVER_RELIST_MS);
	sends_nothing(&w);
	after = mcp_tools(w.mcp);
	assert_non_null(offered(before, "files__a")); /* a turn keeps what it was given */
	assert_null(offered(after, "files__a"));
	assert_non_null(offered(after, "files__c"));
	before->release(before);
	after->release(after);
	stage_wire_close(&w);
}

static void a_list_that_fails_later_changes_nothing(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, "[" TOOL("a") "]");
	hears(&w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
	stage_loop_pass(SERVER_RELIST_MS);
	answers(&w, sends(&w, "tools/list"), "\"error\":{\"code\":-32603,\"message\":\"no\"}");
	assert_int_equal(count_offered(&w), 1);
	assert_int_equal(w.server->state, SERVER_READY);
	stage_wire_close(&w);
}

static void what_a_crash_means_is_set_or_said_by_who_is_trusted(void **state)
{
	static const char list[] =
		"[{\"name\":\"get\",\"inputSchema\":{},\"annotations\":{\"readOnlyHint\":true}},"
		"{\"name\":\"put\",\"inputSchema\":{}},{\"name\":\"pay\",\"inputSchema\":{}}]";
	struct stage_wire w;

	(void)state;
	for (int trusted = 0; trusted < 2; trusted++) {
		const struct toolset *set;
		struct mcp_about about;

		stage_wire_open(&w, (const char *const[]){ "trusted", trusted ? "true" : "false", "classes",
							   "pu*=keyed", "classes", "pay=confirm", NULL });
		stage_wire_ready(&w, list);
		set = mcp_tools(w.mcp);
		assert_int_equal(offered(set, "files__get")->class, trusted ? TOOL_READ : TOOL_ONCE);
		assert_int_equal(offered(set, "files__put")->class, TOOL_KEYED);
		assert_int_equal(offered(set, "files__pay")->class, TOOL_CONFIRM);
		assert_true(offered(set, "files__get")->foreign);
		assert_true(mcp_owns(offered(set, "files__get")));
		about = mcp_about(offered(set, "files__get"));
		assert_string_equal(about.tool, "get");
		assert_true(about.reads && about.trusted == (trusted == 1));
		stage_wire_close(&w); /* the set outlives it */
		set->release(set);
	}
}

/* What the policy says of a name holds when a server adds one that looks alike. */
static void who_looks_alike_is_known_by_its_plain_name(void **state)
{
	struct stage_wire w;
	const struct toolset *set;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(
		&w, "[{\"name\":\"delete\",\"inputSchema\":{}},{\"name\":\"DELETE\",\"inputSchema\":{}}]");
	set = mcp_tools(w.mcp);
	assert_int_equal(set->count, 2);
	for (size_t i = 0; i < set->count; i++) {
		struct mcp_about about = mcp_about(set->tools[i]);

		assert_string_equal(about.plain,
				    strcmp(about.tool, "delete") == 0 ? "files__delete" : "files__DELETE");
		assert_int_equal(strcmp(about.plain, set->tools[i]->name) == 0,
				 strcmp(about.tool, "DELETE") == 0);
	}
	set->release(set);
	stage_wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_looks_alike_is_known_by_its_plain_name),
		cmocka_unit_test(all_pages_are_read),
		cmocka_unit_test(a_circle_of_pages_ends),
		cmocka_unit_test(endless_pages_end),
		cmocka_unit_test(too_many_tools_are_cut_off),
		cmocka_unit_test(what_can_not_be_used_is_left_out),
		cmocka_unit_test(nothing_is_offered_before_it_is_judged),
		cmocka_unit_test(a_burst_of_changes_is_one_list),
		cmocka_unit_test(a_list_that_fails_later_changes_nothing),
		cmocka_unit_test(what_a_crash_means_is_set_or_said_by_who_is_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
