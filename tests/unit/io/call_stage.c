/* What the tests of outgoing calls share. */
#include "call_stage.h"
#include <string.h>

struct client client;
struct result result;
struct peer *peer;

int client_setup(void **state)
{
	(void)state;
	memset(&result, 0, sizeof(result));
	client_open(&client, NULL);
	return 0;
}

int client_teardown(void **state)
{
	(void)state;
	client_close(&client);
	if (peer != NULL)
		peer_stop(peer);
	peer = NULL;
	return 0;
}
