/* Forms taken apart: a file arrives byte for byte whatever it holds, and a form that is not one leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "form.h"
#include "header.h"
#include "mem.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/usher-form-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int files_in(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder); /* fails when something was left */
}

static bool split(const char *text, size_t len, struct form *form, struct err *err)
{
	char path[80];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/body", folder);
	file = fopen(path, "w");
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
	*err = (struct err){ 0 };
	good = form_split(path, "b", folder, 2, form, err);
	unlink(path);
	return good;
}

#define PART(head, body)  "--b\r\n" head "\r\n\r\n" body "\r\n"
#define FIELD(name, body) PART("Content-Disposition: form-data; name=\"" name "\"", body)
#define FILE_PART(file, body)                                                                                \
	PART("content-disposition: form-data; name=f; filename=\"" file "\"\r\nContent-Type: text/csv", body)

static void a_form_gives_its_fields_and_files(void **state)
{
	static const char text[] =
		"preamble\r\n" FIELD("prompt", "tell me") FILE_PART("../../etc/a b.csv", "x\r\n-\r\n--a\0y")
			FILE_PART("C:\\dir\\two.csv", "") "--b--\r\nepilogue";
	struct form form;
	struct err err;
	char found[16] = { 0 };
	FILE *file;

	(void)state;
	assert_true(split(text, sizeof(text) - 1, &form, &err));
	assert_int_equal(form.count, 3);
	assert_string_equal(form.parts[0].name, "prompt");
	assert_string_equal(form.parts[0].value, "tell me");
	assert_string_equal(form.parts[1].filename, "a b.csv");
	assert_string_equal(form.parts[1].type, "text/csv");
	assert_int_equal(form.parts[1].size, 11);
	file = fopen(form.parts[1].path, "r");
	assert_int_equal(fread(found, 1, sizeof(found), file), 11);
	fclose(file);
	assert_memory_equal(found, "x\r\n-\r\n--a\0y", 11);
	assert_string_equal(form.parts[2].filename, "two.csv");
	assert_int_equal(form.parts[2].size, 0);
	form_finish(&form, true);
}

/* Boundaries lie across the pieces in which the file is read. */
static void a_large_file_is_whole_wherever_its_pieces_end(void **state)
{
	static const char head[] = "--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n";

	(void)state;
	for (size_t size = (128 << 10) - 80; size < (128 << 10) - 50; size++) {
		char *text = mem_alloc(size + 200), digest[CRYPTO_SHA256_HEX];
		struct form form;
		struct err err;

		memcpy(text, head, sizeof(head) - 1);
		memset(text + sizeof(head) - 1, '\r', size);
		memcpy(text + sizeof(head) - 1 + size, "\r\n--b--", 7);
		assert_true(split(text, sizeof(head) - 1 + size + 7, &form, &err));
		assert_int_equal(form.parts[0].size, size);
		crypto_sha256_hex(text + sizeof(head) - 1, size, digest);
		assert_string_equal(form.parts[0].sha256, digest);
		form_finish(&form, true);
		free(text);
	}
}

static void what_is_no_form_is_refused_and_leaves_nothing(void **state)
{
	static const char *const bad[] = {
		"",
		"hello",
		"--b\r\n",
		"--no line end is needed",
		FILE_PART("a", "x"), /* no end */
		"--bx\r\n\r\n\r\n--b--",
		PART("X: y", "no name") "--b--",
		FILE_PART("a", "1") FILE_PART("b", "2") FILE_PART("c", "3") "--b--",
	};
	struct form form;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(split(bad[i], strlen(bad[i]), &form, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_int_equal(files_in(), 0);
	}
}

static void a_field_without_end_takes_no_memory_without_end(void **state)
{
	size_t len = 300000;
	char *text = mem_alloc(len);
	struct form form;
	struct err err;

	(void)state;
	memset(text, 'x', len);
	memcpy(text, "--b\r\nContent-Disposition: form-data; name=f\r\n\r\n", 47);
	assert_false(split(text, len, &form, &err));
	memset(text + 5, 'x', len - 5); /* and headers */
	assert_false(split(text, len, &form, &err));
	free(text);
}

static void parameters_are_read_as_clients_write_them(void **state)
{
	static const struct {
		const char *header, *value;
	} cases[] = {
		{ "attachment; filename=a.csv", "a.csv" },
		{ "attachment; FileName = \"a;b.csv\" ; x=y", "a;b.csv" },
		{ "form-data; name=\"x\"; filename=\"a\\\"b\"", "a\"b" },
		{ "form-data; filename=\"a%22b%20\"", "a\"b%20" },
		{ "attachment; filename=\"e.csv\"; filename*=UTF-8''%C3%A9.csv", "\xc3\xa9.csv" },
		{ "attachment; filename=\"open", "open" },
		{ "attachment", NULL },
		{ "attachment; name=x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *value = header_param(cases[i].header, "filename");

		if (cases[i].value)
			assert_string_equal(value, cases[i].value);
		else
			assert_null(value);
		free(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_form_gives_its_fields_and_files, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_large_file_is_whole_wherever_its_pieces_end, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(what_is_no_form_is_refused_and_leaves_nothing, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_field_without_end_takes_no_memory_without_end, make_folder,
						remove_folder),
		cmocka_unit_test(parameters_are_read_as_clients_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
