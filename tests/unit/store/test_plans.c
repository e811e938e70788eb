/* No step of a message's way may read a whole table: with years of messages in it every answer would wait. */
#include "asking.h"
#include "store_imports.h"
#include "store_install.h"
#include "store_people.h"
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* Tables that grow with every message, as the planner writes their names. */
static const char *const growing[] = { "inbox",
				       "outbox",
				       "LLMConversation",
				       "LLMConversationMessage",
				       "LLMTask",
				       "LLMTaskStep",
				       "w",
				       "o",
				       "c",
				       "m",
				       "t",
				       "p",
				       "feedback",
				       "ai_agent_interactions",
				       "user_profiles",
				       "LLMAgentImport" };

/* These hold only what has not ended. */
static const char *const short_lists[] = { "idx_inbox_waiting", "idx_outbox_due", "idx_import_open",
					   "idx_import_commercial" };

static char offence[2000];

static bool reads_all(const char *step)
{
	char table[64];

	/* All that an installation ever got is as much as a table. */
	if (strstr(step, "(platform=? AND installation=?)") && strstr(step, "box"))
		return true;
	if (sscanf(step, "SCAN %63s", table) != 1 &&
	    (sscanf(step, "SEARCH %63s USING INTEGER PRIMARY KEY (rowid>", table) != 1 ||
	     strstr(step, "(rowid>") == NULL))
		return false;
	for (size_t i = 0; i < sizeof(short_lists) / sizeof(short_lists[0]); i++)
		if (strstr(step, short_lists[i]))
			return false;
	for (size_t i = 0; i < sizeof(growing) / sizeof(growing[0]); i++)
		if (strcmp(table, growing[i]) == 0)
			return true;
	return false;
}

typedef int prepare_fn(sqlite3 *handle, const char *sql, int len, unsigned flags, sqlite3_stmt **out,
		       const char **tail);

static void judge_plan(prepare_fn *prepare, sqlite3 *handle, const char *sql)
{
	char *asked = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *plan = NULL;

	if (prepare(handle, asked, -1, 0, &plan, NULL) == SQLITE_OK)
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);

			if (offence[0] == '\0' && reads_all(step))
				snprintf(offence, sizeof(offence), "%s: %s", step, sql);
		}
	sqlite3_finalize(plan);
	sqlite3_free(asked);
}

/* Stands before the library's own: sees every statement that the store prepares, with its plan. */
int sqlite3_prepare_v3(sqlite3 *handle, const char *sql, int len, unsigned flags, sqlite3_stmt **out,
		       const char **tail)
{
	static prepare_fn *prepare;
	int code;

	if (prepare == NULL)
		*(void **)&prepare = dlsym(RTLD_NEXT, "sqlite3_prepare_v3");
	code = prepare(handle, sql, len, flags, out, tail);
	/* A new row's plan names the rows that might refer to it, but they are read only when a reference is
	 * broken. */
	if (code == SQLITE_OK && strncmp(sql, "INSERT", 6) != 0)
		judge_plan(prepare, handle, sql);
	return code;
}

static int open_case(void **state)
{
	offence[0] = '\0';
	*state = asking_create();
	asking_know(*state, "ann");
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

/* Everything that happens to messages, a crash and an orderly end among it. */
static void no_step_reads_a_whole_table(void **state)
{
	static const struct ai_step step = { .kind = AI_STEP_REPLY, .payload = "{}" };
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "a", "hello");
	const struct store_accepted *first = ask_accept(a, &in, true);

	in = says("ann", "room", "b", "and");
	ask_accept(a, &in, true);
	in = (struct incoming){ .kind = INCOMING_EDITED, .delivery_key = "e", .sender = "ann", .text = "x" };
	in.conversation = "room";
	in.target = "m";
	ask_accept(a, &in, true);
	in.kind = INCOMING_DELETED;
	in.delivery_key = "d";
	ask_accept(a, &in, true);
	in = says("ann", "room", "m1", "taken back");
	in.semantic_key = "m";
	ask_accept(a, &in, true);
	in = says("eve", "room", "c", "let me in");
	ask_accept(a, &in, true);
	ask_recall(a, first->conversation_id, first->turn->id, 20);
	ask_journal(a, first->turn->id, &step, 1, NULL, 0);
	answer_with(a, first->turn->id, "good day", false);
	ask_look(a, first->uuid);
	ask_claim(a, first->conversation_id);
	asking_crash(a);
	ask_recover(a, "webhook");
	ask_claim(a, first->conversation_id);
	asking_restart(a);
	ask_recover(a, NULL);
	ask_due(a, 16);
	ask_sent(a, 1, REPLY_SENT, 0);
	assert_string_equal(offence, "");
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	struct asking *asking = owner;

	(void)ticket;
	asking->err = *err;
	if (--asking->waiting == 0)
		io_stop(asking->io);
}

static void on_act(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	(void)json;
	on_done(owner, ticket, err);
}

static void change(struct asking *a, enum incoming_kind kind, const char *key, const char *target)
{
	struct incoming in = says("ann", "room", key, "up");

	in.kind = kind;
	in.target = target;
	in.cursor_scope = "room";
	in.cursor = "1";
	ask_accept(a, &in, true);
	assert_int_equal(a->err.kind, ERR_NONE);
}

/* What people do to messages, answers in parts that fail, and the end of an installation. */
static void changes_do_not_either(void **state)
{
	static const char *const parts[] = { "one", "two" };
	static const char *const letter = "r1";
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "a", "hello");
	struct store_answer answer = {
		.state = MESSAGE_ANSWERED, .text = "x", .parts = parts, .part_count = 2, .context = "before"
	};
	const struct store_answered *done;

	in.semantic_key = "a";
	answer.turn_id = ask_accept(a, &in, true)->turn->id;
	a->waiting += 2;
	store_placed(a->store, "00000000-0000-7000-8000-0000000000aa", "x", on_done, a, 1);
	store_import_step(a->store, &(struct store_import_step){ .id = 1, .state = IMPORT_FAILED }, on_done,
			  a, 1);
	asking_wait(a);
	done = ask_answer(a, &answer);
	change(a, INCOMING_EDITED, "b", "a");
	change(a, INCOMING_RATED, "c", done->reply->out.uuid);
	change(a, INCOMING_STOPPED, "d", NULL);
	change(a, INCOMING_DELETED, "e", "a");
	ask_sent(a, done->reply->id, REPLY_REJECTED, 0);
	a->waiting++;
	store_act(a->store, "dead_letter_retry", &letter, 1, on_act, a, 1);
	asking_wait(a);
	ask_due(a, 16);
	ask_sent_unsure(a, 1, clock_wall_ms() - 1);
	a->waiting++;
	store_remove(a->store, "webhook", "crm", "gone", on_done, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(offence, "");
	assert_string_equal(asking_text(a, "SELECT group_concat(state) FROM outbox WHERE id <> 2"),
			    "cancelled,cancelled");
}

static void on_accepted(void *owner, uint64_t ticket, const struct err *err, const struct store_accepted *got)
{
	(void)got;
	on_done(owner, ticket, err);
}

/* Strangers who guess, places that move, files that go. */
static void nor_do_moves_and_codes(void **state)
{
	static const char hash[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const char *const who[] = { "ann" };
	static const struct message_file file = { .url = "F1", .size = 1 };
	struct asking *a = *state;
	struct incoming in = says("eve", "room", "a", "link x");
	int64_t id;

	in.flags = INCOMING_COMMAND;
	id = ask_accept(a, &in, true)->inbox_id;
	a->waiting++;
	store_admit(a->store, &(struct store_admission){ .inbox_id = id, .code_hash = hash }, on_accepted, a,
		    1);
	asking_wait(a);
	ask_refuse(a, &(struct store_refusal){ .inbox_id = id, .reason = "x", .wrong_code = true });
	in = says("ann", "room", "m", "hello");
	in.semantic_key = "m";
	in.files = &file;
	in.file_count = 1;
	id = answer_with(a, ask_accept(a, &in, true)->turn->id, "x", true)->reply->id;
	a->waiting += 4;
	store_report(a->store, "uploads_waiting", NULL, 0, on_act, a, 1);
	store_hold(a->store, id, "7", on_done, a, 1);
	store_act(a->store, "language", who, 1, on_act, a, 1);
	store_report(a->store, "language_of", who, 1, on_act, a, 1);
	asking_wait(a);
	change(a, INCOMING_MOVED, "b", "elsewhere");
	change(a, INCOMING_DELETED, "c", "m");
	assert_string_equal(offence, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_step_reads_a_whole_table, open_case, close_case),
		cmocka_unit_test_setup_teardown(changes_do_not_either, open_case, close_case),
		cmocka_unit_test_setup_teardown(nor_do_moves_and_codes, open_case, close_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
