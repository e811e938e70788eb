/* What is to be made of the rows of a table: columns mapped once, then every row, without a model.
 *
 * SPEC, JSON: {"format":"csv"|"tsv"|"json"|"ndjson"|"xlsx"|"markdown"|"text"|"none",
 *   "table":NAME or NUMBER from 1?            the only one, or the largest, when left out
 *   "columns":[{"name":NAME, "from":NAME of the source's column or its NUMBER from 1?,   from left out: the column of the
 *       same name, compared without case, marks and punctuation
 *     "type":"text"|"number"|"integer"|"date"|"datetime"|"boolean"?,  text when left out
 *     "required":BOOL?, "unique":BOOL?, "min":N or DATE?, "max":N or DATE?, "one_of":[TEXT,...]?, "max_length":N?,
 *     "default":TEXT?}, ...]                  all of the source's as they are when left out
 *   "refused":"leave_out"|"keep"?}            rows that break a rule; they are in the report either way
 * format "none": only the report ("which rows are wrong?").
 *
 * Numbers are read as the whole column has them ("1.234,56" and "1,234.56" are told apart by all rows of the column, what
 * stays ambiguous is a warning of the report); dates likewise (day or month first). Out they go as JSON numbers, ISO 8601. In
 * CSV and XLSX a text that a spreadsheet would take for a formula (= + - @ TAB CR in front) gets an apostrophe in front
 * (security.md R38); numbers do not. */
#ifndef USHER_SPEC_H
#define USHER_SPEC_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPEC_COLUMNS_MAX = 200, SPEC_REASONS_MAX = 50, SPEC_EXAMPLES_MAX = 20 };

#endif
