/* Names of months and days of the week come from ICU, for many languages at once: what two of them use for different months
 * ("listopad" is November in Polish and October in Croatian) is not taken for either. */
#include "moment_words.h"
#include "mem.h"
#include "moment.h"
#include "names.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/udat.h>
#include <unicode/ustring.h>

static const char *const LANGUAGES[] = {
	"en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "sl", "hu", "ro",
	"bg", "ru", "uk", "tr", "el", "lt", "lv", "et", "hr", "ca", "id", "vi", "ar", "he", "hi", "fa",
};

struct known {
	char *word; /* folded */
	int meaning;
};

/* Filled once, before the file is read, and never changed afterwards. */
static struct {
	struct known *all;
	size_t count, room;
} words;

static int by_word(const void *a, const void *b)
{
	const struct known *left = a, *right = b;
	int order = strcmp(left->word, right->word);

	return order != 0 ? order : left->meaning - right->meaning;
}

static void word_add(const char *text, int meaning)
{
	char *folded = name_fold(text, strlen(text));

	if (folded[0] == '\0' || strspn(folded, "0123456789") > 0) {
		free(folded);
		return;
	}
	if (words.count == words.room) {
		words.room = words.room ? words.room * 2 : 1024;
		words.all = mem_resize(words.all, words.room, sizeof(*words.all));
	}
	words.all[words.count++] = (struct known){ folded, meaning };
}

static void symbols_add(const UDateFormat *format, UDateFormatSymbolType type, bool months)
{
	int32_t count = udat_countSymbols(format, type), first = months ? 0 : 1;

	for (int32_t i = first; i < count && i < first + 12; i++) {
		UErrorCode status = U_ZERO_ERROR;
		UChar name[80];
		char text[240];

		udat_getSymbols(format, type, i, name, 80, &status);
		u_strToUTF8(text, sizeof(text), NULL, name, -1, &status);
		if (U_SUCCESS(status))
			word_add(text, months ? (int)i + 1 : WORD_FILLER);
	}
}

static void language_add(const char *language)
{
	static const UDateFormatSymbolType months[] = { UDAT_MONTHS, UDAT_SHORT_MONTHS,
							UDAT_STANDALONE_MONTHS,
							UDAT_STANDALONE_SHORT_MONTHS };
	static const UDateFormatSymbolType days[] = { UDAT_WEEKDAYS, UDAT_SHORT_WEEKDAYS };
	UErrorCode status = U_ZERO_ERROR;
	char locale[40];
	UDateFormat *format;

	/* Of the calendar that is meant, whatever the country prefers. */
	snprintf(locale, sizeof(locale), "%s@calendar=gregorian", language);
	format = udat_open(UDAT_LONG, UDAT_LONG, locale, u"UTC", -1, NULL, 0, &status);
	if (U_FAILURE(status))
		return;
	for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++)
		symbols_add(format, months[i], true);
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++)
		symbols_add(format, days[i], false);
	udat_close(format);
}

/* One entry for each word; 0 is the meaning of those that are different months. A month is more than a day. */
static void words_merge(void)
{
	size_t kept = 0;

	qsort(words.all, words.count, sizeof(*words.all), by_word);
	for (size_t i = 0; i < words.count; i++) {
		struct known *last = kept ? &words.all[kept - 1] : NULL;

		if (last == NULL || strcmp(last->word, words.all[i].word) != 0) {
			words.all[kept++] = words.all[i];
			continue;
		}
		if (words.all[i].meaning <= 12 && words.all[i].meaning != last->meaning)
			last->meaning = 0;
		free(words.all[i].word);
	}
	words.count = kept;
}

void moment_stage(void)
{
	static const struct {
		const char *word;
		int meaning;
	} more[] = {
		{ "sept", 9 },		{ "mrz", 3 },
		{ "maerz", 3 },		{ "of", WORD_FILLER },
		{ "de", WORD_FILLER },	{ "del", WORD_FILLER },
		{ "den", WORD_FILLER }, { "der", WORD_FILLER },
		{ "le", WORD_FILLER },	{ "the", WORD_FILLER },
		{ "st", WORD_FILLER },	{ "nd", WORD_FILLER },
		{ "rd", WORD_FILLER },	{ "th", WORD_FILLER },
		{ "er", WORD_FILLER },	{ "um", WORD_FILLER },
		{ "uhr", WORD_FILLER }, { "at", WORD_FILLER },
		{ "г", WORD_FILLER },	{ "года", WORD_FILLER },
		{ "р", WORD_FILLER },	{ "a", WORD_FILLER },
		{ "年", WORD_FILLER },	{ "月", WORD_FILLER },
		{ "日", WORD_FILLER },	{ "년", WORD_FILLER },
		{ "월", WORD_FILLER },	{ "일", WORD_FILLER },
		{ "am", WORD_AM },	{ "pm", WORD_PM },
		{ "z", WORD_ZULU },	{ "utc", WORD_ZULU },
		{ "gmt", WORD_ZULU },	{ "t", WORD_TIME },
	};

	if (words.count > 0)
		return;
	for (size_t i = 0; i < sizeof(LANGUAGES) / sizeof(LANGUAGES[0]); i++)
		language_add(LANGUAGES[i]);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		word_add(more[i].word, more[i].meaning);
	words_merge();
}

void moment_unstage(void)
{
	for (size_t i = 0; i < words.count; i++)
		free(words.all[i].word);
	free(words.all);
	words.all = NULL;
	words.count = words.room = 0;
}

int moment_word(const char *text, size_t len)
{
	struct known wanted = { name_fold(text, len), 0 };
	size_t low = 0, high = words.count;
	int meaning = 0;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(words.all[middle].word, wanted.word);

		if (order == 0) {
			meaning = words.all[middle].meaning;
			break;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	free(wanted.word);
	return meaning;
}
