/* Whether files can be read here. Blocks; for the command line. */
#ifndef USHER_PARSER_TRY_H
#define USHER_PARSER_TRY_H

#include "err.h"
#include <stdbool.h>

/* Runs the parser once on a file of a few bytes, as the daemon does: it must lock itself in and read it. False: err says what
 * is wrong and what helps. At most 20 seconds. */
bool parser_try(const char *program, struct err *err);

#endif
