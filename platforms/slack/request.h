/* What a request of the platform holds (sheet 4, 9, 10): read from its bytes. Pure; any thread. */
#ifndef USHER_SLACK_REQUEST_H
#define USHER_SLACK_REQUEST_H

#include "err.h"
#include "json.h"

enum { SLACK_FORM_FIELDS_MAX = 200, SLACK_CHALLENGE_MAX = 4096 };

enum slack_request_kind {
	SLACK_REQUEST_EVENT,	   /* a payload for slack_take, as the three below */
	SLACK_REQUEST_COMMAND,	   /* the form's fields as texts of one object */
	SLACK_REQUEST_INTERACTIVE, /* the object in the form's field "payload" */
	SLACK_REQUEST_CHALLENGE,   /* url_verification: payload.challenge is to be sent back */
	SLACK_REQUEST_PROBE,	   /* ssl_check: wants a 200 and nothing else */
	SLACK_REQUEST_TYPE,	   /* not read: neither JSON nor a form */
	SLACK_REQUEST_MALFORMED,   /* not read: err says why */
};

/* type: Content-Type, or NULL. payload_out is the caller's, NULL with the last three. */
enum slack_request_kind slack_request_read(const char *type, const char *body, size_t len,
					   json_t **payload_out, struct err *err);

/* application/x-www-form-urlencoded to an object of texts. Refused: a broken escape, what is not UTF-8 or holds a NUL,
 * a name given twice, more than SLACK_FORM_FIELDS_MAX fields. The caller releases; NULL and err when refused. */
json_t *slack_form_read(const char *body, size_t len, struct err *err);

#endif
