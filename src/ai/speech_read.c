/* Reads what a transcription service answers. */
#include "json.h"
#include "mem.h"
#include "reply.h"
#include "speech.h"
#include "text.h"
#include <string.h>
#include <strings.h>

/* The limits that the service's own documents name for speech that was made up out of silence. */
static const double NO_SPEECH = 0.6, UNLIKELY = -1.0;

const char *speech_suffix(const char *mime)
{
	static const char *const known[][2] = {
		{ "audio/ogg", "ogg" },	  { "audio/opus", "ogg" },  { "application/ogg", "ogg" },
		{ "audio/mpeg", "mp3" },  { "audio/mp3", "mp3" },   { "audio/mp4", "m4a" },
		{ "audio/x-m4a", "m4a" }, { "audio/m4a", "m4a" },   { "audio/aac", "m4a" },
		{ "audio/wav", "wav" },	  { "audio/x-wav", "wav" }, { "audio/vnd.wave", "wav" },
		{ "audio/webm", "webm" }, { "audio/flac", "flac" }, { "audio/x-flac", "flac" },
	};
	size_t len = mime ? strcspn(mime, "; ") : 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i][0]) == len && strncasecmp(mime, known[i][0], len) == 0)
			return known[i][1];
	return NULL;
}

static void add(struct buf *text, const char *piece)
{
	size_t len = strlen(piece), room = SPEECH_TEXT_MAX - text->len;

	buf_add(text, piece, len <= room ? len : text_fit(piece, len, room));
}

/* Silence is turned into thanks for watching: the service says itself when it doubts that somebody spoke. */
static bool silent(const json_t *segment)
{
	const json_t *none = json_object_get(segment, "no_speech_prob");
	const json_t *likely = json_object_get(segment, "avg_logprob");

	return json_is_number(none) && json_number_value(none) > NO_SPEECH && json_is_number(likely) &&
	       json_number_value(likely) < UNLIKELY;
}

static void read_segments(const json_t *segments, struct buf *text)
{
	const json_t *segment;
	size_t i;

	json_array_foreach (segments, i, segment) {
		const char *piece = json_text(segment, "text");

		if (piece && !silent(segment))
			add(text, piece);
	}
}

static double seconds_of(const json_t *root)
{
	const json_t *usage = json_object_get(root, "usage"), *seconds = json_object_get(usage, "seconds");

	if (!json_is_number(seconds))
		seconds = json_object_get(root, "duration");
	return json_is_number(seconds) && json_number_value(seconds) >= 0 && json_number_value(seconds) < 1e6
		       ? json_number_value(seconds)
		       : -1;
}

bool speech_read(const char *body, size_t len, struct buf *text, char **language_out, double *seconds_out,
		 struct err *err)
{
	json_t *root = reply_json(body, len, NULL);
	const json_t *segments = json_object_get(root, "segments");
	const char *whole = json_text(root, "text"), *language = json_text(root, "language");

	*language_out = NULL;
	*seconds_out = -1;
	if (whole == NULL) {
		json_decref(root);
		return err_set(err, ERR_AGAIN,
			       "the transcription service answered with something else than a text");
	}
	if (json_array_size(segments) > 0)
		read_segments(segments, text);
	else
		add(text, whole);
	*language_out = mem_text(language);
	*seconds_out = seconds_of(root);
	json_decref(root);
	return true;
}
