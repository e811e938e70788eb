/* What the new installation is set to: given with --set, typed, or from lines on standard input. Secrets go into files
 * of their own or stay in the environment; they are never written into the settings file. */
#include "init.h"
#include "mem.h"
#include "settings_build.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const struct setting *row_of(const struct init *init, size_t *index_out, const char *name,
				    struct err *err)
{
	struct settings *empty = settings_create(init->ops->settings, init->ops->name, "given");
	const struct setting *row = settings_row(empty, name, "given", err);

	settings_destroy(empty);
	*index_out = row ? (size_t)(row - init->ops->settings) : 0;
	return row;
}

static bool is_named(const char *value)
{
	return strncmp(value, "env:", 4) == 0 || strncmp(value, "file:", 5) == 0 ||
	       strncmp(value, "credential:", 11) == 0;
}

static char *secret_path(const struct init *init, const char *setting)
{
	return mem_format("%s/%s-%s-%s", init->folder, init->ops->name, init->name, setting);
}

/* Readable for the daemon only, complete or not there at all. */
static bool write_secret(const struct init *init, const char *path, const char *value, struct err *err)
{
	char *fresh = mem_format("%s.new", path);
	size_t len = strlen(value);
	bool fine;
	int fd;

	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	fine = fd >= 0 && write(fd, value, len) == (ssize_t)len && write(fd, "\n", 1) == 1 &&
	       (geteuid() != 0 || fchown(fd, init->uid, init->gid) == 0) && fsync(fd) == 0 &&
	       rename(fresh, path) == 0;
	if (!fine) {
		err_set(err, ERR_REFUSED, "cannot write the secret's file %s: %s", path, strerror(errno));
		unlink(fresh);
	}
	if (fd >= 0)
		close(fd);
	free(fresh);
	return fine;
}

bool init_put(struct init *init, const char *name, const char *value, struct err *err)
{
	size_t index;
	const struct setting *row = row_of(init, &index, name, err);
	char *path;

	if (row == NULL)
		return false;
	free(init->values[index]);
	init->values[index] = NULL;
	if (row->type != SETTING_SECRET || is_named(value)) {
		init->values[index] = mem_text(value);
		return true;
	}
	path = secret_path(init, name);
	init->made[index] = write_secret(init, path, value, err);
	if (init->made[index])
		init->values[index] = mem_format("file:%s", path);
	free(path);
	return init->made[index];
}

void init_forget_secrets(struct init *init)
{
	for (size_t i = 0; init->ops->settings[i].name; i++)
		if (init->made[i])
			unlink(init->values[i] + strlen("file:"));
}

struct settings *init_settings(const struct init *init, bool guide, struct err *err)
{
	char *where = mem_format("platforms.%s", init->ops->name);
	struct settings *one = settings_create(init->ops->settings, where, init->file);
	bool fine = true;

	for (size_t i = 0; init->ops->settings[i].name && fine; i++) {
		const struct setting *row = &init->ops->settings[i];
		const char *value = init->values[i];

		if (guide && row->type == SETTING_SECRET)
			value = row->required ? "not yet given" : NULL;
		fine = value == NULL || settings_put(one, row->name, value, init->file, err);
	}
	free(where);
	if (fine && settings_finish(one, err))
		return one;
	settings_destroy(one);
	return NULL;
}

/* ---- asking ------------------------------------------------------------------------------------------------ */

/* "PLATFORM_BOT_TOKEN". The caller frees. */
static char *variable(const struct init *init, const char *setting)
{
	char *name = mem_format("%s_%s", init->ops->name, setting);

	for (char *c = name; *c; c++)
		*c = (char)(isalnum((unsigned char)*c) ? toupper((unsigned char)*c) : '_');
	return name;
}

/* A secret that is in the environment stays there. */
static void take_variables(struct init *init)
{
	for (size_t i = 0; init->ops->settings[i].name; i++) {
		const struct setting *row = &init->ops->settings[i];
		const char *given;
		char *name;

		if (row->type != SETTING_SECRET || init->values[i])
			continue;
		name = variable(init, row->name);
		given = getenv(name);
		if (given && *given) {
			init->values[i] = mem_format("env:%s", name);
			fprintf(stderr,
				"%s: taken from the environment variable %s, which the daemon needs too\n",
				row->name, name);
		}
		free(name);
	}
}

static void trim(char *line)
{
	size_t len = strlen(line), start = strspn(line, " \t\r\n");

	while (len > start && strchr(" \t\r\n", line[len - 1]))
		len--;
	memmove(line, line + start, len - start);
	line[len - start] = '\0';
}

/* One line of the terminal without showing it. False at its end, and after Ctrl-C. */
static bool read_hidden(const struct init *init, char *line, size_t size)
{
	struct termios shown, hidden;
	ssize_t len = 0;

	if (tcgetattr(STDIN_FILENO, &shown) != 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	if (init_pause(init, STDIN_FILENO, -1))
		len = read(STDIN_FILENO, line, size - 1);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	if (len <= 0)
		return false;
	line[len] = '\0';
	trim(line);
	return true;
}

static bool ask_terminal(struct init *init, struct err *err)
{
	char line[INIT_VALUE_MAX] = "";
	bool fine = true;

	fputs("\nNow its secrets. Each goes into a file that only the daemon can read; what you type is not "
	      "shown.\n"
	      "Press Enter alone for what you don't have.\n\n",
	      stderr);
	for (size_t i = 0; init->ops->settings[i].name && fine; i++) {
		const struct setting *row = &init->ops->settings[i];

		if (row->type != SETTING_SECRET || init->values[i])
			continue;
		fprintf(stderr, "%s (%s)\n> ", row->name, row->help);
		fine = read_hidden(init, line, sizeof(line)) || err_set(err, ERR_REFUSED, "broken off");
		fine = fine && (*line == '\0' || init_put(init, row->name, line, err));
	}
	explicit_bzero(line, sizeof(line));
	return fine;
}

/* "bot_token=xoxb-...", one a line. */
static bool ask_lines(struct init *init, struct err *err)
{
	char line[INIT_VALUE_MAX];
	bool fine = true;

	while (fine && fgets(line, sizeof(line), stdin)) {
		char *value;

		trim(line);
		value = strchr(line, '=');
		if (*line == '\0' || *line == '#')
			continue;
		if (value == NULL || value == line) {
			fine = err_set(
				err, ERR_REFUSED,
				"standard input: expected lines like bot_token=VALUE, one setting each");
			break;
		}
		*value++ = '\0';
		trim(line);
		trim(value);
		fine = *value == '\0' || init_put(init, line, value, err);
	}
	explicit_bzero(line, sizeof(line));
	return fine;
}

bool init_ask(struct init *init, struct err *err)
{
	bool fine;

	if (isatty(STDIN_FILENO)) {
		take_variables(init);
		return ask_terminal(init, err);
	}
	fine = ask_lines(init, err);
	take_variables(init);
	return fine;
}
