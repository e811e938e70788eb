/* Keeps the core's questions until the test answers them. */
#include "fake_store.h"
#include "buf.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct store {
	struct question *questions;
};

struct store_gauges fake_gauges;

struct store *fake_store_create(void)
{
	fake_gauges = (struct store_gauges){ .disk_free = -1 };
	return mem_zero(1, sizeof(struct store));
}

static void forget(struct store *store, struct question *q)
{
	DL_DELETE(store->questions, q);
	free(q->uuid);
	free(q->platform);
	free(q->installation);
	free(q->text);
	free(q->reason);
	free(q->code);
	free(q->full_notice);
	free(q->sender);
	free(q->why);
	free(q->remote_id);
	free(q->result_code);
	free(q->parts);
	free(q->context);
	free(q->heard);
	free(q->title);
	free(q->settings);
	free(q->secrets);
	free(q->name);
	free(q->args);
	free(q->kind_of);
	free(q->mime);
	free(q->sha256);
	free(q->outline);
	free(q->chunks);
	free(q);
}

void fake_store_destroy(struct store *store)
{
	while (store->questions)
		forget(store, store->questions);
	free(store);
}

static struct question *put(struct store *store, enum question_kind kind, void *fn, void *owner,
			    uint64_t ticket)
{
	struct question *q = mem_zero(1, sizeof(*q));

	q->kind = kind;
	q->fn = fn;
	q->owner = owner;
	q->ticket = ticket;
	DL_APPEND(store->questions, q);
	return q;
}

size_t fake_store_waiting(const struct store *store, enum question_kind kind)
{
	size_t count = 0;

	for (const struct question *q = store->questions; q; q = q->next)
		count += q->kind == kind;
	return count;
}

size_t fake_store_waiting_all(const struct store *store)
{
	size_t count = 0;

	for (const struct question *q = store->questions; q; q = q->next)
		count++;
	return count;
}

struct question *fake_store_question(struct store *store, enum question_kind kind)
{
	for (struct question *q = store->questions; q; q = q->next)
		if (q->kind == kind)
			return q;
	return NULL;
}

struct question *fake_store_oldest(struct store *store)
{
	return store->questions;
}

struct store_gauges store_gauges(const struct store *store)
{
	(void)store;
	return fake_gauges;
}

static char *joined(const char *const *texts, size_t count, const char *between)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < count; i++) {
		buf_text(&out, i ? between : "");
		buf_text(&out, texts[i] ? texts[i] : "NULL");
	}
	return buf_take(&out);
}

/* ---- questions
 * ---------------------------------------------------------------------------------------------- */

void store_accept(struct store *store, const struct store_accept *ask, store_accepted_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct question *q = put(store, Q_ACCEPT, (void *)fn, owner, ticket);

	q->uuid = mem_text(ask->uuid);
	q->platform = mem_text(ask->platform);
	q->installation = mem_text(ask->installation);
	q->text = mem_text(ask->in->text);
	q->sender = mem_text(ask->in->sender);
	q->may_claim = ask->may_claim;
}

void store_admit(struct store *store, const struct store_admission *ask, store_accepted_fn *fn, void *owner,
		 uint64_t ticket)
{
	struct question *q = put(store, Q_ADMIT, (void *)fn, owner, ticket);

	q->id = ask->inbox_id;
	q->may_claim = ask->may_claim;
	q->code = mem_text(ask->code_hash);
}

void store_refuse(struct store *store, const struct store_refusal *ask, store_ended_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct question *q = put(store, Q_REFUSE, (void *)fn, owner, ticket);

	q->id = ask->inbox_id;
	q->reason = mem_text(ask->reason);
	q->text = mem_text(ask->notice);
	q->code = mem_text(ask->code);
	q->full_notice = mem_text(ask->full_notice);
	q->wrong_code = ask->wrong_code;
	q->expire_s = ask->expire_s;
}

void store_claim(struct store *store, int64_t conversation_id, store_turn_fn *fn, void *owner,
		 uint64_t ticket)
{
	put(store, Q_CLAIM, (void *)fn, owner, ticket)->id = conversation_id;
}

void store_recall(struct store *store, int64_t conversation_id, int64_t turn_id, unsigned limit,
		  bool with_summary, store_recalled_fn *fn, void *owner, uint64_t ticket)
{
	struct question *q = put(store, Q_RECALL, (void *)fn, owner, ticket);

	(void)conversation_id;
	q->id = turn_id;
	q->limit = limit;
	q->summary = with_summary;
}

void store_past(struct store *store, int64_t conversation_id, const struct store_window *window,
		store_past_fn *fn, void *owner, uint64_t ticket)
{
	struct question *q = put(store, Q_PAST, (void *)fn, owner, ticket);

	q->id = conversation_id;
	q->limit = window->turns;
	q->size = window->tokens;
	q->full = window->full;
}

void store_summarise(struct store *store, const struct store_summary *ask, store_summary_fn *fn, void *owner,
		     uint64_t ticket)
{
	struct question *q = put(store, Q_SUMMARY, (void *)fn, owner, ticket);

	q->id = ask->upto_turn_id;
	q->text = mem_text(ask->text);
	q->why = mem_text(ask->text ? NULL : ask->why);
	q->attempts = ask->result->attempt_count;
}

void store_journal(struct store *store, int64_t turn_id, const struct ai_step *steps, size_t step_count,
		   const struct ai_attempt *attempts, size_t attempt_count, store_done_fn *fn, void *owner,
		   uint64_t ticket)
{
	struct question *q = put(store, Q_JOURNAL, (void *)fn, owner, ticket);

	(void)attempts;
	q->id = turn_id;
	q->steps = step_count;
	q->attempts = attempt_count;
	q->text = step_count ? mem_text(steps[0].payload) : NULL;
}

void store_reserve(struct store *store, const struct store_reserve *ask, store_reserved_fn *fn, void *owner,
		   uint64_t ticket)
{
	struct question *q = put(store, Q_RESERVE, (void *)fn, owner, ticket);

	q->id = ask->turn_id;
	q->uuid = mem_text(ask->id);
	q->text = mem_format("%s/%s", ask->provider, ask->model);
	q->micros = ask->micros;
}

void store_answer(struct store *store, const struct store_answer *ask, store_answered_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct question *q = put(store, Q_ANSWER, (void *)fn, owner, ticket);

	q->id = ask->turn_id;
	q->state = ask->state;
	q->reason = mem_text(ask->reason);
	q->text = mem_text(ask->text);
	q->claim_next = ask->claim_next;
	q->context = mem_text(ask->context);
	q->told = ask->told_summary;
	q->heard = mem_text(ask->heard);
	q->parts = ask->parts ? joined(ask->parts, ask->part_count, "|") : NULL;
	q->expire_s = ask->expire_s;
	q->has_result = ask->result != NULL;
	q->attempts = ask->result ? ask->result->attempt_count : 0;
	q->result_code = ask->result ? mem_text(ask->result->code) : NULL;
}

void store_due(struct store *store, size_t limit, store_due_fn *fn, void *owner, uint64_t ticket)
{
	put(store, Q_DUE, (void *)fn, owner, ticket)->limit = limit;
}

void store_sent(struct store *store, const struct store_sent *sent, store_done_fn *fn, void *owner,
		uint64_t ticket)
{
	struct question *q = put(store, Q_SENT, (void *)fn, owner, ticket);

	q->id = sent->reply_id;
	q->reply_state = sent->state;
	q->next_ms = sent->next_ms;
	q->unsure = sent->unsure;
	q->waits = sent->waits;
	q->why = mem_text(sent->why);
	q->remote_id = mem_text(sent->remote_id);
}

void store_hold(struct store *store, int64_t reply_id, const char *remote_id, store_done_fn *fn, void *owner,
		uint64_t ticket)
{
	struct question *q = put(store, Q_HOLD, (void *)fn, owner, ticket);

	q->id = reply_id;
	q->remote_id = mem_text(remote_id);
}

void store_look(struct store *store, const char *platform, const char *installation, const char *uuid,
		store_found_fn *fn, void *owner, uint64_t ticket)
{
	struct question *q = put(store, Q_LOOK, (void *)fn, owner, ticket);

	q->platform = mem_text(platform);
	q->installation = mem_text(installation);
	q->uuid = mem_text(uuid);
}

void store_recover(struct store *store, const char *const *resends, size_t resend_count,
		   store_recovered_fn *fn, void *owner, uint64_t ticket)
{
	struct question *q = put(store, Q_RECOVER, (void *)fn, owner, ticket);

	q->limit = resend_count;
	q->text = resend_count ? mem_text(resends[0]) : NULL;
}

static struct question *put_row(struct store *store, enum question_kind kind, void *fn, void *owner,
				uint64_t ticket, const char *platform, const char *name)
{
	struct question *q = put(store, kind, fn, owner, ticket);

	q->platform = mem_text(platform);
	q->installation = mem_text(name);
	return q;
}

void store_installations(struct store *store, store_installations_fn *fn, void *owner, uint64_t ticket)
{
	put(store, Q_INSTALLATIONS, (void *)fn, owner, ticket);
}

void store_install(struct store *store, const struct store_install *install, store_installations_fn *fn,
		   void *owner, uint64_t ticket)
{
	struct question *q =
		put_row(store, Q_INSTALL, (void *)fn, owner, ticket, install->platform, install->name);

	q->title = mem_text(install->title);
	q->settings = mem_text(install->settings);
	q->secrets = mem_text(install->secrets);
	q->own_org = install->own_org;
}

void store_keep(struct store *store, const char *platform, const char *name, const char *secrets,
		store_done_fn *fn, void *owner, uint64_t ticket)
{
	put_row(store, Q_KEEP, (void *)fn, owner, ticket, platform, name)->secrets = mem_text(secrets);
}

void store_remove(struct store *store, const char *platform, const char *name, const char *why,
		  store_done_fn *fn, void *owner, uint64_t ticket)
{
	put_row(store, Q_REMOVE, (void *)fn, owner, ticket, platform, name)->why = mem_text(why);
}

void store_enable(struct store *store, const char *platform, const char *name, bool enabled,
		  store_done_fn *fn, void *owner, uint64_t ticket)
{
	put_row(store, Q_ENABLE, (void *)fn, owner, ticket, platform, name)->enabled = enabled;
}

void store_cursors(struct store *store, const char *platform, const char *installation, int64_t since_ms,
		   store_cursors_fn *fn, void *owner, uint64_t ticket)
{
	put_row(store, Q_CURSORS, (void *)fn, owner, ticket, platform, installation)->next_ms = since_ms;
}

void store_texts(struct store *store, const char *platform, const char *installation, store_texts_fn *fn,
		 void *owner, uint64_t ticket)
{
	put_row(store, Q_TEXTS, (void *)fn, owner, ticket, platform, installation);
}

void store_remember(struct store *store, const char *platform, const char *installation, const char *name,
		    const char *text, store_done_fn *fn, void *owner, uint64_t ticket)
{
	struct question *q = put_row(store, Q_REMEMBER, (void *)fn, owner, ticket, platform, installation);

	q->name = mem_text(name);
	q->text = mem_text(text);
}

void store_placed(struct store *store, const char *uuid, const char *remote_id, store_done_fn *fn,
		  void *owner, uint64_t ticket)
{
	struct question *q = put(store, Q_PLACED, (void *)fn, owner, ticket);

	q->uuid = mem_text(uuid);
	q->remote_id = mem_text(remote_id);
}

void store_imports(struct store *store, const char *const *uuids, size_t count, store_imports_fn *fn,
		   void *owner, uint64_t ticket)
{
	put(store, Q_IMPORTS, (void *)fn, owner, ticket)->uuid = joined(uuids, count, ",");
}

void store_import_step(struct store *store, const struct store_import_step *step, store_done_fn *fn,
		       void *owner, uint64_t ticket)
{
	struct question *q = put(store, Q_STEP, (void *)fn, owner, ticket);

	q->id = step->id;
	q->step = step->state;
	q->mime = mem_text(step->mime);
	q->kind_of = mem_text(step->kind);
	q->sha256 = mem_text(step->sha256);
	q->size = step->size;
	q->quota = step->quota;
	q->code = mem_text(step->code);
	q->why = mem_text(step->error);
}

void store_import_extracted(struct store *store, int64_t id, const char *outline, const char *path,
			    store_done_fn *fn, void *owner, uint64_t ticket)
{
	struct question *q = put(store, Q_STEP, (void *)fn, owner, ticket);

	q->id = id;
	q->step = IMPORT_EXTRACTED;
	q->outline = mem_text(outline);
	q->chunks = mem_text(path);
}

static void put_named(struct store *store, enum question_kind kind, const char *name, const char *const *args,
		      size_t arg_count, store_json_fn *fn, void *owner, uint64_t ticket)
{
	struct question *q = put(store, kind, (void *)fn, owner, ticket);

	q->text = mem_text(name);
	q->args = joined(args, arg_count, ",");
}

void store_report(struct store *store, const char *name, const char *const *args, size_t arg_count,
		  store_json_fn *fn, void *owner, uint64_t ticket)
{
	put_named(store, Q_REPORT, name, args, arg_count, fn, owner, ticket);
}

void store_act(struct store *store, const char *name, const char *const *args, size_t arg_count,
	       store_json_fn *fn, void *owner, uint64_t ticket)
{
	put_named(store, Q_ACT, name, args, arg_count, fn, owner, ticket);
}

/* ---- answers
 * ------------------------------------------------------------------------------------------------ */

static const struct err none;

/* Takes the question off before the callback runs, which may put new ones. */
#define ANSWER(type, ...)                                                                                    \
	do {                                                                                                 \
		type *fn = (type *)q->fn;                                                                    \
		void *owner = q->owner;                                                                      \
		uint64_t ticket = q->ticket;                                                                 \
		struct err copy = err ? *err : none;                                                         \
		forget(store, q);                                                                            \
		fn(owner, ticket, &copy __VA_OPT__(, ) __VA_ARGS__);                                         \
	} while (0)

void fake_answer_accepted(struct store *store, struct question *q, const struct err *err,
			  const struct store_accepted *accepted)
{
	ANSWER(store_accepted_fn, accepted);
}

void fake_answer_ended(struct store *store, struct question *q, const struct err *err,
		       const struct store_reply *reply, const struct outgoing *ended)
{
	ANSWER(store_ended_fn, reply, ended);
}

void fake_answer_turn(struct store *store, struct question *q, const struct err *err,
		      const struct store_turn *turn)
{
	ANSWER(store_turn_fn, turn);
}

void fake_answer_recalled(struct store *store, struct question *q, const struct err *err,
			  const struct store_recalled *recalled)
{
	ANSWER(store_recalled_fn, recalled);
}

void fake_answer_past(struct store *store, struct question *q, const struct err *err,
		      const struct store_past *past)
{
	ANSWER(store_past_fn, past);
}

void fake_answer_summary(struct store *store, struct question *q, const struct err *err, bool kept)
{
	ANSWER(store_summary_fn, kept);
}

void fake_answer_reserved(struct store *store, struct question *q, const struct err *err,
			  const struct store_reserved *reserved)
{
	ANSWER(store_reserved_fn, reserved);
}

void fake_answer_done(struct store *store, struct question *q, const struct err *err)
{
	ANSWER(store_done_fn);
}

void fake_answer_answered(struct store *store, struct question *q, const struct err *err,
			  const struct store_answered *answered)
{
	ANSWER(store_answered_fn, answered);
}

void fake_answer_due(struct store *store, struct question *q, const struct err *err,
		     const struct store_reply *replies, size_t count, int64_t next_ms)
{
	ANSWER(store_due_fn, replies, count, next_ms);
}

void fake_answer_found(struct store *store, struct question *q, const struct err *err,
		       const struct outgoing *out)
{
	ANSWER(store_found_fn, out);
}

void fake_answer_recovered(struct store *store, struct question *q, const struct err *err,
			   const struct store_recovered *recovered)
{
	ANSWER(store_recovered_fn, recovered);
}

void fake_answer_installations(struct store *store, struct question *q, const struct err *err,
			       const struct store_installation *rows, size_t count)
{
	ANSWER(store_installations_fn, rows, count);
}

void fake_answer_cursors(struct store *store, struct question *q, const struct err *err,
			 const struct store_cursor *cursors, size_t count)
{
	ANSWER(store_cursors_fn, cursors, count);
}

void fake_answer_texts(struct store *store, struct question *q, const struct err *err,
		       const struct store_text *texts, size_t count)
{
	ANSWER(store_texts_fn, texts, count);
}

void fake_answer_imports(struct store *store, struct question *q, const struct err *err,
			 const struct store_import *imports, size_t count)
{
	ANSWER(store_imports_fn, imports, count);
}

void fake_answer_json(struct store *store, struct question *q, const struct err *err, const char *json)
{
	ANSWER(store_json_fn, json);
}
