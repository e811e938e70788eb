/* What the two transports have in common: the end of each payload's way in. Loop thread only. */
#ifndef USHER_SLACK_TRANSPORT_H
#define USHER_SLACK_TRANSPORT_H

#include "slack_room.h"

/* What slack_ack_ok, slack_ack_later and slack_ack_bad say to the other side. */
enum slack_ack { SLACK_ACK_OK, SLACK_ACK_LATER, SLACK_ACK_BAD };

/* receive.c. text: the payload of an OK, the reason of a BAD; or NULL. An id that waits no more is ignored. */
void slack_receive_ack(struct slack *app, const struct slack_from *from, enum slack_ack how, const char *text,
		       unsigned retry_ms);

/* socket.c. */
void slack_sockets_ack(struct slack_sockets *sockets, const struct slack_from *from, enum slack_ack how,
		       const char *payload);

/* Counts a delivery that the platform says is a repeated one. reason is theirs, or NULL. */
void slack_count_retry(const struct slack *app, const char *transport, const char *reason);

#endif
