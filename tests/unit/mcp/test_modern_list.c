/* Lists of servers without a handshake: how long one is good, and how changes of it are heard. */
#include "mem.h"
#include "stage_modern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- changes of the list --------------------------------------------------------------------------------------- */

static void tells(struct stage_wire *w, const char *method, int64_t id)
{
	char *text = mem_format("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/%s\",\"params\":{\"_meta\":{"
				"\"io.modelcontextprotocol/subscriptionId\":%lld},\"notifications\":{"
				"\"toolsListChanged\":true}}}",
				method, (long long)id);

	hears(w, text);
	free(text);
}

static int64_t listens(struct stage_wire *w)
{
	json_t *listen = sends(w, "subscriptions/listen");
	int64_t id = json_int(listen, "id", 0);

	fits(listen);
	assert_true(json_is_true(json_object_get(
		json_object_get(json_object_get(listen, "params"), "notifications"), "toolsListChanged")));
	json_decref(listen);
	return id;
}

static void changes_are_listened_for(void **state)
{
	struct stage_wire w;
	int64_t id;

	(void)state;
	begins(&w, pinned, HEARS);
	id = listens(&w);
	tells(&w, "subscriptions/acknowledged", id);
	tells(&w, "tools/list_changed", id + 1); /* somebody else's */
	stage_loop_pass(1000);
	sends_nothing(&w);
	tells(&w, "tools/list_changed", id);
	tells(&w, "tools/list_changed", id);
	stage_loop_pass(SERVER_RELIST_MS);
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":[]}");
	sends_nothing(&w); /* it still listens */
	assert_int_equal(w.server->tools.count, 0);
	stage_wire_close(&w);
}

/* What changed while nobody listened must not be missed. */
static void who_listens_again_lists_again(void **state)
{
	struct stage_wire w;
	char rest[] = "\"result\":{\"resultType\":\"complete\"}";
	json_t *listen;
	int64_t id;

	(void)state;
	begins(&w, pinned, HEARS);
	listen = sends(&w, "subscriptions/listen");
	tells(&w, "subscriptions/acknowledged", json_int(listen, "id", 0));
	answers(&w, listen, rest);
	sends_nothing(&w);
	stage_loop_pass(1000);
	listen = sends(&w, "subscriptions/listen");
	answers(&w, listen, rest); /* pauses grow while it is not promised */
	stage_loop_pass(1999);
	sends_nothing(&w);
	stage_loop_pass(1);
	id = listens(&w);
	tells(&w, "subscriptions/acknowledged", id);
	stage_loop_pass(SERVER_RELIST_MS);
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":[]}");
	stage_wire_close(&w);
}

static void who_does_not_tell_is_not_asked_again(void **state)
{
	struct stage_wire w;

	(void)state;
	begins(&w, pinned, HEARS);
	answers(&w, sends(&w, "subscriptions/listen"), "\"error\":{\"code\":-32601,\"message\":\"no\"}");
	stage_loop_pass(3600000);
	sends_nothing(&w);
	stage_wire_close(&w);
}

/* ---- how long a list is good -------------------------------------------------------------------------------------- */

static void a_list_that_is_stale_is_asked_for_when_it_is_wanted(void **state)
{
	static const struct {
		const char *ttl;
		uint64_t fresh_ms;
	} rows[] = {
		{ "", 60000 },
		{ ",\"ttlMs\":-5", 60000 },
		{ ",\"ttlMs\":0", 60000 },
		{ ",\"ttlMs\":90000,\"cacheScope\":\"private\"", 90000 },
		{ ",\"ttlMs\":99999999999", 86400000 },
		{ ",\"ttlMs\":\"soon\"", 60000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *list = mem_format("\"result\":{\"tools\":" LIST "%s}", rows[i].ttl);
		struct stage_wire w;
		const struct toolset *set;

		stage_wire_open(&w, pinned);
		mcp_warm(w.mcp);
		answers(&w, sends(&w, "server/discover"), MODERN);
		answers(&w, sends(&w, "tools/list"), list);
		stage_loop_pass(rows[i].fresh_ms - 1);
		set = mcp_tools(w.mcp);
		set->release(set);
		sends_nothing(&w);
		stage_loop_pass(1);
		sends_nothing(&w); /* nobody polls */
		set = mcp_tools(w.mcp);
		assert_int_equal(set->count, 1); /* what there is is offered meanwhile */
		set->release(set);
		answers(&w, sends(&w, "tools/list"), list);
		set = mcp_tools(w.mcp);
		set->release(set);
		sends_nothing(&w);
		free(list);
		stage_wire_close(&w);
	}
}

static void a_promise_to_tell_keeps_a_list_good(void **state)
{
	struct stage_wire w;
	const struct toolset *set;

	(void)state;
	begins(&w, pinned, HEARS);
	tells(&w, "subscriptions/acknowledged", listens(&w));
	stage_loop_pass(3600000);
	set = mcp_tools(w.mcp);
	set->release(set);
	sends_nothing(&w);
	stage_wire_close(&w);
}

static void an_incomplete_list_is_none(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, pinned);
	mcp_warm(w.mcp);
	answers(&w, sends(&w, "server/discover"), MODERN);
	answers(&w, sends(&w, "tools/list"),
		"\"result\":{\"resultType\":\"input_required\",\"requestState\":\"x\",\"tools\":[]}");
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_listened_for),
		cmocka_unit_test(who_listens_again_lists_again),
		cmocka_unit_test(who_does_not_tell_is_not_asked_again),
		cmocka_unit_test(a_list_that_is_stale_is_asked_for_when_it_is_wanted),
		cmocka_unit_test(a_promise_to_tell_keeps_a_list_good),
		cmocka_unit_test(an_incomplete_list_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
