/* A reply address: what a message must remember so that its answer finds the way back, also after a restart. */
#include "mem.h"
#include "telegram_room.h"
#include <stdlib.h>
#include <string.h>

char *telegram_place_write(const struct telegram_place *place)
{
	json_t *object = json_object();
	char *text;

	json_object_set_new(object, "chat", json_integer(place->chat));
	if (place->message)
		json_object_set_new(object, "message", json_integer(place->message));
	if (place->topic)
		json_object_set_new(object, "topic", json_integer(place->topic));
	if (place->group)
		json_object_set_new(object, "group", json_true());
	if (place->private)
		json_object_set_new(object, "private", json_true());
	if (place->press[0])
		json_object_set_new(object, "press", json_string(place->press));
	text = json_write(object);
	json_decref(object);
	return text;
}

bool telegram_place_read(const char *text, struct telegram_place *place_out)
{
	json_t *object = text ? json_read(text, strlen(text), NULL) : NULL;
	struct telegram_place place = {
		.chat = json_int(object, "chat", 0),
		.message = json_int(object, "message", 0),
		.topic = json_int(object, "topic", 0),
		.group = json_is_true(json_object_get(object, "group")),
		.private = json_is_true(json_object_get(object, "private")),
	};
	const char *press = json_text(object, "press");
	bool valid = place.chat != 0 && place.message >= 0 && place.topic >= 0 && place.topic != 1;

	if (press && strlen(press) < sizeof(place.press))
		memcpy(place.press, press, strlen(press) + 1);
	json_decref(object);
	*place_out = valid ? place : (struct telegram_place){ 0 };
	return valid;
}
