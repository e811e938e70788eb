/* Files that are made: of a table that was sent, or of what the model writes. */
#include "filetools_room.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTENT_MAX = 1 << 20 };

static const char *own(struct file_call *call, char *text_take)
{
	const char *copy = arena_text(call->arena, text_take);

	free(text_take);
	return copy;
}

static void take_format(struct file_call *call, const struct file_format *format)
{
	call->made.format = format->name;
	call->made.mime = format->mime;
}

/* ---- of a table ---------------------------------------------------------------------------------------------------- */

static void refuse_content(struct file_call *call)
{
	char why[400];

	if (call->about.state == IMPORT_FAILED)
		snprintf(why, sizeof(why), "this file was not taken: %.300s",
			 call->about.error ? call->about.error : "it failed");
	else
		snprintf(why, sizeof(why), "this file is not there yet: it is %s",
			 import_state_name(call->about.state));
	file_refuse(call, why);
}

static void convert(struct file_call *call)
{
	const char *why = NULL;
	char *spec = file_spec(call, &why);

	if (spec == NULL) {
		file_refuse(call, why);
		return;
	}
	call->made.spec = own(call, spec);
	if (call->about.sha256 == NULL) {
		refuse_content(call);
		return;
	}
	take_format(call, file_format(json_text(call->arguments, "format")));
	call->made.name = file_name(call, file_argument(call, "name"), call->about.name,
				    file_format(call->made.format));
	call->made.import_id = call->about.id;
	call->made.source = call->about.sha256;
	call->made.source_name = call->about.name;
	call->made.path = imports_work_path(call->tools->options.imports);
	file_run(call);
}

void file_convert(struct file_call *call)
{
	file_find(call, convert);
}

/* ---- of text ------------------------------------------------------------------------------------------------------- */

/* True: it is there, not synced: what is kept is. */
static bool put_text(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool done = fd >= 0;

	while (done && len > 0) {
		ssize_t some = write(fd, text, len);

		if (some < 0 && errno == EINTR)
			continue;
		done = some > 0;
		if (done) {
			text += some;
			len -= (size_t)some;
		}
	}
	return fd >= 0 && close(fd) == 0 && done;
}

/* Rows go through the converter: it writes tables as spreadsheets may read them. */
static bool needs_rows(const struct file_format *format)
{
	return strcmp(format->name, "csv") == 0 || strcmp(format->name, "xlsx") == 0 ||
	       strcmp(format->name, "tsv") == 0;
}

static const char *refusal_of(const char *content, size_t len, const struct file_format *format)
{
	struct err err = { 0 };
	json_t *value;

	if (len > CONTENT_MAX)
		return "content is too long: 1 MiB at most";
	if (!text_valid(content, len) || text_blank(content))
		return "content is empty";
	if (strcmp(format->name, "json") != 0)
		return NULL;
	value = json_read(content, len, &err);
	json_decref(value);
	return value ? NULL : "content is not JSON";
}

static void write_rows(struct file_call *call, const char *content)
{
	content += strspn(content, " \t\r\n");
	call->made.source_name = *content == '[' || *content == '{' ? "rows.json" : "rows.csv";
	call->made.spec = arena_format(call->arena, "{\"format\":\"%s\"}", call->made.format);
	call->made.rows = call->made.path;
	call->made.path = imports_work_path(call->tools->options.imports);
	file_run(call);
}

void file_write(struct file_call *call)
{
	const struct file_format *format = file_format(json_text(call->arguments, "format"));
	const json_t *given = json_object_get(call->arguments, "content");
	const char *name = file_argument(call, "name"), *content, *why;

	if (name == NULL || format == NULL || format->mime[0] == '\0' || given == NULL) {
		file_refuse(call, "name, format (csv, json, md, txt, xlsx) and content are needed");
		return;
	}
	content = json_is_string(given) ? arena_text(call->arena, json_string_value(given))
					: own(call, json_write(given)); /* rows that were not quoted */
	why = refusal_of(content, strlen(content), format);
	if (why) {
		file_refuse(call, why);
		return;
	}
	take_format(call, format);
	call->made.name = file_name(call, name, NULL, format);
	call->made.path = imports_work_path(call->tools->options.imports);
	if (!put_text(call->made.path, content, strlen(content)))
		file_refuse(call, call->kind->failed);
	else if (needs_rows(format))
		write_rows(call, content);
	else
		file_keep(call);
}
