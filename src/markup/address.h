/* Addresses in plain text: what any platform might turn into a link. Generous in finding, strict in reading. */
#ifndef USHER_ADDRESS_H
#define USHER_ADDRESS_H

#include "url.h"
#include <stdbool.h>
#include <stddef.h>

enum { ADDRESS_HOST_SIZE = sizeof(((struct url *)0)->host), ADDRESS_WORD_MAX = 512 };

/* Characters that no eye sees: chats drop them, and what was apart is one address. */
size_t address_hidden(const char *text, size_t len);

/* The next word that might be an address, in text without hidden characters, from *at on: false when there is none.
 * from, size: the word without signs around it; *at moves behind it. */
bool address_next(const char *text, size_t len, size_t *at, size_t *from_out, size_t *size_out);

/* The host of an address ("https://h/x", "h/x", "mailto:a@h", "a@h"); false for what two readers could understand
 * differently. bare: without a scheme, too. */
bool address_host(const char *address, size_t len, bool bare, char host_out[ADDRESS_HOST_SIZE]);

#endif
