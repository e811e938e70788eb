/* Walks a chain row by row, a page at a time, and says which rows are not what was written. */
#include "audit.h"
#include "json.h"
#include "prompt.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_ROWS = 2000,
	FINDINGS_MAX = 100, /* printed of a page; all are counted */
	ODD_MAX = 64,	    /* rows of a page that are looked at again */
	SHIFT_MAX = 16,	    /* rows cut out with the rest renumbered: how many are found out about */
};

/* One row as it stands. */
struct link {
	int64_t seq;
	const char *id, *hash, *content;
	struct buf rest; /* its columns in their form */
};

/* A row that is not what belongs at its place. */
struct odd {
	int64_t seq;
	const char *id, *rest, *content;
	size_t rest_len;
	char hash[CRYPTO_SHA256_HEX], before[CRYPTO_SHA256_HEX]; /* as stored in it, and in the row before */
	bool settled;
};

struct walk {
	struct db *db;
	struct arena *room;
	const char *org_id;
	struct buf *out;
	size_t findings;
	struct err *err;
	int64_t seq;		      /* of the row before, as it stands */
	char hash[CRYPTO_SHA256_HEX]; /* stored in the row before */
	int64_t good_seq;	      /* the last row that is as it was written: its first number */
	char good_hash[CRYPTO_SHA256_HEX];
	int64_t shift; /* first numbers minus those that stand there now */
	struct odd odd[ODD_MAX];
	size_t odd_count;
	int64_t erased_by; /* the latest looked up */
	const char *ranges;
	int64_t rows;
};

static void find(struct walk *walk, int64_t seq, const char *id, const char *what)
{
	if (walk->findings++ >= FINDINGS_MAX)
		return;
	buf_format(walk->out, "%s{\"seq\":%" PRId64 ",\"id\":", walk->findings > 1 ? "," : "", seq);
	if (id)
		json_quote(walk->out, id, strlen(id));
	else
		buf_text(walk->out, "null");
	buf_text(walk->out, ",\"what\":");
	json_quote(walk->out, what, strlen(what));
	buf_text(walk->out, "}");
}

static void copy_hash(char out[CRYPTO_SHA256_HEX], const char *hash)
{
	size_t len = hash ? strlen(hash) : 0;

	len = len < CRYPTO_SHA256_HEX ? len : CRYPTO_SHA256_HEX - 1;
	memcpy(out, hash ? hash : "", len);
	out[len] = '\0';
}

/* ---- contents ---------------------------------------------------------------------------------------------- */

/* "1-3,7" */
static bool in_ranges(const char *ranges, int64_t seq)
{
	char *end;

	while (ranges && *ranges) {
		int64_t first = strtoll(ranges, &end, 10), last = first;

		if (end == ranges)
			return false;
		if (*end == '-')
			last = strtoll(end + 1, &end, 10);
		if (seq >= first && seq <= last)
			return true;
		ranges = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* Which rows the erasure with this seq says it emptied. */
static bool read_ranges(struct walk *walk, int64_t erasure)
{
	struct query query;
	json_t *metadata = NULL;

	if (walk->erased_by == erasure)
		return true;
	walk->erased_by = erasure;
	walk->ranges = NULL;
	db_query(walk->db, &query,
		 "SELECT metadata FROM ai_agent_interactions WHERE org_id = $1 AND seq = $2"
		 " AND seq IS NOT NULL AND interaction_type = 'erasure'",
		 "ti", walk->org_id, erasure);
	if (db_row(&query)) {
		metadata = json_read(db_text(&query, 0), db_text_len(&query, 0), NULL);
		walk->ranges = arena_text(walk->room, json_text(metadata, "seqs"));
	}
	json_decref(metadata);
	return db_end(&query, walk->err);
}

enum {
	COLUMN_SEQ,
	COLUMN_HASH,
	COLUMN_CONTENT,
	COLUMN_SALT,
	COLUMN_INPUT,
	COLUMN_OUTPUT,
	COLUMN_ERASED,
	FIRST
};
#define VERIFIED "seq, hash, content_hash, content_salt, input, output, erased_by"

/* Bytes behind a NUL, which no comparison would see. */
static bool has_more(const struct query *query, int column)
{
	const char *text = db_text(query, column);

	return text && strlen(text) != db_text_len(query, column);
}

static bool check_content(struct walk *walk, const struct query *query, const struct link *link)
{
	char hash[CRYPTO_SHA256_HEX];

	if (has_more(query, COLUMN_HASH) || has_more(query, COLUMN_CONTENT) || has_more(query, COLUMN_SALT))
		find(walk, link->seq, link->id, "changed: something stands behind its hash or its salt");
	if (db_null(query, COLUMN_ERASED)) {
		audit_content_hash(db_text(query, COLUMN_SALT), db_text(query, COLUMN_INPUT),
				   db_text_len(query, COLUMN_INPUT), db_text(query, COLUMN_OUTPUT),
				   db_text_len(query, COLUMN_OUTPUT), hash);
		if (strcmp(hash, link->content) != 0)
			find(walk, link->seq, link->id, "changed: input or output");
		return true;
	}
	if (!read_ranges(walk, db_int(query, COLUMN_ERASED)))
		return false;
	if (!in_ranges(walk->ranges, link->seq))
		find(walk, link->seq, link->id, "changed: emptied, and no erasure on record tells of it");
	else if (!db_null(query, COLUMN_OUTPUT) || !db_null(query, COLUMN_SALT) ||
		 !(db_null(query, COLUMN_INPUT) ||
		   (strcmp(db_text(query, COLUMN_INPUT), prompt_deleted) == 0 &&
		    !has_more(query, COLUMN_INPUT))))
		find(walk, link->seq, link->id, "changed: it was erased and holds something again");
	return true;
}

/* ---- places ------------------------------------------------------------------------------------------------ */

static bool follows(const struct link *link, int64_t seq, const char *before)
{
	char hash[CRYPTO_SHA256_HEX];

	audit_hash(before, seq, link->rest.data, link->rest.len, link->content, hash);
	return strcmp(hash, link->hash) == 0;
}

static void take_good(struct walk *walk, const struct link *link, int64_t first_seq)
{
	walk->good_seq = first_seq;
	copy_hash(walk->good_hash, link->hash);
	walk->shift = first_seq - link->seq;
}

static bool follows_odd(const struct walk *walk, const struct link *link)
{
	for (size_t i = 0; i < walk->odd_count; i++)
		if (follows(link, link->seq + walk->shift, walk->odd[i].hash))
			return true;
	return false;
}

/* Genuine, but its number is another than it was given: rows before it were put in or taken out. */
static bool moved(struct walk *walk, const struct link *link, int64_t *first_seq_out)
{
	*first_seq_out = walk->good_seq + 1;
	if (follows(link, *first_seq_out, walk->good_hash))
		return true;
	for (int64_t i = 1; i <= SHIFT_MAX; i++) {
		*first_seq_out = link->seq + walk->shift + i;
		if (follows(link, *first_seq_out, walk->hash))
			return true;
	}
	return false;
}

static void keep_odd(struct walk *walk, const struct link *link)
{
	struct odd *odd = &walk->odd[walk->odd_count];

	if (walk->odd_count == ODD_MAX) {
		find(walk, link->seq, link->id,
		     "changed, inserted, or the row before it removed: it does not follow");
		return;
	}
	*odd = (struct odd){ .seq = link->seq,
			     .id = arena_text(walk->room, link->id),
			     .content = arena_text(walk->room, link->content),
			     .rest = arena_text_n(walk->room, buf_str(&link->rest), link->rest.len),
			     .rest_len = link->rest.len };
	copy_hash(odd->hash, link->hash);
	copy_hash(odd->before, walk->hash);
	walk->odd_count++;
}

static void tell_shift(struct walk *walk, const struct link *link, int64_t first_seq)
{
	char what[160];
	int64_t shift = first_seq - link->seq, by = shift - walk->shift;

	if (by > 0)
		snprintf(what, sizeof(what),
			 "removed: %" PRId64 " row(s) before this one, and the rest numbered anew", by);
	else
		snprintf(what, sizeof(what),
			 "inserted: %" PRId64 " row(s) before this one, and the rest numbered anew", -by);
	if (by != 0)
		find(walk, link->seq, link->id, what);
}

static void tell_gap(struct walk *walk, int64_t first, int64_t last)
{
	char what[160];

	snprintf(what, sizeof(what), "removed: rows %" PRId64 " to %" PRId64, first, last);
	find(walk, first, NULL, what);
}

/* Behind a gap nobody knows what a row was to follow: it is taken as it stands, its columns are checked with those of the
 * next one. */
static void check_place(struct walk *walk, const struct link *link)
{
	int64_t first_seq;

	if (link->seq > walk->seq + 1) {
		tell_gap(walk, walk->seq + 1, link->seq - 1);
		walk->shift = 0;
		take_good(walk, link, link->seq);
	} else if (follows(link, link->seq + walk->shift, walk->hash) || follows_odd(walk, link)) {
		take_good(walk, link, link->seq + walk->shift);
	} else if (moved(walk, link, &first_seq)) {
		tell_shift(walk, link, first_seq);
		take_good(walk, link, first_seq);
	} else {
		keep_odd(walk, link);
	}
	walk->seq = link->seq;
	copy_hash(walk->hash, link->hash);
}

/* ---- rows that changed places ------------------------------------------------------------------------------- */

static bool fits(const struct odd *odd, int64_t seq, const char *before)
{
	char hash[CRYPTO_SHA256_HEX];

	audit_hash(before, seq, odd->rest, odd->rest_len, odd->content, hash);
	return strcmp(hash, odd->hash) == 0;
}

/* Was this row written for that place? */
static bool belongs(const struct walk *walk, const struct odd *odd, const struct odd *place)
{
	if (fits(odd, place->seq, place->before))
		return true;
	for (size_t i = 0; i < walk->odd_count; i++)
		if (fits(odd, place->seq, walk->odd[i].hash))
			return true;
	return false;
}

static void settle_odd(struct walk *walk)
{
	for (size_t i = 0; i < walk->odd_count; i++) {
		struct odd *odd = &walk->odd[i];
		char what[160] = "changed, inserted, or the row before it removed: it does not follow";

		for (size_t p = 0; p < walk->odd_count && !odd->settled; p++) {
			if (!belongs(walk, odd, &walk->odd[p]))
				continue;
			odd->settled = true;
			snprintf(what, sizeof(what), "swapped: it belongs at place %" PRId64,
				 walk->odd[p].seq);
			if (p == i)
				what[0] = '\0';
		}
		if (what[0])
			find(walk, odd->seq, odd->id, what);
	}
	walk->odd_count = 0;
}

/* ---- a page -------------------------------------------------------------------------------------------------- */

static void read_link(const struct query *query, struct link *link)
{
	const char *hash = db_text(query, COLUMN_HASH), *content = db_text(query, COLUMN_CONTENT);

	buf_clear(&link->rest);
	link->seq = db_int(query, COLUMN_SEQ);
	link->hash = hash ? hash : "";
	link->content = content ? content : "";
	link->id = db_text(query, FIRST + 1);
	for (int i = FIRST; i < FIRST + AUDIT_COLUMN_COUNT; i++) {
		if (db_column_type(query, i) == DB_INT)
			audit_put_int(&link->rest, db_int(query, i));
		else
			audit_put_text(&link->rest, db_text(query, i), db_text_len(query, i));
	}
}

static void check_kept(struct walk *walk, const struct link *link, int64_t seq, const char *hash)
{
	if (seq == link->seq && strcmp(hash, link->hash) != 0)
		find(walk, link->seq, link->id, "changed: it is not the row whose hash was kept elsewhere");
}

static bool read_page(struct walk *walk, int64_t kept_seq, const char *kept_hash)
{
	struct link link = { 0 };
	struct query query;
	bool fine = true;

	db_query(walk->db, &query,
		 "SELECT " VERIFIED ", " AUDIT_COLUMNS " FROM ai_agent_interactions WHERE org_id = $1"
		 " AND seq > $2 AND seq IS NOT NULL ORDER BY seq LIMIT $3",
		 "tii", walk->org_id, walk->seq, (int64_t)PAGE_ROWS);
	while (fine && db_row(&query)) {
		walk->rows++;
		read_link(&query, &link);
		fine = check_content(walk, &query, &link);
		check_kept(walk, &link, kept_seq, kept_hash);
		check_place(walk, &link);
	}
	buf_free(&link.rest);
	if (!fine) {
		db_end(&query, NULL);
		return false;
	}
	settle_odd(walk);
	return db_end(&query, walk->err);
}

/* Two rows with one number (the index that forbids it can be taken away): the second may fall between two pages. */
static bool check_count(struct walk *walk, int64_t after)
{
	int64_t count = 0;
	bool found;
	char what[160];

	if (!db_one_int(
		    walk->db, walk->err, &found, &count,
		    "SELECT count(*) FROM ai_agent_interactions WHERE org_id = $1 AND seq > $2 AND seq <= $3"
		    " AND seq IS NOT NULL",
		    "tii", walk->org_id, after, walk->seq))
		return false;
	if (count > walk->rows) {
		snprintf(what, sizeof(what), "inserted: %" PRId64 " row(s) with the number of another one",
			 count - walk->rows);
		find(walk, walk->seq, NULL, what);
	}
	return true;
}

/* Before the chain begins, or where retention dropped it, there is nothing. */
static bool check_before(struct walk *walk, const struct audit_head *head)
{
	struct query query;

	db_query(walk->db, &query,
		 "SELECT seq, id FROM ai_agent_interactions WHERE org_id = $1 AND seq <= $2 AND seq IS NOT "
		 "NULL"
		 " ORDER BY seq LIMIT $3",
		 "tii", walk->org_id, head->pruned_seq, (int64_t)FINDINGS_MAX);
	while (db_row(&query))
		find(walk, db_int(&query, 0), db_text(&query, 1),
		     "inserted: a row before the beginning of the chain");
	return db_end(&query, walk->err);
}

/* Where retention stopped is written in the chain too: who cuts the beginning off by hand can't say so there. */
static bool check_pruned(struct walk *walk, const struct audit_head *head)
{
	json_t *mark = NULL;
	struct query query;
	const char *hash;

	db_query(walk->db, &query,
		 "SELECT metadata FROM ai_agent_interactions WHERE interaction_type = 'prune'"
		 " AND coalesce(org_id, '') = $1 AND seq IS NOT NULL ORDER BY coalesce(seq, 0) DESC LIMIT 1",
		 "t", walk->org_id);
	if (db_row(&query))
		mark = json_read(db_text(&query, 0), db_text_len(&query, 0), NULL);
	if (!db_end(&query, walk->err)) {
		json_decref(mark);
		return false;
	}
	hash = json_text(mark, "hash");
	if ((head->pruned_seq != 0) != (mark != NULL) ||
	    (mark && (json_integer_value(json_object_get(mark, "up_to")) != head->pruned_seq ||
		      hash == NULL || strcmp(hash, head->pruned_hash) != 0)))
		find(walk, head->pruned_seq, NULL,
		     "removed: the mark of what retention dropped is not the one the chain tells of");
	json_decref(mark);
	return true;
}

static void check_end(struct walk *walk, const struct audit_head *head, bool found, int64_t kept_seq)
{
	char what[160];

	if (!found && walk->seq > 0) {
		find(walk, walk->seq, NULL, "removed: the mark of where the chain ends (audit_heads)");
	} else if (walk->seq < head->seq) {
		snprintf(what, sizeof(what), "removed: rows %" PRId64 " to %" PRId64 " at the end",
			 walk->seq + 1, head->seq);
		find(walk, walk->seq + 1, NULL, what);
	} else if (walk->seq > head->seq) {
		snprintf(what, sizeof(what), "inserted: rows %" PRId64 " to %" PRId64 " at the end",
			 head->seq + 1, walk->seq);
		find(walk, head->seq + 1, NULL, what);
	} else if (strcmp(walk->hash, head->hash) != 0) {
		find(walk, walk->seq, NULL, "changed: the last row is not the one the mark of the end names");
	}
	if (kept_seq > walk->seq && kept_seq > head->seq) {
		snprintf(what, sizeof(what),
			 "removed: the chain ended at %" PRId64 " when its head was kept elsewhere",
			 kept_seq);
		find(walk, walk->seq + 1, NULL, what);
	}
}

/* Rows without a number were there before the chain began: none may come, none may go. */
static bool check_unchained(struct walk *walk, const struct audit_head *head, int64_t *count_out)
{
	char what[160];
	struct query query;
	bool found;

	if (!db_one_int(walk->db, walk->err, &found, count_out,
			"SELECT count(*) FROM ai_agent_interactions WHERE org_id = $1 AND seq IS NULL", "t",
			walk->org_id))
		return false;
	if (*count_out < head->unchained) {
		snprintf(what, sizeof(what), "removed: %" PRId64 " row(s) from before the chain",
			 head->unchained - *count_out);
		find(walk, 0, NULL, what);
	}
	db_query(walk->db, &query,
		 "SELECT id FROM ai_agent_interactions WHERE org_id = $1 AND seq IS NULL"
		 " ORDER BY created_at DESC LIMIT $2",
		 "ti", walk->org_id,
		 *count_out > head->unchained ? *count_out - head->unchained : (int64_t)0);
	while (walk->findings < FINDINGS_MAX && db_row(&query))
		find(walk, 0, db_text(&query, 0),
		     "inserted: a row outside the chain, by hand or by an older release");
	return db_end(&query, walk->err);
}

static bool last_page(struct walk *walk, const struct audit_head *head, bool found, int64_t kept_seq)
{
	int64_t unchained = 0;

	check_end(walk, head, found, kept_seq);
	if (!check_unchained(walk, head, &unchained))
		return false;
	buf_format(walk->out, "],\"unchained\":%" PRId64 ",\"done\":true", unchained);
	return true;
}

static int64_t number(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

bool audit_verify_print(struct db *db, struct arena *room, const char *const *args, struct buf *out,
			struct err *err)
{
	struct walk *walk = arena_alloc(room, sizeof(*walk));
	struct audit_head head;
	int64_t kept_seq = number(args[3]), first = number(args[1]);
	bool found, fine = true;

	*walk = (struct walk){ .db = db, .room = room, .org_id = args[0], .out = out, .err = err };
	if (!audit_head_read(db, args[0], &head, &found, err))
		return false;
	buf_text(out, "{\"findings\":[");
	/* What was dropped while we walked is no gap. */
	walk->seq = first > head.pruned_seq ? first : head.pruned_seq;
	copy_hash(walk->hash, first > head.pruned_seq ? args[2] : head.pruned_hash);
	walk->shift = number(args[5]);
	walk->good_seq = walk->seq + walk->shift;
	copy_hash(walk->good_hash, walk->hash);
	first = walk->seq;
	if (args[1] == NULL)
		fine = check_pruned(walk, &head) && check_before(walk, &head);
	if (!fine || !read_page(walk, kept_seq, args[4] ? args[4] : "") || !check_count(walk, first))
		return false;
	if (walk->rows < PAGE_ROWS)
		fine = last_page(walk, &head, found, kept_seq);
	else
		buf_text(out, "],\"done\":false");
	buf_format(out,
		   ",\"found\":%zu,\"rows\":%" PRId64 ",\"seq\":%" PRId64 ",\"shift\":%" PRId64
		   ",\"end\":%" PRId64 ",\"pruned\":%" PRId64 ",\"hash\":",
		   walk->findings, walk->rows, walk->seq, walk->shift, head.seq, head.pruned_seq);
	json_quote(out, walk->hash, strlen(walk->hash));
	buf_text(out, "}");
	return fine;
}
