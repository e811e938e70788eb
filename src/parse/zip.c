/* Archives: every file inside with the reader of its type, in the order of the archive. Nothing is written anywhere, so names
 * are only shown; links are not followed. */
#include "buf.h"
#include "mem.h"
#include "parse_room.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* More than this comes out of no file that people make; small files may. */
enum { BLOCK = 64 << 10, RATIO_MAX = 400, RATIO_FREE = 32 << 20, SHOWN_NAME_MAX = 250 };

static const char *const NEEDS_PASSWORD = "It needs a password.";

/* "../../a\\b.csv" as "a/b.csv", on one line, bounded. The caller frees. */
static char *name_safe(const char *name)
{
	char *whole = text_repair(name, strlen(name)), *line = text_one_line(whole), *at = line;
	struct buf safe = { 0 };

	while (*at) {
		size_t len = strcspn(at, "/\\");
		bool dots = (len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.') ||
			    (len == 2 && at[1] == ':');

		if (len > 0 && !dots) {
			if (safe.len > 0)
				buf_text(&safe, "/");
			buf_add(&safe, at, len);
		}
		at += len + (at[len] != '\0');
	}
	buf_cut(&safe, text_fit(buf_str(&safe), safe.len, SHOWN_NAME_MAX));
	if (safe.len == 0)
		buf_text(&safe, "unnamed");
	free(line);
	free(whole);
	return buf_take(&safe);
}

static bool inflates(int64_t unpacked, int64_t packed)
{
	return unpacked > RATIO_FREE && unpacked / RATIO_MAX > packed;
}

static bool bomb(const char *name, struct err *err)
{
	return parse_fail(err, "too_large", "%.100s unpacks to more than %d times its size.", name,
			  RATIO_MAX);
}

/* Why an entry can't be read at all; NULL: it can. */
static const char *entry_refused(zip_t *zip, zip_uint64_t index, const zip_stat_t *stat)
{
	zip_uint8_t system = 0;
	zip_uint32_t attributes = 0;

	if (stat->encryption_method != ZIP_EM_NONE)
		return NEEDS_PASSWORD;
	zip_file_get_external_attributes(zip, index, 0, &system, &attributes);
	if (system == ZIP_OPSYS_UNIX && S_ISLNK(attributes >> 16))
		return "It is a link.";
	if (system == ZIP_OPSYS_UNIX && (attributes >> 16 & S_IFMT) != 0 && !S_ISREG(attributes >> 16))
		return "It is no ordinary file.";
	return zip_compression_method_supported((zip_int32_t)stat->comp_method, 0)
		       ? NULL
		       : "It is compressed in a way that can't be read.";
}

/* False: err, of the whole archive. *broken: only this entry is. */
static bool entry_unpack(struct inner *inner, zip_file_t *file, const zip_stat_t *stat, const char *name,
			 bool *broken, struct err *err)
{
	char block[BLOCK];
	int64_t unpacked = 0;
	zip_int64_t n;

	while ((n = zip_fread(file, block, sizeof(block))) > 0) {
		unpacked += n;
		if (inflates(unpacked, (int64_t)stat->comp_size))
			return bomb(name, err);
		if (!parse_inner_add(inner, block, (size_t)n, err))
			return false;
	}
	*broken = n < 0;
	return true;
}

static bool entry_read(struct parse *parse, const struct input *input, zip_t *zip, zip_uint64_t index,
		       const zip_stat_t *stat, const char *name, struct sink *sink, struct err *err)
{
	zip_file_t *file = zip_fopen_index(zip, index, 0);
	struct inner *inner;
	bool good, broken = false;

	if (file == NULL) {
		sink->file(sink, name, "unknown", "It is damaged.");
		return true;
	}
	inner = parse_inner(parse, input, name, (int64_t)stat->size, err);
	if (inner == NULL) {
		zip_fclose(file);
		return false;
	}
	good = entry_unpack(inner, file, stat, name, &broken, err);
	zip_fclose(file);
	if (good && !broken)
		return parse_inner_end(inner, sink, err);
	parse_inner_drop(inner);
	if (good)
		sink->file(sink, name, "unknown", "It is damaged.");
	return good;
}

struct counts {
	int64_t packed, files, locked;
};

static bool entry_take(struct parse *parse, const struct input *input, zip_t *zip, zip_uint64_t index,
		       struct counts *counts, struct sink *sink, struct err *err)
{
	const char *raw = zip_get_name(zip, index, ZIP_FL_ENC_GUESS), *refused;
	zip_stat_t stat;
	char *name;
	bool good = true;

	if (raw == NULL || zip_stat_index(zip, index, 0, &stat) != 0)
		return parse_fail(err, "damaged", "The list of files in the archive is damaged.");
	if (*raw && raw[strlen(raw) - 1] == '/')
		return true; /* a folder */
	if (stat.size > INT64_MAX || stat.comp_size > (zip_uint64_t)input->size)
		return parse_fail(err, "damaged", "The list of files in the archive is damaged.");
	/* Files that share their bytes are how small archives become endless. */
	counts->packed += (int64_t)stat.comp_size;
	if (counts->packed > input->size)
		return parse_fail(err, "damaged", "Files in the archive overlap.");
	name = name_safe(raw);
	refused = entry_refused(zip, index, &stat);
	counts->files++;
	counts->locked += refused == NEEDS_PASSWORD;
	if (refused)
		sink->file(sink, name, "unknown", refused);
	else if (inflates((int64_t)stat.size, (int64_t)stat.comp_size))
		good = bomb(name, err);
	else
		good = entry_read(parse, input, zip, index, &stat, name, sink, err);
	free(name);
	return good;
}

static bool entries_read(struct parse *parse, const struct input *input, zip_t *zip, struct sink *sink,
			 struct err *err)
{
	zip_int64_t count = zip_get_num_entries(zip, 0);
	struct counts counts = { 0 };

	if (count > parse->limits.entries)
		return parse_fail(err, "too_large", "There are more than %lld files inside.",
				  (long long)parse->limits.entries);
	for (zip_int64_t i = 0; i < count; i++) {
		if (!entry_take(parse, input, zip, (zip_uint64_t)i, &counts, sink, err))
			return false;
		parse_progress(parse, input->depth == 0 ? counts.packed : -1, -1, -1);
	}
	if (counts.files == 0)
		return parse_fail(err, "empty", "There are no files in the archive.");
	if (counts.locked == counts.files)
		return parse_fail(err, "encrypted", "The archive needs a password.");
	return true;
}

static bool zip_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	zip_t *zip = zip_input_open(input, err);
	bool good = zip != NULL && entries_read(parse, input, zip, sink, err);

	if (zip)
		zip_discard(zip);
	return good;
}

const struct reader zip_reader = { .kind = "zip", .mime = "application/zip", .read = zip_read };
