/* A reply address: what a message must remember so that its answer finds the way back, also after a restart. */
#include "discord_room.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX = 1024 };

static void put_id(json_t *object, const char *key, snowflake id)
{
	char text[SNOWFLAKE_SIZE];

	if (id != 0)
		json_object_set_new(object, key, json_string(snowflake_text(id, text)));
}

static void put_flag(json_t *object, const char *key, bool set)
{
	if (set)
		json_object_set_new(object, key, json_true());
}

/* It becomes part of a path: what could lead elsewhere is no token. */
static bool is_token(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	return len > 0 && len <= TOKEN_MAX &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~=+") == len &&
	       strspn(text, ".") != len;
}

char *discord_place_write(const struct discord_place *place)
{
	json_t *object = json_object();
	char *text;

	put_id(object, "guild", place->guild);
	put_id(object, "channel", place->channel);
	put_id(object, "message", place->message);
	put_id(object, "user", place->user);
	put_flag(object, "open_thread", place->open_thread);
	put_flag(object, "whisper", place->whisper);
	if (is_token(place->token)) {
		json_object_set_new(object, "token", json_string(place->token));
		json_object_set_new(object, "made_ms", json_integer(place->made_ms));
	} else if (is_token(place->press_token)) {
		json_object_set_new(object, "press_token", json_string(place->press_token));
		json_object_set_new(object, "made_ms", json_integer(place->made_ms));
	}
	if (place->open_thread && place->thread_name[0] != '\0')
		json_object_set_new(object, "thread_name", json_string(place->thread_name));
	text = json_write(object);
	json_decref(object);
	return text;
}

/* Missing is none; false: there is one that is no id. */
static bool take_id(const json_t *object, const char *key, snowflake *id_out)
{
	const json_t *value = json_object_get(object, key);

	*id_out = snowflake_read(value);
	return value == NULL || *id_out != 0;
}

static void take_rest(const json_t *object, struct discord_place *place)
{
	const char *token = json_text(object, "token"), *press = json_text(object, "press_token");
	const char *name = json_text(object, "thread_name");
	size_t len;

	place->whisper = json_is_true(json_object_get(object, "whisper"));
	if (is_token(token)) {
		place->token = mem_text(token);
		place->made_ms = json_int(object, "made_ms", 0);
	} else if (is_token(press)) {
		place->press_token = mem_text(press);
		place->made_ms = json_int(object, "made_ms", 0);
	}
	if (!place->open_thread || name == NULL)
		return;
	len = text_fit(name, strlen(name), sizeof(place->thread_name) - 1);
	memcpy(place->thread_name, name, len);
	place->thread_name[len] = '\0';
}

bool discord_place_read(const char *text, struct discord_place *place_out)
{
	json_t *object = text ? json_read(text, strlen(text), NULL) : NULL;
	struct discord_place place = { .open_thread = json_is_true(json_object_get(object, "open_thread")) };
	bool valid = take_id(object, "guild", &place.guild) && take_id(object, "channel", &place.channel) &&
		     take_id(object, "message", &place.message) && take_id(object, "user", &place.user) &&
		     place.channel != 0 && (!place.open_thread || place.message != 0);

	if (valid)
		take_rest(object, &place);
	json_decref(object);
	*place_out = valid ? place : (struct discord_place){ 0 };
	return valid;
}

void discord_place_finish(struct discord_place *place)
{
	free(place->token);
	free(place->press_token);
	place->token = place->press_token = NULL;
}
