/* CLD2 is a library of C++ without a header for C: its two functions that we need take and return plain values, and are
 * named here as its library names them. */
#include "language.h"
#include "text.h"
#include <stdbool.h>
#include <string.h>

enum { GUESSES = 3 };

/* int CLD2::DetectLanguageSummary(const char *, int, bool, Language *, int *, int *, bool *) */
extern int
cld_detect(const char *text, int len, bool is_plain, int *languages, int *percents, int *bytes,
	   bool *is_reliable) __asm__("_ZN4CLD221DetectLanguageSummaryEPKcibPNS_8LanguageEPiS4_Pb");
/* const char *CLD2::LanguageCode(Language) */
extern const char *cld_code(int language) __asm__("_ZN4CLD212LanguageCodeENS_8LanguageE");

const char *language_of(const char *text, size_t len)
{
	static const char *const renamed[][2] = { { "iw", "he" },
						  { "jw", "jv" } }; /* since ISO 639 was amended in 1989 */
	int languages[GUESSES] = { 0 }, percents[GUESSES], bytes;
	bool reliable = false;
	const char *code;

	cld_detect(text, (int)text_fit(text, len, LANGUAGE_BYTES_MAX), true, languages, percents, &bytes,
		   &reliable);
	code = cld_code(languages[0]);
	if (!reliable || code == NULL || strcmp(code, "un") == 0 || strncmp(code, "xx", 2) == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++)
		if (strcmp(code, renamed[i][0]) == 0)
			return renamed[i][1];
	return code;
}
