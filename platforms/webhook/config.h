/* The settings of one hook, checked and copied. */
#ifndef USHER_WEBHOOK_CONFIG_H
#define USHER_WEBHOOK_CONFIG_H

#include "mapping.h"
#include "settings.h"
#include "verify.h"

extern const struct setting webhook_settings[];

enum webhook_auth { AUTH_STANDARD, AUTH_GITHUB, AUTH_BEARER, AUTH_NONE };

struct hook_config {
	struct arena *arena; /* holds all texts */
	const char *name;
	enum webhook_auth auth;
	struct verify_keys keys;
	int64_t tolerance_s;
	struct mapping mapping;
	const char *reply_url;	     /* or NULL */
	struct pointers reply_hosts; /* "api.example.org", or ".example.org" for all below it */
	struct verify_key reply_key; /* signs callbacks */
	bool reply_loopback;
	const char *reply_ca_file; /* or NULL */
	unsigned wait_max_s;
	size_t body_max;
	bool merge;
};

/* Copies what it keeps; release with hook_config_finish, also after false. */
bool hook_config_read(struct hook_config *config, const struct settings *settings, struct err *err);
void hook_config_finish(struct hook_config *config);

/* May answers be sent there? True for the configured address and for hosts of the allow-list. */
bool hook_reply_allowed(const struct hook_config *config, const char *url, struct err *err);

#endif
