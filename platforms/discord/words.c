/* What the model reads of a message: the words with names for ids, in front of them what they reply to, and what was
 * forwarded (sheet 9.1, 9.2, 18). */
#include "buf.h"
#include "clock.h"
#include "decode.h"
#include "inbound.h"
#include "mem.h"
#include "places.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { NAME_LEN_MAX = 100, STAMP_LEN = 16, POLL_OPTIONS_MAX = 20 };

/* ---- marks: "<@1>", "<#1>", "<:name:1>" ... ------------------------------------------------------------------- */

enum mark_kind { MARK_NONE, MARK_USER, MARK_ROLE, MARK_CHANNEL, MARK_COMMAND, MARK_EMOJI, MARK_TIME };

struct mark {
	enum mark_kind kind;
	snowflake id; /* of a time: Unix seconds */
	const char *name;
	size_t name_len, len;
};

static bool digits_until(const char *at, const char *ends, snowflake *id_out, const char **end_out)
{
	size_t len = strspn(at, "0123456789");
	char text[SNOWFLAKE_SIZE];

	if (len == 0 || len >= sizeof(text) || at[len] == '\0' || strchr(ends, at[len]) == NULL)
		return false;
	memcpy(text, at, len);
	text[len] = '\0';
	*id_out = snowflake_parse(text);
	*end_out = at + len;
	return *id_out != 0;
}

/* "<:name:id>", "<a:name:id>", "</name:id>": from the name on. */
static bool named_mark(const char *name, struct mark *mark, const char **end_out)
{
	size_t len = strcspn(name, ":<>\n");

	if (len == 0 || len > NAME_LEN_MAX || name[len] != ':' ||
	    !digits_until(name + len + 1, ">", &mark->id, end_out))
		return false;
	mark->name = name;
	mark->name_len = len;
	return true;
}

static bool read_kind(const char *at, struct mark *mark, const char **end_out)
{
	if (at[1] == '@' && at[2] == '&') {
		mark->kind = MARK_ROLE;
		return digits_until(at + 3, ">", &mark->id, end_out);
	}
	if (at[1] == '@') {
		mark->kind = MARK_USER;
		return digits_until(at + (at[2] == '!' ? 3 : 2), ">", &mark->id, end_out);
	}
	if (at[1] == '#') {
		mark->kind = MARK_CHANNEL;
		return digits_until(at + 2, ">", &mark->id, end_out);
	}
	if (at[1] == '/' || at[1] == ':' || (at[1] == 'a' && at[2] == ':')) {
		mark->kind = at[1] == '/' ? MARK_COMMAND : MARK_EMOJI;
		return named_mark(at + (at[1] == 'a' ? 3 : 2), mark, end_out);
	}
	if (at[1] == 't' && at[2] == ':') {
		mark->kind = MARK_TIME;
		return digits_until(at + 3, ":>", &mark->id, end_out);
	}
	return false;
}

/* The mark at this "<". False: it is only a "<". */
static bool read_mark(const char *at, struct mark *mark)
{
	const char *end;

	*mark = (struct mark){ 0 };
	if (!read_kind(at, mark, &end))
		return false;
	if (mark->kind == MARK_TIME && *end == ':' && end[1] && end[2] == '>')
		end += 2;
	mark->len = (size_t)(end - at) + 1;
	return *end == '>';
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static bool is_us(const struct platform *bot, snowflake guild, const struct mark *mark)
{
	if (mark->kind == MARK_USER)
		return bot->user_id && mark->id == bot->user_id;
	return mark->kind == MARK_ROLE && mark->id == discord_own_role(bot, guild);
}

static const json_t *find_by_id(const json_t *list, snowflake id)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (snowflake_read(json_object_get(one, "id")) == id)
			return one;
	}
	return NULL;
}

static bool add_user(struct buf *out, const json_t *message, snowflake id)
{
	const json_t *user = find_by_id(json_object_get(message, "mentions"), id);
	char name[MESSAGE_NAME_MAX + 1];

	if (!discord_person(user, json_object_get(user, "member"), name))
		return false;
	buf_format(out, "@%s", name);
	return true;
}

static bool add_channel(struct buf *out, const struct platform *bot, const json_t *message, snowflake id)
{
	const char *name = discord_channel_name(bot->places, id);
	char *line;

	if (name == NULL)
		name = json_text(find_by_id(json_object_get(message, "mention_channels"), id), "name");
	if (name == NULL)
		return false;
	line = text_one_line(name);
	buf_format(out, "#%.*s", (int)text_fit(line, strlen(line), NAME_LEN_MAX), line);
	free(line);
	return true;
}

static bool add_time(struct buf *out, snowflake seconds)
{
	char text[CLOCK_TEXT_SIZE];

	if (seconds > (snowflake)INT64_C(253402300799)) /* the year 9999 */
		return false;
	clock_text((int64_t)seconds * 1000, text);
	text[10] = ' ';
	buf_format(out, "%.*s UTC", STAMP_LEN, text);
	return true;
}

/* What stands for it in plain text. False: it stays as it is. */
static bool add_mark(struct buf *out, const struct platform *bot, const json_t *message,
		     const struct mark *mark)
{
	switch (mark->kind) {
	case MARK_USER:
		return add_user(out, message, mark->id);
	case MARK_CHANNEL:
		return add_channel(out, bot, message, mark->id);
	case MARK_COMMAND:
		buf_format(out, "/%.*s", (int)mark->name_len, mark->name);
		return true;
	case MARK_EMOJI:
		buf_format(out, ":%.*s:", (int)mark->name_len, mark->name);
		return true;
	case MARK_TIME:
		return add_time(out, mark->id);
	default:
		return false;
	}
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* The length of the code that begins at this "`", with its ends; of what is none, of its ticks. */
static size_t code_len(const char *at)
{
	size_t ticks = strspn(at, "`");

	for (const char *end = strchr(at + ticks, '`'); end; end = strchr(end, '`')) {
		size_t close = strspn(end, "`");

		end += close;
		if (close == ticks)
			return (size_t)(end - at);
	}
	return ticks;
}

/* A mark for us goes together with the blank behind it, or in front of it where nothing follows. */
static const char *skip_us(struct buf *out, const char *at)
{
	bool first = out->len == 0 || strchr(" \n", out->data[out->len - 1]);

	if (first && (*at == ',' || *at == ':') && out->len == 0)
		at++;
	return first ? at + (*at == ' ') : at;
}

/* without_us: marks for us are left out. */
static void add_text(struct buf *out, const struct platform *bot, const json_t *message, snowflake guild,
		     const char *text, bool without_us)
{
	struct buf own = { 0 };
	struct mark mark;
	size_t len;

	while (*text) {
		len = strcspn(text, "<`");
		buf_add(&own, text, len);
		text += len;
		if (*text == '`') {
			len = code_len(text);
			buf_add(&own, text, len);
			text += len;
		} else if (*text == '<' && read_mark(text, &mark)) {
			const char *behind = text + mark.len;

			if (without_us && is_us(bot, guild, &mark))
				behind = skip_us(&own, behind);
			else if (is_us(bot, guild, &mark) && bot->username)
				buf_format(&own, "@%s", bot->username);
			else if (!add_mark(&own, bot, message, &mark))
				buf_add(&own, text, mark.len);
			text = behind;
		} else if (*text) {
			buf_add(&own, text++, 1);
		}
	}
	buf_add(out, buf_str(&own), own.len);
	buf_free(&own);
}

static snowflake guild_of(const struct platform *bot, const json_t *message)
{
	const struct discord_channel *channel;
	snowflake guild = snowflake_read(json_object_get(message, "guild_id"));

	if (guild)
		return guild;
	channel = discord_channel_find(bot->places, snowflake_read(json_object_get(message, "channel_id")));
	return channel ? channel->guild : 0;
}

char *discord_own_words(const struct platform *bot, const json_t *message)
{
	const char *content = json_text(message, "content");
	struct buf out = { 0 };

	if (content)
		add_text(&out, bot, message, guild_of(bot, message), content, true);
	return buf_take(&out);
}

bool discord_mentions_us(const struct platform *bot, const struct discord_decoded *say)
{
	return discord_lists(json_object_get(say->message, "mentions"), bot->user_id) ||
	       discord_lists(json_object_get(say->message, "mention_roles"),
			     discord_own_role(bot, say->guild));
}

/* ---- what comes with the words ------------------------------------------------------------------------------------ */

static void add_line_end(struct buf *out)
{
	if (out->len && out->data[out->len - 1] != '\n')
		buf_text(out, "\n");
}

/* Previews of links are not a person's words; of bots and webhooks they are often all there is. */
static void add_embeds(struct buf *out, const json_t *message)
{
	static const char *const keys[] = { "title", "description" };
	const json_t *embed;
	size_t i;

	json_array_foreach (json_object_get(message, "embeds"), i, embed) {
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
			const char *text = json_text(embed, keys[k]);

			if (text == NULL || out->len > MESSAGE_TEXT_MAX)
				continue;
			add_line_end(out);
			buf_text(out, text);
		}
	}
}

static void add_stickers(struct buf *out, const json_t *message)
{
	const json_t *sticker;
	size_t i;

	json_array_foreach (json_object_get(message, "sticker_items"), i, sticker) {
		const char *name = json_text(sticker, "name");

		if (out->len > MESSAGE_TEXT_MAX)
			return;
		add_line_end(out);
		buf_format(out, "[sticker%s%.*s]", name ? " " : "",
			   name ? (int)text_fit(name, strlen(name), NAME_LEN_MAX) : 0, name ? name : "");
	}
}

static void add_poll(struct buf *out, const json_t *message)
{
	const json_t *poll = json_object_get(message, "poll"), *answer;
	const char *question = json_text(json_object_get(poll, "question"), "text");
	size_t i;

	if (!json_is_object(poll))
		return;
	add_line_end(out);
	buf_format(out, "[poll: %s]", question ? question : "");
	json_array_foreach (json_object_get(poll, "answers"), i, answer) {
		const char *text = json_text(json_object_get(answer, "poll_media"), "text");

		if (i < POLL_OPTIONS_MAX)
			buf_format(out, "\n* %s", text ? text : "");
	}
}

static void add_things(struct buf *out, const json_t *message)
{
	add_stickers(out, message);
	add_poll(out, message);
}

/* Own content of a forward is empty; who wrote the text is not told (pitfall 21). */
static void add_forwarded(struct buf *out, const struct platform *bot, const json_t *message)
{
	const json_t *snapshot;
	size_t i;

	json_array_foreach (json_object_get(message, "message_snapshots"), i, snapshot) {
		const json_t *inner = json_object_get(snapshot, "message");
		const char *content = json_text(inner, "content");

		if (!json_is_object(inner) || out->len > MESSAGE_TEXT_MAX)
			continue;
		add_line_end(out);
		buf_text(out, "[forwarded]\n");
		if (content && *content)
			add_text(out, bot, inner, 0, content, false);
		else
			add_embeds(out, inner);
		add_things(out, inner);
	}
}

static void add_reply(struct buf *out, const struct platform *bot, const json_t *message)
{
	const json_t *replied = json_object_get(message, "referenced_message");
	const char *content = json_text(replied, "content");
	struct buf text = { 0 };

	if (!json_is_object(replied))
		return;
	if (content && !text_blank(content))
		add_text(&text, bot, replied, 0, content, false);
	else
		add_forwarded(&text, bot, replied);
	if (text.len == 0)
		add_embeds(&text, replied);
	if (!text_blank(buf_str(&text)))
		text_quote(out, buf_str(&text), DISCORD_QUOTE_MAX);
	buf_free(&text);
}

char *discord_words_with(const struct platform *bot, const json_t *message, const char *words)
{
	struct buf out = { 0 };
	size_t len, before;
	char *text;

	add_reply(&out, bot, message);
	before = out.len;
	if (words)
		buf_text(&out, words);
	add_forwarded(&out, bot, message);
	if (text_blank(buf_str(&out) + before) &&
	    (json_text(message, "webhook_id") ||
	     json_is_true(json_object_get(json_object_get(message, "author"), "bot"))))
		add_embeds(&out, message);
	add_things(&out, message);
	len = text_fit(buf_str(&out), out.len, MESSAGE_TEXT_MAX);
	text = mem_text_n(buf_str(&out), len);
	buf_free(&out);
	return text;
}

char *discord_words(const struct platform *bot, const json_t *message)
{
	char *own = discord_own_words(bot, message);
	char *words = discord_words_with(bot, message, own);

	free(own);
	return words;
}

/* ---- a thread's name -------------------------------------------------------------------------------------------------- */

void discord_thread_name(const char *words, const char *sender, char out[DISCORD_THREAD_NAME_MAX + 1])
{
	char *line;
	size_t len = 0;

	words += strspn(words, " \t\r\n#>*_~`|-");
	line = mem_text_n(words, strcspn(words, "\r\n"));
	for (char *at = line; *at; at++)
		if (strchr("*_~`|", *at) == NULL)
			line[len++] = *at;
	line[len] = '\0';
	words = text_blank(line) ? (sender && *sender ? sender : "Conversation") : line;
	len = text_fit(words, strlen(words), DISCORD_THREAD_NAME_MAX);
	memcpy(out, words, len);
	out[len] = '\0';
	free(line);
}
