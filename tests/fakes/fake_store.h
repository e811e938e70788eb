/* A store that answers when and how the test says. Questions wait in the order they were put. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include "store_budget.h"
#include "store_imports.h"
#include "store_install.h"
#include "store_memory.h"
#include "store_outbox.h"
#include "store_people.h"
#include "store_turn.h"

enum question_kind {
	Q_ACCEPT,
	Q_ADMIT,
	Q_REFUSE,
	Q_CLAIM,
	Q_RECALL,
	Q_JOURNAL,
	Q_ANSWER,
	Q_DUE,
	Q_SENT,
	Q_HOLD,
	Q_LOOK,
	Q_RECOVER,
	Q_INSTALLATIONS,
	Q_INSTALL,
	Q_KEEP,
	Q_REMOVE,
	Q_ENABLE,
	Q_CURSORS,
	Q_TEXTS,
	Q_REMEMBER,
	Q_PLACED,
	Q_IMPORTS,
	Q_STEP,
	Q_REPORT,
	Q_ACT,
	Q_RESERVE,
	Q_PAST,
	Q_SUMMARY,
};

/* What was asked; only the fields of its kind are set. Strings are copies. */
struct question {
	enum question_kind kind;
	void *fn, *owner;
	uint64_t ticket;
	int64_t id; /* inbox, turn, reply or conversation */
	char *uuid, *platform, *installation, *text, *reason, *code, *full_notice, *sender;
	bool may_claim, claim_next, has_result;
	enum message_state state;
	enum reply_state reply_state;
	char *why, *remote_id, *result_code;
	int64_t next_ms,
		micros; /* micros: of a reserve, whose uuid and text are its id and "PROVIDER/MODEL" */
	size_t limit, steps, attempts;
	uint32_t expire_s;
	bool summary, full; /* of a recall, of a past: limit and size are its turns and tokens */
	int64_t told;	    /* of an answer */
	bool unsure, waits, own_org, enabled;
	bool wrong_code;		  /* of a refusal; code: hash of an admission's */
	char *parts;			  /* of an answer, joined by "|"; NULL: none */
	char *context, *heard;		  /* of an answer */
	char *title, *settings, *secrets; /* of an installation; installation is its name */
	char *name;			  /* of a text to remember; text is what */
	char *args;			  /* of a report or act, joined by ","; text is its name */
	enum import_state step;		  /* of an import's; code and why are its code and error */
	char *kind_of, *mime, *sha256;	  /* of an import's step; kind_of: its kind */
	char *outline, *chunks;		  /* of one that is extracted */
	int64_t size, quota;
	struct question *prev, *next;
};

struct store *fake_store_create(void);
void fake_store_destroy(struct store *store);

/* How many questions of this kind wait. */
size_t fake_store_waiting(const struct store *store, enum question_kind kind);
size_t fake_store_waiting_all(const struct store *store);

/* The oldest waiting question of this kind, or NULL; stays the store's until it is answered. */
struct question *fake_store_question(struct store *store, enum question_kind kind);

/* The oldest of all kinds, or NULL. */
struct question *fake_store_oldest(struct store *store);

/* Answers, one function for each kind of callback. err NULL: it holds. They free the question. */
void fake_answer_accepted(struct store *store, struct question *q, const struct err *err,
			  const struct store_accepted *accepted);
void fake_answer_ended(struct store *store, struct question *q, const struct err *err,
		       const struct store_reply *reply, const struct outgoing *ended);
void fake_answer_turn(struct store *store, struct question *q, const struct err *err,
		      const struct store_turn *turn);
void fake_answer_recalled(struct store *store, struct question *q, const struct err *err,
			  const struct store_recalled *recalled);
void fake_answer_past(struct store *store, struct question *q, const struct err *err,
		      const struct store_past *past);
void fake_answer_summary(struct store *store, struct question *q, const struct err *err, bool kept);
void fake_answer_reserved(struct store *store, struct question *q, const struct err *err,
			  const struct store_reserved *reserved);
void fake_answer_done(struct store *store, struct question *q, const struct err *err);
void fake_answer_answered(struct store *store, struct question *q, const struct err *err,
			  const struct store_answered *answered);
void fake_answer_due(struct store *store, struct question *q, const struct err *err,
		     const struct store_reply *replies, size_t count, int64_t next_ms);
void fake_answer_found(struct store *store, struct question *q, const struct err *err,
		       const struct outgoing *out);
void fake_answer_recovered(struct store *store, struct question *q, const struct err *err,
			   const struct store_recovered *recovered);

void fake_answer_installations(struct store *store, struct question *q, const struct err *err,
			       const struct store_installation *rows, size_t count);
void fake_answer_cursors(struct store *store, struct question *q, const struct err *err,
			 const struct store_cursor *cursors, size_t count);
void fake_answer_texts(struct store *store, struct question *q, const struct err *err,
		       const struct store_text *texts, size_t count);
void fake_answer_imports(struct store *store, struct question *q, const struct err *err,
			 const struct store_import *imports, size_t count);
void fake_answer_json(struct store *store, struct question *q, const struct err *err, const char *json);

extern struct store_gauges fake_gauges; /* what store_gauges says */

#endif
