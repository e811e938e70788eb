/* The order "convert": one table of a file becomes another file, by a SPEC. */
#ifndef USHER_PARSE_CONVERT_H
#define USHER_PARSE_CONVERT_H

#include "parse_room.h"
#include "spec.h"

/* Reads the file twice with its reader: to learn, then to write to fd (-1: nowhere). *report_out: the REPORT, the caller's
 * reference. False and err "CODE: message". */
bool convert_file(struct parse *parse, const struct reader *reader, const char *mime,
		  const struct input *input, const struct spec *spec, int fd, json_t **report_out,
		  struct err *err);

/* Makes its libraries read what they need; before the sandbox. */
void convert_stage(void);

#endif
