/* What the commands share: the words given, the daemon's control socket, tables for people and JSON for
 * programs. */
#ifndef USHER_CLI_H
#define USHER_CLI_H

#include "settings.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit status (docs/operations.md). */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NO_DAEMON = 3 };

struct buf;

struct cli {
	const char *config;	  /* --config, or NULL */
	bool json;		  /* --json */
	bool csv;		  /* --csv */
	bool help;		  /* --help */
	bool version;		  /* --version */
	bool try_it;		  /* --try */
	const char *email;	  /* --email */
	const char *display;	  /* --name */
	const char *role;	  /* --role */
	const char *days;	  /* --days */
	const char *by;		  /* --by */
	const char *url;	  /* --url */
	const char *wait;	  /* --wait */
	const char *org;	  /* --org */
	const char *head;	  /* --head */
	const char *from;	  /* --from */
	const char *to;		  /* --to */
	const char *user;	  /* --user */
	const char *conversation; /* --conversation */
	const char *why;	  /* --why */
	const char *as;		  /* --as */
	const char *out;	  /* --out */
	bool force;		  /* --force */
	const char *installation; /* --installation */
	const char **sets;	  /* each --set */
	size_t set_count;
	char **argv;	   /* as started */
	const char **args; /* words behind the command */
	size_t count;
	bool quiet;		   /* cli_ask prints no reason */
	bool secrets;		   /* the command needs the settings' secrets */
	struct settings *settings; /* loaded by cli_socket */
	char *socket;
};

/* One command, or one verb of a command with verbs; a table ends with a NULL name. An option is taken where `usage` or the command's
 * `options` names it; --config is everywhere. */
struct command {
	const char *name;
	const char *usage;  /* the words behind the name; verbs are added */
	const char *help;   /* one line */
	size_t least, most; /* how many words */
	int (*run)(struct cli *cli);
	const struct command *verbs; /* instead of run, or before it: what is no verb are words for run */
	const char
		*options; /* of a command: lines for its options, then what else is to be said; NULL: none */
	const char *examples; /* of a command: lines that work as they stand */
};

/* Path of the control socket by the settings; NULL (and a printed reason) when the settings are wrong. */
const char *cli_socket(struct cli *cli);

/* Asks the daemon. body may be NULL (GET) and is released. Prints the reason when it fails.
 * Returns an exit status; *answer_out (may be NULL) is the caller's on CLI_OK. */
int cli_ask(struct cli *cli, const char *path, json_t *body, json_t **answer_out);

/* POST /admin/report/NAME or /admin/act/NAME with these arguments (NULL: SQL NULL). */
int cli_report(struct cli *cli, const char *name, const char *const *args, size_t count, json_t **answer_out);
int cli_act(struct cli *cli, const char *name, const char *const *args, size_t count, json_t **answer_out);

/* What the rows of the report "installations" tell of this installation, as JSON text; NULL: nothing. The caller frees. */
char *cli_known(const json_t *rows, const char *platform, const char *name);

/* A whole command: report, then print. `empty` is said when there are no rows. */
int cli_show(struct cli *cli, const char *report, const char *const *args, size_t count, const char *empty);

/* A whole command: act, then print `done` (a sentence), or the answer with --json. */
int cli_do(struct cli *cli, const char *act, const char *const *args, size_t count, const char *done);
int cli_do_at(struct cli *cli, const char *path, json_t *body, const char *done); /* asks as cli_ask does */

/* An array of objects as a table, or as CSV (RFC 4180) with --csv; one object as lines "name: value"; or JSON with
 * --json. Releases it. */
void cli_print(const struct cli *cli, json_t *value, const char *empty);

/* The rows as CSV, with a line of names before them. */
void cli_put_csv(const json_t *rows, bool names);

/* Prints what somebody else wrote: its control characters are shown, not sent to the terminal. */
void cli_put(FILE *out, const char *text);

/* Prints an answer with its last line feed: on a terminal as words to be read, else as the Markdown that it is. */
void cli_put_words(FILE *out, const char *markdown);
char *cli_words(const char *markdown); /* as on a terminal; the caller frees */

/* Streams an answer of the chat endpoint over the control socket: fn for every server-sent event. */
typedef void cli_event_fn(void *data, const char *event, const json_t *payload);
int cli_stream(struct cli *cli, const char *path, json_t *body, cli_event_fn *fn, void *data);

/* POSTs JSON text as it is: the whole answer, whatever its status (0: there was none). Prints nothing. */
int cli_post(struct cli *cli, const char *path, const char *text, struct buf *answer_out, long *status_out);

/* Writes the files of an answer ([{"name","link"}]) into cli->out, which is made when it is not there: each complete or not
 * at all, and none in the place of another without --force. Prints what it does. Returns an exit status. */
int cli_write_files(const struct cli *cli, const json_t *files);

/* The commands, one function each. */
int cli_status(struct cli *cli);
int cli_doctor(struct cli *cli);
int cli_chat(struct cli *cli);
int cli_explain(struct cli *cli);
int cli_usage(struct cli *cli);
int cli_init(struct cli *cli);
int cli_mcp(struct cli *cli);
int cli_import(struct cli *cli);
int cli_tool_show(struct cli *cli);
int cli_tool_approve(struct cli *cli);
extern const struct command cli_commands[], cli_user_verbs[], cli_pair_verbs[], cli_key_verbs[],
	cli_conversation_verbs[], cli_letter_verbs[], cli_installation_verbs[], cli_budget_verbs[],
	cli_model_verbs[], cli_audit_verbs[], cli_tool_verbs[], cli_import_verbs[];

#endif
