/* The first message before anything is written: what was set up really runs, and its operator opens the link. */
#include "code.h"
#include "crypto.h"
#include "daemon.h"
#include "init.h"
#include "mem.h"
#include "settings_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct invitation {
	const struct platform_guide *guide;
	const struct settings *one;
	char code[CODE_SIZE]; /* "": the daemon does not run, or has no owner yet */
	bool shown;
};

/* Whoever opens the link is the owner there: without it, the operator would have to let themselves in. */
static void invite(struct init *init, struct invitation *invitation)
{
	char hash[CRYPTO_SHA256_HEX];
	json_t *answer = NULL;

	code_make(invitation->code);
	crypto_sha256_hex(invitation->code, strlen(invitation->code), hash);
	init->cli->quiet = true;
	if (cli_act(init->cli, "link_invite", (const char *const[]){ NULL, hash }, 2, &answer) != CLI_OK)
		invitation->code[0] = '\0';
	init->cli->quiet = false;
	json_decref(answer);
}

static void met(void *data, const char *known)
{
	struct invitation *invitation = data;
	const char *code = invitation->code[0] ? invitation->code : NULL;
	char *link =
		invitation->guide->invite ? invitation->guide->invite(invitation->one, known, code) : NULL;

	if (!invitation->shown)
		printf("\nNow %s%s%s\n", invitation->guide->first, link ? ": " : "", link ? link : "");
	if (!invitation->shown && link && code)
		puts("(This link makes whoever opens it the owner there. It is good once, for ten minutes.)");
	invitation->shown = true;
	fflush(stdout);
	free(link);
}

bool init_talk(struct init *init, struct err *err)
{
	struct invitation invitation = { .guide = init->ops->guide };
	struct daemon_talk talk = {
		.text = "It works: I hear you, and you hear me. My settings are being written now; I "
			"take up what you said in a moment.",
		.stop_fd = init->stop_fd,
		.met = met,
		.data = &invitation
	};
	bool fine = true;

	if (invitation.guide->talks == NULL || !init_seconds(init, &talk.seconds) || talk.seconds == 0)
		return true;
	invitation.one = init_settings(init, false, err);
	if (invitation.one == NULL)
		return false;
	if (invitation.guide->talks(invitation.one)) {
		invite(init, &invitation);
		fine = daemon_talk_one(init->settings, init->ops, invitation.one, init->url, &talk, err);
		if (fine)
			puts("You were heard and answered.");
	}
	settings_destroy((struct settings *)(uintptr_t)invitation.one);
	return fine;
}
