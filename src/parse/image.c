/* Pictures: nothing is decoded here, only the header is held against the limit of pixels (R34), so that no picture is
 * handed on that would fill somebody else's memory. */
#include "parse_room.h"
#include <string.h>

enum {
	SIDE_MAX = 65500,
	PIXELS_MAX = 100000000,
};

static uint32_t big(const unsigned char *at, int bytes)
{
	uint32_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static uint32_t little(const unsigned char *at, int bytes)
{
	uint32_t value = 0;

	for (int i = bytes; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

struct size {
	uint32_t width, height;
	bool known; /* the format is one that is looked into */
};

/* The frame header behind the other segments. */
static struct size jpeg_size(const struct input *input)
{
	struct size size = { .known = true };
	unsigned char at[9];
	int64_t offset = 2;

	/* 1000 segments of 64 KB are more than any picture has in front of its frame. */
	for (int i = 0; i < 1000 && input_read(input, offset, at, sizeof(at)) == sizeof(at); i++) {
		if (at[0] != 0xff)
			return size;
		if (at[1] == 0xff) {
			offset++;
			continue;
		}
		if (at[1] >= 0xc0 && at[1] <= 0xcf && at[1] != 0xc4 && at[1] != 0xc8 && at[1] != 0xcc) {
			size.height = big(at + 5, 2);
			size.width = big(at + 7, 2);
			return size;
		}
		offset += 2 + (int64_t)big(at + 2, 2);
	}
	return size;
}

static struct size webp_size(const unsigned char *head, size_t len)
{
	struct size size = { .known = true };

	if (len < 30)
		return size;
	if (memcmp(head + 12, "VP8X", 4) == 0) {
		size.width = little(head + 24, 3) + 1;
		size.height = little(head + 27, 3) + 1;
	} else if (memcmp(head + 12, "VP8L", 4) == 0) {
		size.width = (little(head + 21, 4) & 0x3fff) + 1;
		size.height = (little(head + 21, 4) >> 14 & 0x3fff) + 1;
	} else if (memcmp(head + 12, "VP8 ", 4) == 0) {
		size.width = little(head + 26, 2) & 0x3fff;
		size.height = little(head + 28, 2) & 0x3fff;
	}
	return size;
}

static struct size size_of(const struct input *input)
{
	unsigned char head[32] = { 0 };
	size_t len = input_read(input, 0, head, sizeof(head));

	if (memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0)
		return (struct size){ len < 24 ? 0 : big(head + 16, 4), len < 24 ? 0 : big(head + 20, 4),
				      true };
	if (memcmp(head, "GIF8", 4) == 0)
		return (struct size){ little(head + 6, 2), little(head + 8, 2), true };
	if (memcmp(head, "\xff\xd8\xff", 3) == 0)
		return jpeg_size(input);
	if (memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0)
		return webp_size(head, len);
	if (memcmp(head, "BM", 2) == 0) {
		uint32_t height = little(head + 22, 4);

		/* Upside down ones have a negative height. */
		return (struct size){ little(head + 18, 4), height & 0x80000000u ? 0u - height : height,
				      true };
	}
	return (struct size){ 0 };
}

static bool image_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct size size = size_of(input);

	(void)parse;
	(void)sink;
	if (!size.known)
		return parse_fail(err, "unsupported", "Pictures of this type can't be read.");
	if (size.width == 0 || size.height == 0)
		return parse_fail(err, "damaged", "The picture's header is damaged or cut off.");
	if (size.width > SIDE_MAX || size.height > SIDE_MAX ||
	    (uint64_t)size.width * size.height > PIXELS_MAX)
		return parse_fail(err, "too_large", "The picture has %u x %u pixels, more than %d million.",
				  size.width, size.height, PIXELS_MAX / 1000000);
	return true;
}

const struct reader image_reader = { "image", "image/png", image_read };
