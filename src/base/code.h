/* Short codes that people pass on by hand: to pair, to link, to approve. */
#ifndef USHER_CODE_H
#define USHER_CODE_H

#include <stdbool.h>

enum { CODE_SIZE = 9 }; /* 8 characters and the NUL */

extern const char code_alphabet[];

/* Unguessable; of characters that are not mistaken for each other when read aloud or typed. Returns out. */
char *code_make(char out[CODE_SIZE]);

/* The same code for the same text, for what must be called the same after a crash. Returns out. */
char *code_of(const char *text, char out[CODE_SIZE]);

/* Typed by hand: capitals or not, with spaces or dashes. false: it cannot be a code of ours. */
bool code_read(const char *text, char out[CODE_SIZE]);

#endif
