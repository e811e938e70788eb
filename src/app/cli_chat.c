/* `usher chat`: a conversation in the terminal, the answer shown as it grows. */
#include "buf.h"
#include "cli.h"
#include "json.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct talk {
	json_int_t conversation;
	bool failed, shown;
};

static void on_event(void *data, const char *event, const json_t *payload)
{
	struct talk *talk = data;
	const char *text = json_text(payload, "text");

	if (strcmp(event, "accepted") == 0) {
		talk->conversation = json_int(payload, "conversation_id", talk->conversation);
	} else if (strcmp(event, "delta") == 0 && text) {
		cli_put(stdout, text);
		talk->shown = true;
	} else if (strcmp(event, "reset") == 0) {
		fputs(talk->shown ? "\n[begins again]\n" : "", stdout);
	} else if (strcmp(event, "done") == 0) {
		if (!talk->shown && json_text(payload, "response"))
			cli_put(stdout, json_text(payload, "response"));
		putchar('\n');
	} else if (strcmp(event, "error") == 0) {
		text = json_text(json_object_get(payload, "error"), "message");
		fputs("\nusher: ", stderr);
		cli_put(stderr, text ? text : "the answer failed without a reason");
		fputs("\n", stderr);
		talk->failed = true;
	}
	fflush(stdout);
}

static int say(struct cli *cli, struct talk *talk, const char *text)
{
	json_t *body = json_pack("{s:s}", "message", text);
	int status;

	if (talk->conversation)
		json_object_set_new(body, "conversation_id", json_integer(talk->conversation));
	talk->failed = talk->shown = false;
	status = cli_stream(cli, "/api/me/chat", body, on_event, talk);
	return status == CLI_OK && talk->failed ? CLI_FAILED : status;
}

static int converse(struct cli *cli, struct talk *talk)
{
	bool person = isatty(STDIN_FILENO);
	char *line = NULL;
	size_t room = 0;
	int status = CLI_OK;

	if (person)
		puts("Talk to the assistant. An empty line or Ctrl-D ends.");
	for (;;) {
		ssize_t len;

		if (person) {
			fputs("> ", stdout);
			fflush(stdout);
		}
		len = getline(&line, &room, stdin);
		if (len <= 0)
			break;
		line[strcspn(line, "\r\n")] = '\0';
		if (*line == '\0')
			break;
		if (!text_valid(line, strlen(line))) {
			fputs("usher: that is not UTF-8 text\n", stderr);
			status = CLI_FAILED;
			continue;
		}
		status = say(cli, talk, line);
		if (status == CLI_NO_DAEMON)
			break;
	}
	free(line);
	return status;
}

int cli_chat(struct cli *cli)
{
	struct talk talk = { 0 };
	struct buf words = { 0 };
	int status;

	if (cli->count == 0)
		return converse(cli, &talk);
	for (size_t i = 0; i < cli->count; i++)
		buf_format(&words, "%s%s", i ? " " : "", cli->args[i]);
	if (text_valid(words.data, words.len)) {
		status = say(cli, &talk, words.data);
	} else {
		fputs("usher: that is not UTF-8 text\n", stderr);
		status = CLI_USAGE;
	}
	buf_free(&words);
	return status;
}
