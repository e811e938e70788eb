/* The way of a file that came with a message, from its row to the delivery of what was made of it. */
#include "asking.h"
#include "buf.h"
#include "store_audit.h"
#include "store_imports.h"
#include "store_install.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

static void end(struct asking *a, const struct err *err, void *got)
{
	a->err = *err;
	a->got = got;
	if (--a->waiting == 0)
		io_stop(a->io);
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	(void)ticket;
	end(owner, err, NULL);
}

static enum err_kind step(struct asking *a, const struct store_import_step *step)
{
	a->waiting++;
	store_import_step(a->store, step, on_done, a, 1);
	asking_wait(a);
	return a->err.kind;
}

static enum err_kind fetched(struct asking *a, int64_t id, const char *sha256)
{
	return step(a,
		    &(struct store_import_step){
			    .id = id, .state = IMPORT_FETCHED, .sha256 = sha256, .size = 10, .stored = 20 });
}

static enum err_kind checked(struct asking *a, int64_t id)
{
	return step(a, &(struct store_import_step){
			       .id = id, .state = IMPORT_CHECKED, .kind = "text", .mime = "text/plain" });
}

static enum err_kind failed(struct asking *a, int64_t id)
{
	return step(a,
		    &(struct store_import_step){
			    .id = id, .state = IMPORT_FAILED, .code = "damaged", .error = "it is damaged" });
}

static char *lay_chunks(struct asking *a, const char *text)
{
	char *path = mem_format("%s/chunks", a->folder);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static enum err_kind extracted(struct asking *a, int64_t id, const char *chunks)
{
	char *path = lay_chunks(a, chunks);

	a->waiting++;
	store_import_extracted(a->store, id, "{\"kind\":\"text\"}", path, on_done, a, 1);
	asking_wait(a);
	unlink(path);
	free(path);
	return a->err.kind;
}

static void on_output(void *owner, uint64_t ticket, const struct err *err, int64_t output_id)
{
	struct asking *a = owner;
	int64_t *copy = arena_alloc(a->room, sizeof(*copy));

	(void)ticket;
	*copy = output_id;
	end(a, err, copy);
}

static int64_t output(struct asking *a, const char *key, int64_t import_id, int64_t turn_id, int64_t quota)
{
	const char *org = asking_text(a, "SELECT id FROM organizations");
	const struct store_reach reach = { .org_id = org,
					   .profile_id =
						   asking_text(a, "SELECT id FROM user_profiles LIMIT 1") };

	a->waiting++;
	store_output(a->store,
		     &(struct store_output){ .reach = &reach,
					     .import_id = import_id,
					     .turn_id = turn_id,
					     .key = key,
					     .name = "out.json",
					     .format = "json",
					     .mime = "application/json",
					     .sha256 = HASH_B,
					     .report = "{\"rows_in\":3,\"rows_out\":2,\"rows_refused\":1}",
					     .bytes = 5,
					     .stored = 6,
					     .quota = quota,
					     .content = "[1]" },
		     on_output, a, 1);
	asking_wait(a);
	return *(const int64_t *)a->got;
}

struct listed {
	struct store_import imports[40];
	size_t count;
};

static void on_list(void *owner, uint64_t ticket, const struct err *err, const struct store_import *imports,
		    size_t count)
{
	struct asking *a = owner;
	struct listed *copy = arena_alloc(a->room, sizeof(*copy));

	(void)ticket;
	for (size_t i = 0; i < count; i++) {
		copy->imports[i] = imports[i];
		copy->imports[i].name = arena_text(a->room, imports[i].name);
	}
	copy->count = count;
	end(a, err, copy);
}

static const struct listed *list(struct asking *a, const char *const *uuids, size_t count)
{
	a->waiting++;
	store_imports(a->store, uuids, count, on_list, a, 1);
	asking_wait(a);
	return a->got;
}

static void on_blobs(void *owner, uint64_t ticket, const struct err *err, const struct store_blob *blobs,
		     size_t count)
{
	struct asking *a = owner;

	(void)ticket;
	(void)blobs;
	end(a, err, NULL);
	a->got = arena_alloc(a->room, sizeof(size_t));
	*(size_t *)a->got = count;
}

static size_t unnamed(struct asking *a)
{
	a->waiting++;
	store_blobs_unnamed(a->store, 10, on_blobs, a, 1);
	asking_wait(a);
	return *(size_t *)a->got;
}

static struct incoming with_files(const char *key)
{
	static const struct message_file files[] = { { .url = "F1", .name = "one.txt", .size = 10 },
						     { .url = "F2", .size = -1 } };
	struct incoming in = says("ann", "room", key, "see");

	in.semantic_key = key;
	in.files = files;
	in.file_count = 2;
	in.reply_to = "there";
	return in;
}

static const struct store_accepted *say(struct asking *a, const char *key)
{
	struct incoming in = with_files(key);

	return ask_accept(a, &in, true);
}

static const char *states(struct asking *a)
{
	return asking_text(a,
			   "SELECT group_concat(\"processingStatus\") FROM (SELECT * FROM \"LLMAgentImport\""
			   " ORDER BY id)");
}

static int64_t count(struct asking *a, const char *table)
{
	return asking_int(a, arena_format(a->room, "SELECT count(*) FROM %s", table));
}

#define ONE_CHUNK "{\"place\":\"lines 1-2\",\"text\":\"Hello there\"}\n"

static void read_whole(struct asking *a, int64_t id)
{
	assert_int_equal(fetched(a, id, HASH_A), ERR_NONE);
	assert_int_equal(checked(a, id), ERR_NONE);
	assert_int_equal(extracted(a, id, ONE_CHUNK), ERR_NONE);
}

/* ---- the way ------------------------------------------------------------------------------------------------ */

/* A file is on record with its message, so that a crash at any time later finds it again. */
static void a_message_makes_its_imports(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *got = say(a, "m1");
	const struct listed *listed = list(a, &got->uuid, 1);

	assert_int_equal(listed->count, 2);
	assert_string_equal(listed->imports[0].name, "one.txt");
	assert_int_equal(listed->imports[0].size, 10);
	assert_string_equal(listed->imports[1].name, "file");
	assert_int_equal(listed->imports[1].size, -1);
	assert_int_equal(listed->imports[1].index, 1);
	assert_string_equal(states(a), "received,received");
	say(a, "m1"); /* the same delivery again */
	assert_int_equal(count(a, "\"LLMAgentImport\""), 2);
	assert_int_equal(asking_int(a,
				    "SELECT count(*) FROM \"LLMAgentImport\" WHERE \"llmConversationId\" = 1"
				    " AND \"userId\" IS NOT NULL"),
			 2);
}

/* Files of strangers are nobody's imports before the stranger is let in. */
static void a_stranger_has_none_before_being_let_in(void **state)
{
	struct asking *a = *state;
	struct incoming in = with_files("s1");
	const struct store_accepted *got = (in.sender = "bob", ask_accept(a, &in, true));

	assert_int_equal(count(a, "\"LLMAgentImport\""), 0);
	ask_admit(a, got->inbox_id, true);
	assert_string_equal(states(a), "received,received");
}

/* Each step that was made is made, however often it is told; none goes back or skips the one before. */
static void steps_go_on_and_never_back(void **state)
{
	struct asking *a = *state;

	say(a, "m1");
	assert_int_equal(checked(a, 1), ERR_REFUSED);
	assert_int_equal(extracted(a, 1, ONE_CHUNK), ERR_REFUSED);
	assert_int_equal(fetched(a, 1, HASH_A), ERR_NONE);
	assert_int_equal(extracted(a, 1, ONE_CHUNK), ERR_REFUSED);
	asking_crash(a);
	assert_int_equal(fetched(a, 1, HASH_A), ERR_NONE);
	assert_int_equal(checked(a, 1), ERR_NONE);
	asking_crash(a);
	assert_int_equal(fetched(a, 1, HASH_A), ERR_NONE);
	assert_int_equal(checked(a, 1), ERR_NONE);
	assert_int_equal(extracted(a, 1, ONE_CHUNK), ERR_NONE);
	assert_int_equal(extracted(a, 1, ONE_CHUNK), ERR_NONE);
	assert_int_equal(count(a, "knowledge"), 1);
	assert_int_equal(failed(a, 2), ERR_NONE);
	assert_int_equal(fetched(a, 2, HASH_A), ERR_GONE);
	assert_int_equal(fetched(a, 99, HASH_A), ERR_GONE);
	assert_string_equal(states(a), "extracted,failed");
	assert_int_equal(count(a, "blobs"), 1);
	assert_string_equal(asking_text(a, "SELECT group_concat(interaction_type || success || error_message)"
					   " FROM ai_agent_interactions WHERE interaction_type = 'import'"),
			    "import0damaged");
}

/* A file of more pieces than one transaction takes; the process dies in the middle and it begins anew. */
static void many_pieces_survive_a_crash(void **state)
{
	struct asking *a = *state;
	struct buf chunks = { 0 };

	for (int i = 0; i < 1050; i++)
		buf_format(&chunks, "{\"place\":\"line %d\",\"text\":\"word%d of many\"}\n", i, i);
	say(a, "m1");
	fetched(a, 1, HASH_A);
	checked(a, 1);
	asking_sql(a,
		   "INSERT INTO knowledge (import_id, ord, place, text) VALUES (1, 0, 'x', 'left over');"
		   "INSERT INTO knowledge (import_id, ord, place, text) VALUES (1, 700, 'x', 'left over')");
	assert_int_equal(extracted(a, 1, buf_str(&chunks)), ERR_NONE);
	assert_int_equal(count(a, "knowledge"), 1050);
	assert_int_equal(count(a, "knowledge_words"), 1050);
	assert_int_equal(asking_int(a, "SELECT max(ord) FROM knowledge"), 1049);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM knowledge WHERE text = 'left over'"), 0);
	buf_free(&chunks);
}

/* What a broken parser writes is not taken in, and the import may still fail properly. */
static void pieces_that_are_none_are_refused(void **state)
{
	struct asking *a = *state;

	say(a, "m1");
	fetched(a, 1, HASH_A);
	checked(a, 1);
	assert_int_equal(extracted(a, 1, ONE_CHUNK "{\"place\":\"x\"}\n"), ERR_REFUSED);
	assert_int_equal(extracted(a, 1, "what"), ERR_REFUSED);
	assert_int_equal(failed(a, 1), ERR_NONE);
	assert_int_equal(extracted(a, 1, ONE_CHUNK), ERR_GONE);
}

/* ---- the answer --------------------------------------------------------------------------------------------- */

/* Processed with the answer, delivered when the last of it has arrived: text, then each file. */
static void delivered_is_what_arrived(void **state)
{
	struct asking *a = *state;
	int64_t turn = say(a, "m1")->turn->id;
	const struct store_answered *done;
	const struct asked_due *due;

	read_whole(a, 1);
	assert_int_equal(output(a, "call-1", 1, turn, 0), 1);
	assert_int_equal(output(a, "call-1", 1, turn, 0), 1); /* the call is made again after a crash */
	assert_int_equal(output(a, "call-2", 0, turn, 0), 2);
	done = answer_with(a, turn, "Here.", false);
	assert_string_equal(states(a), "processed,failed");
	assert_string_equal(asking_text(a, "SELECT \"errorCode\" FROM \"LLMAgentImport\" WHERE id = 2"),
			    "not_read");
	assert_int_equal(done->reply->out.parts, 3);
	assert_null(done->reply->file);
	ask_sent(a, done->reply->id, REPLY_SENT, 0);
	due = ask_due(a, 4);
	assert_int_equal(due->count, 1);
	assert_non_null(due->replies[0].file);
	assert_null(due->replies[0].out.text);
	assert_int_equal(due->replies[0].out.part, 1);
	ask_sent(a, due->replies[0].id, REPLY_SENT, 0);
	assert_string_equal(states(a), "processed,failed");
	due = ask_due(a, 4);
	assert_int_equal(due->count, 1);
	ask_sent(a, due->replies[0].id, REPLY_SENT, 0);
	assert_string_equal(states(a), "delivered,failed");
	assert_int_equal(ask_due(a, 4)->count, 0);
	assert_int_equal(asking_int(a, "SELECT count(DISTINCT uuid) FROM outbox WHERE output_id IS NOT NULL"),
			 2);
	assert_string_equal(
		asking_text(a, "SELECT \"outputFormat\" || \"outputContent\" || \"rowsIn\" || \"rowsOut\" ||"
			       " \"rowsRefused\" FROM \"LLMAgentImport\" WHERE id = 1"),
		"json[1]321");
}

/* A file that the platform refuses: the others arrive, the import is not said to be delivered before it did. */
static void a_file_that_is_refused_stops_no_other(void **state)
{
	struct asking *a = *state;
	int64_t turn = say(a, "m1")->turn->id;
	const struct store_answered *done;

	read_whole(a, 1);
	output(a, "call-1", 1, turn, 0);
	output(a, "call-2", 1, turn, 0);
	done = answer_with(a, turn, "Here.", false);
	ask_sent(a, done->reply->id, REPLY_SENT, 0);
	ask_sent(a, ask_due(a, 4)->replies[0].id, REPLY_REJECTED, 0);
	ask_sent(a, ask_due(a, 4)->replies[0].id, REPLY_SENT, 0);
	assert_string_equal(states(a), "processed,failed");
	asking_sql(a, "UPDATE outbox SET state = 'pending', reason = NULL WHERE id = 2");
	ask_sent(a, ask_due(a, 4)->replies[0].id, REPLY_SENT, 0);
	assert_string_equal(states(a), "delivered,failed");
}

/* Who fetches the answer has it with T4. */
static void a_fetched_answer_is_delivered_at_once(void **state)
{
	struct asking *a = *state;
	struct incoming in = with_files("m1");
	const struct store_accepted *said = (in.reply_to = NULL, ask_accept(a, &in, true));
	static const char files[] = "[{\"name\":\"out.json\",\"mime\":\"application/json\",\"size\":5,";

	read_whole(a, 1);
	output(a, "k", 1, said->turn->id, 0);
	answer_with(a, said->turn->id, "Here.", false);
	assert_string_equal(states(a), "delivered,failed");
	assert_memory_equal(ask_look(a, said->uuid)->files, files, strlen(files));
	assert_int_equal(failed(a, 1), ERR_GONE);
}

/* ---- going -------------------------------------------------------------------------------------------------- */

/* A file sent by mistake and taken back is gone with every word of it, what was made of it, and is not sent any more. */
static void taking_back_takes_everything(void **state)
{
	struct asking *a = *state;
	int64_t turn = say(a, "m1")->turn->id;
	struct incoming in = says("ann", "room", "d1", NULL);

	read_whole(a, 1);
	output(a, "call-1", 1, turn, 0);
	answer_with(a, turn, "Here.", false);
	in.kind = INCOMING_DELETED;
	in.target = "m1";
	assert_int_equal(unnamed(a), 0);
	ask_accept(a, &in, true);
	assert_int_equal(count(a, "\"LLMAgentImport\""), 0);
	assert_int_equal(count(a, "import_outputs"), 0);
	assert_int_equal(count(a, "knowledge"), 0);
	assert_int_equal(count(a, "knowledge_words"), 0);
	assert_string_equal(asking_text(a, "SELECT state || reason FROM outbox WHERE ord = 1"),
			    "cancelledfile deleted");
	assert_int_equal(unnamed(a), 2);
	assert_int_equal(count(a, "blobs"), 0);
}

/* An organisation can't fill the disk; the same content counts once. */
static void a_quota_holds(void **state)
{
	struct asking *a = *state;
	struct store_import_step it = {
		.id = 1, .state = IMPORT_FETCHED, .sha256 = HASH_A, .size = 10, .stored = 20, .quota = 12
	};

	say(a, "m1");
	assert_int_equal(step(a, &it), ERR_NONE);
	it.id = 2;
	assert_int_equal(step(a, &it), ERR_NONE);
	assert_int_equal(output(a, "k", 1, 0, 12), 0);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_false(store_gauges(a->store).full);
	it.sha256 = HASH_B;
	assert_int_equal(step(a, &it), ERR_REFUSED);
	assert_int_equal(asking_int(a, "SELECT sum(bytes) FROM blobs"), 10);
	assert_int_equal(output(a, "k", 1, 0, 15), 1);
	assert_true(asking_int(a, "SELECT min(bytes) FROM blobs") > 0);
	assert_int_equal(unnamed(a), 0);
}

/* What was kept before it was known that nothing may name it does not stay on the disk. */
static void what_was_kept_in_vain_goes(void **state)
{
	struct asking *a = *state;
	struct store_import_step it = {
		.id = 1, .state = IMPORT_FETCHED, .sha256 = HASH_A, .size = 10, .stored = 20, .quota = 5
	};

	say(a, "m1");
	assert_int_equal(step(a, &it), ERR_REFUSED);
	assert_int_equal(unnamed(a), 1);
	assert_int_equal(
		step(a, &(struct store_import_step){ .id = 1, .state = IMPORT_FAILED, .code = "cancelled" }),
		ERR_NONE);
	assert_int_equal(step(a, &it), ERR_GONE);
	assert_int_equal(unnamed(a), 1);
	it.id = 999;
	it.org_id = asking_text(a, "SELECT id FROM organizations");
	assert_int_equal(step(a, &it), ERR_GONE);
	assert_int_equal(unnamed(a), 1);
	assert_int_equal(output(a, "k", 999, 0, 0), 0);
	assert_int_equal(a->err.kind, ERR_GONE);
	assert_int_equal(unnamed(a), 1);
	assert_int_equal(count(a, "blobs"), 0);
}

static void on_retained(void *owner, uint64_t ticket, const struct err *err, bool more)
{
	(void)ticket;
	(void)more;
	end(owner, err, NULL);
}

/* What is older than the days that were set goes; what is under way stays, however old. */
static void old_imports_go(void **state)
{
	struct asking *a = *state;
	int64_t turn = say(a, "m1")->turn->id;

	read_whole(a, 1);
	output(a, "k1", 1, turn, 0);
	output(a, "k2", 0, turn, 0);
	answer_with(a, turn, "Here.", false);
	say(a, "m2");
	asking_sql(a, "UPDATE outbox SET state = 'sent', sent_at = created_at");
	asking_sql(a, "UPDATE \"LLMAgentImport\" SET \"createdAt\" = '2020-01-01T00:00:00.000Z';"
		      "UPDATE import_outputs SET created_at = '2020-01-01T00:00:00.000Z'");
	a->waiting++;
	store_retain(a->store, &(struct store_retention){ .import_days = 30 }, on_retained, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(states(a), "received,received");
	assert_int_equal(count(a, "import_outputs"), 0);
	assert_int_equal(count(a, "knowledge_words"), 0);
	assert_int_equal(unnamed(a), 2);
}

/* A message that could not be answered takes its files along, and says so; each end is on record once. */
static void what_is_not_answered_has_failed(void **state)
{
	struct asking *a = *state;
	const struct store_answer answer = { .turn_id = say(a, "m1")->turn->id,
					     .state = MESSAGE_FAILED,
					     .reason = "failed",
					     .text = "Sorry." };

	read_whole(a, 1);
	ask_answer(a, &answer);
	assert_string_equal(states(a), "failed,failed");
	assert_string_equal(asking_text(a, "SELECT group_concat(error_message) FROM ai_agent_interactions"
					   " WHERE interaction_type = 'import' AND seq IS NOT NULL"),
			    "not_answered,not_answered");
}

/* An installation that goes takes no import along into nowhere. */
static void those_of_a_removed_place_end(void **state)
{
	struct asking *a = *state;

	say(a, "m1");
	say(a, "m2"); /* waits behind it */
	a->waiting++;
	store_remove(a->store, "webhook", "crm", "gone", on_done, a, 1);
	asking_wait(a);
	assert_string_equal(states(a), "received,received,failed,failed");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(a_message_makes_its_imports),
		CASE(a_stranger_has_none_before_being_let_in),
		CASE(steps_go_on_and_never_back),
		CASE(many_pieces_survive_a_crash),
		CASE(pieces_that_are_none_are_refused),
		CASE(delivered_is_what_arrived),
		CASE(a_file_that_is_refused_stops_no_other),
		CASE(a_fetched_answer_is_delivered_at_once),
		CASE(taking_back_takes_everything),
		CASE(a_quota_holds),
		CASE(what_was_kept_in_vain_goes),
		CASE(old_imports_go),
		CASE(what_is_not_answered_has_failed),
		CASE(those_of_a_removed_place_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
