/* Places that add us: their rows, their secrets, what goes with them when they take us out, what they sent. */
#include "asking.h"
#include "crypto.h"
#include "store_install.h"
#include <stdlib.h>
#include <string.h>

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

/* ---- questions ---------------------------------------------------------------------------------- */

struct rows {
	struct store_installation rows[8];
	size_t count;
};

static void end(struct asking *asking, const struct err *err, void *got)
{
	asking->err = *err;
	asking->got = got;
	if (--asking->waiting == 0)
		io_stop(asking->io);
}

static void on_rows(void *owner, uint64_t ticket, const struct err *err,
		    const struct store_installation *rows, size_t count)
{
	struct asking *asking = owner;
	struct rows *copy = arena_alloc(asking->room, sizeof(*copy));

	(void)ticket;
	assert_true(count <= 8);
	for (copy->count = 0; copy->count < count; copy->count++) {
		const struct store_installation *row = &rows[copy->count];

		copy->rows[copy->count] = (struct store_installation){
			.platform = arena_text(asking->room, row->platform),
			.name = arena_text(asking->room, row->name),
			.org_id = arena_text(asking->room, row->org_id),
			.title = arena_text(asking->room, row->title),
			.settings = arena_text(asking->room, row->settings),
			.secrets = arena_text(asking->room, row->secrets),
			.enabled = row->enabled,
			.removed = row->removed,
		};
	}
	end(asking, err, copy);
}

static const struct rows *list(struct asking *a)
{
	a->waiting++;
	store_installations(a->store, on_rows, a, 1);
	asking_wait(a);
	return a->got;
}

static const struct store_installation *install(struct asking *a, const char *name, const char *title,
						const char *settings, const char *secrets, bool own_org)
{
	const struct store_install ask = { .platform = "chat",
					   .name = name,
					   .title = title,
					   .settings = settings,
					   .secrets = secrets,
					   .own_org = own_org };
	const struct rows *rows;

	a->waiting++;
	store_install(a->store, &ask, on_rows, a, 1);
	asking_wait(a);
	rows = a->got;
	if (a->err.kind != ERR_NONE)
		return NULL;
	assert_int_equal(rows->count, 1);
	return &rows->rows[0];
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	(void)ticket;
	end(owner, err, NULL);
}

static enum err_kind keep(struct asking *a, const char *name, const char *secrets)
{
	a->waiting++;
	store_keep(a->store, "chat", name, secrets, on_done, a, 1);
	asking_wait(a);
	return a->err.kind;
}

static enum err_kind take_out(struct asking *a, const char *name, const char *why)
{
	a->waiting++;
	store_remove(a->store, "chat", name, why, on_done, a, 1);
	asking_wait(a);
	return a->err.kind;
}

static enum err_kind enable(struct asking *a, const char *name, bool enabled)
{
	a->waiting++;
	store_enable(a->store, "chat", name, enabled, on_done, a, 1);
	asking_wait(a);
	return a->err.kind;
}

static void on_accepted(void *owner, uint64_t ticket, const struct err *err, const struct store_accepted *a)
{
	struct asking *asking = owner;

	(void)ticket;
	end(asking, err, copy_accepted(asking->room, a));
}

/* Somebody says something in that workspace. */
static const struct store_accepted *said_at(struct asking *a, const char *name, const struct incoming *in)
{
	char uuid[CRYPTO_UUID_SIZE];
	const struct store_accept ask = { .uuid = crypto_uuid(uuid),
					  .platform = "chat",
					  .installation = name,
					  .in = in,
					  .may_claim = true };

	a->waiting++;
	store_accept(a->store, &ask, on_accepted, a, 1);
	asking_wait(a);
	return a->got;
}

static const struct store_accepted *say_at(struct asking *a, const char *name, const char *key)
{
	struct incoming in = says("zoe", "room", key, key);

	return said_at(a, name, &in);
}

/* ---- rows --------------------------------------------------------------------------------------- */

/* Two companies that add the same bot must never see each other's people or bills. */
static void each_place_has_an_organisation(void **state)
{
	struct asking *a = *state;
	const struct store_installation *one =
		install(a, "acme/T1", "One Ltd", "{\"team\":\"T1\"}", "sealed1", true);
	const struct store_installation *two = install(a, "acme/T2", NULL, NULL, NULL, true);
	const struct store_installation *root = install(a, "acme", "Acme", NULL, "sealed0", false);
	const struct rows *rows;

	assert_string_equal(one->name, "acme/T1");
	assert_string_equal(one->settings, "{\"team\":\"T1\"}");
	assert_string_equal(one->secrets, "sealed1");
	assert_true(one->enabled);
	assert_false(one->removed);
	assert_string_equal(two->settings, "{}");
	assert_null(two->secrets);
	assert_null(two->title);
	assert_string_not_equal(one->org_id, two->org_id);
	assert_string_equal(root->org_id, ROOM_DEFAULT_ORG);
	assert_string_equal(
		asking_text(a,
			    "SELECT group_concat(name) FROM (SELECT name FROM organizations ORDER BY name)"),
		"chat/acme/T1 (One Ltd),chat/acme/T2,default");
	rows = list(a);
	assert_int_equal(rows->count, 3);
	assert_string_equal(rows->rows[0].name, "acme");
	assert_string_equal(rows->rows[2].name, "acme/T2");

	/* What is said there belongs there. */
	ask_admit(a, say_at(a, "acme/T1", "k1")->inbox_id, true);
	assert_string_equal(asking_text(a, "SELECT org_id FROM inbox"), one->org_id);
	assert_string_equal(asking_text(a, "SELECT \"userCompanyId\" FROM \"LLMConversation\""), one->org_id);
}

/* Added once more (new rights, say): the same row, the same people, and the operator's switch stays off. */
static void adding_again_changes_the_row(void **state)
{
	struct asking *a = *state;
	const struct store_installation *one = install(a, "acme/T1", "One", "{\"a\":1}", "sealed1", true),
					*again;

	assert_int_equal(enable(a, "acme/T1", false), ERR_NONE);
	again = install(a, "acme/T1", "One Ltd", NULL, "sealed2", true);
	assert_string_equal(again->org_id, one->org_id);
	assert_string_equal(again->title, "One Ltd");
	assert_string_equal(again->settings, "{\"a\":1}");
	assert_string_equal(again->secrets, "sealed2");
	assert_false(again->enabled);
	assert_int_equal(list(a)->count, 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM organizations"), 2);
	assert_null(install(a, "acme/T2", NULL, "no JSON", NULL, true));
	assert_int_equal(asking_int(a, "SELECT count(*) FROM organizations"), 2);
}

/* Names come from strangers: long ones and ones that are taken must not keep anybody out. */
static void any_title_will_do(void **state)
{
	struct asking *a = *state;
	char title[400];

	asking_sql(a, "INSERT INTO organizations (name) VALUES ('chat/acme/T1 (One)')");
	assert_non_null(install(a, "acme/T1", "One", NULL, NULL, true));
	for (size_t i = 0; i + 2 < sizeof(title); i += 2)
		memcpy(title + i, "\xc3\xbc", 3);
	assert_non_null(install(a, "acme/T2", title, NULL, NULL, true));
	asking_sql(a, "UPDATE \"LLMAgentInstallation\" SET name = 'moved' WHERE name = 'acme/T2'");
	assert_non_null(install(a, "acme/T2", title, NULL, NULL, true));
	assert_int_equal(asking_int(a, "SELECT count(*) FROM organizations WHERE length(name) <= 100"), 5);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM organizations WHERE name LIKE 'chat/acme/T1 (One) %'"),
		1);
}

static void secrets_are_replaced(void **state)
{
	struct asking *a = *state;

	install(a, "acme/T1", NULL, NULL, "sealed1", true);
	assert_int_equal(keep(a, "acme/T1", "sealed2"), ERR_NONE);
	assert_string_equal(list(a)->rows[0].secrets, "sealed2");
	assert_int_equal(keep(a, "acme/T9", "x"), ERR_GONE);
	take_out(a, "acme/T1", "uninstalled");
	assert_int_equal(keep(a, "acme/T1", "sealed3"), ERR_GONE); /* a refresh that was under way */
	assert_null(list(a)->rows[0].secrets);
}

/* ---- removal ------------------------------------------------------------------------------------ */

/* Who takes us out wants no more answers, no more work, and their token gone from our disk. */
static void removal_ends_everything(void **state)
{
	struct asking *a = *state;
	struct store_turn turn;

	install(a, "acme/T1", NULL, NULL, "sealed1", true);
	install(a, "acme/T2", NULL, NULL, "sealed2", true);
	turn = *ask_admit(a, say_at(a, "acme/T1", "a")->inbox_id, true)->turn;
	answer_with(a, turn.id, "first", true); /* being sent */
	turn = *say_at(a, "acme/T1", "b")->turn;
	answer_with(a, turn.id, "second", true);      /* sleeps behind it */
	turn = *say_at(a, "acme/T1", "c")->turn;      /* is being answered */
	assert_null(say_at(a, "acme/T1", "d")->turn); /* waits */
	say_at(a, "acme/T2", "e");		      /* another company's */

	assert_int_equal(take_out(a, "acme/T1", "app uninstalled"), ERR_NONE);
	assert_true(list(a)->rows[0].removed);
	assert_null(list(a)->rows[0].secrets);
	assert_string_equal(list(a)->rows[1].secrets, "sealed2");
	assert_string_equal(
		asking_text(a, "SELECT group_concat(state || coalesce(':' || reason, ''), ' ') FROM outbox"),
		"sending cancelled:app uninstalled");
	assert_string_equal(asking_text(a, "SELECT group_concat(delivery_key || ':' || state || coalesce(':' "
					   "|| reason, ''), ' ')"
					   " FROM inbox"),
			    "a:answered b:answered c:claimed d:ignored:app uninstalled e:accepted");
	assert_null(answer_with(a, turn.id, "third", true)->reply); /* the turn ends, nobody is told */
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox"), 2);
	ask_sent(a, 1, REPLY_PENDING, clock_wall_ms() - 1); /* put back, but there is nobody to send it */
	assert_string_equal(asking_text(a, "SELECT state || ':' || reason FROM outbox WHERE id = 1"),
			    "cancelled:app uninstalled");
	assert_int_equal(ask_due(a, 16)->count, 0);

	/* Again, and for one that never was. */
	assert_int_equal(take_out(a, "acme/T1", "token revoked"), ERR_NONE);
	assert_string_equal(
		asking_text(a, "SELECT \"removedWhy\" FROM \"LLMAgentInstallation\" WHERE name = 'acme/T1'"),
		"app uninstalled");
	assert_int_equal(take_out(a, "acme/T9", "x"), ERR_NONE);
	assert_int_equal(list(a)->count, 2);
	assert_int_equal(enable(a, "acme/T1", true), ERR_GONE);
	assert_int_equal(enable(a, "acme/T9", true), ERR_GONE);
}

/* Killed between the removal and the end of what was running: the next process must not take it up again. */
static void removal_survives_a_crash(void **state)
{
	struct asking *a = *state;
	const struct store_recovered *r;
	struct store_turn turn;

	install(a, "acme/T1", NULL, NULL, "sealed1", true);
	turn = *ask_admit(a, say_at(a, "acme/T1", "a")->inbox_id, true)->turn;
	answer_with(a, turn.id, "first", true);
	say_at(a, "acme/T1", "b");
	take_out(a, "acme/T1", "app uninstalled");
	asking_crash(a);
	r = ask_recover(a, "chat");
	assert_int_equal(r->conversation_count, 0);
	assert_int_equal(r->unplaced_count, 0);
	assert_string_equal(
		asking_text(a, "SELECT state || ':' || reason FROM inbox WHERE delivery_key = 'b'"),
		"ignored:app uninstalled");
	assert_string_equal(asking_text(a, "SELECT state || ':' || reason FROM outbox"),
			    "cancelled:app uninstalled");
}

/* What still comes in is acknowledged and not kept; added again, it starts afresh. */
static void nothing_is_taken_in_where_we_are_not(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("zoe", "room", "k2", "secret");
	const struct store_accepted *got;

	install(a, "acme/T1", NULL, NULL, "sealed1", true);
	in.cursor_scope = "C1";
	in.cursor = "7";
	enable(a, "acme/T1", false);
	assert_false(list(a)->rows[0].enabled);
	got = said_at(a, "acme/T1", &in);
	assert_int_equal(got->how, ACCEPT_NEW);
	assert_int_equal(got->state, MESSAGE_IGNORED);
	assert_string_equal(asking_text(a, "SELECT reason || body FROM inbox"), "installation disabled");
	assert_int_equal(said_at(a, "acme/T1", &in)->how, ACCEPT_BEFORE);
	enable(a, "acme/T1", true);
	assert_int_equal(say_at(a, "acme/T1", "k3")->state, MESSAGE_ACCEPTED);
	take_out(a, "acme/T1", "app uninstalled");
	in.delivery_key = "k4";
	in.kind = INCOMING_EDITED;
	in.target = "x";
	assert_int_equal(said_at(a, "acme/T1", &in)->state, MESSAGE_IGNORED);
	assert_string_equal(
		asking_text(a, "SELECT kind || reason || body FROM inbox WHERE delivery_key = 'k4'"),
		"editedapp uninstalled");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM cursors"), 1);
	assert_false(install(a, "acme/T1", NULL, NULL, "sealed2", true)->removed);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM cursors"), 0);
	assert_int_equal(say_at(a, "acme/T1", "k5")->state, MESSAGE_ACCEPTED);
}

/* ---- cursors ------------------------------------------------------------------------------------ */

struct cursors {
	char text[200];
	size_t count;
};

static void on_cursors(void *owner, uint64_t ticket, const struct err *err,
		       const struct store_cursor *cursors, size_t count)
{
	struct asking *asking = owner;
	struct cursors *copy = arena_alloc(asking->room, sizeof(*copy));

	(void)ticket;
	copy->count = count;
	for (size_t i = 0; i < count && i < 4; i++) {
		strcat(copy->text, cursors[i].scope);
		strcat(copy->text, "=");
		strcat(copy->text, cursors[i].position);
		strcat(copy->text, " ");
	}
	end(asking, err, copy);
}

static const struct cursors *cursors_of(struct asking *a, const char *name, int64_t since_ms)
{
	a->waiting++;
	store_cursors(a->store, "chat", name, since_ms, on_cursors, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	return a->got;
}

/* After an outage only places that were alive lately are asked, the newest first. */
static void cursors_are_listed(void **state)
{
	struct asking *a = *state;
	int64_t now = clock_wall_ms();

	asking_sql(a, "INSERT INTO cursors (platform, installation, scope, position, updated_at) VALUES"
		      " ('chat', 'acme', 'C1', '5', '2020-01-01T00:00:00.000Z'),"
		      " ('chat', 'acme', 'C2', '6', '2020-01-01T00:00:01.000Z'),"
		      " ('chat', 'acme/T1', 'C3', '7', '2020-01-01T00:00:00.000Z'),"
		      " ('other', 'acme', 'C4', '8', '2020-01-01T00:00:00.000Z')");
	assert_string_equal(cursors_of(a, "acme", 0)->text, "C2=6 C1=5 ");
	assert_string_equal(cursors_of(a, "acme", 1577836801000)->text, "C2=6 ");
	assert_int_equal(cursors_of(a, "acme", now)->count, 0);
	asking_sql(a, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10005)"
		      " INSERT INTO cursors (platform, installation, scope, position)"
		      " SELECT 'chat', 'acme', 'D' || i, '1' FROM n");
	assert_int_equal(cursors_of(a, "acme", 0)->count, STORE_CURSORS_MAX);
	assert_int_not_equal(cursors_of(a, "acme", 0)->text[0], 'C');
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(each_place_has_an_organisation),
		CASE(adding_again_changes_the_row),
		CASE(any_title_will_do),
		CASE(secrets_are_replaced),
		CASE(removal_ends_everything),
		CASE(removal_survives_a_crash),
		CASE(nothing_is_taken_in_where_we_are_not),
		CASE(cursors_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
