/* Takes from text what Markdown would make of it. */
#include "words.h"
#include "buf.h"
#include <ctype.h>
#include <string.h>

/* CommonMark takes a backslash in front of any punctuation for that character and nothing else; a line break could begin
 * a block. */
void words_plain(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (ispunct((unsigned char)*text))
			buf_text(out, "\\");
		buf_add(out, strchr("\r\n", *text) ? " " : text, 1);
	}
}
