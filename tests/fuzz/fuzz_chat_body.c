/* rooms: base io db store mcpserver api */
#include "chat_body.h"
#include "event_id.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken must keep every promise made to the core; what is refused must have a code. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char uuid[] = "01900000-0000-7000-8000-000000000001";
	char *text = mem_text_n((const char *)data, size), key[CHAT_KEY_MAX + 1], printed[EVENT_ID_SIZE];
	enum api_error error = API_ERRORS;
	struct chat_body body;
	struct event_id id;
	struct err err;

	if (chat_body_read((const char *)data, size, &body, &error, &err)) {
		size_t len = strlen(body.message);

		if (len == 0 || len > MESSAGE_TEXT_MAX || !text_valid(body.message, len) ||
		    text_blank(body.message) || body.conversation_id < 0 ||
		    (body.conversation_id && body.conversation_uuid))
			abort();
	} else if (error >= API_ERRORS || err.text[0] == '\0') {
		abort();
	}
	chat_body_finish(&body);
	if (chat_body_key(text, key) && (*key == '\0' || strlen(key) > CHAT_KEY_MAX))
		abort();
	chat_body_type(text);
	if (event_id_parse(text, uuid, &id) && id.checked) {
		struct event_id again;

		if (!event_id_parse(event_id_print(&id, uuid, printed), uuid, &again) ||
		    again.offset != id.offset || again.check != id.check || again.attempt != id.attempt)
			abort();
	}
	if (event_id_whole(text, strlen(text)) > size)
		abort();
	free(text);
	return 0;
}
