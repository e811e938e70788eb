/* One value after the other; a row may break several rules, and all of them are told. */
#include "check.h"
#include "amount.h"
#include "mem.h"
#include "moment.h"
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

static const struct spec_column AS_IT_IS = { .type = SPEC_AS_IS };

void check_open(struct check *check, const struct spec *spec, const struct style *styles,
		const int64_t *source, size_t count, struct report *report)
{
	*check = (struct check){ .spec = spec,
				 .styles = styles,
				 .source = source,
				 .report = report,
				 .unique = unique_open(UNIQUE_MAX),
				 .count = count };
	check->values = mem_zero(count + 1, sizeof(*check->values));
}

static bool among(const struct spec_column *column, const struct value_out *value)
{
	bool number = column->type == SPEC_NUMBER || column->type == SPEC_INTEGER;

	for (size_t i = 0; i < column->one_of_count; i++)
		if (number ? amount_compare(column->one_of[i], buf_str(&value->text)) == 0
			   : strcmp(column->one_of[i], buf_str(&value->text)) == 0)
			return true;
	return false;
}

static int compare(enum spec_type type, const char *a, const char *b)
{
	return type == SPEC_NUMBER || type == SPEC_INTEGER ? amount_compare(a, b) : moment_compare(a, b);
}

/* The rules for a value that is of its type. */
static enum refusal rules_hold(struct check *check, size_t i, const struct spec_column *column,
			       const struct value_out *value)
{
	const char *text = buf_str(&value->text);

	if (value->kind == OUT_NULL)
		return column->required ? REFUSED_MISSING : REFUSED_NOT;
	if (column->min != NULL && compare(column->type, text, column->min) < 0)
		return REFUSED_MIN;
	if (column->max != NULL && compare(column->type, text, column->max) > 0)
		return REFUSED_MAX;
	if (column->one_of_count > 0 && !among(column, value))
		return REFUSED_ONE_OF;
	if (column->max_length > 0 && (int64_t)value->text.len > column->max_length &&
	    (int64_t)u8_mbsnlen((const uint8_t *)text, value->text.len) > column->max_length)
		return REFUSED_LENGTH;
	if (column->unique && unique_add(check->unique, i, text, value->text.len))
		return REFUSED_TWICE;
	return REFUSED_NOT;
}

static const struct cell NO_CELL = { CELL_EMPTY, "", 0 };

bool check_row(struct check *check, int64_t number, const struct cell *cells, size_t count)
{
	bool good = true;

	for (size_t i = 0; i < check->count; i++) {
		const struct spec_column *column = check->spec->count ? &check->spec->columns[i] : &AS_IT_IS;
		const struct cell *cell =
			(size_t)check->source[i] < count ? &cells[check->source[i]] : &NO_CELL;
		struct value_out *value = &check->values[i];
		enum refusal refusal = value_read(&check->styles[i], column->type, cell, value);

		if (value->kind == OUT_NULL && column->standard != NULL) {
			const struct cell standard = { CELL_TEXT, column->standard,
						       strlen(column->standard) };
			const struct style plain = { .decimal = '.' };

			refusal = value_read(&plain, column->type, &standard, value);
		}
		if (refusal == REFUSED_NOT)
			refusal = rules_hold(check, i, column, value);
		if (refusal == REFUSED_NOT)
			continue;
		good = false;
		report_refuse(check->report, i, refusal, number, cell->text, cell->len);
	}
	return good;
}

void check_close(struct check *check)
{
	for (size_t i = 0; i < check->count; i++)
		buf_free(&check->values[i].text);
	free(check->values);
	unique_close(check->unique);
}
