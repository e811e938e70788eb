/* The platforms of the core's unit tests: notebooks. */
#include "fake_platform.h"
#include "loop.h"
#include "mem.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

bool fake_platform_fails_start;

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
	snprintf(note->text, sizeof(note->text), "%s", out->text);
	note->attempt = out->attempt;
}

static void stream(struct platform *platform, const struct outgoing_part *part)
{
	struct fake_part *note = &platform->parts[platform->part_count++];

	assert(platform->part_count <= FAKE_NOTES_MAX);
	snprintf(note->first, sizeof(note->first), "%s", part->answers_to[0]);
	snprintf(note->text, sizeof(note->text), "%.*s", (int)part->len, part->text);
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
	free(platform);
}

#define FAKE_OPS(platform_name, bits)                                                                        \
	{                                                                                                    \
		.abi = PLATFORM_ABI, .name = platform_name, .can = (bits), .retry_cap_s = 60,                \
		.expire_s = 600, .create = create, .start = start, .ack = ack, .send = send,                 \
		.stream = stream, .ended = ended, .found = found, .stop = stop, .destroy = destroy           \
	}

const struct platform_ops fake_chat = FAKE_OPS("chat", PLATFORM_STREAMS);
const struct platform_ops fake_hook = FAKE_OPS("hook", PLATFORM_RESENDS | PLATFORM_SHEDS_EARLY);
const struct platform_ops fake_mute = FAKE_OPS("mute", 0);
