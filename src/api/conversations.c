/* Reading and changing conversations: everything here asks the store for the caller's own rows and no others.
 */
#include "api_room.h"
#include "chat_body.h"
#include "clock.h"
#include "json.h"
#include "text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_DEFAULT = 50, PAGE_MAX = 100, TITLE_MAX = 255, NUMBER_SIZE = 24 };

/* ---- what the client asked ----------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len >= 1 && len <= 18 && text[len] == '\0';
}

/* {conversation}: a number or a UUID; anything else is a conversation that does not exist. */
static bool take_place(struct call *call, const struct web_request *request)
{
	const char *id = web_param(request, "conversation");

	if (!is_number(id) && !crypto_uuid_valid(id)) {
		call_fail(call, API_CONVERSATION_NOT_FOUND);
		return false;
	}
	for (size_t i = 0; i <= strlen(id); i++)
		call->place[i] = (char)tolower((unsigned char)id[i]);
	return true;
}

bool page_limit(struct call *call, const struct web_request *request)
{
	const char *limit = web_query(request, "limit");
	unsigned long value = limit && is_number(limit) ? strtoul(limit, NULL, 10) : 0;

	call->limit = limit ? (unsigned)(value > PAGE_MAX ? PAGE_MAX + 1 : value) : PAGE_DEFAULT;
	if (call->limit >= 1 && call->limit <= PAGE_MAX)
		return true;
	call_fail_why(call, API_VALIDATION_FAILED, "limit must be a number from 1 to 100");
	return false;
}

static bool one_of(const char *value, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(value, *words) == 0)
			return true;
	return false;
}

/* An ISO 8601 time in UTC, at least to the day: what the database compares as text. */
static bool is_time(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	size_t len = strlen(text);

	if (len != 10 && len != 20 && len != 24)
		return false;
	for (size_t i = 0; i < len; i++) {
		char want = form[len == 20 && i == 19 ? 23 : i];

		if (want == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != want)
			return false;
	}
	return true;
}

/* Brings a time to the database's form. NULL stays NULL. */
static const char *full_time(const char *text, char out[CLOCK_TEXT_SIZE])
{
	if (text == NULL)
		return NULL;
	if (strlen(text) == 10)
		snprintf(out, CLOCK_TEXT_SIZE, "%sT00:00:00.000Z", text);
	else
		snprintf(out, CLOCK_TEXT_SIZE, "%.19s%s", text, strlen(text) == 24 ? text + 19 : ".000Z");
	return out;
}

/* ---- pages --------------------------------------------------------------------------------------------- */

/* Where rows lie in the text of an array, found without reading what is in them: a page of long messages is
 * megabytes. */
struct rows {
	size_t count;
	size_t begin[2], end[2]; /* of the rows asked for by number */
};

static struct rows find_rows(const char *text, const size_t wanted[2])
{
	struct rows rows = { 0 };
	size_t begin = 0;
	int depth = 0;

	for (size_t i = 0; text[i]; i++) {
		if (text[i] == '"') {
			for (i++; text[i] != '"'; i++)
				if (text[i] == '\0' || (text[i] == '\\' && text[++i] == '\0'))
					return rows;
		} else if (text[i] == '{' && ++depth == 1) {
			begin = i;
		} else if (text[i] == '}' && --depth == 0) {
			for (int w = 0; w < 2; w++) {
				if (rows.count == wanted[w]) {
					rows.begin[w] = begin;
					rows.end[w] = i + 1;
				}
			}
			rows.count++;
		}
	}
	return rows;
}

/* What a client asks with to go on: the row's place in the order of its list. */
static void print_next(struct buf *out, const char *row, size_t len, const char *key)
{
	json_t *value = json_read(row, len, NULL);
	const json_t *next = json_object_get(value, key);
	char *text = next ? json_write(next) : NULL;

	buf_text(out, text ? text : "null");
	free(text);
	json_decref(value);
}

/* {"conversations":[...],"next":123}: one row more than the limit was asked for, its presence means there is
 * more. It is the last one, or the first when the page was read backwards. */
void page_answer(struct call *call, const char *name, const char *key, const char *text)
{
	struct rows rows = find_rows(text, (const size_t[]){ 1, call->limit - 1 });
	struct buf json = { 0 };

	buf_format(&json, "{\"%s\":", name);
	if (rows.count <= call->limit) {
		buf_text(&json, text);
		buf_text(&json, ",\"next\":null}");
	} else if (call->backwards) {
		buf_text(&json, "[");
		buf_text(&json, text + rows.begin[0]);
		buf_text(&json, ",\"next\":");
		print_next(&json, text + rows.begin[0], rows.end[0] - rows.begin[0], key);
		buf_text(&json, "}");
	} else {
		buf_add(&json, text, rows.end[1]);
		buf_text(&json, "],\"next\":");
		print_next(&json, text + rows.begin[1], rows.end[1] - rows.begin[1], key);
		buf_text(&json, "}");
	}
	call_answer(call, 200, &json);
	buf_free(&json);
}

/* The call, if its question was answered well; else NULL, and the call has been told. */
static struct call *claim_answer(void *owner, uint64_t ticket, const struct err *err)
{
	struct call *call = call_claim(owner, ticket, CALL_STORE);

	if (call == NULL || err->kind == ERR_NONE)
		return call;
	if (err->kind == ERR_GONE)
		call_fail(call, API_CONVERSATION_NOT_FOUND);
	else
		call_fail_store(call, err);
	return NULL;
}

static void on_conversations(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct call *call = claim_answer(owner, ticket, err);

	if (call)
		page_answer(call, "conversations", "conversation_id", json);
}

static void on_messages(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct call *call = claim_answer(owner, ticket, err);

	if (call)
		page_answer(call, "messages", "timestamp", json);
}

void conversations_run(struct call *call, struct web_request *request)
{
	static const char *const states[] = { "active", "archived", NULL };
	const char *state = web_query(request, "state"), *before = web_query(request, "before");
	char limit[NUMBER_SIZE];

	if (!page_limit(call, request))
		return;
	if (state && !one_of(state, states)) {
		call_fail_why(call, API_VALIDATION_FAILED, "state must be active or archived");
		return;
	}
	if (before && !is_number(before)) {
		call_fail_why(call, API_VALIDATION_FAILED, "before must be a conversation_id");
		return;
	}
	snprintf(limit, sizeof(limit), "%u", call->limit + 1);
	call->step = CALL_STORE;
	store_report(call->door->api->store, "conversations",
		     (const char *const[]){ call->caller.profile, state, limit, before }, 4, on_conversations,
		     call->door->api, call->ticket);
}

void conversation_messages_run(struct call *call, struct web_request *request)
{
	static const char *const roles[] = { "user", "assistant", "tool", NULL };
	const char *role = web_query(request, "role");
	const char *after = web_query(request, "after"), *before = web_query(request, "before");
	char limit[NUMBER_SIZE], from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];

	if (!take_place(call, request) || !page_limit(call, request))
		return;
	if (role && !one_of(role, roles)) {
		call_fail_why(call, API_VALIDATION_FAILED, "role must be user, assistant or tool");
		return;
	}
	if ((after && !is_time(after)) || (before && !is_time(before))) {
		call_fail_why(call, API_VALIDATION_FAILED,
			      "after and before must be times like 2026-01-02T03:04:05Z");
		return;
	}
	call->backwards = before && after == NULL; /* the newest ones before that time */
	snprintf(limit, sizeof(limit), "%u", call->limit + 1);
	call->step = CALL_STORE;
	store_report(call->door->api->store, "messages",
		     (const char *const[]){ call->place, call->caller.profile, role, full_time(after, from),
					    full_time(before, to), limit },
		     6, on_messages, call->door->api, call->ticket);
}

/* ---- one conversation ---------------------------------------------------------------------------------- */

static void on_conversation(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct call *call = claim_answer(owner, ticket, err);

	if (call)
		call_answer(call, 200, &(struct buf){ .data = (char *)(uintptr_t)json, .len = strlen(json) });
}

static void show(struct call *call)
{
	call->step = CALL_STORE;
	store_report(call->door->api->store, "conversation",
		     (const char *const[]){ call->place, call->caller.profile }, 2, on_conversation,
		     call->door->api, call->ticket);
}

static void on_changed(void *owner, uint64_t ticket, const struct err *err, const char *json);

static void archive(struct call *call)
{
	call->step = CALL_STORE;
	call->archive = false;
	store_act(call->door->api->store, "conversation_archive",
		  (const char *const[]){ call->place, call->caller.profile }, 2, on_changed, call->door->api,
		  call->ticket);
}

static void rename_to(struct call *call, const char *title)
{
	call->step = CALL_STORE;
	store_act(call->door->api->store, "conversation_rename",
		  (const char *const[]){ call->place, call->caller.profile, title }, 3, on_changed,
		  call->door->api, call->ticket);
}

/* After a rename perhaps the archiving; in the end the conversation as it is now. */
static void on_changed(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct call *call = claim_answer(owner, ticket, err);

	(void)json;
	if (call == NULL)
		return;
	if (call->archive)
		archive(call);
	else
		show(call);
}

void conversation_run(struct call *call, struct web_request *request)
{
	if (take_place(call, request))
		show(call);
}

void conversation_archive_run(struct call *call, struct web_request *request)
{
	if (take_place(call, request))
		archive(call);
}

/* The sentence for a patch that can't be done, or NULL. title_out NULL: not to be renamed. */
static const char *read_patch(const json_t *patch, const char **title_out, bool *archive_out)
{
	const json_t *title = json_object_get(patch, "title"), *state = json_object_get(patch, "state");

	if (title == NULL && state == NULL)
		return "the body must be a JSON object with title or state";
	if (title && !json_is_string(title))
		return "title must be a string";
	*title_out = json_string_value(title);
	if (*title_out && (text_blank(*title_out) || json_string_length(title) > TITLE_MAX))
		return "title must have 1 to 255 bytes that are not all blank";
	if (state && (!json_is_string(state) || strcmp(json_string_value(state), "archived") != 0))
		return "state can only be set to archived";
	*archive_out = state != NULL;
	return NULL;
}

void conversation_patch_run(struct call *call, struct web_request *request)
{
	const char *title = NULL, *text, *why;
	struct err err;
	json_t *patch;
	size_t len;

	if (!take_place(call, request))
		return;
	if (!chat_body_type(web_header(request, "content-type"))) {
		call_fail(call, API_UNSUPPORTED_MEDIA_TYPE);
		return;
	}
	text = web_body(request, &len);
	patch = json_read(text, len, &err);
	why = patch ? read_patch(patch, &title, &call->archive) : err.text;
	if (why)
		call_fail_why(call, API_VALIDATION_FAILED, why);
	else if (title)
		rename_to(call, title);
	else
		archive(call);
	json_decref(patch);
}
