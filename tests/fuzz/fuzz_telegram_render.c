/* rooms: base io markup telegram */
/* Any bytes as a model's answer: every message is HTML that the platform takes, nothing is lost, nobody is called. */
#include "markup.h"
#include "mem.h"
#include "telegram_html.h"
#include "text.h"
#include <stdint.h>
#include <stdio.h>

static void must(bool holds, const char *what, const char *text)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, text);
	abort();
}

static void check(const char *text, struct buf *shown)
{
	char *words, *plain = telegram_plain(text);
	const char *fault = telegram_html_fault(text, &words);

	must(text_valid(text, strlen(text)), "not UTF-8", text);
	must(fault == NULL, fault, text);
	must(telegram_units(plain, strlen(plain)) <= TELEGRAM_TEXT_MAX, "plain is too long", plain);
	buf_text(shown, words);
	free(words);
	free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *markdown = mem_text_n((const char *)data, size), **texts, *words;
	struct markup *markup = markup_parse(markdown, strlen(markdown));
	struct buf shown = { 0 };
	size_t count = telegram_split(NULL, markdown, &texts);

	must(count > 0, "no message", markdown);
	for (size_t i = 0; i < count; i++) {
		check(texts[i], &shown);
		free(texts[i]);
	}
	free(texts);
	words = markup_plain(markup_root(markup));
	must(telegram_html_holds(buf_str(&shown), words), "lost", words);
	buf_free(&shown);
	free(words);
	markup_free(markup);
	free(telegram_plain(markdown));
	free(markdown);
	return 0;
}
