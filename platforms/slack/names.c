/* Names of people and channels: asked once, kept for hours, apart by workspace (sheet 14, pitfall 17). */
#include "names.h"
#include "context.h"
#include "decode.h"
#include "inbound.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum {
	KNOWN_MS = 6 * 3600 * 1000,
	FAILED_MS = 5 * 60 * 1000,
	ASKING_MAX = 20, /* at once */
	ASK_MS = 5000,	 /* longer than anybody waits: the next one has it */
};

struct name {
	char key[SLACK_ID_MAX + 2]; /* the kind and the id */
	struct slack_known known;
	char *name, *team, *org;
	bool has;	   /* it was learned, perhaps long ago */
	uint64_t until_ms; /* of loop_now_ms: to be asked again then */
	uint64_t call;	   /* of slack_api, while it is asked */
	uint64_t ticket;
	UT_hash_handle hh;
};

struct slack_names {
	struct platform *workspace;
	struct name *names; /* by key, the one used last at the end */
	unsigned asking;
};

struct slack_names *slack_names_create(struct platform *workspace)
{
	struct slack_names *names = mem_zero(1, sizeof(*names));

	names->workspace = workspace;
	return names;
}

static void drop(struct slack_names *names, struct name *name)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
	HASH_DEL(names->names, name);
	free(name->name);
	free(name->team);
	free(name->org);
	free(name);
}

void slack_names_destroy(struct slack_names *names)
{
	struct name *name, *next;

	if (names == NULL)
		return;
	slack_inbound_forget(names->workspace);
	slack_contexts_forget(names->workspace);
	HASH_ITER (hh, names->names, name, next) {
		if (name->call)
			slack_api_cancel(names->workspace, name->call);
		drop(names, name);
	}
	names->workspace->names = NULL;
	free(names);
}

/* ---- finding ------------------------------------------------------------------------------------------- */

static struct name *find(struct slack_names *names, char kind, const char *id)
{
	char key[SLACK_ID_MAX + 2] = { kind };
	struct name *name;

	memcpy(key + 1, id, strlen(id) + 1);
	HASH_FIND_STR(names->names, key, name);
	return name;
}

/* Moves it behind all that were used before. */
static void use(struct slack_names *names, struct name *name)
{
	HASH_DEL(names->names, name);
	HASH_ADD_STR(names->names, key, name);
}

static void make_room(struct slack_names *names)
{
	struct name *name, *next;

	HASH_ITER (hh, names->names, name, next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): those dropped are out of the table */
		if (HASH_COUNT(names->names) < SLACK_NAMES_MAX)
			return;
		if (name->call == 0)
			drop(names, name);
	}
}

static struct name *add(struct slack_names *names, char kind, const char *id)
{
	struct name *name = mem_zero(1, sizeof(*name));

	make_room(names);
	name->key[0] = kind;
	memcpy(name->key + 1, id, strlen(id) + 1);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): those dropped are out of the table */
	HASH_ADD_STR(names->names, key, name);
	return name;
}

/* ---- asking -------------------------------------------------------------------------------------------- */

/* On one line: names stand in front of what somebody said. NULL: nothing is left of it. */
static char *short_name(const char *name)
{
	char *line = name ? text_one_line(name) : NULL, *cut = NULL;

	if (line && *line)
		cut = mem_text_n(line, text_fit(line, strlen(line), MESSAGE_NAME_MAX));
	free(line);
	return cut;
}

static const char *first_of(const char *a, const char *b)
{
	return a && *a ? a : b;
}

static bool flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* display_name is often empty. */
static void learn_person(struct name *name, const json_t *body)
{
	const json_t *user = json_object_get(body, "user"), *profile = json_object_get(user, "profile");
	const json_t *org = json_object_get(user, "enterprise_user");

	name->name = short_name(
		first_of(json_text(profile, "display_name"),
			 first_of(json_text(profile, "real_name"),
				  first_of(json_text(user, "real_name"), json_text(user, "name")))));
	name->team = short_name(json_text(user, "team_id"));
	name->org = short_name(json_text(org, "enterprise_id"));
	name->known.stranger = flag(user, "is_stranger");
	name->known.guest = flag(user, "is_restricted") || flag(user, "is_ultra_restricted");
	name->known.bot = flag(user, "is_bot");
}

static void learn_channel(struct name *name, const json_t *body)
{
	const json_t *channel = json_object_get(body, "channel");

	name->name = short_name(json_text(channel, "name"));
	name->known.direct = flag(channel, "is_im");
}

static void learn(struct name *name, const json_t *body)
{
	free(name->name);
	free(name->team);
	free(name->org);
	name->name = name->team = name->org = NULL;
	name->known = (struct slack_known){ 0 };
	if (name->key[0] == 'U')
		learn_person(name, body);
	else
		learn_channel(name, body);
	name->known.name = name->name;
	name->known.team = name->team;
	name->known.org = name->org;
	name->has = true;
}

static void told(struct platform *workspace, void *owner, uint64_t ticket, const struct slack_answer *answer)
{
	struct slack_names *names = owner;
	uint64_t now = loop_now_ms(workspace->host->loop);
	struct name *name, *next;

	HASH_ITER (hh, names->names, name, next) {
		if (name->call == 0 || name->ticket != ticket)
			continue;
		name->call = 0;
		names->asking--;
		if (answer->how == SLACK_OK) {
			learn(name, answer->body);
			name->until_ms = now + KNOWN_MS;
		} else {
			log_debug(workspace->host->log, "the name of %s: %s", name->key + 1,
				  answer->error ? answer->error : "unknown");
			name->until_ms = now + (answer->how == SLACK_LIMITED ? answer->retry_ms : FAILED_MS);
		}
		break;
	}
	slack_inbound_named(workspace);
	slack_context_named(workspace);
}

static bool ask(struct slack_names *names, struct name *name)
{
	struct platform *workspace = names->workspace;
	bool person = name->key[0] == 'U';
	struct slack_call call = {
		.method = person ? "users.info" : "conversations.info",
		.wait_ms = SLACK_NAMES_WAIT_MS,
		.total_ms = ASK_MS,
	};

	if (workspace->dead || workspace->token == NULL || names->asking >= ASKING_MAX)
		return false;
	call.args = json_object();
	json_object_set_new(call.args, person ? "user" : "channel", json_string(name->key + 1));
	name->ticket = slack_ticket(workspace->app);
	name->call = slack_api(workspace, &call, told, names, name->ticket);
	names->asking++;
	return true;
}

bool slack_names_settled(struct platform *workspace, char kind, const char *id)
{
	struct slack_names *names = workspace->names;
	struct name *name;

	if (names == NULL || slack_id_check(id) == NULL)
		return true;
	name = find(names, kind, id);
	if (name == NULL)
		name = add(names, kind, id);
	else
		use(names, name);
	if (name->call == 0 && loop_now_ms(workspace->host->loop) >= name->until_ms)
		ask(names, name);
	return name->has || name->call == 0;
}

const struct slack_known *slack_known(struct platform *workspace, char kind, const char *id)
{
	struct name *name;

	if (workspace->names == NULL || slack_id_check(id) == NULL)
		return NULL;
	name = find(workspace->names, kind, id);
	return name && name->has ? &name->known : NULL;
}

const char *slack_name(void *owner, char kind, const char *id)
{
	bool channel = kind == 'C' || kind == '#';
	const struct slack_known *known;

	if (kind == 'S' || kind == '!') /* groups: their names need a scope that nothing else needs */
		return NULL;
	known = slack_known(owner, channel ? 'C' : 'U', id);
	return known ? known->name : NULL;
}

/* ---- what a text wants --------------------------------------------------------------------------------- */

void slack_wanted_add(struct slack_wanted *wanted, char kind, const char *id)
{
	if (slack_id_check(id) == NULL || wanted->count >= SLACK_WANTED_MAX)
		return;
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->one[i].kind == kind && strcmp(wanted->one[i].id, id) == 0)
			return;
	wanted->one[wanted->count].kind = kind;
	memcpy(wanted->one[wanted->count++].id, id, strlen(id) + 1);
}

/* Tokens with a label name themselves. */
void slack_wanted_scan(struct slack_wanted *wanted, const char *mrkdwn)
{
	char id[SLACK_ID_MAX + 1];

	for (const char *at = strchr(mrkdwn, '<'); at && wanted->count < SLACK_WANTED_MAX;
	     at = strchr(at + 1, '<')) {
		size_t len = at[1] == '@' || at[1] == '#' ? strcspn(at + 2, "<>|") : 0;

		if (len == 0 || len > SLACK_ID_MAX ||
		    (at[2 + len] != '>' && strncmp(at + 2 + len, "|>", 2) != 0))
			continue;
		memcpy(id, at + 2, len);
		id[len] = '\0';
		slack_wanted_add(wanted, at[1] == '@' ? 'U' : 'C', id);
	}
}

bool slack_wanted_settled(struct platform *workspace, const struct slack_wanted *wanted)
{
	bool settled = true;

	for (size_t i = 0; i < wanted->count; i++)
		settled = slack_names_settled(workspace, wanted->one[i].kind, wanted->one[i].id) && settled;
	return settled;
}
