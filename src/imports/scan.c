/* What lies in DIR/blobs, some names at a time: ORG/ab/HASH. */
#include "imports_room.h"
#include "mem.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum {
	FOLDERS = 256,
	HASH_LEN = 64,
	UNSEALED_MAX = 4, /* at once: nothing else is kept while these are sealed */
};

struct import_scan {
	struct vault_share *vault;
	DIR *orgs, *folder; /* either may be NULL */
	char org_id[CRYPTO_UUID_SIZE];
	unsigned next; /* folder of org_id; FOLDERS: the next organisation's */
};

struct import_scan *imports_scan_begin(struct imports *imports)
{
	struct import_scan *scan = mem_zero(1, sizeof(*scan));

	scan->vault = vault_hold(imports->vault);
	scan->orgs = opendir(imports->vault->dir);
	scan->next = FOLDERS;
	return scan;
}

void imports_scan_end(struct import_scan *scan)
{
	if (scan == NULL)
		return;
	if (scan->folder)
		closedir(scan->folder);
	if (scan->orgs)
		closedir(scan->orgs);
	vault_release(scan->vault);
	free(scan);
}

static bool next_org(struct import_scan *scan)
{
	const struct dirent *entry;

	while (scan->orgs && (entry = readdir(scan->orgs)) != NULL)
		if (strlen(entry->d_name) == sizeof(scan->org_id) - 1) {
			memcpy(scan->org_id, entry->d_name, sizeof(scan->org_id));
			scan->next = 0;
			return true;
		}
	return false;
}

static bool next_folder(struct import_scan *scan)
{
	char *path;

	if (scan->next == FOLDERS && !next_org(scan))
		return false;
	path = mem_format("%s/%s/%02x", scan->vault->dir, scan->org_id, scan->next++);
	scan->folder = opendir(path);
	free(path);
	return true;
}

/* A name is HASH or, sealed, HASH.s. */
static bool take(const struct import_scan *scan, const char *file, struct import_name *out)
{
	size_t len = strlen(file);

	if (len != HASH_LEN && (len != HASH_LEN + 2 || strcmp(file + HASH_LEN, ".s") != 0))
		return false;
	memcpy(out->org_id, scan->org_id, sizeof(out->org_id));
	memcpy(out->sha256, file, HASH_LEN);
	out->sha256[HASH_LEN] = '\0';
	out->unsealed = len == HASH_LEN && scan->vault->vault.key != NULL;
	return vault_names(out->org_id, out->sha256);
}

bool imports_scan_next(struct import_scan *scan, struct import_name *names, size_t max, size_t *count_out)
{
	const struct dirent *entry;
	unsigned opened = 0, unsealed = 0;

	*count_out = 0;
	while (*count_out < max && opened < FOLDERS && unsealed < UNSEALED_MAX) {
		entry = scan->folder ? readdir(scan->folder) : NULL;
		if (entry) {
			if (take(scan, entry->d_name, &names[*count_out]))
				unsealed += names[(*count_out)++].unsealed;
			continue;
		}
		if (scan->folder)
			closedir(scan->folder);
		scan->folder = NULL;
		opened++;
		if (!next_folder(scan))
			return false;
	}
	return true;
}
