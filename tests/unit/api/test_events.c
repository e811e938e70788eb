/* Answers as server-sent events: order, ids, resuming at every id, beginning again, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "harness.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHAT   "/api/42/chat"
#define STREAM "Accept: text/event-stream\r\n"

/* A client's view: what it shows, the ids it saw, how it ended. */
struct view {
	struct buf text;
	char ids[64][120];
	char shown[64][200]; /* the text right after that id */
	size_t count, resets;
	bool accepted;
	char *done, *error;
};

static void take_data(struct view *view, const char *event, const char *id, const char *data)
{
	json_t *value = json_read(data, strlen(data), NULL);
	const char *text = json_text(value, "text");

	assert_non_null(value);
	if (strcmp(event, "accepted") == 0) {
		assert_non_null(json_text(value, "message_id"));
		assert_int_equal(json_int(value, "conversation_id", 0), 789);
		assert_string_equal(json_text(value, "conversation_uuid"), UUID_789);
		view->accepted = true;
	} else if (strcmp(event, "delta") == 0) {
		assert_true(text_valid(text, strlen(text))); /* no character is cut */
		assert_true(*text != '\0');
		buf_text(&view->text, text);
	} else if (strcmp(event, "reset") == 0) {
		buf_clear(&view->text);
		view->resets++;
	} else if (strcmp(event, "done") == 0) {
		view->done = mem_text(data);
		assert_string_equal(json_text(value, "response"), buf_str(&view->text));
	} else {
		assert_string_equal(event, "error");
		view->error = mem_text(data);
	}
	json_decref(value);
	if (*id && view->count < 64) {
		snprintf(view->ids[view->count], sizeof(view->ids[0]), "%s", id);
		snprintf(view->shown[view->count++], sizeof(view->shown[0]), "%s", buf_str(&view->text));
	}
}

/* Reads a stream as a browser does. */
static void take_stream(struct view *view, const char *body)
{
	char event[40] = "", id[120] = "", *all = mem_text(body), *rest = all, *line;
	char *data = NULL;

	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "event: ", 7) == 0) {
			snprintf(event, sizeof(event), "%s", line + 7);
		} else if (strncmp(line, "id: ", 4) == 0) {
			snprintf(id, sizeof(id), "%s", line + 4);
		} else if (strncmp(line, "data: ", 6) == 0) {
			data = line + 6;
		} else if (*line == '\0' && data) {
			take_data(view, event, id, data);
			data = NULL;
			*id = *event = '\0';
		}
	}
	free(all);
}

static void view_finish(struct view *view)
{
	buf_free(&view->text);
	free(view->done);
	free(view->error);
	*view = (struct view){ 0 };
}

static struct view finish(int fd, char *begun)
{
	struct reply reply = http_finish(fd, begun);
	struct view view = { 0 };

	assert_int_equal(reply.status, 200);
	assert_non_null(strcasestr(reply.head, "content-type: text/event-stream"));
	take_stream(&view, reply.body);
	reply_free(&reply);
	return view;
}

static void test_short_answer(void **state)
{
	struct view view;

	(void)state;
	core_answer_with("Line one\nline \"two\"", "[{\"name\":\"t\",\"arguments\":{},\"result\":{}}]");
	view = finish(http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"a\"}"), NULL);
	assert_true(view.accepted);
	assert_int_equal(view.resets, 0);
	assert_string_equal(buf_str(&view.text), "Line one\nline \"two\"");
	assert_non_null(
		strstr(view.done, "\"tool_calls\":[{\"name\":\"t\",\"arguments\":{},\"result\":{}}]"));
	view_finish(&view);
}

static void test_refused_before_the_stream(void **state)
{
	struct reply reply = http_as(ANN, "POST", CHAT, STREAM, "{\"message\":\" \"}");

	(void)state;
	assert_int_equal(reply.status, 422);
	assert_non_null(strstr(reply.head, "application/json"));
	reply_free(&reply);
	reply = http_as(ANN, "POST", CHAT, STREAM, "{\"message\":\"a\",\"conversation_id\":790}");
	assert_int_equal(reply.status, 409);
	reply_free(&reply);
}

static void test_failure(void **state)
{
	struct view view =
		finish(http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"fail timeout\"}"), NULL);

	(void)state;
	assert_string_equal(view.error,
			    "{\"error\":{\"code\":\"MODEL_TIMEOUT\",\"message\":\"The notice\"}}");
	assert_null(view.done);
	view_finish(&view);
}

static const char answer[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z \xe6\x97\xa5\xe6\x9c\xac";

/* The text byte by byte, so that most pieces end inside a character. */
static void grow(const char *key, unsigned attempt, const char *text)
{
	for (size_t i = 0; i < strlen(text); i++)
		core_part(key, attempt, i, text + i, 1);
}

static int open_held(const char *headers, char key[300])
{
	int fd = http_open(ANN, "POST", CHAT, headers, "{\"message\":\"hold\"}");

	free(http_until(fd, "event: accepted"));
	snprintf(key, 300, "%s", core_seen().delivery_key);
	return fd;
}

/* Goes on where the client was; it must see the rest, all of it, and nothing twice. */
static struct view resume(const char *id, const char *shown, bool by_post)
{
	char *headers = mem_format(STREAM "Idempotency-Key: r\r\nLast-Event-ID: %s\r\n", id);
	char *path = mem_format("/api/42/messages/%.36s/events", id);
	struct view view = { 0 };
	struct reply reply = by_post ? http_as(ANN, "POST", CHAT, headers, "{\"message\":\"hold\"}")
				     : http_as(ANN, "GET", path, headers, NULL);

	assert_int_equal(reply.status, 200);
	buf_text(&view.text, shown);
	take_stream(&view, reply.body);
	assert_true(view.accepted);
	reply_free(&reply);
	free(headers);
	free(path);
	return view;
}

/* At every id a client can have seen, by both ways, after the end. take_data checks `done` against what is
 * shown. */
static void test_resume_after_the_end(void **state)
{
	char key[300];
	struct view first, again;
	int fd = http_open(ANN, "POST", CHAT, STREAM "Idempotency-Key: r\r\n", "{\"message\":\"hold\"}");
	char *begun = http_until(fd, "event: accepted");

	(void)state;
	snprintf(key, sizeof(key), "%s", core_seen().delivery_key);
	grow(key, 2, answer);
	core_end(key, MESSAGE_ANSWERED, NULL, answer, NULL);
	first = finish(fd, begun);
	assert_string_equal(buf_str(&first.text), answer);
	assert_int_equal(first.resets, 0);
	assert_int_equal(first.count, 1 + 8 + 1); /* accepted, one delta a character, done */
	for (size_t i = 0; i < first.count; i++) {
		for (int way = 0; way < 2; way++) {
			again = resume(first.ids[i], first.shown[i], way);
			assert_non_null(again.done);
			assert_int_equal(again.resets, 0);
			view_finish(&again);
		}
	}
	again = resume("garbage", "left over", true);
	assert_int_equal(again.resets, 1);
	view_finish(&again);
	view_finish(&first);
}

/* The same while the answer still grows: what was missed comes at once, then what follows. */
static void test_resume_while_running(void **state)
{
	char key[300], *headers, *begun;
	struct view first = { 0 }, again = { 0 };
	struct reply reply;
	int fd = open_held(STREAM "Idempotency-Key: r\r\n", key), second;

	(void)state;
	grow(key, 1, answer);
	core_text(key, 1, answer);
	core_part(key, 1, strlen(answer), "!", 1);
	begun = http_until(fd, "{\"text\":\"!\"}");
	close(fd);
	core_calls(0);
	take_stream(&first, begun);
	free(begun);
	assert_int_equal(first.count, 9); /* without `accepted` */
	/* While nobody watched it grew further. */
	core_text(key, 1, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z \xe6\x97\xa5\xe6\x9c\xac! more");
	headers = mem_format(STREAM "Idempotency-Key: r\r\nLast-Event-ID: %s\r\n", first.ids[5]);
	buf_text(&again.text, first.shown[5]);
	second = http_open(ANN, "POST", CHAT, headers, "{\"message\":\"hold\"}");
	begun = http_until(second, " more\"}");
	core_part(key, 1, strlen(answer) + 6, ", and", 5);
	core_part(key, 1, strlen(answer) + 4, "re, and the end", 15); /* overlaps what is known */
	core_end(key, MESSAGE_ANSWERED, NULL,
		 "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z \xe6\x97\xa5\xe6\x9c\xac! more, and the end", NULL);
	reply = http_finish(second, begun);
	take_stream(&again, reply.body);
	assert_non_null(again.done);
	assert_int_equal(again.resets, 0);
	reply_free(&reply);
	free(headers);
	view_finish(&again);
	view_finish(&first);
}

/* A piece that passed us by is asked for, and the text stays whole. */
static void test_gap(void **state)
{
	char key[300], *begun;
	struct view view;
	int fd = http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"hold\"}");

	(void)state;
	begun = http_until(fd, "event: accepted");
	snprintf(key, sizeof(key), "%s", core_seen().delivery_key);
	core_part(key, 1, 0, "one ", 4);
	core_text(key, 1, "one two three ");
	core_part(key, 1, 8, "three ", 6);
	core_part(key, 1, 14, "four", 4);
	core_end(key, MESSAGE_ANSWERED, NULL, "one two three four", NULL);
	view = finish(fd, begun);
	assert_non_null(view.done);
	assert_int_equal(view.resets, 0);
	assert_true(core_seen().looks >= 1);
	view_finish(&view);
}

/* The model was asked again: the client is told to forget what it shows. */
static void test_begins_again(void **state)
{
	char key[300], *begun;
	struct view view;
	int fd = http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"hold\"}");

	(void)state;
	begun = http_until(fd, "event: accepted");
	snprintf(key, sizeof(key), "%s", core_seen().delivery_key);
	core_part(key, 1, 0, "first try", 9);
	core_part(key, 2, 0, "second", 6);
	core_part(key, 1, 9, " late", 5); /* of the attempt that is over */
	core_part(key, 2, 6, " try", 4);
	core_end(key, MESSAGE_ANSWERED, NULL, "second try", NULL);
	view = finish(fd, begun);
	assert_int_equal(view.resets, 1);
	assert_string_equal(buf_str(&view.text), "second try");
	view_finish(&view);
}

/* The stored answer is another one than what was shown (a fallback model, a cut text): the client ends with
 * the stored one. */
static void test_answer_differs(void **state)
{
	char key[300], *begun;
	struct view view;
	int fd = http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"hold\"}");

	(void)state;
	begun = http_until(fd, "event: accepted");
	snprintf(key, sizeof(key), "%s", core_seen().delivery_key);
	core_part(key, 1, 0, "Good evening", 12);
	core_end(key, MESSAGE_ANSWERED, NULL, "Good day, and welcome", NULL);
	view = finish(fd, begun);
	assert_int_equal(view.resets, 1);
	assert_non_null(view.done);
	view_finish(&view);
}

/* The end may come between the request for old events and the core's answer; nobody else's message is told.
 */
static void test_events_of_others(void **state)
{
	char key[300], *path, *begun;
	struct reply reply;
	int fd = http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"hold\"}");

	(void)state;
	begun = http_until(fd, "\"message_id\":\"");
	free(begun);
	snprintf(key, sizeof(key), "%s", core_seen().delivery_key);
	reply = http_as(ANN, "GET", "/api/me/messages/nonsense/events", "", NULL);
	assert_int_equal(reply.status, 404);
	reply_free(&reply);
	path = mem_format("/api/me/messages/%s/events", "01900000-0000-7000-8000-000000000001");
	reply = http_as(ANN, "GET", path, "", NULL);
	assert_int_equal(reply.status, 404);
	assert_non_null(strstr(reply.body, "MESSAGE_NOT_FOUND"));
	reply_free(&reply);
	free(path);
	close(fd);
	core_calls(0);
}

/* Who does not read is cut; that the connection is gone is told later, when the call is long forgotten. */
static void test_slow_reader(void **state)
{
	enum { PIECE = 512 * 1024, PIECES = 64 };
	int fd = http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"hold\"}");
	char *begun = http_until(fd, "event: accepted"), *piece = mem_alloc(PIECE), uuid[37];

	(void)state;
	memset(piece, 'x', PIECE);
	snprintf(uuid, sizeof(uuid), "%.36s", strstr(begun, "id: ") + 4);
	for (size_t i = 0; i < PIECES; i++)
		core_part(uuid, 1, i * PIECE, piece, PIECE);
	core_calls(0);
	close(fd);
	free(piece);
	free(begun);
	fd = http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"short\"}");
	free(http_until(fd, "event: done"));
	close(fd);
}

static void test_stop(void **state)
{
	int fd = http_open(ANN, "POST", CHAT, STREAM, "{\"message\":\"hold\"}");
	char *begun = http_until(fd, "event: accepted");
	struct reply reply;

	(void)state;
	core_stop_platform();
	reply = http_finish(fd, begun);
	assert_non_null(strstr(reply.body, "retry: 2000\n"));
	assert_non_null(strstr(reply.body, "\"code\":\"SHUTTING_DOWN\""));
	reply_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_short_answer, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_refused_before_the_stream, harness_setup,
						harness_teardown),
		cmocka_unit_test_setup_teardown(test_failure, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_resume_after_the_end, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_resume_while_running, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_gap, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_begins_again, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_answer_differs, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_events_of_others, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_stop, harness_setup, harness_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
