/* Installations over time: their rows, the places that add us and take us out while we run, the operator's word. */
#ifndef USHER_CORE_INSTALLS_H
#define USHER_CORE_INSTALLS_H

#include "inside.h"

struct installs *installs_create(struct core *core);
void installs_destroy(struct installs *installs);

/* At start: reads the rows, makes those of configured installations, takes over the operator's switch and adopts what
 * was added to them; then done. A failure ends the start. */
void installs_begin(struct installs *installs, void (*done)(struct core *core));

/* Before the platforms start: hands every installation its cursors, its texts and its notes; then done. */
void installs_past(struct installs *installs, void (*done)(struct core *core));

/* host->install, host->removed, host->keep, host->remember, host->checked. */
void installs_install(struct installs *installs, struct installation *inst, const struct install *install,
		      uint64_t ticket);
void installs_removed(struct installs *installs, struct installation *inst, const char *key, const char *why);
void installs_keep(struct installs *installs, struct installation *inst, const char *secrets,
		   uint64_t ticket);
void installs_note(struct installs *installs, struct installation *inst, const char *name, const char *text,
		   uint64_t ticket);
void installs_checked(struct installs *installs, struct installation *inst, uint64_t ticket,
		      const char *findings);

/* Its row says that it was taken out: nothing of it is sent any more. */
bool installs_was_removed(const struct installs *installs, const char *platform, const char *name);

/* Its plugin object is about to be made (again). */
bool installs_coming(const struct installs *installs, const char *platform, const char *name);

/* An installation that is gone has stopped: its plugin object is destroyed in a later round. */
void installs_look_later(struct installs *installs);

/* Time limits and second tries. */
void installs_sweep(struct installs *installs);

/* At a stop: whether those that are gone have stopped, too; not waiting for them any longer. */
bool installs_stopped(const struct installs *installs);
void installs_give_up(struct installs *installs);

/* Destroys all plugin objects, those of adopted installations first. */
void installs_take_down(struct installs *installs);

#endif
