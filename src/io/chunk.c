/* The packaged parser, as Debian builds it, takes any bytes for the CR LF around a chunk; two readers on the
 * way could then see two different requests. So chunks are read here. Extensions and trailers are dropped. */
#include "chunk.h"
#include "buf.h"
#include "text.h"

enum {
	SIZE_DIGITS_MAX = 15,
	OVERHEAD_START = 4096, /* trailers and extensions */
	OVERHEAD_RATE = 16,    /* framing bytes allowed for each byte of data */
};

enum state {
	SIZE,	   /* hexadecimal digits */
	EXTENSION, /* from ';' to CR */
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER, /* at the start of a line behind the last chunk */
	TRAILER_LINE,
	TRAILER_LF,
	LAST_LF,
};

static enum chunk_result step_size(struct chunk *chunk, char c)
{
	int digit = text_hex_digit(c);

	if (digit >= 0) {
		chunk->left = chunk->left * 16 + (uint64_t)digit;
		return ++chunk->digits > SIZE_DIGITS_MAX ? CHUNK_BAD : CHUNK_MORE;
	}
	if (chunk->digits == 0 || (c != ';' && c != '\r'))
		return CHUNK_BAD;
	chunk->state = c == ';' ? EXTENSION : SIZE_LF;
	return CHUNK_MORE;
}

/* From extension or trailer text to the CR that ends it. */
static enum chunk_result step_text(struct chunk *chunk, char c, enum state behind)
{
	if (c == '\r')
		chunk->state = behind;
	else if ((unsigned char)c < 0x20 && c != '\t')
		return CHUNK_BAD;
	return CHUNK_MORE;
}

static enum chunk_result expect(struct chunk *chunk, char c, char wanted, enum state next)
{
	if (c != wanted)
		return CHUNK_BAD;
	chunk->state = next;
	return CHUNK_MORE;
}

static enum chunk_result step(struct chunk *chunk, char c)
{
	switch ((enum state)chunk->state) {
	case SIZE:
		return step_size(chunk, c);
	case EXTENSION:
		return step_text(chunk, c, SIZE_LF);
	case SIZE_LF:
		chunk->digits = 0;
		return expect(chunk, c, '\n', chunk->left > 0 ? DATA : TRAILER);
	case DATA: /* taken in one piece by chunk_read */
		return CHUNK_BAD;
	case DATA_CR:
		return expect(chunk, c, '\r', DATA_LF);
	case DATA_LF:
		return expect(chunk, c, '\n', SIZE);
	case TRAILER:
		chunk->state = c == '\r' ? LAST_LF : TRAILER_LINE;
		return c == '\r' ? CHUNK_MORE : step_text(chunk, c, TRAILER_LF);
	case TRAILER_LINE:
		return step_text(chunk, c, TRAILER_LF);
	case TRAILER_LF:
		return expect(chunk, c, '\n', TRAILER);
	case LAST_LF:
		return c == '\n' ? CHUNK_DONE : CHUNK_BAD;
	}
	return CHUNK_BAD;
}

static size_t take_data(struct chunk *chunk, const char *data, size_t len, struct buf *body)
{
	size_t part = len < chunk->left ? len : (size_t)chunk->left;

	buf_add(body, data, part);
	chunk->left -= part;
	chunk->taken += part;
	if (chunk->left == 0)
		chunk->state = DATA_CR;
	return part;
}

enum chunk_result chunk_read(struct chunk *chunk, const char *data, size_t len, struct buf *body, size_t max,
			     size_t *used_out)
{
	enum chunk_result result = CHUNK_MORE;
	size_t used = 0;

	while (used < len && result == CHUNK_MORE) {
		if (chunk->state == DATA) {
			used += take_data(chunk, data + used, len - used, body);
			continue;
		}
		result = step(chunk, data[used++]);
		if (chunk->left > max - chunk->taken)
			result = CHUNK_TOO_LARGE;
		else if (++chunk->overhead > OVERHEAD_START + OVERHEAD_RATE * chunk->taken)
			result = CHUNK_BAD;
	}
	*used_out = used;
	return result;
}
