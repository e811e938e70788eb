/* Questions about UTF-8 text, answered by libunistring. Any thread. */
#ifndef USHER_TEXT_H
#define USHER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 without NUL. */
bool text_valid(const char *text, size_t len);

/* Nothing but white space (Unicode's), or empty. text must be valid UTF-8. */
bool text_blank(const char *text);

/* Nothing of it would be seen: white space, and characters that only change others. text must be valid UTF-8. */
bool text_unseen(const char *text);

/* The longest prefix of at most max bytes that ends on a character boundary; returns its length. */
size_t text_fit(const char *text, size_t len, size_t max);

/* The length without a character whose last bytes are still missing: for text that comes in pieces. */
size_t text_whole(const char *text, size_t len);

/* A valid copy: every invalid byte becomes U+FFFD. The caller frees. */
char *text_repair(const char *text, size_t len);

/* A copy in which control characters other than those in `kept` are written out ("\x1b"): what strangers sent
 * must not move a terminal's cursor, set its title or begin a line of the log. The caller frees. */
char *text_visible(const char *text, const char *kept);

/* A copy in which what nobody sees, what turns the direction or breaks lines in secret is written out as in JSON
 * ("\\u200b"), and so are control characters other than those in `kept`: for people who have to judge what strangers wrote.
 * Joiners and the like that belong to a script or a picture stay. text must be valid UTF-8. The caller frees. */
char *text_revealed(const char *text, const char *kept);

/* A copy on one line, for names: line breaks and other control characters, also those that turn the direction of
 * what follows, become one blank, and there is none at either end. text must be valid UTF-8. The caller frees. */
char *text_one_line(const char *text);

/* A copy of a file's name that somebody else chose, at most max bytes: no folders, no control characters, nothing that is
 * not seen or turns the direction; "_" where nothing else is left. The caller frees. */
char *text_file_name(const char *name, size_t max);

/* Each line of text behind "> ", a blank line after the last; of more than max bytes the beginning, and " …". */
struct buf;
void text_quote(struct buf *out, const char *text, size_t max);

/* Whether text is what pattern says; * in it stands for any bytes, also none. */
bool text_matches(const char *pattern, const char *text);

/* A copy for comparing: the same for texts that differ in upper and lower case only, in any script, or in how accents are
 * written (Unicode's full case folding, NFC). text must be valid UTF-8. The caller frees. */
char *text_fold(const char *text, size_t len);

/* 0 to 15, -1 for what is no hexadecimal digit. */
int text_hex_digit(char c);

#endif
