/* A server as a child process: one message a line (sheet 4). */
#include "buf.h"
#include "child.h"
#include "mcp_room.h"
#include "mem.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 120 }; /* bytes of a line that is no message, for the log */

struct wire {
	struct child *child;
	const struct wire_events *events;
	void *owner;
	const struct log *log;
	bool closing, *gone; /* gone: told when it is destroyed inside an event of its own */
};

/* Banners and progress lines of real servers land here too: they are passed over (sheet 4). */
static void on_line(void *owner, struct child *child, const char *line, size_t len)
{
	struct wire *wire = owner;
	struct err err = { 0 };
	bool gone = false;

	(void)child;
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	if (len == 0)
		return;
	if (*line != '{' && *line != '[') {
		log_debug(wire->log, "not a message on its standard output: %.*s",
			  (int)(len < SHOWN ? len : SHOWN), line);
		return;
	}
	wire->gone = &gone;
	if (!wire_take(line, len, wire->events, wire->owner, &gone, &err))
		log_debug(wire->log, "not a message on its standard output: %s", err.text);
	if (!gone)
		wire->gone = NULL;
}

static void on_ended(void *owner, struct child *child, const struct err *err)
{
	struct wire *wire = owner;
	struct err why = *err;

	(void)child;
	wire->child = NULL;
	if (!wire->closing && why.kind == ERR_NONE)
		err_set(&why, ERR_AGAIN, "the program has ended");
	if (wire->closing)
		err_clear(&why);
	wire->events->down(wire->owner, wire->closing ? WIRE_CLOSED : WIRE_ENDED, &why);
}

static const struct child_events child_events = { .line = on_line, .ended = on_ended };

static struct wire *stdio_open(const struct wire_options *options, const struct wire_events *events,
			       void *owner, struct err *err)
{
	struct wire *wire = mem_zero(1, sizeof(*wire));
	struct child_options how = { .command = options->config->command,
				     .env = (const char *const *)options->config->env,
				     .cwd = options->config->cwd,
				     .line_max = MCP_MESSAGE_MAX,
				     .log = options->log };

	*wire = (struct wire){ .events = events, .owner = owner, .log = options->log };
	wire->child = child_start(options->io, &how, &child_events, wire, err);
	if (wire->child)
		return wire;
	free(wire);
	return NULL;
}

static bool stdio_send(struct wire *wire, const char *text, size_t len, const struct wire_note *note)
{
	struct buf line = { 0 };
	bool sent;

	(void)note;
	if (wire->child == NULL || wire->closing)
		return false;
	buf_add(&line, text, len);
	buf_text(&line, "\n"); /* in one piece with it: nothing may come between */
	sent = child_send(wire->child, line.data, line.len);
	buf_free(&line);
	return sent;
}

static void stdio_close(struct wire *wire)
{
	if (wire->closing || wire->child == NULL)
		return;
	wire->closing = true;
	child_close(wire->child);
}

static void stdio_destroy(struct wire *wire)
{
	if (wire == NULL)
		return;
	if (wire->gone)
		*wire->gone = true;
	child_destroy(wire->child);
	free(wire);
}

const struct wire_ops wire_stdio = { .name = "stdio",
				     .open = stdio_open,
				     .send = stdio_send,
				     .close = stdio_close,
				     .destroy = stdio_destroy };
