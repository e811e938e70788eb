/* Orders and files inside files: nobody gets more out of the child than its limits allow. */
#include "mem.h"
#include "order.h"
#include "stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void order_bad(const char *line, const char *want)
{
	struct order order;
	struct err err = { 0 };

	assert_false(order_read(&order, line, strlen(line), &err));
	assert_non_null(strstr(err.text, want));
	order_free(&order);
}

static void orders_are_taken_as_they_are_agreed_and_in_no_other_way(void **state)
{
	const char *good = "{\"do\":\"extract\",\"name\":\"a.csv\",\"limits\":{\"memory\":1000,\"depth\":2}}";
	struct order order;

	(void)state;
	assert_true(order_read(&order, good, strlen(good), NULL));
	assert_string_equal(order.what, "extract");
	assert_string_equal(order.name, "a.csv");
	assert_int_equal(order.limits.memory, 1000);
	assert_int_equal(order.limits.depth, 2);
	assert_int_equal(order.limits.unpacked, EXTRACT_UNPACKED_MAX);
	assert_null(order.spec);
	order_free(&order);
	order_bad("", "");
	order_bad("[]", "object");
	order_bad("{\"do\":\"extract\"}", "\"name\"");
	order_bad("{\"do\":\"extract\",\"name\":\"a\",\"more\":1}", "not known");
	order_bad("{\"do\":\"extract\",\"name\":\"a\",\"limits\":{\"depth\":5}}", "limits.depth");
	order_bad("{\"do\":\"extract\",\"name\":\"a\",\"limits\":{\"depth\":0}}", "limits.depth");
	order_bad("{\"do\":\"extract\",\"name\":\"a\",\"limits\":{\"depth\":\"1\"}}", "limits.depth");
	order_bad("{\"do\":\"extract\",\"name\":\"a\",\"limits\":{\"other\":1}}", "not known");
	order_bad("{\"do\":\"convert\",\"name\":\"a\",\"spec\":[]}", "spec");
}

/* A reader whose file has two files inside, the way archives have them. */
static char *inner_of(struct stage *stage, const char *name, const char *text, int64_t claimed)
{
	struct err err = { 0 };
	struct inner *inner = parse_inner(&stage->parse, &stage->input, name, claimed, &err);
	bool good = inner != NULL && parse_inner_add(inner, text, strlen(text), &err);

	if (inner != NULL)
		good = parse_inner_end(inner, stage_sink(stage), good ? &err : NULL) && good;
	return good ? NULL : mem_text(err.text);
}

static const char *deep(void)
{
	static char text[601];

	memset(text, '[', 300);
	memset(text + 300, ']', 300);
	return text;
}

static void files_inside_are_read_with_their_names_in_front(void **state)
{
	struct stage stage;

	(void)state;
	stage_begin(&stage);
	stage.input = (struct input){ .fd = -1, .name = "x.zip" };
	assert_null(inner_of(&stage, "d/a.csv", "a,b\n1,2\n", 8));
	assert_null(inner_of(&stage, "b.txt", "hello", 5));
	assert_null(inner_of(&stage, "c.bin", "\1\2\3\4\5\6\7\1\2", 9));
	assert_null(inner_of(&stage, "d.json", "{\"a\":", 5));
	assert_string_equal(
		buf_str(&stage.seen),
		"file|d/a.csv|csv|\ntable|a.csv|d/a.csv\nrow 1|a|b\nrow 2|1|2\nfile|b.txt|text|\n"
		"text|b.txt, line 1|hello\n"
		"file|c.bin|unknown|Files of the type application/octet-stream can't be read.\n"
		"file|d.json|json|\nfile|d.json|json|This is not valid JSON: the fault is at byte 5.\n");
	/* A limit of its own ends that file and not the others. */
	assert_null(inner_of(&stage, "e.json", deep(), 600));
	assert_non_null(strstr(buf_str(&stage.seen), "file|e.json|json|The values are nested too deeply.\n"));
	assert_int_equal(stage.parse.held, 0);
	assert_int_equal(stage.parse.entries, 5);
	stage.input.name = NULL;
	stage_end(&stage);
}

static void limit_met(struct limits limits, unsigned depth, const char *want)
{
	struct stage stage;
	char *first, *second = NULL;

	stage_begin(&stage);
	stage.parse.limits = limits;
	stage.input = (struct input){ .fd = -1, .name = "x.zip", .depth = depth };
	first = inner_of(&stage, "a.txt", "0123456789", 0);
	if (first == NULL)
		second = inner_of(&stage, "b.txt", "0123456789", 0);
	assert_non_null(strstr(second ? second : first, want));
	assert_int_equal(stage.parse.held, 0);
	free(first);
	free(second);
	stage.input.name = NULL;
	stage_end(&stage);
}

static void limits_hold_before_anything_is_taken(void **state)
{
	struct limits limits = *limits_most();
	struct stage stage;
	char *claimed;

	(void)state;
	limits.unpacked = 15;
	limit_met(limits, 0, "too_large: Unpacked");
	limits = *limits_most();
	limits.entries = 1;
	limit_met(limits, 0, "too_large: There are more than 1 files");
	limits = *limits_most();
	limits.memory = 5;
	limit_met(limits, 0, "too_large: A file inside");
	limit_met(*limits_most(), EXTRACT_DEPTH_MAX, "too_large: There are more than 4 archives");
	stage_begin(&stage);
	stage.input = (struct input){ .fd = -1, .name = "x.zip" };
	claimed = inner_of(&stage, "a.txt", "x", EXTRACT_UNPACKED_MAX + INT64_C(1));
	assert_non_null(strstr(claimed, "too_large: Unpacked"));
	free(claimed);
	stage.input.name = NULL;
	stage_end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_are_taken_as_they_are_agreed_and_in_no_other_way),
		cmocka_unit_test(files_inside_are_read_with_their_names_in_front),
		cmocka_unit_test(limits_hold_before_anything_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
