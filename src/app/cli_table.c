/* Answers as tables for people (libsmartcols) and as JSON for programs. */
#include "cli.h"
#include "json.h"
#include "text.h"
#include <langinfo.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void cli_put(FILE *out, const char *text)
{
	char *visible = text_visible(text, "\n\t");

	fputs(visible, out);
	free(visible);
}

/* libsmartcols escapes what it takes for unprintable by the locale's rules; ours is always UTF-8. */
static void speak_utf8(void)
{
	if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static char *cell(const json_t *value)
{
	if (value == NULL || json_is_null(value))
		return strdup("-");
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return json_write(value);
}

/* Names that programs use; people see numbers and words. They stand in --json and --csv. */
static bool for_programs(const char *column)
{
	static const char *const columns[] = { "conversation_uuid", "profile_id", "org_id", "user_id" };

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (strcmp(column, columns[i]) == 0)
			return true;
	return false;
}

static void print_table(const json_t *rows)
{
	struct libscols_table *table;
	const json_t *row;
	json_t *value;
	const char *key;
	size_t i;

	speak_utf8();
	table = scols_new_table();
	json_object_foreach ((json_t *)(uintptr_t)json_array_get(rows, 0), key, value)
		if (!for_programs(key))
			scols_table_new_column(table, key, 0,
					       json_is_number(value) ? SCOLS_FL_RIGHT : SCOLS_FL_WRAP);
	json_array_foreach (rows, i, row) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		size_t column = 0;

		json_object_foreach ((json_t *)(uintptr_t)row, key, value) {
			char *text;

			if (for_programs(key))
				continue;
			text = cell(value);
			scols_line_set_data(line, column++, text);
			free(text);
		}
	}
	scols_table_enable_noheadings(table, 0);
	if (!isatty(STDOUT_FILENO))
		scols_table_set_termwidth(table, 0);
	scols_print_table(table);
	putchar('\n');
	scols_unref_table(table);
}

/* A field of CSV. What begins like a formula is none to a spreadsheet behind an apostrophe: names are what strangers
 * chose. */
static void print_field(const char *text, bool number)
{
	char *visible = text_visible(text, "\n\t");

	if (number) {
		fputs(visible, stdout);
		free(visible);
		return;
	}
	putchar('"');
	if (*visible && strchr("=+-@\t", *visible))
		putchar('\'');
	for (const char *at = visible; *at; at++) {
		if (*at == '"')
			putchar('"');
		putchar(*at);
	}
	putchar('"');
	free(visible);
}

void cli_put_csv(const json_t *rows, bool names)
{
	const json_t *row;
	const char *key;
	json_t *value;
	size_t i, column = 0;

	json_object_foreach ((json_t *)(uintptr_t)json_array_get(rows, 0), key, value)
		if (names)
			printf("%s%s", column++ ? "," : "", key);
	if (column)
		fputs("\r\n", stdout);
	json_array_foreach (rows, i, row) {
		column = 0;
		json_object_foreach ((json_t *)(uintptr_t)row, key, value) {
			char *text = json_is_null(value) ? strdup("") : cell(value);

			fputs(column++ ? "," : "", stdout);
			print_field(text,
				    json_is_number(value) || json_is_boolean(value) || json_is_null(value));
			free(text);
		}
		fputs("\r\n", stdout);
	}
}

static void print_object(const json_t *object, int indent, bool item);

static void print_value(const json_t *value, int indent)
{
	const json_t *one;
	char *text;
	size_t i;

	if (json_is_object(value)) {
		puts(":");
		print_object(value, indent + 2, false);
	} else if (json_is_object(json_array_get(value, 0))) {
		puts(":");
		json_array_foreach (value, i, one)
			print_object(one, indent + 4, true);
	} else {
		text = json_is_array(value) && json_array_size(value) == 0 ? strdup("-") : cell(value);
		fputs(": ", stdout);
		cli_put(stdout, text);
		putchar('\n');
		free(text);
	}
}

/* A line for each member; what is inside stands further to the right. item: of a list, its first line begins with a dash. */
static void print_object(const json_t *object, int indent, bool item)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		printf("%*s%s%s", item ? indent - 2 : indent, "", item ? "- " : "", key);
		print_value(value, indent);
		item = false;
	}
}

void cli_print(const struct cli *cli, json_t *value, const char *empty)
{
	if (cli->json) {
		json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		putchar('\n');
	} else if (json_is_array(value) && cli->csv) {
		cli_put_csv(value, true);
	} else if (json_is_array(value) && json_array_size(value) == 0) {
		puts(empty);
	} else if (json_is_array(value)) {
		print_table(value);
	} else {
		print_object(value, 0, false);
	}
	json_decref(value);
}

int cli_show(struct cli *cli, const char *report, const char *const *args, size_t count, const char *empty)
{
	json_t *answer;
	int status = cli_report(cli, report, args, count, &answer);

	if (status == CLI_OK)
		cli_print(cli, answer, empty);
	return status;
}

/* How it ended, as a command's end. answer is released. */
static int tell_done(const struct cli *cli, int status, json_t *answer, const char *done)
{
	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print(cli, answer, "");
	} else {
		puts(done);
		json_decref(answer);
	}
	return status;
}

int cli_do(struct cli *cli, const char *act, const char *const *args, size_t count, const char *done)
{
	json_t *answer = NULL;
	int status = cli_act(cli, act, args, count, &answer);

	return tell_done(cli, status, answer, done);
}

int cli_do_at(struct cli *cli, const char *path, json_t *body, const char *done)
{
	json_t *answer = NULL;
	int status = cli_ask(cli, path, body, &answer);

	return tell_done(cli, status, answer, done);
}
