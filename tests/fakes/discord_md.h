/* What a message of ours must be on this platform, more strictly than it asks: short enough, its fences closed, nobody
 * called, and holding the words it was made of. For tests. */
#ifndef DISCORD_MD_H
#define DISCORD_MD_H

#include "buf.h"
#include "out.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

static inline const char *discord_md_line(const char *line, size_t len, bool *in_code)
{
	bool fence;

	while (len >= 2 && line[0] == '>' && line[1] == ' ') {
		line += 2;
		len -= 2;
	}
	fence = len >= 3 && memcmp(line, "```", 3) == 0;
	if (fence && *in_code && len > 3)
		return "words behind a fence";
	if (memmem(line + (fence ? 3 : 0), len - (fence ? 3 : 0), "```", 3))
		return "a fence inside a line";
	if (!fence && !*in_code && (memmem(line, len, "@everyone", 9) || memmem(line, len, "@here", 5)) &&
	    !memchr(line, '`', len))
		return "everybody is called";
	if (fence)
		*in_code = !*in_code;
	return NULL;
}

/* NULL: it is good. */
static inline const char *discord_md_fault(const char *text)
{
	const char *fault = NULL;
	bool in_code = false;

	if (!text_valid(text, strlen(text)))
		return "not UTF-8";
	if (discord_points(text) > DISCORD_TEXT_MAX)
		return "too long";
	if (text_unseen(text))
		return "nothing to be seen";
	for (const char *at = text; at && !fault; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		fault = discord_md_line(at, strcspn(at, "\n"), &in_code);
	return fault ? fault : in_code ? "a fence is open" : NULL;
}

/* All letters and digits of words stand in shown, in this order. */
static inline bool discord_md_holds(const char *shown, const char *words)
{
	const uint8_t *at = (const uint8_t *)words, *in = (const uint8_t *)shown;
	ucs4_t c, found = 0;

	while ((at = u8_next(&c, at)) != NULL) {
		if (!uc_is_alnum(c))
			continue;
		do
			in = u8_next(&found, in);
		while (in && found != c);
		if (in == NULL)
			return false;
	}
	return true;
}

#endif
