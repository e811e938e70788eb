/* Archives over a descriptor, read piece by piece: an archive of 100 MB needs no 100 MB of memory. */
#include "mem.h"
#include "parse_room.h"
#include <stdlib.h>

struct reading {
	const struct input *input;
	int64_t at;
	zip_error_t error;
};

static zip_int64_t reading_seek(struct reading *reading, void *data, zip_uint64_t len)
{
	zip_int64_t to = zip_source_seek_compute_offset(
		(zip_uint64_t)reading->at, (zip_uint64_t)reading->input->size, data, len, &reading->error);

	if (to < 0)
		return -1;
	reading->at = to;
	return 0;
}

static zip_int64_t reading_do(void *owner, void *data, zip_uint64_t len, zip_source_cmd_t command)
{
	struct reading *reading = owner;
	zip_stat_t *stat = data;
	size_t n;

	switch (command) {
	case ZIP_SOURCE_OPEN:
		reading->at = 0;
		return 0;
	case ZIP_SOURCE_READ:
		n = input_read(reading->input, reading->at, data, (size_t)len);
		reading->at += (int64_t)n;
		return (zip_int64_t)n;
	case ZIP_SOURCE_SEEK:
		return reading_seek(reading, data, len);
	case ZIP_SOURCE_TELL:
		return reading->at;
	case ZIP_SOURCE_STAT:
		zip_stat_init(stat);
		stat->size = (zip_uint64_t)reading->input->size;
		stat->valid = ZIP_STAT_SIZE;
		return sizeof(*stat);
	case ZIP_SOURCE_ERROR:
		return zip_error_to_data(&reading->error, data, len);
	case ZIP_SOURCE_SUPPORTS:
		return zip_source_make_command_bitmap(
			ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
			ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, -1);
	case ZIP_SOURCE_FREE:
		zip_error_fini(&reading->error);
		free(reading);
		return 0;
	case ZIP_SOURCE_CLOSE:
		return 0;
	default:
		zip_error_set(&reading->error, ZIP_ER_OPNOTSUPP, 0);
		return -1;
	}
}

zip_t *zip_input_open(const struct input *input, struct err *err)
{
	struct reading *reading = mem_zero(1, sizeof(*reading));
	zip_source_t *source;
	zip_error_t error;
	zip_t *zip;

	reading->input = input;
	zip_error_init(&reading->error);
	zip_error_init(&error);
	source = zip_source_function_create(reading_do, reading, &error);
	zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
	if (zip == NULL) {
		parse_fail(err, "damaged", "The archive can't be opened: %s.", zip_error_strerror(&error));
		if (source != NULL)
			zip_source_free(source);
		else
			free(reading);
	}
	zip_error_fini(&error);
	return zip;
}

char *zip_input_head(zip_t *zip, const char *name, size_t max, size_t *len_out)
{
	zip_file_t *file = zip_fopen(zip, name, 0);
	char *data;
	zip_int64_t n;

	if (file == NULL)
		return NULL;
	data = mem_alloc(max + 1);
	n = zip_fread(file, data, max);
	zip_fclose(file);
	if (n < 0) {
		free(data);
		return NULL;
	}
	data[n] = '\0';
	*len_out = (size_t)n;
	return data;
}
