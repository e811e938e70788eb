/* Which addresses a user-supplied URL may reach (webhooks.md 7.1, security.md R43). Pure. */
#ifndef USHER_GUARD_H
#define USHER_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

/* True for public unicast addresses. With loopback, 127.0.0.0/8 and ::1 are allowed too. IPv4 inside IPv6
 * (mapped, NAT64) is unwrapped and judged as IPv4. Anything else than IPv4 and IPv6: false. */
bool guard_allows(const struct sockaddr *address, bool loopback);

#endif
