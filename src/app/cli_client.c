/* Talking to the daemon: HTTP over its control socket, by libcurl. */
#include "buf.h"
#include "cli.h"
#include "json.h"
#include "mem.h"
#include "settings_file.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 << 20, ASK_SECONDS = 150 };

struct exchange {
	struct buf body;  /* the answer, or what waits for the end of an event */
	struct buf event; /* name of the event being read */
	cli_event_fn *fn; /* NULL: gather the whole body */
	void *data;
	CURL *curl;
};

const char *cli_socket(struct cli *cli)
{
	struct err err = { 0 };

	if (cli->socket)
		return cli->socket;
	cli->settings = cli->secrets ? config_load(config_path(cli->config), &err)
				     : config_load_open(config_path(cli->config), &err);
	if (cli->settings == NULL) {
		fprintf(stderr, "usher: %s\n", err.text);
		return NULL;
	}
	cli->socket = config_socket(cli->settings);
	return cli->socket;
}

/* One line of an event stream (the HTML standard, "server-sent events"). */
static void take_line(struct exchange *x, const char *line)
{
	struct err err;
	json_t *payload;

	if (strncmp(line, "event: ", 7) == 0) {
		buf_clear(&x->event);
		buf_text(&x->event, line + 7);
	} else if (strncmp(line, "data: ", 6) == 0) {
		payload = json_read(line + 6, strlen(line + 6), &err);
		if (payload)
			x->fn(x->data, buf_str(&x->event), payload);
		json_decref(payload);
	}
}

static void take_lines(struct exchange *x)
{
	char *end;

	while (x->body.data && (end = memchr(x->body.data, '\n', x->body.len))) {
		*end = '\0';
		take_line(x, x->body.data);
		buf_drop(&x->body, (size_t)(end - x->body.data) + 1);
	}
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
	struct exchange *x = user;
	size_t len = size * count;
	long status = 0;

	if (x->body.len + len > ANSWER_MAX)
		return 0;
	buf_add(&x->body, data, len);
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	if (x->fn && status == 200)
		take_lines(x);
	return len;
}

static int explain_failure(const struct cli *cli, CURLcode code)
{
	if (cli->quiet)
		return code == CURLE_COULDNT_CONNECT ? CLI_NO_DAEMON : CLI_FAILED;
	if (code == CURLE_COULDNT_CONNECT && access(cli->socket, W_OK) != 0 && errno == EACCES) {
		fprintf(stderr,
			"usher: the socket %s is closed to you: be root or the user the daemon runs as\n",
			cli->socket);
		return CLI_FAILED;
	}
	if (code == CURLE_COULDNT_CONNECT) {
		fprintf(stderr,
			"usher: no daemon answers on %s. Start it with: usher run   (or name its settings "
			"with --config)\n",
			cli->socket);
		return CLI_NO_DAEMON;
	}
	fprintf(stderr, "usher: the daemon did not answer: %s\n", curl_easy_strerror(code));
	return CLI_FAILED;
}

/* {"error":{"message":...}} as a sentence. */
static int explain_refusal(const struct exchange *x)
{
	struct err err;
	json_t *answer = json_read(buf_str(&x->body), x->body.len, &err);
	const char *message = json_text(json_object_get(answer, "error"), "message");

	fputs("usher: ", stderr);
	cli_put(stderr, message ? message : "the daemon refused without a reason");
	fputs("\n", stderr);
	json_decref(answer);
	return CLI_FAILED;
}

/* Performs one request. The body's text is freed here. */
static CURLcode perform(struct cli *cli, const char *path, char *body, bool stream, struct exchange *x,
			long *status_out)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char *url = mem_format("http://localhost%s", path);
	CURLcode code;

	if (stream)
		headers = curl_slist_append(headers, "Accept: text/event-stream");
	x->curl = curl_easy_init();
	curl_easy_setopt(x->curl, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
	curl_easy_setopt(x->curl, CURLOPT_URL, url);
	curl_easy_setopt(x->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(x->curl, CURLOPT_TIMEOUT, (long)(stream ? 0 : ASK_SECONDS));
	if (body)
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(x->curl);
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, status_out);
	curl_easy_cleanup(x->curl);
	curl_slist_free_all(headers);
	free(url);
	free(body);
	return code;
}

static int exchange(struct cli *cli, const char *path, char *body, bool stream, struct exchange *x)
{
	long status = 0;
	CURLcode code = perform(cli, path, body, stream, x, &status);

	if (code != CURLE_OK)
		return explain_failure(cli, code);
	if (status >= 200 && status < 300)
		return CLI_OK;
	return cli->quiet ? CLI_FAILED : explain_refusal(x);
}

int cli_ask(struct cli *cli, const char *path, json_t *body, json_t **answer_out)
{
	struct exchange x = { 0 };
	int status;

	if (cli_socket(cli) == NULL) {
		json_decref(body);
		return CLI_FAILED;
	}
	status = exchange(cli, path, body ? json_write(body) : NULL, false, &x);
	json_decref(body);
	if (status == CLI_OK && answer_out) {
		*answer_out = json_loadb(buf_str(&x.body), x.body.len, JSON_DECODE_ANY, NULL);
		if (*answer_out == NULL) {
			fputs("usher: the daemon's answer is not JSON; is it of another version?\n", stderr);
			status = CLI_FAILED;
		}
	}
	buf_free(&x.body);
	return status;
}

int cli_post(struct cli *cli, const char *path, const char *text, struct buf *answer_out, long *status_out)
{
	struct exchange x = { 0 };
	CURLcode code;

	*status_out = 0;
	if (cli_socket(cli) == NULL)
		return CLI_FAILED;
	code = perform(cli, path, mem_text(text), false, &x, status_out);
	*answer_out = x.body;
	if (code == CURLE_OK)
		return CLI_OK;
	*status_out = 0;
	return code == CURLE_COULDNT_CONNECT ? CLI_NO_DAEMON : CLI_FAILED;
}

int cli_stream(struct cli *cli, const char *path, json_t *body, cli_event_fn *fn, void *data)
{
	struct exchange x = { .fn = fn, .data = data };
	int status = CLI_FAILED;

	if (cli_socket(cli))
		status = exchange(cli, path, json_write(body), true, &x);
	json_decref(body);
	buf_free(&x.body);
	buf_free(&x.event);
	return status;
}

static int ask_named(struct cli *cli, const char *kind, const char *name, const char *const *args,
		     size_t count, json_t **answer_out)
{
	json_t *list = json_array(), *body = json_object();
	char *path = mem_format("/admin/%s/%s", kind, name);
	int status;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, args[i] ? json_string(args[i]) : json_null());
	json_object_set_new(body, "args", list);
	status = cli_ask(cli, path, body, answer_out);
	free(path);
	return status;
}

int cli_report(struct cli *cli, const char *name, const char *const *args, size_t count, json_t **answer_out)
{
	return ask_named(cli, "report", name, args, count, answer_out);
}

int cli_act(struct cli *cli, const char *name, const char *const *args, size_t count, json_t **answer_out)
{
	return ask_named(cli, "act", name, args, count, answer_out);
}
