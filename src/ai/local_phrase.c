/* Recognises the few plain sentences about a task list that need no language model: a table of patterns. */
#include "local.h"
#include "mem.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORDS_MAX = 200 };

/* A pattern's words are separated by spaces: "a|b" is either, "[a|b]" may be missing, "#" is a number (also
 * "#3"), "*" and "+" are one or more words: the task's title and its new one. */
static const struct pattern {
	enum phrase_kind kind;
	const char *words;
	const char *title; /* what the pattern itself says */
} patterns[] = {
	{ PHRASE_RENAME, "rename|change|update [the|my] [task|todo|to-do] [number] # to|into|as +", NULL },
	{ PHRASE_RENAME, "rename|change|update [the|my] task|todo|to-do [called|named] * to|into +", NULL },
	{ PHRASE_RENAME, "rename * to|into +", NULL },
	{ PHRASE_COMPLETE, "complete|finish|close|tick|check [off] [the|my] [task|todo|to-do] [number] #",
	  NULL },
	{ PHRASE_COMPLETE, "mark [the|my] [task|todo|to-do] [number] # [as] done|complete|completed|finished",
	  NULL },
	{ PHRASE_COMPLETE, "[the|my] task|todo|to-do [number] # is done|complete|completed|finished", NULL },
	{ PHRASE_COMPLETE, "i|i've|ive [have] [just] finished|completed|done [the|my] [task] [number] #",
	  NULL },
	{ PHRASE_COMPLETE, "mark [the|my] [task|todo|to-do] * [as] done|complete|completed|finished", NULL },
	{ PHRASE_COMPLETE, "complete|finish|close [the|my] task|todo|to-do [called|named] *", NULL },
	{ PHRASE_COMPLETE, "complete|finish [the] *", NULL },
	{ PHRASE_COMPLETE, "i|i've|ive [have] [just] finished|completed [the|my] task|todo|to-do *", NULL },
	{ PHRASE_DELETE, "delete|remove|cancel|drop [the|my] [task|todo|to-do] [number] #", NULL },
	{ PHRASE_DELETE, "delete|remove|cancel|drop [the|my] task|todo|to-do [called|named] *", NULL },
	{ PHRASE_DELETE, "delete|remove|drop [the] * from my|the [task|todo|to-do] list|tasks|todos", NULL },
	{ PHRASE_DELETE, "delete [the] *", NULL },
	{ PHRASE_LIST, "list|show [me] [all] [of] my|the|our|all [open|pending] tasks|todos|to-dos|list",
	  NULL },
	{ PHRASE_LIST, "list|show [me] [all] tasks|todos|to-dos", NULL },
	{ PHRASE_LIST, "list|show [me] [all] [my|the] task|todo|to-do list", NULL },
	{ PHRASE_LIST, "list|show [me] [all] [of] [my|the] open|pending|unfinished tasks|todos|to-dos",
	  "pending" },
	{ PHRASE_LIST, "list|show [me] [all] [of] [my|the] completed|finished|done tasks|todos|to-dos",
	  "completed" },
	{ PHRASE_LIST,
	  "what|which [are] [all] [of] [my|the] [open|pending] tasks|todos|to-dos [are] [open|pending|left]",
	  NULL },
	{ PHRASE_LIST, "what|whats|what's [is] on my|the [task|todo|to-do] list", NULL },
	{ PHRASE_LIST, "what do i have|need to do [today]", NULL },
	{ PHRASE_LIST, "my tasks|todos", NULL },
	{ PHRASE_ADD,
	  "add|create|make|new [me] [a|an|another|the] [new] task|todo|to-do|reminder "
	  "[to|for|called|named|:] *",
	  NULL },
	{ PHRASE_ADD, "add|put|write * to|on my|the [task|todo|to-do] list|tasks|todos", NULL },
	{ PHRASE_ADD, "remind me [to|about|of] *", NULL },
	{ PHRASE_ADD, "don't|dont let me forget [to] *", NULL },
	{ PHRASE_ADD, "i need|have to remember to *", NULL },
	{ PHRASE_GREETING, "hi|hello|hey|hallo|howdy|greetings|yo|moin [there|usher|again|all]", NULL },
	{ PHRASE_GREETING, "good morning|afternoon|evening|day [there|usher]", NULL },
	{ PHRASE_THANKS, "thanks|thx|cheers [a] [lot]", NULL },
	{ PHRASE_THANKS, "thank you [very|so] [much]", NULL },
	{ PHRASE_HELP, "help|?|commands [me]", NULL },
	{ PHRASE_HELP, "what can you|usher do [for] [me]", NULL },
	{ PHRASE_HELP, "how do|does you|this|it|usher work", NULL },
	{ PHRASE_HELP, "who|what are you", NULL },
};

struct word {
	const char *at;
	size_t len, bare; /* bare: without the punctuation behind it */
};

struct match {
	const struct word *words;
	size_t count;
	long id;
	size_t title, title_end, into, into_end; /* indexes of words */
};

static size_t split(const char *text, struct word *words)
{
	size_t count = 0;

	while (count < WORDS_MAX) {
		const char *end;

		while (isspace((unsigned char)*text))
			text++;
		if (*text == '\0')
			return count;
		for (end = text; *end && !isspace((unsigned char)*end);)
			end++;
		words[count] = (struct word){ text, (size_t)(end - text), (size_t)(end - text) };
		while (words[count].bare > 1 && strchr(".,!?:;", text[words[count].bare - 1]))
			words[count].bare--;
		count++;
		text = end;
	}
	return WORDS_MAX + 1; /* too long to be one of our phrases */
}

/* Is the word one of "a|b|c"? */
static bool one_of(const struct word *word, const char *choices, size_t len)
{
	while (len > 0) {
		size_t part = 0;

		while (part < len && choices[part] != '|')
			part++;
		if (part == word->bare && strncasecmp(choices, word->at, part) == 0)
			return true;
		choices += part < len ? part + 1 : part;
		len -= part < len ? part + 1 : part;
	}
	return false;
}

static bool number(const struct word *word, long *id_out)
{
	const char *at = word->at;
	size_t len = word->bare;
	long id = 0;

	if (*at == '#') {
		at++;
		len--;
	}
	if (len == 0 || len > 9)
		return false;
	for (; len > 0; at++, len--) {
		if (*at < '0' || *at > '9')
			return false;
		id = id * 10 + (*at - '0');
	}
	*id_out = id;
	return id > 0;
}

static bool match(struct match *m, const char *pattern, size_t i);

/* The shortest capture first; a second "*" does not exist, so this tries each length once. */
static bool match_capture(struct match *m, const char *pattern, const char *rest, size_t i)
{
	bool title = *pattern == '*';

	for (size_t end = i + 1; end <= m->count; end++) {
		if (!match(m, rest, end))
			continue;
		*(title ? &m->title : &m->into) = i;
		*(title ? &m->title_end : &m->into_end) = end;
		return true;
	}
	return false;
}

static bool match(struct match *m, const char *pattern, size_t i)
{
	size_t len = strcspn(pattern, " ");
	const char *rest = pattern + len + (pattern[len] == ' ');

	if (*pattern == '\0')
		return i == m->count;
	if (*pattern == '[')
		return (i < m->count && one_of(&m->words[i], pattern + 1, len - 2) &&
			match(m, rest, i + 1)) ||
		       match(m, rest, i);
	if (i == m->count)
		return false;
	if (*pattern == '*' || *pattern == '+')
		return match_capture(m, pattern, rest, i);
	if (*pattern == '#')
		return number(&m->words[i], &m->id) && match(m, rest, i + 1);
	return one_of(&m->words[i], pattern, len) && match(m, rest, i + 1);
}

/* The words as they were written, without quotes around and a full stop behind. */
static const char *captured(const struct match *m, size_t from, size_t to, struct arena *arena)
{
	const char *start, *end;

	if (to <= from)
		return NULL;
	start = m->words[from].at;
	end = m->words[to - 1].at + m->words[to - 1].len;
	while (end > start + 1 && strchr(".!?,;\"'`", end[-1]))
		end--;
	while (start < end - 1 && strchr("\"'`:", *start))
		start++;
	while (start < end - 1 && isspace((unsigned char)*start))
		start++;
	return arena_text_n(arena, start, (size_t)(end - start));
}

/* Politeness around a request means nothing to us. */
static void skip_courtesy(struct match *m)
{
	static const char *const before[] = { "please", "usher|hey|ok|okay|and|also|now|just",
					      "can|could|would|will you", "i want|need you to",
					      "i'd like to" };
	bool again = true;

	while (again) {
		again = false;
		for (size_t b = 0; b < sizeof(before) / sizeof(*before) && !again; b++) {
			struct match part = *m;

			for (part.count = 1; part.count <= 4 && part.count < m->count && !again; part.count++)
				again = match(&part, before[b], 0);
			if (again) {
				m->words += part.count - 1;
				m->count -= part.count - 1;
			}
		}
	}
}

static bool find_phrase(const struct match *m, struct arena *arena, struct phrase *out)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		struct match try = *m;

		if (!match(&try, patterns[i].words, 0))
			continue;
		*out = (struct phrase){
			.kind = patterns[i].kind,
			.id = strchr(patterns[i].words, '#') ? try.id : 0,
			.title = patterns[i].title ? patterns[i].title
						   : captured(&try, try.title, try.title_end, arena),
			.into = captured(&try, try.into, try.into_end, arena),
		};
		return true;
	}
	return false;
}

struct phrase local_phrase(const char *text, struct arena *arena)
{
	struct word words[WORDS_MAX];
	struct match m = { .words = words, .count = split(text, words) };
	struct phrase phrase = { .kind = PHRASE_OTHER };

	if (m.count == 0 || m.count > WORDS_MAX)
		return phrase;
	while (m.count > 1 && one_of(&m.words[m.count - 1], "please|thanks", 13))
		m.count--;
	if (find_phrase(&m, arena, &phrase))
		return phrase;
	skip_courtesy(&m);
	find_phrase(&m, arena, &phrase);
	return phrase;
}
