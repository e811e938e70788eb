/* rooms: base io markup slack */
/* Any mrkdwn is either cut into sections that Slack takes and that lose nothing, or goes out as text. */
#include "buf.h"
#include "mem.h"
#include "out.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { SECTION_MAX = 3000 };

static size_t characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* Without white space and fences, which cutting may move. */
static char *words_of(const char *text)
{
	struct buf words = { 0 };

	for (; *text; text++)
		if (strchr(" \t\r\n`", *text) == NULL)
			buf_add(&words, text, 1);
	return buf_take(&words);
}

static void check(const char *text, const json_t *blocks)
{
	size_t sections = json_array_size(blocks) - 1;
	struct buf all = { 0 };
	char *wanted = words_of(text), *got;

	for (size_t i = 0; i < sections; i++) {
		const char *part = json_text(json_object_get(json_array_get(blocks, i), "text"), "text");

		if (part == NULL || characters(part) > SECTION_MAX)
			abort();
		buf_text(&all, part);
	}
	got = words_of(buf_str(&all));
	if (strcmp(wanted, got) != 0)
		abort();
	free(wanted);
	free(got);
	buf_free(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	json_t *blocks;

	if (!text_valid((const char *)data, size))
		return 0;
	text = mem_text_n((const char *)data, size);
	blocks = slack_blocks(text, "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee", NULL);
	if (blocks)
		check(text, blocks);
	json_decref(blocks);
	free(text);
	return 0;
}
