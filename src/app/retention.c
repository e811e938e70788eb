/* Once a day, and at the start: what the settings no longer keep of the record goes, in small steps, between messages; and
 * the log says where the record ends, which only something outside of the file can prove. */
#include "daemon_room.h"
#include "json.h"
#include "mem.h"
#include "store_audit.h"
#include "store_people.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000, STEP_MS = 100, AGAIN_MS = 60 * 1000 };

struct retention {
	struct daemon *daemon;
	struct store_retention keep;
	struct loop_timer *timer;
};

static void on_heads(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	const struct log *log = &((struct retention *)owner)->daemon->log;
	json_t *heads = err->kind == ERR_NONE ? json_read(json, strlen(json), NULL) : NULL;
	const json_t *head;
	size_t i;

	(void)ticket;
	json_array_foreach (heads, i, head)
		if (json_text(head, "hash"))
			log_info(log, "the record of %s ends with row %" JSON_INTEGER_FORMAT ":%s",
				 json_text(head, "organisation"),
				 json_integer_value(json_object_get(head, "seq")), json_text(head, "hash"));
	json_decref(heads);
}

static void tell_heads(struct retention *retention)
{
	const char *const all[] = { NULL };

	store_report(retention->daemon->store, "audit_heads", all, 1, on_heads, retention, 0);
}

static void on_step(void *owner, uint64_t ticket, const struct err *err, bool more)
{
	struct retention *retention = owner;

	(void)ticket;
	if (err->kind != ERR_NONE)
		log_warn(&retention->daemon->log, "retention of the record waits: %s", err->text);
	if (!more) {
		blobs_look(retention->daemon->blobs);
		tell_heads(retention);
	}
	loop_timer_start(retention->timer, err->kind != ERR_NONE ? AGAIN_MS : more ? STEP_MS : DAY_MS, 0);
}

static void step(void *data)
{
	struct retention *retention = data;
	const struct store_retention *keep = &retention->keep;

	if (!keep->content_days && !keep->keep_days && !keep->import_days) {
		tell_heads(retention);
		loop_timer_start(retention->timer, DAY_MS, 0);
		return;
	}
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
	loop_timer_start(retention->timer, STEP_MS, 0);
	return retention;
}

void retention_destroy(struct retention *retention)
{
	if (retention)
		loop_timer_destroy(retention->timer);
	free(retention);
}
