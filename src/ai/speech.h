/* A service that puts voice notes into words (OpenAI's /audio/transcriptions and every server that speaks it): its settings,
 * and its pure part for tests. */
#ifndef USHER_SPEECH_H
#define USHER_SPEECH_H

#include "ai.h"
#include "buf.h"
#include "settings.h"

struct http;
struct log;
struct loop;
struct speech;

/* The group `speech`. Nothing is heard unless it names a model. */
extern const struct setting speech_settings[];

enum {
	SPEECH_TEXT_MAX = 64 * 1024, /* bytes of what was heard; what is longer is cut */
	SPEECH_TRIES = 3,
	SPEECH_BYTES_S = 750, /* of a second of sound at least: what codecs need for speech, 6 kbit/s */
	SPEECH_LEAST_S = 10,  /* what some services bill for the shortest */
};

struct speech_host {
	struct loop *loop;
	struct http *http;
	const struct log *log;
};

/* NULL without err when the settings name no model; NULL with err when they make no sense. settings NULL: none. */
struct speech *speech_create(const struct speech_host *host, const struct settings *settings,
			     struct err *err);
void speech_destroy(struct speech *speech); /* cancels; no callback comes. Takes NULL */

bool speech_takes(const struct speech *speech, const char *mime);
void speech_hear(struct speech *speech, const char *path, const char *mime,
		 const struct ai_hear_events *events, void *owner, uint64_t ticket);
void speech_reserved(struct speech *speech, uint64_t ticket, const struct err *err);
void speech_cancel(struct speech *speech, uint64_t ticket,
		   void (*left)(void *owner, const struct ai_attempt *attempts, size_t count), void *owner);

/* The end of a file's name by its type: services go by it. NULL: no kind of sound that they know. */
const char *speech_suffix(const char *mime);

/* What an answer says, whatever its form (json, verbose_json). Of segments that are silence by the service's own measure
 * nothing is taken. seconds_out: -1 unknown. False and err: it says nothing that can be read. */
bool speech_read(const char *body, size_t len, struct buf *text, char **language_out, double *seconds_out,
		 struct err *err);

#endif
