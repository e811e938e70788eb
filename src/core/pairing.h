/* The codes with which a stranger is introduced to the operator. */
#ifndef USHER_CORE_PAIRING_H
#define USHER_CORE_PAIRING_H

#include <stdbool.h>

enum { PAIRING_CODE_SIZE = 9 }; /* 8 characters and the NUL */

extern const char pairing_alphabet[];

/* Unguessable; of characters that are not mistaken for each other when read aloud or typed. Returns out. */
char *pairing_code(char out[PAIRING_CODE_SIZE]);

/* Typed by hand: capitals or not, with spaces or dashes. false: it cannot be a code of ours. */
bool pairing_read(const char *text, char out[PAIRING_CODE_SIZE]);

#endif
