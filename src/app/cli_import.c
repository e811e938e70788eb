/* The commands about files: sending them from this machine, and what became of imports. */
#include "buf.h"
#include "cli.h"
#include "json.h"
#include "mem.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANSWER_MAX = 16 << 20, SEND_SECONDS = 900 };

/* ---- sending ---------------------------------------------------------------------------------------------- */

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
	struct buf *answer = user;

	if (answer->len + size * count > ANSWER_MAX)
		return 0;
	buf_add(answer, data, size * count);
	return size * count;
}

/* A line that is written over on a terminal. */
static int on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t total, curl_off_t sent)
{
	int *shown = user, percent = total > 0 ? (int)(sent * 100 / total) : 0;

	(void)down_total, (void)down;
	if (total > 0 && percent != *shown)
		fprintf(stderr, percent < 100 ? "\rsending: %d %%" : "\rsent; it is being read\n", percent);
	if (total > 0)
		*shown = percent;
	return 0;
}

static curl_mime *make_form(CURL *curl, struct cli *cli)
{
	curl_mime *form = curl_mime_init(curl);
	curl_mimepart *part;

	if (cli->as) {
		part = curl_mime_addpart(form);
		curl_mime_name(part, "prompt");
		curl_mime_data(part, cli->as, CURL_ZERO_TERMINATED);
	}
	for (size_t i = 0; i < cli->count; i++) {
		struct stat found;

		if (stat(cli->args[i], &found) == 0 && S_ISDIR(found.st_mode)) {
			fprintf(stderr, "usher: %s is a folder: name the files in it\n", cli->args[i]);
			curl_mime_free(form);
			return NULL;
		}
		part = curl_mime_addpart(form);
		curl_mime_name(part, "file");
		if (access(cli->args[i], R_OK) != 0 || curl_mime_filedata(part, cli->args[i]) != CURLE_OK) {
			fprintf(stderr, "usher: %s can't be read: %s\n", cli->args[i], strerror(errno));
			curl_mime_free(form);
			return NULL;
		}
	}
	return form;
}

static CURLcode send_form(CURL *curl, struct cli *cli, curl_mime *form, struct buf *answer, long *status_out)
{
	char *user = cli->user ? curl_easy_escape(curl, cli->user, 0) : NULL;
	char *url = mem_format("http://localhost/api/me/imports%s%s", user ? "?user=" : "", user ? user : "");
	int shown = -1;
	CURLcode code;

	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SEND_SECONDS);
	if (isatty(STDERR_FILENO) && !cli->json) {
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &shown);
	} else if (!cli->json)
		fprintf(stderr, "sending %zu file%s\n", cli->count, cli->count == 1 ? "" : "s");
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status_out);
	curl_free(user);
	free(url);
	return code;
}

/* What is still worked on when the daemon lets go of the connection is asked for until it has ended. Takes answer. */
static json_t *wait_for_end(struct cli *cli, json_t *answer)
{
	char *user = cli->user ? curl_easy_escape(NULL, cli->user, 0) : NULL;
	const char *id = json_text(answer, "message_id"), *state = json_text(answer, "status");
	char *path =
		mem_format("/api/me/messages/%s%s%s", id ? id : "", user ? "?user=" : "", user ? user : "");

	while (answer && id && state && (strcmp(state, "accepted") == 0 || strcmp(state, "claimed") == 0)) {
		json_t *ids = json_incref(json_object_get(answer, "import_ids")), *next = NULL;

		sleep(1);
		if (cli_ask(cli, path, NULL, &next) == CLI_OK)
			json_object_set(next, "import_ids", ids);
		json_decref(ids);
		json_decref(answer);
		answer = next;
		id = json_text(answer, "message_id");
		state = json_text(answer, "status");
	}
	curl_free(user);
	free(path);
	return answer;
}

static void print_answer(const struct cli *cli, const json_t *answer)
{
	const json_t *ids = json_object_get(answer, "import_ids"), *files = json_object_get(answer, "files");
	const char *response = json_text(answer, "response");
	const json_t *one;
	size_t i;

	json_array_foreach (ids, i, one)
		printf("import %lld\n", (long long)json_integer_value(one));
	cli_put_words(stdout, response ? response : "");
	if (cli->out)
		return; /* they are written */
	json_array_foreach (files, i, one) {
		const char *name = json_text(one, "name"), *link = json_text(one, "link");

		fputs("file: ", stdout);
		cli_put(stdout, name ? name : "");
		printf("  %s\n", link ? link : "");
	}
}

static int explain(const struct cli *cli, CURLcode code, const json_t *answer)
{
	const char *why = json_text(json_object_get(answer, "error"), "message");

	if (code == CURLE_COULDNT_CONNECT) {
		fprintf(stderr, "usher: no daemon answers on %s. Start it with: usher run\n", cli->socket);
		return CLI_NO_DAEMON;
	}
	if (why == NULL && code != CURLE_OK) {
		fprintf(stderr, "usher: the daemon did not answer: %s\n", curl_easy_strerror(code));
		return CLI_FAILED;
	}
	fputs("usher: ", stderr);
	cli_put(stderr, why ? why : "the daemon's answer is not understood; is it of another version?");
	fputs("\n", stderr);
	return CLI_FAILED;
}

/* Says which files were not taken: an answer may be friendly about it, a script is not to go on. */
static int check_taken(struct cli *cli, const json_t *answer)
{
	int result = CLI_OK;
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(answer, "import_ids"), i, one) {
		char id[24];
		json_t *import = NULL;
		const char *state, *name, *why;

		snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(one));
		if (cli_report(cli, "import", (const char *const[]){ id }, 1, &import) != CLI_OK)
			return CLI_FAILED;
		state = json_text(import, "status");
		if (state && strcmp(state, "failed") == 0) {
			name = json_text(import, "file");
			why = json_text(import, "error");
			fputs("usher: ", stderr);
			cli_put(stderr, name ? name : id);
			fputs(" was not taken: ", stderr);
			cli_put(stderr, why ? why : "no reason is known");
			fputs("\n", stderr);
			result = CLI_FAILED;
		}
		json_decref(import);
	}
	return result;
}

static int print_end(struct cli *cli, const json_t *answer)
{
	const json_t *files = json_object_get(answer, "files");
	int result = CLI_OK;
	char *text;

	if (json_object_get(answer, "error"))
		return explain(cli, CURLE_OK, answer);
	if (cli->json) {
		text = json_write(answer);
		puts(text);
		free(text);
	} else {
		print_answer(cli, answer);
	}
	if (cli->out && json_array_size(files))
		result = cli_write_files(cli, files);
	return check_taken(cli, answer) == CLI_OK ? result : CLI_FAILED;
}

static int tell(struct cli *cli, CURLcode code, long status, const struct buf *text)
{
	json_t *answer = json_read(buf_str(text), text->len, NULL);
	int result;

	if (code != CURLE_OK || status < 200 || status > 299 || answer == NULL) {
		result = explain(cli, code, answer);
	} else {
		answer = wait_for_end(cli, answer);
		result = answer ? print_end(cli, answer) : CLI_FAILED;
	}
	json_decref(answer);
	return result;
}

int cli_import(struct cli *cli)
{
	struct buf answer = { 0 };
	curl_mime *form;
	long status = 0;
	CURLcode code;
	CURL *curl;
	int result = CLI_FAILED;

	if (cli_socket(cli) == NULL)
		return CLI_FAILED;
	curl = curl_easy_init();
	form = make_form(curl, cli);
	if (form) {
		code = send_form(curl, cli, form, &answer, &status);
		result = tell(cli, code, status, &answer);
	}
	curl_mime_free(form);
	curl_easy_cleanup(curl);
	buf_free(&answer);
	return result;
}

/* ---- what became of them ------------------------------------------------------------------------------------ */

static int import_list(struct cli *cli)
{
	const char *const columns[] = { "import_id", "file",  "kind",	 "size",
					"status",    "error", "sent_by", "created_at" };
	json_t *rows, *row, *table;
	size_t i;
	int status = cli_report(cli, "imports", NULL, 0, &rows);

	if (status != CLI_OK || cli->json) {
		if (status == CLI_OK)
			cli_print(cli, rows, "");
		return status;
	}
	table = json_array();
	json_array_foreach (rows, i, row) {
		const char *state = json_text(row, "status"), *progress = json_text(row, "progress");
		json_t *line = json_object();

		if (state && progress)
			json_object_set_new(row, "status", json_sprintf("%s: %s", state, progress));
		for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
			json_object_set(line, columns[c], json_object_get(row, columns[c]));
		json_array_append_new(table, line);
	}
	json_decref(rows);
	cli_print(cli, table, "No files yet. Send one with: usher import FILE");
	return CLI_OK;
}

static int import_show(struct cli *cli)
{
	return cli_show(cli, "import", cli->args, 1, "");
}

static int import_retry(struct cli *cli)
{
	return cli_do(cli, "import_retry", cli->args, 1,
		      "It is read and answered once more, as a new import.");
}

static int import_post(struct cli *cli)
{
	return cli_do(cli, "import_post", cli->args, 1, "It is posted to the target again, from now on.");
}

static int import_cancel(struct cli *cli)
{
	return cli_do(cli, "import_cancel", cli->args, 1,
		      "Cancelled: its sender is told so with the answer.");
}

static int import_delete(struct cli *cli)
{
	return cli_do(cli, "import_delete", cli->args, 1,
		      "Deleted, with what is known from it, the files made of it, and what the model was "
		      "given of it.\n"
		      "What was said about it in conversations stays; usher audit erase takes that away.");
}

const struct command cli_import_verbs[] = {
	{ "list", "", "the newest imports: files that people sent, and where they are", 0, 0, import_list,
	  NULL },
	{ "show", "IMPORT", "one with its outline, its way, and the files made of it", 1, 1, import_show,
	  NULL },
	{ "retry", "IMPORT", "read and answer it again, when it has ended", 1, 1, import_retry, NULL },
	{ "post", "IMPORT", "post it to imports.target again, when that was given up or waits", 1, 1,
	  import_post, NULL },
	{ "cancel", "IMPORT", "end it while it is being read", 1, 1, import_cancel, NULL },
	{ "delete", "IMPORT", "erase it and everything that came of it", 1, 1, import_delete, NULL },
	{ NULL },
};
