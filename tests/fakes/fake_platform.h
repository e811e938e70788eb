/* Platforms that write down what the core asks of them. */
#ifndef FAKE_PLATFORM_H
#define FAKE_PLATFORM_H

#include "platform.h"

enum { FAKE_NOTES_MAX = 2048 };

/* Four kinds: one streams, one drops second copies and is shed early, one can do nothing of it, and one can be added,
 * has a form of its own, fetches files and reads back. */
extern const struct platform_ops fake_chat, fake_hook, fake_mute, fake_room;

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
	char uuid[MESSAGE_UUID_SIZE], text[200], placeholder[40], remote_id[40];
	unsigned attempt, part, parts;
	bool unsure;
	char path[200], name[100], link[200]; /* of a file */
	int64_t size;
};

struct fake_part {
	char first[MESSAGE_UUID_SIZE], text[200], placeholder[40], reply_to[40];
	size_t offset, count;
	unsigned attempt;
};

struct fake_note { /* of ended and found */
	uint64_t ticket;
	bool none;
	enum message_state state;
	char text[200], first[MESSAGE_UUID_SIZE], reason[40], files[300];
	size_t count;
	unsigned attempt;
};

struct fake_fetch {
	uint64_t ticket;
	char url[100], path[200];
	int64_t max;
};

struct fake_word { /* of installed, kept, held, cursor, context, recall, remembered and known */
	uint64_t ticket;
	enum err_kind kind;
	char a[300], b[300];
};

enum { FAKE_WORDS_MAX = 40, FAKE_FETCHES_MAX = 80 };

struct platform {
	struct platform_host *host;
	struct platform *root; /* of an adopted one */
	char key[40], title[40], secrets[200];
	struct platform *adopted[FAKE_WORDS_MAX]; /* of a root: NULL once destroyed */
	size_t adopted_count, destroyed;
	struct fake_word installed[FAKE_WORDS_MAX], kept[FAKE_WORDS_MAX], cursors[FAKE_WORDS_MAX],
		contexts[FAKE_WORDS_MAX], held[FAKE_WORDS_MAX], recalls[FAKE_WORDS_MAX],
		remembered[FAKE_WORDS_MAX], known[FAKE_WORDS_MAX];
	size_t installed_count, kept_count, cursor_count, context_count, held_count, recall_count,
		remembered_count, known_count;
	struct fake_fetch fetches[FAKE_FETCHES_MAX];
	size_t fetch_count;
	uint64_t check_ticket; /* of the last check; 0: none */
	bool off;	       /* enable said so last */
	struct fake_ack acks[FAKE_NOTES_MAX];
	struct fake_send sends[FAKE_NOTES_MAX];
	struct fake_part parts[FAKE_NOTES_MAX];
	struct fake_note ended[FAKE_NOTES_MAX], found[FAKE_NOTES_MAX];
	size_t ack_count, send_count, part_count, ended_count, found_count;
	bool started, stopping, keeps_running; /* keeps_running: does not answer stop */
	struct platform *next;
};

extern bool fake_platform_fails_start, fake_platform_fails_adopt;

#endif
