/* Every table that could be the one is learnt while it passes; the best stays. */
#include "plan.h"
#include "mem.h"
#include "names.h"
#include "unique.h"
#include <stdlib.h>
#include <string.h>

enum { RANK_NONE, RANK_ANY, RANK_FOLDED, RANK_EXACT, TABLES_NAMED = 50 };

static struct planner *planner_of(struct pick_to *to)
{
	return (struct planner *)to;
}

static void texts_free(char **texts, size_t count)
{
	for (size_t i = 0; texts != NULL && i < count; i++)
		free(texts[i]);
	free(texts);
}

static void plan_free(struct plan *plan)
{
	free(plan->table);
	texts_free(plan->names, plan->count);
	texts_free(plan->from, plan->count);
	free(plan->source);
	free(plan->styles);
	*plan = (struct plan){ 0 };
}

static enum spec_type type_of(const struct plan *plan, size_t i)
{
	return plan->spec->count ? plan->spec->columns[i].type : SPEC_AS_IS;
}

/* ---- while tables pass ---------------------------------------------------------------------------------------------- */

static int rank_of(const struct spec *spec, const struct pick_table *table)
{
	char *wanted, *has;
	int rank;

	if (spec->table_number > 0)
		return spec->table_number == (int64_t)table->number ? RANK_EXACT : RANK_NONE;
	if (spec->table == NULL)
		return RANK_ANY;
	if (strcmp(spec->table, table->name) == 0)
		return RANK_EXACT;
	wanted = name_fold(spec->table, strlen(spec->table));
	has = name_fold(table->name, strlen(table->name));
	rank = wanted[0] != '\0' && strcmp(wanted, has) == 0 ? RANK_FOLDED : RANK_NONE;
	free(wanted);
	free(has);
	return rank;
}

/* Where the columns of the SPEC are. How wide a table is beyond its names is known behind its last row only. */
static void columns_bind(struct plan *plan, const struct pick_table *table)
{
	const struct spec *spec = plan->spec;

	plan->count = spec->count;
	plan->source = mem_zero(spec->count + 1, sizeof(*plan->source));
	plan->styles = mem_zero(spec->count + 1, sizeof(*plan->styles));
	for (size_t i = 0; i < spec->count && plan->err.kind == ERR_NONE; i++) {
		plan->source[i] = spec->columns[i].from ? pick_unnamed(table, &spec->columns[i])
							: spec->columns[i].from_number - 1;
		if (plan->source[i] < 0)
			plan->source[i] = pick_column(table, &spec->columns[i], &plan->err);
	}
}

static bool on_table(struct pick_to *to, const struct pick_table *table)
{
	struct planner *planner = planner_of(to);
	struct plan *now = &planner->now;

	if (planner->tables_count < TABLES_NAMED)
		planner->tables[planner->tables_count++] = mem_text(table->name);
	planner->tables_all++;
	now->spec = planner->spec;
	now->rank = rank_of(planner->spec, table);
	if (now->rank > RANK_NONE)
		columns_bind(now, table);
	return true;
}

static bool on_row(struct pick_to *to, int64_t number, const struct cell *cells, size_t count)
{
	struct plan *now = &planner_of(to)->now;

	(void)number;
	if (now->rank == RANK_NONE || now->err.kind != ERR_NONE)
		return true;
	for (size_t i = 0; i < now->count; i++)
		if ((size_t)now->source[i] < count && type_of(now, i) != SPEC_AS_TEXT)
			style_learn(&now->styles[i], type_of(now, i), &cells[now->source[i]]);
	return true;
}

static char *name_of(const struct pick_table *table, size_t i)
{
	return i < table->names_count ? mem_text(table->names[i]) : mem_format("column %zu", i + 1);
}

/* All columns of the source, none of them of the same name. */
static void columns_all(struct plan *plan, const struct pick_table *table)
{
	struct unique *unique = unique_open(UNIQUE_MAX);

	free(plan->source);
	free(plan->styles);
	plan->count = table->width;
	plan->source = mem_zero(plan->count + 1, sizeof(*plan->source));
	plan->styles = mem_zero(plan->count + 1, sizeof(*plan->styles));
	plan->names = mem_zero(plan->count + 1, sizeof(*plan->names));
	plan->from = mem_zero(plan->count + 1, sizeof(*plan->from));
	for (size_t i = 0; i < plan->count; i++) {
		plan->source[i] = (int64_t)i;
		plan->names[i] = name_of(table, i);
		plan->from[i] = mem_text(plan->names[i]);
		for (size_t n = i + 1; unique_add(unique, 0, plan->names[i], strlen(plan->names[i])); n++) {
			free(plan->names[i]);
			plan->names[i] = mem_format("%s (%zu)", plan->from[i], n);
		}
	}
	unique_close(unique);
}

static void columns_asked(struct plan *plan, const struct pick_table *table)
{
	plan->names = mem_zero(plan->count + 1, sizeof(*plan->names));
	plan->from = mem_zero(plan->count + 1, sizeof(*plan->from));
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->err.kind == ERR_NONE && pick_column(table, &plan->spec->columns[i], &plan->err) < 0)
			return;
		plan->names[i] = mem_text(plan->spec->columns[i].name);
		plan->from[i] = plan->source[i] >= 0 ? name_of(table, (size_t)plan->source[i]) : mem_text("");
	}
}

static bool on_end(struct pick_to *to, const struct pick_table *table)
{
	struct planner *planner = planner_of(to);
	struct plan *now = &planner->now;

	now->number = table->number;
	now->rows = table->rows;
	now->table = mem_text(table->name);
	if (now->rank > planner->best.rank ||
	    (now->rank > RANK_NONE && now->rank == planner->best.rank && now->rows > planner->best.rows)) {
		if (planner->spec->count == 0)
			columns_all(now, table);
		else if (now->err.kind == ERR_NONE)
			columns_asked(now, table);
		plan_free(&planner->best);
		planner->best = *now;
		*now = (struct plan){ 0 };
	}
	plan_free(now);
	/* Nothing behind it can be the one. */
	return planner->spec->table_number != (int64_t)table->number;
}

/* What is wrong is told in the second pass, which finds the same. */
static void on_warning(struct pick_to *to, const char *warning)
{
	(void)to;
	(void)warning;
}

void planner_open(struct planner *planner, const struct spec *spec)
{
	*planner = (struct planner){ .to = { on_table, on_row, on_end, on_warning }, .spec = spec };
	planner->tables = mem_zero(TABLES_NAMED, sizeof(*planner->tables));
}

/* ---- when the file is over ------------------------------------------------------------------------------------------ */

static bool table_missing(const struct planner *planner, struct err *err)
{
	const char *nearest = NULL;
	struct buf list = { 0 };

	if (planner->tables_all == 0)
		return parse_fail(err, "spec", "There is no table in this file.");
	for (size_t i = 0; i < planner->tables_count && list.len < 150; i++)
		buf_format(&list, "%s%zu \"%s\"", i ? ", " : "", i + 1, name_show(planner->tables[i]).text);
	if (planner->spec->table != NULL)
		nearest = name_nearest(planner->spec->table, planner->tables, planner->tables_count);
	if (planner->spec->table == NULL)
		parse_fail(err, "spec", "There is no table %lld. There are %zu: %s.",
			   (long long)planner->spec->table_number, planner->tables_all, buf_str(&list));
	else if (nearest != NULL)
		parse_fail(err, "spec", "There is no table \"%s\"; the nearest is \"%s\". There are %zu: %s.",
			   name_show(planner->spec->table).text, name_show(nearest).text, planner->tables_all,
			   buf_str(&list));
	else
		parse_fail(err, "spec", "There is no table \"%s\". There are %zu: %s.",
			   name_show(planner->spec->table).text, planner->tables_all, buf_str(&list));
	buf_free(&list);
	return false;
}

struct plan *planner_end(struct planner *planner, struct err *err)
{
	struct plan *plan = &planner->best;
	enum spec_type *types;

	if (plan->rank == RANK_NONE) {
		table_missing(planner, err);
		return NULL;
	}
	if (plan->err.kind != ERR_NONE) {
		*err = plan->err;
		return NULL;
	}
	if (plan->count == 0) {
		parse_fail(err, "empty", "The table has no columns.");
		return NULL;
	}
	types = mem_zero(plan->count, sizeof(*types));
	for (size_t i = 0; i < plan->count; i++)
		types[i] = type_of(plan, i);
	styles_settle(plan->styles, types, plan->count);
	free(types);
	return plan;
}

void planner_close(struct planner *planner)
{
	plan_free(&planner->best);
	plan_free(&planner->now);
	texts_free(planner->tables, planner->tables_count);
}
