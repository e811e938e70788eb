/* Thousands of messages, faults and answers in an order nobody wrote down: nobody may be forgotten or
 * answered twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include "log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 12, MESSAGES = 1500, SLOTS = 5 };

/* What a store would know. */
struct world {
	struct house house;
	unsigned seed;
	struct {
		size_t waiting;	 /* messages */
		int64_t claimed; /* turn, 0: none */
		size_t in_turn;	 /* messages of that turn */
		bool replying;	 /* its reply is marked as being sent */
		size_t behind;	 /* replies stored behind that one */
	} places[PLACES + 1];
	int64_t last_turn, last_reply;
	int64_t place_of_turn[MESSAGES + 1], place_of_reply[MESSAGES * 2 + 1];
	size_t said, answered, running, most_running, sent;
};

static unsigned roll(struct world *world, unsigned sides)
{
	world->seed = world->seed * 1103515245u + 12345u;
	return (world->seed >> 16) % sides;
}

static const struct store_turn *claim(struct world *world, int64_t at)
{
	static const char *uuids[MESSAGES], *keys[MESSAGES];
	struct store_turn *turn;
	size_t count = world->places[at].waiting;

	if (count == 0 || world->places[at].claimed)
		return NULL;
	world->places[at].claimed = ++world->last_turn;
	world->places[at].in_turn = count;
	world->places[at].waiting = 0;
	world->place_of_turn[world->last_turn] = at;
	if (++world->running > world->most_running)
		world->most_running = world->running;
	turn = (struct store_turn *)(uintptr_t)house_turn(world->last_turn, at);
	for (size_t i = 0; i < count; i++) {
		uuids[i] = turn->uuids[0];
		keys[i] = turn->delivery_keys[0];
	}
	turn->uuids = uuids;
	turn->delivery_keys = keys;
	turn->count = count;
	return turn;
}

static void answer_accept(struct world *world, struct question *q)
{
	int64_t at = strtoll(q->text, NULL, 10);
	struct speaker ann = { .profile_id = "ann", .active = true };
	bool idle = world->places[at].waiting == 0 && world->places[at].claimed == 0;
	const struct store_turn *turn;

	world->places[at].waiting++;
	turn = q->may_claim && idle ? claim(world, at) : NULL;
	fake_answer_accepted(world->house.store, q, NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .uuid = "u",
						       .state = turn ? MESSAGE_CLAIMED : MESSAGE_ACCEPTED,
						       .conversation_id = at,
						       .speaker = &ann,
						       .turn = turn });
}

static void answer_end(struct world *world, struct question *q)
{
	struct outgoing ended = { .state = MESSAGE_ANSWERED, .reply_to = "there" };
	int64_t at = world->place_of_turn[q->id];
	struct store_answered answered = { .ended = &ended };

	assert_int_equal(world->places[at].claimed, q->id);
	world->answered += world->places[at].in_turn;
	world->places[at].claimed = 0;
	world->running--;
	if (world->places[at].replying) {
		world->places[at].behind++;
	} else {
		world->places[at].replying = true;
		world->place_of_reply[++world->last_reply] = at;
		answered.reply = house_reply(world->last_reply, "chat", at, 1);
	}
	answered.waiting = world->places[at].waiting > 0;
	if (q->claim_next && answered.waiting) {
		answered.next = claim(world, at);
		answered.waiting = false;
	}
	fake_answer_answered(world->house.store, q, NULL, &answered);
}

static void answer_due(struct world *world, struct question *q)
{
	static struct store_reply replies[PLACES];
	static char uuids[PLACES][MESSAGE_UUID_SIZE];
	size_t count = 0;

	for (int64_t at = 1; at <= PLACES && count < q->limit; at++) {
		if (world->places[at].replying || world->places[at].behind == 0)
			continue;
		world->places[at].behind--;
		world->places[at].replying = true;
		world->place_of_reply[++world->last_reply] = at;
		replies[count] = *house_reply(world->last_reply, "chat", at, 1);
		snprintf(uuids[count], sizeof(uuids[count]), "%s", replies[count].out.uuid);
		replies[count].out.uuid = uuids[count];
		count++;
	}
	fake_answer_due(world->house.store, q, NULL, replies, count, 0);
}

static void answer_sent(struct world *world, struct question *q)
{
	int64_t at = world->place_of_reply[q->id];

	assert_true(world->places[at].replying);
	world->places[at].replying = false;
	if (q->reply_state == REPLY_PENDING)
		world->places[at].behind++;
	else
		world->sent++;
	fake_answer_done(world->house.store, q, NULL);
}

/* Answers the oldest question of all, as the one writing thread does; now and then it cannot. */
static bool answer_one(struct world *world)
{
	static const struct err busy = { .kind = ERR_AGAIN, .text = "busy" };
	struct store *store = world->house.store;
	struct question *q = fake_store_oldest(store);
	const struct err *err = roll(world, 20) == 0 ? &busy : NULL;

	if (q == NULL)
		return false;
	if (q->kind == Q_ACCEPT)
		answer_accept(world, q);
	else if (q->kind == Q_CLAIM)
		fake_answer_turn(store, q, err, err ? NULL : claim(world, q->id));
	else if (q->kind == Q_RECALL)
		fake_answer_recalled(store, q, err, &(struct store_recalled){ 0 });
	else if (q->kind == Q_ANSWER && err)
		fake_answer_answered(store, q, err, NULL);
	else if (q->kind == Q_ANSWER)
		answer_end(world, q);
	else if (q->kind == Q_SENT && err)
		fake_answer_done(store, q, err);
	else if (q->kind == Q_SENT)
		answer_sent(world, q);
	else
		answer_due(world, q);
	return true;
}

static void think_one(struct world *world)
{
	size_t count = fake_ai_count(world->house.ai);
	struct thought *thought;

	if (count == 0)
		return;
	thought = fake_ai_thought(world->house.ai, roll(world, (unsigned)count));
	if (roll(world, 4) == 0)
		fake_ai_fail(world->house.ai, thought, "model_unavailable");
	else
		fake_ai_answer(world->house.ai, thought, "hi");
}

static void deliver(struct world *world, size_t *delivered)
{
	struct platform *chat = world->house.chat;

	if (*delivered < chat->send_count)
		chat->host->sent(chat->host, chat->sends[(*delivered)++].ticket,
				 roll(world, 10) ? SENT_ACCEPTED : SENT_MAYBE, 0, NULL, NULL);
}

static void step(struct world *world, size_t *delivered)
{
	char text[20];

	switch (roll(world, 6)) {
	case 0:
		if (world->said == MESSAGES)
			break;
		snprintf(text, sizeof(text), "%u", 1 + roll(world, PLACES));
		house_say(world->house.chat, ++world->said, "room", text);
		break;
	case 1:
	case 2:
		answer_one(world);
		break;
	case 3:
		think_one(world);
		break;
	case 4:
		deliver(world, delivered);
		break;
	default:
		fake_loop_pass(world->house.loop, 50);
	}
	fake_loop_run(world->house.loop);
}

static void run_storm(unsigned seed)
{
	static struct world world;
	size_t delivered = 0;

	world = (struct world){ .seed = seed };
	house_open(&world.house, &(struct core_options){ .turns_max = SLOTS });
	for (int i = 0;
	     i < 200000 && (world.answered < MESSAGES || delivered < world.house.chat->send_count ||
			    fake_store_waiting_all(world.house.store));
	     i++)
		step(&world, &delivered);
	for (int i = 0; i < 200; i++) {
		fake_loop_pass(world.house.loop, 100);
		while (answer_one(&world))
			fake_loop_run(world.house.loop);
		deliver(&world, &delivered);
	}
	assert_int_equal(world.said, MESSAGES);
	assert_int_equal(world.house.chat->ack_count, MESSAGES);
	assert_int_equal(world.answered, MESSAGES);
	assert_int_equal(world.sent, world.last_turn); /* one reply for every turn, each through */
	assert_int_equal(world.most_running, SLOTS);   /* all were used, never more */
	assert_int_equal(world.running, 0);
	assert_int_equal(fake_ai_count(world.house.ai), 0);
	assert_true(house_status_says(&world.house, "\"waiting_conversations\":0,\"waiting_messages\":0"));
	house_say(world.house.chat, MESSAGES + 1, "room", "1");
	assert_true(house_question(&world.house, Q_ACCEPT)->may_claim); /* every slot came back */
	house_close(&world.house);
}

static void test_storms(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		print_message("seed %u\n", seed); /* a failing storm can be repeated */
		run_storm(seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_storms) };

	log_setup(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
