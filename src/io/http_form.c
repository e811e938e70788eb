/* Forms with files in them: curl writes multipart/form-data, with a boundary of its own making. */
#include "http_room.h"
#include "mem.h"
#include <stdlib.h>

void http_form_keep(struct http_running *call, const struct http_part *parts, size_t count)
{
	call->part_count = count;
	call->parts = count > 0 ? mem_zero(count, sizeof(*call->parts)) : NULL;
	for (size_t i = 0; i < count; i++) {
		call->parts[i].name = mem_text(parts[i].name);
		call->parts[i].file_name = mem_text(parts[i].file_name);
		call->parts[i].type = mem_text(parts[i].type);
		call->parts[i].data = parts[i].len > 0 ? mem_copy(parts[i].data, parts[i].len) : NULL;
		call->parts[i].len = parts[i].len;
		call->parts[i].path = mem_text(parts[i].path);
	}
}

static void must(CURLcode code)
{
	if (code != CURLE_OK)
		abort(); /* out of memory, as in mem.c: nothing else fails here */
}

void http_form_set(struct http_running *call)
{
	call->form = curl_mime_init(call->easy);
	if (call->form == NULL)
		abort();
	for (size_t i = 0; i < call->part_count; i++) {
		const struct http_part *from = &call->parts[i];
		curl_mimepart *part = curl_mime_addpart(call->form);

		if (part == NULL)
			abort();
		must(curl_mime_name(part, from->name));
		/* One that is gone is sent empty: the receiver says what it thinks of that. */
		if (from->path == NULL || curl_mime_filedata(part, from->path) != CURLE_OK)
			must(curl_mime_data(part, from->len > 0 ? from->data : "", from->len));
		if (from->file_name != NULL)
			must(curl_mime_filename(part, from->file_name));
		if (from->type != NULL)
			must(curl_mime_type(part, from->type));
	}
	curl_easy_setopt(call->easy, CURLOPT_MIMEPOST, call->form);
}

void http_form_clear(struct http_running *call)
{
	if (call->form == NULL)
		return;
	curl_easy_setopt(call->easy, CURLOPT_MIMEPOST, NULL);
	curl_mime_free(call->form);
	call->form = NULL;
}

void http_form_free(struct http_running *call)
{
	for (size_t i = 0; i < call->part_count; i++) {
		free((void *)(uintptr_t)call->parts[i].name);
		free((void *)(uintptr_t)call->parts[i].file_name);
		free((void *)(uintptr_t)call->parts[i].type);
		free((void *)(uintptr_t)call->parts[i].data);
		free((void *)(uintptr_t)call->parts[i].path);
	}
	free(call->parts);
}
