#include "literal.h"
#include "buf.h"
#include <ctype.h>
#include <string.h>

/* A line break could begin a block, and ends what was begun. */
static void add_char(struct buf *out, const char *at)
{
	buf_add(out, strchr("\r\n", *at) ? " " : at, 1);
}

/* CommonMark takes a backslash in front of any punctuation for that character and nothing else. */
void literal_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (ispunct((unsigned char)*text))
			buf_text(out, "\\");
		add_char(out, text);
	}
}

static size_t longest_run(const char *text, char sign)
{
	size_t longest = 0, run = 0;

	for (; *text; text++) {
		run = *text == sign ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void add_times(struct buf *out, const char *sign, size_t count)
{
	while (count-- > 0)
		buf_text(out, sign);
}

/* A span of code ends with as many signs as it began with (CommonMark 6.1); a blank at both ends is taken off. */
void literal_code(struct buf *out, const char *text)
{
	size_t signs = longest_run(text, '`') + 1;

	add_times(out, "`", signs);
	if (signs > 1)
		buf_text(out, " ");
	for (; *text; text++)
		add_char(out, text);
	if (signs > 1)
		buf_text(out, " ");
	add_times(out, "`", signs);
}
