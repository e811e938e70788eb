/* Locking this process in before it looks at the first byte of a stranger's file: security.md 4.4, R36. Afterwards it can
 * read and write the descriptors it has, take memory within its limit, make memfds, tell the time and end; nothing else. What
 * libraries try out of habit (opening files, asking about terminals) fails with an error; everything else ends the
 * process. */
#ifndef USHER_PARSE_SANDBOX_H
#define USHER_PARSE_SANDBOX_H

#include "err.h"
#include <stdbool.h>
#include <stdint.h>

struct sandbox_limits {
	int64_t memory;	   /* bytes of address space beyond what is in use now */
	int64_t cpu_s;	   /* then SIGXCPU, two seconds later SIGKILL */
	int64_t file_size; /* bytes of any one file that is written, memfds too */
};

/* Closes every descriptor from keep on and locks the process in, for good. False and err: this system can't do all of it; the
 * process must end. Called once, from the only thread. */
bool sandbox_enter(const struct sandbox_limits *limits, unsigned keep, struct err *err);

#endif
