/* Cuts a byte stream into server-sent events: lines first, then fields, then events at blank lines. */
#include "sse.h"
#include <string.h>

static bool dispatch(struct sse *sse, sse_fn *fn, void *owner)
{
	bool more = true;

	if (sse->has_id) {
		buf_clear(&sse->last_id);
		buf_add(&sse->last_id, buf_str(&sse->id), sse->id.len);
		sse->has_id = false;
	}
	if (sse->has_data)
		more = fn(owner, sse->event, buf_str(&sse->data), sse->data.len);
	buf_clear(&sse->data);
	sse->has_data = false;
	sse->event[0] = '\0';
	return more;
}

static bool add_data(struct sse *sse, const char *value, size_t len)
{
	if (sse->data.len + len > sse->line_max)
		return false;
	if (sse->has_data)
		buf_add(&sse->data, "\n", 1);
	buf_add(&sse->data, value, len);
	sse->has_data = true;
	return true;
}

static void take_id(struct sse *sse, const char *value, size_t len)
{
	if (memchr(value, '\0', len))
		return;
	buf_clear(&sse->id);
	buf_add(&sse->id, value, len);
	sse->has_id = true;
}

static void take_retry(struct sse *sse, const char *value, size_t len)
{
	unsigned wait = 0;

	if (len == 0 || len > 9) /* more is no plan */
		return;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return;
		wait = wait * 10 + (unsigned)(value[i] - '0');
	}
	sse->has_retry = true;
	sse->retry_ms = wait;
}

static void take_event(struct sse *sse, const char *value, size_t len)
{
	size_t fit = len < sizeof(sse->event) - 1 ? len : sizeof(sse->event) - 1;

	memcpy(sse->event, value, fit);
	sse->event[fit] = '\0';
}

static bool take_line(struct sse *sse, const char *line, size_t len, sse_fn *fn, void *owner)
{
	const char *colon, *value;
	size_t name, value_len;

	if (!sse->begun && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	sse->begun = true;
	if (len == 0)
		return dispatch(sse, fn, owner);
	colon = memchr(line, ':', len);
	name = colon ? (size_t)(colon - line) : len;
	value = colon ? colon + 1 : line + len;
	value_len = len - name - (colon != NULL);
	if (value_len > 0 && *value == ' ') {
		value++;
		value_len--;
	}
	if (name == 4 && memcmp(line, "data", 4) == 0)
		return add_data(sse, value, value_len);
	if (name == 5 && memcmp(line, "event", 5) == 0)
		take_event(sse, value, value_len);
	else if (name == 2 && memcmp(line, "id", 2) == 0)
		take_id(sse, value, value_len);
	else if (name == 5 && memcmp(line, "retry", 5) == 0)
		take_retry(sse, value, value_len);
	return true; /* comments and unknown fields */
}

/* The line's rest is in `bytes`; an earlier part may wait in sse->line. */
static bool end_line(struct sse *sse, const char *bytes, size_t len, sse_fn *fn, void *owner)
{
	bool more;

	if (sse->line.len + len > sse->line_max)
		return false;
	if (sse->line.len == 0)
		return take_line(sse, bytes, len, fn, owner);
	buf_add(&sse->line, bytes, len);
	more = take_line(sse, sse->line.data, sse->line.len, fn, owner);
	buf_clear(&sse->line);
	return more;
}

static size_t until_break(const char *bytes, size_t len)
{
	const char *lf = memchr(bytes, '\n', len);
	size_t most = lf ? (size_t)(lf - bytes) : len;
	const char *cr = memchr(bytes, '\r', most);

	return cr ? (size_t)(cr - bytes) : most;
}

bool sse_feed(struct sse *sse, const char *bytes, size_t len, sse_fn *fn, void *owner)
{
	while (len > 0 && !sse->dead) {
		size_t line;

		if (sse->after_cr && *bytes == '\n') { /* the second half of CR LF */
			sse->after_cr = false;
			bytes++;
			len--;
			continue;
		}
		sse->after_cr = false;
		line = until_break(bytes, len);
		if (line == len) {
			sse->dead = sse->line.len + len > sse->line_max;
			if (!sse->dead)
				buf_add(&sse->line, bytes, len);
			break;
		}
		sse->after_cr = bytes[line] == '\r';
		sse->dead = !end_line(sse, bytes, line, fn, owner);
		bytes += line + 1;
		len -= line + 1;
	}
	return !sse->dead;
}

bool sse_end(struct sse *sse, sse_fn *fn, void *owner)
{
	if (sse->dead)
		return false;
	sse->dead = (sse->line.len > 0 && !end_line(sse, "", 0, fn, owner)) || !dispatch(sse, fn, owner);
	return !sse->dead;
}

void sse_finish(struct sse *sse)
{
	buf_free(&sse->line);
	buf_free(&sse->data);
	buf_free(&sse->last_id);
	buf_free(&sse->id);
}
