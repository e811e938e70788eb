/* Lines of what others said, bounded. */
#include "said.h"
#include "buf.h"
#include "mem.h"
#include "message.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

/* Further lines of a message are set in, so that nobody writes a line that looks like somebody else's. */
static char *line_of(const char *author, const char *words)
{
	char *name = text_one_line(author);
	struct buf out = { 0 };

	buf_format(&out, "%.*s: ", (int)text_fit(name, strlen(name), MESSAGE_NAME_MAX), name);
	free(name);
	for (;;) {
		size_t line = strcspn(words, "\r\n");

		buf_add(&out, words, line);
		buf_text(&out, "\n");
		words += line;
		words += strspn(words, "\r\n");
		if (*words == '\0')
			return buf_take(&out);
		buf_text(&out, "    ");
	}
}

bool said_add(struct said *said, const char *name, const char *words)
{
	char *some, *line;

	if (said->full || text_blank(words))
		return !said->full;
	some = mem_text_n(words, text_fit(words, strlen(words), SAID_WORDS_MAX));
	line = line_of(name, some);
	free(some);
	if (said->len + strlen(line) > SAID_TEXT_MAX) {
		said->full = true;
		free(line);
		return false;
	}
	said->len += strlen(line);
	said->lines[said->count++] = line;
	said->full = said->count == SAID_LINES_MAX;
	return !said->full;
}

char *said_take(struct said *said)
{
	struct buf text = { 0 };
	bool any = said->count > 0;

	while (said->count > 0) {
		buf_text(&text, said->lines[--said->count]);
		free(said->lines[said->count]);
	}
	*said = (struct said){ 0 };
	return any ? buf_take(&text) : NULL;
}
