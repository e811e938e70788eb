/* Once a day, and at the start, what the settings no longer keep of the record goes: in small steps, between messages. */
#include "daemon_room.h"
#include "mem.h"
#include "store_audit.h"
#include <stdlib.h>

enum { DAY_MS = 24 * 3600 * 1000, STEP_MS = 100, AGAIN_MS = 60 * 1000 };

struct retention {
	struct daemon *daemon;
	struct store_retention keep;
	struct loop_timer *timer;
};

static void on_step(void *owner, uint64_t ticket, const struct err *err, bool more)
{
	struct retention *retention = owner;

	(void)ticket;
	if (err->kind != ERR_NONE)
		log_warn(&retention->daemon->log, "retention of the record waits: %s", err->text);
	if (!more)
		blobs_look(retention->daemon->blobs);
	loop_timer_start(retention->timer, err->kind != ERR_NONE ? AGAIN_MS : more ? STEP_MS : DAY_MS, 0);
}

static void step(void *data)
{
	struct retention *retention = data;

	store_retain(retention->daemon->store, &retention->keep, on_step, retention, 0);
}

struct retention *retention_start(struct daemon *daemon)
{
	const struct settings *audit = settings_group(daemon->settings, "audit");
	const struct settings *imports = settings_group(daemon->settings, "imports");
	struct retention *retention = mem_zero(1, sizeof(*retention));

	*retention = (struct retention){ .daemon = daemon,
					 .keep = { .content_days = settings_int(audit, "content_days"),
						   .keep_days = settings_int(audit, "keep_days"),
						   .import_days = settings_int(imports, "keep_days") } };
	retention->timer = loop_timer_create(io_loop(daemon->io), step, retention);
	if (retention->keep.content_days || retention->keep.keep_days || retention->keep.import_days)
		loop_timer_start(retention->timer, STEP_MS, 0);
	return retention;
}

void retention_destroy(struct retention *retention)
{
	if (retention)
		loop_timer_destroy(retention->timer);
	free(retention);
}
