/* Voice notes to words: one upload, tried again when the service is not well, each try on record. */
#include "speech.h"
#include "backoff.h"
#include "crypto.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "reply.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

enum {
	CONNECT_MS = 10 * 1000,
	ANSWER_MAX = 4 * 1024 * 1024, /* bytes: segments with times around every word */
	AGAIN_MS = 1000,
	AGAIN_MAX_MS = 10 * 1000,
	FIELDS = 4,
};

const struct setting speech_settings[] = {
	{ "model", SETTING_TEXT,
	  .help = "model that hears voice notes, such as whisper-1; none: they are files" },
	{ "base_url", SETTING_TEXT, .fallback = "https://api.openai.com/v1",
	  .help = "where /audio/transcriptions is" },
	{ "api_key", SETTING_SECRET, .help = "sent as a bearer token; none for servers that need none" },
	{ "language", SETTING_TEXT, .help = "ISO 639-1 code of what is spoken; none: the service finds out" },
	{ "max_mb", SETTING_INT, .fallback = "20", .min = 1, .max = 100,
	  .help = "longer recordings are files" },
	{ "total_s", SETTING_INT, .fallback = "60", .min = 5, .max = 600,
	  .help = "seconds for one recording" },
	{ "usd_per_hour", SETTING_NUMBER, .min = 0, .max = 1000,
	  .help = "what an hour of sound costs; not given: the cost is unknown" },
	{ "ca_file", SETTING_TEXT, .help = "PEM file of a private authority" },
	{ 0 },
};

struct hearing {
	struct speech *speech;
	uint64_t ticket, http, due_ms; /* due_ms: of the next try; 0: one runs */
	char *path, *mime;
	unsigned tries;
	uint64_t began_ms;
	struct ai_attempt attempts[SPEECH_TRIES];
	char *words[SPEECH_TRIES]; /* of the attempts: output or error */
	char *ids[SPEECH_TRIES];
	char reservations[SPEECH_TRIES][CRYPTO_UUID_SIZE]; /* "": none */
	bool reserving;					   /* money for the next try is being set aside */
	off_t bytes;
	struct err refused; /* known without asking */
	struct ai_hear_events events;
	void *owner;
	UT_hash_handle hh;
};

struct speech {
	struct speech_host host;
	char *model, *url, *authorization, *language, *ca_file;
	unsigned total_ms;
	off_t max;
	double usd_per_hour; /* < 0: unknown */
	struct hearing *all;
	struct loop_timer *timer;
};

static void again(void *data);

/* ---- the end ---------------------------------------------------------------------------------------------- */

static void forget(struct hearing *hearing)
{
	HASH_DEL(hearing->speech->all, hearing);
	http_cancel(hearing->speech->host.http, hearing->http);
	for (unsigned i = 0; i < SPEECH_TRIES; i++) {
		free(hearing->words[i]);
		free(hearing->ids[i]);
	}
	free(hearing->path);
	free(hearing->mime);
	free(hearing);
}

static void tell(struct hearing *hearing, const struct err *err, const char *text, const char *language)
{
	struct ai_heard heard = { .err = *err,
				  .text = text,
				  .language = language,
				  .attempts = hearing->attempts,
				  .attempt_count = hearing->tries };

	if (err->kind != ERR_NONE)
		log_info(hearing->speech->host.log, "a voice note was not heard: %s", err->text);
	hearing->events.heard(hearing->owner, hearing->ticket, &heard);
}

/* ---- one try ------------------------------------------------------------------------------------------------ */

static struct ai_attempt *record(struct hearing *hearing, const struct http_answer *answer, const char *error)
{
	unsigned at = hearing->tries - 1;
	bool done = answer->how == HTTP_ANSWERED && answer->status >= 200 && answer->status < 300;
	struct ai_attempt *attempt = &hearing->attempts[at];

	hearing->words[at] = mem_text(error);
	hearing->ids[at] = mem_text(answer->request_id);
	*attempt = (struct ai_attempt){
		.provider = "speech",
		.model = hearing->speech->model,
		.type = "transcription",
		.input_tokens = -1,
		.output_tokens = -1,
		.cached_tokens = -1,
		.cost_micros = done ? AI_COST_UNKNOWN : 0,	 /* also if nobody can read what was heard */
		.estimated = error && answer->how == HTTP_MAYBE, /* who knows what it cost */
		.reservation = *hearing->reservations[at] ? hearing->reservations[at] : NULL,
		.latency_ms = (int64_t)(loop_now_ms(hearing->speech->host.loop) - hearing->began_ms),
		.first_token_ms = -1,
		.request_id = hearing->ids[at],
		.error = hearing->words[at],
	};
	return attempt;
}

static void heard(struct hearing *hearing, const struct http_answer *answer)
{
	struct buf text = { 0 };
	char *language = NULL;
	double seconds = -1;
	struct err err = { 0 };
	struct ai_attempt *attempt;

	if (speech_read(answer->body ? answer->body : "", answer->len, &text, &language, &seconds, &err) &&
	    text_blank(buf_str(&text)))
		err_set(&err, ERR_REFUSED, "nothing was said in it");
	attempt = record(hearing, answer, err.kind == ERR_AGAIN ? err.text : NULL);
	if (seconds >= 0 && hearing->speech->usd_per_hour >= 0)
		attempt->cost_micros = llround(seconds * hearing->speech->usd_per_hour * 1e6 / 3600);
	if (attempt->error == NULL) {
		free(hearing->words[hearing->tries - 1]);
		hearing->words[hearing->tries - 1] = mem_text(buf_str(&text));
		attempt->output = hearing->words[hearing->tries - 1];
	}
	tell(hearing, &err, buf_str(&text), language);
	free(language);
	buf_free(&text);
}

static void name_refusal(struct err *err, const struct http_answer *answer, enum llm_fault fault)
{
	struct reply_error error = { 0 };

	reply_error_read(&error, answer->body ? answer->body : "", answer->len);
	err_set(err, fault == LLM_FAULT_TRANSIENT || fault == LLM_FAULT_LIMITED ? ERR_AGAIN : ERR_REFUSED,
		"the transcription service answered %d%s%s", answer->status, error.message ? ": " : "",
		error.message ? error.message : "");
	reply_error_finish(&error);
}

static enum llm_fault fault_of(const struct http_answer *answer)
{
	struct reply_error error = { 0 };
	enum llm_fault fault;

	if (answer->how != HTTP_ANSWERED)
		return answer->err.kind == ERR_REFUSED ? LLM_FAULT_REFUSED : LLM_FAULT_TRANSIENT;
	if (answer->status >= 200 && answer->status < 300)
		return LLM_FAULT_NONE;
	reply_error_read(&error, answer->body ? answer->body : "", answer->len);
	fault = reply_fault(&error, answer->status, answer->should_retry, answer->body);
	reply_error_finish(&error);
	return fault;
}

static void try_later(struct hearing *hearing, const struct http_answer *answer)
{
	uint64_t wait = backoff_ms(hearing->tries, AGAIN_MS, AGAIN_MAX_MS);

	if (answer->retry_after_ms > (int64_t)wait)
		wait = answer->retry_after_ms < AGAIN_MAX_MS ? (uint64_t)answer->retry_after_ms
							     : AGAIN_MAX_MS;
	hearing->due_ms = loop_now_ms(hearing->speech->host.loop) + wait;
	loop_timer_start(hearing->speech->timer, 0, 0);
}

static void on_done(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct speech *speech = owner;
	struct hearing *hearing;
	enum llm_fault fault = fault_of(answer);
	struct err err = answer->err;

	HASH_FIND(hh, speech->all, &ticket, sizeof(ticket), hearing);
	if (hearing == NULL)
		return;
	hearing->http = 0;
	if (fault == LLM_FAULT_NONE) {
		heard(hearing, answer);
		forget(hearing);
		return;
	}
	if (answer->how == HTTP_ANSWERED)
		name_refusal(&err, answer, fault);
	else if (err.kind == ERR_NONE)
		err_set(&err, ERR_AGAIN, "the transcription service could not be reached");
	record(hearing, answer, err.text);
	if ((fault == LLM_FAULT_TRANSIENT || fault == LLM_FAULT_LIMITED) && hearing->tries < SPEECH_TRIES) {
		try_later(hearing, answer);
		return;
	}
	tell(hearing, &err, NULL, NULL);
	forget(hearing);
}

static void send(struct hearing *hearing)
{
	struct speech *speech = hearing->speech;
	char name[32];
	bool whisper = strncmp(speech->model, "whisper", 7) == 0; /* newer models know "json" only */
	const char *form = whisper ? "verbose_json" : "json";
	struct http_part parts[FIELDS] = {
		{ .name = "model", .data = speech->model, .len = strlen(speech->model) },
		{ .name = "response_format", .data = form, .len = strlen(form) },
		{ .name = "file", .file_name = name, .type = hearing->mime, .path = hearing->path },
	};
	const char *headers[] = { "Accept: application/json", speech->authorization, NULL };
	struct http_call call = { .method = "POST",
				  .url = speech->url,
				  .headers = headers,
				  .parts = parts,
				  .part_count = 3,
				  .connect_ms = CONNECT_MS,
				  .total_ms = speech->total_ms,
				  .answer_max = ANSWER_MAX,
				  .ca_file = speech->ca_file };

	snprintf(name, sizeof(name), "voice.%s", speech_suffix(hearing->mime));
	if (speech->language)
		parts[call.part_count++] = (struct http_part){ .name = "language",
							       .data = speech->language,
							       .len = strlen(speech->language) };
	hearing->due_ms = 0;
	hearing->tries++;
	hearing->began_ms = loop_now_ms(speech->host.loop);
	hearing->http = http_start(speech->host.http, &call, NULL, on_done, speech, hearing->ticket);
}

/* ---- money -------------------------------------------------------------------------------------------------- */

/* Nobody tells how long a recording is before it is heard: a bound by its bytes. */
static int64_t most(const struct hearing *hearing)
{
	double usd = hearing->speech->usd_per_hour;
	int64_t seconds = hearing->bytes / SPEECH_BYTES_S + 1;

	if (usd < 0)
		return AI_COST_UNKNOWN;
	return llround((double)(seconds > SPEECH_LEAST_S ? seconds : SPEECH_LEAST_S) * usd * 1e6 / 3600);
}

/* Nothing leaves before it is on record and its money is set aside: several of one turn may be under way. */
static void try_now(struct hearing *hearing)
{
	hearing->due_ms = 0;
	hearing->reserving = true;
	crypto_uuid(hearing->reservations[hearing->tries]);
	hearing->events.reserve(
		hearing->owner, hearing->ticket,
		&(struct ai_reserve){ .id = hearing->reservations[hearing->tries],
				      .name = "speech",
				      .provider = "speech",
				      .model = hearing->speech->model,
				      .micros = most(hearing) }); /* may be answered in here */
}

static struct hearing *find(struct speech *speech, uint64_t ticket)
{
	struct hearing *hearing = NULL;

	if (speech)
		HASH_FIND(hh, speech->all, &ticket, sizeof(ticket), hearing);
	return hearing;
}

void speech_reserved(struct speech *speech, uint64_t ticket, const struct err *err)
{
	struct hearing *hearing = find(speech, ticket);

	if (hearing == NULL || !hearing->reserving)
		return;
	hearing->reserving = false;
	if (err->kind == ERR_NONE) {
		send(hearing);
		return;
	}
	tell(hearing, err, NULL, NULL);
	forget(hearing);
}

/* ---- when ----------------------------------------------------------------------------------------------------- */

static struct hearing *due(const struct speech *speech, uint64_t now, uint64_t *wait_out)
{
	*wait_out = UINT64_MAX;
	for (struct hearing *hearing = speech->all; hearing; hearing = hearing->hh.next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed before has left the table */
		if (hearing->due_ms == 0)
			continue;
		if (hearing->due_ms <= now)
			return hearing;
		if (hearing->due_ms - now < *wait_out)
			*wait_out = hearing->due_ms - now;
	}
	return NULL;
}

static void again(void *data)
{
	struct speech *speech = data;
	struct hearing *hearing;
	uint64_t wait;

	while ((hearing = due(speech, loop_now_ms(speech->host.loop), &wait)) != NULL) {
		if (hearing->refused.kind == ERR_NONE) {
			try_now(hearing);
			continue;
		}
		tell(hearing, &hearing->refused, NULL, NULL);
		forget(hearing);
	}
	if (wait != UINT64_MAX)
		loop_timer_start(speech->timer, wait, 0);
}

bool speech_takes(const struct speech *speech, const char *mime)
{
	return speech && speech_suffix(mime) != NULL;
}

void speech_hear(struct speech *speech, const char *path, const char *mime,
		 const struct ai_hear_events *events, void *owner, uint64_t ticket)
{
	struct hearing *hearing = mem_zero(1, sizeof(*hearing));
	struct stat file;

	*hearing = (struct hearing){ .speech = speech, .ticket = ticket, .events = *events, .owner = owner };
	hearing->path = mem_text(path);
	hearing->mime = mem_text(mime);
	hearing->due_ms = loop_now_ms(speech->host.loop);
	if (stat(path, &file) != 0)
		err_set(&hearing->refused, ERR_GONE, "the recording is gone");
	else if ((hearing->bytes = file.st_size) > speech->max)
		err_set(&hearing->refused, ERR_REFUSED, "the recording is longer than can be heard");
	HASH_ADD(hh, speech->all, ticket, sizeof(hearing->ticket), hearing);
	loop_timer_start(speech->timer, 0, 0);
}

void speech_cancel(struct speech *speech, uint64_t ticket,
		   void (*left)(void *owner, const struct ai_attempt *attempts, size_t count), void *owner)
{
	struct hearing *hearing = find(speech, ticket);

	if (hearing == NULL)
		return;
	if (hearing->http)
		record(hearing, &(struct http_answer){ .how = HTTP_MAYBE }, "stopped: it took too long");
	if (left && hearing->tries > 0)
		left(owner, hearing->attempts, hearing->tries);
	forget(hearing);
}

/* ---- making ---------------------------------------------------------------------------------------------------- */

static bool check_settings(const struct settings *settings, struct err *err)
{
	const char *url = settings_text(settings, "base_url"), *key = settings_text(settings, "api_key");

	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return err_set(err, ERR_REFUSED, "%s: base_url must begin with http:// or https://",
			       settings_where(settings, "base_url"));
	if (key && strpbrk(key, "\r\n"))
		return err_set(err, ERR_REFUSED, "%s: api_key must be one line",
			       settings_where(settings, "api_key"));
	return true;
}

static char *url_of(const char *base)
{
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	return mem_format("%.*s/audio/transcriptions", (int)len, base);
}

struct speech *speech_create(const struct speech_host *host, const struct settings *settings, struct err *err)
{
	const char *model = settings ? settings_text(settings, "model") : NULL, *key;
	struct speech *speech;

	if (model == NULL || *model == '\0' || !check_settings(settings, err))
		return NULL;
	speech = mem_zero(1, sizeof(*speech));
	speech->host = *host;
	speech->timer = loop_timer_create(host->loop, again, speech);
	speech->model = mem_text(model);
	speech->url = url_of(settings_text(settings, "base_url"));
	key = settings_text(settings, "api_key");
	speech->authorization = key && *key ? mem_format("Authorization: Bearer %s", key) : NULL;
	speech->language = mem_text(settings_text(settings, "language"));
	speech->ca_file = mem_text(settings_text(settings, "ca_file"));
	speech->total_ms = (unsigned)settings_int(settings, "total_s") * 1000;
	speech->max = (off_t)settings_int(settings, "max_mb") << 20;
	speech->usd_per_hour =
		settings_given(settings, "usd_per_hour") ? settings_number(settings, "usd_per_hour") : -1;
	return speech;
}

void speech_destroy(struct speech *speech)
{
	if (speech == NULL)
		return;
	while (speech->all)
		forget(speech->all); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself out of the table */
	loop_timer_destroy(speech->timer);
	free(speech->model);
	free(speech->url);
	free(speech->authorization);
	free(speech->language);
	free(speech->ca_file);
	free(speech);
}
