/* What plugins note down: texts of their own, given back before they start, and places that are no more than a note. */
#include "installs_inside.h"
#include "mem.h"
#include "text.h"
#include <string.h>

enum { TEXT_NAME_MAX = 255 };

/* ---- keeping a text ------------------------------------------------------------------------------ */

static const char *text_broken(const char *name, const char *text)
{
	size_t name_len = name ? strnlen(name, TEXT_NAME_MAX + 1) : 0;
	size_t text_len = text ? strnlen(text, PLATFORM_TEXT_MAX + 1) : 0;

	if (name_len == 0 || name_len > TEXT_NAME_MAX || !text_valid(name, name_len))
		return "the name of a text to remember is empty, too long or not UTF-8";
	if (text_len > PLATFORM_TEXT_MAX)
		return "a text to remember is too long";
	return text && !text_valid(text, text_len) ? "a text to remember is not UTF-8" : NULL;
}

void installs_note(struct installs *installs, struct installation *inst, const char *name, const char *text,
		   uint64_t ticket)
{
	const char *broken = text_broken(name, text);
	struct wish *wish = wish_make(installs, WISH_NOTE, inst, inst->ops->name, inst->name);

	wish->ticket = ticket;
	if (broken) {
		wish_end_later(wish, ERR_REFUSED, broken);
	} else if (inst->gone || inst->removed) {
		wish_end_later(wish, ERR_GONE, "it was removed, or added again");
	} else {
		core_asking(installs->core);
		store_remember(installs->core->options.store, wish->platform, wish->name, name, text,
			       wish_done, installs, wish->serial);
	}
}

/* ---- giving them back ---------------------------------------------------------------------------- */

void installs_ask_texts(struct wish *wish, store_texts_fn *fn)
{
	struct core *core = wish->installs->core;

	core_asking(core);
	store_texts(core->options.store, wish->platform, wish->name, fn, wish->installs, wish->serial);
}

void installs_recall(struct installation *inst, const struct store_text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		inst->ops->recall(inst->platform, texts[i].name, texts[i].text);
}

/* ---- places that are only noted ------------------------------------------------------------------ */

static struct installation *note_root(const struct installs *installs, const struct install_row *row)
{
	struct installation *root;

	if (!installs_is_note(installs, row->platform, row->name))
		return NULL;
	root = installation_root(installs->core, row->platform, row->name);
	return root->ops->known && root->platform ? root : NULL;
}

bool installs_note_switches(const struct installs *installs, const char *platform, const char *name)
{
	const struct install_row *row = installs_row(installs, platform, name);

	return row && note_root(installs, row);
}

void installs_tell_note(const struct installs *installs, const struct install_row *row)
{
	struct installation *root = note_root(installs, row);

	if (root)
		root->ops->known(root->platform, &(struct install){ .key = row->name + strlen(root->name) + 1,
								    .title = row->title,
								    .settings = row->settings,
								    .enabled = row->enabled });
}

void installs_tell_notes(const struct installs *installs)
{
	for (const struct install_row *row = installs->rows; row; row = row->hh.next)
		installs_tell_note(installs, row);
}
