/* Two passes over the rows: one learns (plan.c), one checks and writes. */
#include "convert.h"
#include "amount.h"
#include "check.h"
#include "mem.h"
#include "moment.h"
#include "names.h"
#include "plan.h"
#include "writer.h"
#include <stdlib.h>
#include <string.h>

/* The second pass. */
struct conversion {
	struct pick_to to; /* first */
	const struct plan *plan;
	struct report report;
	struct check check;
	struct writer writer;
	bool writing, full;
	int64_t last; /* row that was written */
};

static struct conversion *conversion_of(struct pick_to *to)
{
	return (struct conversion *)to;
}

static void warn(struct conversion *conversion, char *warning)
{
	report_warn(&conversion->report, warning);
	free(warning);
}

static bool on_table(struct pick_to *to, const struct pick_table *table)
{
	struct conversion *conversion = conversion_of(to);

	conversion->writing = table->number == conversion->plan->number;
	if (conversion->writing && table->names != NULL && table->above_first > 0)
		warn(conversion,
		     mem_format("Rows %lld to %lld stand above the names of the columns and were left out.",
				(long long)table->above_first, (long long)table->above_last));
	if (conversion->writing && table->names == NULL)
		report_warn(&conversion->report,
			    "The table has no names of columns: its first row is a row like the "
			    "others.");
	return true;
}

static bool on_row(struct pick_to *to, int64_t number, const struct cell *cells, size_t count)
{
	struct conversion *conversion = conversion_of(to);
	struct report *report = &conversion->report;
	bool good;

	if (!conversion->writing)
		return true;
	if (row_blank(cells, count)) {
		report->rows_in++;
		report->rows_blank++;
		return true;
	}
	good = check_row(&conversion->check, number, cells, count);
	if ((good || conversion->plan->spec->keep) &&
	    !writer_row(&conversion->writer, conversion->check.values)) {
		conversion->full = true;
		return false;
	}
	report->rows_in++;
	report->rows_out += good;
	report->rows_refused += !good;
	conversion->last = number;
	return true;
}

static bool on_end(struct pick_to *to, const struct pick_table *table)
{
	struct conversion *conversion = conversion_of(to);

	(void)table;
	return !conversion->writing;
}

static void on_warning(struct pick_to *to, const char *warning)
{
	report_warn(&conversion_of(to)->report, warning);
}

/* One pass of the reader; what it counts is as before afterwards, so that the second has the same limits. */
static bool pass(struct parse *parse, const struct reader *reader, const char *mime,
		 const struct input *input, const struct spec *spec, struct pick_to *to, struct err *err)
{
	const struct parse before = *parse;
	struct pick pick;
	bool good;

	pick_open(&pick, spec, to);
	good = parse_file(parse, reader, mime, input, &pick.sink, err);
	if (good)
		pick_end(&pick);
	pick_close(&pick);
	parse->unpacked = before.unpacked;
	parse->entries = before.entries;
	parse->held = before.held;
	return good;
}

/* ---- the report ------------------------------------------------------------------------------------------------------ */

static void warnings_add(struct conversion *conversion)
{
	const struct plan *plan = conversion->plan;
	const struct writer *writer = &conversion->writer;

	for (size_t i = 0; i < plan->spec->count; i++) {
		unsigned next = 0;
		char *warning;

		while ((warning = style_warning(&plan->styles[i], plan->spec->columns[i].type, plan->names[i],
						&next)))
			warn(conversion, warning);
	}
	if (unique_full(conversion->check.unique))
		warn(conversion,
		     mem_format("Only the first %d values were looked at for values that are there twice.",
				UNIQUE_MAX));
	if (conversion->full)
		warn(conversion, mem_format("The output ends behind row %lld: that is %s.",
					    (long long)conversion->last, writer->why ? writer->why : "all"));
	if (writer->shortened > 0)
		warn(conversion,
		     mem_format("%lld texts were cut to the 32,767 characters a cell of XLSX holds.",
				(long long)writer->shortened));
	if (writer->as_text > 0)
		warn(conversion,
		     mem_format("%lld numbers or dates are text in the sheet: a spreadsheet would round or "
				"change them.",
				(long long)writer->as_text));
}

static json_t *columns_write(const struct plan *plan)
{
	json_t *columns = json_array();

	for (size_t i = 0; i < plan->spec->count; i++)
		json_array_append_new(columns, json_pack("{s:s, s:s, s:s}", "name", plan->names[i], "from",
							 plan->from[i], "type",
							 spec_type_name(plan->spec->columns[i].type)));
	return columns;
}

static json_t *report_make(struct conversion *conversion, bool cut)
{
	const struct plan *plan = conversion->plan;
	json_t *report;

	warnings_add(conversion);
	report = report_write(&conversion->report);
	json_object_set_new(report, "bytes", json_integer((json_int_t)conversion->writer.bytes));
	json_object_set_new(report, "mime", json_string(spec_format_mime(plan->spec->format)));
	json_object_set_new(report, "cut", json_boolean(cut || conversion->full));
	json_object_set_new(report, "table", json_string(plan->table));
	if (plan->spec->count > 0)
		json_object_set_new(report, "columns", columns_write(plan));
	return report;
}

static bool rows_convert(struct parse *parse, const struct reader *reader, const char *mime,
			 const struct input *input, const struct plan *plan, int fd, json_t **report_out,
			 struct err *err)
{
	const char *const *names = (const char *const *)plan->names;
	struct conversion conversion = { .to = { on_table, on_row, on_end, on_warning }, .plan = plan };
	bool good;

	report_open(&conversion.report, names, plan->count);
	check_open(&conversion.check, plan->spec, plan->styles, plan->source, plan->count,
		   &conversion.report);
	writer_open(&conversion.writer, plan->spec->format, names, plan->count, fd, parse->limits.output);
	good = writer_begin(&conversion.writer, err) &&
	       pass(parse, reader, mime, input, plan->spec, &conversion.to, err) &&
	       writer_end(&conversion.writer, err);
	if (good)
		*report_out = report_make(&conversion, parse->cut);
	writer_close(&conversion.writer);
	check_close(&conversion.check);
	report_close(&conversion.report);
	return good;
}

bool convert_file(struct parse *parse, const struct reader *reader, const char *mime,
		  const struct input *input, const struct spec *spec, int fd, json_t **report_out,
		  struct err *err)
{
	struct planner planner;
	const struct plan *plan;
	bool good;

	planner_open(&planner, spec);
	good = pass(parse, reader, mime, input, spec, &planner.to, err);
	plan = good ? planner_end(&planner, err) : NULL;
	if (plan != NULL)
		good = rows_convert(parse, reader, mime, input, plan, fd, report_out, err);
	planner_close(&planner);
	return good && plan != NULL;
}

void convert_stage(void)
{
	names_stage();
	amount_stage();
	moment_stage();
}
