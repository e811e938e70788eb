/* What the parts of the daemon share: the handles of every room. */
#ifndef USHER_DAEMON_ROOM_H
#define USHER_DAEMON_ROOM_H

#include "ai_open.h"
#include "core.h"
#include "daemon.h"
#include "derived.h"
#include "http.h"
#include "io.h"
#include "log.h"
#include "settings_file.h"
#include "store_open.h"
#include "store_people.h"
#include "tools.h"
#include "web.h"

struct daemon {
	const struct daemon_options *options;
	struct settings *settings;
	struct prices prices;
	struct derived derived;
	struct log log;
	struct io *io;
	struct store *store;
	struct http *http;
	struct web *web;     /* the world's door */
	struct web *control; /* the command line's door */
	struct ai *ai;
	struct imports *imports; /* NULL: files stay references */
	struct tools tools;
	struct core *core;
	struct retention *retention;
	struct blobs *blobs;
	struct target *target; /* who is told of finished imports, or NULL */
	char *socket_path;
	char *uploads; /* folder of files that came as bodies, or NULL */
	bool ready, stopping, reload;
	unsigned closing;    /* servers that still drain */
	int status;	     /* exit status */
	uint64_t started_ms; /* clock_mono_ms */
};

/* admin.c: claims /admin/... on the control server. */
void admin_claim(struct daemon *daemon);

/* What the parts of the control socket share. allowed: root or our own user; else answered with 403. */
struct admin_args;
enum { ADMIN_BODY_MAX = 65536 };
bool admin_allowed(struct web_request *request);
bool admin_read_args(struct web_request *request, struct admin_args *args);
void admin_answer(void *owner, uint64_t ticket, const struct err *err, const char *json); /* store_json_fn */

/* admin_install.c: the routes about installations, and reloading. */
void admin_install_claim(struct daemon *daemon);

/* admin_tools.c: the routes about tools; "SERVER/TOOL" of those that changed as a JSON array, which the caller frees. */
void admin_tools_claim(struct daemon *daemon);
char *admin_tools_changed(const struct daemon *daemon);

/* authorize.c: the routes for logging in at servers of tools, on both servers; where browsers come back to, and our client
 * metadata (NULL: nobody could fetch it). The caller frees. */
#define AUTHORIZE_CALLBACK "/mcp/callback"
#define AUTHORIZE_DOCUMENT "/mcp/client.json"
void authorize_claim(struct daemon *daemon);
char *authorize_callback(const struct daemon *daemon);
char *authorize_document(const struct daemon *daemon);

/* daemon.c: takes over the settings file if all of it is good; else err, and nothing has changed. */
bool daemon_reload(struct daemon *daemon, struct err *err);

/* retention.c: what the settings no longer keep of the record goes. destroy takes NULL; after store_close. */
struct retention *retention_start(struct daemon *daemon);
void retention_destroy(struct retention *retention);

/* blobs.c: kept files that nothing names any more go. look: something was erased. All take NULL; destroy after store_close. */
struct blobs *blobs_start(struct daemon *daemon);
void blobs_look(struct blobs *blobs);
void blobs_destroy(struct blobs *blobs);

/* target.c: finished imports are posted to imports.target. check: before the store is opened. start: NULL without a target.
 * status: JSON of what went wrong last and was not mended yet, or null. Both take NULL; destroy after http and store. */
bool target_check(const struct settings *imports, struct err *err);
struct target *target_start(struct daemon *daemon);
void target_status(const struct target *target, struct buf *out);
void target_destroy(struct target *target);

/* health.c: claims /healthz, /readyz and /metrics on the world's server. */
void health_claim(struct daemon *daemon);

/* first.c: makes the operator's account if there is none, and the key of `run --try`. */
void first_steps(struct daemon *daemon);

/* daemon.c: called once the operator's account is there, so that the first command finds it. */
void daemon_ready(struct daemon *daemon);

/* daemon.c: parts of the start that trial.c does too. port 0: any free one. */
bool daemon_open_world(struct daemon *daemon, int port, struct err *err);
bool daemon_make_ai(struct daemon *daemon, struct err *err);
bool daemon_make_mcp(struct daemon *daemon, struct err *err);

#endif
