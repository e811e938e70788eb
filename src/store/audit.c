/* Writes the rows of the record, each with the hash of the one before. */
#include "audit.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SALT_SIZE = 16 };

const char audit_zero[CRYPTO_SHA256_HEX] = "0000000000000000000000000000000000000000000000000000000000000000";

void audit_put_text(struct buf *out, const char *text, size_t len)
{
	if (text == NULL) {
		buf_text(out, "n");
		return;
	}
	buf_add(out, "t", 1);
	buf_int(out, (int64_t)len);
	buf_add(out, ":", 1);
	buf_add(out, text, len);
}

void audit_put_int(struct buf *out, int64_t value)
{
	buf_add(out, "i", 1);
	buf_int(out, value);
	buf_add(out, ";", 1);
}

void audit_content_hash(const char *salt, const char *input, size_t input_len, const char *output,
			size_t output_len, char out[CRYPTO_SHA256_HEX])
{
	struct buf form = { 0 };

	audit_put_text(&form, salt, salt ? strlen(salt) : 0);
	audit_put_text(&form, input, input_len);
	audit_put_text(&form, output, output_len);
	crypto_sha256_hex(form.data, form.len, out);
	buf_free(&form);
}

void audit_hash(const char *before, int64_t seq, const void *rest, size_t rest_len, const char *content_hash,
		char out[CRYPTO_SHA256_HEX])
{
	struct buf form = { 0 };

	buf_text(&form, before);
	audit_put_int(&form, seq);
	buf_add(&form, rest, rest_len);
	buf_text(&form, content_hash);
	crypto_sha256_hex(form.data, form.len, out);
	buf_free(&form);
}

static void copy_hash(char out[CRYPTO_SHA256_HEX], const char *hash)
{
	snprintf(out, CRYPTO_SHA256_HEX, "%s", hash ? hash : "");
}

bool audit_head_read(struct db *db, const char *org_id, struct audit_head *head_out, bool *found_out,
		     struct err *err)
{
	struct query query;

	*head_out = (struct audit_head){ 0 };
	copy_hash(head_out->hash, audit_zero);
	copy_hash(head_out->pruned_hash, audit_zero);
	db_query(db, &query,
		 "SELECT seq, hash, unchained, pruned_seq, pruned_hash, emptied_seq FROM audit_heads WHERE "
		 "org_id = $1",
		 "t", org_id);
	*found_out = db_row(&query);
	if (*found_out) {
		head_out->seq = db_int(&query, 0);
		copy_hash(head_out->hash, db_text(&query, 1));
		head_out->unchained = db_int(&query, 2);
		head_out->pruned_seq = db_int(&query, 3);
		copy_hash(head_out->pruned_hash, db_text(&query, 4));
		head_out->emptied_seq = db_int(&query, 5);
	}
	return db_end(&query, err);
}

/* Where the next row goes. The mark is compared with the last row: whoever set it back must not bring the service to a
 * halt by numbers that exist already. */
static bool read_end(struct db *db, const char *org_id, int64_t *seq_out, char hash_out[CRYPTO_SHA256_HEX],
		     struct err *err)
{
	struct query query;

	*seq_out = 0;
	copy_hash(hash_out, audit_zero);
	db_query(db, &query, "SELECT seq, hash FROM audit_heads WHERE org_id = $1", "t", org_id);
	if (db_row(&query)) {
		*seq_out = db_int(&query, 0);
		copy_hash(hash_out, db_text(&query, 1));
	}
	if (!db_end(&query, err))
		return false;
	db_query(
		db, &query,
		"SELECT seq, hash FROM ai_agent_interactions WHERE org_id = $1 AND seq IS NOT NULL AND seq > "
		"$2"
		" ORDER BY seq DESC LIMIT 1",
		"ti", org_id, *seq_out);
	if (db_row(&query)) {
		*seq_out = db_int(&query, 0);
		copy_hash(hash_out, db_text(&query, 1));
	}
	return db_end(&query, err);
}

static bool keep_end(struct db *db, const char *org_id, int64_t seq, const char *hash, struct err *err)
{
	return db_run(db, err, NULL,
		      "INSERT INTO audit_heads (org_id, seq, hash) VALUES ($1, $2, $3)"
		      " ON CONFLICT (org_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
		      "tit", org_id, seq, hash);
}

/* What a row gets beside what is asked. */
struct made {
	int64_t seq;
	char id[CRYPTO_UUID_SIZE], at[CLOCK_TEXT_SIZE], cost[32], salt[2 * SALT_SIZE + 1];
	char before[CRYPTO_SHA256_HEX], content[CRYPTO_SHA256_HEX], hash[CRYPTO_SHA256_HEX];
};

static void put(struct buf *out, const char *text)
{
	audit_put_text(out, text, text ? strlen(text) : 0);
}

static void put_known(struct buf *out, int64_t value)
{
	if (value < 0)
		put(out, NULL);
	else
		audit_put_int(out, value);
}

/* In the order of AUDIT_COLUMNS, as the columns will read. */
static void write_rest(struct buf *out, const struct audit_row *row, const struct made *made)
{
	put(out, row->org_id);
	put(out, made->id);
	put(out, row->user_id);
	put(out, row->agent);
	put(out, row->type);
	put(out, row->model);
	put_known(out, row->tokens);
	put(out, row->cost_micros < 0 ? NULL : made->cost);
	put_known(out, row->latency_ms);
	audit_put_int(out, row->error == NULL);
	put(out, row->error);
	put(out, row->metadata);
	put(out, made->at);
	put(out, row->provider);
	put(out, row->platform);
	put_known(out, row->input_tokens);
	put_known(out, row->output_tokens);
	put_known(out, row->cached_tokens);
	put_known(out, row->cost_micros);
	put_known(out, row->first_token_ms);
	put(out, row->request_id);
	audit_put_int(out, row->estimated);
}

static void make(const struct audit_row *row, struct made *made)
{
	uint8_t salt[SALT_SIZE];
	struct buf rest = { 0 };

	crypto_uuid(made->id);
	clock_text(row->at_ms, made->at);
	snprintf(made->cost, sizeof(made->cost), "%" PRId64 ".%06" PRId64, row->cost_micros / 1000000,
		 row->cost_micros % 1000000);
	crypto_random(salt, sizeof(salt));
	crypto_hex(salt, sizeof(salt), made->salt);
	audit_content_hash(made->salt, row->input, row->input ? strlen(row->input) : 0, row->output,
			   row->output ? strlen(row->output) : 0, made->content);
	write_rest(&rest, row, made);
	audit_hash(made->before, made->seq, rest.data, rest.len, made->content, made->hash);
	buf_free(&rest);
}

/* nullif($n, -1): unknown is NULL, never 0. */
static bool insert(struct db *db, const struct audit_row *row, const struct made *made, struct err *err)
{
	return db_run(
		db, err, NULL,
		"INSERT INTO ai_agent_interactions (id, org_id, user_id, agent_name, interaction_type, "
		"input, output,"
		" model_used, tokens_used, cost_usd, latency_ms, success, error_message, metadata, "
		"created_at,"
		" \"llmTaskId\", provider, platform, input_tokens, output_tokens, cached_tokens, cost_micros,"
		" first_token_ms, request_id, estimated, seq, content_salt, content_hash, hash)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, -1), $10, nullif($11, -1), $12, $13, "
		"$14, $15, nullif($16, 0), $17, $18, nullif($19, -1), nullif($20, -1), nullif($21, -1), "
		"nullif($22, -1), nullif($23, -1), $24, $25, $26, $27, $28, $29)",
		"ttttttttitibtttittiiiiitbittt", made->id, row->org_id, row->user_id, row->agent, row->type,
		row->input, row->output, row->model, row->tokens, row->cost_micros < 0 ? NULL : made->cost,
		row->latency_ms, row->error == NULL, row->error, row->metadata, made->at, row->task_id,
		row->provider, row->platform, row->input_tokens, row->output_tokens, row->cached_tokens,
		row->cost_micros, row->first_token_ms, row->request_id, row->estimated, made->seq, made->salt,
		made->content, made->hash);
}

bool audit_add(struct db *db, const struct audit_row *row, int64_t *seq_out, struct err *err)
{
	struct audit_row whole = *row;
	struct made made = { 0 };

	/* Whatever is negative is unknown: what is hashed must be what is stored. */
	for (size_t i = 0; i < 7; i++) {
		int64_t *numbers[] = { &whole.tokens,	     &whole.input_tokens, &whole.output_tokens,
				       &whole.cached_tokens, &whole.cost_micros,  &whole.latency_ms,
				       &whole.first_token_ms };

		if (*numbers[i] < 0)
			*numbers[i] = -1;
	}
	if (!read_end(db, row->org_id, &made.seq, made.before, err))
		return false;
	made.seq++;
	make(&whole, &made);
	if (seq_out)
		*seq_out = made.seq;
	return insert(db, &whole, &made, err) && keep_end(db, row->org_id, made.seq, made.hash, err);
}
