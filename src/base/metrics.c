/* Counters, gauges and histograms as Prometheus text. */
#include "metrics.h"
#include "buf.h"
#include "json.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#define HASH_FUNCTION HASH_FNV /* the default one falls through switch labels unannotated */
#include <uthash.h>

enum { SERIES_MAX = 200, BUCKETS_MAX = 20 };

struct metric_series {
	char *labels; /* as printed: platform="webhook",outcome="answered" */
	double value, sum;
	uint64_t count, buckets[BUCKETS_MAX];
	UT_hash_handle hh;
};

const double metric_seconds[] = { .001, .0025, .005, .01, .025, .05, .1,  .25, .5,
				  1,	2.5,   5,    10,  30,	60,  120, 300, 0 };

static struct metric *families;

static void label_text(const struct metric *metric, const char *const *values, struct buf *out)
{
	const char *name = metric->label;

	for (size_t i = 0; name && *name; i++) {
		size_t len = strcspn(name, ",");

		buf_add(out, ",", i ? 1 : 0); /* not by a format: some twenty a message */
		buf_add(out, name, len);
		buf_add(out, "=", 1);
		json_quote(out, values[i], strlen(values[i])); /* the escapes \\ \" \n are Prometheus's too */
		name += len + (name[len] == ',');
	}
}

static struct metric_series *find(struct metric *metric, const char *const *values)
{
	struct metric_series *series;
	struct buf labels = { 0 };

	if (!metric->registered) {
		metric->registered = 1;
		metric->next = families;
		families = metric;
	}
	label_text(metric, values, &labels);
	HASH_FIND(hh, metric->series, buf_str(&labels), labels.len, series);
	if (series == NULL && HASH_COUNT(metric->series) >= SERIES_MAX) {
		static const char *const other[] = { "other", "other", "other", "other" };

		buf_clear(&labels);
		label_text(metric, other, &labels);
		HASH_FIND(hh, metric->series, buf_str(&labels), labels.len, series);
	}
	if (series == NULL) {
		size_t len = labels.len;

		series = mem_zero(1, sizeof(*series));
		series->labels = buf_take(&labels);
		HASH_ADD_KEYPTR(hh, metric->series, series->labels, len, series);
	}
	buf_free(&labels);
	return series;
}

void metric_add(struct metric *metric, const char *const *labels, double value)
{
	find(metric, labels)->value += value;
}

void metric_set(struct metric *metric, const char *const *labels, double value)
{
	find(metric, labels)->value = value;
}

void metric_observe(struct metric *metric, const char *const *labels, double value)
{
	struct metric_series *series = find(metric, labels);

	series->count++;
	series->sum += value;
	for (size_t i = 0; i < BUCKETS_MAX && metric->buckets[i] > 0; i++)
		if (value <= metric->buckets[i])
			series->buckets[i]++;
}

static void print_histogram(const struct metric *metric, const struct metric_series *series, struct buf *out)
{
	const char *comma = *series->labels ? "," : "";

	for (size_t i = 0; i < BUCKETS_MAX && metric->buckets[i] > 0; i++)
		buf_format(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", metric->name, series->labels, comma,
			   metric->buckets[i], (unsigned long long)series->buckets[i]);
	buf_format(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", metric->name, series->labels, comma,
		   (unsigned long long)series->count);
	buf_format(out, "%s_sum%s%s%s %.9g\n", metric->name, *comma ? "{" : "", series->labels,
		   *comma ? "}" : "", series->sum);
	buf_format(out, "%s_count%s%s%s %llu\n", metric->name, *comma ? "{" : "", series->labels,
		   *comma ? "}" : "", (unsigned long long)series->count);
}

void metrics_print(struct buf *out)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	for (const struct metric *metric = families; metric; metric = metric->next) {
		buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
			   types[metric->type]);
		for (const struct metric_series *s = metric->series; s; s = s->hh.next) {
			if (metric->type == METRIC_HISTOGRAM)
				print_histogram(metric, s, out);
			else if (*s->labels)
				buf_format(out, "%s{%s} %.15g\n", metric->name, s->labels, s->value);
			else
				buf_format(out, "%s %.15g\n", metric->name, s->value);
		}
	}
}

void metrics_clear(void)
{
	while (families) {
		struct metric *metric = families;
		struct metric_series *series = metric->series, *next;

		HASH_CLEAR(hh, metric->series); /* frees its own table; the series stay linked */
		for (; series; series = next) {
			next = series->hh.next;
			free(series->labels);
			free(series);
		}
		families = metric->next;
		metric->next = NULL;
		metric->registered = 0;
	}
}
