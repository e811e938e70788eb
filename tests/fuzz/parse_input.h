/* Any bytes as a file, through one reader into chunks and an outline, with limits that a small machine holds. */
#ifndef USHER_FUZZ_PARSE_INPUT_H
#define USHER_FUZZ_PARSE_INPUT_H

#include "extract_sink.h"
#include "json.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline void parse_any(const struct reader *reader, const char *name, const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct parse parse = { .limits = { 64 << 20, 5, 1 << 20, 16 << 20, 100, 3 }, .answers = -1 };
	struct input input = { .size = (int64_t)size, .name = name };
	struct err err = { 0 };
	struct extract *extract;
	json_t *outline;
	char *text;

	if (size == 0)
		return;
	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	input.fd = fd;
	extract = extract_open(&parse, -1);
	if (!reader->read(&parse, &input, extract_sink(extract), &err) && strstr(err.text, ": ") == NULL)
		abort(); /* a failure without a code */
	outline = extract_done(extract, reader->kind, reader->mime);
	text = outline ? json_write(outline) : NULL;
	if (text == NULL || strlen(text) + 100 > EXTRACT_LINE_MAX || parse.held != 0)
		abort();
	free(text);
	json_decref(outline);
	extract_close(extract);
}

#endif
