/* Growing text. */
#include "buf.h"
#include "mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHORT = 24,	/* what a formatted piece seldom exceeds: then it is written in one go */
	NUMBER_MAX = 20 /* the sign and 19 digits */
};

static void make_room(struct buf *buf, size_t more)
{
	size_t need = buf->len + more + 1, room = buf->room ? buf->room : 64;

	if (need <= buf->room)
		return;
	while (room < need)
		room += room / 2 + 64;
	buf->data = mem_resize(buf->data, room, 1);
	buf->room = room;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	make_room(buf, len);
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_blanks(struct buf *buf, size_t count)
{
	make_room(buf, count);
	memset(buf->data + buf->len, ' ', count);
	buf->len += count;
	buf->data[buf->len] = '\0';
}

void buf_int(struct buf *buf, int64_t value)
{
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[NUMBER_MAX], *from = digits + sizeof(digits);

	do
		*--from = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--from = '-';
	buf_add(buf, from, (size_t)(digits + sizeof(digits) - from));
}

void buf_format(struct buf *buf, const char *fmt, ...)
{
	va_list args, again;
	size_t room;
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	make_room(buf, SHORT);
	room = buf->room - buf->len;
	len = vsnprintf(buf->data + buf->len, room, fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len >= room) {
		make_room(buf, (size_t)len);
		vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
	}
	if (len > 0)
		buf->len += (size_t)len;
	buf->data[buf->len] = '\0';
	va_end(again);
}

void buf_drop(struct buf *buf, size_t len)
{
	if (len >= buf->len) {
		buf_clear(buf);
		return;
	}
	memmove(buf->data, buf->data + len, buf->len - len + 1);
	buf->len -= len;
}

void buf_cut(struct buf *buf, size_t len)
{
	if (len >= buf->len)
		return;
	buf->len = len;
	buf->data[len] = '\0';
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

char *buf_take(struct buf *buf)
{
	char *text = buf->data ? buf->data : mem_text("");

	*buf = (struct buf){ 0 };
	return text;
}

const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}
