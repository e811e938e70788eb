/* rooms: base io mcp */
/* Any bytes as the messages of a server, line by line: in the handshake, in a list, in the middle of a call. Whatever it
 * says, a call ends once, and what the model is given is one JSON object of bounded size. */
#include "buf.h"
#include "io.h"
#include "mem.h"
#include "server.h"
#include "settings_build.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct wire_events *events;
static void *heir;
static bool up;
static unsigned ended;

static struct wire *fake_open(const struct wire_options *options, const struct wire_events *wire_events,
			      void *owner, struct err *err)
{
	(void)options;
	(void)err;
	events = wire_events;
	heir = owner;
	up = true;
	return (struct wire *)&up;
}

static bool fake_send(struct wire *wire, const char *text, size_t len, const struct wire_note *note)
{
	(void)wire;
	(void)note;
	if (memchr(text, '\n', len))
		abort();
	return true;
}

static void fake_close(struct wire *wire)
{
	(void)wire;
}

static void fake_destroy(struct wire *wire)
{
	if (wire)
		up = false;
}

static const struct wire_ops fake = { "fake", fake_open, fake_send, NULL, NULL, fake_close, fake_destroy };

static void judge(void *owner, uint64_t ticket, const struct mcp_pin *pins, size_t count)
{
	bool good[MCP_TOOLS_MAX];

	(void)pins;
	memset(good, true, sizeof(good));
	mcp_judged(*(struct mcp **)owner, ticket, good, count);
}

static void done(void *owner, uint64_t ticket, const char *result, bool failed)
{
	json_t *read = json_read(result, strlen(result), NULL);

	(void)owner;
	(void)ticket;
	(void)failed;
	if (!json_is_object(read) || strlen(result) > 7u * MCP_RESULT_MAX)
		abort();
	json_decref(read);
	ended++;
}

static void hear(const char *text, size_t len)
{
	struct err err = { 0 };

	if (up)
		wire_take(text, len, events, heir, NULL, &err);
}

static void hear_lines(const char *at, size_t size)
{
	while (size && up) {
		const char *end = memchr(at, '\n', size);
		size_t len = end ? (size_t)(end - at) : size;

		hear(at, len);
		at += len + (end != NULL);
		size -= len + (end != NULL);
	}
}

static void call_first(struct mcp *mcp)
{
	const struct toolset *set = mcp_tools(mcp);

	for (size_t i = 0; i < set->count; i++) {
		size_t len = strlen(set->tools[i]->name);

		if (len == 0 || len > MCP_NAME_MAX)
			abort();
	}
	if (set->count)
		set->tools[0]->call(set->tools[0]->box, &(struct tool_caller){ 0 }, "{}", "k", done, NULL, 1);
	set->release(set);
}

static void stop(void *data)
{
	io_stop(data);
}

/* Callers are told in a later round. */
static void rounds(struct io *io)
{
	struct loop_timer *end = loop_timer_create(io_loop(io), stop, io);

	loop_timer_start(end, 0, 0);
	io_run(io);
	loop_timer_destroy(end);
}

static const char hello[] =
	"{\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}}}}";
static const char found[] = "{\"id\":1,\"result\":{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{"
			    "\"tools\":{\"listChanged\":true}}}}";
static const char list[] = "{\"id\":2,\"result\":{\"tools\":[{\"name\":\"a\",\"inputSchema\":{}}]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct io *io;
	struct settings *settings = settings_create(mcp_settings, "m", "f");
	struct mcp *mcp = NULL;
	struct err err = { 0 };
	bool modern = size && *data & 0x80;
	char *status;

	if (io == NULL) {
		log_setup(LOG_ERROR, true);
		io = io_create(&err);
	}
	settings_put(settings, "name", "s", "f", &err);
	settings_put(settings, "command", "x", "f", &err);
	if (modern)
		settings_put(settings, "protocol", *data & 0x40 ? "auto" : "2026-07-28", "f", &err);
	settings_finish(settings, &err);
	mcp = mcp_create(&(struct mcp_options){ .io = io,
						.servers = (const struct settings *const *)&settings,
						.count = 1,
						.judge = judge,
						.owner = &mcp },
			 &err);
	mcp_server(mcp, 0)->ops = &fake;
	mcp_warm(mcp);
	if (size && *data % 3 > 0 && modern)
		hear(found, sizeof(found) - 1);
	else if (size && *data % 3 > 0)
		hear(hello, sizeof(hello) - 1);
	if (size && *data % 3 > 1)
		hear(list, sizeof(list) - 1);
	ended = 0;
	call_first(mcp);
	if (size > 1)
		hear_lines((const char *)data + 1, size - 1);
	call_first(mcp);
	rounds(io);
	if (ended > 2)
		abort();
	status = mcp_status(mcp);
	free(status);
	mcp_destroy(mcp);
	settings_destroy(settings);
	return 0;
}
