/* libxlsxwriter makes temporary files and gives minizip the name of the file it writes. Both calls go through the dynamic
 * linker, and the program's own functions of these names come first: temporary files are memfds, and the name of
 * the output is the number of a descriptor. */
#include "xlsx_files.h"
#include <errno.h>
#include <minizip/zip.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xlsxwriter.h>
#include <xlsxwriter/utility.h>

int xlsx_file(char *name, size_t room)
{
	int fd = memfd_create("xlsx", MFD_CLOEXEC);

	if (fd >= 0)
		snprintf(name, room, "%d", fd);
	return fd;
}

FILE *lxw_tmpfile(char *tmpdir)
{
	int fd = memfd_create("part", MFD_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w+b");

	(void)tmpdir;
	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

/* ---- minizip over a descriptor: a stream is the descriptor plus one, as NULL is a failure ------------------------ */

static int fd_of(voidpf stream)
{
	return (int)(intptr_t)stream - 1;
}

static voidpf file_open(voidpf opaque, const void *name, int mode)
{
	(void)opaque;
	(void)mode;
	return (voidpf)(intptr_t)(strtol(name, NULL, 10) + 1);
}

static uLong file_read(voidpf opaque, voidpf stream, void *data, uLong size)
{
	ssize_t n = read(fd_of(stream), data, size);

	(void)opaque;
	return n < 0 ? 0 : (uLong)n;
}

static uLong file_write(voidpf opaque, voidpf stream, const void *data, uLong size)
{
	uLong at = 0;

	(void)opaque;
	while (at < size) {
		ssize_t n = write(fd_of(stream), (const char *)data + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (uLong)n;
	}
	return at;
}

static ZPOS64_T file_tell(voidpf opaque, voidpf stream)
{
	(void)opaque;
	return (ZPOS64_T)lseek(fd_of(stream), 0, SEEK_CUR);
}

static long file_seek(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin)
{
	int whence = origin == ZLIB_FILEFUNC_SEEK_CUR	? SEEK_CUR
		     : origin == ZLIB_FILEFUNC_SEEK_END ? SEEK_END
							: SEEK_SET;

	(void)opaque;
	return lseek(fd_of(stream), (off_t)offset, whence) < 0 ? -1 : 0;
}

/* The descriptor is its owner's. */
static int file_close(voidpf opaque, voidpf stream)
{
	(void)opaque;
	(void)stream;
	return 0;
}

zipFile ZEXPORT zipOpen(const char *pathname, int append)
{
	zlib_filefunc64_def files = { file_open, file_read,  file_write, file_tell,
				      file_seek, file_close, file_close, NULL };

	return zipOpen2_64(pathname, append, NULL, &files);
}
