/* The message object (sheet 9.1, 9.2): the same in MESSAGE_CREATE, MESSAGE_UPDATE and lists of messages. */
#include "decode.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum message_type { TYPE_DEFAULT = 0, TYPE_REPLY = 19 };
enum message_flag { FLAG_EPHEMERAL = 64, FLAG_LOADING = 128 };
enum reference_type { REFERENCE_FORWARD = 1 };

static void end(struct discord_decoded *out, enum discord_kind kind, const char *because)
{
	out->kind = kind;
	out->because = because;
}

static snowflake id_of(const json_t *object, const char *key)
{
	return snowflake_read(json_object_get(object, key));
}

/* ---- times -------------------------------------------------------------------------------------------------- */

/* So many digits; behind them `ends`, unless that is 0. */
static bool take_number(const char **at, size_t digits, char ends, int *out)
{
	*out = 0;
	for (; digits > 0 && **at >= '0' && **at <= '9'; digits--, (*at)++)
		*out = *out * 10 + (**at - '0');
	if (digits > 0 || (ends && **at != ends))
		return false;
	*at += ends != '\0';
	return true;
}

static int take_millis(const char **at)
{
	int ms = 0, scale = 100;

	if (**at != '.')
		return 0;
	for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
		ms += (**at - '0') * scale;
	return ms;
}

static int take_offset_s(const char **at)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes;

	if (**at != '+' && **at != '-')
		return 0;
	(*at)++;
	return take_number(at, 2, ':', &hours) && take_number(at, 2, 0, &minutes)
		       ? sign * (hours * 3600 + minutes * 60)
		       : 0;
}

int64_t discord_time_ms(const char *text)
{
	struct tm tm = { 0 };
	const char *at = text;
	int ms;

	if (text == NULL || !take_number(&at, 4, '-', &tm.tm_year) || !take_number(&at, 2, '-', &tm.tm_mon) ||
	    !take_number(&at, 2, 'T', &tm.tm_mday) || !take_number(&at, 2, ':', &tm.tm_hour) ||
	    !take_number(&at, 2, ':', &tm.tm_min) || !take_number(&at, 2, 0, &tm.tm_sec) || tm.tm_year < 1970)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	ms = take_millis(&at);
	return ((int64_t)timegm(&tm) - take_offset_s(&at)) * 1000 + ms;
}

/* It becomes part of a key. */
static const char *edited_text(const json_t *message)
{
	const char *text = json_text(message, "edited_timestamp");

	if (text == NULL || *text == '\0' || strlen(text) > DISCORD_EDITED_TEXT_MAX ||
	    text[strspn(text, "0123456789-:.+TZ")] != '\0')
		return NULL;
	return text;
}

/* ---- lists --------------------------------------------------------------------------------------------------- */

bool discord_lists(const json_t *list, snowflake id)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (id && (json_is_object(one) ? id_of(one, "id") : snowflake_read(one)) == id)
			return true;
	}
	return false;
}

bool discord_is_bare(const json_t *message)
{
	static const char *const lists[] = { "embeds", "attachments", "components", "sticker_items",
					     "message_snapshots" };
	const char *content = json_text(message, "content");

	if ((content && *content) || json_is_object(json_object_get(message, "poll")))
		return false;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (json_array_size(json_object_get(message, lists[i])) > 0)
			return false;
	return true;
}

/* ---- people ---------------------------------------------------------------------------------------------------- */

bool discord_person(const json_t *user, const json_t *member, char out[MESSAGE_NAME_MAX + 1])
{
	const char *const names[] = { json_text(member, "nick"), json_text(user, "global_name"),
				      json_text(user, "username") };
	size_t len = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && len == 0; i++) {
		char *line = names[i] ? text_one_line(names[i]) : NULL;

		if (line == NULL)
			continue;
		len = text_fit(line, strlen(line), MESSAGE_NAME_MAX);
		memcpy(out, line, len);
		free(line);
	}
	out[len] = '\0';
	return len > 0;
}

/* The author of a webhook's message is made up for it; the webhook itself always is the one that spoke. */
static void take_author(const json_t *message, struct discord_decoded *out)
{
	const json_t *author = json_object_get(message, "author");

	out->author_object = author;
	out->member = json_object_get(message, "member");
	out->webhook = id_of(message, "webhook_id");
	out->application = id_of(message, "application_id");
	out->author = out->webhook ? out->webhook : id_of(author, "id");
	out->is_bot = out->webhook != 0 || json_is_true(json_object_get(author, "bot"));
	out->is_system = json_is_true(json_object_get(author, "system"));
}

/* referenced_message: absent, it was not loaded; null, it is deleted. Either way it is a reply. */
static void take_reference(const json_t *message, struct discord_decoded *out)
{
	const json_t *reference = json_object_get(message, "message_reference");
	const json_t *replied = json_object_get(message, "referenced_message");

	if (!json_is_object(reference) || json_int(reference, "type", 0) == REFERENCE_FORWARD ||
	    out->type != TYPE_REPLY)
		return;
	out->reply_to = id_of(reference, "message_id");
	if (json_is_object(replied))
		out->reply_author = id_of(json_object_get(replied, "author"), "id");
}

static void take_head(const json_t *message, snowflake guild, struct discord_decoded *out)
{
	const char *nonce = json_text(message, "nonce");

	out->message = message;
	out->id = id_of(message, "id");
	out->channel = id_of(message, "channel_id");
	out->guild = id_of(message, "guild_id");
	if (out->guild == 0)
		out->guild = guild;
	out->channel_type = (int)json_int(message, "channel_type", -1);
	out->type = (int)json_int(message, "type", TYPE_DEFAULT);
	out->flags = (uint64_t)json_int(message, "flags", 0);
	out->content = json_text(message, "content");
	out->nonce = nonce && *nonce && strlen(nonce) <= DISCORD_NONCE_TEXT_MAX ? nonce : NULL;
	out->edited_at = edited_text(message);
}

/* Updates come for embeds, pins and threads, too; only an edit has a time of its own (sheet 9.1). */
static void judge_edit(struct discord_decoded *out)
{
	if (out->edited_at == NULL)
		end(out, DISCORD_IS_NOTHING, "changed, but not by its author");
	else if (out->content == NULL)
		end(out, DISCORD_IS_NOTHING, "changed, but not its words");
	else
		out->sent_ms = discord_time_ms(out->edited_at);
}

void discord_decode(const json_t *message, snowflake guild, bool edited, struct discord_decoded *out)
{
	*out = (struct discord_decoded){ .kind = edited ? DISCORD_IS_EDITED : DISCORD_IS_SAID,
					 .channel_type = -1 };
	take_head(message, guild, out);
	if (out->id == 0 || out->channel == 0) {
		end(out, DISCORD_IS_MALFORMED, "a message without its id or its channel");
		return;
	}
	out->sent_ms = snowflake_ms(out->id);
	take_author(message, out);
	take_reference(message, out);
	if (out->type != TYPE_DEFAULT && out->type != TYPE_REPLY)
		end(out, DISCORD_IS_NOTHING, "nothing that somebody said");
	else if (out->flags & (FLAG_LOADING | FLAG_EPHEMERAL))
		end(out, DISCORD_IS_NOTHING, "an answer to a command");
	else if (out->author == 0)
		end(out, edited ? DISCORD_IS_NOTHING : DISCORD_IS_MALFORMED, "a message without its author");
	else if (out->is_system)
		end(out, DISCORD_IS_NOTHING, "written by the platform itself");
	else if (edited)
		judge_edit(out);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

struct collect {
	const struct discord_decoded *say;
	struct arena *arena;
	struct message_file *files;
	size_t count, left;
};

static void collect_one(struct collect *all, const json_t *attachment)
{
	const char *url = json_text(attachment, "url"), *name = json_text(attachment, "filename");
	const char *mime = json_text(attachment, "content_type");
	snowflake id = id_of(attachment, "id");
	int64_t size = json_int(attachment, "size", -1);
	char *text, *clean;

	if (id == 0 || url == NULL || *url == '\0')
		return;
	text = discord_file_write(all->say->channel, all->say->id, id, url);
	if (text == NULL || all->count >= MESSAGE_FILES_MAX || strlen(text) > MESSAGE_REPLY_TO_MAX) {
		all->left++;
		free(text);
		return;
	}
	clean = name && *name ? text_file_name(name, MESSAGE_NAME_MAX) : NULL;
	all->files[all->count++] = (struct message_file){
		.url = arena_text(all->arena, text),
		.name = arena_text(all->arena, clean),
		.mime = mime && *mime && strlen(mime) <= MESSAGE_NAME_MAX ? arena_text(all->arena, mime)
									  : NULL,
		.size = size >= 0 ? size : -1,
	};
	free(clean);
	free(text);
}

static void collect_from(struct collect *all, const json_t *message)
{
	const json_t *attachment;
	size_t i;

	json_array_foreach (json_object_get(message, "attachments"), i, attachment)
		collect_one(all, attachment);
}

size_t discord_files_of(const struct discord_decoded *say, struct arena *arena,
			struct message_file **files_out, size_t *left_out)
{
	struct collect all = { .say = say, .arena = arena };
	const json_t *snapshot;
	size_t i;

	all.files = arena_alloc(arena, MESSAGE_FILES_MAX * sizeof(*all.files));
	collect_from(&all, say->message);
	json_array_foreach (json_object_get(say->message, "message_snapshots"), i, snapshot)
		collect_from(&all, json_object_get(snapshot, "message"));
	*files_out = all.files;
	*left_out = all.left;
	return all.count;
}
