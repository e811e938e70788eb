/* A call of a tool for files, from its beginning to its answer. */
#include "filetools_room.h"
#include "loop.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

/* ---- the answer ------------------------------------------------------------------------------------------------ */

struct file_call *file_call_of(void *tools, uint64_t serial)
{
	struct file_call *call;

	DL_FOREACH (((struct filetools *)tools)->calls, call)
		if (call->serial == serial)
			return call;
	return NULL;
}

static void free_call(struct file_call *call)
{
	DL_DELETE(call->tools->calls, call);
	if (call->made.rows) {
		unlink(call->made.rows);
		free(call->made.rows);
	}
	if (call->made.path) {
		unlink(call->made.path);
		free(call->made.path);
	}
	json_decref(call->arguments);
	json_decref(call->about.outline);
	json_decref(call->quotes);
	arena_destroy(call->arena);
	free(call);
}

static void end(struct file_call *call, json_t *result_take, bool failed)
{
	char *text = json_write(result_take);

	json_decref(result_take);
	call->done(call->owner, call->ticket, text, failed);
	free(text);
	free_call(call);
}

void file_answer(struct file_call *call, json_t *result_take)
{
	end(call, result_take, false);
}

void file_fail_with(struct file_call *call, const char *why, json_t *more_take)
{
	json_t *result = json_pack("{s:s}", "error", why);

	if (more_take)
		json_object_update(result, more_take);
	json_decref(more_take);
	end(call, result, true);
}

void file_refuse(struct file_call *call, const char *why)
{
	file_fail_with(call, why, NULL);
}

void file_fail(struct file_call *call, const struct err *err)
{
	bool theirs = err->kind == ERR_REFUSED || err->kind == ERR_GONE || err->kind == ERR_FULL;

	file_refuse(call, theirs ? err->text : call->kind->failed);
}

/* ---- the question ---------------------------------------------------------------------------------------------- */

const char *file_argument(struct file_call *call, const char *name)
{
	const json_t *value = json_object_get(call->arguments, name);

	if (json_is_string(value) && json_string_length(value) > 0)
		return json_string_value(value);
	if (!json_is_number(value))
		return NULL;
	return arena_format(call->arena, "%" PRId64, json_int(call->arguments, name, -1));
}

/* 1 to 18 digits. */
static bool all_digits(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len <= 18 && text[len] == '\0';
}

int64_t file_number(struct file_call *call, const char *name, int64_t fallback)
{
	const char *text = file_argument(call, name);

	return text && all_digits(text) ? strtoll(text, NULL, 10) : fallback;
}

static void take_about(struct file_call *call, const struct store_import *import)
{
	call->about = (struct file_about){
		.id = import->id,
		.state = import->state,
		.name = arena_text(call->arena, import->name),
		.sha256 = arena_text(call->arena, import->sha256),
		.error = arena_text(call->arena, import->error),
		.outline = import->outline ? json_read(import->outline, strlen(import->outline), NULL) : NULL
	};
}

static void on_found(void *tools, uint64_t serial, const struct err *err, const struct store_import *import)
{
	struct file_call *call = file_call_of(tools, serial);
	char why[300];

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		file_fail(call, err);
	} else if (import->id == 0) {
		snprintf(why, sizeof(why), "there is no file \"%.100s\"; list_files tells which there are",
			 file_argument(call, "file"));
		file_refuse(call, why);
	} else {
		take_about(call, import);
		call->found(call);
	}
}

void file_find(struct file_call *call, void (*found)(struct file_call *call))
{
	const char *which = file_argument(call, "file");
	bool number;

	if (which == NULL) {
		file_refuse(call, "file is missing: the number or the name of a file");
		return;
	}
	if (strncmp(which, "import ", 7) == 0) /* as it is told to the model */
		which += 7;
	number = all_digits(which);
	call->found = found;
	store_import_find(call->tools->options.store, &call->reach, number ? strtoll(which, NULL, 10) : 0,
			  number ? NULL : which, on_found, call->tools, call->serial);
}

static void begin_calls(void *data)
{
	struct filetools *tools = data;
	struct file_call *call, *next;

	DL_FOREACH_SAFE(tools->calls, call, next)
	{
		if (call->begun)
			continue;
		call->begun = true;
		call->kind->run(call);
	}
}

static void call_tool(void *box, const struct tool_caller *caller, const char *arguments, const char *key,
		      tool_done_fn *done, void *owner, uint64_t ticket)
{
	const struct file_bound *bound = box;
	struct filetools *tools = bound->tools;
	struct file_call *call = mem_zero(1, sizeof(*call));

	*call = (struct file_call){ .tools = tools,
				    .kind = bound->kind,
				    .serial = ++tools->serial,
				    .done = done,
				    .owner = owner,
				    .ticket = ticket,
				    .arena = arena_create(),
				    .turn_id = caller->turn_id };
	call->reach = (struct store_reach){ .org_id = arena_text(call->arena, caller->org_id),
					    .profile_id = arena_text(call->arena, caller->profile_id),
					    .conversation_id = caller->conversation_id };
	call->key = arena_text(call->arena, key);
	call->arguments = json_read(arguments, strlen(arguments), NULL);
	DL_APPEND(tools->calls, call);
	loop_timer_start(tools->timer, 0, 0);
}

/* ---- from the start to the end --------------------------------------------------------------------------------- */

struct filetools *filetools_create(const struct filetools_options *options)
{
	struct filetools *tools = mem_zero(1, sizeof(*tools));

	tools->options = *options;
	tools->timer = loop_timer_create(options->loop, begin_calls, tools);
	for (size_t i = 0; i < FILE_TOOLS; i++) {
		const struct file_kind *kind = &file_kinds[i];
		struct file_bound *bound = &tools->bound[tools->count];

		if (kind->makes && options->imports == NULL)
			continue;
		*bound = (struct file_bound){ .tools = tools,
					      .kind = kind,
					      .tool = { .name = kind->name,
							.description = kind->description,
							.parameters = kind->parameters,
							.class = kind->class,
							.foreign = kind->foreign,
							.box = bound,
							.call = call_tool } };
		tools->list[tools->count++] = &bound->tool;
	}
	return tools;
}

const struct tool *const *filetools_tools(const struct filetools *tools, size_t *count_out)
{
	*count_out = tools->count;
	return tools->list;
}

void filetools_destroy(struct filetools *tools)
{
	struct file_call *call, *next;

	if (tools == NULL)
		return;
	DL_FOREACH_SAFE(tools->calls, call, next)
	free_call(call);
	loop_timer_destroy(tools->timer);
	free(tools);
}

bool filetools_need_files(const struct tool *tool)
{
	for (size_t i = 0; i < FILE_TOOLS; i++)
		if (strcmp(file_kinds[i].name, tool->name) == 0)
			return strcmp(tool->name, "write_file") != 0;
	return false;
}
