/* Learning how a column writes, and reading by it. */
#include "value.h"
#include "amount.h"
#include "mem.h"
#include "moment.h"
#include "names.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

static const char *const REASONS[REFUSALS] = {
	"",
	"is missing",
	"is not a number",
	"is not a whole number",
	"is too large for a whole number",
	"is not a date",
	"is a day or time that does not exist",
	"is neither yes nor no",
	"is an error of the sheet",
	"is below the minimum",
	"is above the maximum",
	"is not one of the allowed values",
	"is too long",
	"is there twice",
};

const char *refusal_text(enum refusal refusal)
{
	return REASONS[refusal];
}

/* Without white space at the ends, Unicode's too. */
static void trim(const char **text, size_t *length)
{
	int32_t from = 0, to = (int32_t)*length;

	while (from < to) {
		int32_t next = from;
		UChar32 c;

		c = char_next(*text, &next, to);
		if (c < 0 || !(u_isUWhiteSpace(c) || c == 0xfeff))
			break;
		from = next;
	}
	while (to > from) {
		int32_t last = to;
		UChar32 c;

		c = char_before(*text, &last);
		if (c < 0 || !(u_isUWhiteSpace(c) || c == 0xfeff))
			break;
		to = last;
	}
	*text += from;
	*length = (size_t)(to - from);
}

/* ---- learning ------------------------------------------------------------------------------------------------------ */

static void sample_note(struct style *style, const char *text, size_t len)
{
	if (style->open_sample[0] == '\0')
		memcpy(style->open_sample, text, text_fit(text, len, sizeof(style->open_sample) - 1));
}

static void number_learn(struct style *style, const char *text, size_t len)
{
	struct amount amount;

	if (!amount_scan(&amount, text, len))
		return;
	style->numbers++;
	style->percents += amount.percent;
	style->points += amount.marks == MARKS_POINT;
	style->commas += amount.marks == MARKS_COMMA;
	style->open += amount.marks == MARKS_OPEN;
	if (amount.marks == MARKS_OPEN)
		sample_note(style, text, len);
}

static void date_learn(struct style *style, const char *text, size_t len)
{
	struct moment moment;

	if (moment_scan(&moment, text, len) != MOMENT_GOOD)
		return;
	style->days_first += moment.order == ORDER_DAY_FIRST;
	style->months_first += moment.order == ORDER_MONTH_FIRST;
	style->dotted += moment.dotted;
	style->short_years += moment.short_year;
	style->times += moment.timed && (moment.hour != 0 || moment.minute != 0 || moment.second_of != 0);
	/* The same day and month is the same date either way. */
	if (moment.order == ORDER_OPEN && moment.first != moment.second) {
		style->open_days++;
		sample_note(style, text, len);
	}
}

void style_learn(struct style *style, enum spec_type type, const struct cell *cell)
{
	const char *text = cell->text;
	size_t len = cell->len;
	bool tick;
	int truth;

	trim(&text, &len);
	/* What has a type of its own is written one way only. */
	if (len == 0 || cell->type == CELL_ERROR || cell->type == CELL_DATE || cell->type == CELL_BOOL)
		return;
	if (cell->type == CELL_NUMBER && type != SPEC_BOOLEAN)
		return;
	if (type == SPEC_NUMBER || type == SPEC_INTEGER) {
		number_learn(style, text, len);
	} else if (type == SPEC_DATE || type == SPEC_DATETIME) {
		date_learn(style, text, len);
	} else if (type == SPEC_BOOLEAN) {
		truth = truth_of(text, len, &tick);
		style->ticks += truth >= 0 && tick;
		style->words += truth >= 0 && !tick;
	}
}

void styles_settle(struct style *styles, const enum spec_type *types, size_t count)
{
	int64_t points = 0, commas = 0, days = 0, months = 0, dotted = 0;

	for (size_t i = 0; i < count; i++) {
		points += styles[i].points;
		commas += styles[i].commas;
		days += styles[i].days_first;
		months += styles[i].months_first;
		dotted += styles[i].dotted;
	}
	/* Who writes dates with points writes decimal commas. */
	if (points == commas && dotted > 0)
		commas++;
	for (size_t i = 0; i < count; i++) {
		struct style *style = &styles[i];
		bool own = style->points != style->commas,
		     own_days = style->days_first != style->months_first;

		style->decimal = (own ? style->commas > style->points : commas > points) ? ',' : '.';
		style->day_first = own_days ? style->days_first > style->months_first : days >= months;
		style->empty_is_no = types[i] == SPEC_BOOLEAN && style->ticks > 0 && style->words == 0;
	}
}

static char *number_warning(const struct style *style, const char *name, unsigned which)
{
	if (which == 0 && style->open > 0 && style->points > 0 && style->commas > 0)
		return mem_format("Column \"%s\" has numbers with decimal points and with decimal commas; "
				  "%lld that could be "
				  "either, such as \"%s\", were read with a decimal %s.",
				  name, (long long)style->open, style->open_sample,
				  style->decimal == ',' ? "comma" : "point");
	if (which == 0 && style->open > 0 && style->points == 0 && style->commas == 0)
		return mem_format("Column \"%s\": no row tells whether \"%s\" has a decimal %s or thousands; "
				  "it was read with "
				  "a decimal %s.",
				  name, style->open_sample,
				  strchr(style->open_sample, ',') ? "comma" : "point",
				  style->decimal == ',' ? "comma" : "point");
	if (which == 1 && style->percents > 0)
		return mem_format(
			"Column \"%s\": %lld of %lld numbers have a percent sign; \"12 %%\" became 0.12.",
			name, (long long)style->percents, (long long)style->numbers);
	return NULL;
}

static char *date_warning(const struct style *style, enum spec_type type, const char *name, unsigned which)
{
	const char *first = style->day_first ? "day" : "month";

	if (which == 0 && style->open_days > 0 && style->days_first > 0 && style->months_first > 0)
		return mem_format("Column \"%s\" has dates with the day first and with the month first; %lld "
				  "that could be "
				  "either, such as \"%s\", were read with the %s first.",
				  name, (long long)style->open_days, style->open_sample, first);
	if (which == 0 && style->open_days > 0 && style->days_first == 0 && style->months_first == 0)
		return mem_format("Column \"%s\": no row tells whether \"%s\" has the day or the month "
				  "first; it was read with "
				  "the %s first.",
				  name, style->open_sample, first);
	if (which == 1 && style->short_years > 0)
		return mem_format(
			"Column \"%s\": %lld years have two digits; they were read as 1969 to 2068.", name,
			(long long)style->short_years);
	if (which == 2 && type == SPEC_DATE && style->times > 0)
		return mem_format("Column \"%s\": %lld dates have a time of day, which was left out.", name,
				  (long long)style->times);
	return NULL;
}

char *style_warning(const struct style *style, enum spec_type type, const char *name, unsigned *next)
{
	char *warning = NULL;

	while (warning == NULL && *next < 3) {
		unsigned which = (*next)++;

		if (type == SPEC_NUMBER || type == SPEC_INTEGER)
			warning = number_warning(style, name, which);
		else if (type == SPEC_DATE || type == SPEC_DATETIME)
			warning = date_warning(style, type, name, which);
		else if (type == SPEC_BOOLEAN && which == 0 && style->empty_is_no)
			warning = mem_format(
				"Column \"%s\" has check marks only; empty cells were read as no.", name);
	}
	return warning;
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static enum refusal number_read(const struct style *style, enum spec_type type, const char *text, size_t len,
				struct buf *out)
{
	struct amount amount;

	if (!amount_scan(&amount, text, len) ||
	    !amount_write(&amount, style->decimal == ',' ? ',' : '.', out))
		return REFUSED_NUMBER;
	if (type == SPEC_NUMBER)
		return REFUSED_NOT;
	switch (amount_whole(out)) {
	case AMOUNT_WHOLE:
		return REFUSED_NOT;
	case AMOUNT_BROKEN:
		return REFUSED_WHOLE;
	case AMOUNT_HUGE:
		break;
	}
	return REFUSED_HUGE;
}

static enum refusal date_read(const struct style *style, enum spec_type type, const char *text, size_t len,
			      struct buf *out)
{
	struct moment moment;

	switch (moment_scan(&moment, text, len)) {
	case MOMENT_NONE:
		return REFUSED_DATE;
	case MOMENT_IMPOSSIBLE:
		return REFUSED_DAY;
	case MOMENT_GOOD:
		break;
	}
	return moment_write(&moment, style->day_first, type == SPEC_DATETIME, out) ? REFUSED_NOT
										   : REFUSED_DAY;
}

static enum refusal boolean_read(const char *text, size_t len, struct buf *out)
{
	bool tick;
	int truth = truth_of(text, len, &tick);

	buf_text(out, truth == 1 ? "true" : truth == 0 ? "false" : "");
	return truth < 0 ? REFUSED_BOOLEAN : REFUSED_NOT;
}

static enum value_kind kind_of(enum spec_type type, const struct cell *cell)
{
	static const enum value_kind kinds[SPEC_TYPES] = { OUT_TEXT, OUT_NUMBER,   OUT_NUMBER,
							   OUT_DATE, OUT_DATETIME, OUT_BOOLEAN };

	if (type < SPEC_TYPES)
		return kinds[type];
	return cell->type == CELL_NUMBER ? OUT_NUMBER
	       : cell->type == CELL_BOOL ? OUT_BOOLEAN
	       : cell->type != CELL_DATE ? OUT_TEXT
	       : cell->len > 10		 ? OUT_DATETIME
					 : OUT_DATE;
}

/* What was refused, or is text: as it is, valid. */
static void text_keep(struct value_out *out, const char *text, size_t len)
{
	out->kind = OUT_TEXT;
	buf_clear(&out->text);
	if (text_valid(text, len)) {
		buf_add(&out->text, text, len);
	} else {
		char *repaired = text_repair(text, len);

		buf_text(&out->text, repaired);
		free(repaired);
	}
}

enum refusal value_read(const struct style *style, enum spec_type type, const struct cell *cell,
			struct value_out *out)
{
	const char *text = cell->text;
	size_t len = cell->len;
	enum refusal refusal = REFUSED_NOT;

	buf_clear(&out->text);
	trim(&text, &len);
	out->kind = len ? kind_of(type, cell) : OUT_NULL;
	if (len == 0) {
		if (type == SPEC_BOOLEAN && style->empty_is_no) {
			out->kind = OUT_BOOLEAN;
			buf_text(&out->text, "false");
		}
		return REFUSED_NOT;
	}
	if (out->kind == OUT_TEXT) {
		/* Blanks at the ends of a cell that is copied as it is stay. */
		text_keep(out, type == SPEC_AS_IS ? cell->text : text, type == SPEC_AS_IS ? cell->len : len);
		return REFUSED_NOT;
	}
	if (type == SPEC_AS_IS)
		buf_add(&out->text, text, len);
	else if (cell->type == CELL_ERROR)
		refusal = REFUSED_ERROR;
	else if (out->kind == OUT_NUMBER)
		refusal = number_read(style, type, text, len, &out->text);
	else if (out->kind == OUT_BOOLEAN)
		refusal = boolean_read(text, len, &out->text);
	else
		refusal = cell->type == CELL_NUMBER ? REFUSED_DATE
						    : date_read(style, type, text, len, &out->text);
	if (refusal != REFUSED_NOT)
		text_keep(out, text, len);
	return refusal;
}
