/* The record of interactions as a chain: one way to write a row, and what every check of it shares. docs/audit.md has
 * the rules. Store threads only. */
#ifndef USHER_STORE_AUDIT_H
#define USHER_STORE_AUDIT_H

#include "buf.h"
#include "crypto.h"
#include "store_room.h"

/* The hash before the first row of a chain. */
extern const char audit_zero[CRYPTO_SHA256_HEX];

/* What stands for a content that was emptied. */
#define AUDIT_ERASED "(erased)"

/* Rows that are requests to models: the others have no tokens and no cost. */
#define AUDIT_REQUESTS                                                                                       \
	" interaction_type NOT IN ('tool', 'interrupted', 'skipped', 'erasure', 'prune', 'import')"

/* One row to be; strings borrowed. Numbers: -1 is unknown and becomes NULL. */
struct audit_row {
	const char *org_id, *user_id; /* user_id NULL: nobody */
	const char *agent, *type;
	const char *input, *output, *error; /* error NULL: success */
	const char *metadata;		    /* JSON object */
	const char *provider, *model, *platform, *request_id;
	int64_t tokens, input_tokens, output_tokens, cached_tokens;
	int64_t cost_micros, latency_ms, first_token_ms;
	bool estimated;
	int64_t at_ms;
	int64_t task_id; /* 0: none */
};

/* Of a row that is no request to a model. */
#define AUDIT_NO_COST                                                                                        \
	.tokens = -1, .input_tokens = -1, .output_tokens = -1, .cached_tokens = -1, .cost_micros = -1,       \
	.first_token_ms = -1

/* Writes it as the next row of its organisation's chain. seq_out may be NULL. */
bool audit_add(struct db *db, const struct audit_row *row, int64_t *seq_out, struct err *err);

/* The same values in the form that is hashed: NULL "n", integers "i5;", texts "t2:ab". */
void audit_put_text(struct buf *out, const char *text, size_t len); /* NULL: SQL NULL */
void audit_put_int(struct buf *out, int64_t value);

/* Lower-case hex. rest: the columns of AUDIT_COLUMNS in their form. */
void audit_content_hash(const char *salt, const char *input, size_t input_len, const char *output,
			size_t output_len, char out[CRYPTO_SHA256_HEX]);
void audit_hash(const char *before, int64_t seq, const void *rest, size_t rest_len, const char *content_hash,
		char out[CRYPTO_SHA256_HEX]);

/* What is hashed behind seq, in this order. */
#define AUDIT_COLUMNS                                                                                        \
	"org_id, id, user_id, agent_name, interaction_type, model_used, tokens_used, cost_usd, latency_ms,"  \
	" success, error_message, metadata, created_at, provider, platform, input_tokens, output_tokens,"    \
	" cached_tokens, cost_micros, first_token_ms, request_id, estimated"
enum { AUDIT_COLUMN_COUNT = 22 };

/* The end of an organisation's chain and its marks. Without a row found_out is false. */
struct audit_head {
	int64_t seq, unchained, pruned_seq, emptied_seq;
	char hash[CRYPTO_SHA256_HEX], pruned_hash[CRYPTO_SHA256_HEX];
};
bool audit_head_read(struct db *db, const char *org_id, struct audit_head *head_out, bool *found_out,
		     struct err *err);

/* ---- audit_empty.c: contents go, the chain stays ----------------------------------------------------------- */

/* Rows whose content goes, as ranges of seq ("1-3,7") beside those without one. */
struct audit_going {
	const char *org_id;
	struct buf ranges;
	int64_t first, last; /* of the range at the end; 0 none */
	int64_t rows;	     /* in the chain */
};
void audit_going_add(struct audit_going *going, int64_t seq); /* rising */

/* Adds the row that says what was emptied, by whom and why, and gives its seq: the rows are emptied with audit_empty. */
struct audit_why {
	const char *who, *why, *what,
		*subject; /* what: "user", "conversation", "message", "file", "retention" */
};
bool audit_erasure(struct db *db, struct audit_going *going, const struct audit_why *why, int64_t *seq_out,
		   struct err *err);
bool audit_empty(struct db *db, const char *org_id, int64_t seq, int64_t erased_by, const char *input,
		 struct err *err);

/* Every row of this run (LLMTask) loses its content; input is what stands there instead, or NULL. */
bool audit_empty_task(struct db *db, int64_t task_id, const struct audit_why *why, const char *input,
		      struct err *err);

/* ---- audit_verify.c, audit_export.c: reports ---------------------------------------------------------------- */

/* A page each. verify: organisation, after, hash there, kept seq, kept hash, shift; export: organisation, from, to, time and
 * id of the last row before. */
bool audit_verify_print(struct db *db, struct arena *room, const char *const *args, struct buf *out,
			struct err *err);
bool audit_export_print(struct db *db, struct arena *room, const char *const *args, struct buf *out,
			struct err *err);
bool audit_heads_print(struct db *db, const char *org, struct buf *out, struct err *err);

#endif
