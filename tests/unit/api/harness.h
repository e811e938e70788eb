/* The chat endpoint on the real web server, with a store and a core made of tables. The server runs in a
 * thread of its own; the test is the client and steers the core by calls that are carried to the loop. */
#ifndef TEST_API_HARNESS_H
#define TEST_API_HARNESS_H

#include "apikey.h"
#include "platform.h"
#include "store_people.h"
#include "tool.h"
#include <stdbool.h>
#include <stddef.h>

/* Users: ann is number 42 and owns conversations 789 and 790 (archived), bob is 43 and owns 900; cay's key is
 * revoked; dan's profile is off. */
struct test_user {
	const char *name;
	int64_t id;
	const char *profile;
	bool revoked, disabled;
	char key[APIKEY_SIZE], key_id[APIKEY_ID_SIZE], hash[CRYPTO_SHA256_HEX];
};
enum { ANN, BOB, CAY, DAN, ANN_SECOND, USERS };
extern struct test_user users[USERS];

#define UUID_789 "01900000-0000-7000-8000-000000000789"
#define UUID_900 "01900000-0000-7000-8000-000000000900"

/* For one test: cmocka's setup and teardown; settings may be put before. */
int harness_setup(void **state);
int harness_teardown(void **state);
int harness_setup_with(const char *setting, const char *value);
int harness_setup_uploads(void **state); /* files may be sent */

/* What /mcp offers; pages of https://usher.example.org may ask for it. */
void harness_tools(struct toolbox tools);

/* Runs fn(data) on the loop and waits for it. */
void harness_on_loop(void (*fn)(void *data), void *data);
struct loop *harness_loop(void);
int harness_port(void);
const char *harness_path(void); /* of the control socket */

/* Ends the test program when something the tests stand on does not work. */
void must(bool fine, const struct err *err);

/* ---- the client ---- */

struct reply {
	int status;
	char *head; /* lower-cased names as they came */
	char *body; /* without chunk framing */
};

/* One request on a connection of its own. headers: lines ended by \r\n, or "". body NULL: none. */
struct reply http(const char *method, const char *path, const char *headers, const char *body);
/* With the key of a user and JSON as content type. */
struct reply http_as(int user, const char *method, const char *path, const char *headers, const char *body);
void reply_free(struct reply *reply);

/* On the control socket, without a key. */
struct reply http_control(const char *method, const char *path, const char *body);

/* A request whose answer comes later. */
int http_open(int user, const char *method, const char *path, const char *headers, const char *body);
/* Reads until the text has come (10 s at most); returns everything read so far, to be freed. */
char *http_until(int fd, const char *text);
struct reply http_finish(int fd, char *begun);

/* ---- the core: messages are named by uuid or by delivery key ---- */

/* How messages are taken: by their text. "hold ..." stays accepted, "busy", "failed", "invalid", "silent" (no
 * ack) give those outcomes, "fail CODE" ends as failed with that reason, anything else is answered at once.
 */

struct seen {
	char delivery_key[300], fingerprint[80], profile[40], sender[40], sender_name[80], text[200];
	int64_t conversation_id;
	unsigned flags;
	size_t incoming, looks, streams;
};
struct seen core_seen(void);

void core_part(const char *uuid, unsigned attempt, size_t offset, const char *text, size_t len);
void core_end(const char *uuid, enum message_state state, const char *reason, const char *text,
	      const char *tools);
/* The text so far that host->look tells, without a part. */
void core_text(const char *uuid, unsigned attempt, const char *text);
void core_stop_platform(void);
size_t core_wait_incoming(size_t count);		    /* until so many messages came in */
void core_answer_with(const char *text, const char *tools); /* of messages that are answered at once */
void core_calls(size_t expected); /* waits until so many requests are known to the room (2 s at most) */

/* ---- the store ---- */

/* The last report or act: "name(arg,arg,NULL)". */
const char *store_last(void);
/* What the next reports and acts answer; NULL: the default for the name. */
void store_next(const char *json);
void store_forget(void);
void store_unrecorded(void);	       /* from now on rows of called tools can't be written */
void store_fails(enum err_kind kind);  /* every question from now on; ERR_NONE: none */
void store_fails_at(const char *name); /* this report, a literal, from now on; NULL: none */

#endif
