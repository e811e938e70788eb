/* Platforms that write down what the core asks of them. */
#ifndef FAKE_PLATFORM_H
#define FAKE_PLATFORM_H

#include "platform.h"

enum { FAKE_NOTES_MAX = 2048 };

/* Three kinds: one streams, one drops second copies and is shed early, one can do nothing of it. */
extern const struct platform_ops fake_chat, fake_hook, fake_mute;

struct fake_ack {
	uint64_t receipt;
	enum ack_how how;
	char uuid[MESSAGE_UUID_SIZE];
	int64_t conversation_id;
	enum message_state state;
	unsigned retry_ms;
	char why[200];
};

struct fake_send {
	uint64_t ticket;
	int64_t conversation_id;
	char uuid[MESSAGE_UUID_SIZE], text[200];
	unsigned attempt;
};

struct fake_part {
	char first[MESSAGE_UUID_SIZE], text[200];
	size_t offset, count;
	unsigned attempt;
};

struct fake_note { /* of ended and found */
	uint64_t ticket;
	bool none;
	enum message_state state;
	char text[200], first[MESSAGE_UUID_SIZE], reason[40];
	size_t count;
	unsigned attempt;
};

struct platform {
	struct platform_host *host;
	struct fake_ack acks[FAKE_NOTES_MAX];
	struct fake_send sends[FAKE_NOTES_MAX];
	struct fake_part parts[FAKE_NOTES_MAX];
	struct fake_note ended[FAKE_NOTES_MAX], found[FAKE_NOTES_MAX];
	size_t ack_count, send_count, part_count, ended_count, found_count;
	bool started, stopping, keeps_running; /* keeps_running: does not answer stop */
	struct platform *next;
};

extern bool fake_platform_fails_start;

#endif
