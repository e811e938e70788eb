/* What became of files: lists and changes of the caller's own imports; other people's are as if they did not exist. */
#include "api_room.h"
#include "json.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len >= 1 && len <= 18 && text[len] == '\0';
}

static struct call *claim(void *owner, uint64_t ticket, const struct err *err)
{
	struct call *call = call_claim(owner, ticket, CALL_STORE);

	if (call == NULL || err->kind == ERR_NONE)
		return call;
	if (err->kind == ERR_GONE)
		call_fail(call, API_IMPORT_NOT_FOUND);
	else if (err->kind == ERR_REFUSED)
		call_fail_why(call, API_IMPORT_STATE, err->text);
	else
		call_fail_store(call, err);
	return NULL;
}

/* Puts "link" into each of these files (JSON objects with sha256, name, type). */
static void import_add_links(const struct call *call, json_t *files)
{
	const struct api_imports *imports = &call->door->api->imports;
	size_t i;
	json_t *file;

	json_array_foreach (files, i, file) {
		const char *sha256 = json_string_value(json_object_get(file, "sha256"));
		const char *name = json_string_value(json_object_get(file, "name"));
		const char *type = json_string_value(json_object_get(file, "type"));
		char *link = NULL;

		if (imports->link && sha256 && name)
			link = imports->link(imports->data, call->caller.org, sha256, name, type);
		json_object_set_new(file, "link", link ? json_string(link) : json_null());
		free(link);
	}
}

/* Puts "progress" into an import. */
static void add_progress(const struct call *call, json_t *import)
{
	const struct api_imports *imports = &call->door->api->imports;
	char *words =
		imports->progress ? imports->progress(imports->data, json_int(import, "import_id", 0)) : NULL;

	json_object_set_new(import, "progress", words ? json_string(words) : json_null());
	free(words);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static void on_list(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct call *call = claim(owner, ticket, err);
	json_t *list, *one;
	char *text;
	size_t i;

	if (call == NULL)
		return;
	list = json_read(json, strlen(json), NULL);
	json_array_foreach (list, i, one)
		add_progress(call, one);
	text = json_write(list);
	page_answer(call, "imports", "import_id", text);
	free(text);
	json_decref(list);
}

static bool is_state(const char *text)
{
	static const char *const states[] = { "received",  "fetched",	"checked", "extracted",
					      "processed", "delivered", "failed" };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(text, states[i]) == 0)
			return true;
	return false;
}

void imports_list_run(struct call *call, struct web_request *request)
{
	const char *state = web_query(request, "state"), *before = web_query(request, "before");
	char limit[24];

	if (!page_limit(call, request))
		return;
	if (state && !is_state(state)) {
		call_fail_why(call, API_VALIDATION_FAILED,
			      "state must be received, fetched, checked, extracted, processed, delivered or "
			      "failed");
		return;
	}
	if (before && !is_number(before)) {
		call_fail_why(call, API_VALIDATION_FAILED, "before must be an import_id");
		return;
	}
	snprintf(limit, sizeof(limit), "%u", call->limit + 1);
	call->step = CALL_STORE;
	store_report(call->door->api->store, "imports",
		     (const char *const[]){ call->caller.profile, NULL, state, limit, before }, 5, on_list,
		     call->door->api, call->ticket);
}

static void on_import(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct call *call = claim(owner, ticket, err);
	struct buf answer = { 0 };
	json_t *import;
	char *text;

	if (call == NULL)
		return;
	import = json_read(json, strlen(json), NULL);
	import_add_links(call, json_object_get(import, "outputs"));
	add_progress(call, import);
	text = json_write(import);
	buf_text(&answer, text);
	free(text);
	json_decref(import);
	call_answer(call, 200, &answer);
	buf_free(&answer);
}

/* {import} of the path, or NULL and the call has been told. */
static const char *take_import(struct call *call, const struct web_request *request)
{
	const char *id = web_param(request, "import");

	if (is_number(id))
		return id;
	call_fail(call, API_IMPORT_NOT_FOUND);
	return NULL;
}

void import_run(struct call *call, struct web_request *request)
{
	const char *id = take_import(call, request);

	if (id == NULL)
		return;
	call->step = CALL_STORE;
	store_report(call->door->api->store, "import", (const char *const[]){ id, call->caller.profile }, 2,
		     on_import, call->door->api, call->ticket);
}

/* ---- changing -------------------------------------------------------------------------------------------- */

static void on_act(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct platform *api = owner;
	struct call *call = claim(owner, ticket, err);
	struct buf answer = { 0 };

	if (err->kind == ERR_NONE && api->imports.acted)
		api->imports.acted(api->imports.data, json);
	if (call == NULL)
		return;
	buf_text(&answer, json);
	call_answer(call, 200, &answer);
	buf_free(&answer);
}

static void act(struct call *call, const struct web_request *request, const char *name)
{
	const char *id = take_import(call, request);

	if (id == NULL)
		return;
	call->step = CALL_STORE;
	store_act(call->door->api->store, name, (const char *const[]){ id, call->caller.profile }, 2, on_act,
		  call->door->api, call->ticket);
}

void import_retry_run(struct call *call, struct web_request *request)
{
	act(call, request, "import_retry");
}

void import_cancel_run(struct call *call, struct web_request *request)
{
	act(call, request, "import_cancel");
}

void import_delete_run(struct call *call, struct web_request *request)
{
	act(call, request, "import_delete");
}
