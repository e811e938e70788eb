/* Archives and messages: everything inside is read under its own name, and nothing inside can do harm. */
#include "buf.h"
#include "mem.h"
#include "stage_made.h"
#include "words.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_names(void **state)
{
	const struct made_part parts[] = {
		{ "../../etc/a.txt", "first words\n" },
		{ "/b\\c:/C:\\d.txt", "second words\n" },
		{ "folder/", "" },
		{ "e\nf.txt", "third words\n" },
		{ NULL, NULL },
	};
	struct made_read read = { 0 };

	(void)state;
	made_read_parts(&read, &zip_reader, parts);
	made_has(&read, "F etc/a.txt|text|");
	made_has(&read, "F b/d.txt|text|");
	made_has(&read, "F e f.txt|text|");
	made_has_not(&read, "folder");
	made_has_not(&read, "..");
	made_done(&read);
}

static void test_producers(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	made_read(&read, &zip_reader, made_corpus("mixed.zip"));
	made_has(&read, "F openpyxl.xlsx|xlsx|");
	made_has(&read, "F pandoc.docx|docx|");
	made_has(&read, "# Orders|openpyxl.xlsx, sheet Orders");
	made_has(&read, "T pandoc.docx, Flowers|Clover and heather, café.");
	made_done(&read);
	made_read(&read, &zip_reader, made_corpus("locked.zip"));
	made_failed(&read, "encrypted");
	made_done(&read);
}

static void test_limits(void **state)
{
	const struct made_part three[] = {
		{ "a", "one\n" }, { "b", "two\n" }, { "c", "three\n" }, { NULL, NULL }
	};
	struct made_read read = { 0 };
	char *zeros = mem_alloc((40 << 20) + 1);

	(void)state;
	memset(zeros, '0', 40 << 20);
	zeros[40 << 20] = '\0';
	{
		const struct made_part bomb[] = { { "zeros.txt", zeros }, { NULL, NULL } };

		made_read_parts(&read, &zip_reader, bomb);
		made_failed(&read, "too_large");
		made_done(&read);
	}
	free(zeros);
	read.parse.limits = *limits_most();
	read.parse.limits.entries = 2;
	made_read_parts(&read, &zip_reader, three);
	made_failed(&read, "too_large");
	made_done(&read);
	read.parse.limits = *limits_most();
	read.parse.limits.unpacked = 6;
	made_read_parts(&read, &zip_reader, three);
	made_failed(&read, "too_large");
	made_done(&read);
	made_read(&read, &zip_reader, made_bytes("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22));
	made_failed(&read, "empty");
	made_done(&read);
}

static size_t slurp(int fd, char *data, size_t room)
{
	ssize_t n = pread(fd, data, room, 0);

	assert_true(n > 0);
	close(fd);
	return (size_t)n;
}

/* Archives inside archives end at the limit, with the one line. */
static void test_depth(void **state)
{
	const struct made_part parts[] = { { "a.txt", "words\n" }, { NULL, NULL } };
	char data[8192];
	size_t len = slurp(made_zip(parts), data, sizeof(data));
	struct made_read read = { 0 };

	(void)state;
	for (int i = 0; i < EXTRACT_DEPTH_MAX; i++) {
		zip_error_t error;
		zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
		zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &error);
		zip_stat_t stat;

		zip_source_keep(source);
		zip_file_add(zip, "inner.zip", zip_source_buffer(zip, data, len, 0), 0);
		zip_set_file_compression(zip, 0, ZIP_CM_STORE, 0);
		assert_int_equal(zip_close(zip), 0);
		zip_source_open(source);
		zip_source_stat(source, &stat);
		len = stat.size;
		assert_true(len < sizeof(data));
		zip_source_read(source, data, len);
		zip_source_close(source);
		zip_source_free(source);
	}
	made_read(&read, &zip_reader, made_bytes(data, len));
	made_failed(&read, "too_large");
	made_done(&read);
}

/* Broken bytes: that entry is said to be damaged, the others are read; no byte of it makes the reader crash. */
static void test_damage(void **state)
{
	const struct made_part parts[] = { { "a.txt", "the first words of this file\n" },
					   { "b.txt", "other words in another file\n" },
					   { NULL, NULL } };
	char data[8192], broken[8192];
	size_t len = slurp(made_zip(parts), data, sizeof(data)), damaged = 0;
	struct made_read read = { 0 };

	(void)state;
	for (size_t i = 0; i < len; i++) {
		memcpy(broken, data, len);
		broken[i] = (char)~broken[i];
		made_read(&read, &zip_reader, made_bytes(broken, len));
		damaged += read.good && strstr(read.lines, "F a.txt|unknown|It is damaged.\n") &&
			   strstr(read.lines, "F b.txt|text|\n");
		made_done(&read);
		made_read(&read, &zip_reader, made_bytes(data, i));
		assert_false(read.good);
		made_done(&read);
	}
	assert_true(damaged > 10);
}

/* Two entries in the list, one set of bytes. */
static void test_overlap(void **state)
{
	struct buf text = { 0 };
	char data[16384], *list, *second;
	size_t len;
	struct made_read read = { 0 };

	(void)state;
	srandom(7);
	for (int i = 0; i < 4000; i++)
		buf_format(&text, "%c", (char)('a' + random() % 26));
	{
		const struct made_part parts[] = { { "a.txt", text.data }, { "b.txt", "x" }, { NULL, NULL } };

		len = slurp(made_zip(parts), data, sizeof(data));
	}
	list = memmem(data, len, "PK\1\2", 4);
	second = memmem(list + 4, len - (size_t)(list + 4 - data), "PK\1\2", 4);
	assert_non_null(second);
	memcpy(second + 10, list + 10, 18); /* method, time, checksum, sizes */
	memcpy(second + 42, list + 42, 4);  /* where its bytes are */
	made_read(&read, &zip_reader, made_bytes(data, len));
	made_failed(&read, "damaged");
	made_done(&read);
	buf_free(&text);
}

static void test_link(void **state)
{
	zip_error_t error;
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
	zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &error);
	struct made_read read = { 0 };
	zip_stat_t stat;
	char data[2000];

	(void)state;
	zip_source_keep(source);
	zip_file_add(zip, "link", zip_source_buffer(zip, "/etc/passwd", 11, 0), 0);
	zip_file_set_external_attributes(zip, 0, 0, ZIP_OPSYS_UNIX, 0120777u << 16);
	zip_file_add(zip, "a.txt", zip_source_buffer(zip, "words\n", 6, 0), 0);
	assert_int_equal(zip_close(zip), 0);
	zip_source_open(source);
	zip_source_stat(source, &stat);
	zip_source_read(source, data, stat.size);
	zip_source_close(source);
	zip_source_free(source);
	made_read(&read, &zip_reader, made_bytes(data, stat.size));
	made_has(&read, "F link|unknown|It is a link.");
	made_has(&read, "F a.txt|text|");
	made_has_not(&read, "passwd");
	made_done(&read);
}

static void message(struct made_read *read, const char *text)
{
	made_read(read, &eml_reader, made_bytes(text, strlen(text)));
}

static void test_message(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	made_read(&read, &eml_reader, made_corpus("python.eml"));
	made_has(&read, "= Bestellung für März – 中文 und noch sehr viel mehr Text in diesem Betreff");
	made_has(&read, "T body|bitte fünf Brote.");
	made_has(&read, "F Bestellung für März.csv|csv|");
	made_has(&read, "T inner.eml, body|inner text");
	made_has_not(&read, "<p>");
	made_done(&read);
	made_read(&read, &eml_reader, made_corpus("html.eml"));
	assert_non_null(strstr(read.lines, "From: こんにちは <a@b>"));
	assert_non_null(strstr(read.lines, "Grüße"));
	assert_non_null(strstr(read.lines, "привет"));
	made_done(&read);
}

static void test_message_charsets(void **state)
{
	struct made_read read = { 0 };

	(void)state;
	message(&read, "From: a@b\r\nSubject: =?koi8-r?q?=F0=D2=C9=D7=C5=D4?=\r\nContent-Type: text/plain; "
		       "charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n8NLJ18XU\r\n");
	made_has(&read, "= Привет");
	made_has(&read, "T body|Привет");
	made_done(&read);
	message(&read, "From: a@b\nSubject: x\nContent-Type: application/pkcs7-mime\n\nabc\n");
	made_failed(&read, "encrypted");
	made_done(&read);
	message(&read,
		"From: a@b\nSubject: x\nContent-Type: multipart/mixed; boundary=q\n\n--q\nContent-Type: "
		"text/plain\nContent-Disposition: attachment; filename=\"../../e.txt\"\n\nsome "
		"words\n--q--\n");
	made_has(&read, "F e.txt|text|");
	made_done(&read);
	message(&read, "\n\nno headers at all");
	made_failed(&read, "damaged");
	made_done(&read);
}

static void test_message_depth(void **state)
{
	struct buf text = { 0 };
	struct made_read read = { 0 };

	(void)state;
	buf_text(&text, "From: a@b\n");
	for (int i = 0; i < 3000; i++)
		buf_format(&text, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	message(&read, text.data);
	made_failed(&read, "too_large");
	made_done(&read);
	buf_clear(&text);
	for (int i = 0; i < 100; i++)
		buf_text(&text, "From: a@b\nContent-Type: message/rfc822\n\n");
	message(&read, text.data);
	made_failed(&read, "too_large");
	made_done(&read);
	buf_free(&text);
}

static void word_is(const char *raw, const char *expected)
{
	char *text = words_decode(raw, 100);

	assert_string_equal(text, expected);
	free(text);
}

static void test_words(void **state)
{
	(void)state;
	word_is("plain", "plain");
	word_is("=?utf-8?q?a_b=C3=A9?= c", "a bé c");
	word_is("=?utf-8?B?w6k=?= =?utf-8?b?w6k=?=", "éé");
	word_is("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é");
	word_is("=?iso-8859-1*en?q?=E9?=\r\n =?utf-8?q?x?=", "éx");
	word_is("=?utf-8?q?open", "=?utf-8?q?open");
	word_is("=?utf-8?z?x?=", "=?utf-8?z?x?=");
	word_is("=?", "=?");
	word_is("=?a?", "=?a?");
	word_is("=?a?q?", "=?a?q?");
	word_is("=?utf-8?q?=4?=", "=4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_producers),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_message_charsets),
		cmocka_unit_test(test_message_depth),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
