/* Photos and files that were sent as one come as a message each, the words with one of them (sheet 5.3). Each is stored
 * as it comes, so that none is lost or asked for by halves whenever we end, and a webhook, which gets the next one only
 * when this one is answered, need not wait (sheet 4.2). The core answers them as one (INCOMING_MORE). In groups only the
 * words say that an album is for us, and the part that has them may have been stored by an earlier process: which one it
 * was is kept with it, as a cursor. */
#include "crypto.h"
#include "inbound.h"
#include "mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_SIZE = 24 };

/* Positions of cursors are numbers, the platform's names of albums are texts. */
static void number_of(const struct telegram_decoded *say, char out[NUMBER_SIZE])
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	uint64_t number;

	crypto_sha256(say->album, strlen(say->album), digest);
	memcpy(&number, digest, sizeof(number));
	snprintf(out, NUMBER_SIZE, "%020" PRIu64, number);
}

static char *key_of(const struct telegram_decoded *say)
{
	char number[NUMBER_SIZE];

	number_of(say, number);
	return mem_format("%" PRId64 "/%s", say->chat, number);
}

bool telegram_album_addressed(struct telegram_inbound *inbound, const struct telegram_decoded *say,
			      bool addressed)
{
	char *key = key_of(say);
	bool known = recents_find(&inbound->albums, key) != NULL;

	free(key);
	return addressed || known;
}

int64_t telegram_album_message(struct telegram_inbound *inbound, const struct telegram_decoded *say)
{
	char *key = key_of(say), message[24];
	struct recent *album = recents_touch(&inbound->albums, key);

	free(key);
	snprintf(message, sizeof(message), "%" PRId64, say->message_id);
	if (album->text[0] == '\0')
		recents_set(album, message);
	return strtoll(album->text, NULL, 10);
}

const char *telegram_album_position(struct arena *arena, const struct telegram_decoded *say, int64_t message)
{
	char number[NUMBER_SIZE];

	number_of(say, number);
	return arena_format(arena, "%" PRId64 ".%s", message, number);
}

void telegram_album_recall(struct telegram_inbound *inbound, const char *chat, const char *position)
{
	size_t digits = strcspn(position, ".");
	char *key, *message;

	if (position[digits] == '\0')
		return;
	key = mem_format("%s/%s", chat, position + digits + 1);
	message = mem_text_n(position, digits);
	recents_set(recents_touch(&inbound->albums, key), message);
	free(message);
	free(key);
}
