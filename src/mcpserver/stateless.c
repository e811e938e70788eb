/* Requests that say all of themselves, in their body and over HTTP in headers too, which must agree: something on the way
 * may have let a request through by its headers. */
#include "stateless.h"
#include "crypto.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

#define META	  "io.modelcontextprotocol/"
#define CODED	  "=?base64?"
#define CODED_END "?="

/* ---- which era ---------------------------------------------------------------------------------------------- */

static const json_t *meta_of(const json_t *message)
{
	return json_object_get(json_object_get(message, "params"), "_meta");
}

bool stateless_is(const json_t *message, const struct served_headers *headers)
{
	const char *method = json_text(message, "method");

	if (headers && headers->version && !served_speaks(headers->version))
		return true;
	return (method && strcmp(method, "server/discover") == 0) ||
	       json_object_get(meta_of(message), META "protocolVersion") != NULL;
}

/* ---- headers -------------------------------------------------------------------------------------------------- */

static bool same_bytes(const char *header, const json_t *value)
{
	return json_string_length(value) == strlen(header) && strcmp(header, json_string_value(value)) == 0;
}

/* Names may be written in base64 between marks. */
static bool same_name(const char *header, const json_t *value)
{
	size_t len = header ? strlen(header) : 0, head = strlen(CODED), tail = strlen(CODED_END), size;
	uint8_t *bytes;
	bool same;

	if (header == NULL || !json_is_string(value))
		return false;
	if (len < head + tail || strncmp(header, CODED, head) != 0 ||
	    strcmp(header + len - tail, CODED_END) != 0)
		return same_bytes(header, value);
	len -= head + tail;
	bytes = mem_alloc(3 * len / 4 + 3);
	same = crypto_unbase64(header + head, len, bytes, &size) && size == json_string_length(value) &&
	       memcmp(bytes, json_string_value(value), size) == 0;
	free(bytes);
	return same;
}

/* The first header that does not say what the body says; or NULL. */
static const char *mismatch(const json_t *message, const struct served_headers *headers)
{
	const json_t *method = json_object_get(message, "method");
	const json_t *version = json_object_get(meta_of(message), META "protocolVersion");

	if (headers->version == NULL || !same_bytes(headers->version, version))
		return "MCP-Protocol-Version is not what _meta says";
	if (headers->method == NULL || !same_bytes(headers->method, method))
		return "Mcp-Method is not the method";
	if (strcmp(json_string_value(method), "tools/call") == 0 &&
	    !same_name(headers->name, json_object_get(json_object_get(message, "params"), "name")))
		return "Mcp-Name is not the name of the tool";
	return NULL;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static struct stateless_fault fault(int code, const char *why)
{
	return (struct stateless_fault){ .code = code, .status = 400, .why = why };
}

struct stateless_fault stateless_check(const json_t *message, const struct served_headers *headers)
{
	const json_t *meta = meta_of(message);
	const char *version = json_text(meta, META "protocolVersion"), *wrong;
	bool ours = version && strcmp(version, SERVED_STATELESS) == 0;
	struct stateless_fault unknown = fault(SERVED_VERSION_UNKNOWN, "this version is not spoken");

	if (version == NULL)
		return fault(SERVED_INVALID_PARAMS, "_meta needs " META "protocolVersion");
	if (!json_is_object(json_object_get(meta, META "clientCapabilities")))
		return fault(SERVED_INVALID_PARAMS, "_meta needs " META "clientCapabilities, an object");
	wrong = headers && (ours || headers->version == NULL || strcmp(headers->version, version) != 0)
			? mismatch(message, headers)
			: NULL;
	if (wrong)
		return fault(SERVED_HEADERS, wrong);
	if (ours)
		return (struct stateless_fault){ .status = 200 };
	unknown.data = json_pack("{s:o, s:s}", "supported", served_versions(), "requested", version);
	return unknown;
}

void stateless_mark(json_t *result, int ttl_ms)
{
	json_object_set_new(result, "resultType", json_string("complete"));
	json_object_set_new(result, "_meta",
			    json_pack("{s:{s:s, s:s, s:s}}", META "serverInfo", "name", "usher", "title",
				      "usher", "version", USHER_VERSION));
	if (ttl_ms < 0)
		return;
	json_object_set_new(result, "ttlMs", json_integer(ttl_ms));
	json_object_set_new(result, "cacheScope", json_string("private")); /* by who asks */
}
