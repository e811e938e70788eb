/* A stranger or a switched-off person is told no, perhaps with a code that lets them in. */
#include "crypto.h"
#include "journey.h"
#include <string.h>

enum { CODE_LIFE_MS = 3600000 };

struct refuse_ask {
	struct store_refusal refusal;
	store_ended_fn *fn;
};

struct refused {
	struct store_reply *reply;
	struct outgoing out;
};

/* What of the inbox row is needed. */
struct stranger {
	struct asked asked;
	const char *sender, *sender_name;
};

static bool load_stranger(struct db *db, struct arena *room, int64_t id, struct stranger *it, struct err *err)
{
	struct query query;
	bool found, waits = false;

	db_query(db, &query,
		 "SELECT sender, sender_name, state = 'accepted' AND \"llmConversationId\" IS NULL FROM "
		 "inbox WHERE id = $1",
		 "i", id);
	found = db_row(&query);
	if (found) {
		it->sender = room_text(room, &query, 0);
		it->sender_name = room_text(room, &query, 1);
		waits = db_bool(&query, 2);
	}
	if (!db_end(&query, err))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "no message %lld", (long long)id);
	if (!waits)
		return err_set(err, ERR_REFUSED, "message %lld waits for nobody to be admitted",
			       (long long)id);
	return asked_by_message(db, room, id, &it->asked, err);
}

/* Somebody whose code came just before is let in by then, with all that they said behind it. */
static bool still_unknown(struct db *db, const struct stranger *it, struct err *err)
{
	int64_t known = 0;
	bool found;

	if (!db_one_int(
		    db, err, &found, &known,
		    "SELECT count(*) FROM platform_identities i JOIN user_profiles p ON p.id = i.profile_id"
		    " WHERE i.platform = $1 AND i.installation = $2 AND i.external_user_id = $3"
		    " AND p.status = 'active'",
		    "ttt", it->asked.platform, it->asked.installation, it->sender))
		return false;
	return known == 0 || err_set(err, ERR_GONE, "the sender is known by now");
}

/* Stores the code, unless this sender has enough of them; then notice_out is the other sentence. */
static bool add_code(struct db *db, const struct stranger *it, const struct store_refusal *refusal,
		     int64_t now_ms, const char **notice_out, struct err *err)
{
	char now[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE];
	int64_t pending = 0;
	bool found;

	clock_text(now_ms, now);
	if (!db_run(db, err, NULL,
		    "UPDATE pairing_codes SET state = 'expired' WHERE platform = $1 AND installation = $2"
		    " AND external_user_id = $3 AND state = 'pending' AND expires_at <= $4",
		    "tttt", it->asked.platform, it->asked.installation, it->sender, now) ||
	    !db_one_int(db, err, &found, &pending,
			"SELECT count(*) FROM pairing_codes WHERE platform = $1 AND installation = $2"
			" AND external_user_id = $3 AND state = 'pending'",
			"ttt", it->asked.platform, it->asked.installation, it->sender))
		return false;
	if (pending >= STORE_PAIRING_PENDING_MAX) {
		*notice_out = refusal->full_notice;
		return true;
	}
	return db_run(db, err, NULL,
		      "INSERT INTO pairing_codes (code, org_id, platform, installation, external_user_id, "
		      "display_name,"
		      " created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		      "tttttttt", refusal->code, it->asked.org_id, it->asked.platform, it->asked.installation,
		      it->sender, it->sender_name, now, clock_text(now_ms + CODE_LIFE_MS, expires));
}

static bool add_notice(struct db *db, struct arena *room, const struct store_refusal *refusal,
		       const struct stranger *it, struct refused *out, int64_t now_ms, struct err *err)
{
	const struct reply_ask ask = {
		.inbox_id = refusal->inbox_id,
		.now_ms = now_ms,
		.expire_s = refusal->expire_s,
		.at_once = true,
		.uuid = out->out.uuid,
		.org_id = it->asked.org_id,
		.platform = it->asked.platform,
		.installation = it->asked.installation,
		.reply_to = it->asked.reply_to,
		.text = out->out.text,
	};
	bool sending;

	if (ask.reply_to == NULL || ask.text == NULL)
		return true;
	out->reply = arena_alloc(room, sizeof(*out->reply));
	out->reply->platform = ask.platform;
	out->reply->installation = ask.installation;
	out->reply->expires_ms = reply_expires(now_ms, ask.expire_s);
	out->reply->out = out->out;
	return reply_add(db, &ask, &out->reply->id, &sending, err);
}

/* Whoever guesses is told the same as any stranger, and then nothing. */
static bool count_try(struct db *db, struct arena *room, const struct stranger *it,
		      struct store_refusal *refusal, struct err *err)
{
	const struct link_ask ask = { .platform = it->asked.platform,
				      .installation = it->asked.installation,
				      .sender = it->sender };
	int64_t tries;

	if (!refusal->wrong_code)
		return true;
	if (!link_tries(db, room, &ask, 0, &tries, err))
		return false;
	refusal->reason = "wrong code";
	if (tries >= STORE_CODE_TRIES_MAX)
		refusal->notice = refusal->code = refusal->full_notice = NULL;
	return true;
}

static bool run_refuse(struct db *db, struct job *job, struct err *err)
{
	const struct refuse_ask *ask = job->ask;
	struct store_refusal copy = ask->refusal, *refusal = &copy;
	struct refused *out = arena_alloc(job->room, sizeof(*out));
	const char *notice;
	int64_t now_ms = clock_wall_ms();
	char now[CLOCK_TEXT_SIZE];
	struct stranger it = { 0 };

	if (!load_stranger(db, job->room, refusal->inbox_id, &it, err) ||
	    (!refusal->known && !still_unknown(db, &it, err)) || !count_try(db, job->room, &it, refusal, err))
		return false;
	notice = refusal->notice;
	if ((refusal->code && !add_code(db, &it, refusal, now_ms, &notice, err)))
		return false;
	it.asked.state = MESSAGE_REFUSED;
	it.asked.reason = refusal->reason ? refusal->reason : "refused";
	out->out = (struct outgoing){
		.uuid = crypto_uuid(arena_alloc(job->room, CRYPTO_UUID_SIZE)),
		.reply_to = it.asked.reply_to,
		.text = notice,
		.tool_calls = "[]",
		.created_ms = now_ms,
		.attempt = 1,
		.parts = 1,
	};
	asked_tell(&it.asked, &out->out);
	job->answer = out;
	return db_run(db, err, NULL,
		      "UPDATE inbox SET state = 'refused', reason = $2, finished_at = $3 WHERE id = $1",
		      "itt", refusal->inbox_id, it.asked.reason, clock_text(now_ms, now)) &&
	       add_notice(db, job->room, refusal, &it, out, now_ms, err);
}

static void give_refuse(struct job *job)
{
	const struct refuse_ask *ask = job->ask;
	const struct refused *answer = job->answer;

	ask->fn(job->owner, job->ticket, &job->err, answer ? answer->reply : NULL,
		answer ? &answer->out : NULL);
}

void store_refuse(struct store *store, const struct store_refusal *question, store_ended_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_refuse, give_refuse, sizeof(struct refuse_ask), owner, ticket);
	struct refuse_ask *ask = job->ask;

	ask->fn = fn;
	ask->refusal = *question;
	ask->refusal.reason = job_text(job, question->reason);
	ask->refusal.notice = job_text(job, question->notice);
	ask->refusal.code = job_text(job, question->code);
	ask->refusal.full_notice = job_text(job, question->full_notice);
	store_ask(store, job);
}
