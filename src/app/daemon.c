/* Wires the rooms together, runs the loop, and takes everything down in order. */
#include "daemon.h"
#include "api.h"
#include "clock.h"
#include "daemon_room.h"
#include "imports_open.h"
#include "links.h"
#include "mem.h"
#include "metrics.h"
#include "registry.h"
#include "settings_build.h"
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	DRAIN_MS = 3000,
	TRIM_ABOVE = 512 << 10, /* bytes */
};

const char daemon_operator[] = "owner";

static const struct settings *part(const struct daemon *daemon, const char *name)
{
	return settings_group(daemon->settings, name);
}

/* ---- the end --------------------------------------------------------------------------------------------
 */

static void drained(void *data)
{
	struct daemon *daemon = data;

	if (--daemon->closing == 0)
		io_stop(daemon->io);
}

static void core_stopped(void *owner)
{
	struct daemon *daemon = owner;

	daemon->closing = 3;
	web_drain(daemon->web, DRAIN_MS, drained, daemon);
	web_drain(daemon->control, DRAIN_MS, drained, daemon);
	mcp_stop(daemon->tools.mcp, drained, daemon);
}

static void daemon_stop(struct daemon *daemon)
{
	if (daemon->stopping)
		return;
	daemon->stopping = true;
	log_info(&daemon->log, "stopping: answers under way are finished, the rest waits in the database");
	core_stop(daemon->core, (unsigned)settings_int(part(daemon, "limits"), "stop_seconds") * 1000,
		  core_stopped, daemon);
}

static void on_stop_signal(void *data)
{
	struct daemon *daemon = data;

	if (daemon->stopping && !daemon->reload)
		io_stop(daemon->io); /* asked twice: the database has what is left */
	daemon->reload = false;	     /* the last word counts: what was to start anew stops for good */
	daemon_stop(daemon);
}

/* All or nothing: only a file that passes every check is taken over. It is taken over by starting anew on the
 * same files, which is safe at any moment because everything accepted is in the database. */
bool daemon_reload(struct daemon *daemon, struct err *err)
{
	struct settings *checked;
	bool fine;

	if (daemon->stopping) /* also supervisors that send both signals want an end */
		return err_set(err, ERR_REFUSED, "it is stopping");
	checked = config_load(daemon->options->config, err);
	fine = checked && daemon_try(checked, daemon->io, err);
	settings_destroy(checked);
	if (!fine) {
		log_error(&daemon->log, "settings not reloaded, the old ones stay in force: %s", err->text);
		return false;
	}
	log_info(&daemon->log, "settings are good: starting anew with them");
	daemon->reload = true;
	daemon_stop(daemon);
	return true;
}

static void on_reload_signal(void *data)
{
	struct err err = { 0 };

	daemon_reload(data, &err);
}

static void on_fatal(void *owner, const struct err *err)
{
	struct daemon *daemon = owner;

	if (err->kind == ERR_FATAL)
		log_error(&daemon->log, "the storage failed, stopping so that nothing is guessed: %s",
			  err->text);
	else
		log_error(&daemon->log, "cannot start: %s", err->text);
	daemon->status = err->kind == ERR_FATAL ? EX_IOERR : EXIT_FAILURE;
	io_stop(daemon->io);
}

/* ---- the beginning --------------------------------------------------------------------------------------
 */

static void set_up_log(struct daemon *daemon)
{
	const struct settings *log = part(daemon, "log");
	const char *format = settings_text(log, "format");
	bool json = strcmp(format, "json") == 0 || (strcmp(format, "auto") == 0 && !isatty(STDERR_FILENO));
	enum log_level level = LOG_INFO;

	log_level_parse(settings_text(log, "level"), &level);
	log_setup(level, json);
}

bool daemon_open_world(struct daemon *daemon, int port, struct err *err)
{
	const struct settings *listen = part(daemon, "listen"), *http = part(daemon, "http");
	struct web_options world = { .address = settings_text(listen, "address"),
				     .port = port,
				     .cert_file = settings_text(listen, "cert_file"),
				     .key_file = settings_text(listen, "key_file") };
	struct http_options outgoing = { .ca_file = settings_text(http, "ca_file"),
					 .proxy = settings_text(http, "proxy"),
					 .agent = "usher/" USHER_VERSION };

	if ((world.cert_file == NULL) != (world.key_file == NULL))
		return err_set(err, ERR_REFUSED,
			       "%s: listen.cert_file and listen.key_file belong together; one is missing",
			       settings_where(listen, NULL));
	daemon->http = http_create(daemon->io, &outgoing, err);
	if (daemon->http == NULL)
		return err_add(err, "setting http");
	daemon->web = web_create(daemon->io, &world, err);
	return daemon->web || err_add(err, "setting listen");
}

static bool open_doors(struct daemon *daemon, struct err *err)
{
	struct web_options control = { .path = daemon->socket_path };

	if (!daemon_open_world(daemon, (int)settings_int(part(daemon, "listen"), "port"), err))
		return false;
	daemon->control = web_create(daemon->io, &control, err);
	if (daemon->control == NULL)
		return err_add(err, "setting control.path");
	web_starting(daemon->web, true);
	web_starting(daemon->control, true);
	return true;
}

bool daemon_make_ai(struct daemon *daemon, struct err *err)
{
	const struct settings *assistant = part(daemon, "assistant");
	size_t count = settings_count(daemon->settings, "models");
	size_t spares = settings_count(assistant, "fallback");
	const struct settings **models = mem_zero(count, sizeof(struct settings *));
	const char **fallback = mem_zero(spares, sizeof(char *));
	struct ai_options options = { .loop = io_loop(daemon->io),
				      .http = daemon->http,
				      .log = &daemon->log,
				      .models = models,
				      .model_count = count,
				      .model = settings_text(assistant, "model"),
				      .fallback = fallback,
				      .fallback_count = spares,
				      .speech = part(daemon, "speech"),
				      .history_tokens = settings_int(assistant, "history_tokens"),
				      .rounds_max = (unsigned)settings_int(assistant, "tool_rounds"),
				      .calls_max = (unsigned)settings_int(assistant, "tool_calls"),
				      .attempts_max = (unsigned)settings_int(assistant, "attempts"),
				      .turn_ms = (unsigned)settings_int(assistant, "answer_seconds") * 1000 };

	for (size_t i = 0; i < count; i++)
		models[i] = settings_group_at(daemon->settings, "models", i);
	for (size_t i = 0; i < spares; i++)
		fallback[i] = settings_text_at(assistant, "fallback", i);
	options.prices = daemon->prices.rows;
	options.price_count = daemon->prices.count;
	daemon->ai = ai_create(&options, err);
	free(fallback);
	free(models);
	return daemon->ai != NULL;
}

bool daemon_make_mcp(struct daemon *daemon, struct err *err)
{
	const struct settings *tools = part(daemon, "tools");
	size_t count = settings_count(tools, "mcp");
	const struct settings **servers = mem_zero(count ? count : 1, sizeof(struct settings *));

	char *callback = authorize_callback(daemon), *document = authorize_document(daemon);

	daemon->tools.settings = tools;
	for (size_t i = 0; i < count; i++)
		servers[i] = settings_group_at(tools, "mcp", i);
	daemon->tools.mcp =
		mcp_create(&(struct mcp_options){ .io = daemon->io,
						  .http = daemon->http,
						  .log = &daemon->log,
						  .servers = servers,
						  .count = count,
						  .judge = pins_judge,
						  .owner = daemon->tools.pins,
						  .callback = callback,
						  .document = document,
						  .keep = daemon->tools.grants ? grants_keep : NULL,
						  .keep_owner = daemon->tools.grants },
			   err);
	free(servers);
	free(callback);
	free(document);
	if (daemon->tools.mcp && daemon->tools.pins)
		pins_use(daemon->tools.pins, daemon->tools.mcp);
	if (daemon->tools.mcp && daemon->tools.grants)
		grants_use(daemon->tools.grants, daemon->tools.mcp);
	return daemon->tools.mcp != NULL;
}

/* Something waits to be sent that the core does not know of. */
static void on_said(void *owner)
{
	struct daemon *daemon = owner;

	core_wake(daemon->core);
}

/* Where what send_message says may link to; nobody in particular speaks there. NULL: anywhere. */
static struct links *operators_links(const struct daemon *daemon)
{
	struct links *links;

	if (strcmp(settings_text(part(daemon, "assistant"), "links"), "all") == 0)
		return NULL;
	links = links_create();
	if (daemon->derived.public_url)
		links_allow(links, daemon->derived.public_url);
	for (size_t i = 0; i < daemon->derived.link_host_count; i++)
		links_allow(links, daemon->derived.link_hosts[i]);
	return links;
}

static void on_erased(void *owner)
{
	blobs_look(((struct daemon *)owner)->blobs);
}

static void make_core(struct daemon *daemon)
{
	const struct settings *assistant = part(daemon, "assistant");
	const char *strangers = settings_text(part(daemon, "users"), "strangers");
	struct core_options options = {
		.loop = io_loop(daemon->io),
		.store = daemon->store,
		.ai = daemon->ai,
		.log = &daemon->log,
		.strangers = strcmp(strangers, "pair") == 0    ? STRANGERS_PAIR
			     : strcmp(strangers, "allow") == 0 ? STRANGERS_ALLOW
							       : STRANGERS_DENY,
		.system_prompt = settings_text(assistant, "system_prompt"),
		.history_messages = (unsigned)settings_int(assistant, "history_messages"),
		.all_links = strcmp(settings_text(assistant, "links"), "all") == 0,
		.link_hosts = daemon->derived.link_hosts,
		.link_host_count = daemon->derived.link_host_count,
		.summary = settings_bool(assistant, "summary"),
		.reset_idle_ms = (int64_t)settings_int(assistant, "reset_idle_minutes") * 60 * 1000,
		.reset_daily = daemon->derived.reset_minute >= 0,
		.reset_minute = daemon->derived.reset_minute,
		.limits = daemon->derived.budgets.limits,
		.unpriced = daemon->derived.budgets.unpriced,
		.unpriced_count = daemon->derived.budgets.unpriced_count,
		.rate_minute = (unsigned)settings_int(part(daemon, "users"), "messages_per_minute"),
		.rate_day = (unsigned)settings_int(part(daemon, "users"), "messages_per_day"),
		.turns_max = (unsigned)settings_int(part(daemon, "limits"), "turns"),
		.disk_reserve = (int64_t)settings_int(part(daemon, "limits"), "disk_reserve_mb") << 20,
		.io = daemon->io,
		.public_url = daemon->derived.public_url,
		.imports = daemon->imports,
		.erased = on_erased,
		.quota = (int64_t)settings_int(part(daemon, "imports"), "quota_mb") << 20,
		.file_max = daemon->derived.file_max,
		.uploads = daemon->uploads,
		.keys = (const uint8_t(*)[CRYPTO_KEY_SIZE])daemon->derived.keys,
		.key_count = daemon->derived.key_count,
		.fatal = on_fatal,
		.owner = daemon
	};

	daemon->tools.tasks = tasks_create(daemon->store);
	tasks_links(daemon->tools.tasks, operators_links(daemon));
	tasks_on_said(daemon->tools.tasks, on_said, daemon);
	daemon->tools.files = filetools_create(&(struct filetools_options){ .loop = options.loop,
									    .store = options.store,
									    .imports = options.imports,
									    .quota = options.quota,
									    .erased = on_erased,
									    .owner = daemon });
	options.tools = tools_box(&daemon->tools);
	options.tools_later = true;
	daemon->core = core_create(&options);
}

static bool add_platforms(struct daemon *daemon, struct err *err)
{
	const struct settings *platforms = part(daemon, "platforms");
	struct platform *api;

	if (!core_add(daemon->core, &api_platform, part(daemon, "api"), daemon->web, daemon->http, &api, err))
		return false;
	api_use(api, daemon->store, daemon->control, daemon_operator);
	api_use_tools(api, tools_own_box(&daemon->tools), daemon->derived.public_url);
	if (!imports_open_door(daemon, api, err))
		return false;
	for (size_t p = 0; registry_platforms[p]; p++) {
		const struct platform_ops *ops = registry_platforms[p];

		for (size_t i = 0; i < settings_count(platforms, ops->name); i++) {
			const struct settings *one = settings_group_at(platforms, ops->name, i);

			if (!core_add(daemon->core, ops, one, daemon->web, daemon->http, NULL, err))
				return err_add(err, "%s", settings_where(one, NULL));
		}
	}
	return true;
}

void daemon_ready(struct daemon *daemon)
{
	const struct settings *listen = part(daemon, "listen");

	daemon->ready = true;
	web_starting(daemon->web, false);
	web_starting(daemon->control, false);
	malloc_trim(0); /* what starting needed is not needed again */
	log_info(&daemon->log, "ready after %llu ms on %s://%s:%d, control socket %s",
		 (unsigned long long)(clock_mono_ms() - daemon->started_ms),
		 settings_given(listen, "cert_file") ? "https" : "http", settings_text(listen, "address"),
		 web_port(daemon->web), daemon->socket_path);
}

static void on_core_ready(void *owner)
{
	struct daemon *daemon = owner;

	first_steps(daemon);
	daemon->retention = retention_start(daemon);
	daemon->blobs = blobs_start(daemon);
	daemon->target = target_start(daemon);
}

static void on_tools(void *owner)
{
	struct daemon *daemon = owner;

	core_tools_ready(daemon->core);
}

/* What was granted before is there: servers can be started. */
static void on_recalled(void *owner)
{
	struct daemon *daemon = owner;

	if (daemon->stopping)
		return;
	mcp_warm(daemon->tools.mcp);
	mcp_on_settled(daemon->tools.mcp, on_tools, daemon);
}

static void keep_tools(struct daemon *daemon)
{
	struct loop *loop = io_loop(daemon->io);

	daemon->tools.pins = pins_create(daemon->store, loop, &daemon->log);
	daemon->tools.grants = grants_create(
		&(struct grants_options){ .store = daemon->store,
					  .loop = loop,
					  .log = &daemon->log,
					  .keys = (const uint8_t(*)[CRYPTO_KEY_SIZE])daemon->derived.keys,
					  .key_count = daemon->derived.key_count });
}

static bool make_imports(struct daemon *daemon, struct err *err)
{
	err_clear(err);
	daemon->imports = imports_open(daemon, err);
	if (daemon->imports)
		daemon->uploads = mem_format("%s/uploads", daemon->derived.data_dir);
	return err->kind == ERR_NONE;
}

static bool start(struct daemon *daemon, struct err *err)
{
	struct store_options store = { .url = settings_text(part(daemon, "store"), "url"),
				       .log = &daemon->log };
	const struct settings *imports = part(daemon, "imports");

	if (!prices_load(settings_text(part(daemon, "prices"), "file"), &daemon->prices, err) ||
	    !derived_read(daemon->settings, &daemon->derived, err) || !target_check(imports, err))
		return false;
	store.import_target = settings_text(settings_group(imports, "target"), "url") != NULL;
	daemon->socket_path = config_socket(daemon->settings);
	daemon->io = io_create(err);
	if (daemon->io == NULL)
		return false;
	daemon->store = store_open(io_loop(daemon->io), &store, err);
	if (daemon->store)
		keep_tools(daemon);
	if (daemon->store == NULL || !open_doors(daemon, err) || !make_imports(daemon, err) ||
	    !daemon_make_ai(daemon, err) || !daemon_make_mcp(daemon, err))
		return false;
	make_core(daemon);
	if (!add_platforms(daemon, err))
		return false;
	admin_claim(daemon);
	health_claim(daemon);
	io_on_signals(daemon->io, on_stop_signal, on_reload_signal, daemon);
	authorize_claim(daemon);
	grants_recall(daemon->tools.grants, on_recalled, daemon);
	core_start(daemon->core, on_core_ready, daemon);
	return true;
}

/* The reverse of start; every destroy takes NULL, so that a start that failed half-way ends here too. */
static void take_down(struct daemon *daemon)
{
	core_destroy(daemon->core);
	imports_destroy(daemon->imports);
	daemon->imports = NULL;
	ai_destroy(daemon->ai);
	mcp_destroy(daemon->tools.mcp);
	if (daemon->tools.pins)
		pins_use(daemon->tools.pins, NULL);
	if (daemon->tools.grants)
		grants_use(daemon->tools.grants, NULL);
	web_destroy(daemon->control);
	web_destroy(daemon->web);
	http_destroy(daemon->http);
	daemon->http = NULL;
	store_close(daemon->store);
	retention_destroy(daemon->retention);
	blobs_destroy(daemon->blobs);
	target_destroy(daemon->target);
	tasks_destroy(daemon->tools.tasks);
	filetools_destroy(daemon->tools.files);
	pins_destroy(daemon->tools.pins);
	grants_destroy(daemon->tools.grants);
	io_destroy(daemon->io);
	free(daemon->socket_path);
	free(daemon->uploads);
	prices_free(&daemon->prices);
	derived_finish(&daemon->derived);
	settings_destroy(daemon->settings);
	metrics_clear();
}

/* SIGHUP ends a process that does not expect it: from the first line on it waits, also over execv, until the loop reads it.
 * Before other threads are made, so that these never get it. */
static void hold_reload_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon daemon = { .options = options, .log = { .name = NULL }, .started_ms = clock_mono_ms() };
	struct err err = { 0 };

	hold_reload_signal();
	/* Without it a thread gives its highest pages back after each message, and takes them again at the next. */
	mallopt(M_TRIM_THRESHOLD, TRIM_ABOVE);
	prctl(PR_SET_DUMPABLE, 0); /* tokens are in memory (security.md R78) */
	daemon.settings = config_load(options->config, &err);
	if (daemon.settings) {
		set_up_log(&daemon);
		if (start(&daemon, &err))
			io_run(daemon.io);
	}
	if (err.kind != ERR_NONE) {
		fprintf(stderr, "usher: %s\n", err.text);
		daemon.status = EXIT_FAILURE;
	}
	take_down(&daemon);
	if (daemon.reload && daemon.status == 0) {
		execv("/proc/self/exe", options->argv);
		perror("usher: cannot start anew");
		return EXIT_FAILURE;
	}
	return daemon.status;
}
