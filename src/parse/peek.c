/* Looks at the beginning of a text: JSON, tables, markup or just text. */
#include "peek.h"
#include "json.h"
#include <string.h>
#include <strings.h>
#include <yajl/yajl_parse.h>

enum {
	LINES_LOOK = 50,
	LINES_SURE = 3, /* so many lines at least make a table without a name that says so */
};

static bool named(const char *name, const char *const *ends)
{
	size_t len = strlen(name);

	for (; *ends != NULL; ends++)
		if (len > strlen(*ends) && strcasecmp(name + len - strlen(*ends), *ends) == 0)
			return true;
	return false;
}

#define NAMED(name, ...) named(name, (const char *const[]){ __VA_ARGS__, NULL })

/* One value, whole or (more) up to where it is cut off; ends at another value. */
static bool json_like(const char *text, size_t len, bool more, bool *several_out)
{
	yajl_handle yajl = yajl_alloc(NULL, NULL, NULL);
	yajl_status status;
	bool good;

	yajl_config(yajl, yajl_allow_trailing_garbage, 1);
	status = yajl_parse(yajl, (const unsigned char *)text, len);
	*several_out = false;
	if (status == yajl_status_ok) {
		size_t used = yajl_get_bytes_consumed(yajl);

		used += strspn(text + used, " \t\r\n");
		*several_out = used < len && (text[used] == '{' || text[used] == '[');
		good = more || yajl_complete_parse(yajl) == yajl_status_ok;
		good = good && (used >= len || *several_out);
	} else {
		good = false;
	}
	yajl_free(yajl);
	return good;
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

/* Fields of the record that begins at text; *end_out: behind it; 0: the text ends before the record. */
static size_t fields(const char *text, size_t len, char delimiter, bool more, size_t *end_out)
{
	size_t count = 1, at = 0;
	bool quoted = false, begins = true;

	for (; at < len && (quoted || (text[at] != '\n' && text[at] != '\r')); at++) {
		char c = text[at];

		/* A mark behind a mark stands for one of the text: it opens again. */
		if (quoted)
			quoted = c != '"';
		else
			quoted = c == '"' && (begins || (at > 0 && text[at - 1] == '"'));
		if (!quoted && c == delimiter)
			count++;
		begins = !quoted && (c == delimiter);
	}
	if (at >= len && (more || quoted))
		return 0;
	while (at < len && (text[at] == '\n' || text[at] == '\r'))
		at++;
	*end_out = at;
	return count;
}

struct cut {
	size_t records, columns, alike;
};

/* How many columns the most records have. */
static struct cut cut_by(const char *text, size_t len, char delimiter, bool more)
{
	struct cut cut = { 0 };
	size_t counts[LINES_LOOK], at = 0, end = 0;

	while (cut.records < LINES_LOOK && at < len) {
		size_t count = fields(text + at, len - at, delimiter, more, &end);

		if (count == 0)
			break;
		counts[cut.records++] = count;
		at += end;
	}
	for (size_t i = 0; i < cut.records; i++) {
		size_t alike = 0;

		for (size_t k = 0; k < cut.records; k++)
			alike += counts[k] == counts[i];
		if (counts[i] > 1 && alike > cut.alike) {
			cut.alike = alike;
			cut.columns = counts[i];
		}
	}
	return cut;
}

char peek_delimiter(const char *text, size_t len, bool more, size_t *columns_out, bool *sure_out)
{
	static const char all[] = ",;\t|";
	struct cut best = { 0 };
	char delimiter = 0;

	for (const char *c = all; *c != '\0'; c++) {
		struct cut cut = cut_by(text, len, *c, more);

		/* As many alike: the one that cuts more often; a comma in numbers cuts some lines only. */
		if (cut.alike > best.alike || (cut.alike == best.alike && cut.columns > best.columns)) {
			best = cut;
			delimiter = *c;
		}
	}
	if (columns_out != NULL)
		*columns_out = best.columns;
	if (sure_out != NULL)
		*sure_out = delimiter != 0 && best.alike == best.records && best.records >= LINES_SURE &&
			    best.columns > 1;
	return delimiter;
}

static struct peek table_kind(const char *text, size_t len, bool more)
{
	return peek_delimiter(text, len, more, NULL, NULL) == '\t'
		       ? (struct peek){ "tsv", "text/tab-separated-values" }
		       : (struct peek){ "csv", "text/csv" };
}

/* Lines like "Subject: x" up to a blank one, as messages have them. */
static bool mail_like(const char *text)
{
	static const char *const first[] = { "From:",	 "Received:",	  "Return-Path:",
					     "Subject:", "MIME-Version:", "Delivered-To:",
					     "To:",	 "Date:",	  "Message-ID:" };

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (strncasecmp(text, first[i], strlen(first[i])) == 0)
			return true;
	return false;
}

/* A comma is in every line of some prose; without a name that says "table", cells must also be short and many. */
static bool table_like(const char *text, size_t len, bool more)
{
	size_t columns;
	bool sure;
	char delimiter = peek_delimiter(text, len, more, &columns, &sure);

	return sure && (delimiter == '\t' || delimiter == ';' || columns > 2);
}

struct peek peek_text(const char *text, size_t len, bool more, const char *name, const char *mime)
{
	const char *first = text + strspn(text, " \t\r\n");
	bool several;

	if (strcmp(mime, "text/html") == 0 || strcmp(mime, "application/xhtml+xml") == 0 ||
	    strncasecmp(first, "<!doctype html", 14) == 0 || strncasecmp(first, "<html", 5) == 0 ||
	    (NAMED(name, ".html", ".htm", ".xhtml") && first[0] == '<'))
		return (struct peek){ "html", "text/html" };
	if (NAMED(name, ".md", ".markdown"))
		return (struct peek){ "markdown", "text/markdown" };
	if ((*first == '{' || *first == '[') &&
	    json_like(first, len - (size_t)(first - text), more, &several)) {
		if (several || (*first == '{' && NAMED(name, ".ndjson", ".jsonl")))
			return (struct peek){ "ndjson", "application/x-ndjson" };
		return (struct peek){ "json", "application/json" };
	}
	if (NAMED(name, ".ndjson", ".jsonl") && *first == '{')
		return (struct peek){ "ndjson", "application/x-ndjson" };
	if (NAMED(name, ".json") && (*first == '{' || *first == '['))
		return (struct peek){ "json", "application/json" };
	if (NAMED(name, ".eml", ".mht") && mail_like(text))
		return (struct peek){ "eml", "message/rfc822" };
	if (NAMED(name, ".csv", ".tsv", ".tab"))
		return table_kind(text, len, more);
	if (strncmp(mime, "text/x-", 7) != 0 &&
	    !NAMED(name, ".log", ".c", ".h", ".py", ".js", ".sql", ".xml") && table_like(text, len, more))
		return table_kind(text, len, more);
	return (struct peek){ "text", "text/plain" };
}
