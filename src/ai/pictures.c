/* The pictures among the files that came with a message, for models that see. They are read anew for each request and let go
 * with it: a turn that waits keeps only their paths. The files are small and were written a moment ago, so reading them does
 * not hold up the loop for longer than writing the request does. */
#include "ai_room.h"
#include "crypto.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What it is, by its first bytes: what the sender called it may be wrong, and services refuse a wrong name. NULL: none. */
static const char *kind_of(const uint8_t *bytes, size_t len)
{
	static const struct {
		const char *mime, *start;
		size_t len;
	} kinds[] = {
		{ "image/jpeg", "\xff\xd8\xff", 3 },
		{ "image/png", "\x89PNG\r\n\x1a\n", 8 },
		{ "image/gif", "GIF87a", 6 },
		{ "image/gif", "GIF89a", 6 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (len > kinds[i].len && memcmp(bytes, kinds[i].start, kinds[i].len) == 0)
			return kinds[i].mime;
	if (len > 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
		return "image/webp";
	return NULL;
}

/* Bytes read, at most PICTURE_BYTES_MAX + 1; 0 when there is nothing to read. */
static size_t read_file(const struct turn *turn, const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "rbe");
	size_t len;

	if (file == NULL) {
		log_warn(turn->ai->log, "%s: %s: the model is not shown it", path, strerror(errno));
		return 0;
	}
	len = fread(bytes, 1, PICTURE_BYTES_MAX + 1, file);
	fclose(file);
	return len;
}

static bool read_picture(const struct turn *turn, const char *path, uint8_t *bytes, size_t room,
			 struct arena *arena, struct llm_image *image)
{
	size_t len = read_file(turn, path, bytes), base64 = (len + 2) / 3 * 4;
	const char *mime = kind_of(bytes, len);
	char *text;

	if (mime == NULL)
		return false;
	if (len > PICTURE_BYTES_MAX || base64 > room) {
		log_info(turn->ai->log,
			 len > PICTURE_BYTES_MAX
				 ? "a picture is too large to be shown to the model"
				 : "too many pictures are being shown to models at the moment");
		return false;
	}
	text = arena_alloc(arena, base64 + 1);
	crypto_base64(bytes, len, text);
	*image = (struct llm_image){ .mime = mime, .base64 = text };
	return true;
}

void pictures_show(const struct turn *turn, struct arena *arena, struct llm_message *message)
{
	size_t count = 0, room = PICTURES_RUNNING_MAX - turn->ai->picture_bytes;
	struct llm_image *images;
	uint8_t *bytes;

	if (!turn->model->vision || turn->ask.file_count == 0)
		return;
	images = arena_alloc(arena, PICTURES_MAX * sizeof(*images));
	bytes = mem_zero(1, PICTURE_BYTES_MAX + 1);
	for (size_t i = 0; i < turn->ask.file_count && count < PICTURES_MAX; i++) {
		if (!read_picture(turn, turn->ask.files[i], bytes, room, arena, &images[count]))
			continue;
		room -= strlen(images[count++].base64);
	}
	free(bytes);
	message->images = images;
	message->image_count = count;
}

void pictures_sent(struct turn *turn, const struct llm_request *request)
{
	turn->pictures = 0;
	for (size_t i = 0; i < request->message_count; i++) {
		const struct llm_message *message = &request->messages[i];

		turn->pictures += message->image_count;
		for (size_t k = 0; k < message->image_count; k++)
			turn->picture_bytes += strlen(message->images[k].base64);
	}
	turn->ai->picture_bytes += turn->picture_bytes;
}

void pictures_done(struct turn *turn)
{
	turn->ai->picture_bytes -= turn->picture_bytes;
	turn->picture_bytes = 0;
}
