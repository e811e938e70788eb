/* Ids (sheet 9): 64 bits whose upper 42 are the milliseconds since the first moment of 2015. */
#include "discord_room.h"
#include <inttypes.h>
#include <stdio.h>

#define EPOCH_MS INT64_C(1420070400000)

const char *snowflake_text(snowflake id, char out[SNOWFLAKE_SIZE])
{
	out[0] = '\0';
	if (id != 0)
		snprintf(out, SNOWFLAKE_SIZE, "%" PRIu64, id);
	return out;
}

snowflake snowflake_parse(const char *text)
{
	snowflake id = 0;

	if (text == NULL || *text == '\0' || *text == '0')
		return 0; /* nobody writes leading zeros: two texts of one id would be two keys */
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (*text < '0' || *text > '9' || id > (UINT64_MAX - digit) / 10)
			return 0;
		id = id * 10 + digit;
	}
	return id;
}

snowflake snowflake_read(const json_t *value)
{
	if (json_is_string(value) && json_string_length(value) < SNOWFLAKE_SIZE)
		return snowflake_parse(json_string_value(value));
	return json_is_integer(value) && json_integer_value(value) > 0 ? (snowflake)json_integer_value(value)
								       : 0;
}

int64_t snowflake_ms(snowflake id)
{
	return (int64_t)(id >> 22) + EPOCH_MS;
}

snowflake snowflake_at(int64_t unix_ms)
{
	if (unix_ms <= EPOCH_MS)
		return 0;
	if (unix_ms - EPOCH_MS >= INT64_C(1) << 42)
		return UINT64_MAX;
	return (snowflake)(unix_ms - EPOCH_MS) << 22;
}
