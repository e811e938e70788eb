/* A real store on a file of its own, asked one question at a time. */
#ifndef PEOPLE_STAGE_H
#define PEOPLE_STAGE_H

#include "json.h"
#include "store_people.h"
#include <stdbool.h>

#define ALICE  "11111111-1111-7111-8111-111111111111"
#define BOB    "22222222-2222-7222-8222-222222222222"
#define ORG    "00000000-0000-7000-8000-000000000001"
#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* Setup and teardown of a test: an empty database. */
int stage_open(void **state);
int stage_close(void **state);

/* Stops the store, runs the statements on its file, opens it again. */
void stage_script(const char *sql);

/* The answer, borrowed until the next question; NULL with stage_err set. Arguments are counted to the first
 * (void *)1. */
json_t *stage_report(const char *name, ...);
json_t *stage_act(const char *name, ...);
extern struct err stage_err;
#define END ((const char *)1)

/* The key's answer: found or not; its speaker's profile is copied to profile_out (37 bytes). */
bool stage_key(const char *hash, bool *active_out, char *profile_out);
bool stage_user(const char *username, bool *active_out, char *profile_out);

/* The latest act was refused, for this reason. */
void stage_refused(enum err_kind kind, const char *words);

/* One text of an array of rows. */
const char *stage_at(json_t *rows, size_t row, const char *key);

#endif
