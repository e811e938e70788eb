/* A house whose room gets files, and what the tests of gathering say of them. Included by each such test once. */
#ifndef STAGE_GATHER_H
#define STAGE_GATHER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_imports.h"
#include "house.h"
#include "mem.h"
#include "stage_places.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH "0123456789012345678901234567890123456789012345678901234567890123"

static struct imports *imports; /* of the test that runs */

static inline int setup(void **state)
{
	imports = fake_imports_create();
	return house_setup(state, &(struct core_options){ .imports = imports,
							  .file_max = 1000,
							  .quota = 5000,
							  .keys = place_keys,
							  .key_count = 2 });
}

/* Whatever became of a turn, its work files are gone. */
static inline int teardown(void **state)
{
	house_teardown(state);
	return fake_imports_destroy(imports) ? 0 : -1;
}

static const struct message_file two_files[] = {
	{ .url = "F1", .name = "plan.pdf", .mime = "application/pdf", .size = 12 },
	{ .url = "F2", .name = "notes_*x*.txt", .mime = "text/plain", .size = -1 },
};
static const size_t messages[100];

static inline struct store_turn turn_with(const struct message_file *files, size_t count, unsigned flags)
{
	struct store_turn turn = *house_room_turn("one", 1, 5, flags);

	turn.files = files;
	turn.file_messages = messages;
	turn.file_count = count;
	return turn;
}

/* What the store knows of the first `count` files: rows from 31 on, all in this state. */
static inline void known(struct house *house, size_t count, enum import_state state)
{
	struct store_import rows[100];

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct store_import){
			.id = 31 + (int64_t)i, .state = state, .size = -1, .index = (unsigned)i
		};
	fake_answer_imports(house->store, house_question(house, Q_IMPORTS), NULL, rows, count);
}

static inline void begin_unknown(struct house *house, const struct message_file *files, size_t count,
				 unsigned flags)
{
	struct store_turn turn = turn_with(files, count, flags);

	house_begin(house, &turn);
	house_recall(house);
}

static inline void begin(struct house *house, const struct message_file *files, size_t count, unsigned flags)
{
	begin_unknown(house, files, count, flags);
	known(house, count, IMPORT_RECEIVED);
}

static inline void fetched(struct house *house, size_t index, enum fetched_how how, const char *why)
{
	const struct fake_fetch *fetch = &house->room->fetches[index];

	house->room->host->fetched(
		house->room->host, fetch->ticket,
		&(struct fetched){ .how = how, .size = 1234, .mime = "application/pdf", .why = why });
}

static inline struct thought *thinking(struct house *house)
{
	return fake_ai_thought(house->ai, 0);
}

static inline void write_file(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fclose(file);
}

static inline struct task *task(enum import_task kind)
{
	struct task *task = fake_imports_task(imports, kind);

	assert_non_null(task);
	return task;
}

/* The oldest step is this one of that import, and the store has noted it. */
static inline void noted(struct house *house, int64_t id, enum import_state state)
{
	struct question *q = house_question(house, Q_STEP);

	assert_int_equal(q->id, id);
	assert_int_equal(q->step, state);
	fake_answer_done(house->store, q, NULL);
}

static inline void failed(struct house *house, int64_t id, const char *code, const char *why)
{
	const struct question *q = house_question(house, Q_STEP);

	assert_string_equal(q->code, code);
	assert_string_equal(q->why, why);
	noted(house, id, IMPORT_FAILED);
}

static inline void kept(struct house *house, int64_t id)
{
	fake_kept(imports, task(TASK_KEEP), NULL, HASH, 1234);
	noted(house, id, IMPORT_FETCHED);
}

/* The next file in line is read to its end. */
static inline void read_it(struct house *house, int64_t id, const char *outline)
{
	fake_read(imports, task(TASK_READ), outline);
	noted(house, id, IMPORT_EXTRACTED);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
