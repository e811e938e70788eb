#include "foreign.h"
#include "gather.h"
#include "links.h"
#include "mem.h"
#include "turn_inside.h"
#include <stdlib.h>
#include <string.h>

/* Behind a full stop within a host. */
#define HOST_SIGNS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_&\\-"

enum { LOOK_EVERY = 32 /* a growing answer is looked at again when it is a 32nd longer */ };

static bool is_foreign(const struct turn *turn)
{
	const struct turn_question *question = &turn->question;
	const struct store_recalled *recalled = question->recalled;

	return recalled->foreign || recalled->summary || gather_context(turn->gather) ||
	       question->file_count > 0 || question->journal_count > 0 || question->approved ||
	       links_quotes(question->text, strlen(question->text));
}

/* Most full stops end a sentence, and what they end needs no look. Generous: signs of Markdown and entities may become a
 * letter. idx_message_address says the same. */
static bool may_name_host(const char *text)
{
	const char *dot = strchr(text, '.');

	if (dot && strstr(text, "://"))
		return true;
	while (dot && strspn(dot + 1, HOST_SIGNS) == 0)
		dot = strchr(dot + 1, '.');
	return dot != NULL;
}

static void take_said(struct links *known, const char *text)
{
	if (text && may_name_host(text))
		links_said(known, text, strlen(text));
}

void foreign_begin(struct turn *turn)
{
	const struct core_options *options = &turn->core->options;
	const struct store_recalled *recalled = turn->question.recalled;
	struct turn_links *links = &turn->links;

	if (options->all_links)
		return;
	foreign_end(turn);
	links->foreign = is_foreign(turn);
	links->known = links_create();
	if (options->public_url)
		links_allow(links->known, options->public_url);
	for (size_t i = 0; i < options->link_host_count; i++)
		links_allow(links->known, options->link_hosts[i]);
	take_said(links->known, turn->question.text); /* what files are called, others may have chosen */
	for (size_t i = 0; i < recalled->said_count; i++)
		take_said(links->known, recalled->said[i]);
}

void foreign_saw(struct turn *turn)
{
	turn->links.foreign = true;
}

static bool is_guarded(const struct turn *turn)
{
	return turn->links.known && turn->links.foreign;
}

/* What was shown stays as it is: the rest is kept back when it would not fit. */
static void show_guarded(struct turn *turn)
{
	struct turn_links *links = &turn->links;
	char *grown = links_growing(links->known, links->raw.data, links->raw.len);
	size_t before = turn->shown.len;

	if (strlen(grown) > before && memcmp(grown, buf_str(&turn->shown), before) == 0)
		buf_text(&turn->shown, grown + before);
	free(grown);
}

void foreign_grow(struct turn *turn, const char *text, size_t len, bool begins_again)
{
	struct turn_links *links = &turn->links;

	if (begins_again) {
		buf_clear(&links->raw);
		links->looked = 0;
	}
	if (!is_guarded(turn)) {
		buf_add(&turn->shown, text, len);
		return;
	}
	buf_add(&links->raw, text, len);
	if (links->raw.len - links->looked <= links->looked / LOOK_EVERY)
		return;
	links->looked = links->raw.len;
	show_guarded(turn);
}

char *foreign_answer(const struct turn *turn, const char *text)
{
	return is_guarded(turn) ? links_guard(turn->links.known, text, strlen(text)) : mem_text(text);
}

void foreign_end(struct turn *turn)
{
	links_destroy(turn->links.known);
	buf_free(&turn->links.raw);
	turn->links = (struct turn_links){ 0 };
}
