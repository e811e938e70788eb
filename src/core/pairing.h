/* The codes with which a stranger is introduced to the operator. */
#ifndef USHER_CORE_PAIRING_H
#define USHER_CORE_PAIRING_H

enum { PAIRING_CODE_SIZE = 9 }; /* 8 characters and the NUL */

extern const char pairing_alphabet[];

/* Unguessable; of characters that are not mistaken for each other when read aloud or typed. Returns out. */
char *pairing_code(char out[PAIRING_CODE_SIZE]);

#endif
