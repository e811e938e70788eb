/* Budgets: set and removed by the operator. What they are for is found first, so that none is for a thing nobody meant. */
#include "budget.h"
#include "people.h"

enum { MICROS = 1000000, WHOLE_MAX = 9 }; /* digits before the point */

/* Exact: at most six decimals. */
static bool read_usd(const char *text, int64_t *micros_out, struct err *err)
{
	static const char digits[] = "0123456789";
	size_t whole = strspn(text, digits), part = 0;
	int64_t micros = 0, unit = MICROS;

	if (text[whole] == '.')
		part = strspn(text + whole + 1, digits);
	if (whole == 0 || whole > WHOLE_MAX || part > 6 || (text[whole] == '.' && part == 0) ||
	    text[whole + (part ? part + 1 : 0)] != '\0')
		return err_set(err, ERR_REFUSED,
			       "an amount is written in US dollars, like 5 or 0.25, not \"%.*s\"", CUT(text));
	for (size_t i = 0; i < whole; i++)
		micros = micros * 10 + (text[i] - '0');
	micros *= MICROS;
	for (size_t i = 0; i < part; i++)
		micros += (text[whole + 1 + i] - '0') * (unit /= 10);
	*micros_out = micros;
	return true;
}

/* Whose budget, in the words of the database. */
struct subject {
	const char *org_id, *scope, *of, *period;
};

static bool one_text(struct db *db, struct arena *room, const char **text_out, const char *sql,
		     const char *arg, struct err *err)
{
	struct query query;

	*text_out = NULL;
	db_query(db, &query, sql, "t", arg);
	if (db_row(&query))
		*text_out = room_text(room, &query, 0);
	return db_end(&query, err);
}

static bool find_organization(struct db *db, struct arena *room, const char *name, struct subject *it,
			      struct err *err)
{
	it->of = "";
	if (name == NULL)
		return true;
	if (!one_text(db, room, &it->org_id, "SELECT id FROM organizations WHERE id = $1 OR name = $1", name,
		      err))
		return false;
	return it->org_id || err_set(err, ERR_GONE, "no organisation is called \"%.*s\"", CUT(name));
}

/* "PLATFORM/NAME", and for a channel "#KEY" behind it. One without a row belongs to the organisation that exists from
 * the start. */
static bool find_installation(struct db *db, struct arena *room, const char *name, bool channel,
			      struct subject *it, struct err *err)
{
	size_t len = strcspn(name, "#");
	const char *org;

	if (strchr(name, '/') == NULL || (name[len] == '#' && name[len + 1] != '\0') != channel)
		return err_set(err, ERR_REFUSED, "write it as %s, not \"%.*s\"",
			       channel ? "PLATFORM/INSTALLATION#CHANNEL" : "PLATFORM/INSTALLATION",
			       CUT(name));
	if (!one_text(db, room, &org,
		      "SELECT \"companyId\" FROM \"LLMAgentInstallation\" WHERE platform || '/' || name = $1",
		      arena_text_n(room, name, len), err))
		return false;
	if (org)
		it->org_id = org;
	it->of = name;
	return true;
}

static bool find_profile(struct db *db, struct arena *room, const char *who, struct subject *it,
			 struct err *err)
{
	struct person person;

	if (!person_find(db, room, who, &person, err))
		return false;
	it->org_id = person.org_id;
	it->of = person.profile_id;
	return true;
}

static bool find_model(const char *name, struct subject *it, struct err *err)
{
	it->of = name;
	return strchr(name, '/') ||
	       err_set(err, ERR_REFUSED,
		       "write it as PROVIDER/MODEL, as `usher usage --by model` does, not "
		       "\"%.*s\"",
		       CUT(name));
}

/* args: scope, subject, period. */
static bool find_subject(struct db *db, struct arena *room, const char *const *args, struct subject *it,
			 struct err *err)
{
	const char *scope = args[0], *name = args[1];

	*it = (struct subject){ .org_id = ROOM_DEFAULT_ORG, .scope = scope, .period = args[2] };
	if (strcmp(args[2], "day") != 0 && strcmp(args[2], "month") != 0)
		return err_set(err, ERR_REFUSED, "a budget is for a day or a month, not \"%.*s\"",
			       CUT(args[2]));
	if (strcmp(scope, "organization") == 0)
		return find_organization(db, room, name, it, err);
	if (name == NULL)
		return err_set(err, ERR_REFUSED, "say whose budget it is");
	if (strcmp(scope, "installation") == 0 || strcmp(scope, "channel") == 0)
		return find_installation(db, room, name, *scope == 'c', it, err);
	if (strcmp(scope, "profile") == 0)
		return find_profile(db, room, name, it, err);
	if (strcmp(scope, "model") == 0)
		return find_model(name, it, err);
	return err_set(
		err, ERR_REFUSED,
		"a budget is for an organization, installation, channel, profile or model, not \"%.*s\"",
		CUT(scope));
}

static json_t *answer(const struct subject *it)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "org_id", it->org_id, "scope", it->scope, "subject", it->of,
			 "period", it->period);
}

bool act_budget_set(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		    struct err *err)
{
	struct subject it;
	int64_t micros = 0;

	if (!find_subject(db, room, args, &it, err) || !read_usd(args[3], &micros, err))
		return false;
	*answer_out = answer(&it);
	return db_run(
		db, err, NULL,
		"INSERT INTO budgets (org_id, scope, subject, period, limit_micros, created_at, updated_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (org_id, scope, subject, period)"
		" DO UPDATE SET limit_micros = excluded.limit_micros, updated_at = excluded.updated_at",
		"ttttit", it.org_id, it.scope, it.of, it.period, micros, room_time(room, clock_wall_ms()));
}

bool act_budget_remove(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		       struct err *err)
{
	struct subject it;
	int64_t rows = 0;

	if (!find_subject(db, room, args, &it, err))
		return false;
	*answer_out = answer(&it);
	return db_run(db, err, &rows,
		      "DELETE FROM budgets WHERE org_id = $1 AND scope = $2 AND subject = $3 AND period = $4",
		      "tttt", it.org_id, it.scope, it.of, it.period) &&
	       (rows > 0 || err_set(err, ERR_GONE, "there is no such budget"));
}
