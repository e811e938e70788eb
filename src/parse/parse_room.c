/* The run: the file, how far it is, and how failures are told. */
#include "parse_room.h"
#include "clock.h"
#include "text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PROGRESS_EVERY_MS = 500 };

size_t input_read(const struct input *input, int64_t offset, void *out, size_t len)
{
	size_t at = 0;

	if (offset < 0 || offset >= input->size)
		return 0;
	if ((int64_t)len > input->size - offset)
		len = (size_t)(input->size - offset);
	while (at < len) {
		ssize_t n = pread(input->fd, (char *)out + at, len - at, (off_t)(offset + (int64_t)at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			perror("usher-parse: reading the file");
			_exit(3);
		}
		if (n == 0)
			break;
		at += (size_t)n;
	}
	return at;
}

const char *input_map(const struct input *input)
{
	void *data;

	if (input->size == 0)
		return "";
	data = mmap(NULL, (size_t)input->size, PROT_READ, MAP_PRIVATE, input->fd, 0);
	return data == MAP_FAILED ? NULL : data;
}

void parse_progress(struct parse *parse, int64_t bytes, int64_t rows, int64_t pages)
{
	int64_t now = (int64_t)clock_mono_ms();

	parse->bytes = bytes >= 0 ? bytes : parse->bytes;
	parse->rows = rows >= 0 ? rows : parse->rows;
	parse->pages = pages >= 0 ? pages : parse->pages;
	if (parse->told_ms != 0 && now - parse->told_ms < PROGRESS_EVERY_MS)
		return;
	parse->told_ms = now;
	answer_progress(parse);
}

bool parse_fail(struct err *err, const char *code, const char *format, ...)
{
	char message[sizeof(err->text)], *whole;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	/* Names in it may have been cut inside a character. */
	whole = text_repair(message, strlen(message));
	err_set(err, ERR_REFUSED, "%s: %s", code, whole);
	free(whole);
	return false;
}
