/* What is kept is what was given, sealed or not, and nothing that was changed on the disk comes back as if it were. */
#include "mem.h"
#include "vault.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ORG	  "0190a2b4-0000-7000-8000-000000000001"
#define OTHER_ORG "0190a2b4-0000-7000-8000-000000000002"

enum { PIECE = 64 << 10 };

struct place {
	char dir[64], from[80];
	uint8_t key[CRYPTO_KEY_SIZE], other[CRYPTO_KEY_SIZE];
	struct vault vault;
};

static int setup(void **state)
{
	struct place *place = mem_zero(1, sizeof(*place));

	snprintf(place->dir, sizeof(place->dir), "/tmp/usher-vault-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->from, sizeof(place->from), "%s/from", place->dir);
	memset(place->key, 7, sizeof(place->key));
	memset(place->other, 9, sizeof(place->other));
	place->vault = (struct vault){ .dir = place->dir, .key = place->key };
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	char command[120];

	snprintf(command, sizeof(command), "rm -r %s", place->dir);
	assert_int_equal(system(command), 0);
	free(place);
	return 0;
}

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 257);
}

static void write_from(const struct place *place, size_t size)
{
	FILE *file = fopen(place->from, "wb");

	assert_non_null(file);
	for (size_t i = 0; i < size; i++)
		fputc(byte_at(i), file);
	fclose(file);
}

static struct vault_kept keep(const struct place *place, size_t size)
{
	struct vault_kept kept = { 0 };
	struct err err = { 0 };

	write_from(place, size);
	if (!vault_keep(&place->vault, ORG, place->from, &kept, &err))
		fail_msg("%s", err.text);
	assert_int_equal(kept.size, size);
	return kept;
}

/* The size of what came, or -1. */
static long open_as(const struct vault *vault, const char *org, const char *sha256, struct err *err)
{
	FILE *file = tmpfile();
	long size = -1;

	assert_non_null(file);
	err_clear(err);
	if (vault_open(vault, org, sha256, fileno(file), err)) {
		size = (long)lseek(fileno(file), 0, SEEK_END);
		lseek(fileno(file), 0, SEEK_SET);
		for (long i = 0; i < size; i++)
			assert_int_equal(fgetc(file), byte_at((size_t)i));
	}
	fclose(file);
	return size;
}

static char *sealed_path(const struct place *place, const struct vault_kept *kept)
{
	return mem_format("%s/" ORG "/%.2s/%s.s", place->dir, kept->sha256, kept->sha256);
}

static void test_comes_back(void **state)
{
	static const size_t sizes[] = { 0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 5 };
	struct place *place = *state;
	struct err err;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vault_kept kept = keep(place, sizes[i]);

		assert_false(kept.had);
		assert_int_equal(open_as(&place->vault, ORG, kept.sha256, &err), sizes[i]);
		assert_true(keep(place, sizes[i]).had);
	}
}

/* Operators who set no key find the very bytes. */
static void test_plain(void **state)
{
	struct place *place = *state;
	struct vault_kept kept;
	struct err err;

	place->vault.key = NULL;
	kept = keep(place, PIECE + 3);
	assert_int_equal(kept.stored, kept.size);
	assert_int_equal(open_as(&place->vault, ORG, kept.sha256, &err), PIECE + 3);
	place->vault.key = place->key; /* set later: what was there before can still be had */
	assert_int_equal(open_as(&place->vault, ORG, kept.sha256, &err), PIECE + 3);
}

/* What was there before the key is sealed with it, and nothing goes that was not read back. */
static void test_sealed_later(void **state)
{
	struct place *place = *state;
	struct vault_kept kept, other;
	struct err err = { 0 };
	char *plain, *damaged, *again;

	place->vault.key = NULL;
	kept = keep(place, PIECE + 3);
	other = keep(place, 5);
	plain = mem_format("%s/" ORG "/%.2s/%s", place->dir, kept.sha256, kept.sha256);
	damaged = mem_format("%s/" ORG "/%.2s/%s", place->dir, other.sha256, other.sha256);
	again = sealed_path(place, &kept);
	assert_false(vault_seal(&place->vault, ORG, kept.sha256, &err)); /* with what? */
	place->vault.key = place->key;
	if (!vault_seal(&place->vault, ORG, kept.sha256, &err))
		fail_msg("%s", err.text);
	assert_int_not_equal(access(plain, F_OK), 0);
	assert_int_equal(access(again, F_OK), 0);
	assert_int_equal(open_as(&place->vault, ORG, kept.sha256, &err), PIECE + 3);
	assert_false(vault_seal(&place->vault, ORG, kept.sha256, &err));
	assert_int_equal(err.kind, ERR_GONE);
	assert_int_equal(truncate(damaged, 2), 0);
	assert_false(vault_seal(&place->vault, ORG, other.sha256, &err));
	assert_int_equal(access(damaged, F_OK), 0);
	free(plain);
	free(damaged);
	free(again);
}

static void test_keys(void **state)
{
	struct place *place = *state;
	struct vault_kept kept = keep(place, 2 * PIECE + 1);
	struct vault changed = { .dir = place->dir, .key = place->other, .key_previous = place->key };
	struct err err;

	assert_int_equal(open_as(&changed, ORG, kept.sha256, &err), 2 * PIECE + 1);
	changed.key_previous = NULL;
	assert_int_equal(open_as(&changed, ORG, kept.sha256, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
}

static void change(const char *path, long at)
{
	FILE *file = fopen(path, "r+b");
	int byte;

	assert_non_null(file);
	fseek(file, at, SEEK_SET);
	byte = fgetc(file);
	fseek(file, at, SEEK_SET);
	fputc(byte ^ 1, file);
	fclose(file);
}

/* One flipped bit anywhere, a cut, and an end put on early: all are noticed. */
static void test_changed(void **state)
{
	static const long places[] = { 3, 20, 48, 50 + PIECE, 48 + 2 * (PIECE + 16) + 4 };
	struct place *place = *state;
	struct vault_kept kept = keep(place, 2 * PIECE + 100);
	char *path = sealed_path(place, &kept);
	struct err err;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		change(path, places[i]);
		assert_int_equal(open_as(&place->vault, ORG, kept.sha256, &err), -1);
		change(path, places[i]);
	}
	assert_int_equal(open_as(&place->vault, ORG, kept.sha256, &err), 2 * PIECE + 100);
	assert_int_equal(truncate(path, 48 + PIECE + 16), 0);
	assert_int_equal(open_as(&place->vault, ORG, kept.sha256, &err), -1);
	free(path);
}

/* What belongs to one organisation does not open as another's, even when somebody moves the file. */
static void test_organisation(void **state)
{
	struct place *place = *state;
	struct vault_kept kept = keep(place, 10);
	char *folder = mem_format("%s/" OTHER_ORG, place->dir);
	char *sub = mem_format("%s/%.2s", folder, kept.sha256), *to = mem_format("%s/%s.s", sub, kept.sha256);
	char *from = sealed_path(place, &kept);
	struct err err;

	assert_int_equal(open_as(&place->vault, OTHER_ORG, kept.sha256, &err), -1);
	assert_int_equal(err.kind, ERR_GONE);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(open_as(&place->vault, OTHER_ORG, kept.sha256, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	free(folder);
	free(sub);
	free(to);
	free(from);
}

static void test_names(void **state)
{
	struct place *place = *state;
	struct err err;

	assert_int_equal(open_as(&place->vault, "../../etc", "passwd", &err), -1);
	assert_int_equal(open_as(&place->vault, ORG,
				 "../../../../../../../../../../../../../../../../etc/passwd00000000", &err),
			 -1);
	assert_int_equal(err.kind, ERR_GONE);
}

static void test_drop(void **state)
{
	struct place *place = *state;
	struct vault_kept kept = keep(place, 10);
	struct err err;

	vault_drop(&place->vault, ORG, kept.sha256);
	assert_int_equal(open_as(&place->vault, ORG, kept.sha256, &err), -1);
	assert_int_equal(err.kind, ERR_GONE);
}

static void test_no_source(void **state)
{
	struct place *place = *state;
	struct vault_kept kept;
	struct err err = { 0 };

	assert_false(vault_keep(&place->vault, ORG, place->from, &kept, &err));
	assert_int_equal(err.kind, ERR_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sealed_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_organisation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_source, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
