/* A file on its way: through the converter, onto the disk, into its row, to the person. */
#include "crypto.h"
#include "filetools_room.h"
#include "text.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTENT_MAX = 64 * 1024, EXAMPLES_TOLD = 5, VALUE_TOLD = 120 };

/* ---- the answer -------------------------------------------------------------------------------------------------- */

/* A value of an example may be long, and there may be many. */
static json_t *told_example(const json_t *example)
{
	json_t *told = json_deep_copy(example);
	const char *value = json_text(told, "value");

	if (value)
		json_object_set_new(told, "value",
				    json_stringn(value, text_fit(value, strlen(value), VALUE_TOLD)));
	return told;
}

/* The whole of it is kept with the file; the model gets what it can tell. */
static json_t *told_report(const char *text)
{
	json_t *report = json_read(text, strlen(text), NULL), *reason;
	size_t i;

	json_array_foreach (json_object_get(report, "reasons"), i, reason) {
		json_t *examples = json_array();
		const json_t *all = json_object_get(reason, "examples");

		for (size_t e = 0; e < json_array_size(all) && e < EXAMPLES_TOLD; e++)
			json_array_append_new(examples, told_example(json_array_get(all, e)));
		json_object_set_new(reason, "examples", examples);
	}
	return report ? report : json_object();
}

/* Without an answer that it could come with, there is a link. */
static void add_delivery(struct file_call *call, json_t *answer)
{
	const struct file_made *made = &call->made;
	char *link;

	if (call->turn_id) {
		json_object_set_new(
			answer, "delivery",
			json_string("the person gets this file with your answer; do not repeat what "
				    "is in it"));
		return;
	}
	link = imports_link(call->tools->options.imports, call->reach.org_id, made->blob.sha256, made->name,
			    made->mime, false);
	if (link)
		json_object_set_new(answer, "link", json_string(link));
	if (link)
		json_object_set_new(answer, "link_seconds", json_integer(IMPORTS_LINK_S));
	free(link);
	if (link == NULL)
		json_object_set_new(
			answer, "delivery",
			json_string("kept, but there is no link to it: listen.public_url is not set"));
}

static void tell(struct file_call *call, int64_t output_id)
{
	const struct file_made *made = &call->made;
	json_t *answer =
		json_pack("{s:s, s:I, s:s, s:I}", "file", made->name, "output_id", (json_int_t)output_id,
			  "format", made->format, "bytes", (json_int_t)made->blob.size);

	if (made->report)
		json_object_set_new(answer, "report", told_report(made->report));
	add_delivery(call, answer);
	file_answer(call, answer);
}

/* ---- keeping ----------------------------------------------------------------------------------------------------- */

static void on_row(void *tools, uint64_t serial, const struct err *err, int64_t output_id)
{
	struct file_call *call = file_call_of(tools, serial);

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE)
		file_fail(call, err);
	else
		tell(call, output_id);
}

/* The same for a repetition of the same call by the same person, and for nothing else. */
static const char *key_of(struct file_call *call)
{
	char uuid[CRYPTO_UUID_SIZE], hash[CRYPTO_SHA256_HEX];
	char *whole;

	if (call->key == NULL)
		return arena_text(call->arena, crypto_uuid(uuid));
	whole = mem_format("%s\n%s\n%s", call->reach.profile_id, call->kind->name, call->key);
	crypto_sha256_hex(whole, strlen(whole), hash);
	free(whole);
	return arena_text(call->arena, hash);
}

/* A text that is short enough stands in the import's own row too; NULL: it does not. */
static char *content_of(const struct file_made *made)
{
	bool text = strcmp(made->format, "xlsx") != 0 && made->blob.size <= CONTENT_MAX;
	int fd = text ? open(made->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	char *content = NULL;
	ssize_t len;

	if (fd < 0)
		return NULL;
	content = mem_zero(1, CONTENT_MAX + 1);
	len = read(fd, content, CONTENT_MAX);
	close(fd);
	if (len == made->blob.size && text_valid(content, (size_t)len))
		return content;
	free(content);
	return NULL;
}

static void on_kept(void *tools, uint64_t serial, const struct err *err, const struct import_blob *blob)
{
	struct file_call *call = file_call_of(tools, serial);
	struct store_output output;
	char *content;

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		file_fail(call, err);
		return;
	}
	call->made.blob = *blob;
	content = content_of(&call->made);
	output = (struct store_output){ .reach = &call->reach,
					.import_id = call->made.import_id,
					.turn_id = call->turn_id,
					.key = key_of(call),
					.name = call->made.name,
					.format = call->made.format,
					.mime = call->made.mime,
					.sha256 = blob->sha256,
					.report = call->made.report,
					.bytes = blob->size,
					.stored = blob->stored,
					.quota = call->tools->options.quota,
					.content = content };
	store_output(call->tools->options.store, &output, on_row, tools, serial);
	free(content);
}

void file_keep(struct file_call *call)
{
	imports_keep(call->tools->options.imports, call->reach.org_id, call->made.path, on_kept, call->tools,
		     call->serial);
}

/* ---- converting --------------------------------------------------------------------------------------------------- */

/* What there is, so that the next try is right. */
static void refuse_spec(struct file_call *call, const struct err *err, const char *code)
{
	json_t *outline = file_outline(call->about.outline), *more = NULL;
	json_t *tables = json_object_get(outline, "tables");

	if (code && strcmp(code, "spec") == 0 && tables)
		more = json_pack("{s:O}", "tables", tables);
	file_fail_with(call, err->kind == ERR_REFUSED ? err->text : call->kind->failed, more);
	json_decref(outline);
}

static void on_made(void *tools, uint64_t serial, const struct err *err, const char *code, const char *report,
		    const char *path)
{
	struct file_call *call = file_call_of(tools, serial);

	(void)path;
	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		refuse_spec(call, err, code);
		return;
	}
	call->made.report = arena_text(call->arena, report);
	if (call->made.mime[0] == '\0') /* it was looked at only */
		file_answer(call, json_pack("{s:s, s:I, s:o}", "checked", call->about.name, "import_id",
					    (json_int_t)call->about.id, "report", told_report(report)));
	else
		file_keep(call);
}

void file_run(struct file_call *call)
{
	static const struct import_events events = { .made = on_made };
	struct file_made *made = &call->made;

	if (made->rows)
		imports_convert_file(call->tools->options.imports, made->rows, made->source_name, made->spec,
				     made->path, &events, call->tools, call->serial);
	else
		imports_convert(call->tools->options.imports, call->reach.org_id, made->source,
				made->source_name, made->spec, made->path, &events, call->tools,
				call->serial);
}
