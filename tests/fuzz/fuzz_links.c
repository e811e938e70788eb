/* rooms: base markup */
/* Any bytes as an answer: what comes out of the rule about links leads to no host but the known one, whole and while it
 * grows, however it is read again. */
#include "buf.h"
#include "links.h"
#include "markup.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Simpler than the rule itself, and without the only host that may be there: no letter behind "://", and no dot
 * between letters. */
static void check_text(const char *text, size_t len)
{
	if (len >= 11 && strcasestr(text, "example.org"))
		return;
	for (size_t i = 0; i < len; i++) {
		if (i + 3 < len && memcmp(text + i, "://", 3) == 0 && is_letter(text[i + 3]))
			abort();
		if (i && i + 2 < len && text[i] == '.' && is_letter(text[i - 1]) && is_letter(text[i + 1]) &&
		    is_letter(text[i + 2]))
			abort();
	}
}

static void check(const struct markup_node *node)
{
	if (node->target && strncasecmp(node->target, "https://example.org", 19) != 0 &&
	    strncasecmp(node->target, "http://example.org", 18) != 0 &&
	    strncasecmp(node->target, "mailto:", 7) != 0 && strcasestr(node->target, ".example.org") == NULL)
		abort();
	if (node->kind == MARKUP_TEXT)
		check_text(node->text, node->len);
	for (const struct markup_node *child = node->first; child; child = child->next)
		check(child);
}

static void check_all(const char *markdown)
{
	struct markup *markup = markup_parse(markdown, strlen(markdown));

	check(markup_root(markup));
	markup_free(markup);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct links *links = links_create();
	char *guarded;

	if (size > 4096)
		size = 4096;
	links_allow(links, "example.org");
	guarded = links_guard(links, (const char *)data, size);
	check_all(guarded);
	free(guarded);
	for (size_t len = size / 2; len < size; len += size / 4 + 1) {
		guarded = links_growing(links, (const char *)data, len);
		check_all(guarded);
		free(guarded);
	}
	links_destroy(links);
	return 0;
}
