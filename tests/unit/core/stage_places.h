/* Places that add us, as the tests of them want them: being added, the store's answers, being taken out. */
#ifndef STAGE_PLACES_H
#define STAGE_PLACES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto.h"
#include "house.h"

extern const uint8_t place_keys[2][CRYPTO_KEY_SIZE];
extern const struct core_options places_sealed; /* with these keys */

/* cmocka's setup: a house with places_sealed. */
int places_setup(void **state);

/* A row of the store, its secrets sealed with that key (NULL: without any). */
struct store_installation place_row(const char *name, const uint8_t *key, const char *secrets);
void place_rows_free(const struct store_installation *rows, size_t count);

/* What the configured installation was told last (ops.installed). */
const struct fake_word *place_last_told(const struct house *house);

/* The place `key` is added; then what the store keeps of it is given back as its row. */
void place_ask(struct house *house, const char *key, uint64_t ticket);
void place_answer(struct house *house, bool enabled);
void place_no_cursors(struct house *house);
/* All of that; returns its object. */
struct platform *place_install(struct house *house, const char *key);

/* The other side takes us out, and the store has erased it. */
void place_take_out(struct house *house, const char *key);

#endif
