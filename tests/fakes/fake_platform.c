/* The platforms of the core's unit tests: notebooks. */
#include "fake_platform.h"
#include "loop.h"
#include "mem.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fake_platform_fails_start, fake_platform_fails_adopt;

static struct platform *create(struct platform_host *host, const struct settings *settings, struct err *err)
{
	struct platform *platform = mem_zero(1, sizeof(*platform));

	(void)settings;
	(void)err;
	platform->host = host;
	return platform;
}

static bool start(struct platform *platform, struct err *err)
{
	if (fake_platform_fails_start)
		return err_set(err, ERR_REFUSED, "the path is taken");
	platform->started = true;
	return true;
}

static void ack(struct platform *platform, uint64_t receipt, const struct ack *ack)
{
	struct fake_ack *note = &platform->acks[platform->ack_count++];

	assert(platform->ack_count <= FAKE_NOTES_MAX);
	note->receipt = receipt;
	note->how = ack->how;
	snprintf(note->uuid, sizeof(note->uuid), "%s", ack->uuid ? ack->uuid : "");
	note->conversation_id = ack->conversation_id;
	note->state = ack->state;
	note->retry_ms = ack->retry_ms;
	snprintf(note->why, sizeof(note->why), "%s", ack->why ? ack->why : "");
}

static void send(struct platform *platform, const struct outgoing *out, uint64_t ticket)
{
	struct fake_send *note = &platform->sends[platform->send_count++];

	assert(platform->send_count <= FAKE_NOTES_MAX);
	note->ticket = ticket;
	note->conversation_id = out->conversation_id;
	snprintf(note->uuid, sizeof(note->uuid), "%s", out->uuid);
	snprintf(note->text, sizeof(note->text), "%s", out->text ? out->text : "");
	snprintf(note->placeholder, sizeof(note->placeholder), "%s",
		 out->placeholder ? out->placeholder : "");
	snprintf(note->remote_id, sizeof(note->remote_id), "%s", out->remote_id ? out->remote_id : "");
	note->attempt = out->attempt;
	note->part = out->part;
	note->parts = out->parts;
	note->unsure = out->unsure;
	if (out->file == NULL)
		return;
	snprintf(note->path, sizeof(note->path), "%s", out->file->path);
	snprintf(note->name, sizeof(note->name), "%s", out->file->name);
	snprintf(note->link, sizeof(note->link), "%s", out->file->link ? out->file->link : "");
	note->size = out->file->size;
}

static void stream(struct platform *platform, const struct outgoing_part *part)
{
	struct fake_part *note = &platform->parts[platform->part_count++];

	assert(platform->part_count <= FAKE_NOTES_MAX);
	snprintf(note->first, sizeof(note->first), "%s", part->answers_to[0]);
	snprintf(note->text, sizeof(note->text), "%.*s", (int)part->len, part->text);
	snprintf(note->placeholder, sizeof(note->placeholder), "%s",
		 part->placeholder ? part->placeholder : "");
	snprintf(note->reply_to, sizeof(note->reply_to), "%s", part->reply_to ? part->reply_to : "");
	note->offset = part->offset;
	note->count = part->answers_to_count;
	note->attempt = part->attempt;
}

static void write_note(struct fake_note *note, const struct outgoing *out)
{
	note->state = out->state;
	note->count = out->answers_to_count;
	note->attempt = out->attempt;
	snprintf(note->text, sizeof(note->text), "%s", out->text ? out->text : "");
	snprintf(note->files, sizeof(note->files), "%s", out->files ? out->files : "");
	snprintf(note->reason, sizeof(note->reason), "%s", out->reason ? out->reason : "");
	snprintf(note->first, sizeof(note->first), "%s", out->answers_to_count ? out->answers_to[0] : "");
}

static void ended(struct platform *platform, const struct outgoing *out)
{
	assert(platform->ended_count < FAKE_NOTES_MAX);
	write_note(&platform->ended[platform->ended_count++], out);
}

static void found(struct platform *platform, uint64_t ticket, const struct outgoing *out)
{
	struct fake_note *note = &platform->found[platform->found_count++];

	assert(platform->found_count <= FAKE_NOTES_MAX);
	note->ticket = ticket;
	note->none = out == NULL;
	if (out)
		write_note(note, out);
}

static void stopped(void *data)
{
	struct platform *platform = data;

	platform->host->stopped(platform->host);
}

static void stop(struct platform *platform)
{
	platform->stopping = true;
	if (!platform->keeps_running)
		loop_post(platform->host->loop, stopped, platform);
}

static void destroy(struct platform *platform)
{
	struct platform *root = platform ? platform->root : NULL;

	for (size_t i = 0; root && i < root->adopted_count; i++) {
		if (root->adopted[i] == platform)
			root->adopted[i] = NULL;
	}
	if (root)
		root->destroyed++;
	free(platform);
}

/* ---- what only some platforms can ------------------------------------------------------------ */

static struct fake_word *word(struct fake_word *list, size_t *count, uint64_t ticket, const char *a,
			      const char *b)
{
	struct fake_word *note = &list[(*count)++];

	assert(*count <= FAKE_WORDS_MAX);
	note->ticket = ticket;
	snprintf(note->a, sizeof(note->a), "%s", a ? a : "NULL");
	snprintf(note->b, sizeof(note->b), "%s", b ? b : "NULL");
	return note;
}

/* "a||b" becomes "[a]" and "[b]". */
static size_t split(struct platform *platform, const char *text, char ***texts_out)
{
	char **texts = NULL;
	size_t count = 0;

	(void)platform;
	while (text) {
		const char *end = strstr(text, "||");
		int len = end ? (int)(end - text) : (int)strlen(text);

		texts = mem_resize(texts, count + 1, sizeof(*texts));
		texts[count++] = mem_format("[%.*s]", len, text);
		text = end ? end + 2 : NULL;
	}
	*texts_out = texts;
	return count;
}

static void fetch(struct platform *platform, const struct message_file *file, const char *path, int64_t max,
		  uint64_t ticket)
{
	struct fake_fetch *note = &platform->fetches[platform->fetch_count++];

	assert(platform->fetch_count <= FAKE_FETCHES_MAX);
	note->ticket = ticket;
	note->max = max;
	snprintf(note->url, sizeof(note->url), "%s", file->url);
	snprintf(note->path, sizeof(note->path), "%s", path);
}

static void context(struct platform *platform, const char *reply_to, uint64_t ticket)
{
	word(platform->contexts, &platform->context_count, ticket, reply_to, NULL);
}

static void cursor(struct platform *platform, const char *scope, const char *position)
{
	assert(!platform->started);
	word(platform->cursors, &platform->cursor_count, 0, scope, position);
}

static void recall(struct platform *platform, const char *name, const char *text)
{
	assert(!platform->started);
	word(platform->recalls, &platform->recall_count, 0, name, text);
}

static void remembered(struct platform *platform, uint64_t ticket, const struct err *err)
{
	word(platform->remembered, &platform->remembered_count, ticket, err->text, NULL)->kind = err->kind;
}

/* ticket: 1 on, 0 off. */
static void known(struct platform *root, const struct install *install)
{
	assert(root->root == NULL && install->secrets == NULL);
	word(root->known, &root->known_count, install->enabled, install->key, install->settings);
}

static struct platform *adopt(struct platform *root, struct platform_host *host,
			      const struct install *install, struct err *err)
{
	struct platform *platform;

	if (fake_platform_fails_adopt) {
		err_set(err, ERR_REFUSED, "its secrets make no sense");
		return NULL;
	}
	platform = mem_zero(1, sizeof(*platform));
	platform->host = host;
	platform->root = root;
	snprintf(platform->key, sizeof(platform->key), "%s", install->key);
	snprintf(platform->title, sizeof(platform->title), "%s", install->title ? install->title : "");
	snprintf(platform->secrets, sizeof(platform->secrets), "%s", install->secrets);
	assert(root->adopted_count < FAKE_WORDS_MAX && install->enabled);
	root->adopted[root->adopted_count++] = platform;
	return platform;
}

static void installed(struct platform *root, uint64_t ticket, const struct err *err, const char *name)
{
	word(root->installed, &root->installed_count, ticket, name, err->text)->kind = err->kind;
}

static void kept(struct platform *platform, uint64_t ticket, const struct err *err)
{
	word(platform->kept, &platform->kept_count, ticket, err->text, NULL)->kind = err->kind;
}

static void held(struct platform *platform, uint64_t ticket, const struct err *err)
{
	word(platform->held, &platform->held_count, ticket, err->text, NULL)->kind = err->kind;
}

static void enable(struct platform *platform, bool enabled)
{
	platform->off = !enabled;
}

static void check(struct platform *platform, uint64_t ticket)
{
	platform->check_ticket = ticket;
}

#define FAKE_OPS(platform_name, bits)                                                                        \
	{                                                                                                    \
		.abi = PLATFORM_ABI, .name = platform_name, .can = (bits), .retry_cap_s = 60,                \
		.expire_s = 600, .create = create, .start = start, .ack = ack, .send = send,                 \
		.stream = stream, .ended = ended, .found = found, .stop = stop, .destroy = destroy,          \
		.held = held                                                                                 \
	}

const struct platform_ops fake_chat = FAKE_OPS("chat", PLATFORM_STREAMS);
const struct platform_ops fake_hook = FAKE_OPS("hook", PLATFORM_RESENDS | PLATFORM_SHEDS_EARLY);
const struct platform_ops fake_mute = FAKE_OPS("mute", 0);
const struct platform_ops fake_room = {
	.abi = PLATFORM_ABI,
	.name = "room",
	.can = PLATFORM_STREAMS | PLATFORM_READS_BACK | PLATFORM_FILES,
	.retry_cap_s = 60,
	.expire_s = 600,
	.create = create,
	.start = start,
	.ack = ack,
	.send = send,
	.stream = stream,
	.ended = ended,
	.split = split,
	.fetch = fetch,
	.context = context,
	.cursor = cursor,
	.recall = recall,
	.remembered = remembered,
	.known = known,
	.adopt = adopt,
	.installed = installed,
	.kept = kept,
	.held = held,
	.enable = enable,
	.check = check,
	.found = found,
	.stop = stop,
	.destroy = destroy,
};
