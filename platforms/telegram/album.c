/* Photos and files that were sent as one come as a message each, the words with one of them (sheet 5.3). Each is stored
 * as it comes, so that none is lost or asked for by halves whenever we end, and a webhook, which gets the next one only
 * when this one is answered, need not wait (sheet 4.2). The core answers them as one (INCOMING_MORE). */
#include "inbound.h"
#include "mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALBUM_KEY_MAX = 64 };

static char *key_of(const struct telegram_decoded *say)
{
	return mem_format("%" PRId64 "/%.*s", say->chat, ALBUM_KEY_MAX, say->album);
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
