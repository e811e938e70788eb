/* Numbers about the running daemon, printed as Prometheus text. Loop thread only. */
#ifndef USHER_METRICS_H
#define USHER_METRICS_H

#include <stdint.h>

struct buf;

/* A family: one static object beside the code that counts. Registers itself at its first use. */
enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
	const char *name; /* "usher_messages_total" */
	const char *help;
	enum metric_type type;
	const char *label;     /* names of its labels, comma-separated ("platform,outcome"), or NULL */
	const double *buckets; /* histograms: upper bounds, rising, ended by 0 */
	struct metric_series *series;
	struct metric *next;
	int registered;
};

/* labels: the values in the order of metric.label, NULL where it has none. Bounded: beyond 200 different label
 * sets of a family, further ones are counted under "other". */
void metric_add(struct metric *metric, const char *const *labels, double value);     /* counters and gauges */
void metric_set(struct metric *metric, const char *const *labels, double value);     /* gauges */
void metric_observe(struct metric *metric, const char *const *labels, double value); /* histograms */

extern const double metric_seconds[]; /* buckets for times: 0.001 to 300 s */

/* Appends every family in the text format 0.0.4. */
void metrics_print(struct buf *out);

/* Frees all series; the families may be used again. For a clean exit. */
void metrics_clear(void);

#endif
