/* T1: a message is stored once, and, where its speaker is known, placed in a conversation and perhaps begun.
 */
#include "buf.h"
#include "journey.h"
#include "json.h"
#include <stdlib.h>
#include <string.h>

struct accept_ask {
	struct store_accept accept;
	struct incoming in;
	store_accepted_fn *fn;
};

/* What a script knows so far of the message that came. */
struct arrival {
	struct db *db;
	struct arena *room;
	const struct store_accept *ask;
	const struct incoming *in;
	const char *body; /* what the model will be told */
	int64_t now_ms;
	bool known; /* the speaker is somebody */
	struct speaker speaker;
	struct place place;
	struct store_turn *turn;
	struct store_accepted *out;
};

/* The row of an earlier copy, if there is one. With the same delivery key but another body it is a conflict.
 */
static bool find_copy(struct arrival *it, const char *sql, const char *key, bool compare, struct err *err)
{
	struct query query;

	db_query(it->db, &query, sql, "ttt", it->ask->platform, it->ask->installation, key);
	if (db_row(&query)) {
		const char *print = db_text(&query, 3);

		*it->out = (struct store_accepted){
			.how = ACCEPT_BEFORE,
			.inbox_id = db_int(&query, 0),
			.uuid = room_text(it->room, &query, 1),
			.conversation_id = db_int(&query, 4),
			.conversation_uuid = room_text(it->room, &query, 5),
		};
		message_state_parse(db_text(&query, 2), &it->out->state);
		if (compare && print && it->in->fingerprint && strcmp(print, it->in->fingerprint) != 0)
			it->out->how = ACCEPT_CONFLICT;
	}
	return db_end(&query, err);
}

#define COPY                                                                                                 \
	"SELECT w.id, w.uuid, w.state, w.fingerprint, w.\"llmConversationId\", c.uuid FROM inbox w"          \
	" LEFT JOIN \"LLMConversation\" c ON c.id = w.\"llmConversationId\""                                 \
	" WHERE w.platform = $1 AND w.installation = $2 AND "

static bool find_before(struct arrival *it, bool *found_out, struct err *err)
{
	if (!find_copy(it, COPY "w.delivery_key = $3", it->in->delivery_key, true, err))
		return false;
	if (it->out->inbox_id == 0 && it->in->semantic_key &&
	    !find_copy(it, COPY "w.semantic_key = $3", it->in->semantic_key, false, err))
		return false;
	*found_out = it->out->inbox_id != 0;
	return true;
}

static char *files_json(const struct incoming *in)
{
	struct buf out = { 0 };

	if (in->file_count == 0)
		return NULL;
	for (size_t i = 0; i < in->file_count; i++) {
		const struct message_file *file = &in->files[i];

		buf_text(&out, i ? ",{\"url\":" : "[{\"url\":");
		json_quote(&out, file->url, strlen(file->url));
		if (file->name) {
			buf_text(&out, ",\"name\":");
			json_quote(&out, file->name, strlen(file->name));
		}
		if (file->mime) {
			buf_text(&out, ",\"mime\":");
			json_quote(&out, file->mime, strlen(file->mime));
		}
		if (file->size >= 0)
			buf_format(&out, ",\"size\":%lld", (long long)file->size);
		buf_text(&out, "}");
	}
	buf_text(&out, "]");
	return buf_take(&out);
}

/* A message may be nothing but files; a turn is never empty. */
static const char *body_of(struct arena *room, const struct incoming *in)
{
	struct buf out = { 0 };
	const char *body;

	if (in->flags & INCOMING_IGNORE)
		return "";
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

/* The inbox row, as far as the message has got. */
static bool insert(struct arrival *it, enum message_state state, const char *reason, struct err *err)
{
	const struct incoming *in = it->in;
	bool ended = state == MESSAGE_IGNORED, made;
	const char *now = room_time(it->room, it->now_ms);
	char *files = files_json(in);
	bool done = db_one_int(
		it->db, err, &made, &it->out->inbox_id,
		"INSERT INTO inbox (uuid, org_id, platform, installation, delivery_key, semantic_key, "
		"fingerprint, sender,"
		" sender_name, profile_id, conversation_key, \"llmConversationId\", seq, body, reply_to, "
		"files, flags,"
		" state, reason, attempts, turn_id, sent_at, received_at, finished_at)"
		" VALUES ($1, coalesce($2, (SELECT \"companyId\" FROM \"LLMAgentInstallation\" i WHERE "
		"i.platform = $3"
		" AND i.name = $4), '" ROOM_DEFAULT_ORG
		"'), $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, 0),"
		" nullif($13, 0), $14, $15, coalesce($16, '[]'), $17, $18, $19, $20, nullif($21, 0), $22, "
		"$23, $24)"
		" RETURNING id",
		"tttttttttttiitttittiittt", it->ask->uuid, it->known ? it->speaker.org_id : NULL,
		it->ask->platform, it->ask->installation, in->delivery_key, in->semantic_key, in->fingerprint,
		or_empty(in->sender), in->sender_name, it->known ? it->speaker.profile_id : NULL,
		in->conversation, it->place.id, it->place.id ? it->place.next_seq - 1 : 0, it->body,
		in->reply_to, files, (int64_t)in->flags, message_state_name(state), reason,
		(int64_t)(it->turn ? 1 : 0), it->turn ? it->turn->id : 0, room_time(it->room, in->sent_ms),
		now, ended ? now : NULL);

	free(files);
	it->out->uuid = it->ask->uuid;
	it->out->state = state;
	return done;
}

static bool who_speaks(struct arrival *it, struct err *err)
{
	if (it->in->profile)
		return room_speaker(it->db, it->room, it->in->profile, &it->speaker, &it->known, err);
	return room_identity(it->db, it->room, it->ask->platform, it->ask->installation,
			     or_empty(it->in->sender), &it->speaker, &it->known, err);
}

/* The conversation that is meant. placed_out false: there is no such, it->out says why. */
static bool find_place(struct arrival *it, bool *placed_out, struct err *err)
{
	const struct incoming *in = it->in;
	const struct place_ask ask = {
		.platform = it->ask->platform,
		.installation = it->ask->installation,
		.key = in->conversation,
		.text = it->body,
		.fresh = (in->flags & INCOMING_NEW) != 0,
		.now_ms = it->now_ms,
	};

	*placed_out = true;
	if (in->conversation_id == 0)
		return place_for(it->db, it->room, &ask, &it->speaker, &it->place, err);
	if (!place_by_id(it->db, it->room, in->conversation_id, it->speaker.profile_id, &it->place,
			 placed_out, err))
		return false;
	if (!*placed_out)
		it->out->how = ACCEPT_NO_CONVERSATION;
	else if (it->place.archived)
		it->out->how = ACCEPT_ARCHIVED;
	*placed_out = it->out->how == ACCEPT_NEW;
	return true;
}

/* Takes a number in the conversation, and begins the turn when nobody is before it. */
static bool take_number(struct arrival *it, const struct letter *letter, struct err *err)
{
	it->place.next_seq++;
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
		.body = it->body,
		.reply_to = it->in->reply_to,
		.flags = it->in->flags,
	};
	bool placed;

	if (!find_place(it, &placed, err))
		return false;
	if (!placed)
		return true;
	return take_number(it, &letter, err) &&
	       insert(it, it->turn ? MESSAGE_CLAIMED : MESSAGE_ACCEPTED, NULL, err);
}

static const struct speaker *keep_speaker(struct arena *room, const struct speaker *speaker)
{
	struct speaker *copy = arena_alloc(room, sizeof(*copy));

	*copy = *speaker;
	return copy;
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
		.now_ms = clock_wall_ms(),
		.out = arena_alloc(job->room, sizeof(*it.out)),
	};
	bool before;

	job->answer = it.out;
	if (!find_before(&it, &before, err))
		return false;
	if (before)
		return true;
	if (ask->in.flags & INCOMING_IGNORE)
		return insert(&it, MESSAGE_IGNORED,
			      ask->in.text && ask->in.text[0] ? ask->in.text : "ignored", err);
	if (!who_speaks(&it, err))
		return false;
	if (it.known)
		it.out->speaker = keep_speaker(job->room, &it.speaker);
	if (it.known && it.speaker.active)
		return accept_known(&it, err);
	if (ask->in.profile == NULL)
		return insert(&it, MESSAGE_ACCEPTED, NULL, err);
	it.out->how = ACCEPT_DISABLED;
	return true;
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
	ask->in.files = in->file_count ? copy_files(job, in) : NULL;
	store_ask(store, job);
}
