/* Servers without a handshake, on a wire under the test's hand. */
#ifndef USHER_TESTS_STAGE_MODERN_H
#define USHER_TESTS_STAGE_MODERN_H

#include "stage_wire.h"

#define LIST                                                                                                 \
	"[{\"name\":\"add\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"r\":{\"type\":"           \
	"\"string\",\"x-mcp-header\":\"R\"}}}}]"
#define FINE "\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"5\"}]}"
#define FOUND(versions, tools)                                                                               \
	"\"result\":{\"resultType\":\"complete\",\"supportedVersions\":" versions ",\"capabilities\":" tools \
	",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"m\",\"version\":\"1\"}}}"
#define MODERN FOUND("[\"2026-07-28\"]", "{\"tools\":{}}")
#define HEARS  FOUND("[\"2026-07-28\",\"2025-11-25\"]", "{\"tools\":{\"listChanged\":true}}")

extern const char *const program[],
	*const pinned[], *const service[], *const pinned_service[]; /* settings of a server */

/* Until it is ready, with the tools of LIST; found: what it says to server/discover. */
void begins(struct stage_wire *w, const char *const *settings, const char *found);

/* The one call has ended, with this in its result. */
void ends(struct stage_wire *w, const char *result, bool failed);

void lost(struct stage_wire *w, const json_t *request, enum err_kind kind);

const json_t *meta_of(const json_t *request);

void fits(const json_t *request);

#endif
