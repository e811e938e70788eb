/* What a body means: every kind of body, the default pointers on real shapes, and hostile input of every
 * kind. */
#include "buf.h"
#include "config.h"
#include "mem.h"
#include "settings_build.h"
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

static struct settings *settings;
static struct hook_config config;

/* A hook as an operator would write it: name and nothing that is not needed. */
static int setup(void **state)
{
	struct err err = { 0 };

	(void)state;
	settings = settings_create(webhook_settings, "platforms.webhook[0]", "test:1");
	assert_true(settings_put(settings, "name", "crm", "test:1", &err));
	assert_true(settings_put(settings, "auth", "none", "test:1", &err));
	assert_true(settings_finish(settings, &err));
	assert_true(hook_config_read(&config, settings, &err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hook_config_finish(&config);
	settings_destroy(settings);
	return 0;
}

static enum body_fault map(const char *type, const char *body, size_t len, struct mapped *out)
{
	struct err err = { 0 };
	enum body_fault fault = hook_map(&config.mapping, type, body, len, out, &err);

	assert_int_equal(fault != BODY_OK, err.kind != ERR_NONE);
	return fault;
}

static enum body_fault fault_of(const char *type, const char *body)
{
	struct mapped mapped = { 0 };
	enum body_fault fault = map(type, body, strlen(body), &mapped);

	hook_mapped_finish(&mapped);
	return fault;
}

static char *read_whole(const char *path, size_t *len_out)
{
	struct buf buf = { 0 };
	FILE *file = fopen(path, "re");
	char piece[4096];
	size_t len;

	assert_non_null(file);
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&buf, piece, len);
	fclose(file);
	*len_out = buf.len;
	return buf_take(&buf);
}

static void same_text(const char *path, const json_t *expected, const char *key, const char *got)
{
	const char *want = json_text(expected, key);

	if ((want == NULL) != (got == NULL) || (want && strcmp(want, got) != 0))
		fail_msg("%s: %s is %s, expected %s", path, key, got ? got : "missing",
			 want ? want : "missing");
}

static void same_files(const char *path, const json_t *expected, const struct mapped *got)
{
	const json_t *files = json_object_get(expected, "files");

	assert_int_equal(json_array_size(files), got->file_count);
	for (size_t i = 0; i < got->file_count; i++) {
		const json_t *file = json_array_get(files, i);

		same_text(path, file, "url", got->files[i].url);
		same_text(path, file, "name", got->files[i].name);
		same_text(path, file, "mime", got->files[i].mime);
		assert_int_equal(json_int(file, "size", -1), got->files[i].size);
	}
}

static void check_pair(const char *in_path)
{
	char *out_path = mem_format("%.*s.out.json", (int)(strlen(in_path) - strlen(".in.json")), in_path);
	size_t in_len, out_len;
	char *in = read_whole(in_path, &in_len), *out = read_whole(out_path, &out_len);
	json_t *expected = json_read(out, out_len, NULL);
	struct mapped mapped = { 0 };
	enum body_fault fault = map(JSON, in, in_len, &mapped);

	assert_non_null(expected);
	if (json_text(expected, "fault")) {
		if (fault != BODY_SYNTAX)
			fail_msg("%s was taken", in_path);
	} else {
		assert_int_equal(fault, BODY_OK);
		same_text(in_path, expected, "text", mapped.text);
		same_text(in_path, expected, "sender", mapped.sender);
		same_text(in_path, expected, "sender_name", mapped.sender_name);
		same_text(in_path, expected, "conversation", mapped.conversation);
		same_text(in_path, expected, "id", mapped.id);
		same_files(in_path, expected, &mapped);
	}
	hook_mapped_finish(&mapped);
	json_decref(expected);
	free(in);
	free(out);
	free(out_path);
}

static void fixtures_mean_what_stands_beside_them(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("tests/fixtures/webhook/*.in.json", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 30);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_pair(found.gl_pathv[i]);
	globfree(&found);
}

static char *nested(size_t depth)
{
	struct buf buf = { 0 };

	for (size_t i = 0; i < depth; i++)
		buf_text(&buf, "[");
	for (size_t i = 0; i < depth; i++)
		buf_text(&buf, "]");
	return buf_take(&buf);
}

static void depth_ends_at_64(void **state)
{
	char *most = nested(64), *more = nested(65), *huge = nested(100000);

	(void)state;
	assert_int_equal(fault_of(JSON, most), BODY_OK);
	assert_int_equal(fault_of(JSON, more), BODY_SYNTAX);
	assert_int_equal(fault_of(JSON, huge), BODY_SYNTAX);
	free(most);
	free(more);
	free(huge);
}

static void pointers_of_rfc_6901(void **state)
{
	static const struct {
		const char *pointer, *value;
	} rows[] = {
		{ "", "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/"
		      "b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,"
		      "\"m~n\":8}" },
		{ "/foo", "[\"bar\",\"baz\"]" },
		{ "/foo/0", "\"bar\"" },
		{ "/foo/1", "\"baz\"" },
		{ "/", "0" },
		{ "/a~1b", "1" },
		{ "/c%d", "2" },
		{ "/e^f", "3" },
		{ "/g|h", "4" },
		{ "/i\\j", "5" },
		{ "/k\"l", "6" },
		{ "/ ", "7" },
		{ "/m~0n", "8" },
		{ "/foo/00", NULL },
		{ "/foo/01", NULL },
		{ "/foo/-1", NULL },
		{ "/foo/-", NULL },
		{ "/foo/2", NULL },
		{ "/foo/99999999999999999999", NULL },
		{ "/foo/0x0", NULL },
		{ "/foo/0/", NULL },
		{ "/m~n", NULL },
		{ "/m~2n", NULL },
		{ "/m~", NULL },
		{ "foo", NULL },
		{ "#/foo", NULL },
		{ "/c%25d", NULL },
	};
	json_t *document = json_read(rows[0].value, strlen(rows[0].value), NULL);

	(void)state;
	assert_non_null(document);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *value = json_pointer(document, rows[i].pointer);
		char *text = value ? json_write(value) : NULL;

		if (rows[i].value)
			assert_string_equal(text ? text : "nothing", rows[i].value);
		else
			assert_null(text);
		free(text);
	}
	json_decref(document);
}

static void tilde_one_is_decoded_once(void **state)
{
	const char *text = "{\"~1\":\"right\",\"/\":\"wrong\"}";
	json_t *document = json_read(text, strlen(text), NULL);

	(void)state;
	assert_non_null(document);
	assert_string_equal(json_string_value(json_pointer(document, "/~01")), "right");
	json_decref(document);
}

static void content_types(void **state)
{
	static const struct {
		const char *type;
		enum body_fault fault;
	} rows[] = {
		{ NULL, BODY_OK },
		{ "", BODY_OK },
		{ "application/json", BODY_OK },
		{ "Application/JSON; charset=UTF-8", BODY_OK },
		{ "application/cloudevents+json; charset=utf-8", BODY_OK },
		{ "application/vnd.example+json", BODY_OK },
		{ "text/plain", BODY_OK },
		{ "application/x-www-form-urlencoded", BODY_OK },
		{ "text/plain;charset=\"utf-8\"", BODY_OK },
		{ "text/plain; charset=iso-8859-1", BODY_TYPE },
		{ "application/jsonx", BODY_TYPE },
		{ "application/xml", BODY_TYPE },
		{ "multipart/form-data; boundary=x", BODY_TYPE },
		{ "image/png+json", BODY_TYPE },
		{ ";", BODY_TYPE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fault_of(rows[i].type, "{\"text\":\"a\"}") != rows[i].fault)
			fail_msg("%s: not as expected", rows[i].type ? rows[i].type : "no type");
}

static void plain_text_is_the_text(void **state)
{
	struct mapped mapped = { 0 };

	(void)state;
	assert_int_equal(map("text/plain", "h\xc3\xa9llo\n", 7, &mapped), BODY_OK);
	assert_string_equal(mapped.text, "h\xc3\xa9llo\n");
	assert_string_equal(mapped.sender, "crm");
	assert_string_equal(mapped.conversation, "crm");
	hook_mapped_finish(&mapped);
	assert_int_equal(map("text/plain", "a\0b", 3, &mapped), BODY_SYNTAX);
	hook_mapped_finish(&mapped);
	assert_int_equal(map("text/plain", "\xff", 1, &mapped), BODY_SYNTAX);
	hook_mapped_finish(&mapped);
	assert_int_equal(map("text/plain", " \n", 2, &mapped), BODY_OK);
	assert_null(mapped.text);
	hook_mapped_finish(&mapped);
	assert_int_equal(map("text/plain", "", 0, &mapped), BODY_OK);
	assert_null(mapped.text);
	hook_mapped_finish(&mapped);
}

static void forms(void **state)
{
	static const char *const bad[] = { "text=%",   "text=%4", "text=%zz", "text=%00",
					   "text=%ff", "a=1&a=2", "%=1" };
	const char *flat = "text=hello+w%C3%B6rld%21&user_id=u%2B7&&empty&channel_id=c";
	const char *payload = "payload=%7B%22text%22%3A%22from+payload%22%7D&text=beside";
	struct mapped mapped = { 0 };

	(void)state;
	assert_int_equal(map(FORM, flat, strlen(flat), &mapped), BODY_OK);
	assert_string_equal(mapped.text, "hello w\xc3\xb6rld!");
	assert_string_equal(mapped.sender, "u+7");
	assert_string_equal(mapped.conversation, "c");
	hook_mapped_finish(&mapped);
	assert_int_equal(map(FORM, payload, strlen(payload), &mapped), BODY_OK);
	assert_string_equal(mapped.text, "from payload");
	hook_mapped_finish(&mapped);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(fault_of(FORM, bad[i]), BODY_SYNTAX);
	assert_int_equal(fault_of(FORM, "payload=%7Bnot+json"), BODY_SYNTAX);
	assert_int_equal(fault_of(FORM, ""), BODY_OK);
}

/* Who forgets the header with curl -d means JSON. */
static void json_posted_as_a_form(void **state)
{
	struct mapped mapped = { 0 };

	(void)state;
	assert_int_equal(map(FORM, "{\"text\":\"a=b&c\"}", 16, &mapped), BODY_OK);
	assert_string_equal(mapped.text, "a=b&c");
	hook_mapped_finish(&mapped);
}

static void form_fields_are_bounded(void **state)
{
	struct buf form = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_format(&form, "f%d=1&", i);
	assert_int_equal(fault_of(FORM, buf_str(&form)), BODY_OK);
	buf_text(&form, "one=more");
	assert_int_equal(fault_of(FORM, buf_str(&form)), BODY_SYNTAX);
	buf_free(&form);
}

static void files_are_bounded(void **state)
{
	struct buf body = { 0 };

	(void)state;
	buf_text(&body, "{\"text\":\"a\",\"files\":[\"https://h.example/0\"");
	for (int i = 1; i < MESSAGE_FILES_MAX; i++)
		buf_format(&body, ",\"https://h.example/%d\"", i);
	buf_text(&body, "]}");
	assert_int_equal(fault_of(JSON, buf_str(&body)), BODY_OK);
	body.data[body.len - 2] = '\0';
	body.len -= 2;
	buf_text(&body, ",\"https://h.example/more\"]}");
	assert_int_equal(fault_of(JSON, buf_str(&body)), BODY_MEANING);
	buf_free(&body);
}

static void long_names_are_cut_between_characters(void **state)
{
	struct buf body = { 0 };
	struct mapped mapped = { 0 };

	(void)state;
	buf_text(&body, "{\"text\":\"a\",\"sender_name\":\"");
	for (int i = 0; i < 200; i++)
		buf_text(&body, "\xc3\xa9");
	buf_text(&body, "\"}");
	assert_int_equal(map(JSON, body.data, body.len, &mapped), BODY_OK);
	assert_int_equal(strlen(mapped.sender_name), 254);
	hook_mapped_finish(&mapped);
	buf_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixtures_mean_what_stands_beside_them),
		cmocka_unit_test(depth_ends_at_64),
		cmocka_unit_test(pointers_of_rfc_6901),
		cmocka_unit_test(tilde_one_is_decoded_once),
		cmocka_unit_test(content_types),
		cmocka_unit_test(plain_text_is_the_text),
		cmocka_unit_test(forms),
		cmocka_unit_test(json_posted_as_a_form),
		cmocka_unit_test(form_fields_are_bounded),
		cmocka_unit_test(files_are_bounded),
		cmocka_unit_test(long_names_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
