/* What clients read about a message: its answer (seed 004) or its state. Written straight into the buffer. */
#include "api_room.h"
#include "json.h"
#include <string.h>

bool answer_final(enum message_state state)
{
	return state != MESSAGE_ACCEPTED && state != MESSAGE_CLAIMED;
}

void answer_print_ids(struct buf *json, int64_t conversation_id, const char *conversation_uuid,
		      const char *uuid)
{
	buf_format(json, "\"conversation_id\":%lld,\"conversation_uuid\":\"%s\",\"message_id\":\"%s\"",
		   (long long)conversation_id, conversation_uuid ? conversation_uuid : "", uuid);
}

static void print_response(struct buf *json, const struct call *call, const struct outgoing *out)
{
	const char *text = out->text ? out->text : "";

	buf_text(json, ",\"response\":");
	json_quote(json, text, strlen(text));
	buf_text(json, ",\"tool_calls\":");
	buf_text(json, out->tool_calls ? out->tool_calls : "[]");
	if (out->choices)
		buf_format(json, ",\"choices\":%s", out->choices);
	/* Who sent files finds "files" in any case. */
	if (out->files || call->import_ids)
		buf_format(json, ",\"files\":%s", out->files ? out->files : "[]");
}

void answer_print_imports(struct buf *json, const struct call *call)
{
	if (call->import_ids)
		buf_format(json, ",\"import_ids\":%s", call->import_ids);
}

void answer_print(struct buf *json, const struct call *call, const struct outgoing *out)
{
	buf_text(json, "{");
	answer_print_ids(json, out->conversation_id, out->conversation_uuid, call->uuid);
	print_response(json, call, out);
	answer_print_imports(json, call);
	buf_text(json, "}");
}

void answer_print_state(struct buf *json, const struct call *call, const struct outgoing *out)
{
	enum message_state state = out ? out->state : call->state;

	buf_text(json, "{");
	answer_print_ids(json, call->conversation_id, call->conversation_uuid, call->uuid);
	buf_format(json, ",\"status\":\"%s\"", message_state_name(state));
	answer_print_imports(json, call);
	if (out && state == MESSAGE_ANSWERED) {
		print_response(json, call, out);
	} else if (out && answer_final(state)) {
		buf_text(json, ",\"error\":");
		error_print(json, error_of_end(state, out->reason), out->text);
	}
	buf_text(json, "}");
}
