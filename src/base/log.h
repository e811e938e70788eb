/* Log lines that carry their context. Text on a terminal, one JSON object a line elsewhere. Any thread. */
#ifndef USHER_LOG_H
#define USHER_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Where a line comes from: name is put after the parent's ("webhook/crm: turn 77: ..."), trace is the id that
 * follows a message from event to reply (the nearest one counts). Embedded in the object it speaks for; the
 * strings live as long as the object. */
struct log {
	const struct log *parent;
	const char *name;
	const char *trace;
};

/* Called once at start, before threads. json false: text with a time of day. Lines go to stderr. */
void log_setup(enum log_level least, bool json);
bool log_level_parse(const char *name, enum log_level *level_out); /* "debug", "info", "warn", "error" */

/* This value never appears in a line: it is replaced by "[secret]". Values under 6 bytes are not registered. NULL: none. */
void log_hide(const char *secret);

/* Takes back one log_hide of this value, which is good for nothing any more: what is renewed for ever would be
 * remembered for ever. Others who hid it still do. */
void log_unhide(const char *secret);

/* This text as it would stand in a line, for what strangers say that is shown elsewhere too. The caller frees. */
char *log_clean(const char *text);

/* log may be NULL. Message text, bodies and secrets are never logged above debug; control bytes are escaped. */
void log_debug(const struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_error(const struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
