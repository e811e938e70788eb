/* A file of a message as one line of text: "URL#CHANNEL/MESSAGE/ATTACHMENT" (message_file.url). The address ends after a
 * day; the message can be asked for a new one. Pure. */
#ifndef USHER_DISCORD_FILE_REF_H
#define USHER_DISCORD_FILE_REF_H

#include "discord_room.h"

enum { DISCORD_URL_MAX = 2048 };

struct discord_file_ref {
	snowflake channel, message, attachment;
	char url[DISCORD_URL_MAX + 1]; /* "" none that could be kept */
};

bool discord_file_ref_read(const char *text, struct discord_file_ref *ref_out);
/* The address has no more than a minute to live (sheet 15, `ex`). */
bool discord_url_expired(const char *url, int64_t now_ms);
/* Where it is fetched from: the address itself when its host is one of the platform's two, its path below base when that is
 * set; NULL: it is not the platform's. The caller frees. */
char *discord_file_address(const char *url, const char *base);
/* The present address of this attachment in a message as the REST API tells it, borrowed; NULL: it is not there. */
const json_t *discord_attachment_find(const json_t *message, snowflake id);

#endif
