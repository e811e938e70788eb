/* From bytes to messages, the same for every wire. */
#include "mcp_room.h"
#include <string.h>

bool wire_take(const char *text, size_t len, const struct wire_events *events, void *owner, const bool *gone,
	       struct err *err)
{
	json_t *whole = json_read(text, len, err), *one;
	size_t i;

	if (whole == NULL)
		return false;
	if (!json_is_array(whole)) {
		events->message(owner, whole);
	} else {
		json_array_foreach (whole, i, one) {
			events->message(owner, one);
			if (gone && *gone)
				break;
		}
	}
	json_decref(whole);
	return true;
}
