/* rooms: base io markup discord */
/* Any answer of the REST API: nothing is certain that is not, and tokens are in no text. The same bytes as a path, as a
 * reply address, as a file, and as an address of one. */
#include "file_ref.h"
#include "mem.h"
#include "rest_room.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static const char bot_token[] = "MTk4NjIy.Cl2FMQ", path_token[] = "aW50ZXJh";

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct rest_reading *reading, const struct http_answer *http)
{
	const struct discord_answer *answer = &reading->answer;

	must((answer->how == DISCORD_OK) == (answer->why == NULL));
	must(answer->how != DISCORD_OK || (http->status >= 200 && http->status < 300));
	must((answer->how == DISCORD_LIMITED) == (reading->scope != REST_NO_SCOPE));
	must(answer->how != DISCORD_LIMITED ||
	     (answer->retry_ms > 0 && answer->retry_ms <= REST_RETRY_MAX_MS));
	must(answer->how != DISCORD_AUTH || http->status == 401);
	must(answer->how != DISCORD_REFUSED || http->status >= 400);
	must(answer->how != DISCORD_NOT_SENT || http->how == HTTP_NOT_SENT);
	must(answer->refusal == DISCORD_OTHER || answer->how == DISCORD_REFUSED);
	must(answer->code >= 0);
	if (answer->why != NULL) {
		must(strlen(answer->why) < REST_WHY_MAX && strchr(answer->why, '\n') == NULL);
		must(strstr(answer->why, bot_token) == NULL && strstr(answer->why, path_token) == NULL);
		must(text_valid(answer->why, strlen(answer->why)));
	}
}

static void read_answer(const uint8_t *data, const char *body, size_t len)
{
	const struct rest_asked asked = { .no_token = data[2] & 4,
					  .has_file = data[2] & 8,
					  .bot_token = bot_token,
					  .path_token = path_token };
	struct http_answer http = { .type = "", .retry_after_ms = data[2] & 16 ? data[1] * 1000 : -1 };
	struct rest_reading reading;

	http.how = (enum http_how)(data[2] % 3);
	http.status = http.how == HTTP_ANSWERED ? 200 + (data[0] << 8 | data[1]) % 400 : 0;
	http.body = body;
	http.len = len;
	if (http.how != HTTP_ANSWERED)
		err_set(&http.err, ERR_AGAIN, "%s", body);
	rest_reading_begin(&reading, &http, &asked);
	check(&reading, &http);
	rest_reading_finish(&reading);
}

static void read_path(const char *text)
{
	struct rest_name name = rest_name_of("GET", text);

	must(strchr(name.route, '?') == NULL);
	must(!name.channel || strncmp(name.major, "channels/", 9) == 0);
	must(name.secret == NULL || strstr(name.major, name.secret) != NULL);
	rest_name_finish(&name);
}

/* What is read can be written, and is read again as the same. */
static void read_place(const char *text)
{
	struct discord_place place, again;
	char *written;

	if (!discord_place_read(text, &place))
		return;
	must(place.channel != 0);
	must(place.token == NULL || strpbrk(place.token, "/?#%\\ ") == NULL);
	written = discord_place_write(&place);
	must(discord_place_read(written, &again));
	must(again.guild == place.guild && again.channel == place.channel && again.message == place.message &&
	     again.user == place.user && again.open_thread == place.open_thread &&
	     again.whisper == place.whisper && again.made_ms == place.made_ms);
	must(strcmp(again.thread_name, place.thread_name) == 0);
	must(place.token == NULL ? again.token == NULL : strcmp(place.token, again.token) == 0);
	free(written);
	discord_place_finish(&place);
	discord_place_finish(&again);
}

static void read_file(const char *text)
{
	struct discord_file_ref ref, again;
	char *written, *address;

	if (!discord_file_ref_read(text, &ref))
		return;
	written = discord_file_write(ref.channel, ref.message, ref.attachment, ref.url);
	must(discord_file_ref_read(written, &again));
	must(ref.channel == again.channel && ref.message == again.message &&
	     ref.attachment == again.attachment && strcmp(ref.url, again.url) == 0);
	free(written);
	discord_url_expired(ref.url, 1790000000000);
	address = discord_file_address(ref.url, NULL);
	must(address == NULL || strncasecmp(address, "https://", 8) == 0);
	free(address);
	address = discord_file_address(ref.url, "http://127.0.0.1:7/cdn");
	must(address == NULL || strncmp(address, "http://127.0.0.1:7/cdn/", 23) == 0);
	free(address);
}

/* Two bytes of status, one of what happened to the request, and the rest is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 3)
		return 0;
	text = mem_text_n((const char *)data + 3, size - 3);
	read_answer(data, text, size - 3);
	read_path(text);
	read_place(text);
	read_file(text);
	free(text);
	return 0;
}
