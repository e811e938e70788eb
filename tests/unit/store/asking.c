/* The store's questions as blocking calls on real files and a real loop. */
#include "asking.h"
#include "crypto.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void open_store(struct asking *asking)
{
	const struct store_options options = { .url = asking->url };
	struct err err = { 0 };

	asking->store = store_open(io_loop(asking->io), &options, &err);
	if (asking->store == NULL)
		fail_msg("%s", err.text);
}

struct asking *asking_create(void)
{
	struct asking *asking = mem_zero(1, sizeof(*asking));
	struct err err = { 0 };
	const char *tmp = getenv("TMPDIR");

	asking->room = arena_create();
	asking->folder = mem_format("%s/usher-store-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(asking->folder));
	asking->url = mem_format("sqlite:%s/usher.db", asking->folder);
	asking->io = io_create(&err);
	if (asking->io == NULL)
		fail_msg("%s", err.text);
	open_store(asking);
	return asking;
}

void asking_destroy(struct asking *asking)
{
	static const char *const files[] = { "usher.db", "usher.db-wal", "usher.db-shm", "usher.db.lock",
					     "usher.db-lock" };

	store_close(asking->store);
	io_destroy(asking->io);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = mem_format("%s/%s", asking->folder, files[i]);

		unlink(path);
		free(path);
	}
	rmdir(asking->folder);
	arena_destroy(asking->room);
	free(asking->folder);
	free(asking->url);
	free(asking);
}

void asking_restart(struct asking *asking)
{
	store_close(asking->store);
	open_store(asking);
}

void asking_crash(struct asking *asking)
{
	asking_sql(asking, "CREATE TABLE crashed AS SELECT id, attempts FROM inbox WHERE state = 'claimed'");
	asking_restart(asking);
	asking_sql(asking, "UPDATE inbox SET state = 'claimed',"
			   " attempts = (SELECT c.attempts FROM crashed c WHERE c.id = inbox.id)"
			   " WHERE id IN (SELECT id FROM crashed); DROP TABLE crashed");
}

static void too_late(void *data)
{
	struct asking *asking = data;

	io_stop(asking->io);
}

void asking_wait(struct asking *asking)
{
	struct loop_timer *limit = loop_timer_create(io_loop(asking->io), too_late, asking);

	loop_timer_start(limit, 120000, 0);
	if (asking->waiting)
		io_run(asking->io);
	loop_timer_destroy(limit);
	assert_int_equal(asking->waiting, 0);
}

static void answered(struct asking *asking, const struct err *err, void *got)
{
	if (err->kind == ERR_BUG)
		print_error("%s\n", err->text);
	asking->err = *err;
	asking->got = got;
	if (--asking->waiting == 0)
		io_stop(asking->io);
}

static void *wait_for(struct asking *asking)
{
	asking_wait(asking);
	return asking->got;
}

/* ---- questions
 * ----------------------------------------------------------------------------------------------- */

static void on_accepted(void *owner, uint64_t ticket, const struct err *err, const struct store_accepted *a)
{
	struct asking *asking = owner;

	(void)ticket;
	answered(asking, err, copy_accepted(asking->room, a));
}

const struct store_accepted *ask_accept(struct asking *asking, const struct incoming *in, bool may_claim)
{
	char uuid[CRYPTO_UUID_SIZE];
	const struct store_accept ask = { .uuid = crypto_uuid(uuid),
					  .platform = "webhook",
					  .installation = "crm",
					  .in = in,
					  .may_claim = may_claim,
					  .over_before_ms = asking->over_before_ms };

	asking->waiting++;
	store_accept(asking->store, &ask, on_accepted, asking, 1);
	return wait_for(asking);
}

const struct store_accepted *ask_admit(struct asking *asking, int64_t inbox_id, bool may_claim)
{
	asking->waiting++;
	store_admit(asking->store, &(struct store_admission){ .inbox_id = inbox_id, .may_claim = may_claim },
		    on_accepted, asking, 1);
	return wait_for(asking);
}

static void on_turn(void *owner, uint64_t ticket, const struct err *err, const struct store_turn *turn)
{
	struct asking *asking = owner;

	(void)ticket;
	answered(asking, err, copy_turn(asking->room, turn));
}

const struct store_turn *ask_claim(struct asking *asking, int64_t conversation_id)
{
	asking->waiting++;
	store_claim(asking->store, conversation_id, on_turn, asking, 1);
	return wait_for(asking);
}

static struct ai_message keep_message(struct arena *room, const struct ai_message *message)
{
	struct ai_past_call *calls = arena_alloc(room, message->call_count * sizeof(*calls));
	struct ai_message copy = *message;

	for (size_t i = 0; i < message->call_count; i++)
		calls[i] = (struct ai_past_call){ message->calls[i].round,
						  arena_text(room, message->calls[i].id),
						  arena_text(room, message->calls[i].tool),
						  arena_text(room, message->calls[i].arguments),
						  arena_text(room, message->calls[i].result) };
	copy.text = arena_text(room, message->text);
	copy.calls = calls;
	return copy;
}

static void on_recalled(void *owner, uint64_t ticket, const struct err *err, const struct store_recalled *r)
{
	struct asking *asking = owner;
	struct store_recalled *copy = NULL;

	(void)ticket;
	if (r) {
		struct ai_message *history = arena_alloc(asking->room, r->count * sizeof(*history));
		const char **said = arena_alloc(asking->room, r->said_count * sizeof(*said));

		copy = arena_alloc(asking->room, sizeof(*copy));
		*copy = *r;
		for (size_t i = 0; i < r->count; i++)
			history[i] = keep_message(asking->room, &r->history[i]);
		copy->history = history;
		for (size_t i = 0; i < r->said_count; i++)
			said[i] = arena_text(asking->room, r->said[i]);
		copy->said = said;
		copy->model = arena_text(asking->room, r->model);
		copy->system_prompt = arena_text(asking->room, r->system_prompt);
		copy->language = arena_text(asking->room, r->language);
		copy->summary = arena_text(asking->room, r->summary);
	}
	answered(asking, err, copy);
}

const struct store_recalled *ask_recall(struct asking *asking, int64_t conversation_id, int64_t turn_id,
					unsigned limit)
{
	asking->waiting++;
	store_recall(asking->store, conversation_id, turn_id, limit, true, on_recalled, asking, 1);
	return wait_for(asking);
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	(void)ticket;
	answered(owner, err, NULL);
}

void ask_journal(struct asking *asking, int64_t turn_id, const struct ai_step *steps, size_t step_count,
		 const struct ai_attempt *attempts, size_t attempt_count)
{
	asking->waiting++;
	store_journal(asking->store, turn_id, steps, step_count, attempts, attempt_count, on_done, asking, 1);
	asking_wait(asking);
}

static void on_answered(void *owner, uint64_t ticket, const struct err *err, const struct store_answered *a)
{
	struct asking *asking = owner;
	struct store_answered *copy = NULL;

	(void)ticket;
	if (a) {
		copy = arena_alloc(asking->room, sizeof(*copy));
		copy->ended = copy_outgoing(asking->room, a->ended);
		copy->reply = copy_reply(asking->room, a->reply);
		copy->next = copy_turn(asking->room, a->next);
		copy->waiting = a->waiting;
	}
	answered(asking, err, copy);
}

const struct store_answered *ask_answer(struct asking *asking, const struct store_answer *answer)
{
	asking->waiting++;
	store_answer(asking->store, answer, on_answered, asking, 1);
	return wait_for(asking);
}

const struct store_answered *answer_with(struct asking *asking, int64_t turn_id, const char *text,
					 bool claim_next)
{
	const struct ai_attempt attempt = {
		.provider = "openai",
		.model = "small",
		.input = "question",
		.output = text,
		.input_tokens = 100,
		.output_tokens = 20,
		.cached_tokens = -1,
		.cost_micros = 1500,
		.latency_ms = 250,
		.first_token_ms = 90,
	};
	const struct ai_result result = {
		.text = text,
		.tool_calls = "[]",
		.request = "{\"messages\":[]}",
		.raw = "raw",
		.model = "small",
		.attempts = &attempt,
		.attempt_count = 1,
	};
	const struct store_answer answer = {
		.turn_id = turn_id,
		.state = MESSAGE_ANSWERED,
		.text = text,
		.result = &result,
		.started_ms = clock_wall_ms(),
		.claim_next = claim_next,
		.expire_s = 600,
	};

	return ask_answer(asking, &answer);
}

static void on_found(void *owner, uint64_t ticket, const struct err *err, const struct outgoing *out)
{
	struct asking *asking = owner;

	(void)ticket;
	answered(asking, err, copy_outgoing(asking->room, out));
}

const struct outgoing *ask_look(struct asking *asking, const char *uuid)
{
	asking->waiting++;
	store_look(asking->store, "webhook", "crm", uuid, on_found, asking, 1);
	return wait_for(asking);
}

static void on_recovered(void *owner, uint64_t ticket, const struct err *err, const struct store_recovered *r)
{
	struct asking *asking = owner;
	struct store_recovered *copy = NULL;

	(void)ticket;
	if (r) {
		int64_t *conversations =
			arena_alloc(asking->room, r->conversation_count * sizeof(*conversations));
		int64_t *resting = arena_alloc(asking->room, r->resting_count * sizeof(*resting));
		struct store_accepted *unplaced =
			arena_alloc(asking->room, r->unplaced_count * sizeof(*unplaced));

		copy = arena_alloc(asking->room, sizeof(*copy));
		*copy = *r;
		for (size_t i = 0; i < r->conversation_count; i++)
			conversations[i] = r->conversations[i];
		for (size_t i = 0; i < r->resting_count; i++)
			resting[i] = r->resting[i];
		for (size_t i = 0; i < r->unplaced_count; i++)
			unplaced[i] = *copy_accepted(asking->room, &r->unplaced[i]);
		copy->conversations = conversations;
		copy->resting = resting;
		copy->unplaced = unplaced;
		copy->unplaced_platforms = copy_texts(asking->room, r->unplaced_platforms, r->unplaced_count);
		copy->unplaced_installations =
			copy_texts(asking->room, r->unplaced_installations, r->unplaced_count);
	}
	answered(asking, err, copy);
}

const struct store_recovered *ask_recover(struct asking *asking, const char *resends)
{
	asking->waiting++;
	store_recover(asking->store, &resends, resends != NULL, on_recovered, asking, 1);
	return wait_for(asking);
}

void ask_sent(struct asking *asking, int64_t reply_id, enum reply_state state, int64_t next_ms)
{
	const struct store_sent sent = { .reply_id = reply_id, .state = state, .next_ms = next_ms };

	asking->waiting++;
	store_sent(asking->store, &sent, on_done, asking, 1);
	asking_wait(asking);
}

void ask_sent_unsure(struct asking *asking, int64_t reply_id, int64_t next_ms)
{
	const struct store_sent sent = {
		.reply_id = reply_id, .state = REPLY_PENDING, .next_ms = next_ms, .unsure = true
	};

	asking->waiting++;
	store_sent(asking->store, &sent, on_done, asking, 1);
	asking_wait(asking);
}

void ask_sent_waits(struct asking *asking, int64_t reply_id, int64_t next_ms)
{
	const struct store_sent sent = {
		.reply_id = reply_id, .state = REPLY_PENDING, .next_ms = next_ms, .waits = true
	};

	asking->waiting++;
	store_sent(asking->store, &sent, on_done, asking, 1);
	asking_wait(asking);
}

static void on_due(void *owner, uint64_t ticket, const struct err *err, const struct store_reply *replies,
		   size_t count, int64_t next_ms)
{
	struct asking *asking = owner;
	struct asked_due *copy = arena_alloc(asking->room, sizeof(*copy));

	(void)ticket;
	assert_true(count <= 16);
	for (size_t i = 0; i < count; i++)
		copy->replies[i] = *copy_reply(asking->room, &replies[i]);
	copy->count = count;
	copy->next_ms = next_ms;
	answered(asking, err, copy);
}

const struct asked_due *ask_due(struct asking *asking, size_t limit)
{
	asking->waiting++;
	store_due(asking->store, limit, on_due, asking, 1);
	return wait_for(asking);
}

static void on_ended(void *owner, uint64_t ticket, const struct err *err, const struct store_reply *reply,
		     const struct outgoing *ended)
{
	struct asking *asking = owner;
	struct asked_refusal *copy = arena_alloc(asking->room, sizeof(*copy));

	(void)ticket;
	copy->reply = copy_reply(asking->room, reply);
	copy->ended = copy_outgoing(asking->room, ended);
	answered(asking, err, copy);
}

const struct asked_refusal *ask_refuse(struct asking *asking, const struct store_refusal *refusal)
{
	asking->waiting++;
	store_refuse(asking->store, refusal, on_ended, asking, 1);
	return wait_for(asking);
}

/* ---- beside the contract
 * ------------------------------------------------------------------------------------- */

struct sql_ask {
	const char *sql;
};

static bool run_sql(struct db *db, struct job *job, struct err *err)
{
	const struct sql_ask *ask = job->ask;

	return db_script(db, ask->sql, err);
}

static void give_sql(struct job *job)
{
	answered(job->owner, &job->err, NULL);
}

void asking_sql(struct asking *asking, const char *sql)
{
	struct job *job = job_create(JOB_WRITE, run_sql, give_sql, sizeof(struct sql_ask), asking, 0);

	*(struct sql_ask *)job->ask = (struct sql_ask){ .sql = job_text(job, sql) };
	asking->waiting++;
	store_ask(asking->store, job);
	asking_wait(asking);
	if (asking->err.kind != ERR_NONE)
		fail_msg("%s", asking->err.text);
}

static bool run_text(struct db *db, struct job *job, struct err *err)
{
	const struct sql_ask *ask = job->ask;
	struct query query;

	db_query(db, &query, ask->sql, "");
	if (db_row(&query))
		job->answer = arena_text(job->room, db_text(&query, 0));
	return db_end(&query, err);
}

static void give_text(struct job *job)
{
	struct asking *asking = job->owner;

	answered(asking, &job->err, arena_text(asking->room, job->answer));
}

const char *asking_text(struct asking *asking, const char *sql)
{
	struct job *job = job_create(JOB_READ, run_text, give_text, sizeof(struct sql_ask), asking, 0);

	*(struct sql_ask *)job->ask = (struct sql_ask){ .sql = job_text(job, sql) };
	asking->waiting++;
	store_ask(asking->store, job);
	asking_wait(asking);
	if (asking->err.kind != ERR_NONE)
		fail_msg("%s", asking->err.text);
	return asking->got;
}

int64_t asking_int(struct asking *asking, const char *sql)
{
	const char *text = asking_text(asking, sql);

	return text ? strtoll(text, NULL, 10) : 0;
}

static size_t count_in_file(const char *path, const char *word)
{
	FILE *file = fopen(path, "rb");
	size_t count = 0, len = strlen(word), size;
	char *bytes;

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(size + 1);
	assert_int_equal(fread(bytes, 1, size, file), size);
	fclose(file);
	for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), word, len)) != NULL; at += len)
		count++;
	free(bytes);
	return count;
}

size_t asking_bytes(const struct asking *asking, const char *word)
{
	DIR *folder = opendir(asking->folder);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		char path[1024];

		if (entry->d_type != DT_REG)
			continue;
		snprintf(path, sizeof(path), "%s/%s", asking->folder, entry->d_name);
		count += count_in_file(path, word);
	}
	closedir(folder);
	return count;
}
