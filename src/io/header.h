/* Parameters of header lines, and names of files in them (RFC 6266, RFC 8187). Pure; any thread. */
#ifndef USHER_HEADER_H
#define USHER_HEADER_H

/* A parameter of a header like `attachment; filename="a.csv"`: of "filename" also filename* (RFC 8187, UTF-8). The caller
 * frees; NULL: there is none. */
char *header_param(const char *header, const char *name);

/* The last part of a path of any system, as the name of a file; NULL: nothing is left. The caller frees. */
char *header_file_name(const char *name);

#endif
