/* rooms: base io markup slack */
/* Any bytes as a person's message: always valid text, never longer than its parts explain. */
#include "mem.h"
#include "slack_room.h"
#include "text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *name(void *owner, char kind, const char *id)
{
	(void)owner;
	if (strlen(id) > SLACK_ID_MAX || *id == '\0')
		abort();
	return kind == 'U' && id[0] == 'U' ? "Ann & <Bo>" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *mrkdwn = mem_text_n((const char *)data, size), *words = slack_words(mrkdwn, name, NULL);

	if (!text_valid(words, strlen(words)) || strlen(words) > 12 * size)
		abort();
	free(words);
	free(mrkdwn);
	return 0;
}
