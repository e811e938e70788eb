/* rooms: base io markup discord */
/* Any bytes as a model's answer: every message is one that the platform takes, with its fences closed, nothing is lost,
 * nobody is called. */
#include "buf.h"
#include "discord_md.h"
#include "markup.h"
#include "mem.h"
#include <stdint.h>
#include <stdio.h>

static void must(bool holds, const char *what, const char *text)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, text);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *markdown = mem_text_n((const char *)data, size), **texts, *words;
	struct markup *markup = markup_parse(markdown, strlen(markdown));
	struct buf shown = { 0 };
	size_t count = discord_split(NULL, markdown, &texts);

	must(count > 0, "no message", markdown);
	for (size_t i = 0; i < count; i++) {
		const char *fault = discord_md_fault(texts[i]);

		must(fault == NULL, fault, texts[i]);
		buf_text(&shown, texts[i]);
		free(texts[i]);
	}
	free(texts);
	words = markup_plain(markup_root(markup));
	must(discord_md_holds(buf_str(&shown), words), "lost", words);
	buf_free(&shown);
	free(words);
	markup_free(markup);
	free(markdown);
	return 0;
}
