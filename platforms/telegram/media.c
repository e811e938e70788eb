/* The file of a message, by reference: "file_id:" and the id, good for this bot only (sheet 5.4, 6.9). */
#include "decode.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "file_id:";

/* Where a message has its file, what it is called when it says nothing itself, and its type. An animation is given as a
 * document, too: one of them. */
static const struct {
	const char *key, *name, *mime;
} media[] = {
	{ "document", "file", NULL },
	{ "audio", "audio.mp3", "audio/mpeg" },
	{ "voice", "voice.ogg", "audio/ogg" },
	{ "video", "video.mp4", "video/mp4" },
	{ "video_note", "video.mp4", "video/mp4" },
	{ "animation", "animation.mp4", "video/mp4" },
	{ "photo", "photo.jpg", "image/jpeg" },
};

/* The last of the sizes of a photo is the largest. */
static const json_t *media_of(const json_t *message, const char *key)
{
	const json_t *value = json_object_get(message, key);

	if (json_is_array(value))
		value = json_array_get(value, json_array_size(value) - 1);
	return json_is_object(value) ? value : NULL;
}

static void take(const json_t *object, const char *id, size_t kind, struct arena *arena,
		 struct message_file *out)
{
	const char *name = json_text(object, "file_name"), *mime = json_text(object, "mime_type");
	int64_t size = json_int(object, "file_size", -1);
	char *clean;

	if (name == NULL || *name == '\0')
		name = media[kind].name;
	if (mime == NULL || *mime == '\0' || strlen(mime) > MESSAGE_NAME_MAX)
		mime = media[kind].mime;
	clean = text_file_name(name, MESSAGE_NAME_MAX);
	*out = (struct message_file){ .url = arena_format(arena, "%s%s", scheme, id),
				      .name = arena_text(arena, clean),
				      .mime = arena_text(arena, mime),
				      .size = size >= 0 ? size : -1 };
	free(clean);
}

bool telegram_file(const json_t *message, struct arena *arena, struct message_file *file_out)
{
	for (size_t i = 0; i < sizeof(media) / sizeof(media[0]); i++) {
		const json_t *object = media_of(message, media[i].key);
		const char *id = json_text(object, "file_id");

		if (id == NULL || *id == '\0' || strlen(id) > TELEGRAM_FILE_ID_MAX)
			continue;
		take(object, id, i, arena, file_out);
		return true;
	}
	return false;
}

const char *telegram_file_id(const char *url)
{
	size_t len = sizeof(scheme) - 1;

	if (url == NULL || strncmp(url, scheme, len) != 0 || url[len] == '\0' ||
	    strlen(url + len) > TELEGRAM_FILE_ID_MAX)
		return NULL;
	return url + len;
}
