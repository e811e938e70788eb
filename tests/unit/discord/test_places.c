/* What channels are: bounded, in little memory, found again. */
#include "mem.h"
#include "places.h"
#include "stage_take.h"
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

static void threads_are_channels_of_their_own(void **state)
{
	(void)state;
	assert_true(discord_is_thread(10) && discord_is_thread(11) && discord_is_thread(12));
	assert_false(discord_is_thread(0) || discord_is_thread(1) || discord_is_thread(5) ||
		     discord_is_thread(15) || discord_is_thread(-1));
}

static void what_is_known_stays_when_less_is_said(void **state)
{
	struct discord_places *places = discord_places_create(NULL);
	struct discord_channel out;
	json_t *object = quoted_json(
		"{'id':'9007199254740993','type':11,'guild_id':'3','parent_id':'4','owner_id':'777',"
		"'name':'a talk','last_message_id':'50'}");
	const struct discord_channel *found;

	(void)state;
	assert_true(discord_channel_take(places, object, 0, &out));
	json_decref(object);
	object = quoted_json("{'id':'9007199254740993','type':11}");
	assert_true(discord_channel_take(places, object, 8, &out));
	json_decref(object);
	found = discord_channel_find(places, UINT64_C(9007199254740993)); /* pitfall 27 */
	assert_non_null(found);
	assert_null(discord_channel_find(places, UINT64_C(9007199254740992)));
	assert_int_equal(found->parent, 4);
	assert_int_equal(found->owner, 777);
	assert_int_equal(found->last_message, 50);
	assert_string_equal(discord_channel_name(places, found->id), "a talk");
	discord_channel_forget(places, found->id);
	assert_null(discord_channel_find(places, UINT64_C(9007199254740993)));
	discord_channel_forget(places, 12345);
	discord_places_destroy(places);
}

static void categories_are_not_kept(void **state)
{
	struct discord_places *places = discord_places_create(NULL);
	json_t *object = quoted_json("{'id':'5','type':4,'name':'General'}"),
	       *none = quoted_json("{'type':0}");
	struct discord_channel out;

	(void)state;
	assert_false(discord_channel_take(places, object, 3, &out));
	assert_false(discord_channel_take(places, none, 3, &out));
	assert_null(discord_channel_find(places, 5));
	json_decref(object);
	json_decref(none);
	discord_places_destroy(places);
}

static void a_guild_goes_with_its_channels(void **state)
{
	struct discord_places *places = discord_places_create(NULL);

	(void)state;
	for (snowflake i = 1; i <= 1000; i++)
		discord_channel_learn(
			places, &(struct discord_channel){ .id = i << 22, .guild = 1 + i % 3, .type = 0 });
	discord_follow(places, 3 << 22);
	discord_follow(places, 4 << 22);
	discord_guild_forget(places, 1);
	for (snowflake i = 1; i <= 1000; i++)
		assert_int_equal(discord_channel_find(places, i << 22) == NULL, i % 3 == 0);
	assert_false(discord_follows(places, 3 << 22));
	assert_true(discord_follows(places, 4 << 22));
	discord_places_destroy(places);
}

/* Large pieces are counted apart by the C library. */
static size_t taken(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* A bot in many guilds must run on a small machine. */
static void a_thousand_guilds_take_few_mib(void **state)
{
	struct discord_places *places;
	size_t before = taken(), used;

	(void)state;
	places = discord_places_create(NULL);
	for (snowflake guild = 1; guild <= 1000; guild++)
		for (snowflake i = 0; i < 50; i++) {
			char *text = mem_format("{'id':'%" PRIu64 "','type':0,'name':'channel-%u'}",
						(guild << 40) + (i << 22), (unsigned)i);
			json_t *object = quoted_json(text);
			struct discord_channel out;

			assert_true(discord_channel_take(places, object, guild, &out));
			json_decref(object);
			free(text);
		}
	used = taken() - before;
	print_message("1,000 guilds of 50 channels: %zu KiB\n", used >> 10);
	assert_true(used < 8 << 20);
	for (snowflake guild = 1; guild <= 1000; guild++)
		assert_int_equal(discord_channel_find(places, (guild << 40) + (UINT64_C(7) << 22))->guild,
				 guild);
	discord_places_destroy(places);
}

/* What is asked for again and again is not what makes room. */
static void the_least_used_makes_room(void **state)
{
	struct flakes flakes = { .max = 100 };
	bool is_new;

	(void)state;
	for (snowflake i = 1; i <= 100; i++)
		flakes_put(&flakes, i, &is_new);
	for (snowflake i = 101; i <= 5000; i++) {
		assert_int_equal(flakes_find(&flakes, 7) != FLAKES_NONE, true);
		assert_in_range(flakes_put(&flakes, i, &is_new), 0, 99);
		assert_true(is_new);
		assert_int_equal(flakes.count, 100);
		assert_true(flakes_find(&flakes, i) != FLAKES_NONE);
	}
	assert_int_equal(flakes_find(&flakes, 3), FLAKES_NONE);
	flakes_finish(&flakes);
}

static void ids_come_and_go_and_are_found(void **state)
{
	struct flakes flakes = { .max = 4096 };
	bool is_new, there[512] = { false };
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		size_t n;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
		n = (random >> 33) % 512;
		if (random >> 63) {
			flakes_put(&flakes, (n + 1) << 22, &is_new);
			assert_int_equal(is_new, !there[n]);
			there[n] = true;
		} else {
			assert_int_equal(flakes_remove(&flakes, (n + 1) << 22) != FLAKES_NONE, there[n]);
			there[n] = false;
		}
	}
	for (size_t n = 0; n < 512; n++)
		assert_int_equal(flakes_find(&flakes, (n + 1) << 22) != FLAKES_NONE, there[n]);
	flakes_finish(&flakes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_are_channels_of_their_own),
		cmocka_unit_test(what_is_known_stays_when_less_is_said),
		cmocka_unit_test(categories_are_not_kept),
		cmocka_unit_test(a_guild_goes_with_its_channels),
		cmocka_unit_test(a_thousand_guilds_take_few_mib),
		cmocka_unit_test(the_least_used_makes_room),
		cmocka_unit_test(ids_come_and_go_and_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
