/* The store as a machine: many questions at once, neighbours that fail, a full disk, a broken one, the end.
 */
#include "asking.h"
#include "crypto.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int open_case(void **state)
{
	*state = asking_create();
	asking_know(*state, "ann");
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

/* ---- many at once
 * -------------------------------------------------------------------------------------------- */

enum { PLACES = 50, EACH = 20 };

struct crowd {
	struct asking *asking;
	int seen[PLACES]; /* messages of each conversation that were answered */
	int answers, wrong;
};

static void crowd_answered(void *owner, uint64_t ticket, const struct err *err,
			   const struct store_answered *a);

static void crowd_begin(struct crowd *crowd, const struct store_turn *turn)
{
	struct store_answer answer = {
		.turn_id = turn->id, .state = MESSAGE_ANSWERED, .text = turn->text, .claim_next = true
	};
	int place = 0, number = -1;

	if (sscanf(turn->text, "%d/%d", &place, &number) != 2 || number != crowd->seen[place]++)
		crowd->wrong++;
	crowd->asking->waiting++;
	store_answer(crowd->asking->store, &answer, crowd_answered, crowd, 0);
}

static void crowd_step(struct crowd *crowd, const struct store_turn *turn)
{
	if (turn)
		crowd_begin(crowd, turn);
	if (--crowd->asking->waiting == 0)
		io_stop(crowd->asking->io);
}

static void crowd_sent(void *owner, uint64_t ticket, const struct err *err)
{
	struct crowd *crowd = owner;

	(void)ticket;
	crowd->wrong += err->kind != ERR_NONE;
	crowd_step(crowd, NULL);
}

static void crowd_answered(void *owner, uint64_t ticket, const struct err *err,
			   const struct store_answered *a)
{
	struct crowd *crowd = owner;

	(void)ticket;
	if (err->kind != ERR_NONE) {
		crowd->wrong++;
		crowd_step(crowd, NULL);
		return;
	}
	crowd->answers++;
	if (a->reply) {
		const struct store_sent sent = { .reply_id = a->reply->id, .state = REPLY_SENT };

		crowd->asking->waiting++;
		store_sent(crowd->asking->store, &sent, crowd_sent, crowd, 0);
	}
	crowd_step(crowd, a->next);
}

static void crowd_accepted(void *owner, uint64_t ticket, const struct err *err,
			   const struct store_accepted *a)
{
	struct crowd *crowd = owner;

	(void)ticket;
	crowd->wrong += err->kind != ERR_NONE || a->how != ACCEPT_NEW;
	crowd_step(crowd, err->kind == ERR_NONE ? a->turn : NULL);
}

static void crowd_say(struct crowd *crowd, int place, int number)
{
	char where[32], key[32], uuid[CRYPTO_UUID_SIZE];
	struct incoming in;
	const struct store_accept ask = { .uuid = crypto_uuid(uuid),
					  .platform = "webhook",
					  .installation = "crm",
					  .in = &in,
					  .may_claim = true };

	snprintf(where, sizeof(where), "place %d", place);
	snprintf(key, sizeof(key), "%d/%d", place, number);
	in = says("ann", where, key, key);
	in.flags = INCOMING_ALONE;
	crowd->asking->waiting++;
	store_accept(crowd->asking->store, &ask, crowd_accepted, crowd, 0);
}

/* Under load everybody gets one answer to everything, in order. */
static void thousand_messages(void **state)
{
	struct asking *a = *state;
	struct crowd crowd = { .asking = a };
	uint64_t commits = store_gauges(a->store).commits;

	for (int number = 0; number < EACH; number++)
		for (int place = 0; place < PLACES; place++)
			crowd_say(&crowd, place, number);
	assert_int_equal(store_gauges(a->store).queued, PLACES * EACH);
	assert_true(store_gauges(a->store).queued_bytes > PLACES * EACH * 100);
	asking_wait(a);
	assert_int_equal(crowd.wrong, 0);
	assert_int_equal(crowd.answers, PLACES * EACH);
	assert_int_equal(store_gauges(a->store).queued, 0);
	assert_int_equal(store_gauges(a->store).queued_bytes, 0);
	assert_true(store_gauges(a->store).commits - commits < PLACES * EACH); /* they shared commits */
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox WHERE state = 'answered'"), PLACES * EACH);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM \"LLMConversationMessage\" WHERE \"llmParsedOutput\" ="
			      " \"userPrompt\""),
		PLACES * EACH);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMConversation\""), PLACES);
}

/* ---- neighbours
 * ---------------------------------------------------------------------------------------------- */

struct poke_ask {
	int number;
	bool fail;
	enum err_kind kind;
};

struct poked {
	struct asking *asking;
	enum err_kind kinds[8];
	int runs[8];
};

static struct poked poked;

/* Writes a row, and then may fail all the same. */
static bool run_poke(struct db *db, struct job *job, struct err *err)
{
	const struct poke_ask *ask = job->ask;
	char *name = mem_format("org %d", ask->number);
	bool done = db_run(db, err, NULL, "INSERT INTO organizations (name) VALUES ($1)", "t", name);

	free(name);
	poked.runs[ask->number]++;
	job->answer = job->room;
	if (done && ask->fail)
		return err_set(err, ask->kind, "as asked");
	return done;
}

static void give_poke(struct job *job)
{
	const struct poke_ask *ask = job->ask;

	poked.kinds[ask->number] = job->err.kind;
	assert_int_equal(job->answer == NULL, job->err.kind != ERR_NONE);
	if (--poked.asking->waiting == 0)
		io_stop(poked.asking->io);
}

static void poke(struct asking *a, int number, bool fail, enum err_kind kind, enum job_way way)
{
	struct job *job = job_create(way, run_poke, give_poke, sizeof(struct poke_ask), NULL, 0);

	*(struct poke_ask *)job->ask = (struct poke_ask){ .number = number, .fail = fail, .kind = kind };
	poked.asking = a;
	a->waiting++;
	store_ask(a->store, job);
}

/* One question that can't be done leaves nothing behind and takes nobody with it. */
static void failure_is_alone(void **state)
{
	struct asking *a = *state;

	memset(&poked, 0, sizeof(poked));
	poke(a, 1, false, ERR_NONE, JOB_WRITE);
	poke(a, 2, true, ERR_REFUSED, JOB_WRITE);
	poke(a, 3, false, ERR_NONE, JOB_LAZY);
	poke(a, 4, true, ERR_NONE, JOB_WRITE); /* forgot to say why */
	poke(a, 5, false, ERR_NONE, JOB_WRITE);
	asking_wait(a);
	assert_int_equal(poked.kinds[1], ERR_NONE);
	assert_int_equal(poked.kinds[2], ERR_REFUSED);
	assert_int_equal(poked.kinds[3], ERR_NONE);
	assert_int_equal(poked.kinds[4], ERR_BUG);
	assert_int_equal(poked.kinds[5], ERR_NONE);
	assert_string_equal(
		asking_text(
			a,
			"SELECT group_concat(name, ',') FROM (SELECT name FROM organizations ORDER BY name)"),
		"default,org 1,org 3,org 5");
}

/* A read never changes anything, whatever it tries. */
static void readers_only_read(void **state)
{
	struct asking *a = *state;

	memset(&poked, 0, sizeof(poked));
	poke(a, 1, false, ERR_NONE, JOB_READ);
	asking_wait(a);
	assert_int_not_equal(poked.kinds[1], ERR_NONE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM organizations"), 1);
	assert_false(store_gauges(a->store).failed);
}

/* Marks that nobody waits for do not cost a sync of their own when others come along, and are not forgotten
 * when nobody does. */
static void lazy_ones_ride_along(void **state)
{
	struct asking *a = *state;
	enum { ROUNDS = 20 };
	uint64_t commits = store_gauges(a->store).commits;

	for (int i = 0; i < ROUNDS; i++) {
		memset(&poked, 0, sizeof(poked));
		poke(a, 1, true, ERR_REFUSED, JOB_LAZY);
		poke(a, 2, true, ERR_REFUSED, JOB_WRITE);
		asking_wait(a);
	}
	assert_true(store_gauges(a->store).commits - commits < 2 * ROUNDS);
	memset(&poked, 0, sizeof(poked));
	poke(a, 3, false, ERR_NONE, JOB_LAZY);
	asking_wait(a);
	assert_int_equal(poked.kinds[3], ERR_NONE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM organizations WHERE name = 'org 3'"), 1);
}

/* ---- the disk
 * ------------------------------------------------------------------------------------------------ */

/* While there is no space nothing is acknowledged; when there is again, everything goes on by itself. */
static void full_and_free_again(void **state)
{
	struct asking *a = *state;
	char *text = mem_alloc(60001), key[16], limit[60];
	int stored = 0, tries = 0;
	struct incoming in;

	memset(text, 'x', 60000);
	text[60000] = '\0';
	snprintf(limit, sizeof(limit), "PRAGMA max_page_count = %d",
		 (int)asking_int(a, "PRAGMA page_count") + 100);
	asking_sql(a, limit);
	for (int i = 0; i < 100 && a->err.kind == ERR_NONE; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		in = says("ann", key, key, text);
		ask_accept(a, &in, true);
		stored += a->err.kind == ERR_NONE;
	}
	assert_int_equal(a->err.kind, ERR_FULL);
	assert_true(store_gauges(a->store).full);
	assert_false(store_gauges(a->store).failed);
	assert_true(stored > 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox"), stored);
	in = says("ann", "small", "small", "not even this");
	ask_accept(a, &in, true);
	assert_int_equal(a->err.kind, ERR_FULL);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox"), stored);

	/* The limit is the connection's own, so lifting it needs a new one; a file system's lifts for
	 * everybody. */
	asking_restart(a);
	assert_false(store_gauges(a->store).full);
	do
		ask_accept(a, &in, true);
	while (a->err.kind == ERR_FULL && ++tries < 1000);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox"), stored + 1);
	free(text);
}

/* A disk that fails ends the writing at once: what was acknowledged before is there, what was not is refused.
 */
static void broken_disk_stops_everything(void **state)
{
	struct asking *a = *state;
	struct rlimit before, limit;
	struct incoming in = says("ann", "room", "k1", "stored"), lost = says("ann", "room", "k2", "refused");
	int64_t count;

	signal(SIGXFSZ, SIG_IGN);
	ask_accept(a, &in, true);
	assert_int_equal(a->err.kind, ERR_NONE);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 16384; /* less than the log already has: every further write fails */
	setrlimit(RLIMIT_FSIZE, &limit);
	ask_accept(a, &lost, true);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(a->err.kind, ERR_FATAL);
	assert_true(store_gauges(a->store).failed);
	ask_accept(a, &lost, true);
	assert_int_equal(a->err.kind, ERR_FATAL);
	ask_recall(a, 1, 1, 20);
	assert_int_equal(a->err.kind, ERR_FATAL);

	asking_restart(a);
	assert_false(store_gauges(a->store).failed);
	count = asking_int(a, "SELECT count(*) FROM inbox");
	assert_int_equal(count, 1);
	ask_accept(a, &lost, true);
	assert_int_equal(a->err.kind, ERR_NONE);
}

/* ---- the end
 * ------------------------------------------------------------------------------------------------- */

/* What was asked before the end is stored; nobody is called back, since nobody need be there any more. */
static void close_finishes_what_is_queued(void **state)
{
	struct asking *a = *state;

	memset(&poked, 0, sizeof(poked));
	poked.kinds[1] = poked.kinds[2] = ERR_AGAIN;
	poke(a, 1, false, ERR_NONE, JOB_LAZY);
	poke(a, 2, false, ERR_NONE, JOB_WRITE);
	asking_restart(a);
	assert_int_equal(a->waiting, 2);
	assert_int_equal(poked.kinds[1], ERR_AGAIN);
	assert_int_equal(poked.kinds[2], ERR_AGAIN);
	a->waiting = 0;
	assert_int_equal(asking_int(a, "SELECT count(*) FROM organizations"), 3);
}

/* A wrong address is refused with a sentence, not a crash. */
static void open_can_fail(void **state)
{
	struct asking *a = *state;
	const struct store_options bad = { .url = "oracle:somewhere" }, twice = { .url = a->url };
	struct err err = { 0 };

	assert_null(store_open(io_loop(a->io), &bad, &err));
	assert_true(strlen(err.text) > 0);
	err_clear(&err);
	assert_null(store_open(io_loop(a->io), &twice, &err)); /* a second daemon on the same files */
	assert_true(strlen(err.text) > 0);
	store_close(NULL);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(thousand_messages),
		CASE(failure_is_alone),
		CASE(readers_only_read),
		CASE(lazy_ones_ride_along),
		CASE(full_and_free_again),
		CASE(broken_disk_stops_everything),
		CASE(close_finishes_what_is_queued),
		CASE(open_can_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
