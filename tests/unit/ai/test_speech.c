/* Voice notes: what was said becomes the words of a message; silence becomes none, and a service that is not well is asked
 * again, each time on record. */
#include "fake_http.h"
#include "fake_loop.h"
#include "mem.h"
#include "settings_build.h"
#include "speech.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stage {
	struct loop *loop;
	struct http *http;
	struct settings *settings;
	struct speech *speech;
	char path[64];
	unsigned ends;
	struct err err;
	struct buf text;
	char language[16];
	bool waits; /* for the money: the test says yes */
	int64_t micros[8];
	char ids[8][40];
	size_t reserves;
	size_t attempts;
	struct ai_attempt last;
	char error[200];
};

static void on_heard(void *owner, uint64_t ticket, const struct ai_heard *heard)
{
	struct stage *w = owner;

	assert_int_equal(ticket, 7);
	w->ends++;
	w->err = heard->err;
	buf_clear(&w->text);
	buf_text(&w->text, heard->text ? heard->text : "");
	snprintf(w->language, sizeof(w->language), "%s", heard->language ? heard->language : "");
	w->attempts = heard->attempt_count;
	if (heard->attempt_count == 0)
		return;
	w->last = heard->attempts[heard->attempt_count - 1];
	snprintf(w->error, sizeof(w->error), "%s", w->last.error ? w->last.error : "");
}

static void on_reserve(void *owner, uint64_t ticket, const struct ai_reserve *ask)
{
	struct stage *w = owner;

	assert_int_equal(ticket, 7);
	assert_string_equal(ask->name, "speech");
	w->micros[w->reserves] = ask->micros;
	snprintf(w->ids[w->reserves++], sizeof(w->ids[0]), "%s", ask->id);
	if (!w->waits)
		speech_reserved(w->speech, ticket, &(struct err){ 0 });
}

static void open_stage(struct stage *w, const char *const *values)
{
	struct speech_host host = { 0 };
	struct err err = { 0 };
	int fd;

	memset(w, 0, sizeof(*w));
	host.loop = w->loop = fake_loop_create();
	host.http = w->http = fake_http_create();
	w->settings = settings_create(speech_settings, "speech", "test:1");
	for (; values && *values; values += 2)
		assert_true(settings_put(w->settings, values[0], values[1], "test:1", &err));
	assert_true(settings_finish(w->settings, &err));
	w->speech = speech_create(&host, w->settings, &err);
	assert_int_equal(err.kind, ERR_NONE);
	snprintf(w->path, sizeof(w->path), "/tmp/usher-voice-XXXXXX");
	fd = mkstemp(w->path);
	assert_int_equal(write(fd, "OggS", 4), 4);
	close(fd);
}

static void close_stage(struct stage *w)
{
	speech_destroy(w->speech);
	assert_int_equal(http_running(w->http), 0);
	settings_destroy(w->settings);
	fake_http_destroy(w->http);
	fake_loop_destroy(w->loop);
	buf_free(&w->text);
	unlink(w->path);
}

static const char *const whisper[] = { "model", "whisper-1", "usd_per_hour", "0.36", NULL };

static void hear(struct stage *w)
{
	speech_hear(w->speech, w->path, "audio/ogg", &(struct ai_hear_events){ on_heard, on_reserve }, w, 7);
	fake_loop_pass(w->loop, 1);
}

static void test_what_was_said(void **state)
{
	struct stage w;

	(void)state;
	open_stage(&w, whisper);
	hear(&w);
	assert_non_null(
		strstr(fake_http_call(w.http)->url, "https://api.openai.com/v1/audio/transcriptions"));
	assert_int_equal(w.ends, 0);
	fake_http_status(w.http, 200,
			 "{\"task\":\"transcribe\",\"language\":\"english\",\"duration\":10.0,\"text\":"
			 "\"Add milk\"}");
	assert_int_equal(w.ends, 1);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_string_equal(buf_str(&w.text), "Add milk");
	assert_string_equal(w.language, "english");
	assert_int_equal(w.attempts, 1);
	assert_int_equal(w.last.cost_micros, 1000); /* 10 s at 0.36 dollars an hour */
	assert_string_equal(w.last.type, "transcription");
	close_stage(&w);
}

static struct ai_attempt left_over;

static void on_left(void *owner, const struct ai_attempt *attempts, size_t count)
{
	struct stage *w = owner;

	w->attempts = count;
	left_over = attempts[count - 1];
	left_over.reservation = strcmp(left_over.reservation, w->ids[count - 1]) == 0 ? "its own" : "another";
}

/* Each try is paid for before it is sent; one that is stopped may have cost all of it. */
static void test_money_is_set_aside_first(void **state)
{
	const struct err yes = { 0 };
	struct err no = { 0 };
	struct stage w;

	(void)state;
	open_stage(&w, whisper);
	w.waits = true;
	hear(&w);
	assert_int_equal(http_running(w.http), 0);
	assert_int_equal(w.micros[0], 1000); /* four bytes: ten seconds are the least that is billed */
	speech_reserved(w.speech, 7, &yes);
	speech_reserved(w.speech, 7, &yes); /* a second yes sends nothing more */
	assert_int_equal(http_running(w.http), 1);
	fake_http_status(w.http, 503, "{}");
	fake_loop_pass(w.loop, 20000);
	assert_int_equal(w.reserves, 2);
	assert_string_not_equal(w.ids[0], w.ids[1]);
	speech_reserved(w.speech, 7, &yes);
	speech_cancel(w.speech, 7, on_left, &w);
	assert_int_equal(w.attempts, 2);
	assert_string_equal(left_over.reservation, "its own");
	assert_true(left_over.estimated);
	w.reserves = 0;
	hear(&w);
	err_set(&no, ERR_REFUSED, "used up");
	speech_reserved(w.speech, 7, &no);
	assert_int_equal(w.ends, 1);
	assert_string_equal(w.err.text, "used up");
	assert_int_equal(w.attempts, 0);
	close_stage(&w);
}

/* As many bytes as a codec needs for a second are a second at most; a price that nobody named has no bound. */
static void test_the_bound_goes_by_bytes(void **state)
{
	static const char *const unpriced[] = { "model", "w", NULL };
	struct stage w;

	(void)state;
	open_stage(&w, whisper);
	assert_int_equal(truncate(w.path, 3600L * SPEECH_BYTES_S - 1), 0);
	w.waits = true;
	hear(&w);
	assert_int_equal(w.micros[0], 360000); /* an hour */
	close_stage(&w);
	open_stage(&w, unpriced);
	w.waits = true;
	hear(&w);
	assert_int_equal(w.micros[0], AI_COST_UNKNOWN);
	assert_int_equal(http_running(w.http), 0);
	close_stage(&w);
}

/* What nobody named is not guessed. */
static void test_an_unknown_price_is_unknown(void **state)
{
	static const char *const values[] = { "model", "gpt-transcribe", NULL };
	struct stage w;

	(void)state;
	open_stage(&w, values);
	hear(&w);
	fake_http_status(w.http, 200, "{\"text\":\"Hi\",\"usage\":{\"type\":\"duration\",\"seconds\":3}}");
	assert_string_equal(buf_str(&w.text), "Hi");
	assert_int_equal(w.last.cost_micros, AI_COST_UNKNOWN);
	close_stage(&w);
}

static void test_silence_is_not_words(void **state)
{
	struct stage w;

	(void)state;
	open_stage(&w, whisper);
	hear(&w);
	fake_http_status(
		w.http, 200,
		"{\"text\":\"Hello. Thank you for watching.\",\"segments\":[{\"text\":\"Hello.\","
		"\"no_speech_prob\":0.1,\"avg_logprob\":-0.2},{\"text\":\" Thank you for watching.\","
		"\"no_speech_prob\":0.9,\"avg_logprob\":-1.5}]}");
	assert_string_equal(buf_str(&w.text), "Hello.");
	hear(&w);
	fake_http_status(w.http, 200, "{\"text\":\" \"}");
	assert_int_equal(w.err.kind, ERR_REFUSED);
	assert_non_null(strstr(w.err.text, "nothing was said"));
	assert_int_equal(w.ends, 2);
	close_stage(&w);
}

static void test_a_service_that_is_not_well_is_asked_again(void **state)
{
	struct stage w;

	(void)state;
	open_stage(&w, whisper);
	hear(&w);
	fake_http_status(w.http, 503, "busy");
	fake_loop_pass(w.loop, 1100);
	fake_http_broken(w.http, HTTP_MAYBE);
	fake_loop_pass(w.loop, 2100);
	fake_http_status(w.http, 200, "{\"text\":\"At last\"}");
	assert_string_equal(buf_str(&w.text), "At last");
	assert_int_equal(w.attempts, 3);
	hear(&w);
	for (int i = 0; i < 3; i++) {
		fake_http_status(w.http, 500, "{\"error\":{\"message\":\"broken\"}}");
		fake_loop_pass(w.loop, 4100);
	}
	assert_int_equal(w.ends, 2);
	assert_int_equal(w.err.kind, ERR_AGAIN);
	assert_non_null(strstr(w.err.text, "500: broken"));
	assert_non_null(strstr(w.error, "broken"));
	close_stage(&w);
}

static void test_what_will_not_work_is_not_tried_again(void **state)
{
	struct stage w;

	(void)state;
	open_stage(&w, whisper);
	hear(&w);
	fake_http_status(w.http, 401, "{\"error\":{\"message\":\"wrong key\"}}");
	assert_int_equal(w.err.kind, ERR_REFUSED);
	assert_int_equal(w.attempts, 1);
	hear(&w);
	fake_http_status(w.http, 200, "<html>");
	assert_int_equal(w.ends, 2);
	assert_int_equal(w.err.kind, ERR_AGAIN);
	assert_int_equal(w.last.cost_micros, AI_COST_UNKNOWN); /* what was reserved counts */
	unlink(w.path);
	hear(&w);
	assert_int_equal(w.ends, 3);
	assert_int_equal(w.err.kind, ERR_GONE);
	close_stage(&w);
}

static void test_cancelled_ones_are_not_told(void **state)
{
	struct stage w;

	(void)state;
	open_stage(&w, whisper);
	hear(&w);
	speech_cancel(w.speech, 8, NULL, NULL);
	speech_cancel(w.speech, 7, NULL, NULL);
	assert_int_equal(http_running(w.http), 0);
	hear(&w); /* ended with the stage */
	close_stage(&w);
	assert_int_equal(w.ends, 0);
}

static void test_what_can_be_heard(void **state)
{
	struct stage w;

	(void)state;
	open_stage(&w, whisper);
	assert_true(speech_takes(w.speech, "audio/ogg; codecs=opus"));
	assert_true(speech_takes(w.speech, "AUDIO/MPEG"));
	assert_false(speech_takes(w.speech, "image/png"));
	assert_false(speech_takes(w.speech, NULL));
	assert_false(speech_takes(NULL, "audio/ogg"));
	close_stage(&w);
	open_stage(&w, NULL); /* no model: nothing is set up */
	assert_null(w.speech);
	close_stage(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_said),
		cmocka_unit_test(test_money_is_set_aside_first),
		cmocka_unit_test(test_the_bound_goes_by_bytes),
		cmocka_unit_test(test_an_unknown_price_is_unknown),
		cmocka_unit_test(test_silence_is_not_words),
		cmocka_unit_test(test_a_service_that_is_not_well_is_asked_again),
		cmocka_unit_test(test_what_will_not_work_is_not_tried_again),
		cmocka_unit_test(test_cancelled_ones_are_not_told),
		cmocka_unit_test(test_what_can_be_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
