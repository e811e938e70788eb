/* rooms: base io markup slack */
/* Any bytes as a model's answer: no message is too long, empty or torn, and none calls anybody. */
#include "mem.h"
#include "slack_room.h"
#include "text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool starts(const char *text, const char *beginning)
{
	return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

static void check_signs(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at == '&')
			must(starts(at, "&amp;") || starts(at, "&lt;") || starts(at, "&gt;"));
		if (*at == '>')
			must((at == text || at[-1] == '\n') && at[1] == ' ');
		if (*at != '<')
			continue;
		must(starts(at, "<http://") || starts(at, "<https://") || starts(at, "<mailto:"));
		at += 1 + strcspn(at + 1, "<>\n");
		must(*at == '>');
	}
}

static void check(const char *text)
{
	size_t units = 0, fences = 0;

	must(*text && text_valid(text, strlen(text)));
	check_signs(text);
	for (const char *at = text; *at; at++)
		units += (*at & 0xc0) != 0x80;
	for (const char *at = text; (at = strstr(at, "```")) != NULL; at += 3)
		fences++;
	must(units <= SLACK_TEXT_MAX && fences % 2 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *markdown = mem_text_n((const char *)data, size), **texts, *piece;
	size_t count = slack_split(NULL, markdown, &texts);

	must(count > 0);
	for (size_t i = 0; i < count; i++) {
		check(texts[i]);
		free(slack_plain(texts[i]));
		free(texts[i]);
	}
	free(texts);
	free(slack_plain(markdown));
	piece = slack_stream_text(markdown, strlen(markdown));
	must(!strstr(piece, "<!") && !strstr(piece, "<@") && !strstr(piece, "<#"));
	must(!strcasestr(piece, "@channel") && !strcasestr(piece, "@here") &&
	     !strcasestr(piece, "@everyone"));
	free(piece);
	free(markdown);
	return 0;
}
