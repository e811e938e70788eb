/* Parts of office files and what they refer to. */
#include "package.h"
#include "buf.h"
#include "mem.h"
#include "sax.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { RELATIONS_MAX = 20000, RELATION_TEXT_MAX = 1000, TITLE_MAX = 300 };

bool package_take(struct parse *parse, int64_t bytes, struct err *err)
{
	parse->unpacked += bytes;
	if (parse->unpacked > parse->limits.unpacked)
		return parse_fail(err, "too_large", "Unpacked, the file has more than %lld MB.",
				  (long long)(parse->limits.unpacked >> 20));
	return true;
}

bool package_has(zip_t *zip, const char *name)
{
	return zip_name_locate(zip, name, 0) >= 0;
}

zip_file_t *package_entry(zip_t *zip, const char *name, struct err *err)
{
	zip_file_t *file = zip_fopen(zip, name, 0);
	int code = zip_error_code_zip(zip_get_error(zip));

	if (file)
		return file;
	if (code == ZIP_ER_NOPASSWD || code == ZIP_ER_WRONGPASSWD)
		parse_fail(err, "encrypted", "The file needs a password.");
	else if (code == ZIP_ER_MEMORY)
		parse_fail(err, "too_large", "The file needs more memory than it may have.");
	else
		parse_fail(err, "damaged", "The part %.100s is missing or can't be unpacked.", name);
	return NULL;
}

struct relations_sax {
	struct sax sax;
	struct relations *relations;
	const char *part;
};

/* "worksheets/a.xml" and "../x.xml" seen from "xl/workbook.xml", "/xl/y.xml": "xl/worksheets/a.xml", "x.xml", "xl/y.xml". */
static char *target_resolve(const char *part, const char *target)
{
	const char *slash = strrchr(part, '/');
	struct buf path = { 0 };

	if (*target == '/')
		target++;
	else if (slash)
		buf_add(&path, part, (size_t)(slash - part) + 1);
	while (strncmp(target, "../", 3) == 0 || strncmp(target, "./", 2) == 0) {
		bool up = target[1] == '.';

		target += up ? 3 : 2;
		if (!up || path.len == 0)
			continue;
		buf_cut(&path, path.len - 1);
		while (path.len > 0 && path.data[path.len - 1] != '/')
			buf_cut(&path, path.len - 1);
	}
	buf_text(&path, target);
	return buf_take(&path);
}

static void relation_start(struct sax *sax, const char *name)
{
	struct relations_sax *own = (struct relations_sax *)sax;
	struct relations *relations = own->relations;
	const char *id, *type, *target, *mode, *slash;

	if (strcmp(name, "Relationship") != 0)
		return;
	id = sax_attribute(sax, "Id");
	type = sax_attribute(sax, "Type");
	target = sax_attribute(sax, "Target");
	mode = sax_attribute(sax, "TargetMode");
	if (id == NULL || type == NULL || target == NULL || strlen(id) > RELATION_TEXT_MAX ||
	    strlen(target) > RELATION_TEXT_MAX || strlen(type) > RELATION_TEXT_MAX)
		return;
	if (relations->count == RELATIONS_MAX) {
		parse_fail(&sax->err, "too_large", "A part refers to more than %d others.", RELATIONS_MAX);
		sax_abandon(sax);
		return;
	}
	if ((relations->count & (relations->count + 1)) == 0)
		relations->all =
			mem_resize(relations->all, (relations->count + 1) * 2, sizeof(*relations->all));
	slash = strrchr(type, '/');
	relations->all[relations->count++] = (struct relation){
		.id = mem_text(id),
		.type = mem_text(slash ? slash + 1 : type),
		.target = mode && strcmp(mode, "External") == 0 ? NULL : target_resolve(own->part, target),
	};
}

bool relations_read(struct relations *relations, struct parse *parse, zip_t *zip, const char *part,
		    struct err *err)
{
	struct relations_sax own = { .sax.start = relation_start, .relations = relations, .part = part };
	const char *slash = strrchr(part, '/');
	int folder = slash ? (int)(slash - part) + 1 : 0;
	char *name = mem_format("%.*s_rels/%s.rels", folder, part, part + folder);
	bool good;

	*relations = (struct relations){ 0 };
	good = !package_has(zip, name) || sax_read(&own.sax, parse, zip, name, err);
	free(name);
	return good;
}

const char *relations_by_id(const struct relations *relations, const char *id)
{
	for (size_t i = 0; i < relations->count; i++)
		if (strcmp(relations->all[i].id, id) == 0)
			return relations->all[i].target;
	return NULL;
}

const char *relations_by_type(const struct relations *relations, const char *type)
{
	for (size_t i = 0; i < relations->count; i++)
		if (strcmp(relations->all[i].type, type) == 0 && relations->all[i].target)
			return relations->all[i].target;
	return NULL;
}

void relations_free(struct relations *relations)
{
	for (size_t i = 0; i < relations->count; i++) {
		free(relations->all[i].id);
		free(relations->all[i].type);
		free(relations->all[i].target);
	}
	free(relations->all);
	*relations = (struct relations){ 0 };
}

char *package_main(struct parse *parse, zip_t *zip, struct err *err)
{
	struct relations relations;
	const char *target;
	char *part = NULL;

	if (relations_read(&relations, parse, zip, "", err)) {
		target = relations_by_type(&relations, "officeDocument");
		if (target && package_has(zip, target))
			part = mem_text(target);
		else
			parse_fail(err, "damaged", "The file has no main part.");
	}
	relations_free(&relations);
	return part;
}

struct title_sax {
	struct sax sax;
	struct buf title;
	bool inside;
};

static void title_start(struct sax *sax, const char *name)
{
	((struct title_sax *)sax)->inside = strcmp(name, "title") == 0;
}

static void title_end(struct sax *sax, const char *name)
{
	(void)name;
	((struct title_sax *)sax)->inside = false;
}

static void title_text(struct sax *sax, const char *text, size_t len)
{
	struct title_sax *own = (struct title_sax *)sax;

	if (own->inside && own->title.len < (size_t)TITLE_MAX * 4)
		buf_add(&own->title, text, len < (size_t)TITLE_MAX * 4 ? len : (size_t)TITLE_MAX * 4);
}

void package_title(struct parse *parse, zip_t *zip, const char *part, struct sink *sink)
{
	struct title_sax own = { .sax = { .start = title_start, .end = title_end, .text = title_text } };
	struct err ignored;

	/* A title is nice to have: what is wrong with this part is nobody's trouble. */
	if (package_has(zip, part) && sax_read(&own.sax, parse, zip, part, &ignored) && own.title.len > 0) {
		char *whole = text_repair(own.title.data, own.title.len), *line = text_one_line(whole);

		line[text_fit(line, strlen(line), TITLE_MAX)] = '\0';
		if (*line)
			sink->title(sink, line);
		free(line);
		free(whole);
	}
	buf_free(&own.title);
}
