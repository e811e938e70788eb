/* XLSX: libxlsxwriter. */
#include "writer.h"

static bool xlsx_begin(struct writer *writer, struct err *err)
{
	(void)writer;
	return parse_fail(err, "unsupported", "XLSX can't be written yet.");
}
static bool xlsx_row(struct writer *writer, const struct value_out *values)
{
	(void)writer;
	(void)values;
	return false;
}
static bool xlsx_end(struct writer *writer, struct err *err)
{
	(void)writer;
	(void)err;
	return true;
}
const struct writer_kind writer_xlsx = { xlsx_begin, xlsx_row, xlsx_end, 0 };
