/* Recognises the few plain sentences about files that need no language model. What it is not sure of is a question. */
#include "local_room.h"
#include "mem.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { WORDS_MAX = 80, SHORT = 12, COLUMN_MAX = 80 };

struct word {
	const char *at; /* as it was written */
	size_t len;	/* without punctuation around it */
	const char *end;
};

struct words {
	struct word list[WORDS_MAX];
	size_t count, first; /* first: behind the courtesies */
	bool asks;	     /* ends with a question mark */
};

static const char *const formats[][2] = {
	{ "json", "json" },	   { "csv", "csv" },	       { "tsv", "tsv" },     { "ndjson", "ndjson" },
	{ "jsonl", "ndjson" },	   { "xlsx", "xlsx" },	       { "xls", "xlsx" },    { "excel", "xlsx" },
	{ "spreadsheet", "xlsx" }, { "markdown", "markdown" }, { "md", "markdown" }, { "text", "text" },
	{ "txt", "text" },
};

static bool split(const char *text, struct words *words)
{
	static const char around[] = "\"'`.,:;!?()*";

	*words = (struct words){ 0 };
	while (true) {
		const char *end;

		text += strspn(text, " \t\r\n");
		if (*text == '\0')
			return words->count > 0;
		if (words->count == WORDS_MAX)
			return false;
		end = text + strcspn(text, " \t\r\n");
		words->asks = end[-1] == '?';
		while (text < end && strchr(around, *text))
			text++;
		words->list[words->count].end = end;
		words->list[words->count].at = text;
		while (end > text && strchr(around, end[-1]))
			end--;
		words->list[words->count].len = (size_t)(end - text);
		words->count += end > text;
		text = words->count && end > text ? words->list[words->count - 1].end
						  : end + strcspn(end, " \t\r\n");
	}
}

/* Is it one of the words in the list, which is separated by "|"? */
static bool is(const struct words *words, size_t i, const char *list)
{
	const struct word *word = &words->list[i];

	if (i >= words->count)
		return false;
	while (*list) {
		size_t len = strcspn(list, "|");

		if (len == word->len && strncasecmp(list, word->at, len) == 0)
			return true;
		list += len + (list[len] == '|');
	}
	return false;
}

static bool has(const struct words *words, const char *list)
{
	for (size_t i = words->first; i < words->count; i++)
		if (is(words, i, list))
			return true;
	return false;
}

static bool only(const struct words *words, const char *list)
{
	for (size_t i = words->first; i < words->count; i++)
		if (!is(words, i, list))
			return false;
	return true;
}

static size_t length(const struct words *words)
{
	return words->count - words->first;
}

/* ---- formats and columns ------------------------------------------------------------------------------------------- */

static const char *format_at(const struct words *words, size_t i)
{
	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++)
		if (is(words, i, formats[f][0]))
			return formats[f][1];
	return NULL;
}

static const char *trimmed(struct arena *arena, const char *from, const char *end)
{
	static const char around[] = " \t\"'`.,:;!?*";

	while (from < end && strchr(around, *from))
		from++;
	while (end > from && strchr(around, end[-1]))
		end--;
	return end > from && end - from <= COLUMN_MAX ? arena_text_n(arena, from, (size_t)(end - from))
						      : NULL;
}

static const char *part_end(const char *at)
{
	while (*at && *at != ',' && *at != ';' && *at != '\n' && strncasecmp(at, " and ", 5) != 0 &&
	       strncmp(at, " & ", 3) != 0 && strncmp(at, ". ", 2) != 0)
		at++;
	return at;
}

/* "name, amount and date" */
static void take_columns(struct local_wish *wish, const char *at, struct arena *arena)
{
	while (*at && wish->column_count < WISH_COLUMNS_MAX) {
		const char *end = part_end(at), *name = trimmed(arena, at, end);

		if (name && strcasecmp(name, "please") != 0)
			wish->columns[wish->column_count++] = name;
		if (*end == '\0' || *end == '\n' || *end == '.')
			return;
		at = end + (*end == ' ' ? strcspn(end + 1, " ") + 2 : 1);
		if (strncasecmp(at, " and ", 5) == 0) /* ", and" */
			at += 5;
	}
}

/* Behind the format: "with the columns ..." */
static void find_columns(struct local_wish *wish, const struct words *words, size_t i, struct arena *arena)
{
	while (is(words, i, "file|format|table|document|list|array|sheet|objects|please"))
		i++;
	if (!is(words, i, "with|containing|having|including|only|columns|fields"))
		return;
	while (is(
		words, i,
		"with|containing|having|including|only|just|the|these|following|columns|column|fields|field|"
		"keys"))
		i++;
	if (i < words->count && !is(words, i, "all|everything|every"))
		take_columns(wish, words->list[i].at, arena);
}

/* "into a JSON", "give me CSV", "make an Excel file": a format, and what makes it the one that is wanted. */
static bool is_target(const struct words *words, size_t i, const char *format)
{
	size_t before = i;

	while (before > words->first && is(words, before - 1, "a|an|the|one|new|plain"))
		before--;
	if (before == words->first) /* "CSV please" */
		return i == before && length(words) <= 3 && !words->asks;
	if (is(words, before - 1, "as|into|to|in|me"))
		return true;
	return before - 1 == words->first && is(words, words->first, "make|create|generate|produce|export") &&
	       strcmp(format, "text") != 0;
}

static bool find_convert(struct local_wish *wish, const struct words *words, struct arena *arena)
{
	static const char begins[] =
		"turn|convert|transform|make|change|export|save|put|give|write|get|create|"
		"produce|generate|reformat|return|extract|as|into|to|in";

	if ((words->asks && words->first == 0) ||
	    (!is(words, words->first, begins) && !format_at(words, words->first)))
		return false;
	for (size_t i = words->first; i < words->count; i++) {
		const char *format = format_at(words, i);

		if (format == NULL || !is_target(words, i, format))
			continue;
		wish->kind = WISH_CONVERT;
		wish->format = format;
		find_columns(wish, words, i + 1, arena);
		return true;
	}
	return false;
}

/* ---- the others ----------------------------------------------------------------------------------------------------- */

static bool is_list(const struct words *words)
{
	return has(words, "files|documents|attachments|imports") &&
	       is(words, words->first, "what|which|list|show|my|files") &&
	       only(words,
		    "what|which|list|show|me|all|of|the|my|our|your|files|documents|attachments|imports|are|"
		    "there|here|do|did|you|i|we|have|has|know|sent|send|uploaded|upload|been|were|so|far|"
		    "in|this|conversation|imported|available");
}

static bool is_summary(const struct words *words)
{
	static const char about[] =
		"what|what's|whats|is|are|in|inside|this|that|the|it|file|document|these|those|them|files|"
		"documents|do|does|say|contain|about|show|open|describe|outline";

	return (length(words) <= SHORT && has(words, "summarise|summarize|summary|tldr|tl;dr")) ||
	       (is(words, words->first, "sum") && is(words, words->first + 1, "up")) ||
	       (has(words, "file|document|this|it|files|documents|these|those|them") &&
		is(words, words->first, "what|what's|whats|describe|outline|open|show") &&
		only(words, about));
}

static bool is_check(const struct words *words)
{
	return (has(words, "row|rows|lines|records|entries|values|cells") &&
		has(words, "wrong|invalid|bad|broken|incorrect|faulty|errors|mistakes")) ||
	       (length(words) <= SHORT && is(words, words->first, "check|validate|verify") &&
		(length(words) == 1 ||
		 is(words, words->first + 1,
		    "this|it|that|these|those|them|the|my|for|rows|table|data|file|files") ||
		 memchr(words->list[words->first + 1].at, '.', words->list[words->first + 1].len)));
}

struct local_wish local_wish(const char *text, struct arena *arena)
{
	struct local_wish wish = { 0 };
	struct words words;

	if (!split(text, &words))
		return wish;
	while (words.first + 1 < words.count && is(&words, words.first,
						   "please|can|could|would|will|you|usher|hey|ok|okay|now|"
						   "and|also|just|then|i|want|need|like|i'd"))
		words.first++;
	if (find_convert(&wish, &words, arena))
		return wish;
	if (is_list(&words))
		wish.kind = WISH_LIST;
	else if (is_check(&words))
		wish = (struct local_wish){ .kind = WISH_CHECK, .format = "none" };
	else if (is_summary(&words))
		wish.kind = WISH_SUMMARY;
	return wish;
}
