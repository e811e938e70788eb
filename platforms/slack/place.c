/* A reply address: what a message must remember so that its answer finds the way back, also after a restart. */
#include "mem.h"
#include "slack_room.h"
#include <stdlib.h>
#include <string.h>

enum { RESPONSE_URL_MAX = 1024 };

static void put(json_t *object, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new(object, key, json_string(value));
}

char *slack_place_write(const struct slack_place *place)
{
	json_t *object = json_object();
	char *text;

	put(object, "team", place->team);
	put(object, "channel", place->channel);
	put(object, "thread", place->thread);
	put(object, "user", place->user);
	put(object, "ts", place->ts);
	if (place->direct)
		json_object_set_new(object, "direct", json_true());
	put(object, "response_url", place->response_url);
	if (place->made_ms)
		json_object_set_new(object, "made_ms", json_integer(place->made_ms));
	text = json_write(object);
	json_decref(object);
	return text;
}

/* Missing is empty; false: longer than we ever write. */
static bool take(const json_t *object, const char *key, char out[SLACK_ID_MAX + 1])
{
	const char *value = json_text(object, key);
	size_t len = value ? strlen(value) : 0;

	if (len > SLACK_ID_MAX)
		return false;
	memcpy(out, value ? value : "", len + 1);
	return true;
}

bool slack_place_read(const char *text, struct slack_place *place_out)
{
	struct slack_place place = { 0 };
	json_t *object = text ? json_read(text, strlen(text), NULL) : NULL;
	const char *url = json_text(object, "response_url");
	bool valid = json_is_object(object) && take(object, "team", place.team) &&
		     take(object, "channel", place.channel) && take(object, "thread", place.thread) &&
		     take(object, "user", place.user) && take(object, "ts", place.ts) &&
		     place.channel[0] != '\0' && (url == NULL || strlen(url) <= RESPONSE_URL_MAX);

	if (valid) {
		place.direct = json_is_true(json_object_get(object, "direct"));
		place.response_url = mem_text(url);
		place.made_ms = json_int(object, "made_ms", 0);
	}
	json_decref(object);
	*place_out = valid ? place : (struct slack_place){ 0 };
	return valid;
}

bool slack_place_whispers(const struct slack_place *place)
{
	return place->response_url && place->ts[0] == '\0';
}

void slack_place_finish(struct slack_place *place)
{
	free(place->response_url);
	place->response_url = NULL;
}
