/* The tables that poppler needs for Chinese, Japanese and Korean fonts that a PDF does not bring along. It opens them by name
 * when it meets such a font, which is long after this process has locked itself in. So all of them are mapped before (they
 * cost address space only), and this program's own fopen, which takes the place of the C library's for every library in it,
 * finds them there. Everything else that is asked of it is opened as ever: behind the lock, refused as ever. */
#include "mem.h"
#include "parse_room.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/usr/share/poppler"

enum { TABLES_MAX = 1000, FOLDERS_AT_ONCE = 8 };

struct table {
	char *path;
	void *data;
	size_t len;
};

/* Filled once, before the lock; libraries hand no pointer of ours to fopen. */
static struct table tables[TABLES_MAX];
static size_t table_count;

static int table_keep(const char *path, const struct stat *file, int kind, struct FTW *at)
{
	int fd;
	void *data;

	(void)at;
	if (kind != FTW_F || file->st_size <= 0 || table_count == TABLES_MAX)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	data = mmap(NULL, (size_t)file->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data != MAP_FAILED)
		tables[table_count++] = (struct table){ mem_text(path), data, (size_t)file->st_size };
	return 0;
}

void poppler_data_stage(void)
{
	if (table_count == 0)
		(void)nftw(FOLDER, table_keep, FOLDERS_AT_ONCE, FTW_PHYS);
}

static FILE *table_open(const char *path)
{
	for (size_t i = 0; i < table_count; i++)
		if (strcmp(tables[i].path, path) == 0)
			return fmemopen(tables[i].data, tables[i].len, "r");
	return NULL;
}

static FILE *file_open(const char *path, const char *mode)
{
	int flags = strchr(mode, 'e') ? O_CLOEXEC : 0, fd;
	bool both = strchr(mode, '+') != NULL;
	FILE *file;

	if (*mode == 'r')
		flags |= both ? O_RDWR : O_RDONLY;
	else
		flags |= (both ? O_RDWR : O_WRONLY) | O_CREAT | (*mode == 'a' ? O_APPEND : O_TRUNC);
	fd = open(path, flags, 0666);
	if (fd < 0)
		return NULL;
	file = fdopen(fd, mode);
	if (file == NULL)
		close(fd);
	return file;
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
	FILE *file = *mode == 'r' && strncmp(path, FOLDER "/", sizeof(FOLDER)) == 0 ? table_open(path) : NULL;

	return file ? file : file_open(path, mode);
}
