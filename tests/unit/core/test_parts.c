/* Answers in a platform's own form: in parts, in place of what was shown, and looked for before a second copy is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "house.h"
#include <string.h>

enum { OUTBOX_TESTED = 20 }; /* more than one installation sends at once */

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ .strangers = STRANGERS_PAIR });
}

static struct thought *thinking(struct house *house)
{
	return fake_ai_thought(house->ai, 0);
}

static void think(struct house *house, const struct store_turn *turn)
{
	house_begin(house, turn);
	house_recall(house);
}

static void shows(struct house *house, const char *text)
{
	struct thought *thought = thinking(house);

	thought->events->part(thought->owner, thought->ticket, text, strlen(text), false);
}

static struct store_reply part(int64_t id, unsigned at, unsigned of)
{
	struct store_reply reply = *house_reply(id, "room", 5, 1);

	reply.out.part = at;
	reply.out.parts = of;
	return reply;
}

static void test_a_long_answer_is_cut_by_the_plugin(void **state)
{
	struct house *house = *state;
	struct question *q;

	think(house, house_room_turn("one", 1, 5, 0));
	fake_ai_answer(house->ai, thinking(house), "first||second");
	q = house_question(house, Q_ANSWER);
	assert_string_equal(q->text, "first||second"); /* the record has it in one piece */
	assert_string_equal(q->parts, "[first]|[second]");
	house_answered(house);
	think(house, house_turn(2, 6)); /* "chat" takes Markdown */
	fake_ai_answer(house->ai, thinking(house), "first||second");
	assert_null(house_question(house, Q_ANSWER)->parts);
}

static void test_notices_have_the_form_too(void **state)
{
	struct store_turn turn = *house_room_turn("one", 1, 5, 0);
	struct house *house = *state;
	struct err bug = { .kind = ERR_BUG, .text = "not UTF-8" };

	think(house, &turn);
	fake_ai_answer(house->ai, thinking(house), "fine");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), &bug, NULL);
	assert_non_null(strstr(house_question(house, Q_ANSWER)->parts, "[Something went wrong"));
	house_answered(house);
	turn.reply_to = NULL; /* nobody is sent anything: there is nothing to form */
	think(house, &turn);
	fake_ai_answer(house->ai, thinking(house), "fine");
	assert_null(house_question(house, Q_ANSWER)->parts);
}

/* The place is switched off, or its secrets do not open: raw Markdown must not go out when it is back. */
static void test_the_form_without_the_object(void **state)
{
	struct house *house = *state;

	think(house, house_room_turn("one/T1", 1, 5, 0));
	fake_ai_answer(house->ai, thinking(house), "a||b");
	assert_string_equal(house_question(house, Q_ANSWER)->parts, "[a]|[b]");
}

static void test_a_strangers_notice_has_the_form_too(void **state)
{
	struct house *house = *state;
	struct question *q;

	house_say(house->room, 1, "room", "hello");
	fake_answer_accepted(
		house->store, house_question(house, Q_ACCEPT), NULL,
		&(struct store_accepted){
			.how = ACCEPT_NEW, .inbox_id = 44, .uuid = "s", .state = MESSAGE_ACCEPTED });
	q = house_question(house, Q_REFUSE);
	assert_memory_equal(q->text, "[I don't know you yet.", 22);
	assert_memory_equal(q->full_notice, "[I don't know you yet.", 22);
}

/* What an operator says is Markdown until it is handed over. */
static void test_what_an_operator_says(void **state)
{
	struct house *house = *state;
	struct store_reply reply = *house_reply(2, "room", 6, 1);

	reply.markdown = true;
	house_due(house, &reply);
	assert_string_equal(house->room->sends[0].text, "[the answer]");
}

/* The store makes this one while no plugin runs. */
static void test_the_notice_of_a_quarantine(void **state)
{
	struct store_reply reply = part(1, 0, 1);
	struct house *house = *state;

	reply.out.state = MESSAGE_QUARANTINED;
	reply.out.text = "set aside";
	house_due(house, &reply);
	assert_string_equal(house->room->sends[0].text, "[set aside]");
	reply = *house_reply(2, "room", 6, 1); /* an answer has its form already */
	house_due(house, &reply);
	assert_string_equal(house->room->sends[1].text, "the answer");
}

static void test_the_next_part_follows_the_one_before(void **state)
{
	struct house *house = *state;
	struct store_reply first = part(1, 0, 2);
	struct outgoing ended = { .state = MESSAGE_ANSWERED, .reply_to = "there" };

	think(house, house_room_turn("one", 1, 5, 0));
	fake_ai_answer(house->ai, thinking(house), "first||second");
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), NULL,
			     &(struct store_answered){ .ended = &ended, .reply = &first });
	assert_int_equal(house->room->send_count, 1);
	assert_int_equal(house->room->sends[0].parts, 2);
	assert_int_equal(house_waiting(house, Q_DUE), 0);
	house->room->host->sent(house->room->host, house->room->sends[0].ticket, SENT_ACCEPTED, 0, "m1",
				NULL);
	assert_string_equal(house_question(house, Q_SENT)->remote_id, "m1");
	assert_int_equal(house_waiting(house, Q_DUE), 1); /* the store is asked for the second at once */
}

static void test_what_may_have_arrived_is_looked_for(void **state)
{
	struct house *house = *state;
	struct store_reply reply = part(1, 0, 1);
	struct question *q;

	house_due(house, &reply);
	assert_false(house->room->sends[0].unsure);
	house->room->host->sent(house->room->host, house->room->sends[0].ticket, SENT_MAYBE, 0, NULL, "cut");
	q = house_question(house, Q_SENT);
	assert_int_equal(q->reply_state, REPLY_PENDING);
	assert_true(q->unsure);
	fake_answer_done(house->store, q, NULL);
	reply.out.unsure = true;
	house_due(house, &reply);
	assert_true(house->room->sends[1].unsure);
	house->room->host->sent(house->room->host, house->room->sends[1].ticket, SENT_NOT, 0, NULL, "no net");
	assert_false(
		house_question(house, Q_SENT)->unsure); /* this attempt adds no doubt; the store keeps it */
	fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	house_due(house, &reply);
	house->room->host->sent(house->room->host, house->room->sends[2].ticket, SENT_UNKNOWN, 0, NULL, "?");
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_UNKNOWN);
	fake_answer_done(house->store, house_question(house, Q_SENT), NULL);
	reply = *house_reply(2, "hook", 6, 1); /* here too some things may not be repeated (a file) */
	house_due(house, &reply);
	house->hook->host->sent(house->hook->host, house->hook->sends[0].ticket, SENT_MAYBE, 0, NULL, "cut");
	assert_int_equal(house_question(house, Q_SENT)->reply_state, REPLY_PENDING);
	assert_true(house_question(house, Q_SENT)->unsure);
}

static void test_what_stands_for_the_answer(void **state)
{
	struct store_turn turn = *house_room_turn("one", 1, 5, 0);
	struct house *house = *state;
	const struct err busy = { .kind = ERR_AGAIN, .text = "busy" };
	struct question *q;

	turn.placeholder = "m0"; /* shown by a process that died */
	think(house, &turn);
	shows(house, "Hel");
	assert_string_equal(house->room->parts[0].placeholder, "m0");
	assert_string_equal(house->room->parts[0].reply_to, "there");
	house->room->host->placed(house->room->host, "u1", "m1");
	q = house_question(house, Q_PLACED);
	assert_string_equal(q->uuid, "u1");
	assert_string_equal(q->remote_id, "m1");
	shows(house, "lo");
	assert_string_equal(house->room->parts[1].placeholder, "m1");
	assert_string_equal(house->room->parts[1].text, "lo");
	fake_answer_done(house->store, q, &busy);
	assert_int_equal(house_waiting(house, Q_PLACED), 0);
	fake_ai_answer(house->ai, thinking(house), "Hello");
	assert_string_equal(house_question(house, Q_PLACED)->remote_id, "m1"); /* before the end reads it */
	assert_int_equal(fake_store_oldest(house->store)->kind, Q_PLACED);
	fake_answer_done(house->store, house_question(house, Q_PLACED), NULL);
	house_answered(house);
	house->room->host->placed(house->room->host, "u1", "m2"); /* also when its turn is over */
	fake_answer_done(house->store, house_question(house, Q_PLACED), NULL);
}

static void test_the_placeholder_goes_out_with_the_answer(void **state)
{
	struct house *house = *state;
	struct store_reply replies[OUTBOX_TESTED];

	for (int i = 0; i < OUTBOX_TESTED; i++) {
		replies[i] = part(1 + i, 0, 1);
		replies[i].conversation_id = 100 + i;
		replies[i].out.placeholder = "m1";
	}
	core_wake(house->core);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, replies, OUTBOX_TESTED, 0);
	assert_int_equal(house->room->send_count, 16);
	memset(replies, 0,
	       sizeof(replies)); /* the last ones wait for a place, with all that belongs to them */
	house->room->host->sent(house->room->host, house->room->sends[0].ticket, SENT_ACCEPTED, 0, NULL,
				NULL);
	fake_loop_run(house->loop);
	assert_int_equal(house->room->send_count, 17);
	assert_string_equal(house->room->sends[16].placeholder, "m1");
}

static void test_people_the_platform_vouches_for(void **state)
{
	struct house *house = *state;

	for (unsigned flags = 0; flags <= INCOMING_VOUCHED; flags += INCOMING_VOUCHED) {
		house_say(house->room, 1 + flags, "room", "hello");
		fake_answer_accepted(house->store, house_question(house, Q_ACCEPT), NULL,
				     &(struct store_accepted){ .how = ACCEPT_NEW,
							       .inbox_id = 44,
							       .uuid = "s",
							       .state = MESSAGE_ACCEPTED,
							       .flags = flags });
	}
	assert_int_equal(house_waiting(house, Q_REFUSE), 1);
	assert_int_equal(house_waiting(house, Q_ADMIT), 1);
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOUSE(test_a_long_answer_is_cut_by_the_plugin),
		WITH_HOUSE(test_notices_have_the_form_too),
		WITH_HOUSE(test_the_form_without_the_object),
		WITH_HOUSE(test_a_strangers_notice_has_the_form_too),
		WITH_HOUSE(test_the_notice_of_a_quarantine),
		WITH_HOUSE(test_what_an_operator_says),
		WITH_HOUSE(test_the_next_part_follows_the_one_before),
		WITH_HOUSE(test_what_may_have_arrived_is_looked_for),
		WITH_HOUSE(test_what_stands_for_the_answer),
		WITH_HOUSE(test_the_placeholder_goes_out_with_the_answer),
		WITH_HOUSE(test_people_the_platform_vouches_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
