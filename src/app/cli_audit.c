/* `usher audit`: where the chains end, whether they hold, what they say, and what is erased from them. */
#include "cli.h"
#include "json.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HASH_LEN = 64 };

/* The organisations meant by --org (its id or name), or all of them. */
static int organisations(struct cli *cli, json_t **rows_out)
{
	int status = cli_report(cli, "audit_heads", &cli->org, 1, rows_out);

	if (status == CLI_OK && json_array_size(*rows_out) == 0) {
		fprintf(stderr, "usher: there is no organisation \"%s\"; usher audit head lists them\n",
			cli->org ? cli->org : "");
		json_decref(*rows_out);
		return CLI_FAILED;
	}
	return status;
}

static int audit_head(struct cli *cli)
{
	json_t *rows;
	int status = organisations(cli, &rows);

	if (status == CLI_OK)
		cli_print(cli, rows, "");
	return status;
}

/* ---- verify ------------------------------------------------------------------------------------------------ */

struct verified {
	struct cli *cli;
	const char *org_id, *name;
	char kept_seq[24], kept_hash[HASH_LEN + 1]; /* --head; empty: none */
	json_t *findings;
	int64_t rows, found, unchained, pruned;
};

static int64_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool take_head(struct verified *v, const char *head)
{
	size_t digits = strspn(head, "0123456789");
	const char *hash = head + digits + 1;

	if (digits == 0 || digits > 18 || head[digits] != ':' || strlen(hash) != HASH_LEN ||
	    strspn(hash, "0123456789abcdef") != HASH_LEN) {
		fputs("usher: --head takes SEQ:HASH as usher audit head prints them\n", stderr);
		return false;
	}
	snprintf(v->kept_seq, sizeof(v->kept_seq), "%.*s", (int)digits, head);
	memcpy(v->kept_hash, hash, HASH_LEN + 1);
	return true;
}

static void tell_finding(const struct verified *v, const json_t *finding)
{
	const char *id = json_text(finding, "id");

	printf("%s: row %" PRId64 "%s%s: ", v->name, number_of(finding, "seq"), id ? ", id " : "",
	       id ? id : "");
	cli_put(stdout, json_text(finding, "what"));
	putchar('\n');
}

static void take_page(struct verified *v, const json_t *page)
{
	json_t *finding;
	size_t i;

	v->rows += number_of(page, "rows");
	v->found += number_of(page, "found");
	v->unchained = number_of(page, "unchained");
	v->pruned = number_of(page, "pruned");
	json_array_foreach (json_object_get(page, "findings"), i, finding) {
		if (v->cli->json)
			json_array_append(v->findings, finding);
		else
			tell_finding(v, finding);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s: %" PRId64 " of %" PRId64 " rows ", v->name, v->rows,
			number_of(page, "end") - v->pruned);
}

/* Page after page: the daemon keeps nothing of it. */
static int walk(struct verified *v)
{
	char seq[24] = "", hash[HASH_LEN + 1] = "", shift[24] = "";
	const char *args[] = { v->org_id, NULL, NULL, *v->kept_seq ? v->kept_seq : NULL, v->kept_hash, NULL };
	bool done = false;

	while (!done) {
		json_t *page;
		const char *text;
		int status = cli_report(v->cli, "audit_verify", args, 6, &page);

		if (status != CLI_OK)
			return status;
		take_page(v, page);
		text = json_text(page, "hash");
		snprintf(seq, sizeof(seq), "%" PRId64, number_of(page, "seq"));
		snprintf(shift, sizeof(shift), "%" PRId64, number_of(page, "shift"));
		snprintf(hash, sizeof(hash), "%s", text ? text : "");
		args[1] = seq;
		args[2] = hash;
		args[5] = shift;
		done = json_is_true(json_object_get(page, "done"));
		json_decref(page);
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return CLI_OK;
}

static void tell_result(const struct verified *v)
{
	if (v->found == 0)
		printf("%s: %" PRId64 " rows, the chain holds.\n", v->name, v->rows);
	else
		printf("%s: %" PRId64 " rows, %" PRId64 " findings: the record is not what was written.\n",
		       v->name, v->rows, v->found);
	if (v->pruned > 0)
		printf("%s: rows up to %" PRId64 " were dropped by retention.\n", v->name, v->pruned);
	if (*v->kept_seq && strtoll(v->kept_seq, NULL, 10) <= v->pruned)
		printf("%s: the head given lies among them and proves nothing; keep a newer one.\n", v->name);
	if (v->unchained > 0)
		printf("%s: %" PRId64 " older rows are not part of the chain: nothing proves them.\n",
		       v->name, v->unchained);
}

static int verify_one(struct cli *cli, const json_t *org, json_t *results)
{
	struct verified v = { .cli = cli,
			      .org_id = json_text(org, "org_id"),
			      .name = json_text(org, "organisation"),
			      .findings = json_array() };
	int status = cli->head && !take_head(&v, cli->head) ? CLI_USAGE : walk(&v);

	if (status == CLI_OK && !cli->json)
		tell_result(&v);
	json_array_append_new(results,
			      json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:O}", "organisation", v.name,
					"org_id", v.org_id, "rows", (json_int_t)v.rows, "found",
					(json_int_t)v.found, "unchained", (json_int_t)v.unchained, "pruned",
					(json_int_t)v.pruned, "findings", v.findings));
	json_decref(v.findings);
	return status == CLI_OK && v.found > 0 ? CLI_FAILED : status;
}

static int audit_verify(struct cli *cli)
{
	json_t *rows, *results = json_array();
	const json_t *org;
	size_t i;
	int status = organisations(cli, &rows), one;

	if (status != CLI_OK) {
		json_decref(results);
		return status;
	}
	if (cli->head && json_array_size(rows) > 1) {
		fputs("usher: --head is one organisation's: name it with --org\n", stderr);
		status = CLI_USAGE;
	}
	for (i = 0; status != CLI_USAGE && i < json_array_size(rows); i++) {
		org = json_array_get(rows, i);
		one = verify_one(cli, org, results);
		status = one == CLI_OK ? status : one;
	}
	if (cli->json && status != CLI_USAGE)
		cli_print(cli, json_incref(results), "");
	json_decref(results);
	json_decref(rows);
	return status;
}

/* ---- export ------------------------------------------------------------------------------------------------ */

static void put_rows(const struct cli *cli, const json_t *rows, bool first)
{
	const json_t *row;
	size_t i;

	if (cli->csv) {
		cli_put_csv(rows, first);
		return;
	}
	json_array_foreach (rows, i, row) {
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
	}
}

/* "2026-01-02", or the whole of a time as the record has it. */
static bool is_time(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (i >= sizeof(form) - 1 ||
		    (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i]))
			return false;
	return len == 10 || len == sizeof(form) - 1;
}

static int export_one(struct cli *cli, const char *org_id)
{
	const char *args[] = { org_id, cli->from, cli->to, NULL, NULL };
	json_t *page = NULL, *next, *before = NULL;
	int status;

	do {
		status = cli_report(cli, "audit_export", args, 5, &page);
		json_decref(before);
		before = NULL;
		if (status != CLI_OK)
			return status;
		put_rows(cli, json_object_get(page, "rows"), args[3] == NULL);
		next = json_object_get(page, "next");
		args[3] = json_string_value(json_array_get(next, 0));
		args[4] = json_string_value(json_array_get(next, 1));
		before = page; /* holds the strings */
	} while (args[3]);
	json_decref(before);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("usher: the export could not be written");
		return CLI_FAILED;
	}
	return CLI_OK;
}

static int audit_export(struct cli *cli)
{
	json_t *rows;
	int status;

	if (cli->org == NULL) {
		fputs("usher: say whose record: --org NAME (usher audit head lists them)\n", stderr);
		return CLI_USAGE;
	}
	if ((cli->from && !is_time(cli->from)) || (cli->to && !is_time(cli->to))) {
		fputs("usher: --from and --to take a day like 2026-01-31, or a time like "
		      "2026-01-31T12:00:00.000Z\n",
		      stderr);
		return CLI_USAGE;
	}
	status = organisations(cli, &rows);
	if (status != CLI_OK)
		return status;
	status = export_one(cli, json_text(json_array_get(rows, 0), "org_id"));
	json_decref(rows);
	return status;
}

/* ---- erase ------------------------------------------------------------------------------------------------- */

/* In steps, so that messages are answered in between. */
static int erase_all(struct cli *cli, const char *const *args, int64_t sums[4])
{
	static const char *const names[] = { "turns", "rows", "files_left", "waiting" };
	bool more = true;

	while (more) {
		json_t *answer;
		int status = cli_act(cli, "audit_erase", args, 4, &answer);

		if (status != CLI_OK)
			return status;
		for (size_t i = 0; i < 4; i++)
			sums[i] = number_of(answer, names[i]) + (i < 3 ? sums[i] : 0);
		more = json_is_true(json_object_get(answer, "more"));
		json_decref(answer);
	}
	return CLI_OK;
}

static int audit_erase(struct cli *cli)
{
	const char *who = getenv("SUDO_USER") ? getenv("SUDO_USER") : getenv("USER");
	const char *args[] = { cli->user ? "user" : "conversation", cli->user ? cli->user : cli->conversation,
			       cli->why, who };
	int64_t sums[4] = { 0 };
	int status;

	if ((cli->user == NULL) == (cli->conversation == NULL) || cli->why == NULL || *cli->why == '\0') {
		fputs("Usage: usher audit erase --user ID|--conversation ID --why TEXT\n", stderr);
		return CLI_USAGE;
	}
	status = erase_all(cli, args, sums);
	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print(cli,
			  json_pack("{s:I, s:I, s:I, s:I}", "turns", (json_int_t)sums[0], "rows",
				    (json_int_t)sums[1], "files_left", (json_int_t)sums[2], "waiting",
				    (json_int_t)sums[3]),
			  "");
		return CLI_OK;
	}
	printf("Erased: %" PRId64 " turns and %" PRId64
	       " rows of the record; the chain still proves itself.\n",
	       sums[0], sums[1]);
	if (sums[2] > 0)
		printf("%" PRId64 " files could not be removed; the log says why. Do it again.\n", sums[2]);
	if (sums[3] > 0)
		printf("%" PRId64 " messages are still being answered or sent: do it again when they are.\n",
		       sums[3]);
	return CLI_OK;
}

const struct command cli_audit_verbs[] = {
	{ "head", "[--org NAME]", "the end of each chain, to be kept elsewhere", 0, 0, audit_head, NULL },
	{ "verify", "[--org NAME] [--head SEQ:HASH]",
	  "walk the whole record; exit status 1 when a row is not what was written", 0, 0, audit_verify,
	  NULL },
	{ "export", "--org NAME [--from DAY] [--to DAY] [--csv]",
	  "every row, as lines of JSON or as CSV; --to is not included", 0, 0, audit_export, NULL },
	{ "erase", "--user ID|--conversation ID --why TEXT",
	  "empty what somebody said and was answered, for good; the chain stays", 0, 0, audit_erase, NULL },
	{ NULL },
};
