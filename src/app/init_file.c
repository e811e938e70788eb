/* The settings file with a new installation in it: checked before it takes the old one's place. */
#include "buf.h"
#include "init.h"
#include "mem.h"
#include "settings_build.h"
#include "settings_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20 };

static char *read_text(const struct init *init, struct err *err)
{
	FILE *file = init->is_new ? NULL : fopen(init->file, "re");
	char *text = mem_zero(FILE_MAX, 1);
	size_t len;

	if (init->is_new)
		return text;
	len = file ? fread(text, 1, FILE_MAX, file) : 0;
	if (file && len < FILE_MAX && !ferror(file)) {
		fclose(file);
		return text;
	}
	err_set(err, ERR_REFUSED, "cannot read %s: %s", init->file,
		len == FILE_MAX ? "it is too long" : strerror(errno));
	if (file)
		fclose(file);
	free(text);
	return NULL;
}

/* One value as the file's syntax wants it. */
static void add_value(struct buf *out, const struct setting *row, const char *value)
{
	bool bare = row->type == SETTING_INT || row->type == SETTING_NUMBER || row->type == SETTING_BOOL;
	char *quoted = init_quote(value);

	buf_format(out, " %s = %s;", row->name, bare ? value : quoted);
	free(quoted);
}

static char *item_text(const struct init *init)
{
	struct buf out = { 0 };

	buf_text(&out, "{");
	for (size_t i = 0; init->ops->settings[i].name; i++)
		if (init->values[i])
			add_value(&out, &init->ops->settings[i], init->values[i]);
	buf_text(&out, " }");
	return buf_take(&out);
}

static char *new_text(const struct init *init, const char *old)
{
	bool has_url = settings_given(settings_group(init->settings, "listen"), "public_url");
	char *item = item_text(init), *text = init_add(old, "platforms", init->ops->name, item), *quoted,
	     *line;
	char *with_url;

	free(item);
	if (has_url || init->url == NULL)
		return text;
	quoted = init_quote(init->url);
	line = mem_format("public_url = %s;", quoted);
	with_url = init_add(text, "listen", NULL, line);
	free(line);
	free(quoted);
	free(text);
	return with_url;
}

/* Beside the file, so that it can take its place in one step. Whose file it was, it stays. */
static bool write_text(const struct init *init, const char *path, const char *text, struct err *err)
{
	struct stat old = { .st_mode = 0644, .st_uid = geteuid(), .st_gid = getegid() };
	size_t len = strlen(text);
	int fd;

	unlink(path);
	if (!init->is_new && stat(init->file, &old) != 0)
		return err_set(err, ERR_REFUSED, "cannot look at %s: %s", init->file, strerror(errno));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, text, len) == (ssize_t)len && fchmod(fd, old.st_mode & 0777) == 0 &&
	    (geteuid() != 0 || fchown(fd, old.st_uid, old.st_gid) == 0) && fsync(fd) == 0 && close(fd) == 0)
		return true;
	err_set(err, ERR_REFUSED, "cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	unlink(path);
	return false;
}

/* The new text says what was meant: one more installation, of that name. */
static bool check_text(const struct init *init, const char *path, struct err *err)
{
	struct settings *settings = config_load_open(path, err);
	const struct settings *platforms;
	const char *name = init->ops->name;
	size_t count;
	bool found = false;

	if (settings == NULL)
		return false;
	platforms = settings_group(settings, "platforms");
	count = settings_count(platforms, name);
	for (size_t i = 0; i < count; i++)
		found = found ||
			strcmp(settings_text(settings_group_at(platforms, name, i), "name"), init->name) == 0;
	found = found && count == settings_count(settings_group(init->settings, "platforms"), name) + 1;
	settings_destroy(settings);
	return found || err_set(err, ERR_REFUSED, "the file is written in a way that can't be extended");
}

static bool put_in_place(const struct init *init, const char *path, struct err *err)
{
	char *backup = mem_format("%s.bak", init->file);
	bool fine = true;

	if (!init->is_new) {
		unlink(backup);
		fine = link(init->file, backup) == 0;
	}
	if (!fine || rename(path, init->file) != 0) {
		fine = err_set(err, ERR_REFUSED, "cannot replace %s: %s", init->file, strerror(errno));
		unlink(path);
	}
	free(backup);
	return fine;
}

bool init_write(struct init *init, struct err *err)
{
	char *old = read_text(init, err), *text = old ? new_text(init, old) : NULL, *item;
	char *path = mem_format("%s.new", init->file);
	bool fine = text && write_text(init, path, text, err);

	if (fine && !check_text(init, path, err)) {
		item = item_text(init);
		err_add(err, "%s was left as it is; add this to its list platforms.%s: %s", init->file,
			init->ops->name, item);
		free(item);
		unlink(path);
		fine = false;
	}
	fine = fine && put_in_place(init, path, err);
	free(path);
	free(text);
	free(old);
	return fine;
}
