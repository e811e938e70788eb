/* A file of a message as one line of text: what fetching it needs, when the payload is long gone (sheet 15.1). */
#include "buf.h"
#include "decode.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

#define NO_ADDRESS "slack-file:"

/* Why there is nothing to fetch from, or NULL. */
static const char *why_not(const json_t *file)
{
	const char *mode = json_text(file, "mode"), *access = json_text(file, "file_access");

	if (mode && (strcmp(mode, "tombstone") == 0 || strcmp(mode, "hidden_by_limit") == 0))
		return mode;
	if (json_is_true(json_object_get(file, "is_external")) || (mode && strcmp(mode, "external") == 0))
		return "external";
	if (access && strcmp(access, "check_file_info") == 0)
		return "check_file_info";
	return NULL;
}

static const char *address(const json_t *file)
{
	const char *url = json_text(file, "url_private_download");

	if (url == NULL || *url == '\0')
		url = json_text(file, "url_private");
	return url && *url && strlen(url) < MESSAGE_REPLY_TO_MAX - SLACK_ID_MAX - 1 &&
			       strchr(url, '#') == NULL
		       ? url
		       : NULL;
}

char *slack_file_url(const json_t *file)
{
	const char *id = slack_id(file, "id"), *why = why_not(file), *url = address(file);

	if (id == NULL)
		return NULL;
	if (why == NULL && url)
		return mem_format("%s#%s", url, id);
	return mem_format(NO_ADDRESS "%s?%s", id, why ? why : "check_file_info");
}

static bool copy_id(char out[SLACK_ID_MAX + 1], const char *from, size_t len)
{
	if (len == 0 || len > SLACK_ID_MAX)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return slack_id_check(out) != NULL;
}

bool slack_file_ref_read(const char *text, struct slack_file_ref *ref)
{
	const char *mark;

	*ref = (struct slack_file_ref){ 0 };
	if (text == NULL || strlen(text) > MESSAGE_REPLY_TO_MAX)
		return false;
	if (strncmp(text, NO_ADDRESS, strlen(NO_ADDRESS)) == 0) {
		text += strlen(NO_ADDRESS);
		mark = strchr(text, '?');
		return mark && copy_id(ref->id, text, (size_t)(mark - text)) &&
		       copy_id(ref->why, mark + 1, strlen(mark + 1));
	}
	mark = strrchr(text, '#');
	if (mark == NULL || !copy_id(ref->id, mark + 1, strlen(mark + 1)))
		return false;
	memcpy(ref->url, text, (size_t)(mark - text));
	return true;
}
