/* Runs of the parser child: what it says reaches the core, and however it ends, the run ends once. A shell stands in for
 * the parser. */
#include "clock.h"
#include "imports.h"
#include "io.h"
#include "mem.h"
#include "vault.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ORG "0190a2b4-0000-7000-8000-000000000001"

struct place {
	char dir[64], parser[90], file[90];
	struct io *io;
	struct imports *imports;
	struct loop_timer *limit;
	unsigned ends, wanted, progresses, waited, quiet_after;
	struct err err;
	char code[40], json[400], chunks[200], kind[40];
	struct import_blob blob;
};

static void too_late(void *data)
{
	struct place *place = data;

	io_stop(place->io);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
}

static void parser_is(const struct place *place, const char *script)
{
	char *text = mem_format("#!/bin/sh\nread -r order\n%s\n", script);

	write_file(place->parser, text, 0700);
	free(text);
}

static int setup(void **state)
{
	struct place *place = mem_zero(1, sizeof(*place));
	struct err err = { 0 };

	snprintf(place->dir, sizeof(place->dir), "/tmp/usher-runs-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->parser, sizeof(place->parser), "%s/parser", place->dir);
	snprintf(place->file, sizeof(place->file), "%s/file", place->dir);
	write_file(place->file, "name,amount\nEva,3\n", 0600);
	place->io = io_create(&err);
	place->imports = imports_create(&(struct imports_options){ .io = place->io,
								   .data_dir = place->dir,
								   .parser = place->parser,
								   .public_url = "https://bot.example.org",
								   .memory = 1 << 20,
								   .unpacked = 1 << 20,
								   .output = 1 << 20,
								   .seconds = 5 },
					&err);
	if (place->imports == NULL)
		fail_msg("%s", err.text);
	place->limit = loop_timer_create(io_loop(place->io), too_late, place);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	char command[120];

	imports_destroy(place->imports);
	loop_timer_destroy(place->limit);
	io_destroy(place->io);
	snprintf(command, sizeof(command), "rm -r %s", place->dir);
	assert_int_equal(system(command), 0);
	free(place);
	return 0;
}

static void run(struct place *place, unsigned ends)
{
	place->wanted = ends;
	loop_timer_start(place->limit, 120000, 0);
	if (place->ends < ends)
		io_run(place->io);
	loop_timer_stop(place->limit);
	assert_int_equal(place->ends, ends);
}

static void ended(struct place *place, const struct err *err, const char *code)
{
	place->ends++;
	place->err = *err;
	snprintf(place->code, sizeof(place->code), "%s", code ? code : "");
	if (place->ends >= place->wanted)
		io_stop(place->io);
}

static void on_progress(void *owner, uint64_t ticket, const struct import_progress *progress)
{
	struct place *place = owner;

	(void)ticket;
	place->progresses++;
	place->waited += progress->waits;
	if (progress->checked)
		snprintf(place->kind, sizeof(place->kind), "%s", progress->kind);
}

static void on_read(void *owner, uint64_t ticket, const struct err *err, const char *code,
		    const struct import_outline *outline)
{
	struct place *place = owner;
	FILE *chunks;

	(void)ticket;
	if (outline) {
		snprintf(place->json, sizeof(place->json), "%s", outline->json);
		chunks = fopen(outline->chunks, "r");
		assert_non_null(chunks);
		assert_true(fread(place->chunks, 1, sizeof(place->chunks), chunks) < sizeof(place->chunks));
		fclose(chunks);
	}
	ended(place, err, code);
}

static void on_made(void *owner, uint64_t ticket, const struct err *err, const char *code, const char *report,
		    const char *path)
{
	struct place *place = owner;

	(void)ticket;
	if (report)
		snprintf(place->json, sizeof(place->json), "%s %s", report, path ? "made" : "");
	ended(place, err, code);
}

static const struct import_events events = { .progress = on_progress, .read = on_read, .made = on_made };

static void begin(struct place *place, uint64_t ticket)
{
	char *chunks = imports_work_path(place->imports);

	imports_read(place->imports, place->file, "people.csv", chunks, &events, place, ticket);
	free(chunks);
}

#define CHECKED "echo '{\"checked\":{\"kind\":\"csv\",\"mime\":\"text/csv\"}}'\n"

static void test_read(void **state)
{
	struct place *place = *state;

	parser_is(place, CHECKED "cat <&3 >&4\n"
				 "echo '{\"progress\":{\"bytes\":18,\"rows\":2}}'\n"
				 "echo '{\"done\":{\"kind\":\"csv\",\"chunks\":1}}'");
	begin(place, 1);
	run(place, 1);
	assert_int_equal(place->err.kind, ERR_NONE);
	assert_string_equal(place->kind, "csv");
	assert_string_equal(place->chunks, "name,amount\nEva,3\n");
	assert_string_equal(place->json, "{\"kind\":\"csv\",\"chunks\":1}");
	assert_int_equal(place->progresses, 2);
}

/* The reason for the person is the child's, not ours. */
static void test_refused(void **state)
{
	struct place *place = *state;

	parser_is(place, CHECKED
		  "echo '{\"failed\":{\"code\":\"encrypted\",\"message\":\"needs a password\"}}'\nexit 1");
	begin(place, 1);
	run(place, 1);
	assert_int_equal(place->err.kind, ERR_REFUSED);
	assert_string_equal(place->code, "encrypted");
	assert_string_equal(place->err.text, "needs a password");
}

static const struct {
	const char *script, *code;
} broken[] = {
	{ "kill -SEGV $$", "crashed" },		{ "exit 0", "crashed" },
	{ "echo nonsense; exit 3", "crashed" }, { CHECKED "echo '{\"done\":'", "crashed" },
	{ "echo '{\"done\":{}}'", "crashed" }, /* without having said what it is */
};

static void test_broken(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		parser_is(place, broken[i].script);
		begin(place, i);
		run(place, (unsigned)i + 1);
		assert_int_equal(place->err.kind, ERR_REFUSED);
		assert_string_equal(place->code, broken[i].code);
	}
}

/* Killed from outside, as by an operator or for want of memory: read once more, and not again and again. */
static void test_killed(void **state)
{
	struct place *place = *state;
	char script[600];

	snprintf(script, sizeof(script),
		 "echo x >>%s/tries\necho half >&4\n" CHECKED
		 "[ $(wc -l <%s/tries) -gt 1 ] || kill -KILL $$\necho whole >&4\necho '{\"done\":{}}'",
		 place->dir, place->dir);
	parser_is(place, script);
	begin(place, 1);
	run(place, 1);
	assert_int_equal(place->err.kind, ERR_NONE);
	assert_string_equal(place->chunks, "half\nwhole\n");
	snprintf(script, sizeof(script), "echo x >>%s/tries\nkill -KILL $$", place->dir);
	parser_is(place, script);
	begin(place, 2);
	run(place, 2);
	assert_string_equal(place->code, "crashed");
	snprintf(script, sizeof(script), "[ $(wc -l <%s/tries) = 4 ]", place->dir);
	assert_int_equal(system(script), 0);
}

/* Five at once: two run, three are told that they wait, all end. */
static void test_line(void **state)
{
	struct place *place = *state;

	parser_is(place, CHECKED "echo '{\"done\":{}}'");
	for (uint64_t i = 0; i < 5; i++)
		begin(place, i);
	run(place, 5);
	assert_int_equal(place->waited, 3);
}

static void test_no_parser(void **state)
{
	struct place *place = *state;

	begin(place, 1);
	run(place, 1);
	assert_int_equal(place->err.kind, ERR_AGAIN);
}

static void test_cancelled(void **state)
{
	struct place *place = *state;

	parser_is(place, "sleep 30");
	begin(place, 1);
	begin(place, 2);
	begin(place, 3);
	imports_cancel(place->imports, place, 1);
	imports_cancel(place->imports, place, 77);
	loop_timer_start(place->limit, 300, 0); /* the others run; nothing ends */
	io_run(place->io);
	assert_int_equal(place->ends, 0);
	imports_cancel(place->imports, place, 2);
	imports_cancel(place->imports, place, 3);
}

static void on_kept(void *owner, uint64_t ticket, const struct err *err, const struct import_blob *blob)
{
	struct place *place = owner;

	(void)ticket;
	if (blob)
		place->blob = *blob;
	ended(place, err, NULL);
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	(void)ticket;
	ended(owner, err, NULL);
}

static void test_convert_kept(void **state)
{
	struct place *place = *state;
	char *out = imports_work_path(place->imports), *path = imports_work_path(place->imports);

	imports_keep(place->imports, ORG, place->file, on_kept, place, 1);
	run(place, 1);
	assert_int_equal(place->blob.size, 18);
	parser_is(place, CHECKED "cat <&3 >&4\necho '{\"done\":{\"rows_in\":1}}'");
	imports_convert(place->imports, ORG, place->blob.sha256, "people.csv", "{\"format\":\"csv\"}", out,
			&events, place, 2);
	run(place, 2);
	assert_string_equal(place->json, "{\"rows_in\":1} made");
	imports_fetch(place->imports, ORG, place->blob.sha256, path, on_done, place, 3);
	run(place, 3);
	assert_int_equal(place->err.kind, ERR_NONE);
	assert_int_equal(access(path, R_OK), 0);
	unlink(out);
	place->json[0] = '\0';
	imports_convert_file(place->imports, path, "people.csv", "{\"format\":\"csv\"}", out, &events, place,
			     4);
	run(place, 4);
	assert_string_equal(place->json, "{\"rows_in\":1} made");
	assert_int_equal(access(path, R_OK), 0);
	imports_drop(place->imports, ORG, place->blob.sha256);
	imports_convert(place->imports, ORG, place->blob.sha256, "people.csv", "{}", path, &events, place, 5);
	run(place, 5);
	assert_int_not_equal(place->err.kind, ERR_NONE);
	free(out);
	free(path);
}

static void on_quiet(void *owner)
{
	struct place *place = owner;

	place->quiet_after = place->ends;
	ended(place, &(struct err){ 0 }, NULL);
}

/* What is being kept when files are to be removed has its answer first; what comes then waits. */
static void test_quiet(void **state)
{
	struct place *place = *state;

	imports_keep(place->imports, ORG, place->file, on_kept, place, 1);
	imports_keep(place->imports, ORG, place->file, on_kept, place, 2);
	imports_quiet(place->imports, on_quiet, place);
	imports_keep(place->imports, ORG, place->file, on_kept, place, 3);
	run(place, 3);
	assert_int_equal(place->quiet_after, 2);
	imports_drop(place->imports, ORG, place->blob.sha256);
	place->blob.had = true;
	imports_resume(place->imports);
	run(place, 4);
	assert_false(place->blob.had);			/* it was put there again */
	imports_quiet(place->imports, on_quiet, place); /* with nothing under way */
	run(place, 5);
	imports_keep(place->imports, ORG, place->file, on_kept, place, 4); /* and the room goes */
	imports_quiet(place->imports, on_quiet, place);
}

/* The room may go while files are being sealed: nobody is told, nothing leaks. */
static void test_gone_meanwhile(void **state)
{
	struct place *place = *state;

	parser_is(place, "sleep 30");
	imports_keep(place->imports, ORG, place->file, on_kept, place, 1);
	begin(place, 2);
}

static void test_link(void **state)
{
	struct place *place = *state;
	char *link = imports_link(place->imports, ORG,
				  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
				  "a b/ö.csv", "text/csv", false);

	assert_non_null(strstr(link, "https://bot.example.org/files/"));
	assert_non_null(strstr(link, "/a%20b%2F%C3%B6.csv"));
	assert_null(strstr(link, "0123456789abcdef"));
	free(link);
}

/* What is sent again has the same bytes, and an old answer that is sent again by hand has a link that still leads somewhere. */
static void test_link_of_an_answer(void **state)
{
	struct place *place = *state;
	const char *hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	int64_t now = clock_wall_ms(), day = INT64_C(86400000);
	char *first = imports_link_made(place->imports, ORG, hash, "a.csv", "text/csv", now - 3 * day),
	     *second = imports_link_made(place->imports, ORG, hash, "a.csv", "text/csv", now - 3 * day),
	     *other = imports_link_made(place->imports, ORG, hash, "b.csv", "text/csv", now - 3 * day),
	     *old = imports_link_made(place->imports, ORG, hash, "a.csv", "text/csv", now - 30 * day),
	     *older =
		     imports_link_made(place->imports, ORG, hash, "a.csv", "text/csv", now - 30 * day - 5000);

	assert_string_equal(first, second);
	assert_string_not_equal(first, other);
	assert_string_not_equal(old, older);
	free(first);
	free(second);
	free(other);
	free(old);
	free(older);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_parser, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancelled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_convert_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quiet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_of_an_answer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
