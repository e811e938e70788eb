#include "stage_modern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const char *const program[] = { "protocol", "auto", NULL };
const char *const pinned[] = { "protocol", "2026-07-28", NULL };
const char *const service[] = { "protocol", "auto", "url", "https://a.example/mcp", NULL };
const char *const pinned_service[] = { "protocol", "2026-07-28", "url", "https://a.example/mcp", NULL };

void begins(struct stage_wire *w, const char *const *settings, const char *found)
{
	stage_wire_open(w, settings);
	mcp_warm(w->mcp);
	answers(w, sends(w, "server/discover"), found);
	answers(w, sends(w, "tools/list"), "\"result\":{\"resultType\":\"complete\",\"tools\":" LIST "}");
	assert_int_equal(w->server->state, SERVER_READY);
}

void ends(struct stage_wire *w, const char *result, bool failed)
{
	stage_loop_pass(0);
	assert_int_equal(w->done, 1);
	w->done = 0;
	assert_int_equal(w->failed, failed);
	if (strstr(w->result, result) == NULL)
		fail_msg("%s, without %s", w->result, result);
}

void lost(struct stage_wire *w, const json_t *request, enum err_kind kind)
{
	struct err err = { 0 };

	err_set(&err, kind, "the line broke");
	w->events->lost(w->owner, json_int(request, "id", 0), &err);
}

const json_t *meta_of(const json_t *request)
{
	return json_object_get(json_object_get(request, "params"), "_meta");
}

void fits(const json_t *request)
{
	const json_t *meta = meta_of(request);

	assert_string_equal(json_text(meta, "io.modelcontextprotocol/protocolVersion"), "2026-07-28");
	assert_true(json_is_object(json_object_get(meta, "io.modelcontextprotocol/clientCapabilities")));
	assert_string_equal(json_text(json_object_get(meta, "io.modelcontextprotocol/clientInfo"), "name"),
			    "usher");
}
