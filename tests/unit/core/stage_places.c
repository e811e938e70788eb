#include "stage_places.h"
#include "mem.h"
#include <stdlib.h>

const uint8_t place_keys[2][CRYPTO_KEY_SIZE] = { { 1 }, { 2 } };
const struct core_options places_sealed = { .keys = place_keys, .key_count = 2 };

int places_setup(void **state)
{
	return house_setup(state, &places_sealed);
}

struct store_installation place_row(const char *name, const uint8_t *key, const char *secrets)
{
	char *context = mem_format("room/%s", name);
	struct store_installation it = { .platform = "room",
					 .name = name,
					 .title = "Acme",
					 .settings = "{}",
					 .secrets = key ? crypto_seal(key, context, secrets) : NULL,
					 .enabled = true };

	free(context);
	return it;
}

void place_rows_free(const struct store_installation *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((char *)(uintptr_t)rows[i].secrets);
}

const struct fake_word *place_last_told(const struct house *house)
{
	assert_true(house->room->installed_count > 0);
	return &house->room->installed[house->room->installed_count - 1];
}

void place_ask(struct house *house, const char *key, uint64_t ticket)
{
	house->room->host->install(house->room->host,
				   &(struct install){ .key = key,
						      .title = "Acme",
						      .settings = "{\"team\":1}",
						      .secrets = "{\"token\":\"a\"}" },
				   ticket);
}

void place_answer(struct house *house, bool enabled)
{
	struct question *q = house_question(house, Q_INSTALL);
	char *name = mem_text(q->installation), *secrets = mem_text(q->secrets);
	struct store_installation it = { .platform = "room",
					 .name = name,
					 .title = "Acme",
					 .settings = "{}",
					 .secrets = secrets,
					 .enabled = enabled };

	fake_answer_installations(house->store, q, NULL, &it, 1);
	free(name);
	free(secrets);
}

void place_no_cursors(struct house *house)
{
	fake_answer_cursors(house->store, house_question(house, Q_CURSORS), NULL, NULL, 0);
	fake_answer_texts(house->store, house_question(house, Q_TEXTS), NULL, NULL, 0);
}

struct platform *place_install(struct house *house, const char *key)
{
	size_t before = house->room->adopted_count;

	place_ask(house, key, 7);
	place_answer(house, true);
	fake_loop_run(house->loop);
	place_no_cursors(house);
	assert_int_equal(house->room->adopted_count, before + 1);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, 0);
	return house->room->adopted[before];
}

void place_take_out(struct house *house, const char *key)
{
	house->room->host->removed(house->room->host, key, "the app was uninstalled");
	assert_string_equal(house_question(house, Q_REMOVE)->why, "the app was uninstalled");
	fake_answer_done(house->store, house_question(house, Q_REMOVE), NULL);
}
