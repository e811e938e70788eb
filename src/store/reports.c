/* The reads that people and programs ask by name: a table of names, arguments and statements. */
#include "audit.h"
#include "imports.h"
#include "people.h"
#include <stdio.h>
#include <string.h>

struct report {
	const char *name;
	const char *letters, *names; /* of the arguments, see people.h */
	const char *sql;
	const char *sql_all;	/* instead, when the profile that asks is NULL; the same placeholders */
	const char *sql_before; /* instead, when "before" is given and "after" is not */
	bool object;		/* the first row, ERR_GONE without one */
};

/* ---- people ------------------------------------------------------------------------------------- */

#define USER                                                                                                 \
	"SELECT u.username, p.display_name, p.email, p.role,"                                                \
	" CASE WHEN p.status = 'active' AND coalesce(u.is_active, true) THEN 'active' ELSE 'disabled' END "  \
	"AS status,"                                                                                         \
	" u.id AS account, p.id AS profile_id, p.org_id, (SELECT group_concat(i.platform || '/' || "         \
	"i.installation, ', ')"                                                                              \
	" FROM platform_identities i WHERE i.profile_id = p.id) AS identities,"                              \
	" (SELECT count(*) FROM api_keys k WHERE k.user_id = u.id AND k.is_active) AS keys, p.created_at"    \
	" FROM user_profiles p LEFT JOIN users u ON u.id = p.user_id"

static const char users_sql[] = USER " ORDER BY u.username IS NULL, u.username, p.created_at, p.id";
static const char user_sql[] = USER " WHERE p.id = $1";

static const char language_of_sql[] = "SELECT language FROM user_profiles WHERE id = $1";

static const char keys_sql[] =
	"SELECT k.key_id, k.key_name, u.username, k.is_active AS \"active:bool\", k.created_at, "
	"k.last_used_at"
	" FROM api_keys k JOIN users u ON u.id = k.user_id"
	" WHERE $1 IS NULL OR k.user_id = (SELECT p.user_id FROM user_profiles p WHERE p.id = $1)"
	" ORDER BY u.username, k.id";

/* $1 is the time now: the letter n. */
static const char pairs_sql[] = "SELECT code, platform, installation, external_user_id AS sender, "
				"display_name, created_at, expires_at"
				" FROM pairing_codes WHERE state = 'pending' AND expires_at > $1 ORDER BY id";

/* ---- conversations ------------------------------------------------------------------------------ */

/* Whose own way to answer it has. */
#define CONVERSATION_MODEL                                                                                   \
	", (SELECT s.name FROM \"LLMConversation\" k JOIN \"LLMSettings\" s ON s.id = k.\"llmSettingsId\""   \
	" WHERE k.id = c.id) AS model_settings"
#define CONVERSATION_COLUMNS                                                                                 \
	"SELECT c.id AS conversation_id, c.uuid AS conversation_uuid, c.user_id, c.title, c.state, "         \
	"c.platform,"                                                                                        \
	" c.installation, c.created_at, c.updated_at"
#define CONVERSATION CONVERSATION_COLUMNS " FROM conversation c"
#define CONVERSATION_PAGE                                                                                    \
	" AND ($2 IS NULL OR c.state = $2) AND ($4 IS NULL OR c.id < CAST($4 AS BIGINT))"                    \
	" ORDER BY c.id DESC LIMIT CAST($3 AS BIGINT)"

static const char conversations_sql[] = CONVERSATION " WHERE c.user_id = $1" CONVERSATION_PAGE;
static const char conversations_all_sql[] =
	CONVERSATION_COLUMNS CONVERSATION_MODEL " FROM conversation c WHERE $1 IS NULL" CONVERSATION_PAGE;
static const char conversation_sql[] =
	CONVERSATION " WHERE c.id = CAST($1 AS BIGINT) AND ($2 IS NULL OR c.user_id = $2)";

#define MESSAGE                                                                                              \
	"m.id, m.uuid, m.conversation_id, m.conversation_uuid, m.role, m.content, m.\"timestamp\", "         \
	"m.created_at,"                                                                                      \
	" m.tool_calls AS \"tool_calls:json\", m.tool_responses AS \"tool_responses:json\""
#define MESSAGE_WHERE                                                                                        \
	" FROM message m WHERE m.conversation_id = CAST($1 AS BIGINT) AND ($2 IS NULL OR m.user_id = $2)"    \
	" AND ($3 IS NULL OR m.role = $3) AND ($4 IS NULL OR m.\"timestamp\" > $4)"                          \
	" AND ($5 IS NULL OR m.\"timestamp\" < $5)"

static const char messages_sql[] =
	"SELECT " MESSAGE MESSAGE_WHERE " ORDER BY m.\"timestamp\", m.id LIMIT CAST($6 AS BIGINT)";
static const char messages_before_sql[] =
	"SELECT * FROM (SELECT " MESSAGE MESSAGE_WHERE " ORDER BY m.\"timestamp\" DESC, m.id DESC"
	" LIMIT CAST($6 AS BIGINT)) ORDER BY \"timestamp\", id";

/* ---- money -------------------------------------------------------------------------------------- */

/* An unknown price is counted, not taken for nothing: cost_usd is what is known. */
#define USAGE(KEY) "SELECT " KEY " AS " /* the column's name follows */
#define USAGE_SUMS                                                                                           \
	", count(*) AS requests, sum(CASE WHEN a.success THEN 0 ELSE 1 END) AS failures,"                    \
	" sum(a.input_tokens) AS input_tokens, sum(a.output_tokens) AS output_tokens,"                       \
	" coalesce(sum(a.tokens_used), 0) AS tokens, sum(a.cost_micros) AS \"cost_usd:usd\","                \
	" sum(CASE WHEN a.cost_micros IS NULL THEN 1 ELSE 0 END) AS unknown_cost,"                           \
	" sum(a.latency_ms) / count(*) AS latency_ms"                                                        \
	" FROM ai_agent_interactions a LEFT JOIN user_profiles p ON p.id = a.user_id"                        \
	" LEFT JOIN users u ON u.id = p.user_id"                                                             \
	" WHERE ($1 IS NULL OR a.created_at >= $1) AND ($2 IS NULL OR a.created_at < $2)"                    \
	" AND ($3 IS NULL OR a.user_id = $3) AND" AUDIT_REQUESTS " GROUP BY 1 ORDER BY 1"

static const struct {
	const char *by, *sql;
} usages[] = {
	{ "day", USAGE("substr(a.created_at, 1, 10)") "day" USAGE_SUMS },
	{ "model",
	  USAGE("coalesce(a.provider || '/', '') || coalesce(a.model_used, 'unknown')") "model" USAGE_SUMS },
	{ "user", USAGE("coalesce(u.username, p.display_name, a.user_id, 'system')") "username" USAGE_SUMS },
	{ "platform", USAGE("coalesce(a.platform, 'unknown')") "platform" USAGE_SUMS },
};

/* Of one profile, from a day or month on. */
static const char usage_of_sql[] =
	"SELECT count(*) AS requests, coalesce(sum(tokens_used), 0) AS tokens,"
	" coalesce(sum(cost_micros), 0) AS \"cost_usd:usd\","
	" coalesce(sum(CASE WHEN cost_micros IS NULL THEN 1 ELSE 0 END), 0) AS unknown_cost"
	" FROM ai_agent_interactions WHERE user_id = $1 AND created_at >= $2"
	" AND" AUDIT_REQUESTS;

/* The subject as people know it. */
#define BUDGET_NAMES(ROW)                                                                                    \
	" LEFT JOIN user_profiles p ON " ROW ".scope = 'profile' AND p.id = " ROW                            \
	".subject LEFT JOIN users u ON u.id = p.user_id JOIN organizations g ON g.id = " ROW ".org_id"
#define BUDGET_SUBJECT(ROW) "coalesce(u.username, p.display_name, " ROW ".subject) AS subject"

/* $1 is the time now. A model's sums are those of all organisations together, as its budget is held. */
static const char budgets_sql[] = "SELECT b.scope, " BUDGET_SUBJECT(
	"b") ", b.period, b.limit_micros AS \"limit_usd:usd\","
	     " coalesce(sum(s.spent), 0) AS \"spent_usd:usd\", coalesce(sum(s.held), 0) AS \"held_usd:usd\","
	     " substr($1, 1, CASE b.period WHEN 'day' THEN 10 ELSE 7 END) AS begins, g.name AS organization"
	     " FROM budgets b LEFT JOIN spending s ON (s.org_id = b.org_id OR b.scope = 'model') AND"
	     " s.scope = b.scope AND s.subject = b.subject"
	     " AND s.begins = substr($1, 1, CASE b.period WHEN 'day' THEN 10 ELSE 7 END)" BUDGET_NAMES(
		     "b") " GROUP BY b.id ORDER BY g.name, b.scope, 2, b.period";

static const char spending_sql[] = "SELECT s.begins, s.scope, " BUDGET_SUBJECT(
	"s") ", s.spent AS \"spent_usd:usd\","
	     " s.held AS \"held_usd:usd\", g.name AS organization FROM spending s" BUDGET_NAMES(
		     "s") " WHERE s.begins IN (substr($1, 1, 10), substr($1, 1, 7)) AND s.spent + s.held > 0"
			  " ORDER BY length(s.begins) DESC, s.spent + s.held DESC, s.scope, 3 LIMIT 1000";

#define REFUSED                                                                                              \
	" FROM budget_refusals r JOIN user_profiles w ON w.id = r.profile_id LEFT JOIN users x ON x.id = "   \
	"w.user_id" BUDGET_NAMES("r")
static const char budget_refusals_sql[] =
	"SELECT r.last_at, coalesce(x.username, w.display_name) AS who, r.count, r.why, r.scope,"
	" " BUDGET_SUBJECT("r") ", r.begins, g.name AS organization" REFUSED
				" ORDER BY r.last_at DESC, 2 LIMIT 1000";

static const char feedback_sql[] =
	"SELECT f.updated_at, f.value, f.platform, f.installation, f.sender,"
	" coalesce(u.username, p.display_name) AS username, m.\"llmConversationId\" AS conversation_id,"
	" f.turn_id, m.\"traceId\" AS message, substr(m.\"userPrompt\", 1, 80) AS prompt,"
	" substr(m.\"llmParsedOutput\", 1, 80) AS answer, f.created_at FROM feedback f"
	" JOIN \"LLMConversationMessage\" m ON m.id = f.turn_id"
	" LEFT JOIN user_profiles p ON p.id = f.profile_id LEFT JOIN users u ON u.id = p.user_id"
	" WHERE ($1 IS NULL OR f.updated_at >= $1) ORDER BY f.updated_at DESC, f.id DESC"
	" LIMIT CAST($2 AS BIGINT)";

static const char interactions_sql[] =
	"SELECT a.created_at, coalesce(u.username, p.display_name) AS username, a.platform, a.agent_name,"
	" a.interaction_type, a.provider, a.model_used, a.tokens_used, a.cost_micros AS \"cost_usd:usd\", "
	"a.latency_ms,"
	" a.success AS \"success:bool\", a.error_message, a.id, a.org_id, a.user_id FROM "
	"ai_agent_interactions a"
	" LEFT JOIN user_profiles p ON p.id = a.user_id LEFT JOIN users u ON u.id = p.user_id"
	" WHERE ($1 IS NULL OR a.user_id = $1) AND ($2 IS NULL OR a.created_at >= $2)"
	" ORDER BY a.created_at DESC, a.id LIMIT CAST($3 AS BIGINT)";

/* ---- how things stand --------------------------------------------------------------------------- */

static const char dead_letters_sql[] =
	"SELECT 'r' || o.id AS id, 'reply' AS kind, o.state, o.reason, o.platform, o.installation, "
	"o.attempts,"
	" o.created_at, o.uuid, substr(o.body, 1, 80) AS text FROM outbox o"
	" WHERE o.state IN ('unknown', 'rejected', 'expired')"
	" UNION ALL SELECT 'm' || i.id, 'message', i.state, i.reason, i.platform, i.installation, i.attempts,"
	" i.received_at, i.uuid, substr(i.body, 1, 80) FROM inbox i"
	" WHERE i.state = 'quarantined' AND i.dropped_at IS NULL ORDER BY 8 LIMIT CAST($1 AS BIGINT)";

/* The lists of states are those of partial indexes, so that nothing here reads a whole table of messages. */
#define COUNT_INBOX(STATE)                                                                                   \
	"(SELECT count(*) FROM inbox WHERE state IN ('accepted', 'claimed') AND state = '" STATE             \
	"') AS messages_" STATE
#define COUNT_DUE(STATE)                                                                                     \
	"(SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending') AND state = '" STATE             \
	"') AS replies_" STATE
#define COUNT_DEAD(STATE)                                                                                    \
	"(SELECT count(*) FROM outbox WHERE state IN ('unknown', 'rejected', 'expired') AND state = '" STATE \
	"') AS replies_" STATE

/* Laid out by hand: the formatter makes a staircase of joined literals. */
/* clang-format off */
#define COUNT(WHERE, NAME) "(SELECT count(*) FROM " WHERE ") AS " NAME

static const char status_sql[] =
	"SELECT " COUNT_INBOX("accepted") ", " COUNT_INBOX("claimed") ","
	" (SELECT min(received_at) FROM inbox WHERE state IN ('accepted', 'claimed')) AS oldest_waiting, "
	COUNT("inbox WHERE state = 'quarantined' AND dropped_at IS NULL", "messages_quarantined") ", "
	COUNT_DUE("pending") ", " COUNT_DUE("sending") ", "
	COUNT_DEAD("unknown") ", " COUNT_DEAD("rejected") ", " COUNT_DEAD("expired") ", "
	COUNT("user_profiles", "people") ", "
	COUNT("\"LLMConversation\" WHERE state = 'active'", "conversations_active") ", "
	COUNT("\"LLMConversation\" WHERE state = 'archived'", "conversations_archived") ","
	" (SELECT coalesce(json_group_array(json_object('who', who, 'times', times, 'why', why, 'budget', budget,"
	" 'since', since)), '[]') FROM (SELECT coalesce(x.username, w.display_name) AS who, r.count AS times, r.why,"
	" r.scope || ' ' || coalesce(u.username, p.display_name, r.subject) AS budget, r.begins AS since" REFUSED
	" WHERE r.begins IN (substr($1, 1, 10), substr($1, 1, 7)) ORDER BY r.last_at DESC LIMIT 20))"
	" AS \"budget_refusals:json\","
	" (SELECT max(version) FROM schema_version) AS schema_version";
/* clang-format on */

static const char task_list_sql[] =
	"SELECT id AS task_id, title, description, completed AS \"completed:bool\", created_at, updated_at "
	"FROM tasks"
	" WHERE org_id = $1 AND user_id = $2 AND completed = CASE coalesce($3, 'all') WHEN 'pending' THEN 0"
	" WHEN 'completed' THEN 1 ELSE completed END ORDER BY completed, id LIMIT 200";

/* Upper and lower case are the same in every script. $3: a JSON array of words. */
#define HOLDS_WORDS(TEXT)                                                                                    \
	" NOT EXISTS (SELECT 1 FROM json_each($3) w WHERE instr(fold(" TEXT "), fold(w.value)) = 0)"

static const char search_conversations_sql[] =
	"SELECT m.conversation_id, m.conversation_uuid, c.title, c.platform, m.role, m.\"timestamp\","
	" substr(m.content, max(1, instr(fold(m.content), fold(coalesce(json_extract($3, '$[0]'), ''))) - "
	"200), 600)"
	" AS text FROM message m JOIN conversation c ON c.id = m.conversation_id"
	" WHERE m.org_id = $1 AND m.user_id = $2 AND m.role IN ('user', 'assistant') AND" HOLDS_WORDS(
		"m.content") " ORDER BY m.\"timestamp\" DESC, m.id DESC LIMIT min(50, CAST($4 AS BIGINT))";

/* ---- ways to answer ----------------------------------------------------------------------------- */

#define MODEL                                                                                                \
	"SELECT s.name, s.model, s.temperature, s.\"maxOutputTokens\" AS max_output_tokens,"                 \
	" s.\"historyMessages\" AS history_messages, s.tools AS \"tools:json\", s.\"systemPrompt\" AS "      \
	"prompt,"                                                                                            \
	" (SELECT group_concat(i.platform || '/' || i.name, ', ') FROM \"LLMAgentInstallation\" i"           \
	" WHERE i.\"llmSettingsId\" = s.id) AS installations,"                                               \
	" (SELECT count(*) FROM \"LLMConversation\" c WHERE c.\"llmSettingsId\" = s.id) AS conversations,"   \
	" s.\"updatedAt\" AS updated_at FROM \"LLMSettings\" s"
static const char models_sql[] = MODEL " ORDER BY s.name";
static const char model_sql[] = MODEL " WHERE s.name = $1";

static const struct report reports[] = {
	{ "users", "", "", .sql = users_sql },
	{ "user", "W", "user name", .sql = user_sql, .object = true },
	{ "keys", "w", "user name", .sql = keys_sql },
	{ "pairs", "n", "", .sql = pairs_sql },
	{ "conversations", "ptli", "profile,state,limit,before", .sql = conversations_sql,
	  .sql_all = conversations_all_sql },
	{ "conversation", "Cp", "conversation,profile", .sql = conversation_sql, .object = true },
	{ "messages", "Cptttl", "conversation,profile,role,after,before,limit", .sql = messages_sql,
	  .sql_before = messages_before_sql },
	{ "explain", "Tp", "message,profile", .sql = NULL },
	{ "usage_of", "P", "profile", .sql = NULL },
	{ "language_of", "P", "profile", .sql = language_of_sql, .object = true },
	{ "usage", "Tttp", "day|model|user|platform,since,until,profile", .sql = NULL },
	{ "interactions", "ptl", "profile,since,limit", .sql = interactions_sql },
	{ "dead_letters", "l", "limit", .sql = dead_letters_sql },
	{ "status", "n", "", .sql = status_sql, .object = true },
	{ "models", "", "", .sql = models_sql },
	{ "model", "T", "name", .sql = model_sql, .object = true },
	{ "budgets", "n", "", .sql = budgets_sql },
	{ "spending", "n", "", .sql = spending_sql },
	{ "budget_refusals", "", "", .sql = budget_refusals_sql },
	{ "installations", "", "", .sql = NULL },
	{ "installation", "T", "name", .sql = NULL },
	{ "mcp_grants", "", "",
	  .sql = "SELECT server, issuer, sealed, kept_at FROM mcp_grants ORDER BY server, issuer" },
	{ "tool", "TT", "server,tool",
	  .sql = "SELECT server, tool, hash, found, first_at, changed_at, approved_at,"
		 " (SELECT definition FROM tool_definitions d WHERE d.server = p.server AND d.tool = p.tool"
		 " AND d.hash = p.hash) AS definition,"
		 " (SELECT definition FROM tool_definitions d WHERE d.server = p.server AND d.tool = p.tool"
		 " AND d.hash = p.found) AS found_definition"
		 " FROM tool_pins p WHERE server = $1 AND tool = $2",
	  .object = true },
	{ "audit_heads", "t", "organisation", .sql = NULL },
	{ "audit_verify", "Tttttt", "organisation,after,hash,kept,kept hash,shift", .sql = NULL },
	{ "audit_export", "Ttttt", "organisation,from,to,after,after id", .sql = NULL },
	{ "feedback", "tl", "since,limit", .sql = feedback_sql },
	{ "search_conversations", "TPTl", "organisation,profile,words,limit",
	  .sql = search_conversations_sql },
	{ "list_files", "TPiTl", "organisation,profile,conversation,words,limit", .sql = files_sql },
	{ "imports", "pttli", "profile,organisation,state,limit,before", .sql = imports_sql,
	  .sql_all = imports_all_sql },
	{ "uploads_waiting", "", "", .sql = uploads_waiting_sql },
	{ "message_imports", "T", "message", .sql = message_imports_sql },
	{ "import", "Ip", "import,profile", .sql = import_sql, .object = true },
	{ "task_list", "TPt", "organisation,profile,all|pending|completed", .sql = task_list_sql },
};

/* ---- asking ------------------------------------------------------------------------------------- */

struct report_ask {
	const char *name;
	const struct report *report; /* NULL: no such name */
	struct named_args args;
	size_t count; /* as given */
	store_json_fn *fn;
};

static const struct report *find(const char *name)
{
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		if (strcmp(reports[i].name, name) == 0)
			return &reports[i];
	return NULL;
}

static const char *statement_of(const struct report *report, const struct named_args *args)
{
	const char *asks = strchr(report->letters, 'p');

	if (report->sql_all != NULL && asks != NULL && args->text[asks - report->letters] == NULL)
		return report->sql_all;
	if (report->sql_before != NULL && args->text[4] != NULL && args->text[3] == NULL)
		return report->sql_before;
	return report->sql;
}

static bool print_usage(struct db *db, const struct named_args *args, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++)
		if (strcmp(usages[i].by, args->text[0]) == 0)
			return rows_of(db, out, usages[i].sql, args->text + 1, 3, err);
	return err_set(err, ERR_REFUSED, "usage is counted by day, model, user or platform, not by \"%.*s\"",
		       CUT(args->text[0]));
}

/* Days and months are those of UTC, as everywhere. */
static bool print_usage_of(struct db *db, struct arena *room, const char *profile, struct buf *out,
			   struct err *err)
{
	enum { DAY = 10, MONTH = 7 };
	const char *now = room_time(room, clock_wall_ms());
	const char *today[] = { profile, arena_text_n(room, now, DAY) };
	const char *month[] = { profile, arena_text_n(room, now, MONTH) };
	bool found;

	buf_text(out, "{\"today\":");
	if (!row_of(db, out, usage_of_sql, today, 2, &found, err))
		return false;
	buf_text(out, ",\"month\":");
	if (!row_of(db, out, usage_of_sql, month, 2, &found, err))
		return false;
	buf_text(out, "}");
	return true;
}

static bool print_report(struct db *db, struct arena *room, const struct report *report,
			 const struct named_args *args, struct buf *out, struct err *err)
{
	size_t count = strlen(report->letters);
	bool found;

	if (strcmp(report->name, "explain") == 0)
		return explain_print(db, room, args->text, out, err);
	if (strcmp(report->name, "usage") == 0)
		return print_usage(db, args, out, err);
	if (strcmp(report->name, "usage_of") == 0)
		return print_usage_of(db, room, args->text[0], out, err);
	if (strcmp(report->name, "installations") == 0)
		return installs_print(db, out, err);
	if (strcmp(report->name, "audit_verify") == 0)
		return audit_verify_print(db, room, args->text, out, err);
	if (strcmp(report->name, "audit_export") == 0)
		return audit_export_print(db, room, args->text, out, err);
	if (strcmp(report->name, "audit_heads") == 0)
		return audit_heads_print(db, args->text[0], out, err);
	if (strcmp(report->name, "installation") == 0)
		return install_print(db, args->text[0], out, err);
	if (!report->object)
		return rows_of(db, out, statement_of(report, args), args->text, count, err);
	return row_of(db, out, statement_of(report, args), args->text, count, &found, err) &&
	       (found || err_set(err, ERR_GONE, "there is no such %s", report->name));
}

static bool run(struct db *db, struct job *job, struct err *err)
{
	const struct report_ask *ask = job->ask;
	struct named_args args = ask->args;
	struct buf out = { 0 };
	bool done;

	if (ask->report == NULL)
		return err_set(err, ERR_GONE, "there is no report of that name");
	if (ask->count > strlen(ask->report->letters))
		return err_set(err, ERR_REFUSED, "report %s takes %zu arguments at most", ask->name,
			       strlen(ask->report->letters));
	if (strchr(ask->report->letters, 'n') != NULL)
		args.text[0] = room_time(job->room, clock_wall_ms());
	done = args_check(db, job->room, ask->report->letters, ask->report->names, &args, err) &&
	       print_report(db, job->room, ask->report, &args, &out, err);
	if (done)
		job->answer = arena_text_n(job->room, buf_str(&out), out.len);
	buf_free(&out);
	return done;
}

static void give(struct job *job)
{
	const struct report_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_report(struct store *store, const char *name, const char *const *args, size_t arg_count,
		  store_json_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_READ, run, give, sizeof(struct report_ask), owner, ticket);
	struct report_ask *ask = job->ask;

	ask->name = job_text(job, name);
	ask->report = find(name);
	ask->count = arg_count;
	ask->fn = fn;
	for (size_t i = 0; i < arg_count && i < NAMED_ARGS_MAX; i++)
		ask->args.text[i] = job_text(job, args[i]);
	store_ask(store, job);
}
