/* Puts a model's reply together from its pieces. */
#include "reply.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

/* ---- text ---------------------------------------------------------------------------------------------- */

static const char think_open[] = "<think>", think_close[] = "</think>";

static void show(struct reply *reply, const char *text, size_t len)
{
	if (reply->text.len + len > REPLY_TEXT_MAX) {
		reply->too_long = true;
		return;
	}
	buf_add(&reply->text, text, len);
}

size_t reply_blanks(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t'))
		i++;
	return i;
}

/* How many bytes at the end of text could be the beginning of mark. */
static size_t begun_mark(const char *text, size_t len, const char *mark)
{
	size_t most = strlen(mark) - 1;

	for (size_t n = len < most ? len : most; n > 0; n--)
		if (memcmp(text + len - n, mark, n) == 0)
			return n;
	return 0;
}

/* Within <think>: all is dropped up to the closing mark, of which the beginning may be the end of this piece.
 */
static bool leave_thought(struct reply *reply)
{
	const char *held = buf_str(&reply->held), *close = strstr(held, think_close);

	if (close == NULL) {
		buf_drop(&reply->held, reply->held.len - begun_mark(held, reply->held.len, think_close));
		return false;
	}
	buf_drop(&reply->held, (size_t)(close - held) + sizeof(think_close) - 1);
	reply->thinking = false;
	return true;
}

/* Only a thought at the start of an answer is taken out: further on, "<think>" is what somebody writes about.
 */
static void enter_thought(struct reply *reply)
{
	const char *held = buf_str(&reply->held);
	size_t blank = reply_blanks(held, reply->held.len), rest = reply->held.len - blank;
	size_t open = sizeof(think_open) - 1;

	if (rest >= open && memcmp(held + blank, think_open, open) == 0) {
		buf_drop(&reply->held, blank + open);
		reply->thinking = true;
	} else if (rest == 0) {
		buf_clear(&reply->held); /* blanks are dropped either way; some models write them for ever */
	} else if (rest >= open || memcmp(held + blank, think_open, rest) != 0) {
		reply->started = true;
		show(reply, held + blank, rest);
		buf_free(&reply->held);
	}
}

void reply_say(struct reply *reply, const char *text, size_t len)
{
	bool was_thinking;

	if (len == 0)
		return;
	reply->content_bytes += len;
	if (reply->started) {
		show(reply, text, len);
		return;
	}
	buf_add(&reply->held, text, len);
	do {
		was_thinking = reply->thinking;
		if (reply->thinking && !leave_thought(reply))
			return;
		enter_thought(reply);
	} while (reply->thinking != was_thinking && !reply->started);
}

void reply_said(struct reply *reply)
{
	const char *held = buf_str(&reply->held);
	size_t blank = reply_blanks(held, reply->held.len);

	if (!reply->started && !reply->thinking)
		show(reply, held + blank, reply->held.len - blank);
	buf_free(&reply->held);
}

void reply_think(struct reply *reply, const char *text, size_t len)
{
	if (reply->reasoning.len + len <= REPLY_TEXT_MAX)
		buf_add(&reply->reasoning, text, len);
}

/* ---- calls --------------------------------------------------------------------------------------------- */

struct reply_call *reply_call_add(struct reply *reply, int64_t index)
{
	struct reply_call *call;

	if (reply->call_count == REPLY_CALLS_MAX) {
		reply->too_long = true;
		return NULL;
	}
	reply->calls = mem_resize(reply->calls, reply->call_count + 1, sizeof(*reply->calls));
	call = &reply->calls[reply->call_count++];
	*call = (struct reply_call){ .index = index };
	return call;
}

struct reply_call *reply_call_at(struct reply *reply, int64_t index)
{
	for (size_t i = reply->call_count; i > 0; i--)
		if (reply->calls[i - 1].index == index)
			return &reply->calls[i - 1];
	return NULL;
}

void reply_call_argue(struct reply *reply, struct reply_call *call, const char *text, size_t len)
{
	reply->argument_bytes += len;
	if (reply->argument_bytes > REPLY_ARGUMENTS_MAX)
		reply->too_long = true;
	else
		buf_add(&call->arguments, text, len);
}

/* ---- blocks -------------------------------------------------------------------------------------------- */

struct reply_block *reply_block_add(struct reply *reply, int64_t index, const char *type)
{
	struct reply_block *block;

	if (reply->block_count == REPLY_BLOCKS_MAX) {
		reply->too_long = true;
		return NULL;
	}
	reply->blocks = mem_resize(reply->blocks, reply->block_count + 1, sizeof(*reply->blocks));
	block = &reply->blocks[reply->block_count++];
	*block = (struct reply_block){ .index = index, .type = mem_text(type) };
	return block;
}

struct reply_block *reply_block_at(struct reply *reply, int64_t index)
{
	for (size_t i = reply->block_count; i > 0; i--)
		if (reply->blocks[i - 1].index == index)
			return &reply->blocks[i - 1];
	return NULL;
}

/* ---- reading, and the end ---------------------------------------------------------------------------------- */

/* The library's own words would quote the answer, which has no business in an error. */
json_t *reply_json(const char *data, size_t len, struct err *err)
{
	json_t *root = json_read(data, len, NULL);
	char *fixed;

	if (root)
		return root;
	fixed = reply_repair(data, len);
	root = json_read(fixed, strlen(fixed), NULL);
	free(fixed);
	if (root == NULL)
		err_set(err, ERR_UNSURE, "the model's server sent something that is not valid JSON");
	return root;
}

void reply_finish(struct reply *reply)
{
	for (size_t i = 0; i < reply->call_count; i++) {
		free(reply->calls[i].id);
		free(reply->calls[i].name);
		free(reply->calls[i].extra);
		buf_free(&reply->calls[i].arguments);
	}
	free(reply->calls);
	for (size_t i = 0; i < reply->block_count; i++) {
		free(reply->blocks[i].type);
		buf_free(&reply->blocks[i].text);
		buf_free(&reply->blocks[i].more);
	}
	free(reply->blocks);
	free(reply->reasoning_name);
	free(reply->reasoning_details);
	free(reply->id);
	buf_free(&reply->text);
	buf_free(&reply->reasoning);
	buf_free(&reply->held);
	reply_error_finish(&reply->error);
	*reply = (struct reply){ 0 };
}
