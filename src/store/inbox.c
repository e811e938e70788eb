/* T1: a message is stored once, and, where its speaker is known, placed in a conversation and perhaps begun.
 */
#include "arrival.h"
#include "files.h"
#include "imports.h"
#include <string.h>

struct accept_ask {
	struct store_accept accept;
	struct incoming in;
	store_accepted_fn *fn;
};

/* The row of an earlier copy, if there is one: the first six columns. With the same delivery key but another body it is a
 * conflict. */
static void take_copy(struct arrival *it, const struct query *query, bool compare)
{
	const char *print = db_text(query, 3);

	*it->out = (struct store_accepted){
		.how = ACCEPT_BEFORE,
		.inbox_id = db_int(query, 0),
		.uuid = room_text(it->room, query, 1),
		.conversation_id = db_int(query, 4),
		.conversation_uuid = room_text(it->room, query, 5),
	};
	message_state_parse(db_text(query, 2), &it->out->state);
	if (compare && print && it->in->fingerprint && strcmp(print, it->in->fingerprint) != 0)
		it->out->how = ACCEPT_CONFLICT;
}

#define COPY	      "w.id, w.uuid, w.state, w.fingerprint, w.\"llmConversationId\", c.uuid"
#define PLACE_OF_COPY " LEFT JOIN \"LLMConversation\" c ON c.id = w.\"llmConversationId\""

/* The installation's row, and the row of this very delivery. */
static bool find_delivery(struct arrival *it, struct err *err)
{
	struct query query;

	db_query(it->db, &query,
		 "SELECT " COPY ", i.\"companyId\", CASE WHEN i.\"removedAt\" IS NOT NULL THEN"
		 " coalesce(i.\"removedWhy\", 'installation removed')"
		 " WHEN NOT i.enabled THEN 'installation disabled' END"
		 " FROM (SELECT 1) LEFT JOIN \"LLMAgentInstallation\" i ON i.platform = $1 AND i.name = $2"
		 " LEFT JOIN inbox w ON w.platform = $1 AND w.installation = $2 AND w.delivery_key = "
		 "$3" PLACE_OF_COPY,
		 "ttt", it->ask->platform, it->ask->installation, it->in->delivery_key);
	if (db_row(&query)) {
		it->org_id = room_text(it->room, &query, 6);
		it->closed = room_text(it->room, &query, 7);
		if (!db_null(&query, 0))
			take_copy(it, &query, true);
	}
	return db_end(&query, err);
}

/* The row of the same human act that came another way. */
static bool find_twin(struct arrival *it, struct err *err)
{
	struct query query;

	db_query(it->db, &query,
		 "SELECT " COPY " FROM inbox w" PLACE_OF_COPY
		 " WHERE w.platform = $1 AND w.installation = $2 AND w.semantic_key = $3",
		 "ttt", it->ask->platform, it->ask->installation, it->in->semantic_key);
	if (db_row(&query))
		take_copy(it, &query, false);
	return db_end(&query, err);
}

static bool find_before(struct arrival *it, bool *found_out, struct err *err)
{
	if (!find_delivery(it, err))
		return false;
	if (it->out->inbox_id == 0 && it->in->semantic_key && !find_twin(it, err))
		return false;
	*found_out = it->out->inbox_id != 0;
	return true;
}

/* A message may be nothing but files; a turn is never empty. */
static const char *body_of(struct arena *room, const struct incoming *in)
{
	struct buf out = { 0 };
	const char *body;

	if (in->text && in->text[0])
		return in->text;
	for (size_t i = 0; i < in->file_count; i++)
		buf_format(&out, "%s(file: %s)", i ? "\n" : "",
			   in->files[i].name ? in->files[i].name : "without a name");
	body = arena_text(room, out.len ? buf_str(&out) : "(an empty message)");
	buf_free(&out);
	return body;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static const char *const kinds[] = {
	[INCOMING_SAID] = "said",   [INCOMING_EDITED] = "edited",   [INCOMING_DELETED] = "deleted",
	[INCOMING_RATED] = "rated", [INCOMING_STOPPED] = "stopped", [INCOMING_MOVED] = "moved",
};

static const char *org_of(const struct arrival *it)
{
	if (it->known)
		return it->speaker.org_id;
	return it->org_id ? it->org_id : ROOM_DEFAULT_ORG;
}

bool arrival_insert(struct arrival *it, enum message_state state, const char *reason, struct err *err)
{
	const struct incoming *in = it->in;
	bool ended = state == MESSAGE_IGNORED;
	const char *now = room_time(it->room, it->now_ms);

	it->out->uuid = it->ask->uuid;
	it->out->state = state;
	it->out->flags = in->flags;
	return db_insert(
		it->db, err, &it->out->inbox_id,
		"INSERT INTO inbox (uuid, org_id, platform, installation, delivery_key, semantic_key, "
		"fingerprint, sender,"
		" sender_name, profile_id, conversation_key, \"llmConversationId\", seq, body, reply_to, "
		"files, flags,"
		" state, reason, attempts, turn_id, sent_at, received_at, finished_at, kind, target)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, 0),"
		" nullif($13, 0), $14, $15, coalesce($16, '[]'), $17, $18, $19, $20, nullif($21, 0), $22, "
		"$23, $24, $25, $26)",
		"tttttttttttiitttittiittttt", it->ask->uuid, org_of(it), it->ask->platform,
		it->ask->installation, in->delivery_key, in->semantic_key, in->fingerprint,
		or_empty(in->sender), in->sender_name, it->known ? it->speaker.profile_id : NULL,
		in->conversation, it->placed ? it->place.id : 0, it->seq, it->body, in->reply_to, it->files,
		(int64_t)in->flags, message_state_name(state), reason, (int64_t)(it->turn ? 1 : 0),
		it->turn ? it->turn->id : 0, room_time(it->room, in->sent_ms), now, ended ? now : NULL,
		kinds[in->kind], in->target);
}

static const struct speaker *keep_speaker(struct arena *room, const struct speaker *speaker)
{
	struct speaker *copy = arena_alloc(room, sizeof(*copy));

	*copy = *speaker;
	return copy;
}

bool arrival_speaker(struct arrival *it, struct err *err)
{
	bool done = it->in->profile
			    ? room_speaker(it->db, it->room, it->in->profile, &it->speaker, &it->known, err)
			    : room_identity(it->db, it->room, it->ask->platform, it->ask->installation,
					    or_empty(it->in->sender), &it->speaker, &it->known, err);

	if (it->known)
		it->out->speaker = keep_speaker(it->room, &it->speaker);
	return done;
}

/* The conversation that is meant. placed_out false: there is no such, it->out says why. */
static bool find_place(struct arrival *it, bool *placed_out, struct err *err)
{
	const struct incoming *in = it->in;
	const struct place_ask ask = {
		.platform = it->ask->platform,
		.installation = it->ask->installation,
		.key = in->conversation,
		.fresh = (in->flags & INCOMING_NEW) != 0,
		.now_ms = it->now_ms,
		.over_before_ms = it->ask->over_before_ms,
	};
	bool was = it->placed;

	*placed_out = it->placed = true;
	if (was && !ask.fresh && !place_over(&ask, &it->place))
		return true;
	if (in->conversation_id == 0)
		return place_for(it->db, it->room, &ask, &it->speaker, &it->place, err);
	if (!place_by_id(it->db, it->room, in->conversation_id, it->speaker.profile_id, &it->place,
			 placed_out, err))
		return false;
	if (!*placed_out)
		it->out->how = ACCEPT_NO_CONVERSATION;
	else if (it->place.archived)
		it->out->how = ACCEPT_ARCHIVED;
	*placed_out = it->placed = it->out->how == ACCEPT_NEW;
	return true;
}

/* Takes a number in the conversation, and begins the turn when nobody is before it. */
static bool take_number(struct arrival *it, const struct letter *letter, struct err *err)
{
	it->seq = it->place.next_seq++;
	if (!(it->in->flags & INCOMING_COMMAND))
		it->place.title = place_title(it->room, it->body);
	it->out->conversation_id = it->place.id;
	it->out->conversation_uuid = it->place.uuid;
	if (it->ask->may_claim && !it->place.busy &&
	    !turn_begin(it->db, it->room, &it->place, &it->speaker, letter, 1, it->now_ms, &it->turn, err))
		return false;
	it->out->turn = it->turn;
	return place_keep(it->db, &it->place, it->now_ms, err);
}

static bool accept_known(struct arrival *it, struct err *err)
{
	const struct letter letter = {
		.uuid = it->ask->uuid,
		.platform = it->ask->platform,
		.installation = it->ask->installation,
		.delivery_key = it->in->delivery_key,
		.sender = or_empty(it->in->sender),
		.body = it->body,
		.reply_to = it->in->reply_to,
		.files = it->files,
		.flags = it->in->flags,
	};
	bool placed;

	if (!find_place(it, &placed, err))
		return false;
	if (!placed)
		return true;
	return take_number(it, &letter, err) &&
	       arrival_insert(it, it->turn ? MESSAGE_CLAIMED : MESSAGE_ACCEPTED, NULL, err) &&
	       (it->files == NULL || imports_add(it->db, it->out->inbox_id, err));
}

/* Said without calling us: ours only where we talk already. */
static bool find_addressed(struct arrival *it, bool *ours_out, struct err *err)
{
	*ours_out = !(it->in->flags & INCOMING_IF_PLACE);
	if (*ours_out || it->in->conversation == NULL)
		return true;
	if (!place_by_key(it->db, it->room, it->ask->platform, it->ask->installation, it->in->conversation,
			  &it->place, &it->placed, err))
		return false;
	*ours_out = it->placed;
	return true;
}

/* Nothing of it is ours: not the text, but that something came. */
static bool turn_away(struct arrival *it, const char *reason, struct err *err)
{
	it->body = "";
	it->files = NULL;
	it->placed = false;
	return arrival_insert(it, MESSAGE_IGNORED, reason, err);
}

static bool accept_said(struct arrival *it, struct err *err)
{
	const struct incoming *in = it->in;
	bool deleted;

	if (in->flags & INCOMING_IGNORE)
		return turn_away(it, in->text && in->text[0] ? in->text : "ignored", err);
	if (!arrival_catch(it, &deleted, err))
		return false;
	if (deleted)
		return turn_away(it, "deleted", err);
	if (!arrival_speaker(it, err))
		return false;
	if (!arrival_rate(it, err))
		return false;
	if (it->known && it->speaker.active && it->out->over == OVER_NOTHING)
		return accept_known(it, err);
	it->placed = false; /* not before the door has decided */
	it->out->text = !it->known && (in->flags & INCOMING_COMMAND) ? it->body : NULL;
	if (in->profile == NULL || it->out->over != OVER_NOTHING)
		return arrival_insert(it, MESSAGE_ACCEPTED, NULL, err);
	it->out->how = ACCEPT_DISABLED;
	return true;
}

static bool decide(struct arrival *it, struct err *err)
{
	bool before, ours;

	if (!find_before(it, &before, err))
		return false;
	if (before)
		return true;
	if (!find_addressed(it, &ours, err))
		return false;
	if (!ours) {
		it->out->how = ACCEPT_NOT_ADDRESSED;
		return true;
	}
	if (it->closed)
		return turn_away(it, it->closed, err);
	return it->in->kind == INCOMING_SAID ? accept_said(it, err) : arrival_change(it, err);
}

static bool run_accept(struct db *db, struct job *job, struct err *err)
{
	const struct accept_ask *ask = job->ask;
	struct arrival it = {
		.db = db,
		.room = job->room,
		.ask = &ask->accept,
		.in = &ask->in,
		.body = body_of(job->room, &ask->in),
		.files = files_write(job->room, ask->in.files, ask->in.file_count),
		.now_ms = clock_wall_ms(),
		.out = arena_alloc(job->room, sizeof(*it.out)),
	};

	job->answer = it.out;
	return decide(&it, err) && cursor_move(&it, err);
}

static void give_accept(struct job *job)
{
	const struct accept_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

static const struct message_file *copy_files(struct job *job, const struct incoming *in)
{
	struct message_file *files = arena_alloc(job->room, in->file_count * sizeof(*files));

	for (size_t i = 0; i < in->file_count; i++)
		files[i] = (struct message_file){
			.url = job_text(job, in->files[i].url),
			.name = job_text(job, in->files[i].name),
			.mime = job_text(job, in->files[i].mime),
			.size = in->files[i].size,
		};
	return files;
}

void store_accept(struct store *store, const struct store_accept *question, store_accepted_fn *fn,
		  void *owner, uint64_t ticket)
{
	struct job *job =
		job_create(JOB_WRITE, run_accept, give_accept, sizeof(struct accept_ask), owner, ticket);
	const struct incoming *in = question->in;
	struct accept_ask *ask = job->ask;

	ask->fn = fn;
	ask->accept = *question;
	ask->accept.uuid = job_text(job, question->uuid);
	ask->accept.platform = job_text(job, question->platform);
	ask->accept.installation = job_text(job, question->installation);
	ask->accept.in = &ask->in;
	ask->in = *in;
	ask->in.delivery_key = job_text(job, in->delivery_key);
	ask->in.semantic_key = job_text(job, in->semantic_key);
	ask->in.fingerprint = job_text(job, in->fingerprint);
	ask->in.sender = job_text(job, in->sender);
	ask->in.sender_name = job_text(job, in->sender_name);
	ask->in.profile = job_text(job, in->profile);
	ask->in.conversation = job_text(job, in->conversation);
	ask->in.text = job_text(job, in->text);
	ask->in.reply_to = job_text(job, in->reply_to);
	ask->in.target = job_text(job, in->target);
	ask->in.cursor_scope = job_text(job, in->cursor_scope);
	ask->in.cursor = job_text(job, in->cursor);
	ask->in.files = in->file_count ? copy_files(job, in) : NULL;
	store_ask(store, job);
}
