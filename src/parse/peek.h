/* Which kind of text a text is. */
#ifndef USHER_PARSE_PEEK_H
#define USHER_PARSE_PEEK_H

#include <stdbool.h>
#include <stddef.h>

struct peek {
	const char *kind, *mime; /* static, or mime as given */
};

/* text: the beginning (UTF-8, NUL-terminated); more: it goes on. */
struct peek peek_text(const char *text, size_t len, bool more, const char *name, const char *mime);

/* The delimiter that cuts these lines into columns: one of , ; TAB |; 0: none does. columns_out: how many (NULL: not
 * wanted). sure_out: every line is cut alike. */
char peek_delimiter(const char *text, size_t len, bool more, size_t *columns_out, bool *sure_out);

#endif
