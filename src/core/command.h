/* What can be told of a command before there is a turn for it. */
#ifndef USHER_CORE_COMMAND_H
#define USHER_CORE_COMMAND_H

#include "code.h"

/* Does it ask to be joined ("link CODE")? Then the code. */
bool command_code(const char *text, char out[CODE_SIZE]);

#endif
