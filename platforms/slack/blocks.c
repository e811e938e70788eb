/* The form of a message that carries more than text: sections and feedback buttons. Pure. */
#include "buf.h"
#include "json.h"
#include "mem.h"
#include "out.h"
#include <stdlib.h>
#include <string.h>

enum { SECTION_MAX = 3000, FENCE = 3 };

static size_t characters(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/* A line opens or closes code when it holds an odd number of fences. */
static bool turns_fence(const char *line, size_t len)
{
	bool turned = false;

	for (size_t i = 0; i + FENCE <= len; i++)
		if (memcmp(line + i, "```", FENCE) == 0) {
			turned = !turned;
			i += FENCE - 1;
		}
	return turned;
}

static bool has_words(const char *text)
{
	return text[strspn(text, " \t\r\n")] != '\0';
}

/* expand: without it long sections are folded away behind "see more". */
static void add_section(json_t *blocks, struct buf *text)
{
	if (has_words(buf_str(text)))
		json_array_append_new(blocks,
				      json_pack("{s:s, s:{s:s, s:s}, s:b}", "type", "section", "text", "type",
						"mrkdwn", "text", buf_str(text), "expand", 1));
	buf_clear(text);
}

/* Puts line into text; a full section is closed first, and code goes on in the next. */
static bool add_line(json_t *blocks, struct buf *text, const char *line, size_t len, bool inside)
{
	/* What a section inside code needs to be closed, and perhaps was opened with. */
	enum { CLOSING = FENCE + 1, OPENING = FENCE + 1 };
	size_t room = SECTION_MAX - CLOSING;

	bool closes = inside && len == FENCE && turns_fence(line, len); /* fits in what is kept for it */

	if (characters(line, len) > room - OPENING)
		return false;
	if (!closes && characters(text->data, text->len) + 1 + characters(line, len) > room) {
		if (inside)
			buf_text(text, "\n```");
		add_section(blocks, text);
		if (inside)
			buf_text(text, "```");
	}
	if (text->len > 0)
		buf_add(text, "\n", 1);
	buf_add(text, line, len);
	return true;
}

static bool add_sections(json_t *blocks, const char *mrkdwn)
{
	struct buf text = { 0 };
	bool inside = false, fits = true;

	for (;;) {
		size_t len = strcspn(mrkdwn, "\n");

		fits = add_line(blocks, &text, mrkdwn, len, inside);
		inside ^= turns_fence(mrkdwn, len);
		if (!fits || mrkdwn[len] == '\0')
			break;
		mrkdwn += len + 1;
	}
	add_section(blocks, &text);
	buf_free(&text);
	return fits;
}

static json_t *button(const char *label, const char *hint, const char *way, const char *uuid)
{
	char *value = mem_format("%s:%s", way, uuid);
	json_t *made = json_pack("{s:{s:s, s:s}, s:s, s:s}", "text", "type", "plain_text", "text", label,
				 "accessibility_label", hint, "value", value);

	free(value);
	return made;
}

static json_t *feedback(const char *uuid)
{
	return json_pack("{s:s, s:[{s:s, s:s, s:o, s:o}]}", "type", "context_actions", "elements", "type",
			 "feedback_buttons", "action_id", SLACK_FEEDBACK_ACTION, "positive_button",
			 button("Good", "This answer is good", "up", uuid), "negative_button",
			 button("Bad", "This answer is bad", "down", uuid));
}

/* Anybody may press: whose yes counts, the core knows. */
static json_t *actions(const char *choices)
{
	json_t *list = json_read(choices, strlen(choices), NULL), *elements = json_array(), *choice;
	size_t i;

	json_array_foreach (list, i, choice) {
		const char *label = json_text(choice, "label"), *command = json_text(choice, "command");
		json_t *made = json_pack("{s:s, s:s+, s:{s:s, s:s}, s:s}", "type", "button", "action_id",
					 SLACK_CHOICE_ACTION, command, "text", "type", "plain_text", "text",
					 label, "value", command);

		if (made && i == 0)
			json_object_set_new(made, "style", json_string("primary"));
		json_array_append_new(elements, made);
	}
	json_decref(list);
	return json_pack("{s:s, s:o}", "type", "actions", "elements", elements);
}

json_t *slack_blocks(const char *mrkdwn, const char *uuid, const char *choices)
{
	json_t *blocks = json_array();

	if (!add_sections(blocks, mrkdwn) || json_array_size(blocks) == 0) {
		json_decref(blocks);
		return NULL;
	}
	if (choices)
		json_array_append_new(blocks, actions(choices));
	if (uuid)
		json_array_append_new(blocks, feedback(uuid));
	return blocks;
}

json_t *slack_metadata(const char *event, const char *id)
{
	return json_pack("{s:s, s:{s:s}}", "event_type", event, "event_payload", "id", id);
}
