/* rooms: base io markup telegram */
#include "decode.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct telegram_self us = { .id = 777, .username = "UsherBot" };

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const struct telegram_decoded *say)
{
	struct telegram_command command;
	char *rest;

	telegram_mentions(say->text, say->entities, &us);
	if (telegram_command_read(say->text, say->entities, &command)) {
		check(command.len <= strlen(say->text) && command.name[0]);
		check(command.args >= say->text && command.args <= say->text + strlen(say->text));
		telegram_command_is_for(&command, us.username);
	}
	if (say->text == NULL)
		return;
	rest = telegram_without_mentions(say->text, say->entities, &us);
	check(strlen(rest) <= strlen(say->text));
	check(text_valid(rest, strlen(rest)));
	free(rest);
}

static void check_message(const struct telegram_decoded *say)
{
	struct arena *arena = arena_create();
	struct message_file file;
	char name[MESSAGE_NAME_MAX + 1];
	char *words;

	check_text(say);
	words = telegram_words(say, say->text);
	check(strlen(words) <= MESSAGE_TEXT_MAX && text_valid(words, strlen(words)));
	free(words);
	free(telegram_words(say, NULL));
	if (telegram_name(say->name, name))
		check(text_valid(name, strlen(name)));
	if (telegram_file(say->message, arena, &file)) {
		check(telegram_file_id(file.url) != NULL);
		check(strlen(file.name) <= MESSAGE_NAME_MAX && strpbrk(file.name, "/\\\n") == NULL);
		check(text_valid(file.name, strlen(file.name)));
	}
	arena_destroy(arena);
}

/* What the next files rely on without looking again. */
static void check_decoded(const struct telegram_decoded *say)
{
	check(say->kind > TELEGRAM_IS_MALFORMED || say->because);
	check(say->update_id >= -1 && say->topic != 1);
	if (say->kind > TELEGRAM_IS_MALFORMED)
		check(say->update_id >= 0 && (say->chat || say->kind == TELEGRAM_IS_PRESSED));
	if (say->chat && say->kind > TELEGRAM_IS_MALFORMED)
		check(say->is_private + say->is_group + say->is_channel == 1);
	if (say->kind == TELEGRAM_IS_SAID || say->kind == TELEGRAM_IS_EDITED) {
		check(say->sender && say->message_id > 0 && say->message);
		check_message(say);
	}
	if (say->kind == TELEGRAM_IS_MOVED)
		check(say->moved_from && say->moved_to);
	if (say->kind == TELEGRAM_IS_PRESSED)
		check(say->button && say->from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_text_n((const char *)data, size);
	json_t *update = json_read(text, size, NULL);
	struct telegram_decoded say;
	struct telegram_place place;

	telegram_decode(update, &say);
	check_decoded(&say);
	if (update) {
		say = (struct telegram_decoded){ .update_id = 1, .because = "" };
		telegram_decode_message(update, size & 1, &say);
		check_decoded(&say);
	}
	telegram_file_id(text);
	if (telegram_place_read(text, &place)) {
		char *again = telegram_place_write(&place);
		struct telegram_place same;

		check(telegram_place_read(again, &same) && same.chat == place.chat);
		free(again);
	}
	json_decref(update);
	free(text);
	return 0;
}
