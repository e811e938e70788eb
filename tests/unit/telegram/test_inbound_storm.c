/* Busy stores, kills at any moment and updates that come again and again, at random: nothing is lost, nothing is
 * stored twice, each chat stays in order, and no cursor ever passes what is not stored. */
#include "mem.h"
#include "stage_in.h"
#include <stdio.h>

enum { UPDATES = 400, CHATS = 5, LIVES = 6, ROUNDS = 200000 };

/* The other side keeps updates; the store keeps messages and the cursor; both outlive the bot. */
struct storm {
	struct platform_host host; /* first: the host's calls find the storm by it */
	struct in_stage *stage;
	uint32_t dice;
	unsigned chat_of[UPDATES + 1];
	bool album[UPDATES + 1];
	bool stored[UPDATES + 1];
	unsigned last_of[CHATS], copies;
	long cursor;

	/* Of this life. */
	enum { WAITS, GIVEN, TAKEN } state[UPDATES + 1];
	bool refused[UPDATES + 1];
	unsigned fetched;
	uint64_t owed[UPDATES];
	unsigned owed_update[UPDATES];
	long owed_cursor[UPDATES];
	size_t owed_count;
};

static unsigned roll(struct storm *storm, unsigned sides)
{
	storm->dice = storm->dice * 1664525 + 1013904223;
	return (storm->dice >> 8) % sides;
}

static void incoming(struct platform_host *host, const struct incoming *in)
{
	struct storm *storm = (struct storm *)host;
	unsigned update = 0;

	assert_int_equal(sscanf(in->delivery_key, "777/%u", &update), 1);
	assert_in_range(update, 1, UPDATES);
	assert_int_equal((in->flags & INCOMING_MORE) != 0, storm->album[update]);
	storm->owed[storm->owed_count] = in->receipt;
	storm->owed_update[storm->owed_count] = update;
	storm->owed_cursor[storm->owed_count++] =
		in->cursor && strcmp(in->cursor_scope, "updates") == 0 ? strtol(in->cursor, NULL, 10) : 0;
}

/* Up to here a restart asks no more: all of it is stored. */
static void check_cursor(const struct storm *storm)
{
	for (long i = 1; i <= storm->cursor; i++)
		assert_true(storm->stored[i]);
}

static enum ack_how commit(struct storm *storm, unsigned update, long cursor)
{
	bool before = storm->stored[update];
	unsigned chat = storm->chat_of[update];

	storm->copies += before;
	if (!before) {
		assert_true(update > storm->last_of[chat]);
		storm->last_of[chat] = update;
		storm->stored[update] = true;
	}
	if (cursor > storm->cursor)
		storm->cursor = cursor;
	check_cursor(storm);
	return before ? ACK_BEFORE : ACK_STORED;
}

static void acknowledge(struct storm *storm)
{
	unsigned at, update;
	uint64_t receipt;
	enum ack_how how;

	if (storm->owed_count == 0)
		return;
	at = roll(storm, (unsigned)storm->owed_count);
	receipt = storm->owed[at];
	update = storm->owed_update[at];
	how = roll(storm, 5) ? commit(storm, update, storm->owed_cursor[at]) : ACK_BUSY;
	storm->owed_count--;
	storm->owed[at] = storm->owed[storm->owed_count];
	storm->owed_update[at] = storm->owed_update[storm->owed_count];
	storm->owed_cursor[at] = storm->owed_cursor[storm->owed_count];
	telegram_acked(&storm->stage->bot, receipt,
		       &(struct ack){ .how = how, .uuid = IN_UUID, .conversation_id = 5, .retry_ms = 100 });
}

static void taken(struct platform *bot, void *owner, uint64_t ticket, enum telegram_taken how,
		  unsigned retry_ms)
{
	struct storm *storm = owner;

	(void)bot;
	(void)retry_ms;
	assert_int_equal(storm->state[ticket], GIVEN); /* exactly once */
	assert_true(how == TELEGRAM_LATER || storm->stored[ticket]);
	storm->state[ticket] = how == TELEGRAM_LATER ? WAITS : TAKEN;
	storm->refused[ticket] = how == TELEGRAM_LATER;
}

static void give(struct storm *storm, unsigned update)
{
	char *text =
		mem_format("{'update_id':%u,'message':{'message_id':%u,'date':1799999999,'chat':{'id':%u,"
			   "'type':'private'},'from':{'id':%u,'first_name':'A'},'text':'x'%s}}",
			   update, update, storm->chat_of[update] + 1, storm->chat_of[update] + 1,
			   storm->album[update] ? ",'media_group_id':'g'" : "");
	json_t *json = in_json(text);

	storm->state[update] = GIVEN;
	telegram_take(&storm->stage->bot, json, taken, storm, update);
	json_decref(json);
	free(text);
}

/* As a poll does: what it has fetched, in order, but in a chat nothing before what is to come again later. */
static void hand_over(struct storm *storm)
{
	bool waits[CHATS] = { false };

	storm->fetched += roll(storm, 12);
	for (unsigned i = 1; i <= UPDATES && i <= storm->fetched; i++) {
		unsigned chat = storm->chat_of[i];
		bool due = !storm->refused[i] || roll(storm, 3);

		if (storm->state[i] == WAITS && !waits[chat] && due)
			give(storm, i);
		waits[chat] = waits[chat] || storm->state[i] == WAITS;
	}
}

static bool done(const struct storm *storm)
{
	for (unsigned i = 1; i <= UPDATES; i++)
		if (storm->state[i] != TAKEN)
			return false;
	return true;
}

/* Killed: what was owed may have been committed, or not. */
static void begin_life(struct storm *storm)
{
	if (storm->stage)
		in_close(storm->stage);
	storm->stage = in_open();
	storm->host = storm->stage->host;
	storm->host.incoming = incoming;
	storm->stage->bot.host = &storm->host;
	storm->owed_count = 0;
	storm->fetched = (unsigned)storm->cursor;
	memset(storm->refused, 0, sizeof(storm->refused));
	for (unsigned i = 1; i <= UPDATES; i++)
		storm->state[i] = (long)i <= storm->cursor ? TAKEN : WAITS;
}

static void weather(struct storm *storm)
{
	for (unsigned life = 0, round = 0; round < ROUNDS && !(life == LIVES && done(storm)); round++) {
		if (life < LIVES && roll(storm, 60) == 0) {
			life++;
			begin_life(storm);
		}
		switch (roll(storm, 3)) {
		case 0:
			hand_over(storm);
			break;
		case 1:
			acknowledge(storm);
			break;
		default:
			in_pass(storm->stage, roll(storm, 300));
		}
	}
	assert_true(done(storm));
}

static void nothing_is_lost_and_nothing_doubled(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 12; seed++) {
		struct storm *storm = mem_zero(1, sizeof(*storm));

		storm->dice = seed;
		for (unsigned i = 1; i <= UPDATES; i++) {
			storm->chat_of[i] = roll(storm, CHATS);
			storm->album[i] = roll(storm, 6) == 0;
		}
		begin_life(storm);
		weather(storm);
		for (unsigned i = 1; i <= UPDATES; i++)
			assert_true(storm->stored[i]);
		in_close(storm->stage);
		free(storm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_and_nothing_doubled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
