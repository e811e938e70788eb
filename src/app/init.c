/* `usher init`: from nothing to the first message on a platform. */
#include "init.h"
#include "buf.h"
#include "daemon.h"
#include "derived.h"
#include "json.h"
#include "mem.h"
#include "registry.h"
#include "settings_build.h"
#include "settings_file.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_file[] = "/etc/usher/usher.conf";

bool init_pause(const struct init *init, int fd, int ms)
{
	struct pollfd polled[] = { { .fd = init->stop_fd, .events = POLLIN },
				   { .fd = fd, .events = POLLIN } };

	poll(polled, 2, ms); /* a negative fd is passed over */
	return (polled[0].revents & POLLIN) == 0;
}

/* Ctrl-C becomes something to read: a terminal whose echo is off is set right, a wait ends in order. */
static int take_interrupt(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int list_platforms(struct cli *cli)
{
	json_t *rows = json_array();

	for (size_t i = 0; registry_platforms[i]; i++)
		if (registry_platforms[i]->guide)
			json_array_append_new(
				rows, json_pack("{s:s, s:s, s:o}", "platform", registry_platforms[i]->name,
						"title", registry_platforms[i]->guide->title, "command",
						json_sprintf("usher init %s", registry_platforms[i]->name)));
	cli_print(cli, rows, "There is nothing to set up this way.");
	return CLI_OK;
}

static const struct platform_ops *find_platform(const char *name)
{
	const char *names[16] = { NULL }, *near;
	size_t count = 0;

	for (size_t i = 0; registry_platforms[i] && count < 15; i++) {
		if (registry_platforms[i]->guide == NULL)
			continue;
		if (strcmp(registry_platforms[i]->name, name) == 0)
			return registry_platforms[i];
		names[count++] = registry_platforms[i]->name;
	}
	near = settings_nearest(name, names);
	fprintf(stderr,
		"usher: nothing is known about setting up \"%s\"%s%s%s; usher init lists what can be\n", name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return NULL;
}

/* The file in force, or the one that will be, absolute and without links on the way: its folder gets the secrets. */
static bool find_file(struct init *init, struct err *err)
{
	const char *named = config_path(init->cli->config);
	char *copy, *slash, real[PATH_MAX];

	init->is_new = named == NULL || access(named, F_OK) != 0;
	named = named ? named : default_file;
	if (!init->is_new && realpath(named, real)) {
		init->file = mem_text(real);
	} else {
		copy = mem_text(named);
		slash = strrchr(copy, '/');
		if (slash)
			*slash = '\0';
		if (realpath(slash == copy ? "/" : slash ? copy : ".", real) == NULL)
			err_set(err, ERR_REFUSED,
				"the folder of %s can't be used: %s; name another file with --config", named,
				strerror(errno));
		else
			init->file = mem_format("%s/%s", real, slash ? slash + 1 : named);
		free(copy);
	}
	if (init->file == NULL)
		return false;
	init->folder = mem_text_n(init->file, (size_t)(strrchr(init->file, '/') - init->file));
	return true;
}

/* Without its secrets where they can't be read here. */
static bool load(struct init *init, struct err *err)
{
	const char *file = init->is_new ? NULL : init->file;
	const char *given;

	init->settings = config_load(file, err);
	if (init->settings == NULL) {
		err_clear(err);
		init->settings = config_load_open(file, err);
	}
	if (init->settings == NULL)
		return false;
	given = settings_text(settings_group(init->settings, "listen"), "public_url");
	if (given && init->cli->url && strncmp(given, init->cli->url, strlen(given)) != 0)
		return err_set(err, ERR_REFUSED, "%s: listen.public_url is %s already; change it there",
			       settings_where(settings_group(init->settings, "listen"), "public_url"), given);
	init->url = mem_text(given ? given : init->cli->url);
	while (init->url && *init->url && init->url[strlen(init->url) - 1] == '/')
		init->url[strlen(init->url) - 1] = '\0';
	return true;
}

/* Who reads the secrets' files: who runs the daemon, else who owns the settings file, else who is asking. */
static void find_reader(struct init *init)
{
	struct stat stat_of = { .st_uid = geteuid(), .st_gid = getegid() };
	json_t *status = NULL;
	char path[40];

	init->cli->settings = init->settings;
	init->cli->socket = config_socket(init->settings);
	init->cli->quiet = true;
	if (cli_ask(init->cli, "/admin/status", NULL, &status) == CLI_OK) {
		snprintf(path, sizeof(path), "/proc/%lld", (long long)json_int(status, "pid", 0));
		stat(path, &stat_of);
	} else if (!init->is_new) {
		stat(init->file, &stat_of);
	}
	init->cli->quiet = false;
	init->uid = stat_of.st_uid;
	init->gid = stat_of.st_gid;
	json_decref(status);
}

static const struct settings *existing(const struct init *init)
{
	const struct settings *platforms = settings_group(init->settings, "platforms");

	for (size_t i = 0; i < settings_count(platforms, init->ops->name); i++) {
		const struct settings *one = settings_group_at(platforms, init->ops->name, i);

		if (strcmp(settings_text(one, "name"), init->name) == 0)
			return one;
	}
	return NULL;
}

static void print_guide(const struct init *init, const struct settings *one)
{
	struct buf out = { 0 };

	init->ops->guide->print(one, init->url, &out);
	printf("%s\n", buf_str(&out));
	fflush(stdout);
	buf_free(&out);
}

/* It becomes part of file names and addresses. */
static bool check_name(const char *name, struct err *err)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return (*name && strlen(name) <= 64 && strspn(name, may) == strlen(name)) ||
	       err_set(err, ERR_REFUSED, "--name must be 1 to 64 letters, digits, - or _");
}

/* What is not secret: the name and what --set says. */
static bool put_given(struct init *init, struct err *err)
{
	for (size_t i = 0; i < init->cli->set_count; i++) {
		const char *set = init->cli->sets[i], *value = strchr(set, '=');
		char *name = mem_text_n(set, value ? (size_t)(value - set) : strlen(set));
		bool fine = value ? init_put(init, name, value + 1, err)
				  : err_set(err, ERR_REFUSED, "--set takes NAME=VALUE, not \"%s\"", set);

		free(name);
		if (!fine)
			return false;
	}
	return init_put(init, "name", init->name, err);
}

static bool guide(struct init *init, struct err *err)
{
	struct settings *one = init_settings(init, true, err);

	if (one == NULL)
		return false;
	print_guide(init, one);
	settings_destroy(one);
	return true;
}

/* Nothing is connected by trying, so what was heard of it is left out. */
static bool is_of_the_connection(const char *check)
{
	return strcmp(check, "link") == 0 || strcmp(check, "messages") == 0;
}

static bool print_findings(const char *text)
{
	struct err err;
	json_t *findings = json_read(text, strlen(text), &err);
	const json_t *one;
	bool faults = false;
	size_t i;

	json_array_foreach (findings, i, one) {
		const char *check = json_text(one, "check"), *result = json_text(one, "result");
		const char *message = json_text(one, "message");

		if (check == NULL || result == NULL || message == NULL || is_of_the_connection(check))
			continue;
		faults = faults || strcmp(result, "fault") == 0;
		printf("%-8s %-10s ", result, check);
		cli_put(stdout, message);
		puts("");
	}
	json_decref(findings);
	fflush(stdout);
	return !faults;
}

static bool try_it(struct init *init, struct err *err)
{
	const struct settings *platforms = settings_group(init->settings, "platforms");
	struct settings *one = init_settings(init, false, err);
	char *findings = NULL;
	bool fine =
		one &&
		derived_apart(platforms, init->ops, settings_count(platforms, init->ops->name), one, err) &&
		daemon_try_one(init->settings, init->ops, one, init->url, &findings, err);

	if (fine && !print_findings(findings))
		fine = err_set(err, ERR_REFUSED, "with these faults it would not work");
	settings_destroy(one);
	free(findings);
	return fine;
}

static bool set_up(struct init *init, struct err *err)
{
	const struct settings *old = existing(init);

	if (old) {
		print_guide(init, old);
		return err_set(
			err, ERR_REFUSED,
			"%s: platforms.%s has an installation named \"%s\" already; give another --name",
			settings_where(old, NULL), init->ops->name, init->name);
	}
	if (put_given(init, err) && guide(init, err) && init_ask(init, err) && try_it(init, err) &&
	    init_talk(init, err) && init_write(init, err))
		return true;
	init_forget_secrets(init);
	return err_add(err, "nothing was changed");
}

static void finish(struct init *init)
{
	for (size_t i = 0; i < INIT_ROWS_MAX; i++)
		free(init->values[i]);
	if (init->cli->settings != init->settings)
		settings_destroy(init->settings);
	free(init->file);
	free(init->folder);
	free(init->url);
	close(init->stop_fd);
}

int cli_init(struct cli *cli)
{
	struct init init = { .cli = cli, .stop_fd = -1 };
	struct err err = { 0 };
	int status = CLI_FAILED;

	if (cli->count == 0)
		return list_platforms(cli);
	init.ops = find_platform(cli->args[0]);
	if (init.ops == NULL)
		return CLI_USAGE;
	init.name = cli->display ? cli->display : init.ops->name;
	setvbuf(stdout, NULL, _IOLBF, 0); /* whoever reads along sees each step when it is taken */
	init.stop_fd = take_interrupt();
	if (check_name(init.name, &err) && find_file(&init, &err) && load(&init, &err)) {
		find_reader(&init);
		if (set_up(&init, &err)) {
			printf("Written to %s", init.file);
			if (!init.is_new)
				printf("; what it was is in %s.bak", init.file);
			puts(".");
			status = init_wait(&init);
		}
	}
	if (err.kind != ERR_NONE)
		fprintf(stderr, "usher: %s\n", err.text);
	finish(&init);
	return status;
}
