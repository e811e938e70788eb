/* Answers: whole lines of JSON, each written with one call as long as the pipe takes it. */
#include "buf.h"
#include "json.h"
#include "parse_room.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const CODES[] = { "encrypted", "damaged", "unsupported", "too_large",
				     "too_slow",  "empty",   "spec",	    "sandbox" };

static void line_write(int fd, const char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, data + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(1); /* nobody listens any more */
		at += (size_t)n;
	}
}

/* Takes the reference. */
static void answer(const struct parse *parse, const char *key, json_t *value)
{
	json_t *line = json_object();
	struct buf text = { 0 };
	char *json;

	json_object_set_new(line, key, value);
	json = json_write(line);
	json_decref(line);
	buf_text(&text, json);
	buf_text(&text, "\n");
	if (parse->answers >= 0)
		line_write(parse->answers, text.data, text.len);
	buf_free(&text);
	free(json);
}

void answer_checked(const struct parse *parse, const char *kind, const char *mime)
{
	answer(parse, "checked", json_pack("{s:s, s:s}", "kind", kind, "mime", mime));
}

void answer_progress(const struct parse *parse)
{
	answer(parse, "progress",
	       json_pack("{s:I, s:I, s:I}", "bytes", (json_int_t)parse->bytes, "rows",
			 (json_int_t)parse->rows, "pages", (json_int_t)parse->pages));
}

void answer_done(const struct parse *parse, const json_t *result)
{
	answer(parse, "done", json_deep_copy(result));
}

void answer_failed(const struct parse *parse, const struct err *err)
{
	const char *code = "damaged", *message = err->text, *colon = strstr(err->text, ": ");

	for (size_t i = 0; colon != NULL && i < sizeof(CODES) / sizeof(CODES[0]); i++)
		if (strlen(CODES[i]) == (size_t)(colon - err->text) &&
		    strncmp(CODES[i], err->text, strlen(CODES[i])) == 0) {
			code = CODES[i];
			message = colon + 2;
		}
	answer(parse, "failed", json_pack("{s:s, s:s}", "code", code, "message", message));
}
