/* The calls that bring one answer to its place: a table of steps, each one call. A call that posts carries the answer's
 * nonce, so that within two minutes it may be made again; an edit may be made as often as one likes (sheet 14, 19). */
#include "clock.h"
#include "mem.h"
#include "sending.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "answer.md"
#define FILE_TYPE "text/markdown; charset=utf-8"
#define CAPTION	  "The answer is long: this is all of it."

enum {
	WAIT_MS = 30000,
	EPHEMERAL = 64,
	THREAD_ARCHIVED = 50083, /* code: it opens by itself, or when asked, unless it is locked (sheet 17) */
	YOUNG_MS = 10000,	 /* an interaction of this age may still be on its way to be answered */
	YOUNG_RETRY_MS = 1000,
};

static void answered(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer);

/* path is taken over. */
static void call(struct sending *sending, struct discord_call *call, char *path)
{
	call->path = path;
	call->wait_ms = WAIT_MS;
	sending->call = discord_rest(sending->bot, call, answered, sending, sending->ticket);
	free(path);
}

static void tell_static(struct sending *sending, enum sent how, const char *why)
{
	discord_send_tell(sending, how, 0, NULL, why);
}

/* ---- what is said ------------------------------------------------------------------------------------------- */

static const char *content(const struct sending *sending)
{
	return sending->upload ? "" : sending->file ? CAPTION : sending->text;
}

static bool is_reply(const struct sending *sending)
{
	return sending->part == 0 && !sending->no_reply && sending->place.message &&
	       sending->channel == sending->place.channel;
}

enum { ROW = 5, ACTION_ROW = 1, BUTTON = 2, SUCCESS = 3, SECONDARY = 2 };

static json_t *button(const json_t *choice, bool first)
{
	return json_pack("{s:i, s:i, s:s, s:s+}", "type", BUTTON, "style", first ? SUCCESS : SECONDARY,
			 "label", json_text(choice, "label"), "custom_id", DISCORD_PRESS_SAY,
			 json_text(choice, "command"));
}

/* What the message is made of. */
static json_t *body_of(const struct sending *sending, const char *text, bool reply)
{
	json_t *body = discord_body(sending->bot, &sending->place, text, reply), *rows = json_array();
	json_t *list = sending->choices ? json_read(sending->choices, strlen(sending->choices), NULL) : NULL;
	const json_t *choice;
	size_t i;

	json_array_foreach (list, i, choice) {
		if (i % ROW == 0)
			json_array_append_new(rows,
					      json_pack("{s:i, s:[]}", "type", ACTION_ROW, "components"));
		json_array_append_new(json_object_get(json_array_get(rows, i / ROW), "components"),
				      button(choice, i == 0));
	}
	json_decref(list);
	if (sending->choices || sending->changes)
		json_object_set(body, "components", rows);
	json_decref(rows);
	return body;
}

static void add_file(const struct sending *sending, struct discord_call *call)
{
	if (sending->upload) {
		call->file_path = sending->upload->path;
		call->file_name = sending->upload->name;
		call->file_type = sending->upload->mime;
	}
	if (sending->file == NULL)
		return;
	call->file = sending->file;
	call->file_len = strlen(sending->file);
	call->file_name = FILE_NAME;
	call->file_type = FILE_TYPE;
}

/* A message that takes another way than what stood for it leaves nothing behind. */
static void clear_up(struct sending *sending)
{
	struct platform *bot = sending->bot;

	discord_delete_message(bot, sending->stood);
	if (sending->original && discord_token_lives(bot, &sending->place))
		discord_delete_original(bot, &sending->place);
}

static void becomes_file(struct sending *sending, const struct discord_answer *answer)
{
	log_warn(sending->bot->host->log, "a part goes out as a file: %s", answer->why);
	sending->file = sending->text;
}

/* ---- where it goes ------------------------------------------------------------------------------------------- */

bool discord_send_may_stand_there(const struct sending *sending)
{
	const struct discord_place *place = &sending->place;

	return sending->unsure && sending->part == 0 && place->token &&
	       sending->created_ms - place->made_ms < DISCORD_TOKEN_MS;
}

/* Within two minutes the platform itself knows the nonce; later what stands in the channel is read. */
static void create_once(struct sending *sending)
{
	bool known = discord_sends_young(sending->bot->sends, sending->created_ms) &&
		     !discord_send_may_stand_there(sending);

	if (!sending->unsure || sending->looked || known)
		discord_send_step(sending, SEND_CREATE);
	else
		discord_send_step(sending, SEND_LOOK);
}

static bool may_follow(const struct sending *sending)
{
	return !sending->over && discord_token_lives(sending->bot, &sending->place);
}

/* It carries no nonce, so what may have arrived is not repeated. */
static void follow_once(struct sending *sending)
{
	if (sending->unsure)
		tell_static(sending, SENT_UNKNOWN,
			    "it can't be found out whether the further message of the interaction was sent");
	else
		discord_send_step(sending, SEND_FOLLOW);
}

void discord_send_post(struct sending *sending)
{
	const struct discord_place *place = &sending->place;

	if (place->whisper && may_follow(sending)) {
		follow_once(sending);
	} else if (place->whisper) {
		discord_send_step(sending, SEND_DM);
	} else {
		sending->channel = discord_thread_known(sending->bot->sends, place);
		if (sending->channel)
			create_once(sending);
		else
			discord_send_step(sending, SEND_THREAD);
	}
}

static void start_thread(struct sending *sending)
{
	sending->call =
		discord_thread_open(sending->bot, &sending->place, false, answered, sending, sending->ticket);
}

/* Opened twice it is the same: nothing was said yet. */
static void opened(struct sending *sending, const struct discord_answer *answer)
{
	if (sending->channel)
		create_once(sending);
	else if (answer->how == DISCORD_MAYBE || answer->how == DISCORD_OK)
		tell_static(sending, SENT_NOT, "the platform does not say where the answer can go");
	else
		discord_send_tell_outcome(sending, answer);
}

static void done_thread(struct sending *sending, const struct discord_answer *answer)
{
	sending->channel = discord_thread_opened(sending->bot, &sending->place, answer);
	opened(sending, answer);
}

static void start_dm(struct sending *sending)
{
	char user[SNOWFLAKE_SIZE];

	call(sending,
	     &(struct discord_call){
		     .method = "POST",
		     .args = json_pack("{s:s}", "recipient_id", snowflake_text(sending->place.user, user)) },
	     mem_text("/users/@me/channels"));
}

static void done_dm(struct sending *sending, const struct discord_answer *answer)
{
	if (answer->how == DISCORD_OK)
		sending->channel = snowflake_read(json_object_get(answer->body, "id"));
	opened(sending, answer);
}

/* ---- a message of its own ------------------------------------------------------------------------------------ */

static void start_create(struct sending *sending)
{
	bool reply = is_reply(sending);
	json_t *body = body_of(sending, content(sending), reply);
	struct discord_call post = { .method = "POST", .args = body };
	char id[SNOWFLAKE_SIZE];

	json_object_set_new(body, "nonce", json_string(sending->nonce));
	json_object_set_new(body, "enforce_nonce", json_true());
	if (reply)
		json_object_set_new(body, "message_reference",
				    json_pack("{s:s, s:b}", "message_id",
					      snowflake_text(sending->place.message, id),
					      "fail_if_not_exists", 0));
	add_file(sending, &post);
	call(sending, &post, discord_message_path((struct discord_spot){ sending->channel, 0 }));
}

static bool leaves_thread(const struct sending *sending, const struct discord_answer *answer)
{
	return sending->place.open_thread && sending->channel != sending->place.channel &&
	       (discord_refused(answer, DISCORD_NO_ACCESS) || discord_refused(answer, DISCORD_LOCKED) ||
		discord_refused(answer, DISCORD_UNKNOWN_CHANNEL));
}

static bool is_archived(const struct sending *sending, const struct discord_answer *answer)
{
	return discord_refused(answer, DISCORD_LOCKED) && answer->code == THREAD_ARCHIVED &&
	       !sending->unarchived;
}

/* Where the bot is not, only the interaction's own way is open (sheet 10.3). */
static bool is_outside(const struct sending *sending, const struct discord_answer *answer)
{
	return may_follow(sending) && (discord_refused(answer, DISCORD_NO_ACCESS) ||
				       discord_refused(answer, DISCORD_UNKNOWN_CHANNEL));
}

/* The file itself is the matter, whatever the place. */
static bool file_refused(const struct sending *sending, const struct discord_answer *answer)
{
	return sending->upload &&
	       (discord_refused(answer, DISCORD_FILE) || discord_refused(answer, DISCORD_TOO_LONG) ||
		discord_refused(answer, DISCORD_EMPTY) || discord_refused(answer, DISCORD_OTHER));
}

/* The link has its own words: whether they were said before is looked up again. */
static void create_link(struct sending *sending, const struct discord_answer *answer)
{
	unsigned retry_ms;
	struct err why;

	discord_outcome(answer, &retry_ms, &why);
	discord_send_link(sending, why.text);
	sending->looked = false;
	create_once(sending);
}

/* What was refused may be taken with less, or elsewhere. */
static void create_refused(struct sending *sending, const struct discord_answer *answer)
{
	/* NOLINTNEXTLINE(bugprone-branch-clone): the order of the conditions is the rule */
	if (sending->lost) {
		discord_send_tell_outcome(sending, answer);
	} else if (file_refused(sending, answer)) {
		create_link(sending, answer);
	} else if (discord_refused(answer, DISCORD_NO_REPLY) && is_reply(sending)) {
		sending->no_reply = true;
		discord_send_step(sending, SEND_CREATE);
	} else if (is_archived(sending, answer)) {
		discord_send_step(sending, SEND_UNARCHIVE);
	} else if (leaves_thread(sending, answer)) {
		discord_thread_lost(sending->bot, &sending->place);
		sending->channel = sending->place.channel;
		discord_send_step(sending, SEND_CREATE);
	} else if (is_outside(sending, answer)) {
		follow_once(sending);
	} else if (discord_refused(answer, DISCORD_NO_ACCESS) && sending->upload) {
		create_link(sending, answer); /* words may be allowed where files are not */
	} else if (discord_refused(answer, DISCORD_TOO_LONG) && !sending->file) {
		becomes_file(sending, answer);
		discord_send_step(sending, SEND_CREATE);
	} else {
		discord_send_give_up(sending, answer);
	}
}

static void done_create(struct sending *sending, const struct discord_answer *answer)
{
	struct discord_spot spot = { 0 };

	if (answer->how == DISCORD_OK)
		spot = discord_spot_of(answer, sending->channel);
	else if (answer->how == DISCORD_MAYBE) /* the gateway may have shown it meanwhile */
		spot = discord_sends_find(sending->bot->sends, sending->nonce);
	if (spot.message) {
		clear_up(sending);
		discord_send_tell_accepted(sending, spot);
	} else if (answer->how == DISCORD_OK) {
		tell_static(sending, SENT_MAYBE, "the platform does not say what became of it");
	} else {
		create_refused(sending, answer);
	}
}

/* ---- instead of what stands there ------------------------------------------------------------------------------ */

static void start_edit(struct sending *sending)
{
	sending->channel = sending->stood.channel;
	call(sending,
	     &(struct discord_call){ .method = "PATCH",
				     .args = body_of(sending, sending->text, is_reply(sending)) },
	     discord_message_path(sending->stood));
}

static void done_edit(struct sending *sending, const struct discord_answer *answer)
{
	if (answer->how == DISCORD_OK) {
		discord_send_tell_accepted(sending, sending->stood);
	} else if (is_archived(sending, answer)) {
		discord_send_step(sending, SEND_UNARCHIVE);
	} else if (discord_refused(answer, DISCORD_UNKNOWN_MESSAGE) ||
		   discord_refused(answer, DISCORD_UNKNOWN_CHANNEL)) {
		sending->stood = (struct discord_spot){ 0 };
		discord_send_post(sending);
	} else if (discord_refused(answer, DISCORD_OLD_EDITS) && sending->unsure) {
		discord_send_step(sending, SEND_LOOK); /* an earlier edit may have been taken */
	} else if (discord_refused(answer, DISCORD_OLD_EDITS)) {
		discord_send_post(sending);
	} else if (discord_refused(answer, DISCORD_TOO_LONG)) {
		becomes_file(sending, answer);
		discord_send_post(sending);
	} else {
		discord_send_give_up(sending, answer);
	}
}

static void start_unarchive(struct sending *sending)
{
	sending->unarchived = true;
	call(sending, &(struct discord_call){ .method = "PATCH", .args = json_pack("{s:b}", "archived", 0) },
	     mem_format("/channels/%" PRIu64, sending->channel));
}

static void done_unarchive(struct sending *sending, const struct discord_answer *answer)
{
	if (answer->how == DISCORD_OK)
		discord_send_step(sending,
				  sending->stood.message && !sending->file ? SEND_EDIT : SEND_CREATE);
	else if (answer->how == DISCORD_REFUSED)
		tell_static(sending, SENT_REJECTED,
			    "the thread is archived or locked: a moderator can open it, or give the bot the "
			    "permission Manage Threads");
	else if (answer->how == DISCORD_MAYBE)
		tell_static(sending, SENT_NOT, "the thread could not be opened again");
	else
		discord_send_tell_outcome(sending, answer);
}

/* ---- interactions (sheet 10.3) ---------------------------------------------------------------------------------- */

static void start_original(struct sending *sending)
{
	call(sending,
	     &(struct discord_call){
		     .method = "PATCH", .no_token = true, .args = body_of(sending, sending->text, false) },
	     discord_webhook_path(sending->bot, &sending->place, "/messages/" DISCORD_ORIGINAL));
}

/* By its own id it can be changed when the token is over; what one person sees, only with the token. */
static void original_taken(struct sending *sending, const struct discord_answer *answer)
{
	struct discord_spot spot = discord_spot_of(answer, sending->place.channel);

	if (spot.message && !sending->place.whisper)
		discord_send_tell_accepted(sending, spot);
	else
		discord_send_tell(sending, SENT_ACCEPTED, 0, DISCORD_ORIGINAL, NULL);
}

static void done_original(struct sending *sending, const struct discord_answer *answer)
{
	bool gone = discord_refused(answer, DISCORD_UNKNOWN_INTERACTION) ||
		    discord_refused(answer, DISCORD_UNKNOWN_MESSAGE) ||
		    discord_refused(answer, DISCORD_UNKNOWN_CHANNEL);

	if (answer->how == DISCORD_OK) {
		original_taken(sending, answer);
	} else if (gone && clock_wall_ms() - sending->place.made_ms < YOUNG_MS) {
		discord_send_tell(sending, SENT_LIMITED, YOUNG_RETRY_MS, NULL,
				  "the interaction is not acknowledged yet");
	} else if (gone) {
		sending->original = false;
		sending->over = discord_refused(answer, DISCORD_UNKNOWN_INTERACTION);
		discord_send_post(sending);
	} else if (discord_refused(answer, DISCORD_TOO_LONG)) {
		becomes_file(sending, answer);
		discord_send_post(sending);
	} else {
		discord_send_tell_outcome(sending, answer);
	}
}

static void start_follow(struct sending *sending)
{
	json_t *body = body_of(sending, content(sending), false);
	struct discord_call post = { .method = "POST", .args = body, .no_token = true };

	if (sending->place.whisper)
		json_object_set_new(body, "flags", json_integer(json_int(body, "flags", 0) | EPHEMERAL));
	add_file(sending, &post);
	call(sending, &post, discord_webhook_path(sending->bot, &sending->place, ""));
}

static void done_follow(struct sending *sending, const struct discord_answer *answer)
{
	if (answer->how == DISCORD_OK) {
		clear_up(sending);
		discord_send_tell_accepted(sending, discord_spot_of(answer, sending->place.channel));
	} else if (answer->how == DISCORD_MAYBE) {
		tell_static(sending, SENT_UNKNOWN, answer->why);
	} else if (discord_refused(answer, DISCORD_UNKNOWN_INTERACTION)) {
		sending->over = true;
		sending->original = false;
		discord_send_post(sending);
	} else if (file_refused(sending, answer)) {
		discord_send_link(sending, answer->why);
		discord_send_step(sending, SEND_FOLLOW);
	} else {
		discord_send_tell_outcome(sending, answer);
	}
}

/* ---- what was sent is brought up to date ------------------------------------------------------------------------ */

static void start_settle(struct sending *sending)
{
	json_t *body = body_of(sending, sending->text, false);

	if (sending->bare)
		json_object_del(body, "content");
	call(sending,
	     &(struct discord_call){ .method = "PATCH", .no_token = sending->original, .args = body },
	     sending->original
		     ? discord_webhook_path(sending->bot, &sending->place, "/messages/" DISCORD_ORIGINAL)
		     : discord_message_path(sending->stood));
}

static void done_settle(struct sending *sending, const struct discord_answer *answer)
{
	if (answer->how == DISCORD_OK) {
		discord_send_tell(sending, SENT_ACCEPTED, 0, NULL, NULL);
	} else if (discord_refused(answer, DISCORD_TOO_LONG) && !sending->bare) {
		sending->bare = true;
		discord_send_step(sending, SEND_SETTLE);
	} else if (answer->how == DISCORD_REFUSED) {
		tell_static(sending, SENT_REJECTED, answer->why);
	} else {
		discord_send_tell_outcome(sending, answer);
	}
}

/* ---- whether it arrived ------------------------------------------------------------------------------------------- */

static void looked(struct platform *bot, void *owner, uint64_t ticket, const struct discord_found *found)
{
	struct sending *sending = owner;

	(void)bot;
	(void)ticket;
	sending->lookup = NULL;
	switch (found->how) {
	case DISCORD_FOUND:
		if (found->spot.message != sending->stood.message)
			clear_up(sending);
		discord_send_tell_accepted(sending, found->spot);
		return;
	case DISCORD_FOUND_NOT:
		if (sending->upload && sending->upload->size > DISCORD_FILE_SEND_MAX)
			discord_send_link(sending, "it is large and did not arrive");
		sending->looked = true;
		discord_send_step(sending, SEND_CREATE);
		return;
	case DISCORD_LOOK_LATER:
		discord_send_tell(sending, found->retry_ms ? SENT_LIMITED : SENT_MAYBE, found->retry_ms, NULL,
				  found->why);
		return;
	case DISCORD_LOOK_NOBODY:
		tell_static(sending, SENT_AUTH, found->why);
		return;
	default:
		tell_static(sending, SENT_UNKNOWN, found->why);
	}
}

/* What stood for the answer is older than the answer that it became. */
static int64_t since_ms(const struct sending *sending)
{
	int64_t since = sending->created_ms;

	if (sending->stood.message && snowflake_ms(sending->stood.message) < since)
		since = snowflake_ms(sending->stood.message);
	if (discord_send_may_stand_there(sending) && sending->place.made_ms < since)
		since = sending->place.made_ms;
	return since;
}

static void start_look(struct sending *sending)
{
	struct discord_look look = { .channel = sending->channel,
				     .place = &sending->place,
				     .reply = is_reply(sending),
				     .nonce = sending->nonce,
				     .content = content(sending),
				     .file_len = sending->upload ? (size_t)sending->upload->size
						 : sending->file ? strlen(sending->file)
								 : 0,
				     .file_name = sending->upload ? sending->upload->name
						  : sending->file ? FILE_NAME
								  : NULL,
				     .since_ms = since_ms(sending) };

	sending->lookup = discord_read_back(sending->bot, &look, looked, sending, sending->ticket);
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static const struct {
	void (*start)(struct sending *sending);
	void (*done)(struct sending *sending, const struct discord_answer *answer);
} steps[] = {
	[SEND_THREAD] = { start_thread, done_thread },
	[SEND_LOOK] = { start_look, NULL }, /* looked */
	[SEND_CREATE] = { start_create, done_create },
	[SEND_EDIT] = { start_edit, done_edit },
	[SEND_UNARCHIVE] = { start_unarchive, done_unarchive },
	[SEND_ORIGINAL] = { start_original, done_original },
	[SEND_FOLLOW] = { start_follow, done_follow },
	[SEND_DM] = { start_dm, done_dm },
	[SEND_SETTLE] = { start_settle, done_settle },
};

void discord_send_step(struct sending *sending, enum discord_send_step step)
{
	sending->step = step;
	steps[step].start(sending);
}

static void answered(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct sending *sending = owner;

	(void)bot;
	(void)ticket;
	sending->call = 0;
	steps[sending->step].done(sending, answer);
}
