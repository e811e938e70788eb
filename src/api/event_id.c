/* Reads, prints and compares the ids of server-sent events. */
#include "event_id.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* FNV-1a, 32 bits: it guards a client against our mistakes and its own, not against an enemy. */
enum { FNV_PRIME = 0x01000193u };
static const uint32_t fnv_start = 0x811c9dc5u;

struct event_id event_id_start(void)
{
	return (struct event_id){ .check = fnv_start, .checked = true };
}

void event_id_pass(struct event_id *id, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		id->check = (id->check ^ (unsigned char)text[i]) * FNV_PRIME;
	id->offset += len;
}

static bool inside_character(const char *text, size_t len, size_t at)
{
	return at < len && ((unsigned char)text[at] & 0xc0) == 0x80;
}

bool event_id_fits(const struct event_id *id, const char *text, size_t len, unsigned attempt)
{
	struct event_id ours = event_id_start();

	if (id->offset > len || inside_character(text, len, id->offset))
		return false;
	if (!id->checked)
		return id->attempt == attempt || id->offset == 0;
	event_id_pass(&ours, text, id->offset);
	return ours.check == id->check;
}

char *event_id_print(const struct event_id *id, const char *uuid, char out[EVENT_ID_SIZE])
{
	snprintf(out, EVENT_ID_SIZE, "%s.%u.%zu.%08x", uuid, id->attempt, id->offset, id->check);
	return out;
}

/* Digits up to the next dot or the end. */
static bool take_number(const char **at, int base, uint64_t max, uint64_t *value_out)
{
	char *end;

	if (strspn(*at, base == 16 ? "0123456789abcdef" : "0123456789") == 0 || strcspn(*at, ".") > 10)
		return false;
	*value_out = strtoull(*at, &end, base);
	if (*value_out > max || (*end != '.' && *end != '\0'))
		return false;
	*at = *end == '.' ? end + 1 : end;
	return true;
}

bool event_id_parse(const char *text, const char *uuid, struct event_id *id_out)
{
	uint64_t attempt, offset, check = 0;
	const char *at;

	*id_out = event_id_start();
	if (text == NULL || *text == '\0')
		return false;
	id_out->given = true;
	if (strncasecmp(text, uuid, 36) != 0 || text[36] != '.')
		return false;
	at = text + 37;
	if (!take_number(&at, 10, UINT32_MAX, &attempt) || at[-1] != '.' ||
	    !take_number(&at, 10, UINT32_MAX, &offset))
		return false;
	id_out->checked = at[-1] == '.';
	if (id_out->checked && (!take_number(&at, 16, UINT32_MAX, &check) || *at != '\0' || at[-1] == '.')) {
		*id_out = event_id_start();
		id_out->given = true;
		return false;
	}
	id_out->attempt = (unsigned)attempt;
	id_out->offset = offset;
	id_out->check = (uint32_t)check;
	return true;
}

size_t event_id_whole(const char *text, size_t len)
{
	size_t start = len;
	unsigned char lead;
	size_t need;

	while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0 || len - start >= 4)
		return len; /* not UTF-8 at all: nothing to protect */
	lead = (unsigned char)text[start - 1];
	need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	return len - (start - 1) < need ? start - 1 : len;
}
