/* Replies that are files: brought from where they are kept, handed to the plugin, and gone again with the attempt. Where no
 * files are taken, a line says where to find it. */
#include "buf.h"
#include "imports.h"
#include "installation.h"
#include "keep.h"
#include "literal.h"
#include "mem.h"
#include "outbox_inside.h"
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

enum { AGAIN_LATER_MS = 30000 };

/* A file on its way to its path; who it is for may be gone when it arrives. */
struct bringing {
	struct outbox *outbox;
	uint64_t serial;
	char *path;
	struct bringing *prev, *next;
};

static void free_bringing(struct bringing *bringing)
{
	DL_DELETE(bringing->outbox->bringings, bringing);
	free(bringing->path);
	free(bringing);
}

void outbox_files_destroy(struct outbox *outbox)
{
	while (outbox->bringings)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the list */
		free_bringing(outbox->bringings);
}

void outbox_file_done(struct sending *sending)
{
	if (sending->path)
		unlink(sending->path);
	free(sending->path);
	sending->path = NULL;
}

/* It stands at its path: the plugin's time begins now. */
static void hand_over(struct outbox *outbox, struct sending *sending)
{
	const struct store_kept *kept = sending->reply->file;
	struct outgoing out = sending->reply->out;
	char *link = imports_link_made(outbox->core->options.imports, kept->org_id, kept->sha256, kept->name,
				       kept->mime, out.created_ms);
	struct outgoing_file file = { .path = sending->path,
				      .name = kept->name,
				      .mime = kept->mime,
				      .size = kept->size,
				      .link = link };

	sending->brings = false;
	sending->since_ms = loop_now_ms(outbox->core->options.loop);
	DL_DELETE(outbox->running, sending);
	DL_APPEND(outbox->running, sending);
	out.file = &file;
	sending->inst->ops->send(sending->inst->platform, &out, sending->serial);
	free(link);
}

static void done_brought(void *owner, uint64_t ticket, const struct err *err)
{
	struct bringing *bringing = owner;
	struct outbox *outbox = bringing->outbox;
	struct sending *sending;

	HASH_FIND(hh, outbox->by_serial, &ticket, sizeof(ticket), sending);
	if (sending == NULL || !sending->brings)
		unlink(bringing->path); /* nobody waits any more */
	else if (err->kind == ERR_GONE || err->kind == ERR_REFUSED)
		outbox_reject(outbox, sending, err->text);
	else if (err->kind != ERR_NONE)
		outbox_return(outbox, sending, AGAIN_LATER_MS, err->text);
	else if (outbox->core->phase != CORE_RUNNING || sending->inst->platform == NULL)
		outbox_return(outbox, sending, 0, "stopping");
	else
		hand_over(outbox, sending);
	free_bringing(bringing);
}

void outbox_file_begin(struct outbox *outbox, struct sending *sending, const struct store_reply *reply)
{
	struct imports *imports = outbox->core->options.imports;
	const struct store_kept *file;
	struct bringing *bringing;

	if (imports == NULL) {
		outbox_reject(outbox, sending, "no files are kept here any more (limits.file_mb)");
		return;
	}
	if (sending->reply == NULL) {
		sending->arena = arena_create();
		sending->reply = keep_reply(sending->arena, reply);
	}
	file = sending->reply->file;
	bringing = mem_zero(1, sizeof(*bringing));
	*bringing = (struct bringing){ .outbox = outbox,
				       .serial = sending->serial,
				       .path = imports_work_path(imports) };
	DL_APPEND(outbox->bringings, bringing);
	sending->brings = true;
	sending->path = mem_text(bringing->path);
	imports_fetch(imports, file->org_id, file->sha256, bringing->path, done_brought, bringing,
		      sending->serial);
}

char *outbox_file_words(const struct core *core, const struct store_kept *file, int64_t made_ms)
{
	struct imports *imports = core->options.imports;
	char *link = imports ? imports_link_made(imports, file->org_id, file->sha256, file->name, file->mime,
						 made_ms)
			     : NULL;
	struct buf out = { 0 };

	literal_code(&out, file->name);
	if (link)
		buf_format(&out, ": <%s>", link);
	else if (file->import_id)
		buf_format(&out, ": the operator has it (usher import show %lld)",
			   (long long)file->import_id);
	else
		buf_text(&out, ": the operator has it (usher import list)");
	free(link);
	return buf_take(&out);
}
