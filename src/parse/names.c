/* Folding through ICU, and the distance between names. */
#include "names.h"
#include "mem.h"
#include "text.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unistr.h>

enum { FOLD_MAX = 400 /* units of UTF-16: of longer names the beginning counts */, LOOKED_AT = 500 };

char *name_fold(const char *text, size_t len)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&status);
	UChar wide[FOLD_MAX], apart[FOLD_MAX * 4], folded[FOLD_MAX * 6];
	int32_t n, kept = 0, out = 0;
	char *result = mem_alloc(FOLD_MAX * 6 * 3 + 1);

	u_strFromUTF8WithSub(wide, FOLD_MAX, &n, text, (int32_t)(len > FOLD_MAX ? FOLD_MAX : len), 0xfffd,
			     NULL, &status);
	n = unorm2_normalize(nfkd, wide, n, apart, FOLD_MAX * 4, &status);
	n = u_strFoldCase(folded, FOLD_MAX * 6, apart, n, U_FOLD_CASE_DEFAULT, &status);
	for (int32_t i = 0; U_SUCCESS(status) && i < n;) {
		bool pair = U16_IS_LEAD(folded[i]) && i + 1 < n && U16_IS_TRAIL(folded[i + 1]);
		UChar32 c = pair ? (UChar32)U16_GET_SUPPLEMENTARY(folded[i], folded[i + 1]) : folded[i];

		for (int32_t end = i + 1 + pair; i < end; i++)
			if (u_isalnum(c))
				folded[kept++] = folded[i];
	}
	u_strToUTF8(result, FOLD_MAX * 6 * 3, &out, folded, kept, &status);
	result[U_SUCCESS(status) ? out : 0] = '\0';
	return result;
}

/* Insertions, deletions, replacements; bytes do well enough for a hint. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(b), last, best;
	size_t *row = mem_alloc((n + 1) * sizeof(*row));

	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 0; a[i] != '\0'; i++) {
		last = row[0]++;
		for (size_t k = 1; k <= n; k++) {
			best = last + (a[i] != b[k - 1]);
			best = row[k] + 1 < best ? row[k] + 1 : best;
			best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
			last = row[k];
			row[k] = best;
		}
	}
	best = row[n];
	free(row);
	return best;
}

const char *name_nearest(const char *name, char *const *names, size_t count)
{
	char *wanted = name_fold(name, strlen(name));
	size_t best = strlen(wanted) / 2 + 1; /* more than half of it changed is another name */
	const char *nearest = NULL;

	for (size_t i = 0; i < count && i < LOOKED_AT; i++) {
		char *folded = name_fold(names[i], strlen(names[i]));
		/* What contains it is near, too: "amount" and "Amount in EUR". */
		size_t far = wanted[0] != '\0' && strstr(folded, wanted) ? 1 : distance(wanted, folded);

		if (far < best) {
			best = far;
			nearest = names[i];
		}
		free(folded);
	}
	free(wanted);
	return nearest;
}

struct name_shown name_show(const char *name)
{
	struct name_shown shown = { "" };
	size_t len = strlen(name), fit = text_fit(name, len, sizeof(shown.text) - 4);

	memcpy(shown.text, name, fit);
	if (fit < len)
		memcpy(shown.text + fit, "\xe2\x80\xa6", 4); /* … */
	return shown;
}

int32_t char_next(const char *text, int32_t *at, int32_t len)
{
	ucs4_t c;
	int n = u8_mbtoucr(&c, (const uint8_t *)text + *at, (size_t)(len - *at));

	*at += n > 0 ? n : 1;
	return n > 0 ? (int32_t)c : -1;
}

int32_t char_before(const char *text, int32_t *at)
{
	int32_t from = *at - 1, end = *at, c;

	while (from > 0 && end - from < 4 && ((unsigned char)text[from] & 0xc0) == 0x80)
		from--;
	*at = from;
	c = char_next(text, &from, end);
	if (c >= 0 && from == end)
		return c;
	*at = end - 1;
	return -1;
}

void names_stage(void)
{
	free(name_fold("Größe (²)", strlen("Größe (²)")));
}
