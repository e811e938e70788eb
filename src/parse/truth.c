/* Yes and no. */
#include "mem.h"
#include "names.h"
#include "value.h"
#include <stdlib.h>
#include <string.h>

/* As name_fold makes them. "no", "si" and the like mean one thing in all languages here; what does not ("ne": no in Czech, yes
 * in Greek letters only; "na") is left out. */
static const char *const YES[] = {
	"true",	 "t",	   "yes",  "y",	     "1",      "on",	  "ja",	    "j",	 "wahr",
	"oui",	 "o",	   "vrai", "si",     "s",      "sim",	  "vero",   "verdadero", "verdadeiro",
	"tak",	 "prawda", "ano",  "pravda", "da",     "igen",	  "igaz",   "kylla",	 "evet",
	"dogru", "jes",	   "да",   "истина", "так",    "ναι",	  "αληθησ", "نعم",	 "صحيح",
	"כן",	 "हां",	   "हाँ",   "是",     "对",     "真",	  "はい",   "예",	 "네",
	"co",	 "waar",   "sant", "sand",   "active", "enabled",
};
static const char *const NO[] = {
	"false",  "f",	   "no",    "n",      "0",	"off",	    "nein",	"falsch", "non",    "faux",
	"nao",	  "falso", "nie",   "falsz",  "fałsz",	"ne",	    "nepravda", "nu",	  "nem",    "hamis",
	"ei",	  "hayir", "hayır", "yanlis", "yanlıs", "nej",	    "nei",	"нет",	  "ложь",   "ні",
	"οχι",	  "لا",	   "خطأ",   "לא",     "नहीं",	"否",	    "不",	"假",	  "いいえ", "아니오",
	"아니요", "khong", "nee",   "onwaar", "falskt", "inactive", "disabled",
};
static const char *const TICKS[] = { "x", "✓", "✔", "☑", "☒" };
static const char *const CROSSES[] = { "✗", "✘", "☐", "-", "–" };

static bool among(const char *const *words, size_t count, const char *text)
{
	bool other = (unsigned char)text[0] >= 0x80;

	for (size_t i = 0; i < count; i++) {
		char *folded;
		bool same = strcmp(words[i], text) == 0;

		/* Marks of other scripts are folded away in both. */
		if (!same && other && (unsigned char)words[i][0] >= 0x80) {
			folded = name_fold(words[i], strlen(words[i]));
			same = folded[0] != '\0' && strcmp(folded, text) == 0;
			free(folded);
		}
		if (same)
			return true;
	}
	return false;
}

#define AMONG(words, text) among(words, sizeof(words) / sizeof((words)[0]), text)

int truth_of(const char *text, size_t len, bool *tick)
{
	char *folded;
	int truth = -1;

	*tick = false;
	if (len == 0 || len > 40)
		return -1;
	folded = mem_text_n(text, len);
	if (AMONG(CROSSES, folded))
		truth = 0;
	*tick = AMONG(TICKS, folded);
	free(folded);
	if (truth == 0)
		return 0;
	folded = name_fold(text, len);
	*tick = *tick || strcmp(folded, "x") == 0;
	truth = *tick || AMONG(YES, folded) ? 1 : AMONG(NO, folded) ? 0 : -1;
	free(folded);
	return truth;
}
