/* What servers say of their tools is kept when first seen, hash and words; a tool of which something else is said later is not offered
 * until the operator has approved it: a description can be an instruction to the model. Loop thread only. */
#ifndef USHER_TOOLS_PINS_H
#define USHER_TOOLS_PINS_H

#include "json.h"
#include "mcp.h"
#include "store_people.h"

struct log;
struct loop;
struct pins;

struct pins *pins_create(struct store *store, struct loop *loop, const struct log *log);

/* mcp_options.judge, with the pins as owner. Nothing is judged before pins_use. */
void pins_judge(void *pins, uint64_t ticket, const struct mcp_pin *from, size_t count);

/* Whose questions these are; NULL: nobody's any more. */
void pins_use(struct pins *pins, struct mcp *mcp);

/* "SERVER/TOOL": what the server says of it now, the definition whose hash begins so, is what it may say; it is offered again at once. fn as of store_act. */
void pins_approve(struct pins *pins, const char *which, const char *hash, store_json_fn *fn, void *owner,
		  uint64_t ticket);

/* Tools that are not offered because they changed: an array of "SERVER/TOOL". The caller's. */
json_t *pins_changed(const struct pins *pins);

/* When the mcp and the store ask and answer no more; takes NULL. */
void pins_destroy(struct pins *pins);

#endif
