/* The tools for files: each call stays within its speaker's reach, says what is wrong so that the next one is right, and
 * leaves nothing behind. Store and imports answer as the test says. */
#include "filetools.h"
#include "imports.h"
#include "io.h"
#include "json.h"
#include "loop.h"
#include "mem.h"
#include "store_imports.h"
#include "store_people.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORG    "00000000-0000-7000-8000-000000000001"
#define PERSON "00000000-0000-7000-8000-00000000000a"
#define HASH   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OUTLINE                                                                                              \
	"{\"kind\":\"csv\",\"head\":\"secret head\",\"tables\":[{\"name\":\"2024\",\"rows\":2,\"columns\":[" \
	"{\"name\":\"Name\",\"type\":\"text\"},{\"name\":\"Amount\",\"type\":\"number\"}]}]}"

/* What was asked, as lines, and what is answered. */
static struct {
	struct io *io;
	struct filetools *tools;
	char asked[8000];
	struct store_import import;
	struct err store_err, made_err;
	const char *code, *report, *content, *json;
	char dir[40], key[65];
	int paths, answers;
	json_t *result;
	bool failed, silent;
} stage;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	size_t len = strlen(stage.asked);
	va_list args;

	va_start(args, fmt);
	vsnprintf(stage.asked + len, sizeof(stage.asked) - len, fmt, args);
	va_end(args);
}

/* ---- the store --------------------------------------------------------------------------------------------------- */

void store_import_find(struct store *store, const struct store_reach *reach, int64_t id, const char *name,
		       store_import_fn *fn, void *owner, uint64_t ticket)
{
	(void)store;
	assert_string_equal(reach->org_id, ORG);
	assert_string_equal(reach->profile_id, PERSON);
	assert_int_equal(reach->conversation_id, 5);
	note("find %d %s\n", (int)id, name ? name : "-");
	if (!stage.silent)
		fn(owner, ticket, &stage.store_err, &stage.import);
}

void store_knowledge_search(struct store *store, const struct store_reach *reach, const char *words,
			    int64_t import_id, unsigned limit, store_answer_text_fn *fn, void *owner,
			    uint64_t ticket)
{
	(void)store;
	assert_string_equal(reach->profile_id, PERSON);
	note("search %s in %d, %u\n", words, (int)import_id, limit);
	fn(owner, ticket, &stage.store_err, stage.json);
}

void store_knowledge_read(struct store *store, const struct store_reach *reach, int64_t import_id,
			  int64_t from, unsigned bytes, store_answer_text_fn *fn, void *owner,
			  uint64_t ticket)
{
	(void)store;
	(void)bytes;
	assert_string_equal(reach->profile_id, PERSON);
	note("read %d from %d\n", (int)import_id, (int)from);
	fn(owner, ticket, &stage.store_err, stage.json);
}

static void note_args(const char *what, const char *name, const char *const *args, size_t count)
{
	note("%s %s", what, name);
	for (size_t i = 0; i < count; i++)
		note(" %s", args[i] ? args[i] : "-");
	note("\n");
}

void store_report(struct store *store, const char *name, const char *const *args, size_t count,
		  store_json_fn *fn, void *owner, uint64_t ticket)
{
	(void)store;
	note_args("report", name, args, count);
	fn(owner, ticket, &stage.store_err, "[{\"import_id\":7}]");
}

void store_act(struct store *store, const char *name, const char *const *args, size_t count,
	       store_json_fn *fn, void *owner, uint64_t ticket)
{
	(void)store;
	note_args("act", name, args, count);
	fn(owner, ticket, &stage.store_err, "{\"scope\":\"person\"}");
}

void store_output(struct store *store, const struct store_output *output, store_output_fn *fn, void *owner,
		  uint64_t ticket)
{
	(void)store;
	assert_string_equal(output->reach->profile_id, PERSON);
	note("output %s %s %s of %d in turn %d, quota %d: %s\n", output->name, output->format, output->mime,
	     (int)output->import_id, (int)output->turn_id, (int)output->quota,
	     output->content ? output->content : "-");
	snprintf(stage.key, sizeof(stage.key), "%s", output->key);
	fn(owner, ticket, &stage.store_err, 33);
}

const char *import_state_name(enum import_state state)
{
	return state == IMPORT_FAILED ? "failed" : state == IMPORT_RECEIVED ? "received" : "extracted";
}

/* ---- imports ------------------------------------------------------------------------------------------------------- */

char *imports_work_path(struct imports *imports)
{
	(void)imports;
	return mem_format("%s/w%d", stage.dir, stage.paths++);
}

void imports_keep(struct imports *imports, const char *org_id, const char *path, import_kept_fn *fn,
		  void *owner, uint64_t ticket)
{
	struct import_blob blob = { .sha256 = HASH, .stored = 3 };
	struct err err = { 0 };
	char text[200] = "";
	int fd = open(path, O_RDONLY);

	(void)imports;
	assert_string_equal(org_id, ORG);
	assert_true(fd >= 0);
	blob.size = read(fd, text, sizeof(text) - 1);
	close(fd);
	note("keep %s\n", text);
	fn(owner, ticket, &err, &blob);
}

void imports_convert(struct imports *imports, const char *org_id, const char *sha256, const char *name,
		     const char *spec, const char *out, const struct import_events *events, void *owner,
		     uint64_t ticket)
{
	int fd = open(out, O_WRONLY | O_CREAT | O_EXCL, 0600);

	(void)imports;
	assert_string_equal(org_id, ORG);
	assert_string_equal(sha256, HASH);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "[1]", 3), 3);
	close(fd);
	note("convert %s %s\n", name, spec);
	events->made(owner, ticket, &stage.made_err, stage.code, stage.report, out);
}

void imports_convert_file(struct imports *imports, const char *path, const char *name, const char *spec,
			  const char *out, const struct import_events *events, void *owner, uint64_t ticket)
{
	char text[64] = { 0 };
	int fd = open(path, O_RDONLY);

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	note("of %s\n", text);
	imports_convert(imports, ORG, HASH, name, spec, out, events, owner, ticket);
}

char *imports_link(const struct imports *imports, const char *org_id, const char *sha256, const char *name,
		   const char *mime, bool path_only)
{
	(void)imports;
	assert_false(path_only);
	return mem_format("https://bot.example/files/%s/%.2s/%s?%s", org_id + 35, sha256, name, mime);
}

/* ---- the stage ---------------------------------------------------------------------------------------------------- */

static void erased(void *owner)
{
	assert_ptr_equal(owner, &stage);
	note("erased\n");
}

static int open_stage(void **state)
{
	struct err err = { 0 };

	(void)state;
	memset(&stage, 0, sizeof(stage));
	strcpy(stage.dir, "/tmp/usher-filetools-XXXXXX");
	if (mkdtemp(stage.dir) == NULL)
		return -1;
	stage.io = io_create(&err);
	stage.tools = filetools_create(&(struct filetools_options){ .loop = io_loop(stage.io),
								    .imports = (struct imports *)&stage,
								    .quota = 99,
								    .erased = erased,
								    .owner = &stage });
	stage.import = (struct store_import){
		.id = 7, .state = IMPORT_EXTRACTED, .name = "orders.csv", .sha256 = HASH, .outline = OUTLINE
	};
	stage.report = "{\"rows_in\":2,\"rows_out\":2,\"rows_refused\":0,\"rows_blank\":0,\"reasons\":[]}";
	stage.json = "[{\"import_id\":7,\"file\":\"orders.csv\",\"place\":\"rows 2-3\",\"text\":\"Ann\"}]";
	return 0;
}

static void stop(void *io)
{
	io_stop(io);
}

/* The folder is empty again: it can be removed. */
static int close_stage(void **state)
{
	(void)state;
	filetools_destroy(stage.tools);
	loop_post(io_loop(stage.io), stop, stage.io);
	io_run(stage.io);
	io_destroy(stage.io);
	json_decref(stage.result);
	return rmdir(stage.dir);
}

static void done(void *owner, uint64_t ticket, const char *result, bool failed)
{
	assert_ptr_equal(owner, &stage);
	assert_int_equal(ticket, 42);
	json_decref(stage.result);
	stage.result = json_read(result, strlen(result), NULL);
	assert_true(json_is_object(stage.result));
	stage.failed = failed;
	stage.answers++;
	io_stop(stage.io);
}

static const struct tool *tool_named(const char *name)
{
	size_t count;
	const struct tool *const *tools = filetools_tools(stage.tools, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(tools[i]->name, name) == 0)
			return tools[i];
	fail_msg("no tool %s", name);
	return NULL;
}

static void begin(const char *name, const char *arguments, const char *key, int64_t turn)
{
	struct tool_caller caller = {
		.org_id = ORG, .profile_id = PERSON, .conversation_id = 5, .role = "member", .turn_id = turn
	};
	const struct tool *tool = tool_named(name);

	stage.asked[0] = '\0';
	tool->call(tool->box, &caller, arguments, key, done, &stage, 42);
}

static void call(const char *name, const char *arguments, const char *key, int64_t turn)
{
	int before = stage.answers;

	begin(name, arguments, key, turn);
	assert_int_equal(stage.answers, before); /* never inside the call */
	io_run(stage.io);
	assert_int_equal(stage.answers, before + 1);
}

static void asked(const char *lines)
{
	assert_string_equal(stage.asked, lines);
}

static void refused(const char *name, const char *arguments, const char *words)
{
	call(name, arguments, NULL, 1);
	if (!stage.failed || strstr(json_text(stage.result, "error"), words) == NULL)
		fail_msg("%s %s: %s", name, arguments, json_text(stage.result, "error"));
}

/* ---- finding and reading -------------------------------------------------------------------------------------------- */

static void files_are_listed_and_searched(void **state)
{
	(void)state;
	call("list_files", "{\"query\":\"plan pdf\",\"limit\":9999}", NULL, 1);
	asked("report list_files " ORG " " PERSON " 5 [\"plan\",\"pdf\"] 50\n");
	assert_int_equal(json_array_size(json_object_get(stage.result, "files")), 1);
	call("search_files", "{\"query\":\"Ann\"}", NULL, 1);
	asked("search Ann in 0, 8\nreport list_files " ORG " " PERSON " 5 [\"Ann\"] 10\n");
	assert_int_equal(json_array_size(json_object_get(stage.result, "quotes")), 1);
	call("search_files", "{\"query\":\"Ann\",\"file\":7,\"limit\":\"3\"}", NULL, 1);
	asked("find 7 -\nsearch Ann in 7, 3\n");
	refused("search_files", "{}", "query is missing");
}

static void a_file_is_read_in_pieces(void **state)
{
	json_t *outline;

	(void)state;
	stage.json = "{\"pieces\":[{\"ord\":3,\"place\":\"\",\"text\":\"x\"}],\"next\":4,\"of\":9}";
	call("read_file", "{\"file\":\"orders.csv\",\"from\":3}", NULL, 1);
	asked("find 0 orders.csv\nread 7 from 3\n");
	outline = json_object_get(stage.result, "outline");
	assert_string_equal(json_text(json_array_get(json_object_get(outline, "tables"), 0), "name"), "2024");
	assert_null(json_object_get(outline, "head"));
	assert_int_equal(json_int(stage.result, "next", 0), 4);
	call("read_file", "{\"file\":\"import 7\"}", NULL, 1); /* as it is told */
	asked("find 7 -\nread 7 from 0\n");
}

static void what_is_not_there_is_said(void **state)
{
	(void)state;
	stage.import = (struct store_import){ 0 };
	refused("read_file", "{\"file\":\"x.csv\"}", "there is no file \"x.csv\"; list_files");
	refused("read_file", "{}", "file is missing");
	stage.import = (struct store_import){
		.id = 7, .state = IMPORT_FAILED, .name = "a", .error = "it needs a password"
	};
	refused("read_file", "{\"file\":7}", "needs a password");
	refused("convert_table", "{\"file\":7,\"format\":\"csv\"}", "needs a password");
	stage.import = (struct store_import){ .id = 7, .state = IMPORT_RECEIVED, .name = "a" };
	refused("convert_table", "{\"file\":7,\"format\":\"csv\"}", "not there yet: it is received");
	err_set(&stage.store_err, ERR_AGAIN, "the disk is on fire");
	refused("read_file", "{\"file\":7}", "Reading the file failed"); /* ours is not their business */
}

/* ---- making ---------------------------------------------------------------------------------------------------------- */

static void a_table_is_converted(void **state)
{
	char first[65];

	(void)state;
	call("convert_table",
	     "{\"file\":7,\"format\":\"JSON\",\"table\":\"2024\",\"name\":null,\"columns\":[\"Name\",{"
	     "\"name\":\"sum\","
	     "\"from\":\"2\",\"type\":\"number\",\"min\":\"1.5\",\"max\":null,\"default\":\"\"},{\"name\":"
	     "\"n\",\"from\":"
	     "\"amount\"}],\"refused\":\"keep\"}",
	     "key 1", 12);
	asked("find 7 -\nconvert orders.csv "
	      "{\"format\":\"json\",\"table\":\"2024\",\"refused\":\"keep\",\"columns\":[{"
	      "\"name\":\"Name\"},{\"name\":\"sum\",\"from\":2,\"type\":\"number\",\"min\":1.5},{\"name\":"
	      "\"n\","
	      "\"from\":\"amount\"}]}\n"
	      "keep [1]\noutput orders.json json application/json of 7 in turn 12, quota 99: [1]\n");
	assert_false(stage.failed);
	assert_string_equal(json_text(stage.result, "file"), "orders.json");
	assert_int_equal(json_int(json_object_get(stage.result, "report"), "rows_in", 0), 2);
	assert_null(json_object_get(stage.result, "link"));
	strcpy(first, stage.key);
	call("convert_table", "{\"file\":7,\"format\":\"excel\",\"table\":2}", "key 1", 12);
	assert_string_equal(stage.key, first); /* the same call again */
	assert_non_null(strstr(stage.asked, "{\"format\":\"xlsx\",\"table\":2}"));
	call("convert_table", "{\"file\":7,\"format\":\"csv\"}", "key 2", 12);
	assert_string_not_equal(stage.key, first);
}

/* A program that calls us has no answer that a file could come with. */
static void without_a_turn_there_is_a_link(void **state)
{
	char first[65];

	(void)state;
	call("convert_table", "{\"file\":7,\"format\":\"csv\",\"name\":\"../Out\"}", NULL, 0);
	assert_string_equal(json_text(stage.result, "link"),
			    "https://bot.example/files/1/aa/.._Out.csv?text/csv");
	strcpy(first, stage.key);
	call("convert_table", "{\"file\":7,\"format\":\"csv\"}", NULL, 0);
	assert_string_not_equal(stage.key, first); /* without a key nothing is a repetition */
}

static void rows_are_checked(void **state)
{
	char report[4000] =
		"{\"rows_in\":99,\"reasons\":[{\"column\":\"a\",\"reason\":\"r\",\"rows\":20,\"examples\":[";

	(void)state;
	for (int i = 0; i < 20; i++)
		snprintf(report + strlen(report), sizeof(report) - strlen(report),
			 "%s{\"row\":%d,\"value\":\"%0150d\"}", i ? "," : "", i, 7);
	strcat(report, "]}]}");
	stage.report = report;
	call("convert_table", "{\"file\":7,\"format\":\"none\"}", "k", 12);
	asked("find 7 -\nconvert orders.csv {\"format\":\"none\"}\n"); /* nothing is kept */
	assert_int_equal(
		json_array_size(json_object_get(
			json_array_get(json_object_get(json_object_get(stage.result, "report"), "reasons"),
				       0),
			"examples")),
		5);
}

/* The next try knows what there is. */
static void a_wrong_column_is_answered_with_those_there_are(void **state)
{
	(void)state;
	stage.code = "spec";
	stage.report = NULL;
	err_set(&stage.made_err, ERR_REFUSED, "there is no column \"total\"");
	refused("convert_table", "{\"file\":7,\"format\":\"csv\",\"columns\":[{\"name\":\"total\"}]}",
		"no column \"total\"");
	assert_int_equal(json_array_size(json_object_get(stage.result, "tables")), 1);
	err_set(&stage.made_err, ERR_AGAIN, "no child");
	stage.code = NULL;
	refused("convert_table", "{\"file\":7,\"format\":\"csv\"}", "Converting failed");
	refused("convert_table", "{\"file\":7,\"format\":\"pdf\"}", "format is one of");
	refused("convert_table", "{\"file\":7,\"format\":\"csv\",\"columns\":\"all\"}",
		"columns is an array");
	refused("convert_table", "{\"file\":7,\"format\":\"csv\",\"columns\":[{\"from\":\"a\"}]}",
		"name of a column");
}

static void a_text_is_written(void **state)
{
	(void)state;
	call("write_file", "{\"name\":\"a/b/notes\",\"format\":\"md\",\"content\":\"# Hi\"}", "k", 12);
	asked("keep # Hi\noutput a_b_notes.md markdown text/markdown of 0 in turn 12, quota 99: # Hi\n");
	refused("write_file", "{\"name\":\"a\",\"format\":\"json\",\"content\":\"{\"}", "not JSON");
	refused("write_file", "{\"name\":\"a\",\"format\":\"none\",\"content\":\"x\"}", "are needed");
	refused("write_file", "{\"name\":\"a\",\"format\":\"md\",\"content\":\" \"}", "empty");
	err_set(&stage.store_err, ERR_FULL, "the files of this organisation fill what it may keep");
	refused("write_file", "{\"name\":\"a\",\"format\":\"md\",\"content\":\"x\"}",
		"fill what it may keep");
}

/* Tables are written by the converter, which knows what a spreadsheet takes for a formula. */
static void written_rows_go_through_the_converter(void **state)
{
	(void)state;
	call("write_file", "{\"name\":\"t.csv\",\"format\":\"csv\",\"content\":\"[{\\\"a\\\":\\\"=1\\\"}]\"}",
	     "k", 12);
	asked("of [{\"a\":\"=1\"}]\nconvert rows.json {\"format\":\"csv\"}\nkeep [1]\n"
	      "output t.csv csv text/csv of 0 in turn 12, quota 99: [1]\n");
	call("write_file", "{\"name\":\"t\",\"format\":\"xlsx\",\"content\":[{\"a\":1}]}", "k", 12);
	assert_non_null(strstr(stage.asked, "convert rows.json {\"format\":\"xlsx\"}"));
	call("write_file", "{\"name\":\"t\",\"format\":\"csv\",\"content\":\"a,b\\n=1,2\"}", "k", 12);
	assert_non_null(strstr(stage.asked, "convert rows.csv {\"format\":\"csv\"}"));
}

/* ---- the others ------------------------------------------------------------------------------------------------------ */

static void sharing_and_deleting_are_the_stores(void **state)
{
	(void)state;
	call("share_file", "{\"file\":\"orders.csv\",\"scope\":\"person\"}", NULL, 1);
	asked("find 0 orders.csv\nact file_share " ORG " " PERSON " 7 person\n");
	call("delete_file", "{\"file\":\"7\"}", NULL, 1);
	asked("find 7 -\nact file_delete " ORG " " PERSON
	      " 7\nerased\n"); /* else its links lead to it for minutes */
	assert_string_equal(json_text(stage.result, "file"), "orders.csv");
}

/* What files say is labelled; what cannot be taken back is asked. */
static void the_tools_describe_themselves(void **state)
{
	size_t count;
	const struct tool *const *tools = filetools_tools(stage.tools, &count);

	(void)state;
	assert_int_equal(count, 7);
	for (size_t i = 0; i < count; i++) {
		json_t *schema = json_read(tools[i]->parameters, strlen(tools[i]->parameters), NULL);
		const char *name = tools[i]->name;
		bool makes = strcmp(name, "write_file") == 0 || strcmp(name, "convert_table") == 0,
		     asks = strcmp(name, "share_file") == 0 || strcmp(name, "delete_file") == 0;

		assert_string_equal(json_text(schema, "type"), "object");
		assert_true(json_is_array(json_object_get(schema, "required")));
		assert_int_equal(tools[i]->class, asks ? TOOL_CONFIRM : makes ? TOOL_KEYED : TOOL_READ);
		assert_int_equal(tools[i]->foreign, !asks && strcmp(name, "write_file") != 0);
		json_decref(schema);
	}
}

/* Where files stay references, none are made. */
static void without_imports_nothing_is_made(void **state)
{
	struct filetools *tools = filetools_create(&(struct filetools_options){ .loop = io_loop(stage.io) });
	size_t count;

	(void)state;
	filetools_tools(tools, &count);
	assert_int_equal(count, 5);
	filetools_destroy(tools);
}

static void stopped_in_the_middle(void **state)
{
	(void)state;
	stage.silent = true;
	begin("read_file", "{\"file\":7}", NULL, 1);
	loop_post(io_loop(stage.io), stop, stage.io);
	io_run(stage.io);
	begin("list_files", "{}", NULL, 1);
	assert_int_equal(stage.answers, 0);
}

int main(void)
{
#define ON_STAGE(TEST) cmocka_unit_test_setup_teardown(TEST, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		ON_STAGE(files_are_listed_and_searched),
		ON_STAGE(a_file_is_read_in_pieces),
		ON_STAGE(what_is_not_there_is_said),
		ON_STAGE(a_table_is_converted),
		ON_STAGE(without_a_turn_there_is_a_link),
		ON_STAGE(rows_are_checked),
		ON_STAGE(a_wrong_column_is_answered_with_those_there_are),
		ON_STAGE(a_text_is_written),
		ON_STAGE(written_rows_go_through_the_converter),
		ON_STAGE(sharing_and_deleting_are_the_stores),
		ON_STAGE(the_tools_describe_themselves),
		ON_STAGE(without_imports_nothing_is_made),
		ON_STAGE(stopped_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
