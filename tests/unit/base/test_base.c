/* The small things every room stands on. */
#include "buf.h"
#include "clock.h"
#include "crypto.h"
#include "err.h"
#include "mem.h"
#include "message.h"
#include "metrics.h"
#include "text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_long_sentence_is_cut_between_characters(void **state)
{
	struct err err = { 0 };
	char text[400];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xbc", 3);
	err_set(&err, ERR_AGAIN, "%s", text);
	assert_true(text_valid(err.text, strlen(err.text)));
	err_add(&err, "%s", "context");
	assert_true(text_valid(err.text, strlen(err.text)));
	assert_int_equal(strncmp(err.text, "context: ", 9), 0);
	assert_int_equal(err.kind, ERR_AGAIN);
}

static void base64_takes_only_base64(void **state)
{
	static const char *const refused[] = { "A", "AA=A", "AA A", "AA\n", "A===", "AAAA=", "AA-_", "====" };
	static const struct {
		const char *text, *data;
	} taken[] = { { "", "" },      { "Zg==", "f" },	  { "Zg", "f" },	 { "Zm8=", "fo" },
		      { "Zm8", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" } };
	uint8_t out[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(crypto_unbase64(refused[i], strlen(refused[i]), out, &len));
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		assert_true(crypto_unbase64(taken[i].text, strlen(taken[i].text), out, &len));
		assert_int_equal(len, strlen(taken[i].data));
		assert_memory_equal(out, taken[i].data, len);
	}
}

static void seconds_are_digits_alone(void **state)
{
	static const char *const refused[] = { "",    " 1",  "+1",  "-1",	    "1 ",
					       "1.5", "0x1", "1e9", "1234567890123" };
	int64_t seconds = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(clock_read_seconds(refused[i], &seconds));
	assert_true(seconds == 7);
	assert_true(clock_read_seconds("999999999999", &seconds));
	assert_true(seconds == 999999999999);
	assert_true(clock_read_seconds("0", &seconds));
	assert_true(seconds == 0);
}

/* RFC 8032, 7.1, tests 1 to 3: what is changed anywhere was signed by nobody. */
static void signatures_agree_with_the_standard(void **state)
{
	static const struct {
		const char *key, *text, *signature;
	} cases[] = {
		{ "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
		  "f9"
		  "b46bd25bf5f0595bbe24655141438e7a100b" },
		{ "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
		  "f1"
		  "1d8c387b2eaeb4302aeeb00d291612bb0c00" },
		{ "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
		  "4d"
		  "c6594a7c15e9716ed28dc027beceea1ec40a" },
	};
	uint8_t key[CRYPTO_ED25519_KEY], signature[CRYPTO_ED25519_SIGNATURE], text[3] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text) / 2;

		assert_true(crypto_unhex(cases[i].key, sizeof(key) * 2, key));
		assert_true(crypto_unhex(cases[i].signature, sizeof(signature) * 2, signature));
		assert_true(crypto_unhex(cases[i].text, len * 2, text));
		assert_true(crypto_ed25519_verify(key, signature, text, len));
		assert_false(crypto_ed25519_verify(key, signature, text, len + 1));
		signature[i * 20] ^= 1;
		assert_false(crypto_ed25519_verify(key, signature, text, len));
		signature[i * 20] ^= 1;
		memset(key, 0xff, sizeof(key)); /* no point of the curve */
		assert_false(crypto_ed25519_verify(key, signature, text, len));
	}
}

/* RFC 4231, test cases 2 and 6; FIPS 180-2, "abc". */
static void digests_agree_with_the_standards(void **state)
{
	uint8_t out[CRYPTO_SHA256_SIZE], key[131];
	char hex[CRYPTO_SHA256_HEX];
	const char *first = "what do ya want ", *second = "for nothing?";
	struct crypto_part parts[] = { { first, strlen(first) }, { second, strlen(second) } };
	const char *large = "Test Using Larger Than Block-Size Key - Hash Key First";

	(void)state;
	crypto_hmac_sha256("Jefe", 4, parts, 2, out);
	crypto_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	crypto_hmac_sha256(key, sizeof(key), &(struct crypto_part){ large, strlen(large) }, 1, out);
	crypto_hex(out, sizeof(out), hex);
	assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	assert_string_equal(crypto_sha256_hex("abc", 3, hex),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void uuids_are_version_7_and_differ(void **state)
{
	char a[CRYPTO_UUID_SIZE], b[CRYPTO_UUID_SIZE];

	(void)state;
	crypto_uuid(a);
	crypto_uuid(b);
	assert_true(crypto_uuid_valid(a));
	assert_string_not_equal(a, b);
	assert_int_equal(a[14], '7');
	assert_non_null(strchr("89ab", a[19]));
	assert_false(crypto_uuid_valid("0190163d-8694-739b-aea5-966c26f8ad9"));
	assert_false(crypto_uuid_valid("0190163d_8694-739b-aea5-966c26f8ad91"));
}

static void times_are_written_as_the_database_keeps_them(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	assert_string_equal(clock_text(1767323045006, text), "2026-01-02T03:04:05.006Z");
	assert_string_equal(clock_text(0, text), "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_text(-1, text), "1969-12-31T23:59:59.999Z");
	assert_string_equal(clock_text(-1000, text), "1969-12-31T23:59:59.000Z");
	assert_string_equal(clock_text(1709251199999, text), "2024-02-29T23:59:59.999Z");
}

static void text_is_judged_by_unicode(void **state)
{
	char *repaired = text_repair("a\xff\xc3\xbc\xe2\x82", 6);

	(void)state;
	assert_true(text_valid("gr\xc3\xbc\xc3\x9f", 6));
	assert_false(text_valid("a\0b", 3));
	assert_false(text_valid("\xed\xa0\x80", 3));
	assert_true(text_blank("\xc2\xa0 \t\n\xe3\x80\x80"));
	assert_false(text_blank(" x "));
	assert_int_equal(text_fit("a\xc3\xbc", 3, 2), 1);
	assert_int_equal(text_fit("abc", 3, 5), 3);
	assert_int_equal(text_whole("a\xc3", 2), 1);
	assert_int_equal(text_whole("a\xc3\xbc", 3), 3);
	assert_int_equal(text_whole("a\xf0\x9f\x91", 4), 1);
	assert_int_equal(text_whole("\xf0\x9f\x91\x8b", 4), 4);
	assert_int_equal(text_whole("", 0), 0);
	assert_string_equal(repaired, "a\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd");
	free(repaired);
}

static void buffers_grow_and_shrink(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	assert_string_equal(buf_str(&buf), "");
	for (int i = 0; i < 1000; i++)
		buf_format(&buf, "%d,", i);
	buf_drop(&buf, 4);
	buf_blanks(&buf, 0);
	assert_int_equal(strncmp(buf.data, "2,3,", 4), 0);
	assert_string_equal(buf.data + buf.len - 4, "999,");
	buf_blanks(&buf, 3);
	assert_string_equal(buf.data + buf.len - 4, ",   ");
	buf_drop(&buf, 1 << 20);
	assert_int_equal(buf.len, 0);
	buf_free(&buf);
}

/* Numbers of the record, and texts longer than a formatted piece usually is. */
static void numbers_are_written_whole(void **state)
{
	static const char longer[] = "a text that is longer than what a formatted piece usually is";
	struct buf buf = { 0 };

	(void)state;
	buf_int(&buf, 0);
	buf_text(&buf, " ");
	buf_int(&buf, INT64_MAX);
	buf_text(&buf, " ");
	buf_int(&buf, INT64_MIN);
	assert_string_equal(buf_str(&buf), "0 9223372036854775807 -9223372036854775808");
	buf_clear(&buf);
	for (int i = 0; i < 9; i++) {
		size_t before = buf.len;

		buf_format(&buf, "%.*s", 20 + i, longer);
		assert_int_equal(buf.len, before + 20 + (size_t)i);
		assert_memory_equal(buf.data + before, longer, 20 + (size_t)i);
		assert_int_equal(buf.data[buf.len], 0);
	}
	buf_format(&buf, "%s", longer);
	assert_string_equal(buf.data + buf.len - strlen(longer), longer);
	buf_free(&buf);
}

static void arenas_keep_large_and_small_things(void **state)
{
	struct arena *arena = arena_create();
	char *small = arena_text(arena, "small"), *large = arena_alloc(arena, 100000);

	(void)state;
	assert_null(arena_text(arena, NULL));
	memset(large, 'x', 100000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal((uintptr_t)arena_alloc(arena, 3) % sizeof(void *), 0);
	assert_string_equal(small, "small");
	assert_string_equal(arena_format(arena, "%d%s", 7, "up"), "7up");
	arena_destroy(arena);
}

static void arrays_grow_in_an_arena_and_keep_what_they_hold(void **state)
{
	struct arena *arena = arena_create();
	uint64_t *items = NULL;
	size_t space = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		items = arena_grow(arena, items, i, &space, sizeof(*items));
		assert_true(space > i);
		items[i] = i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	assert_ptr_equal(arena_grow(arena, items, space - 1, &space, sizeof(*items)), items);
	arena_destroy(arena);
}

static struct metric counter = { .name = "t_total", .help = "T.", .type = METRIC_COUNTER, .label = "a,b" };
static struct metric times = {
	.name = "t_seconds", .help = "T.", .type = METRIC_HISTOGRAM, .buckets = metric_seconds
};

static void metrics_are_printed_for_prometheus(void **state)
{
	struct buf out = { 0 };

	(void)state;
	metric_add(&counter, (const char *const[]){ "x\"y", "z" }, 2);
	metric_add(&counter, (const char *const[]){ "x\"y", "z" }, 1);
	metric_observe(&times, NULL, 0.003);
	metric_observe(&times, NULL, 1000);
	metrics_print(&out);
	assert_non_null(strstr(out.data, "# TYPE t_total counter\nt_total{a=\"x\\\"y\",b=\"z\"} 3\n"));
	assert_non_null(strstr(out.data, "t_seconds_bucket{le=\"0.0025\"} 0\n"));
	assert_non_null(strstr(out.data, "t_seconds_bucket{le=\"0.005\"} 1\n"));
	assert_non_null(strstr(out.data, "t_seconds_bucket{le=\"+Inf\"} 2\n"));
	assert_non_null(strstr(out.data, "t_seconds_count 2\n"));
	buf_free(&out);
	for (int i = 0; i < 500; i++) {
		char label[16];

		snprintf(label, sizeof(label), "%d", i);
		metric_add(&counter, (const char *const[]){ label, "z" }, 1);
	}
	metrics_print(&out);
	assert_non_null(strstr(out.data, "t_total{a=\"other\",b=\"other\"} 301\n"));
	buf_free(&out);
	metrics_clear();
}

static void message_states_have_words(void **state)
{
	enum message_state found;

	(void)state;
	for (int i = MESSAGE_ACCEPTED; i <= MESSAGE_QUARANTINED; i++) {
		assert_true(message_state_parse(message_state_name((enum message_state)i), &found));
		assert_int_equal(found, i);
	}
	assert_false(message_state_parse("lost", &found));
}

/* The model must see where what others wrote ends and where the question begins. */
static void context_comes_before_what_was_said(void **state)
{
	char *alone = message_with_context(NULL, "help us"), *empty = message_with_context("", "help us");
	char *both = message_with_context("ann: %s is broken", "help us");

	(void)state;
	assert_string_equal(alone, "help us");
	assert_string_equal(empty, "help us");
	assert_true(strstr(both, "ann: %s is broken") < strstr(both, "help us"));
	assert_non_null(strstr(both, "[Now you are asked:]\nhelp us"));
	free(alone);
	free(empty);
	free(both);
}

/* A name must not begin a line of its own, nor turn round what follows it. */
static void names_stand_on_one_line(void **state)
{
	static const char *const table[][2] = {
		{ "", "" },
		{ " \n\t", "" },
		{ "Ann", "Ann" },
		{ " Ann \r\n Example\t", "Ann Example" },
		{ "a\x1b[2Jb\xc2\x9b"
		  "c\x7f",
		  "a [2Jb c" },
		{ "a\xe2\x80\xa8"
		  "b\xe2\x80\xae"
		  "c",
		  "a b c" },
		{ "J\xc3\xbcrgen \xe5\xb1\xb1", "J\xc3\xbcrgen \xe5\xb1\xb1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *line = text_one_line(table[i][0]);

		assert_string_equal(line, table[i][1]);
		free(line);
	}
}

/* "gpj.exe" that shows as "exe.jpg", two names that look alike, a folder in a name. */
static void names_of_files_hide_nothing(void **state)
{
	static const char *const table[][2] = {
		{ "", "" },
		{ "report.pdf", "report.pdf" },
		{ "a/b\\c\x1b\xc2\x9b\xe2\x80\xa8.txt", "a_b_c___.txt" },
		{ "photo\u202egpj.exe", "photogpj.exe" },
		{ "\u2066a\u2069\u202a\u202b\u202c\u202d\u2067\u2068.txt", "a.txt" },
		{ "in\u200bvoice\u200f\u00ad\ufeff.csv", "invoice.csv" },
		{ "\u200e", "_" },
		{ "bad\xff.txt", "bad\ufffd.txt" },
		{ "J\u00fcrgen \u5c71 \u05d0\u05d1.txt", "J\u00fcrgen \u5c71 \u05d0\u05d1.txt" },
		{ "a\u200e234567890", "a23456789" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *name = text_file_name(table[i][0], i + 1 < sizeof(table) / sizeof(table[0]) ? 255 : 9);

		assert_string_equal(name, table[i][1]);
		free(name);
	}
}

/* An operator who reads a text has to see what a model reads in it. */
static void what_strangers_hid_is_written_out(void **state)
{
	static const char *const table[][2] = {
		{ "", "" },
		{ "plain \u00e4 \u5c71\n\t", "plain \u00e4 \u5c71\n\t" },
		{ "a\u200bb\u202ec\u2066d\u00ade", "a\\u200bb\\u202ec\\u2066d\\u00ade" },
		{ "x\x1b[2J\r\xc2\x85\x7f\u2028\u2800", "x\\u001b[2J\\u000d\\u0085\\u007f\\u2028\\u2800" },
		{ "\U000e0041\U000e0042",
		  "\\udb40\\udc41\\udb40\\udc42" }, /* tags: text that only models read */
		{ "\u0646\u200c\u0647 \u2764\ufe0f\u200d\U0001f525",
		  "\u0646\u200c\u0647 \u2764\ufe0f\u200d\U0001f525" },
		{ "re\u200cad \u2764\ufe01", "re\\u200cad \u2764\\ufe01" },
		{ "\u3164x\u115f", "\\u3164x\\u115f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *shown = text_revealed(table[i][0], "\n\t");

		assert_string_equal(shown, table[i][1]);
		free(shown);
	}
}

/* Who searches finds what was written in other letters of the same word. */
static void letters_are_folded_in_every_script(void **state)
{
	static const char *const same[][2] = {
		{ "Straße", "STRASSE" },       { "ΟΔΥΣΣΕΥΣ", "οδυσσευς" }, { "Кафе", "КАФЕ" },
		{ "caf\u00e9", "CAFE\u0301" }, { "Plain", "pLAIN" },	   { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		char *a = text_fold(same[i][0], strlen(same[i][0])),
		     *b = text_fold(same[i][1], strlen(same[i][1]));

		assert_string_equal(a, b);
		free(a);
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_sentence_is_cut_between_characters),
		cmocka_unit_test(base64_takes_only_base64),
		cmocka_unit_test(digests_agree_with_the_standards),
		cmocka_unit_test(signatures_agree_with_the_standard),
		cmocka_unit_test(seconds_are_digits_alone),
		cmocka_unit_test(uuids_are_version_7_and_differ),
		cmocka_unit_test(times_are_written_as_the_database_keeps_them),
		cmocka_unit_test(text_is_judged_by_unicode),
		cmocka_unit_test(buffers_grow_and_shrink),
		cmocka_unit_test(numbers_are_written_whole),
		cmocka_unit_test(arenas_keep_large_and_small_things),
		cmocka_unit_test(arrays_grow_in_an_arena_and_keep_what_they_hold),
		cmocka_unit_test(metrics_are_printed_for_prometheus),
		cmocka_unit_test(message_states_have_words),
		cmocka_unit_test(context_comes_before_what_was_said),
		cmocka_unit_test(names_stand_on_one_line),
		cmocka_unit_test(names_of_files_hide_nothing),
		cmocka_unit_test(what_strangers_hid_is_written_out),
		cmocka_unit_test(letters_are_folded_in_every_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
