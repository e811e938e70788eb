/* rooms: base io db store mcpserver api */
/* Any bytes as a form with files: nothing is written beside the folder, and what is not taken leaves nothing. The first line is the
 * Content-Type, as hostile as the rest. */
#include "form.h"
#include "header.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/usher-fuzz-form-XXXXXX", body[64];

static size_t files(void)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - 2;
}

static void check_form(const struct form *form)
{
	for (size_t i = 0; i < form->count; i++) {
		const struct form_part *part = &form->parts[i];

		if (part->name == NULL || (part->path == NULL) == (part->value == NULL))
			abort();
		if (part->path && strncmp(part->path, folder, sizeof(folder) - 1) != 0)
			abort();
		if (part->filename && (strpbrk(part->filename, "/\\\n") || *part->filename == '\0'))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = memchr(data, '\n', size);
	size_t head = line ? (size_t)(line - data) : 0;
	char *type = strndup((const char *)data, head), *boundary;
	struct form form = { 0 };
	struct err err = { 0 };
	int fd;

	if (*body == '\0') {
		if (mkdtemp(folder) == NULL)
			abort();
		snprintf(body, sizeof(body), "%s.body", folder);
	}
	boundary = header_param(type, "boundary");
	free(header_param(type, "filename"));
	fd = open(body, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data + head, size - head) != (ssize_t)(size - head))
		abort();
	close(fd);
	if (form_split(body, boundary && *boundary ? boundary : "x", folder, 3, &form, &err))
		check_form(&form);
	else if (files() > 0)
		abort();
	form_finish(&form, true);
	if (files() > 0)
		abort();
	free(boundary);
	free(type);
	return 0;
}
