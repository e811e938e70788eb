/* `usher init`: what its steps share. */
#ifndef USHER_INIT_H
#define USHER_INIT_H

#include "cli.h"
#include "platform.h"
#include "settings.h"
#include <stdbool.h>
#include <sys/types.h>

enum { INIT_ROWS_MAX = 64, INIT_VALUE_MAX = 8192 };

struct init {
	struct cli *cli;
	const struct platform_ops *ops;
	const char *name;	   /* of the new installation */
	char *file, *folder;	   /* settings file and where it lies, absolute */
	bool is_new;		   /* the settings file is made */
	struct settings *settings; /* as they are in force */
	char *url;		   /* public address, or NULL */
	char *values
		[INIT_ROWS_MAX]; /* by row of ops->settings, as they are written into the file; NULL: not given */
	bool made[INIT_ROWS_MAX]; /* a secret's file was made for this row */
	uid_t uid;		  /* who reads the secrets' files: the daemon */
	gid_t gid;
	int stop_fd; /* readable after Ctrl-C, which ends nothing by itself */
};

/* init.c: waits so long, or until fd (-1: none) can be read; false after Ctrl-C. */
bool init_pause(const struct init *init, int fd, int ms);

/* init_ask.c: asks for what is secret, on a terminal or from lines "name=value" on standard input. */
bool init_ask(struct init *init, struct err *err);

/* Puts a value ("text", "env:NAME") as --set or a person gave it; secrets go into files. */
bool init_put(struct init *init, const char *name, const char *value, struct err *err);
void init_forget_secrets(struct init *init); /* removes the files that were made */

/* The new installation as checked settings; guide: without secrets, for the guide. NULL and err. */
struct settings *init_settings(const struct init *init, bool guide, struct err *err);

/* init_talk.c: where the platform can be talked to before it is set up: shows the link, waits until somebody wrote and
 * was answered. False and err when that did not happen. */
bool init_talk(struct init *init, struct err *err);

/* init_file.c: writes the settings file with the new installation, the old one kept as FILE.bak. */
bool init_write(struct init *init, struct err *err);

/* The text of a settings file with `item` added: to the list `list` in the group `group`, which are made where they
 * are missing; list NULL: to the group itself. NULL: the text is none that can be extended. The caller frees. */
char *init_add(const char *text, const char *group, const char *list, const char *item);

/* A text as it stands in a settings file, with its quotes. The caller frees. */
char *init_quote(const char *text);

/* init_wait.c: the daemon takes the new settings over, connects, and the first message comes. An exit status. */
int init_wait(struct init *init);

/* How long is waited at most, as --wait says. False, and said, when that is no number. */
bool init_seconds(const struct init *init, unsigned long *seconds_out);

#endif
