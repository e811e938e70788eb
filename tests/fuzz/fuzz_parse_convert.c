/* rooms: base parse */
/* Any bytes as a table, into each format, by each type: rows always add up, and what is made is valid and within its limit. The
 * first byte says which. */
#include "convert.h"
#include "json.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROOM = 1 << 16 };

static const char *const COLUMNS[] = {
	"",
	",\"columns\":[{\"name\":\"a\",\"from\":1,\"type\":\"number\",\"unique\":true},{\"name\":\"b\","
	"\"from\":2,"
	"\"type\":\"date\"},{\"name\":\"c\",\"from\":1,\"type\":\"boolean\"}]",
	",\"refused\":\"keep\",\"columns\":[{\"name\":\"a\",\"from\":1,\"type\":\"datetime\",\"min\":\"2020-"
	"01-01\"},"
	"{\"name\":\"b\",\"from\":1,\"type\":\"integer\",\"max\":100},{\"name\":\"c\",\"from\":1,\"max_"
	"length\":3}]",
	",\"columns\":[{\"name\":\"a\"}]",
};
static const char *const FORMATS[] = { "csv", "tsv", "json", "ndjson", "xlsx", "markdown", "text", "none" };

static int file_of(int fd, const void *data, size_t size)
{
	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0 ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return fd;
}

static void made_check(const json_t *report, const char *format, int fd)
{
	int64_t in = json_int(report, "rows_in", -1), bytes = json_int(report, "bytes", -1);
	char *text = malloc(ROOM);
	ssize_t len = pread(fd, text, ROOM, 0);

	if (in != json_int(report, "rows_out", -1) + json_int(report, "rows_refused", -1) +
			    json_int(report, "rows_blank", -1) ||
	    bytes != len || bytes > ROOM)
		abort();
	if (strcmp(format, "xlsx") != 0 && !text_valid(text, (size_t)len))
		abort();
	if (strcmp(format, "json") == 0) {
		json_error_t error;
		/* Numbers may be larger than jansson takes. */
		json_t *json = json_loadb(text, (size_t)len, JSON_DECODE_INT_AS_REAL, &error);

		if (json == NULL && json_error_code(&error) != json_error_numeric_overflow)
			abort();
		json_decref(json);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int in = -1, out = -1;
	struct parse parse = { .limits = { 64 << 20, 5, ROOM, 16 << 20, 100, 3 }, .answers = -1 };
	struct err err = { 0 };
	json_t *given, *report = NULL;
	struct input input = { .name = "a.csv" };
	struct spec spec;
	char text[1000];

	if (size < 2)
		return 0;
	if (in < 0)
		convert_stage();
	snprintf(text, sizeof(text), "{\"format\":\"%s\"%s}", FORMATS[data[0] % 8], COLUMNS[data[0] / 8 % 4]);
	given = json_read(text, strlen(text), &err);
	if (given == NULL || !spec_read(&spec, given, &err))
		abort();
	in = file_of(in, data + 1, size - 1);
	out = file_of(out, "", 0);
	input.fd = in;
	input.size = (int64_t)size - 1;
	if (!convert_file(&parse, &csv_reader, "text/csv", &input, &spec, out, &report, &err)) {
		if (strstr(err.text, ": ") == NULL || !text_valid(err.text, strlen(err.text)))
			abort();
	} else {
		made_check(report, FORMATS[data[0] % 8], out);
	}
	json_decref(report);
	json_decref(given);
	spec_free(&spec);
	return 0;
}
