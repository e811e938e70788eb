/* Money set aside: never more than the limits allow, whatever happens between the question and its price. */
#include "clock_stage.h"
#include "crypto.h"
#include "store_budget.h"
#include <stdio.h>
#include <string.h>

#define OTHER_ORG "00000000-0000-7000-8000-000000000002"

static int64_t turn_of(struct asking *a, const char *who, const char *place)
{
	static int last;
	char key[32];
	struct incoming in;

	snprintf(key, sizeof(key), "key-%d", last++);
	in = says(who, place, key, "a question");
	return ask_accept(a, &in, true)->turn->id;
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

struct reserving {
	struct asking *asking;
	char id[CRYPTO_UUID_SIZE];
	struct store_reserved got;
	struct err err;
	char subject[200], who[100];
};

static void on_reserved(void *owner, uint64_t ticket, const struct err *err, const struct store_reserved *r)
{
	struct reserving *it = owner;

	(void)ticket;
	if (--it->asking->waiting == 0)
		io_stop(it->asking->io);
	it->err = *err;
	if (r == NULL)
		return;
	it->got = *r;
	snprintf(it->subject, sizeof(it->subject), "%s", r->subject ? r->subject : "");
	snprintf(it->who, sizeof(it->who), "%s", r->who ? r->who : "");
}

static const struct store_limits none;

static struct store_limits limit(enum budget_scope scope, enum budget_period period, int64_t micros)
{
	struct store_limits limits = none;

	limits.of[scope][period] = (struct store_limit){ true, micros };
	return limits;
}

static void put(struct asking *a, struct reserving *it, int64_t turn_id, int64_t micros,
		const struct store_limits *limits)
{
	it->asking = a;
	if (it->id[0] == '\0')
		crypto_uuid(it->id);
	a->waiting++;
	store_reserve(a->store,
		      &(struct store_reserve){ .id = it->id,
					       .turn_id = turn_id,
					       .provider = "openai",
					       .model = "gpt-x",
					       .micros = micros,
					       .channel_parts = 1,
					       .limits = *limits },
		      on_reserved, it, 1);
}

static struct reserving reserve(struct asking *a, int64_t turn_id, int64_t micros, struct store_limits limits)
{
	struct reserving it = { .id = "" };

	put(a, &it, turn_id, micros, &limits);
	asking_wait(a);
	return it;
}

static struct ai_attempt cost(const struct reserving *it, int64_t micros)
{
	return (struct ai_attempt){ .provider = "openai",
				    .model = "gpt-x",
				    .input_tokens = 1,
				    .output_tokens = 1,
				    .cached_tokens = -1,
				    .cost_micros = micros,
				    .first_token_ms = -1,
				    .reservation = it ? it->id : NULL };
}

static void settle(struct asking *a, int64_t turn_id, const struct ai_attempt *attempt)
{
	ask_journal(a, turn_id, NULL, 0, attempt, 1);
	assert_int_equal(a->err.kind, ERR_NONE);
}

static void end(struct asking *a, int64_t turn_id, const struct ai_attempt *attempts, size_t count)
{
	const struct ai_result result = { .tool_calls = "[]", .attempts = attempts, .attempt_count = count };
	const struct store_answer answer = { .turn_id = turn_id,
					     .state = MESSAGE_ANSWERED,
					     .text = "an answer",
					     .result = &result,
					     .expire_s = 600 };

	ask_answer(a, &answer);
	assert_int_equal(a->err.kind, ERR_NONE);
}

/* "spent held" of a scope on 31 January. */
static const char *sums(struct asking *a, const char *scope)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce((SELECT group_concat(spent || ' ' || held, ', ') FROM spending WHERE scope "
		 "= "
		 "'%s' AND begins = '2026-01-31'), 'nothing')",
		 scope);
	return asking_text(a, sql);
}

/* ---- never more than the limit ---------------------------------------------------------------------------- */

static void held_money_is_not_given_twice(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_ORGANIZATION, BUDGET_DAY, 1000);
	int64_t turn = turn_of(a, "ann", "room");
	struct reserving it;

	assert_true(reserve(a, turn, 600, limits).got.granted);
	assert_true(reserve(a, turn, 400, limits).got.granted);
	it = reserve(a, turn, 1, limits);
	assert_false(it.got.granted);
	assert_int_equal(it.got.scope, BUDGET_ORGANIZATION);
	assert_int_equal(it.got.period, BUDGET_DAY);
	assert_int_equal(it.got.limit, 1000);
	assert_int_equal(it.got.used, 1000);
	assert_string_equal(it.who, "ann");
	assert_int_equal(it.got.begins_again, JANUARY_31 + 13 * HOUR);
	assert_string_equal(sums(a, "organization"), "0 1000");
}

/* A hundred at once go into one commit. */
static void requests_at_once_share_one_sum(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_ORGANIZATION, BUDGET_MONTH, 1000000);
	struct reserving all[100] = { 0 };
	int64_t turn = turn_of(a, "ann", "room");
	size_t granted = 0;

	for (size_t i = 0; i < 100; i++)
		put(a, &all[i], turn, 30000, &limits);
	asking_wait(a);
	for (size_t i = 0; i < 100; i++)
		granted += all[i].got.granted;
	assert_int_equal(granted, 33);
	assert_string_equal(sums(a, "organization"), "0 990000");
}

/* What a request has cost replaces what was held for it, where its attempt is recorded. */
static void prices_settle_what_was_held(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_ORGANIZATION, BUDGET_DAY, 1000);
	int64_t turn = turn_of(a, "ann", "room");
	struct reserving first = reserve(a, turn, 900, limits), second;
	struct ai_attempt attempt = cost(&first, 100);

	settle(a, turn, &attempt);
	assert_string_equal(sums(a, "organization"), "100 0");
	second = reserve(a, turn, 900, limits);
	assert_true(second.got.granted);
	attempt = cost(&second, 50);
	end(a, turn, &attempt, 1);
	assert_string_equal(sums(a, "organization"), "150 0");
	assert_string_equal(sums(a, "profile"), "150 0");
	assert_string_equal(sums(a, "model"), "150 0");
	assert_string_equal(asking_text(a,
					"SELECT group_concat(state || cost_micros, ' ') FROM (SELECT state,"
					" cost_micros FROM reservations ORDER BY cost_micros)"),
			    "settled50 settled100");
}

/* A price that nobody told is the dearest there can be; one that was told later counts as told. */
static void unknown_costs_count_in_full(void **state)
{
	struct asking *a = *state;
	int64_t turn = turn_of(a, "ann", "room");
	struct reserving it = reserve(a, turn, 900, none);
	struct ai_attempt attempt = cost(&it, AI_COST_UNKNOWN);

	settle(a, turn, &attempt);
	assert_string_equal(sums(a, "organization"), "900 0");
	it = reserve(a, turn, 90, none);
	attempt = cost(&it, 1);
	attempt.estimated = true; /* it broke off */
	settle(a, turn, &attempt);
	assert_string_equal(sums(a, "organization"), "990 0");
	settle(a, turn, &attempt); /* a second record of the same request adds nothing to the same hold */
	assert_int_equal(asking_int(a, "SELECT count(*) FROM reservations WHERE state = 'settled'"), 2);
}

/* Set aside, then the turn ended before the request was sent. */
static void what_was_never_sent_is_given_back(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_ORGANIZATION, BUDGET_DAY, 1000);
	int64_t turn = turn_of(a, "ann", "room");

	reserve(a, turn, 1000, limits);
	end(a, turn, NULL, 0);
	assert_string_equal(sums(a, "organization"), "0 0");
	assert_true(reserve(a, turn_of(a, "bob", "hall"), 1000, limits).got.granted);
}

/* A process that died while a model answered: what that costs is not known, so that all of it is spent. */
static void a_crash_gives_nothing_back(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_ORGANIZATION, BUDGET_DAY, 1000);
	int64_t turn = turn_of(a, "ann", "room");

	reserve(a, turn, 700, limits);
	asking_crash(a);
	ask_recover(a, NULL);
	assert_string_equal(sums(a, "organization"), "700 0");
	assert_false(reserve(a, turn, 301, limits).got.granted);
	assert_true(reserve(a, turn, 300, limits).got.granted);
}

static const char *lost(struct asking *a)
{
	return asking_text(
		a,
		"SELECT coalesce((SELECT group_concat(coalesce(provider || ' ' || model_used, 'some'), ', ')"
		" FROM (SELECT * FROM ai_agent_interactions WHERE interaction_type = 'interrupted'"
		" ORDER BY seq)), '')");
}

/* Each request that was under way when the process died has its row, one: what was put on record before it left says which,
 * else the turn does. */
static void a_crash_leaves_one_row_for_each_request(void **state)
{
	struct asking *a = *state;
	int64_t ann = turn_of(a, "ann", "room");
	struct reserving first, second;
	struct ai_attempt attempt;

	asking_crash(a);
	ask_recover(a, NULL);
	assert_string_equal(lost(a), "some");
	ask_claim(a, 1);
	first = reserve(a, ann, 0, limit(BUDGET_ORGANIZATION, BUDGET_DAY, 0)); /* no budget is asked */
	assert_true(first.got.granted);
	assert_string_equal(sums(a, "organization"), "nothing");
	second = reserve(a, ann, 5, none);
	attempt = cost(&second, 5);
	settle(a, ann, &attempt); /* has its row */
	asking_crash(a);
	ask_recover(a, NULL);
	assert_string_equal(lost(a), "some, openai gpt-x");
	asking_crash(a);
	ask_recover(a, NULL); /* nothing was under way */
	assert_string_equal(lost(a), "some, openai gpt-x");
}

/* Whoever never told the price is not waited for; when it is told after all, it counts. */
static void held_money_lapses(void **state)
{
	struct asking *a = *state;
	int64_t turn = turn_of(a, "ann", "room");
	struct reserving it = reserve(a, turn, 700, none);
	struct ai_attempt attempt = cost(&it, 20);

	atomic_store(&clock_at, JANUARY_31 + STORE_HELD_MS);
	reserve(a, turn, 1, none);
	assert_string_equal(sums(a, "organization"), "700 1");
	settle(a, turn, &attempt);
	assert_string_equal(sums(a, "organization"), "20 1");
}

/* The store answers a question that it had perhaps been asked before. */
static void the_same_question_holds_once(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_ORGANIZATION, BUDGET_DAY, 1000);
	int64_t turn = turn_of(a, "ann", "room");
	struct reserving it = { .id = "" };

	put(a, &it, turn, 800, &limits);
	put(a, &it, turn, 800, &limits);
	asking_wait(a);
	assert_true(it.got.granted);
	assert_string_equal(sums(a, "organization"), "0 800");
	put(a, &it, 999999, 800, &limits);
	asking_wait(a);
	assert_int_equal(it.err.kind, ERR_GONE);
}

/* ---- which budgets ----------------------------------------------------------------------------------------- */

static void everybody_has_an_own_budget(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_PROFILE, BUDGET_DAY, 1000);
	int64_t ann = turn_of(a, "ann", "room"), bob = turn_of(a, "bob", "hall");

	assert_true(reserve(a, ann, 1000, limits).got.granted);
	assert_false(reserve(a, ann, 1, limits).got.granted);
	assert_true(reserve(a, bob, 1000, limits).got.granted);
}

/* Threads of one channel share its budget; another channel has its own. */
static void a_channel_is_the_first_parts_of_a_place(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_CHANNEL, BUDGET_DAY, 1000);
	struct reserving it;

	assert_true(reserve(a, turn_of(a, "ann", "room/one"), 1000, limits).got.granted);
	it = reserve(a, turn_of(a, "bob", "room/two"), 1, limits);
	assert_false(it.got.granted);
	assert_string_equal(it.subject, "webhook/crm#room");
	assert_true(reserve(a, turn_of(a, "bob", "roomy"), 1, limits).got.granted);
}

static void add_budget(struct asking *a, const char *scope, const char *subject, const char *period,
		       int64_t micros)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO budgets (org_id, scope, subject, period, limit_micros) SELECT id, '%s', %s, "
		 "'%s', "
		 "%lld FROM organizations",
		 scope, subject, period, (long long)micros);
	asking_sql(a, sql);
}

/* What the operator set for ann counts for her, and what the settings say for everybody else. */
static void a_row_counts_instead_of_the_setting(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_PROFILE, BUDGET_DAY, 10);
	int64_t ann = turn_of(a, "ann", "room"), bob = turn_of(a, "bob", "hall");

	add_budget(a, "profile", "(SELECT id FROM user_profiles WHERE display_name = 'ann')", "day", 500);
	assert_true(reserve(a, ann, 500, limits).got.granted);
	assert_false(reserve(a, bob, 11, limits).got.granted);
}

/* All that apply must have room: the first without is named. */
static void every_budget_that_applies_counts(void **state)
{
	static const struct {
		const char *scope, *subject;
		enum budget_scope is;
	} of[] = { { "organization", "''", BUDGET_ORGANIZATION },
		   { "installation", "'webhook/crm'", BUDGET_INSTALLATION },
		   { "channel", "'webhook/crm#room'", BUDGET_CHANNEL },
		   { "model", "'openai/gpt-x'", BUDGET_MODEL } };
	struct asking *a = *state;
	int64_t turn = turn_of(a, "ann", "room");

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct reserving it;

		add_budget(a, of[i].scope, of[i].subject, i % 2 ? "month" : "day", 100);
		it = reserve(a, turn, 101, none);
		assert_false(it.got.granted);
		assert_int_equal(it.got.scope, of[i].is);
		assert_int_equal(it.got.period, i % 2 ? BUDGET_MONTH : BUDGET_DAY);
		asking_sql(a, "DELETE FROM budgets");
	}
	add_budget(a, "model", "'openai/another'", "day", 0);
	assert_true(reserve(a, turn, 101, none).got.granted);
}

/* A model is nobody's: what one organisation has spent on it is missing to the others, too. What the settings say of an
 * organisation is for each by itself. */
static void a_models_budget_holds_in_every_organisation(void **state)
{
	struct asking *a = *state;
	int64_t ann = turn_of(a, "ann", "room"), bob = turn_of(a, "bob", "hall");
	struct store_limits each = limit(BUDGET_ORGANIZATION, BUDGET_DAY, 1000);
	struct reserving it;

	add_budget(a, "model", "'openai/gpt-x'", "day", 1500);
	asking_sql(a, "INSERT INTO organizations (id, name) VALUES ('" OTHER_ORG "', 'Other')");
	asking_sql(a, "UPDATE \"LLMConversation\" SET \"userCompanyId\" = '" OTHER_ORG
		      "' WHERE \"sessionId\" = 'hall'");
	assert_true(reserve(a, ann, 1000, each).got.granted);
	it = reserve(a, ann, 1, each);
	assert_false(it.got.granted);
	assert_int_equal(it.got.scope, BUDGET_ORGANIZATION);
	it = reserve(a, bob, 501, each);
	assert_false(it.got.granted);
	assert_int_equal(it.got.scope, BUDGET_MODEL);
	assert_int_equal(it.got.used, 1000);
	assert_true(reserve(a, bob, 500, each).got.granted);
	assert_false(reserve(a, bob, 1, none).got.granted);
	asking_sql(a, "DELETE FROM budgets");
	assert_false(reserve(a, bob, 501, each).got.granted);
	assert_true(reserve(a, bob, 500, each).got.granted);
}

/* ---- days and months ---------------------------------------------------------------------------------------- */

static void a_new_day_and_a_new_month_begin_anew(void **state)
{
	struct asking *a = *state;
	struct store_limits day = limit(BUDGET_ORGANIZATION, BUDGET_DAY, 1000);
	struct store_limits month = limit(BUDGET_ORGANIZATION, BUDGET_MONTH, 1000);
	int64_t turn = turn_of(a, "ann", "room");
	struct reserving over_midnight = reserve(a, turn, 1000, day), it;
	struct ai_attempt attempt = cost(&over_midnight, 900);

	it = reserve(a, turn, 1, month);
	assert_false(it.got.granted);
	assert_int_equal(it.got.begins_again, JANUARY_31 + 13 * HOUR); /* 1 February is tomorrow */
	atomic_store(&clock_at, JANUARY_31 + DAY);
	assert_true(reserve(a, turn, 1000, month).got.granted);
	settle(a, turn, &attempt); /* counts where it was set aside */
	assert_string_equal(sums(a, "organization"), "900 0");
	assert_int_equal(asking_int(a, "SELECT spent + held FROM spending WHERE scope = 'organization' AND"
				       " begins = '2026-02'"),
			 1000);
	atomic_store(&clock_at, JANUARY_31 - 40 * DAY); /* in December */
	it = reserve(a, turn, 2000, month);
	assert_false(it.got.granted);
	assert_int_equal(it.got.begins_again, 1767225600000); /* 2026-01-01 */
}

/* ---- prices that are not known ------------------------------------------------------------------------------- */

static void an_unknown_price_is_refused_where_a_budget_applies(void **state)
{
	struct asking *a = *state;
	struct store_limits limits = limit(BUDGET_PROFILE, BUDGET_DAY, 1000);
	int64_t turn = turn_of(a, "ann", "room");
	struct reserving it = reserve(a, turn, AI_COST_UNKNOWN, limits);

	assert_false(it.got.granted);
	assert_true(it.got.unpriced);
	assert_true(reserve(a, turn, AI_COST_UNKNOWN, none).got.granted);
	reserve(a, turn, AI_COST_UNKNOWN, limits);
	assert_string_equal(asking_text(a, "SELECT count || ' ' || why || ' ' || scope FROM budget_refusals"),
			    "2 price not known profile");
}

/* Costs without a reservation are counted too, so that a budget made today knows what was spent. */
static void what_was_not_reserved_is_counted(void **state)
{
	struct asking *a = *state;
	int64_t turn = turn_of(a, "ann", "room");
	struct ai_attempt attempt = cost(NULL, 70);

	settle(a, turn, &attempt);
	attempt.cost_micros = AI_COST_UNKNOWN;
	settle(a, turn, &attempt);
	assert_string_equal(sums(a, "organization"), "70 0");
	assert_string_equal(sums(a, "installation"), "70 0");
	assert_string_equal(sums(a, "channel"), "nothing");
	assert_false(reserve(a, turn, 31, limit(BUDGET_PROFILE, BUDGET_MONTH, 100)).got.granted);
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(held_money_is_not_given_twice),
		CASE(requests_at_once_share_one_sum),
		CASE(prices_settle_what_was_held),
		CASE(unknown_costs_count_in_full),
		CASE(what_was_never_sent_is_given_back),
		CASE(a_crash_gives_nothing_back),
		CASE(a_crash_leaves_one_row_for_each_request),
		CASE(held_money_lapses),
		CASE(the_same_question_holds_once),
		CASE(everybody_has_an_own_budget),
		CASE(a_channel_is_the_first_parts_of_a_place),
		CASE(a_row_counts_instead_of_the_setting),
		CASE(every_budget_that_applies_counts),
		CASE(a_models_budget_holds_in_every_organisation),
		CASE(a_new_day_and_a_new_month_begin_anew),
		CASE(an_unknown_price_is_refused_where_a_budget_applies),
		CASE(what_was_not_reserved_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
