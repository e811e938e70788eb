/* One installation made for a look at its tokens and rights: `usher init` shows what it finds. It is never started, so
 * that no message comes to it. */
#include "mem.h"
#include "trial_room.h"
#include <stdlib.h>

enum { CHECK_MS = 30000 };

struct trial_one {
	struct platform_host host; /* first: a host pointer is a pointer to this */
	struct daemon rooms;
	struct loop_timer *limit;
	char *findings;
};

static void on_checked(struct platform_host *host, uint64_t ticket, const char *findings)
{
	struct trial_one *trial = (struct trial_one *)host;

	(void)ticket;
	if (trial->findings == NULL)
		trial->findings = mem_text(findings);
	io_stop(trial->rooms.io);
}

static void on_limit(void *data)
{
	struct trial_one *trial = data;

	io_stop(trial->rooms.io);
}

static void on_link(struct platform_host *host, enum link_state now, const char *why)
{
	(void)host;
	(void)now;
	(void)why;
}

/* New tokens that a check brought along are not kept: the daemon gets its own. */
static void on_keep(struct platform_host *host, const char *secrets, uint64_t ticket)
{
	(void)host;
	(void)secrets;
	(void)ticket;
}

struct platform_host trial_host(struct daemon *rooms, const struct settings *one, const char *public_url)
{
	return (struct platform_host){ .name = settings_text(one, "name"),
				       .public_url = public_url ? public_url : rooms->derived.public_url,
				       .can_install = rooms->derived.key_count > 0,
				       .loop = io_loop(rooms->io),
				       .io = rooms->io,
				       .web = rooms->web,
				       .http = rooms->http,
				       .log = &rooms->log };
}

bool trial_open(struct daemon *rooms, const struct settings *settings, struct err *err)
{
	*rooms = (struct daemon){ .settings = (struct settings *)(uintptr_t)settings };
	rooms->io = io_create(err);
	return rooms->io && derived_read(settings, &rooms->derived, err) && daemon_open_world(rooms, 0, err);
}

void trial_close(struct daemon *rooms)
{
	web_destroy(rooms->web);
	http_destroy(rooms->http);
	io_destroy(rooms->io);
	derived_finish(&rooms->derived);
}

static bool look(struct trial_one *trial, const struct platform_ops *ops, const struct settings *one,
		 struct err *err)
{
	struct platform *platform = ops->create(&trial->host, one, err);

	if (platform == NULL)
		return false;
	if (ops->check) {
		trial->limit = loop_timer_create(io_loop(trial->rooms.io), on_limit, trial);
		loop_timer_start(trial->limit, CHECK_MS, 0);
		ops->check(platform, 1);
		if (trial->findings == NULL)
			io_run(trial->rooms.io);
		loop_timer_destroy(trial->limit);
	}
	ops->destroy(platform);
	return true;
}

bool daemon_try_one(const struct settings *settings, const struct platform_ops *ops,
		    const struct settings *one, const char *public_url, char **findings_out, struct err *err)
{
	struct trial_one trial = { .findings = NULL };
	bool fine = trial_open(&trial.rooms, settings, err);

	if (fine) {
		trial.host = trial_host(&trial.rooms, one, public_url);
		trial.host.link = on_link;
		trial.host.keep = on_keep;
		trial.host.checked = on_checked;
		fine = look(&trial, ops, one, err);
	}
	trial_close(&trial.rooms);
	*findings_out = fine ? trial.findings ? trial.findings : mem_text("[]") : NULL;
	if (!fine)
		free(trial.findings);
	return fine;
}
