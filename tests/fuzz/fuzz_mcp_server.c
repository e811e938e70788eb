/* rooms: base mcpserver */
#include "mem.h"
#include "served.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tool tool = {
	.name = "t", .description = "T.", .parameters = "{\"type\":\"object\"}", .class = TOOL_READ
};
static const struct tool *const list[] = { &tool };
static const struct toolset tools = { .tools = list, .count = 1 };

/* An answer is a message with the id of its request; a call has all that a tool needs. */
static void check(const json_t *message, const struct served *served)
{
	json_t *answer = served->text ? json_read(served->text, strlen(served->text), NULL) : NULL;
	const json_t *id = json_object_get(answer, "id");

	if ((served->kind == SERVED_ANSWER || served->kind == SERVED_REFUSED) != (answer != NULL))
		abort();
	if (served->kind == SERVED_ANSWER && !json_equal(id, json_object_get(message, "id")))
		abort();
	if (served->kind == SERVED_REFUSED && !json_is_null(id))
		abort();
	if (served->kind == SERVED_CALL) {
		json_t *arguments = json_read(served->arguments, strlen(served->arguments), NULL);

		if (served->tool != &tool || !json_is_object(arguments) || served->id == NULL)
			abort();
		json_decref(arguments);
	}
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *message = json_read((const char *)data, size, NULL);
	static const struct served_headers headers = { "2026-07-28", "tools/call", "t" };
	struct served served;

	if (message == NULL)
		return 0;
	served_take(message, size % 2 ? NULL : &headers, &tools, &served);
	check(message, &served);
	served_finish(&served);
	json_decref(message);
	return 0;
}
