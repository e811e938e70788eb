/* One message after the other, each on its own: the table of methods, and how a tool's result looks. */
#include "served.h"
#include "mem.h"
#include "stateless.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static const char *const versions[] = { SERVED_VERSION, "2025-06-18", "2025-03-26", "2024-11-05" };

enum { VERSIONS = sizeof(versions) / sizeof(versions[0]) };

bool served_speaks(const char *version)
{
	for (size_t i = 0; i < VERSIONS; i++)
		if (strcmp(version, versions[i]) == 0)
			return true;
	return false;
}

json_t *served_versions(void)
{
	json_t *all = json_pack("[s]", SERVED_STATELESS);

	for (size_t i = 0; i < VERSIONS; i++)
		json_array_append_new(all, json_string(versions[i]));
	return all;
}

bool served_batches(const char *version)
{
	return version == NULL || strcmp(version, "2025-03-26") == 0 || strcmp(version, "2024-11-05") == 0;
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

/* Takes value over. */
static char *answer(const json_t *id, const char *key, json_t *value)
{
	json_t *whole = json_pack("{s:s}", "jsonrpc", "2.0");
	char *text;

	json_object_set_new(whole, "id", id ? json_deep_copy(id) : json_null());
	json_object_set_new(whole, key, value);
	text = json_write(whole);
	json_decref(whole);
	return text;
}

/* Takes data over; it may be NULL. */
static char *error_of(const json_t *id, int code, const char *message, json_t *data)
{
	json_t *error = json_pack("{s:i, s:s}", "code", code, "message", message);

	if (data)
		json_object_set_new(error, "data", data);
	return answer(id, "error", error);
}

char *served_error(const json_t *id, int code, const char *message)
{
	return error_of(id, code, message, NULL);
}

/* As text for every client, and as it is for those that read it (from 2025-06-18 on). What failed is said in words. */
char *served_result(const json_t *id, const char *result, bool failed, bool stateless)
{
	json_t *value = json_read(result, strlen(result), NULL);
	const char *why = failed ? json_text(value, "error") : NULL;
	json_t *whole = json_pack("{s:[{s:s, s:s}], s:b}", "content", "type", "text", "text",
				  why ? why : result, "isError", failed);

	if (json_is_object(value) && !failed)
		json_object_set(whole, "structuredContent", value);
	json_decref(value);
	if (stateless)
		stateless_mark(whole, -1);
	return answer(id, "result", whole);
}

/* ---- methods ----------------------------------------------------------------------------------------------- */

struct request {
	const json_t *id, *params; /* params may be NULL */
	const struct toolset *tools;
	struct served *out;
};

static void give(const struct request *request, json_t *result)
{
	request->out->kind = SERVED_ANSWER;
	request->out->text = answer(request->id, "result", result);
}

static void refuse(const struct request *request, int code, const char *message)
{
	request->out->kind = SERVED_ANSWER;
	request->out->text = served_error(request->id, code, message);
}

static const char instructions[] =
	"The to-do list, conversations and files of one person, who is the owner of the key.";

static void discover(const struct request *request)
{
	json_t *result = json_pack("{s:o, s:{s:{}}, s:s}", "supportedVersions", served_versions(),
				   "capabilities", "tools", "instructions", instructions);

	stateless_mark(result, SERVED_DISCOVER_MS);
	give(request, result);
}

static void initialize(const struct request *request)
{
	const char *wanted = json_text(request->params, "protocolVersion");

	if (wanted == NULL) {
		refuse(request, SERVED_INVALID_PARAMS, "initialize needs protocolVersion");
		return;
	}
	give(request, json_pack("{s:s, s:{s:{}}, s:{s:s, s:s, s:s}, s:s}", "protocolVersion",
				served_speaks(wanted) ? wanted : SERVED_VERSION, "capabilities", "tools",
				"serverInfo", "name", "usher", "title", "usher", "version", USHER_VERSION,
				"instructions", instructions));
}

static void ping(const struct request *request)
{
	give(request, json_object());
}

/* Hints by what a repetition would do. */
static json_t *annotations_of(const struct tool *tool)
{
	if (tool->class == TOOL_READ)
		return json_pack("{s:b, s:b}", "readOnlyHint", 1, "openWorldHint", 0);
	return json_pack("{s:b}", "readOnlyHint", 0);
}

static json_t *describe(const struct tool *tool)
{
	json_t *schema = json_read(tool->parameters, strlen(tool->parameters), NULL);

	return json_pack("{s:s, s:s, s:o, s:o}", "name", tool->name, "description", tool->description,
			 "inputSchema", schema ? schema : json_pack("{s:s}", "type", "object"), "annotations",
			 annotations_of(tool));
}

static void list(const struct request *request)
{
	json_t *tools, *result;

	if (json_object_get(request->params, "cursor")) {
		refuse(request, SERVED_INVALID_PARAMS, "there is one page only: no cursor was ever given");
		return;
	}
	tools = json_array();
	for (size_t i = 0; i < request->tools->count; i++)
		json_array_append_new(tools, describe(request->tools->tools[i]));
	result = json_pack("{s:o}", "tools", tools);
	if (request->out->stateless)
		stateless_mark(result, SERVED_LIST_MS);
	give(request, result);
}

static const struct tool *tool_named(const struct toolset *tools, const char *name)
{
	for (size_t i = 0; i < tools->count; i++)
		if (strcmp(tools->tools[i]->name, name) == 0)
			return tools->tools[i];
	return NULL;
}

/* Ids of requests begin again with each connection, so only what the client itself calls a key is one. False: what it
 * gave is none. */
static bool take_key(const json_t *params, struct served *out)
{
	const json_t *given = json_object_get(json_object_get(params, "_meta"), "idempotencyKey");
	size_t len = json_is_string(given) ? json_string_length(given) : 0;

	if (given == NULL)
		return true;
	if (len == 0 || len > SERVED_KEY_MAX)
		return false;
	out->key = mem_text(json_string_value(given));
	return true;
}

static void call(const struct request *request)
{
	const char *name = json_text(request->params, "name");
	const json_t *arguments = json_object_get(request->params, "arguments");
	const struct tool *tool = name ? tool_named(request->tools, name) : NULL;

	if (tool == NULL) {
		request->out->refused =
			name ? mem_text_n(name, text_fit(name, strlen(name), SERVED_NAME_MAX)) : NULL;
		refuse(request, SERVED_INVALID_PARAMS,
		       name ? "there is no tool of that name" : "tools/call needs the name of a tool");
	} else if (arguments && !json_is_object(arguments)) {
		refuse(request, SERVED_INVALID_PARAMS, "arguments must be an object");
	} else if (!take_key(request->params, request->out)) {
		refuse(request, SERVED_INVALID_PARAMS,
		       "_meta.idempotencyKey must be a text of 1 to 255 bytes");
	} else {
		request->out->kind = SERVED_CALL;
		request->out->tool = tool;
		request->out->id = json_deep_copy(request->id);
		request->out->arguments = arguments ? json_write(arguments) : mem_text("{}");
	}
}

static const struct {
	const char *name;
	void (*run)(const struct request *request);
	bool handshake, stateless; /* which versions have it */
} methods[] = {
	{ "initialize", initialize, true, false },    { "ping", ping, true, false },
	{ "server/discover", discover, false, true }, { "tools/list", list, true, true },
	{ "tools/call", call, true, true },
};

/* ---- the message -------------------------------------------------------------------------------------------- */

static bool is_id(const json_t *id)
{
	return json_is_integer(id) || (json_is_string(id) && json_string_length(id) <= SERVED_ID_MAX);
}

static void refuse_message(struct served *out, const char *why)
{
	out->kind = SERVED_REFUSED;
	out->status = 400;
	out->text = served_error(NULL, SERVED_INVALID_REQUEST, why);
}

static void run_method(const struct request *request, const char *method)
{
	if (request->params && !json_is_object(request->params)) {
		refuse(request, SERVED_INVALID_PARAMS, "params must be an object");
		return;
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		bool there = request->out->stateless ? methods[i].stateless : methods[i].handshake;

		if (there && strcmp(methods[i].name, method) == 0) {
			methods[i].run(request);
			return;
		}
	}
	if (request->out->stateless)
		request->out->status = 404;
	refuse(request, SERVED_NO_METHOD, "there is no such method");
}

/* A request of the version without a handshake is looked at as a whole before its method is. */
static void run(const struct request *request, const json_t *message, const struct served_headers *headers)
{
	struct stateless_fault fault = { 0 };

	request->out->stateless = stateless_is(message, headers);
	if (request->out->stateless)
		fault = stateless_check(message, headers);
	if (fault.code == 0) {
		run_method(request, json_text(message, "method"));
		return;
	}
	request->out->kind = SERVED_ANSWER;
	request->out->status = fault.status;
	request->out->text = error_of(request->id, fault.code, fault.why, fault.data);
}

void served_take(const json_t *message, const struct served_headers *headers, const struct toolset *tools,
		 struct served *out)
{
	const json_t *id = json_object_get(message, "id");
	const char *method = json_text(message, "method"), *version = json_text(message, "jsonrpc");
	struct request request = {
		.id = id, .params = json_object_get(message, "params"), .tools = tools, .out = out
	};

	*out = (struct served){ .kind = SERVED_NOTHING, .status = 200 };
	if (!json_is_object(message) || version == NULL || strcmp(version, "2.0") != 0)
		refuse_message(out, "expected a message of JSON-RPC 2.0");
	else if (id && !is_id(id) && !(json_is_null(id) && json_object_get(message, "error")))
		refuse_message(out, "an id is a text or a whole number");
	else if (method && id)
		run(&request, message, headers);
	else if (method == NULL && json_object_get(message, "result") == NULL &&
		 json_object_get(message, "error") == NULL)
		refuse_message(out, "a message has a method, a result or an error");
}

void served_finish(struct served *served)
{
	free(served->text);
	free(served->arguments);
	free(served->key);
	free(served->refused);
	json_decref(served->id);
	*served = (struct served){ .kind = SERVED_NOTHING };
}
