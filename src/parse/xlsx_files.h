/* Files for libxlsxwriter, which nothing can open for it inside the sandbox: memory instead. */
#ifndef USHER_PARSE_XLSX_FILES_H
#define USHER_PARSE_XLSX_FILES_H

#include <stddef.h>

/* A file in memory whose name for libxlsxwriter is its descriptor as a decimal; -1: not possible. The caller closes. */
int xlsx_file(char *name, size_t room);

#endif
