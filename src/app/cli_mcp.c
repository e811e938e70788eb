/* `usher mcp`: a line in, a line out. The daemon does the work, over its control socket; when it is away each request is
 * answered with an error, and when it is back everything goes on, since no session is kept. */
#include "buf.h"
#include "cli.h"
#include "json.h"
#include "mem.h"
#include "served.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20, READ_BYTES = 65536, NO_DAEMON = -32000 };

/* A user's name inside of an address. */
static char *path_of(const char *user)
{
	struct buf path = { 0 };

	buf_text(&path, "/mcp");
	if (user)
		buf_text(&path, "?user=");
	for (; user && *user; user++)
		buf_format(&path, "%%%02X", (unsigned char)*user);
	return buf_take(&path);
}

/* False when nobody reads any more. */
static bool put_line(const char *text, size_t len)
{
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	return len == 0 ||
	       (fwrite(text, 1, len, stdout) == len && fputc('\n', stdout) != EOF && fflush(stdout) == 0);
}

static bool put_error(const json_t *id, int code, const char *why)
{
	char *text = served_error(id, code, why);
	bool put = put_line(text, strlen(text));

	free(text);
	return put;
}

/* The daemon's own errors ({"error":{"code":"...","message":...}}) are not messages of the protocol. */
static bool put_refusal(const json_t *id, const struct buf *answer, long status)
{
	json_t *value = json_read(buf_str(answer), answer->len, NULL);
	const json_t *error = json_object_get(value, "error");
	const char *why = json_text(error, "message");
	bool put;

	if (json_text(value, "jsonrpc"))
		put = put_line(answer->data, answer->len);
	else
		put = put_error(id, status == 404 || status == 401 ? SERVED_INVALID_REQUEST : SERVED_INTERNAL,
				why ? why : "the daemon refused without a reason");
	json_decref(value);
	return put;
}

static bool serve(struct cli *cli, const char *path, const char *line)
{
	struct buf answer = { 0 };
	struct err err;
	long status;
	json_t *message = json_read(line, strlen(line), &err);
	const json_t *id = json_object_get(message, "id");
	bool asked = (id && json_text(message, "method")) || json_is_array(message);
	int how;
	bool put = true;

	if (message == NULL)
		return put_error(NULL, SERVED_PARSE_ERROR, err.text);
	how = cli_post(cli, path, line, &answer, &status);
	if (how == CLI_OK && status >= 200 && status < 300)
		put = put_line(buf_str(&answer), answer.len);
	else if (how == CLI_OK)
		put = !asked && status != 400 ? true : put_refusal(id, &answer, status);
	else if (asked && how == CLI_NO_DAEMON)
		put = put_error(id, NO_DAEMON,
				"usher's daemon is not running; nothing was done. Start it with: usher run");
	else if (asked)
		put = put_error(id, NO_DAEMON,
				"usher's daemon ended or was too slow while it was asked; it is not known "
				"what was done");
	json_decref(message);
	buf_free(&answer);
	return put;
}

/* Whole lines of what was read. too_long: the rest of a line that was refused is passed over. */
static bool take_lines(struct cli *cli, const char *path, struct buf *in, bool *too_long)
{
	char *end;

	while (in->len && (end = memchr(in->data, '\n', in->len))) {
		size_t len = (size_t)(end - in->data) + 1;
		bool fine = true;

		*end = '\0';
		if (!*too_long && in->data[strspn(in->data, " \t\r")] != '\0')
			fine = serve(cli, path, in->data);
		*too_long = false;
		buf_drop(in, len);
		if (!fine)
			return false;
	}
	if (*too_long || in->len > LINE_MAX_BYTES) {
		bool first = !*too_long;

		*too_long = true;
		buf_clear(in);
		return !first || put_error(NULL, SERVED_INVALID_REQUEST, "a message has at most 1 MiB");
	}
	return true;
}

static void serve_all(struct cli *cli, const char *path)
{
	char *bytes = mem_zero(1, READ_BYTES);
	struct buf in = { 0 };
	bool too_long = false;
	ssize_t count;

	do {
		count = read(STDIN_FILENO, bytes, READ_BYTES);
		if (count > 0)
			buf_add(&in, bytes, (size_t)count);
	} while ((count > 0 && take_lines(cli, path, &in, &too_long)) || (count < 0 && errno == EINTR));
	buf_free(&in);
	free(bytes);
}

int cli_mcp(struct cli *cli)
{
	char *path = path_of(cli->user);
	int status = cli_ask(cli, path,
			     json_pack("{s:s, s:i, s:s}", "jsonrpc", "2.0", "id", 0, "method", "ping"), NULL);

	if (status == CLI_OK) {
		signal(SIGPIPE, SIG_IGN);
		serve_all(cli, path);
	}
	free(path);
	return status;
}
