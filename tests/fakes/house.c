/* Builds a core among fakes. */
#include "house.h"
#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "metrics.h"
#include "settings_build.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting name_only[] = { { .name = "name", .type = SETTING_TEXT, .required = true },
					    { 0 } };

static void on_ready(void *owner)
{
	((struct house *)owner)->ready++;
}

static void on_fatal(void *owner, const struct err *err)
{
	struct house *house = owner;

	house->fatal++;
	house->fatal_err = *err;
}

static void add(struct house *house, const struct platform_ops *ops, struct platform **platform_out,
		int index)
{
	struct settings *settings = settings_create(name_only, "platforms", "test:1");
	struct err err = { 0 };
	bool fine = settings_put(settings, "name", "one", "test:1", &err) &&
		    settings_finish(settings, &err) &&
		    core_add(house->core, ops, settings, NULL, NULL, platform_out, &err);

	if (!fine)
		fprintf(stderr, "%s\n", err.text);
	assert(fine);
	house->settings[index] = settings;
}

void house_build(struct house *house, const struct core_options *options)
{
	struct core_options all = *options;

	*house = (struct house){ .loop = fake_loop_create(),
				 .store = fake_store_create(),
				 .ai = fake_ai_create() };
	metrics_clear();
	fake_platform_fails_start = fake_platform_fails_adopt = false;
	all.loop = house->loop;
	all.store = house->store;
	all.ai = house->ai;
	all.fatal = on_fatal;
	all.owner = house;
	if (all.turns_max == 0)
		all.turns_max = 8;
	house->core = core_create(&all);
	add(house, &fake_chat, &house->chat, 0);
	add(house, &fake_hook, &house->hook, 1);
	add(house, &fake_mute, &house->mute, 2);
	add(house, &fake_room, &house->room, 3);
	core_start(house->core, on_ready, house);
}

/* What the store makes of a configured installation: its row as it was, or a new one. */
static void answer_install(struct house *house, const struct store_installation *rows, size_t count)
{
	struct question *q = house_question(house, Q_INSTALL);
	char *platform = mem_text(q->platform), *name = mem_text(q->installation);
	struct store_installation row = { .platform = platform, .name = name, .enabled = true };

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].platform, row.platform) == 0 && strcmp(rows[i].name, row.name) == 0)
			row.enabled = rows[i].enabled;
	fake_answer_installations(house->store, q, NULL, &row, 1);
	free(platform);
	free(name);
}

void house_prepare_rows(struct house *house, const struct core_options *options,
			const struct store_installation *rows, size_t count)
{
	house_build(house, options);
	fake_answer_installations(house->store, house_question(house, Q_INSTALLATIONS), NULL, rows, count);
	while (house_waiting(house, Q_INSTALL))
		answer_install(house, rows, count);
}

void house_prepare(struct house *house, const struct core_options *options)
{
	house_prepare_rows(house, options, NULL, 0);
}

void house_recovered(struct house *house, const struct store_recovered *recovered)
{
	fake_answer_recovered(house->store, house_question(house, Q_RECOVER), NULL, recovered);
	while (house_waiting(house, Q_CURSORS))
		fake_answer_cursors(house->store, house_question(house, Q_CURSORS), NULL, NULL, 0);
	while (house_waiting(house, Q_TEXTS))
		fake_answer_texts(house->store, house_question(house, Q_TEXTS), NULL, NULL, 0);
	fake_loop_run(house->loop);
}

void house_recover(struct house *house)
{
	house_recovered(house, &(struct store_recovered){ 0 });
	assert(house->ready == 1);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, NULL, 0, 0);
}

void house_open(struct house *house, const struct core_options *options)
{
	house_prepare(house, options);
	house_recover(house);
}

void house_close(struct house *house)
{
	fake_loop_run(house->loop);
	core_destroy(house->core);
	fake_ai_destroy(house->ai);
	fake_store_destroy(house->store);
	fake_loop_destroy(house->loop);
	for (size_t i = 0; i < sizeof(house->settings) / sizeof(house->settings[0]); i++)
		settings_destroy(house->settings[i]);
	metrics_clear();
}

struct question *house_question(struct house *house, enum question_kind kind)
{
	struct question *q = fake_store_question(house->store, kind);

	assert(q != NULL);
	return q;
}

size_t house_waiting(const struct house *house, enum question_kind kind)
{
	return fake_store_waiting(house->store, kind);
}

void house_say(struct platform *platform, uint64_t receipt, const char *conversation, const char *text)
{
	char key[40];

	snprintf(key, sizeof(key), "delivery-%llu", (unsigned long long)receipt);
	platform->host->incoming(platform->host, &(struct incoming){ .receipt = receipt,
								     .delivery_key = key,
								     .sender = "ann",
								     .conversation = conversation,
								     .text = text,
								     .reply_to = "there" });
}

const struct store_turn *house_turn(int64_t turn_id, int64_t conversation_id)
{
	static char uuid[MESSAGE_UUID_SIZE], key[MESSAGE_UUID_SIZE];
	static const char *uuids[1], *keys[1];
	static struct store_turn turn;

	snprintf(uuid, sizeof(uuid), "u%lld", (long long)turn_id);
	snprintf(key, sizeof(key), "k%lld", (long long)turn_id);
	uuids[0] = uuid;
	keys[0] = key;
	turn = (struct store_turn){ .id = turn_id,
				    .conversation_id = conversation_id,
				    .conversation_uuid = "c",
				    .speaker = { .profile_id = "ann", .org_id = "org", .active = true },
				    .platform = "chat",
				    .installation = "one",
				    .sender = "ann-abroad",
				    .reply_to = "there",
				    .text = "hello",
				    .uuids = uuids,
				    .delivery_keys = keys,
				    .count = 1,
				    .attempts = 1 };
	return &turn;
}

const struct store_turn *house_room_turn(const char *name, int64_t turn_id, int64_t conversation_id,
					 unsigned flags)
{
	struct store_turn *turn = (struct store_turn *)(uintptr_t)house_turn(turn_id, conversation_id);

	turn->platform = "room";
	turn->installation = name;
	turn->flags = flags;
	return turn;
}

void house_begin(struct house *house, const struct store_turn *turn)
{
	struct question *q;
	struct speaker ann = { .profile_id = "ann", .org_id = "org", .active = true };

	house_say(house->chat, (uint64_t)turn->id, "room", "hello");
	q = house_question(house, Q_ACCEPT);
	fake_answer_accepted(house->store, q, NULL,
			     &(struct store_accepted){ .how = ACCEPT_NEW,
						       .inbox_id = 1,
						       .uuid = "u",
						       .state = MESSAGE_CLAIMED,
						       .conversation_id = turn->conversation_id,
						       .speaker = &ann,
						       .turn = turn });
}

void house_accept(struct house *house, int64_t conversation_id, int64_t turn_id)
{
	struct question *q = house_question(house, Q_ACCEPT);
	struct speaker ann = { .profile_id = "ann", .org_id = "org", .active = true };
	char uuid[MESSAGE_UUID_SIZE];

	snprintf(uuid, sizeof(uuid), "%s", q->uuid);
	fake_answer_accepted(
		house->store, q, NULL,
		&(struct store_accepted){ .how = ACCEPT_NEW,
					  .inbox_id = 1,
					  .uuid = uuid,
					  .state = turn_id ? MESSAGE_CLAIMED : MESSAGE_ACCEPTED,
					  .conversation_id = conversation_id,
					  .conversation_uuid = "c",
					  .speaker = &ann,
					  .turn = turn_id ? house_turn(turn_id, conversation_id) : NULL });
}

void house_recall(struct house *house)
{
	fake_answer_recalled(house->store, house_question(house, Q_RECALL), NULL,
			     &(struct store_recalled){ .temperature = -1 });
}

void house_answered(struct house *house)
{
	fake_answer_answered(house->store, house_question(house, Q_ANSWER), NULL,
			     &(struct store_answered){ 0 });
}

void house_think(struct house *house, int64_t turn_id, int64_t conversation_id)
{
	house_say(house->chat, (uint64_t)turn_id, "room", "hello");
	house_accept(house, conversation_id, turn_id);
	house_recall(house);
}

const struct store_reply *house_reply(int64_t id, const char *platform, int64_t conversation_id,
				      unsigned attempt)
{
	static char uuid[MESSAGE_UUID_SIZE];
	static const char *answers_to[] = { "u1" }, *keys[] = { "k1" };
	static struct store_reply reply;

	snprintf(uuid, sizeof(uuid), "r%lld", (long long)id);
	reply = (struct store_reply){ .id = id,
				      .platform = platform,
				      .installation = "one",
				      .conversation_id = conversation_id,
				      .expires_ms = clock_wall_ms() + 3600000,
				      .out = { .uuid = uuid,
					       .answers_to = answers_to,
					       .delivery_keys = keys,
					       .answers_to_count = 1,
					       .state = MESSAGE_ANSWERED,
					       .reply_to = "there",
					       .text = "the answer",
					       .tool_calls = "[]",
					       .conversation_id = conversation_id,
					       .attempt = attempt } };
	return &reply;
}

void house_due(struct house *house, const struct store_reply *reply)
{
	core_wake(house->core);
	fake_answer_due(house->store, house_question(house, Q_DUE), NULL, reply, 1, 0);
}

double house_metric(const char *line)
{
	struct buf out = { 0 };
	const char *at;
	double value = -1;

	metrics_print(&out);
	at = strstr(buf_str(&out), line);
	if (at)
		value = strtod(at + strlen(line), NULL);
	buf_free(&out);
	return value;
}

bool house_status_says(struct house *house, const char *part)
{
	struct buf out = { 0 };
	bool says;

	core_status(house->core, &out);
	says = strstr(buf_str(&out), part) != NULL;
	if (!says)
		fprintf(stderr, "status: %s\n", buf_str(&out));
	buf_free(&out);
	return says;
}

int house_setup(void **state, const struct core_options *options)
{
	static struct house house;

	house_open(&house, options);
	*state = &house;
	return 0;
}

int house_teardown(void **state)
{
	house_close(*state);
	return 0;
}
