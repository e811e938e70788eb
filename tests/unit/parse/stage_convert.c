#include "stage_convert.h"
#include "charset.h"
#include "convert.h"
#include "json.h"
#include "mem.h"
#include "moment.h"
#include "spec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

void converted_begin(struct converted *converted)
{
	*converted = (struct converted){ .parse = { .limits = *limits_most(), .answers = -1 } };
}

static void out_read(struct converted *converted, int fd)
{
	char piece[4096];
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(&converted->out, piece, (size_t)n);
}

/* What the program loads before it locks itself in, once. */
static void stage_once(void)
{
	static bool staged;

	if (staged)
		return;
	staged = true;
	charset_stage();
	convert_stage();
	if (!type_stage(NULL))
		fail_msg("there is no database of types");
	atexit(moment_unstage);
}

void convert(struct converted *converted, const char *name, const void *data, size_t len, const char *spec)
{
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	struct input input = { .fd = in, .size = (int64_t)len, .name = name };
	char *text = mem_text(spec);
	const char *kind, *mime;
	struct spec order;
	json_t *given;

	for (char *at = text; (at = strchr(at, '\'')) != NULL;)
		*at = '"';
	given = json_read(text, strlen(text), &converted->err);
	if (given == NULL)
		fail_msg("%s: %s", text, converted->err.text);
	assert_int_equal(write(in, data, len), (ssize_t)len);
	stage_once();
	converted->good = spec_read(&order, given, &converted->err) &&
			  convert_file(&converted->parse, parse_type(&input, &kind, &mime), mime, &input,
				       &order, out, &converted->report, &converted->err);
	out_read(converted, out);
	spec_free(&order);
	json_decref(given);
	free(text);
	close(in);
	close(out);
}

void converted_end(struct converted *converted)
{
	json_decref(converted->report);
	buf_free(&converted->out);
}

void convert_csv(struct converted *converted, const char *csv, const char *spec)
{
	converted_begin(converted);
	convert(converted, "a.csv", csv, strlen(csv), spec);
	if (!converted->good)
		fail_msg("%s", converted->err.text);
	assert_int_equal(report_number(converted, "rows_in"),
			 report_number(converted, "rows_out") + report_number(converted, "rows_refused") +
				 report_number(converted, "rows_blank"));
}

int64_t report_number(const struct converted *converted, const char *key)
{
	return json_int(converted->report, key, -1);
}

char *report_reasons(const struct converted *converted)
{
	struct buf out = { 0 };
	size_t i, k;
	json_t *reason, *example;

	json_array_foreach (json_object_get(converted->report, "reasons"), i, reason) {
		buf_format(&out, "%s %s %lld:", json_text(reason, "column"), json_text(reason, "reason"),
			   (long long)json_int(reason, "rows", -1));
		json_array_foreach (json_object_get(reason, "examples"), k, example) {
			buf_format(&out, "%s %lld=%s", k ? "," : "", (long long)json_int(example, "row", -1),
				   json_text(example, "value"));
		}
		buf_text(&out, "\n");
	}
	return buf_take(&out);
}

bool report_warns(const struct converted *converted, const char *part)
{
	size_t i;
	json_t *warning;

	json_array_foreach (json_object_get(converted->report, "warnings"), i, warning) {
		if (strstr(json_string_value(warning), part) != NULL)
			return true;
	}
	return false;
}
