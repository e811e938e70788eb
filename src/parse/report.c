/* Counting reasons, and keeping a few examples of each. */
#include "report.h"
#include "mem.h"
#include "outline.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

enum { VALUE_CHARACTERS = 80 };

struct report_reason {
	int64_t rows;
	size_t column;
	enum refusal refusal;
	json_t *examples;
};

void report_open(struct report *report, const char *const *names, size_t count)
{
	*report = (struct report){ .names = names, .count = count, .warnings = json_array() };
	report->reasons = mem_zero(count * REFUSALS + 1, sizeof(*report->reasons));
}

void report_warn(struct report *report, const char *warning)
{
	char *line = text_one_line(warning);
	size_t i;
	json_t *old;

	json_array_foreach (report->warnings, i, old) {
		if (strcmp(json_string_value(old), line) == 0) {
			free(line);
			return;
		}
	}
	if (json_array_size(report->warnings) < WARNINGS_MAX)
		json_array_append_new(report->warnings, json_string(line));
	free(line);
}

/* The beginning of a value, on one line. */
static json_t *shown(const char *value, size_t len)
{
	size_t characters = 0, at = 0;
	char *text, *line;
	json_t *out;

	while (at < len && characters < VALUE_CHARACTERS) {
		ucs4_t c;
		int n = u8_mbtouc(&c, (const uint8_t *)value + at, len - at);

		at += (size_t)n;
		characters++;
	}
	text = text_repair(value, at < len ? at : len);
	line = text_one_line(text);
	out = json_string(line);
	free(line);
	free(text);
	return out;
}

void report_refuse(struct report *report, size_t column, enum refusal refusal, int64_t row, const char *value,
		   size_t len)
{
	struct report_reason *reason = &report->reasons[column * REFUSALS + (size_t)refusal];

	reason->rows++;
	reason->column = column;
	reason->refusal = refusal;
	if (reason->examples == NULL)
		reason->examples = json_array();
	if (json_array_size(reason->examples) < SPEC_EXAMPLES_MAX)
		json_array_append_new(reason->examples, json_pack("{s:I, s:o}", "row", (json_int_t)row,
								  "value", shown(value, len)));
}

static int by_rows(const void *a, const void *b)
{
	const struct report_reason *left = *(const struct report_reason *const *)a,
				   *right = *(const struct report_reason *const *)b;

	if (left->rows != right->rows)
		return left->rows > right->rows ? -1 : 1;
	return left < right ? -1 : 1;
}

json_t *report_write(const struct report *report)
{
	const struct report_reason **sorted =
		mem_zero(report->count * REFUSALS + 1, sizeof(struct report_reason *));
	json_t *reasons = json_array();
	size_t n = 0;

	for (size_t i = 0; i < report->count * REFUSALS; i++)
		if (report->reasons[i].rows > 0)
			sorted[n++] = &report->reasons[i];
	qsort(sorted, n, sizeof(struct report_reason *), by_rows);
	for (size_t i = 0; i < n && i < SPEC_REASONS_MAX; i++)
		json_array_append_new(
			reasons, json_pack("{s:s, s:s, s:I, s:O}", "column", report->names[sorted[i]->column],
					   "reason", refusal_text(sorted[i]->refusal), "rows",
					   (json_int_t)sorted[i]->rows, "examples", sorted[i]->examples));
	free(sorted);
	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:O}", "rows_in", (json_int_t)report->rows_in, "rows_out",
			 (json_int_t)report->rows_out, "rows_refused", (json_int_t)report->rows_refused,
			 "rows_blank", (json_int_t)report->rows_blank, "reasons", reasons, "warnings",
			 report->warnings);
}

void report_close(struct report *report)
{
	for (size_t i = 0; i < report->count * REFUSALS; i++)
		json_decref(report->reasons[i].examples);
	free(report->reasons);
	json_decref(report->warnings);
}
