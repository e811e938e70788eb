/* For programs of tests of outgoing calls: each test has a client, the latest result and, once it started one, a
 * peer. */
#ifndef CALL_STAGE_H
#define CALL_STAGE_H

#include "client.h"
#include "peer.h"

extern struct client client;
extern struct result result;
extern struct peer *peer;

int client_setup(void **state);
int client_teardown(void **state); /* stops the peer too */

#endif
