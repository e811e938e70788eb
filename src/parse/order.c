/* Reading the order: it comes from the daemon, and still nothing in it is taken on trust. */
#include "order.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 1000 };

static const struct limits MOST = {
	.memory = EXTRACT_MEMORY_MAX,
	.cpu_s = EXTRACT_CPU_S_MAX,
	.output = EXTRACT_OUTPUT_MAX,
	.unpacked = EXTRACT_UNPACKED_MAX,
	.entries = EXTRACT_ENTRIES_MAX,
	.depth = EXTRACT_DEPTH_MAX,
};

const struct limits *limits_most(void)
{
	return &MOST;
}

static bool limits_take(struct limits *limits, const json_t *given, struct err *err)
{
	const struct {
		const char *key;
		int64_t *value, most;
	} all[] = {
		{ "memory", &limits->memory, MOST.memory },
		{ "cpu_s", &limits->cpu_s, MOST.cpu_s },
		{ "output", &limits->output, MOST.output },
		{ "unpacked", &limits->unpacked, MOST.unpacked },
		{ "entries", &limits->entries, MOST.entries },
		{ "depth", &limits->depth, MOST.depth },
	};
	size_t known = 0;

	if (!json_is_object(given))
		return err_set(err, ERR_REFUSED, "limits must be an object");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const json_t *value = json_object_get(given, all[i].key);

		if (value == NULL)
			continue;
		known++;
		if (!json_is_integer(value) || json_integer_value(value) < 1 ||
		    json_integer_value(value) > all[i].most)
			return err_set(err, ERR_REFUSED, "limits.%s must be a whole number from 1 to %lld",
				       all[i].key, (long long)all[i].most);
		*all[i].value = json_integer_value(value);
	}
	if (known != json_object_size(given))
		return err_set(err, ERR_REFUSED, "limits has a key that is not known");
	return true;
}

static bool order_take(struct order *order, const json_t *given, struct err *err)
{
	const char *what = json_text(given, "do"), *name = json_text(given, "name");
	const json_t *limits = json_object_get(given, "limits"), *spec = json_object_get(given, "spec");

	if (!json_is_object(given) || what == NULL || name == NULL)
		return err_set(err, ERR_REFUSED, "an order must be an object with \"do\" and \"name\"");
	if (strlen(name) > NAME_MAX_BYTES)
		return err_set(err, ERR_REFUSED, "the name has more than %d bytes", NAME_MAX_BYTES);
	if (json_object_size(given) != 2u + (limits != NULL) + (spec != NULL))
		return err_set(err, ERR_REFUSED, "the order has a key that is not known");
	if (spec != NULL && !json_is_object(spec))
		return err_set(err, ERR_REFUSED, "spec must be an object");
	order->what = mem_text(what);
	order->name = mem_text(name);
	order->spec = spec ? json_deep_copy(spec) : NULL;
	return limits == NULL || limits_take(&order->limits, limits, err);
}

bool order_read(struct order *order, const char *line, size_t len, struct err *err)
{
	json_t *given;
	bool good;

	*order = (struct order){ .limits = MOST };
	given = json_read(line, len, err);
	good = given != NULL && order_take(order, given, err);
	json_decref(given);
	return good;
}

void order_free(struct order *order)
{
	free(order->what);
	free(order->name);
	json_decref(order->spec);
	*order = (struct order){ 0 };
}
