/* Makes the room of imports from the settings. */
#include "imports_open.h"
#include "api.h"
#include "daemon_room.h"
#include "mem.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct setting target_settings[] = {
	{ "url", SETTING_TEXT, .help = "where each finished import is posted, signed (Standard Webhooks)" },
	{ "secret", SETTING_SECRET, .help = "whsec_... that signs it" },
	{ NULL },
};

const struct setting import_settings[] = {
	{ "quota_mb", SETTING_INT, "10240", .min = 0, .max = 100000000,
	  .help = "what an organisation may keep, originals and files made of them; 0: any amount" },
	{ "keep_days", SETTING_INT, "0", .min = 0, .max = 36500,
	  .help = "days after which imports go, with all that is known from them; 0: never" },
	{ "parser", SETTING_TEXT, .help = "the program that reads files; usher-parse beside usher" },
	{ "parser_memory_mb", SETTING_INT, "256", .min = 32, .max = 512,
	  .help = "memory for reading one file" },
	{ "parser_seconds", SETTING_INT, "120", .min = 1, .max = 600,
	  .help = "processor time for reading one file" },
	{ "unpacked_mb", SETTING_INT, "512", .min = 1, .max = 1024,
	  .help = "what may come out of one archive" },
	{ "target", SETTING_GROUP, .inside = target_settings, .help = "who is told of finished imports" },
	{ NULL },
};

char *imports_parser(const struct settings *imports)
{
	char self[4096];
	ssize_t len;

	if (settings_text(imports, "parser"))
		return mem_text(settings_text(imports, "parser"));
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len <= 0)
		return mem_text("usher-parse");
	self[len] = '\0';
	return mem_format("%.*s/usher-parse", (int)(strrchr(self, '/') - self), self);
}

struct imports *imports_open(struct daemon *daemon, struct err *err)
{
	const struct derived *derived = &daemon->derived;
	const struct settings *group = settings_group(daemon->settings, "imports");
	int64_t unpacked = (int64_t)settings_int(group, "unpacked_mb") << 20;
	struct imports *imports;
	char *parser;

	if (derived->data_dir == NULL)
		return NULL;
	parser = imports_parser(group);
	imports = imports_create(
		&(struct imports_options){ .io = daemon->io,
					   .web = daemon->web,
					   .control = daemon->control,
					   .data_dir = derived->data_dir,
					   .parser = parser,
					   .public_url = derived->public_url,
					   .key = derived->key_count > 0 ? derived->keys[0] : NULL,
					   .key_previous = derived->key_count > 1 ? derived->keys[1] : NULL,
					   .memory = (int64_t)settings_int(group, "parser_memory_mb") << 20,
					   .unpacked = unpacked,
					   .output = unpacked,
					   .seconds = (unsigned)settings_int(group, "parser_seconds") },
		err);
	free(parser);
	return imports;
}

static char *make_link(void *data, const char *org_id, const char *sha256, const char *name, const char *mime)
{
	struct daemon *daemon = data;

	return imports_link(daemon->imports, org_id, sha256, name, mime, daemon->derived.public_url == NULL);
}

static void acted(void *data, const char *json)
{
	struct daemon *daemon = data;

	core_acted(daemon->core, json);
	blobs_look(daemon->blobs);
}

static char *progress(void *data, int64_t import_id)
{
	const struct daemon *daemon = data;

	return core_import_progress(daemon->core, import_id);
}

bool imports_open_door(struct daemon *daemon, struct platform *api, struct err *err)
{
	char *folder;
	bool made;

	if (daemon->imports == NULL)
		return true;
	folder = mem_format("%s/uploads", daemon->derived.data_dir);
	made = mkdir(folder, 0700) == 0 || errno == EEXIST;
	if (made)
		api_use_imports(api, &(struct api_imports){ .folder = folder,
							    .max = daemon->derived.file_max,
							    .link = make_link,
							    .acted = acted,
							    .progress = progress,
							    .data = daemon });
	else
		err_set(err, ERR_REFUSED, "%s can't be made: %s", folder, strerror(errno));
	free(folder);
	return made;
}
