/* rooms: base parse */
/* Any bytes as what a table is to become: refused with a code, or within its limits. */
#include "json.h"
#include "moment.h"
#include "spec.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	json_t *given = json_read((const char *)data, size, NULL);
	struct spec spec;

	if (given == NULL)
		return 0;
	moment_stage();
	if (!spec_read(&spec, given, &err)) {
		if (strncmp(err.text, "spec: ", 6) != 0 || !text_valid(err.text, strlen(err.text)))
			abort();
	} else {
		if (spec.count > SPEC_COLUMNS_MAX || spec.format >= SPEC_FORMATS)
			abort();
		for (size_t i = 0; i < spec.count; i++)
			if (spec.columns[i].name == NULL || spec.columns[i].type >= SPEC_TYPES ||
			    (spec.columns[i].from == NULL) != (spec.columns[i].from_number > 0))
				abort();
	}
	spec_free(&spec);
	json_decref(given);
	return 0;
}
