/* From Markdown to the messages of a platform. */
#include "markup.h"
#include "mem.h"
#include <string.h>

size_t markup_texts(const char *markdown, const struct markup_form *form, char ***texts_out)
{
	size_t len = strlen(markdown), n;
	struct markup *markup = markup_parse(markdown, len);
	const struct markup_node *const *parts;
	bool as_file;

	n = markup_split(markup, form->max, form->measure, form->owner, &parts);
	as_file = form->file_from > 0 && n > form->file_from && n > 1 && len <= form->file_max;
	*texts_out = mem_zero(n, sizeof(**texts_out));
	for (size_t i = 0; i < (as_file ? 1 : n); i++)
		(*texts_out)[i] = form->render(form->owner, parts[i]);
	if (as_file) {
		(*texts_out)[1] = mem_format("%s%s", MARKUP_FILE, markdown);
		n = 2;
	}
	markup_free(markup);
	return n;
}
