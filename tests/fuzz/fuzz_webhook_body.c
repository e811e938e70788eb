/* rooms: base io webhook */
/* Any body under any content type, mapped by the default pointers: no fault, no invalid text, nothing over a
 * limit. */
#include "config.h"
#include "mem.h"
#include "settings_build.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static const char *const types[] = {
	NULL,
	"application/json",
	"application/cloudevents+json",
	"application/x-www-form-urlencoded",
	"text/plain; charset=utf-8",
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_text(const char *text)
{
	must(text == NULL || text_valid(text, strlen(text)));
}

static const struct mapping *mapping(void)
{
	static struct hook_config config;
	struct settings *settings;

	if (config.arena)
		return &config.mapping;
	settings = settings_create(webhook_settings, "platforms.webhook[0]", "fuzz:1");
	must(settings_put(settings, "name", "crm", "fuzz:1", NULL) &&
	     settings_put(settings, "auth", "none", "fuzz:1", NULL) && settings_finish(settings, NULL) &&
	     hook_config_read(&config, settings, NULL));
	settings_destroy(settings);
	return &config.mapping;
}

/* The first byte chooses the content type, or (beyond the table) the body's first line is one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mapped mapped = { 0 };
	struct err err = { 0 };
	size_t kind = size ? data[0] % 6 : 0;
	char *body = mem_text_n(size ? (const char *)data + 1 : "", size ? size - 1 : 0);
	size_t len = size ? size - 1 : 0;
	char *type = NULL, *rest = body;

	if (kind == 5) {
		size_t line = strcspn(body, "\n");

		type = mem_text_n(body, line);
		rest = body + line + (line < len);
		len -= line + (line < len);
	}
	if (hook_map(mapping(), kind == 5 ? type : types[kind], rest, len, &mapped, &err) == BODY_OK) {
		must_be_text(mapped.text);
		must_be_text(mapped.sender_name);
		must_be_text(mapped.id);
		must(mapped.sender != NULL && mapped.conversation != NULL &&
		     mapped.file_count <= MESSAGE_FILES_MAX);
		must(mapped.sender_name == NULL || strlen(mapped.sender_name) <= MESSAGE_NAME_MAX);
		for (size_t i = 0; i < mapped.file_count; i++)
			must_be_text(mapped.files[i].url);
	} else {
		must(err.kind == ERR_REFUSED);
	}
	hook_mapped_finish(&mapped);
	free(type);
	free(body);
	return 0;
}
