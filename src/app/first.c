/* The first steps of a new installation: the operator's account, and a key to try things with. */
#include "apikey.h"
#include "daemon_room.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char try_key_name[] = "try";

struct trial {
	struct daemon *daemon;
	char key[APIKEY_SIZE], id[APIKEY_ID_SIZE];
};

static void key_made(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct trial *trial = owner;
	const struct settings *listen = settings_group(trial->daemon->settings, "listen");
	const char *address = settings_text(listen, "address");
	bool any = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;

	(void)ticket;
	(void)json;
	if (err->kind != ERR_NONE)
		log_error(&trial->daemon->log, "no key to try with: %s", err->text);
	else
		printf("\nusher answers on port %d. Try it in another terminal (the key was made for "
		       "you):\n\n"
		       "curl -sS %s://%s%s%s:%d/api/me/chat -H 'Authorization: Bearer %s' "
		       "-H 'Content-Type: application/json' -d '{\"message\":\"Add a task to buy "
		       "groceries\"}'\n\n",
		       web_port(trial->daemon->web), settings_given(listen, "cert_file") ? "https" : "http",
		       strchr(address, ':') ? "[" : "", any ? "127.0.0.1" : address,
		       strchr(address, ':') ? "]" : "", web_port(trial->daemon->web), trial->key);
	fflush(stdout);
	explicit_bzero(trial->key, sizeof(trial->key));
	free(trial);
}

static void make_try_key(struct daemon *daemon)
{
	struct trial *trial;
	char hash[CRYPTO_SHA256_HEX];

	if (!daemon->options->try_it)
		return;
	trial = mem_zero(1, sizeof(*trial));
	trial->daemon = daemon;
	apikey_make(trial->key, trial->id, hash);
	store_act(daemon->store, "key_replace",
		  (const char *const[]){ daemon_operator, try_key_name, trial->id, hash }, 4, key_made, trial,
		  0);
}

static void operator_made(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct daemon *daemon = owner;

	(void)ticket;
	(void)json;
	if (err->kind != ERR_NONE)
		log_error(&daemon->log, "cannot make the operator's account: %s", err->text);
	daemon_ready(daemon);
	if (err->kind == ERR_NONE)
		make_try_key(daemon);
}

static void operator_found(void *owner, uint64_t ticket, const struct err *err, const struct store_key *key)
{
	struct daemon *daemon = owner;

	(void)ticket;
	(void)key;
	if (err->kind == ERR_GONE) {
		store_act(daemon->store, "user_add",
			  (const char *const[]){ daemon_operator, "Operator", "owner@localhost", "owner" }, 4,
			  operator_made, daemon, 0);
		return;
	}
	if (err->kind != ERR_NONE)
		log_error(&daemon->log, "cannot look for the operator's account: %s", err->text);
	daemon_ready(daemon);
	if (err->kind == ERR_NONE)
		make_try_key(daemon);
}

void first_steps(struct daemon *daemon)
{
	store_user(daemon->store, daemon_operator, operator_found, daemon, 0);
}
