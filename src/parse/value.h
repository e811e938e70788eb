/* Values of a column: how it writes them is learnt from all rows, then each is read by that. */
#ifndef USHER_PARSE_VALUE_H
#define USHER_PARSE_VALUE_H

#include "buf.h"
#include "parse.h"
#include "spec.h"

/* How a column writes what it holds. Zero to begin with. */
struct style {
	int64_t points, commas, open; /* numbers by decimal mark; open: could be either */
	int64_t percents, numbers;
	int64_t days_first, months_first, open_days; /* dates */
	int64_t dotted;				     /* dates with points */
	int64_t short_years, times;		     /* dates with years of two digits, with a time of day */
	int64_t ticks, words;			     /* booleans that are an "x", others */
	char open_sample[41];			     /* the first that could be either */
	char decimal;				     /* '.' or ',', once settled */
	bool day_first, empty_is_no;
};

void style_learn(struct style *style, enum spec_type type, const struct cell *cell);

/* Decides for each column of a table, with the help of the others where its own rows leave it open. */
void styles_settle(struct style *styles, const enum spec_type *types, size_t count);

/* What is worth a warning, one after the other from *next = 0 on; NULL: no more. name: of the column. The caller frees. */
char *style_warning(const struct style *style, enum spec_type type, const char *name, unsigned *next);

enum refusal {
	REFUSED_NOT,
	REFUSED_MISSING,
	REFUSED_NUMBER,
	REFUSED_WHOLE,
	REFUSED_HUGE,
	REFUSED_DATE,
	REFUSED_DAY,
	REFUSED_BOOLEAN,
	REFUSED_ERROR,
	REFUSED_MIN,
	REFUSED_MAX,
	REFUSED_ONE_OF,
	REFUSED_LENGTH,
	REFUSED_TWICE,
	REFUSALS
};

const char *refusal_text(enum refusal refusal);

enum value_kind { OUT_NULL, OUT_TEXT, OUT_NUMBER, OUT_DATE, OUT_DATETIME, OUT_BOOLEAN };

struct value_out {
	enum value_kind kind;
	struct buf text; /* UTF-8; NUMBER: JSON syntax; dates: ISO 8601; BOOLEAN: "true", "false" */
};

/* The cell as a value of the type; what is refused stays in out as the text it is. */
enum refusal value_read(const struct style *style, enum spec_type type, const struct cell *cell,
			struct value_out *out);

/* 1, 0, or -1: neither yes nor no, in any of the languages. tick: it is an "x" or a check mark. */
int truth_of(const char *text, size_t len, bool *tick);

#endif
