/* Links to files, for who fetches an answer. */
#include "files.h"
#include "imports.h"
#include "json.h"
#include <stdlib.h>
#include <string.h>

static void link_one(const struct core *core, json_t *file)
{
	const char *org = json_text(file, "org"), *sha256 = json_text(file, "sha256");
	char *link = core->options.imports && org && sha256
			     ? imports_link(core->options.imports, org, sha256, json_text(file, "name"),
					    json_text(file, "mime"), core->public_url == NULL)
			     : NULL;

	json_object_set_new(file, "link", link ? json_string(link) : json_null());
	json_object_del(file, "org");
	json_object_del(file, "sha256");
	free(link);
}

char *files_linked(const struct core *core, const char *files)
{
	json_t *list = files ? json_read(files, strlen(files), NULL) : NULL, *file;
	char *text;
	size_t i;

	if (list == NULL)
		return NULL;
	json_array_foreach (list, i, file)
		link_one(core, file);
	text = json_write(list);
	json_decref(list);
	return text;
}
