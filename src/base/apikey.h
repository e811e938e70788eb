/* API keys: "usher_<id>_<secret><check>". The id names the key in lists and logs, the secret is 202 random
 * bits, the check tells a mistyped key from an unknown one without a question to the database. Any thread. */
#ifndef USHER_APIKEY_H
#define USHER_APIKEY_H

#include "crypto.h"
#include <stdbool.h>

enum {
	APIKEY_ID = 8,	    /* letters of the id */
	APIKEY_SECRET = 34, /* letters of the secret, 62 kinds */
	APIKEY_CHECK = 6,   /* letters of the check */
	APIKEY_ID_SIZE = APIKEY_ID + 1,
	APIKEY_SIZE = 6 + APIKEY_ID + 1 + APIKEY_SECRET + APIKEY_CHECK + 1, /* with the NUL */
};

/* A new key, its id, and the only thing of it that is stored: the SHA-256 in lower-case hex. */
void apikey_make(char key[APIKEY_SIZE], char id[APIKEY_ID_SIZE], char hash[CRYPTO_SHA256_HEX]);

/* Form and check are right; says nothing about whether the key exists. Takes text of any length. */
bool apikey_valid(const char *text);

/* What the key is found by. Returns hash. */
char *apikey_hash(const char *key, char hash[CRYPTO_SHA256_HEX]);

#endif
