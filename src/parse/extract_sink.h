/* The sink of an extract: chunks on a descriptor and an outline. */
#ifndef USHER_PARSE_EXTRACT_SINK_H
#define USHER_PARSE_EXTRACT_SINK_H

#include "parse_room.h"

struct extract;
/* fd: where chunks go; -1: nowhere. */
struct extract *extract_open(struct parse *parse, int fd);
struct sink *extract_sink(struct extract *extract);
/* Writes what is left and makes the OUTLINE; the caller's reference. */
json_t *extract_done(struct extract *extract, const char *kind, const char *mime);
void extract_close(struct extract *extract);

/* Makes its libraries read what they need; before the sandbox. */
void extract_stage(void);

#endif
