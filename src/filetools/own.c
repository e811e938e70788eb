/* What people do with their files: sharing and deleting. The store sees to it whose they are. */
#include "filetools_room.h"
#include <inttypes.h>
#include <string.h>

static void on_changed(void *tools, uint64_t serial, const struct err *err, const char *json)
{
	struct file_call *call = file_call_of(tools, serial);
	json_t *answer;

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		file_fail(call, err);
		return;
	}
	answer = json_read(json, strlen(json), NULL);
	json_object_set_new(answer, "file", json_string(call->about.name));
	file_answer(call, answer);
}

static void on_deleted(void *tools, uint64_t serial, const struct err *err, const char *json)
{
	const struct filetools_options *options = &((struct filetools *)tools)->options;

	if (err->kind == ERR_NONE && options->erased)
		options->erased(options->owner);
	on_changed(tools, serial, err, json);
}

static const char *number_of(struct file_call *call)
{
	return arena_format(call->arena, "%" PRId64, call->about.id);
}

static void share(struct file_call *call)
{
	const char *args[] = { call->reach.org_id, call->reach.profile_id, number_of(call),
			       file_argument(call, "scope") };

	store_act(call->tools->options.store, "file_share", args, 4, on_changed, call->tools, call->serial);
}

void file_share(struct file_call *call)
{
	file_find(call, share);
}

static void delete (struct file_call *call)
{
	const char *args[] = { call->reach.org_id, call->reach.profile_id, number_of(call) };

	store_act(call->tools->options.store, "file_delete", args, 3, on_deleted, call->tools, call->serial);
}

void file_delete(struct file_call *call)
{
	file_find(call, delete);
}
