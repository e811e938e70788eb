/* rooms: base parse */
/* Any bytes as an order: what is taken is within its limits. */
#include "order.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct limits *most = limits_most();
	struct order order;

	if (order_read(&order, (const char *)data, size, NULL)) {
		const struct limits *l = &order.limits;

		if (l->memory < 1 || l->memory > most->memory || l->depth < 1 || l->depth > most->depth ||
		    l->output < 1 || l->output > most->output || order.what == NULL || order.name == NULL)
			abort();
	}
	order_free(&order);
	return 0;
}
