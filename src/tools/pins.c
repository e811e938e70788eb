/* Judges tools by what is on record: the questions go to the store in pieces that it takes, one after the other. */
#include "pins.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	PIECE_BYTES = 32 << 10, /* of names and hashes in one question */
	WORDS_MAX = 48 << 10,	/* bytes of a definition that is kept for people */
	AGAIN_MS = 2000,	/* until a question that the store could not take is put again */
};

struct pin {
	char *tool, *hash, *definition;
	bool good, changed, wanted; /* wanted: its definition is to be kept */
};

/* One list of one server. */
struct trial {
	struct pins *pins;
	uint64_t id, ticket; /* of ours; of the mcp */
	char *server;
	struct pin *list;
	size_t count, from, to; /* the piece that is asked about */
	bool told;		/* all are judged; what is wanted is being kept, from `from` on */
	bool waits;
	struct trial *prev, *next;
};

struct approval {
	struct pins *pins;
	char *server;
	store_json_fn *fn;
	void *owner;
	struct approval *prev, *next;
};

struct pins {
	struct store *store;
	const struct log *log;
	struct mcp *mcp;
	struct loop_timer *again;
	struct trial *trials;
	struct approval *approvals;
	uint64_t last;
	json_t *changed; /* server: array of tools */
	json_t *full;	 /* servers that have named too many tools */
};

static void free_trial(struct pins *pins, struct trial *trial)
{
	DL_DELETE(pins->trials, trial);
	for (size_t i = 0; i < trial->count; i++) {
		free(trial->list[i].tool);
		free(trial->list[i].hash);
		free(trial->list[i].definition);
	}
	free(trial->list);
	free(trial->server);
	free(trial);
}

/* ---- judging ----------------------------------------------------------------------------------------------- */

static bool known_changed(const struct pins *pins, const char *server, const char *tool)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(pins->changed, server), i, one)
		if (strcmp(json_string_value(one), tool) == 0)
			return true;
	return false;
}

/* Said once, not with every list that the server sends. */
static void note_changed(const struct pins *pins, const char *server, const char *tool)
{
	if (!known_changed(pins, server, tool))
		log_warn(pins->log,
			 "the server %s says something else of its tool %s than before: it is not offered "
			 "until you have looked at it: usher tool approve %s/%s",
			 server, tool, server, tool);
}

static void tell_mcp(struct pins *pins, const struct trial *trial)
{
	bool *good = mem_zero(trial->count, sizeof(*good));

	for (size_t i = 0; i < trial->count; i++)
		good[i] = trial->list[i].good;
	if (pins->mcp)
		mcp_judged(pins->mcp, trial->ticket, good, trial->count);
	free(good);
}

static struct trial *find_trial(struct pins *pins, uint64_t id)
{
	struct trial *trial;

	DL_FOREACH (pins->trials, trial)
		if (trial->id == id)
			return trial;
	return NULL;
}

static void keep_next(struct pins *pins, struct trial *trial);

static void end_trial(struct pins *pins, struct trial *trial)
{
	json_t *changed = json_array();
	uint64_t id = trial->id;

	for (size_t i = 0; i < trial->count; i++) {
		if (!trial->list[i].changed)
			continue;
		note_changed(pins, trial->server, trial->list[i].tool);
		json_array_append_new(changed, json_string(trial->list[i].tool));
	}
	json_object_set_new(pins->changed, trial->server, changed);
	trial->told = true;
	trial->from = 0;
	tell_mcp(pins, trial);
	trial = find_trial(pins, id);
	if (trial)
		keep_next(pins, trial);
}

static void ask_piece(struct pins *pins, struct trial *trial);

static void ask_later(struct pins *pins, struct trial *trial, const struct err *err)
{
	log_warn(pins->log, "the tools of %s wait for the database: %s", trial->server, err->text);
	trial->waits = true;
	loop_timer_start(pins->again, AGAIN_MS, 0);
}

static void take_letters(const struct pins *pins, struct trial *trial, const char *how)
{
	bool full = false;

	for (size_t i = trial->from; how && how[i - trial->from] && i < trial->to; i++) {
		trial->list[i].good = strchr("+=", how[i - trial->from]) != NULL;
		trial->list[i].changed = how[i - trial->from] == '!';
		full |= how[i - trial->from] == '-';
	}
	if (full && json_object_get(pins->full, trial->server) == NULL) {
		json_object_set_new(pins->full, trial->server, json_true());
		log_warn(pins->log, "the server %s has named too many tools: new ones are not offered",
			 trial->server);
	}
}

static void judged(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct pins *pins = owner;
	struct trial *trial = find_trial(pins, ticket);
	json_t *answer, *one;
	size_t i;

	if (trial == NULL)
		return;
	if (err->kind != ERR_NONE) { /* as long as nobody can tell, nothing is offered */
		ask_later(pins, trial, err);
		return;
	}
	answer = json_read(json, strlen(json), NULL);
	take_letters(pins, trial, json_text(answer, "judged"));
	json_array_foreach (json_object_get(answer, "wanted"), i, one)
		if (trial->from + (size_t)json_integer_value(one) < trial->to)
			trial->list[trial->from + (size_t)json_integer_value(one)].wanted = true;
	json_decref(answer);
	trial->from = trial->to;
	if (trial->from == trial->count)
		end_trial(pins, trial);
	else
		ask_piece(pins, trial);
}

static void ask_piece(struct pins *pins, struct trial *trial)
{
	json_t *tools = json_array();
	size_t bytes = 0;
	char *text;

	trial->waits = false;
	for (trial->to = trial->from; trial->to < trial->count && bytes < PIECE_BYTES; trial->to++) {
		const struct pin *pin = &trial->list[trial->to];

		json_array_append_new(tools, json_pack("[ss]", pin->tool, pin->hash));
		bytes += strlen(pin->tool) * 6 + strlen(pin->hash); /* escaped */
	}
	text = json_write(tools);
	json_decref(tools);
	store_act(pins->store, "tools_seen", (const char *const[]){ trial->server, text }, 2, judged, pins,
		  trial->id);
	free(text);
}

/* ---- keeping what people will compare ----------------------------------------------------------------------------- */

static void kept(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct pins *pins = owner;
	struct trial *trial = find_trial(pins, ticket);

	(void)json;
	if (trial == NULL)
		return;
	if (err->kind == ERR_AGAIN || err->kind == ERR_FULL || err->kind == ERR_UNSURE) {
		ask_later(pins, trial, err);
		return;
	}
	trial->from = err->kind == ERR_NONE ? trial->from + 1 : trial->count; /* it says too much */
	keep_next(pins, trial);
}

static void keep_next(struct pins *pins, struct trial *trial)
{
	const struct pin *pin;

	trial->waits = false;
	while (trial->from < trial->count &&
	       (!trial->list[trial->from].wanted || trial->list[trial->from].definition == NULL))
		trial->from++;
	if (trial->from == trial->count) {
		free_trial(pins, trial);
		return;
	}
	pin = &trial->list[trial->from];
	store_act(pins->store, "tool_said",
		  (const char *const[]){ trial->server, pin->tool, pin->hash, pin->definition }, 4, kept,
		  pins, trial->id);
}

static void on_again(void *data)
{
	struct pins *pins = data;
	struct trial *trial, *next;

	DL_FOREACH_SAFE(pins->trials, trial, next)
	{
		if (trial->waits && trial->told)
			keep_next(pins, trial);
		else if (trial->waits)
			ask_piece(pins, trial);
	}
}

/* A later list of the same server replaces the earlier question. */
static void drop_earlier(struct pins *pins, const char *server)
{
	struct trial *trial, *next;

	DL_FOREACH_SAFE(pins->trials, trial, next)
	if (strcmp(trial->server, server) == 0)
		free_trial(pins, trial);
}

void pins_judge(void *owner, uint64_t ticket, const struct mcp_pin *from, size_t count)
{
	struct pins *pins = owner;
	struct trial *trial = mem_zero(1, sizeof(*trial));

	drop_earlier(pins, from[0].server);
	*trial = (struct trial){ .id = ++pins->last,
				 .ticket = ticket,
				 .server = mem_text(from[0].server),
				 .list = mem_zero(count, sizeof(*trial->list)),
				 .count = count };
	for (size_t i = 0; i < count; i++) {
		bool fits = from[i].definition && strlen(from[i].definition) <= WORDS_MAX;

		trial->list[i] = (struct pin){ .tool = mem_text(from[i].tool),
					       .hash = mem_text(from[i].hash),
					       .definition = fits ? mem_text(from[i].definition) : NULL };
	}
	DL_APPEND(pins->trials, trial);
	ask_piece(pins, trial);
}

/* ---- approving ----------------------------------------------------------------------------------------------- */

static void approved(void *data, uint64_t ticket, const struct err *err, const char *json)
{
	struct approval *approval = data;
	struct pins *pins = approval->pins;

	if (err->kind == ERR_NONE && pins->mcp)
		mcp_list_again(pins->mcp, approval->server);
	approval->fn(approval->owner, ticket, err, json);
	DL_DELETE(pins->approvals, approval);
	free(approval->server);
	free(approval);
}

void pins_approve(struct pins *pins, const char *which, const char *hash, store_json_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct approval *approval = mem_zero(1, sizeof(*approval));
	const char *slash = strchr(which, '/');
	size_t len = slash ? (size_t)(slash - which) : strlen(which);

	*approval =
		(struct approval){ .pins = pins, .server = mem_text_n(which, len), .fn = fn, .owner = owner };
	DL_APPEND(pins->approvals, approval);
	store_act(pins->store, "tool_approve",
		  (const char *const[]){ approval->server, slash ? slash + 1 : "", hash }, 3, approved,
		  approval, ticket);
}

/* ---- the object ------------------------------------------------------------------------------------------------ */

json_t *pins_changed(const struct pins *pins)
{
	json_t *all = json_array();
	const char *server;
	json_t *tools, *tool;
	size_t i;

	json_object_foreach (pins->changed, server, tools)
		json_array_foreach (tools, i, tool)
			json_array_append_new(all, json_sprintf("%s/%s", server, json_string_value(tool)));
	return all;
}

struct pins *pins_create(struct store *store, struct loop *loop, const struct log *log)
{
	struct pins *pins = mem_zero(1, sizeof(*pins));

	*pins = (struct pins){ .store = store, .log = log, .changed = json_object(), .full = json_object() };
	pins->again = loop_timer_create(loop, on_again, pins);
	return pins;
}

void pins_use(struct pins *pins, struct mcp *mcp)
{
	pins->mcp = mcp;
}

void pins_destroy(struct pins *pins)
{
	struct approval *approval, *next;

	if (pins == NULL)
		return;
	while (pins->trials)
		free_trial(pins, pins->trials);
	DL_FOREACH_SAFE(pins->approvals, approval, next)
	{
		DL_DELETE(pins->approvals, approval);
		free(approval->server);
		free(approval);
	}
	loop_timer_destroy(pins->again);
	json_decref(pins->changed);
	json_decref(pins->full);
	free(pins);
}
