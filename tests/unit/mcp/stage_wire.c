#include "stage_wire.h"
#include "buf.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct stage_wire *stage;
static struct loop *stage_loop;

struct loop *in_io_loop(struct io *io);
struct loop *in_io_loop(struct io *io)
{
	(void)io;
	return stage_loop;
}

/* ---- the wire -------------------------------------------------------------------------------------------------- */

static struct wire *fake_open(const struct wire_options *options, const struct wire_events *events,
			      void *owner, struct err *err)
{
	(void)options;
	stage->opened++;
	if (stage->cannot_open) {
		err_set(err, ERR_AGAIN, "no such program");
		return NULL;
	}
	stage->events = events;
	stage->owner = owner;
	json_array_clear(stage->sent);
	return (struct wire *)stage;
}

static bool fake_send(struct wire *wire, const char *text, size_t len, const struct wire_note *note)
{
	json_t *message = json_read(text, len, NULL);

	(void)wire;
	assert_non_null(message);
	assert_null(memchr(text, '\n', len));
	assert_int_equal(note->id, json_text(message, "method") ? json_int(message, "id", 0) : 0);
	buf_clear(&stage->headers);
	for (const char *const *one = note->headers; one && *one; one++)
		buf_format(&stage->headers, "%s\n", *one);
	if (stage->deaf)
		json_decref(message);
	else
		json_array_append_new(stage->sent, message);
	return !stage->deaf;
}

static void fake_agreed(struct wire *wire, const char *version)
{
	(void)wire;
	(void)version;
	stage->agreed++;
}

static void fake_forget(struct wire *wire, int64_t id)
{
	(void)wire;
	(void)id;
	stage->forgotten++;
}

static void fake_close(struct wire *wire)
{
	(void)wire;
	stage->closed++;
}

static void fake_destroy(struct wire *wire)
{
	(void)wire;
	stage->destroyed++;
}

static const struct wire_ops fake_wire = { "fake",	fake_open,  fake_send,	 fake_agreed,
					   fake_forget, fake_close, fake_destroy };

static void judge(void *owner, uint64_t ticket, const struct mcp_pin *pins, size_t count)
{
	struct stage_wire *w = owner;
	bool good[MCP_TOOLS_MAX];

	w->judged++;
	w->judge = ticket;
	w->pins = count;
	snprintf(w->pin, sizeof(w->pin), "%s/%s", pins[0].server, pins[0].tool);
	snprintf(w->hash, sizeof(w->hash), "%s", pins[0].hash);
	memset(good, true, sizeof(good));
	if (w->judges)
		mcp_judged(w->mcp, ticket, good, count);
}

/* ---- the stage --------------------------------------------------------------------------------------------------- */

static void put(struct settings *settings, const char *name, const char *text)
{
	struct err err = { 0 };

	if (!settings_put(settings, name, text, "test:1", &err))
		fail_msg("%s", err.text);
}

void stage_wire_open(struct stage_wire *w, const char *const *more)
{
	struct err err = { 0 };
	bool behind_url = false;

	*w = (struct stage_wire){ .judges = true, .sent = json_array() };
	stage = w;
	stage_loop = stage_loop_open();
	w->settings = settings_create(mcp_settings, "tools.mcp[0]", "test:1");
	put(w->settings, "name", "files");
	for (size_t i = 0; more && more[i]; i += 2)
		behind_url |= strcmp(more[i], "url") == 0;
	if (!behind_url)
		put(w->settings, "command", "server");
	for (; more && *more; more += 2)
		put(w->settings, more[0], more[1]);
	assert_true(settings_finish(w->settings, &err));
	w->mcp = mcp_create(&(struct mcp_options){ .servers = (const struct settings *const *)&w->settings,
						   .count = 1,
						   .judge = judge,
						   .owner = w },
			    &err);
	if (w->mcp == NULL)
		fail_msg("%s", err.text);
	w->server = mcp_server(w->mcp, 0);
	w->server->ops = &fake_wire;
}

void stage_wire_close(struct stage_wire *w)
{
	mcp_destroy(w->mcp);
	settings_destroy(w->settings);
	json_decref(w->sent);
	free(w->result);
	buf_free(&w->headers);
	assert_int_equal(w->opened - (w->cannot_open ? w->opened : 0), w->destroyed);
	stage_loop_close();
}

void hears(struct stage_wire *w, const char *text)
{
	struct err err = { 0 };

	if (!wire_take(text, strlen(text), w->events, w->owner, NULL, &err))
		fail_msg("%s: %s", err.text, text);
}

void answers(struct stage_wire *w, json_t *request, const char *rest)
{
	char *id = json_dumps(json_object_get(request, "id"), JSON_ENCODE_ANY);
	char *text = mem_format("{\"jsonrpc\":\"2.0\",\"id\":%s,%s}", id, rest);

	json_decref(request);
	hears(w, text);
	free(text);
	free(id);
}

json_t *sends(struct stage_wire *w, const char *method)
{
	json_t *message = json_incref(json_array_get(w->sent, 0));
	const char *name = json_text(message, "method");

	if (message == NULL)
		fail_msg("nothing was sent, instead of %s", method ? method : "an answer");
	json_array_remove(w->sent, 0);
	if (method == NULL)
		assert_null(name);
	else
		assert_string_equal(name ? name : "(an answer)", method);
	return message;
}

void sends_nothing(const struct stage_wire *w)
{
	if (json_array_size(w->sent))
		fail_msg("sent: %s", json_text(json_array_get(w->sent, 0), "method"));
}

void goes_down(struct stage_wire *w, enum wire_end how, const char *why)
{
	struct err err = { 0 };

	if (why)
		err_set(&err, ERR_AGAIN, "%s", why);
	w->events->down(w->owner, how, &err);
}

void stage_wire_ready(struct stage_wire *w, const char *tools)
{
	char *list = mem_format("\"result\":{\"tools\":%s}", tools);

	mcp_warm(w->mcp);
	answers(w, sends(w, "initialize"),
		"\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{\"listChanged\":"
		"true}},"
		"\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}");
	json_decref(sends(w, "notifications/initialized"));
	answers(w, sends(w, "tools/list"), list);
	free(list);
}

const struct tool *offered(const struct toolset *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->tools[i]->name, name) == 0)
			return set->tools[i];
	return NULL;
}

static void on_done(void *owner, uint64_t ticket, const char *result, bool failed)
{
	struct stage_wire *w = owner;

	assert_int_equal(ticket, 7);
	w->done++;
	w->failed = failed;
	free(w->result);
	w->result = mem_text(result);
}

void calls(struct stage_wire *w, const char *name, const char *arguments)
{
	const struct toolset *set = mcp_tools(w->mcp);
	const struct tool *tool = offered(set, name);
	unsigned done = w->done;

	assert_non_null(tool);
	tool->call(tool->box, &(struct tool_caller){ 0 }, arguments, "key", on_done, w, 7);
	assert_int_equal(w->done, done); /* never from inside */
	set->release(set);
}
