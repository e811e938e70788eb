/* How much of what was sent has arrived. */
#ifndef USHER_ACKED_H
#define USHER_ACKED_H

#include <stdint.h>

/* Bytes the peer's system has taken so far; 0 on unix sockets, whose peers are on this machine. */
uint64_t socket_acked(int fd);

#endif
