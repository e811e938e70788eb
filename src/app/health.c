/* What supervisors and monitoring ask: alive, ready, numbers. */
#include "buf.h"
#include "clock.h"
#include "daemon_room.h"
#include "json.h"
#include "metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct metric uptime = { .name = "usher_uptime_seconds",
				.help = "Since the daemon started.",
				.type = METRIC_GAUGE };
static struct metric stall = { .name = "usher_loop_stall_seconds",
			       .help = "Longest round of the event loop since the last scrape.",
			       .type = METRIC_GAUGE };
static struct metric connections = { .name = "usher_web_connections",
				     .help = "Open connections.",
				     .type = METRIC_GAUGE };
static struct metric requests = { .name = "usher_http_requests_running",
				  .help = "Outgoing requests under way.",
				  .type = METRIC_GAUGE };
static struct metric memory = { .name = "usher_resident_bytes",
				.help = "Resident memory.",
				.type = METRIC_GAUGE };
static struct metric build = {
	.name = "usher_build_info", .help = "1.", .type = METRIC_GAUGE, .label = "version"
};

static void healthz(void *owner, struct web_request *request)
{
	(void)owner;
	web_answer(request, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

static void readyz(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	const char *why = "starting";
	unsigned level = core_level(daemon->core, &why);
	struct buf out = { 0 };

	if (daemon->ready && !daemon->stopping && level < 4) {
		web_answer(request, 200, "text/plain; charset=utf-8", "ready\n", 6);
		return;
	}
	buf_format(&out, "not ready: %s\n", daemon->stopping ? "stopping" : daemon->ready ? why : "starting");
	web_answer(request, 503, "text/plain; charset=utf-8", out.data, out.len);
	buf_free(&out);
}

static double resident_bytes(void)
{
	char line[128] = "", *second;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return 0;
	second = fgets(line, sizeof(line), file) ? strchr(line, ' ') : NULL;
	fclose(file);
	return second ? strtod(second, NULL) * (double)sysconf(_SC_PAGESIZE) : 0;
}

static void metrics(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct buf out = { 0 };

	if (!web_loopback(request)) {
		web_answer_error(request, 403, "FORBIDDEN", "metrics are given to this machine only");
		return;
	}
	core_status(daemon->core, &out); /* refreshes the gauges */
	buf_clear(&out);
	metric_set(&uptime, NULL, (double)(clock_mono_ms() - daemon->started_ms) / 1000);
	metric_set(&stall, NULL, (double)io_stall_us(daemon->io) / 1e6);
	metric_set(&connections, NULL, (double)web_connections(daemon->web));
	metric_set(&requests, NULL, (double)http_running(daemon->http));
	metric_set(&memory, NULL, resident_bytes());
	metric_set(&build, (const char *const[]){ USHER_VERSION }, 1);
	metrics_print(&out);
	web_answer(request, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
	buf_free(&out);
}

void health_claim(struct daemon *daemon)
{
	static const struct {
		const char *path;
		web_fn *fn;
	} routes[] = { { "/healthz", healthz }, { "/readyz", readyz }, { "/metrics", metrics } };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		web_claim(daemon->web, &(struct web_route){ .method = "GET",
							    .path = routes[i].path,
							    .fn = routes[i].fn,
							    .owner = daemon });
}
