/* Request signatures of the platform, version 0 (sheet 5). Pure; any thread. */
#ifndef USHER_SLACK_VERIFY_H
#define USHER_SLACK_VERIFY_H

#include <stddef.h>
#include <stdint.h>

enum slack_verify_limits {
	SLACK_VERIFY_SECONDS = 300,	 /* how far a timestamp may be from our clock, both ways */
	SLACK_VERIFY_SIGNATURE_LEN = 67, /* "v0=" and 64 hexadecimal digits */
};

enum slack_verified {
	SLACK_GENUINE,
	SLACK_UNSIGNED,	   /* one of the two headers is missing */
	SLACK_MALFORMED,   /* headers that the platform never writes */
	SLACK_OUT_OF_TIME, /* signed with our secret, but at another time: replayed, or a clock is wrong */
	SLACK_FORGED,	   /* not signed with our secret */
};

/* A word for metrics and the log. */
const char *slack_verified_name(enum slack_verified result);

/* secret: as text, not empty. timestamp, signature: the headers as received, NULL for a missing one. body: the bytes
 * as received. now_s: Unix seconds. Compares in constant time. */
enum slack_verified slack_verify(const char *secret, const char *timestamp, const char *signature,
				 const void *body, size_t len, int64_t now_s);

/* The signature of a body, as the platform writes it. */
void slack_sign(const char *secret, const char *timestamp, const void *body, size_t len,
		char out[SLACK_VERIFY_SIGNATURE_LEN + 1]);

#endif
