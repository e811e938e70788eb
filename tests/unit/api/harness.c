/* Store and core for the tests of the chat endpoint. */
#include "harness.h"
#include "api.h"
#include "api_room.h"
#include "buf.h"
#include "clock.h"
#include "io.h"
#include "mem.h"
#include "settings_build.h"
#include "web.h"
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES_MAX = 64 };

struct message {
	char uuid[CRYPTO_UUID_SIZE], delivery_key[300], fingerprint[80];
	enum message_state state;
	char *reason, *text, *tools;
	unsigned attempt;
};

struct test_user users[USERS] = {
	[ANN] = { .name = "Ann", .id = 42, .profile = "01900000-0000-7000-8000-00000000000a" },
	[BOB] = { .name = "Bob", .id = 43, .profile = "01900000-0000-7000-8000-00000000000b" },
	[CAY] = { .name = "Cay",
		  .id = 44,
		  .profile = "01900000-0000-7000-8000-00000000000c",
		  .revoked = true },
	[DAN] = { .name = "Dan",
		  .id = 45,
		  .profile = "01900000-0000-7000-8000-00000000000d",
		  .disabled = true },
	[ANN_SECOND] = { .name = "Ann", .id = 42, .profile = "01900000-0000-7000-8000-00000000000a" },
};

static struct {
	pthread_t thread;
	sem_t ready;
	struct io *io;
	struct loop *loop;
	struct web *web, *control;
	struct platform *api;
	struct platform_host host;
	const char *setting, *value;
	char uploads[64]; /* the folder; "": there are none */
	char path[64];
	int port;
	struct message messages[MESSAGES_MAX];
	size_t count;
	struct seen seen;
	char *answer, *tools;
	size_t calls;
} test;

/* ---- carrying calls to the loop ------------------------------------------------------------------------ */

struct carried {
	void (*fn)(void *data);
	void *data;
	sem_t done;
};

static void run_carried(void *data)
{
	struct carried *carried = data;

	carried->fn(carried->data);
	sem_post(&carried->done);
}

void harness_on_loop(void (*fn)(void *data), void *data)
{
	struct carried carried = { .fn = fn, .data = data };

	sem_init(&carried.done, 0, 0);
	loop_post(test.loop, run_carried, &carried);
	sem_wait(&carried.done);
	sem_destroy(&carried.done);
}

static void release_nothing(const struct toolset *set)
{
	(void)set;
}

static const struct toolset *open_nothing(void *box, const struct tool_caller *caller)
{
	static const struct toolset nothing = { .release = release_nothing };

	(void)box;
	(void)caller;
	return &nothing;
}

static void use_tools(void *data)
{
	api_use_tools(test.api, *(struct toolbox *)data, "https://usher.example.org");
}

void harness_tools(struct toolbox tools)
{
	harness_on_loop(use_tools, &tools);
}

/* ---- the core ------------------------------------------------------------------------------------------ */

static struct message *find_message(const char *uuid, const char *delivery_key)
{
	for (size_t i = 0; i < test.count; i++)
		if ((uuid && strcmp(test.messages[i].uuid, uuid) == 0) ||
		    (delivery_key && strcmp(test.messages[i].delivery_key, delivery_key) == 0))
			return &test.messages[i];
	return NULL;
}

static void tell(const struct message *message, uint64_t look_ticket)
{
	const char *uuids[] = { message->uuid }, *keys[] = { message->delivery_key };
	struct outgoing out = { .uuid = "01900000-0000-7000-8000-0000000000ff",
				.answers_to = uuids,
				.answers_to_count = 1,
				.delivery_keys = keys,
				.state = message->state,
				.reason = message->reason,
				.text = message->text,
				.tool_calls = message->tools ? message->tools : "[]",
				.conversation_id = 789,
				.conversation_uuid = UUID_789,
				.attempt = message->attempt };

	if (look_ticket)
		api_platform.found(test.api, look_ticket, &out);
	else
		api_platform.ended(test.api, &out);
}

static void end_message(struct message *message, enum message_state state, const char *reason,
			const char *text, const char *tools)
{
	message->state = state;
	free(message->reason);
	free(message->text);
	free(message->tools);
	message->reason = mem_text(reason);
	message->text = mem_text(text);
	message->tools = mem_text(tools);
	tell(message, 0);
}

struct taken {
	uint64_t receipt;
	enum ack_how how;
	size_t index;
	enum message_state state;
	char *text;
	unsigned retry_ms;
};

static void end_taken(void *data)
{
	struct taken *taken = data;
	struct message *message = &test.messages[taken->index];

	if (strncmp(taken->text, "fail ", 5) == 0)
		end_message(message, MESSAGE_FAILED, taken->text + 5, "The notice", NULL);
	else
		end_message(message, MESSAGE_ANSWERED, NULL, test.answer ? test.answer : "You said it.",
			    test.tools);
	free(taken->text);
	free(taken);
}

static void ack_taken(void *data)
{
	struct taken *taken = data;
	bool stored = taken->how == ACK_STORED || taken->how == ACK_BEFORE;
	struct ack ack = { .how = taken->how,
			   .uuid = stored ? test.messages[taken->index].uuid : NULL,
			   .conversation_id = stored ? 789 : 0,
			   .conversation_uuid = stored ? UUID_789 : NULL,
			   .state = taken->state,
			   .retry_ms = taken->retry_ms,
			   .why = "the core says no" };

	api_platform.ack(test.api, taken->receipt, &ack);
	if (taken->how == ACK_STORED && strncmp(taken->text, "hold", 4) != 0) {
		loop_post(test.loop, end_taken, taken);
		return;
	}
	free(taken->text);
	free(taken);
}

static enum ack_how judge(const struct incoming *in)
{
	if (strcmp(in->text, "busy") == 0)
		return ACK_BUSY;
	if (strcmp(in->text, "failed") == 0)
		return ACK_FAILED;
	if (strcmp(in->text, "invalid") == 0)
		return ACK_INVALID;
	if (strcmp(in->text, "disabled") == 0)
		return ACK_DISABLED;
	if (in->conversation_id == 0)
		return ACK_STORED;
	if (in->conversation_id == 790 && strcmp(in->profile, users[ANN].profile) == 0)
		return ACK_ARCHIVED;
	return (in->conversation_id == 789 && strcmp(in->profile, users[ANN].profile) == 0) ||
			       (in->conversation_id == 900 && strcmp(in->profile, users[BOB].profile) == 0)
		       ? ACK_STORED
		       : ACK_NO_CONVERSATION;
}

static void keep(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "(null)");
}

static void host_incoming(struct platform_host *host, const struct incoming *in)
{
	struct taken *taken = mem_zero(1, sizeof(*taken));
	struct message *before = find_message(NULL, in->delivery_key);

	(void)host;
	keep(test.seen.delivery_key, sizeof(test.seen.delivery_key), in->delivery_key);
	keep(test.seen.fingerprint, sizeof(test.seen.fingerprint), in->fingerprint);
	keep(test.seen.profile, sizeof(test.seen.profile), in->profile);
	keep(test.seen.sender, sizeof(test.seen.sender), in->sender);
	keep(test.seen.sender_name, sizeof(test.seen.sender_name), in->sender_name);
	keep(test.seen.text, sizeof(test.seen.text), in->text);
	test.seen.conversation_id = in->conversation_id;
	test.seen.flags = in->flags;
	taken->receipt = in->receipt;
	taken->text = mem_text(in->text);
	taken->retry_ms = 7000;
	taken->how = judge(in);
	if (before) {
		taken->how = strcmp(before->fingerprint, in->fingerprint) == 0 ? ACK_BEFORE : ACK_CONFLICT;
		taken->index = (size_t)(before - test.messages);
		taken->state = before->state;
	} else if (taken->how == ACK_STORED && test.count < MESSAGES_MAX) {
		struct message *message = &test.messages[test.count];

		taken->index = test.count++;
		crypto_uuid(message->uuid);
		keep(message->delivery_key, sizeof(message->delivery_key), in->delivery_key);
		keep(message->fingerprint, sizeof(message->fingerprint), in->fingerprint);
	}
	__atomic_add_fetch(&test.seen.incoming, 1, __ATOMIC_SEQ_CST);
	if (strcmp(in->text, "silent") == 0) {
		free(taken->text);
		free(taken);
		return;
	}
	loop_post(test.loop, ack_taken, taken);
}

struct look {
	uint64_t ticket;
	char uuid[64];
};

static void answer_look(void *data)
{
	struct look *look = data;
	struct message *message = find_message(look->uuid, NULL);

	if (message)
		tell(message, look->ticket);
	else
		api_platform.found(test.api, look->ticket, NULL);
	free(look);
}

static void host_look(struct platform_host *host, const char *uuid, uint64_t ticket)
{
	struct look *look = mem_zero(1, sizeof(*look));

	(void)host;
	look->ticket = ticket;
	keep(look->uuid, sizeof(look->uuid), uuid);
	test.seen.looks++;
	loop_post(test.loop, answer_look, look);
}

static void host_sent(struct platform_host *host, uint64_t ticket, enum sent how, unsigned retry_ms,
		      const char *remote_id, const char *why)
{
	(void)host, (void)ticket, (void)how, (void)retry_ms, (void)remote_id, (void)why;
	abort(); /* nothing is ever sent to us */
}

static void host_link(struct platform_host *host, enum link_state now, const char *why)
{
	(void)host, (void)now, (void)why;
}

static sem_t stopped;

static void host_stopped(struct platform_host *host)
{
	(void)host;
	sem_post(&stopped);
}

static void stop_platform(void *data)
{
	(void)data;
	api_platform.stop(test.api);
}

void core_stop_platform(void)
{
	sem_init(&stopped, 0, 0);
	harness_on_loop(stop_platform, NULL);
	sem_wait(&stopped);
}

struct steer {
	const char *uuid;
	unsigned attempt;
	size_t offset, len;
	const char *text, *reason, *tools;
	enum message_state state;
	struct seen *seen;
};

static void give_part(void *data)
{
	struct steer *steer = data;
	const char *uuid = find_message(steer->uuid, steer->uuid)->uuid;
	struct outgoing_part part = { .answers_to = &uuid,
				      .answers_to_count = 1,
				      .attempt = steer->attempt,
				      .offset = steer->offset,
				      .text = steer->text,
				      .len = steer->len };

	api_platform.stream(test.api, &part);
}

void core_part(const char *uuid, unsigned attempt, size_t offset, const char *text, size_t len)
{
	harness_on_loop(
		give_part,
		&(struct steer){
			.uuid = uuid, .attempt = attempt, .offset = offset, .text = text, .len = len });
}

static void give_end(void *data)
{
	struct steer *steer = data;

	end_message(find_message(steer->uuid, steer->uuid), steer->state, steer->reason, steer->text,
		    steer->tools);
}

void core_end(const char *uuid, enum message_state state, const char *reason, const char *text,
	      const char *tools)
{
	harness_on_loop(
		give_end,
		&(struct steer){
			.uuid = uuid, .state = state, .reason = reason, .text = text, .tools = tools });
}

static void set_text(void *data)
{
	struct steer *steer = data;
	struct message *message = find_message(steer->uuid, steer->uuid);

	free(message->text);
	message->text = mem_text(steer->text);
	message->attempt = steer->attempt;
	message->state = MESSAGE_CLAIMED;
}

void core_text(const char *uuid, unsigned attempt, const char *text)
{
	harness_on_loop(set_text, &(struct steer){ .uuid = uuid, .attempt = attempt, .text = text });
}

static void copy_seen(void *data)
{
	*(struct seen *)data = test.seen;
}

struct seen core_seen(void)
{
	struct seen seen;

	harness_on_loop(copy_seen, &seen);
	return seen;
}

size_t core_wait_incoming(size_t count)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (__atomic_load_n(&test.seen.incoming, __ATOMIC_SEQ_CST) < count && clock_mono_ms() < end)
		poll(NULL, 0, 1);
	return core_seen().incoming;
}

static void set_answer(void *data)
{
	struct steer *steer = data;

	free(test.answer);
	free(test.tools);
	test.answer = mem_text(steer->text);
	test.tools = mem_text(steer->tools);
}

void core_answer_with(const char *text, const char *tools)
{
	harness_on_loop(set_answer, &(struct steer){ .text = text, .tools = tools });
}

static void count_calls(void *data)
{
	*(size_t *)data = HASH_COUNT(test.api->calls);
}

void core_calls(size_t expected)
{
	uint64_t end = clock_mono_ms() + 5000;
	size_t count;

	do {
		harness_on_loop(count_calls, &count);
		if (count == expected)
			return;
		poll(NULL, 0, 1);
	} while (clock_mono_ms() < end);
	fprintf(stderr, "%zu requests are known, %zu were expected\n", count, expected);
	abort();
}

struct loop *harness_loop(void)
{
	return test.loop;
}

int harness_port(void)
{
	return test.port;
}

const char *harness_path(void)
{
	return test.path;
}

/* ---- the server's thread ------------------------------------------------------------------------------- */

static void *serve(void *data)
{
	struct settings *settings = settings_create(api_platform.settings, "api", "test");
	struct err err = { 0 };

	(void)data;
	if (test.setting)
		must(settings_put(settings, test.setting, test.value, "test", &err), &err);
	must(settings_finish(settings, &err), &err);
	test.io = io_create(&err);
	must(test.io != NULL, &err);
	test.loop = io_loop(test.io);
	test.web = web_create(test.io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	must(test.web != NULL, &err);
	snprintf(test.path, sizeof(test.path), "/tmp/usher-api-test-%d.sock", (int)getpid());
	test.control = web_create(test.io, &(struct web_options){ .path = test.path }, &err);
	must(test.control != NULL, &err);
	test.port = web_port(test.web);
	test.host = (struct platform_host){ .loop = test.loop,
					    .io = test.io,
					    .web = test.web,
					    .incoming = host_incoming,
					    .sent = host_sent,
					    .look = host_look,
					    .link = host_link,
					    .stopped = host_stopped };
	test.api = api_platform.create(&test.host, settings, &err);
	settings_destroy(settings);
	api_use(test.api, (struct store *)&test, test.control, "operator");
	api_use_tools(test.api, (struct toolbox){ .open = open_nothing }, NULL);
	if (test.uploads[0])
		api_use_imports(test.api, &(struct api_imports){ .folder = test.uploads, .max = 1 << 20 });
	must(api_platform.start(test.api, &err), &err);
	sem_post(&test.ready);
	io_run(test.io);
	api_platform.destroy(test.api);
	web_destroy(test.control);
	web_destroy(test.web);
	io_destroy(test.io);
	return NULL;
}

static int setup(void)
{
	for (int i = 0; i < USERS; i++)
		apikey_make(users[i].key, users[i].key_id, users[i].hash);
	sem_init(&test.ready, 0, 0);
	if (pthread_create(&test.thread, NULL, serve, NULL) != 0)
		return -1;
	sem_wait(&test.ready);
	return 0;
}

int harness_setup_with(const char *setting, const char *value)
{
	memset(&test, 0, sizeof(test));
	test.setting = setting;
	test.value = value;
	return setup();
}

int harness_setup(void **state)
{
	(void)state;
	return harness_setup_with(NULL, NULL);
}

int harness_setup_uploads(void **state)
{
	(void)state;
	memset(&test, 0, sizeof(test));
	snprintf(test.uploads, sizeof(test.uploads), "/tmp/usher-api-test-XXXXXX");
	return mkdtemp(test.uploads) ? setup() : -1;
}

/* Nothing is fetched here: what was sent lies there still. */
static void remove_uploads(void)
{
	DIR *dir = opendir(test.uploads);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(test.uploads);
}

static void stop_loop(void *data)
{
	io_stop(data);
}

int harness_teardown(void **state)
{
	(void)state;
	loop_post(test.loop, stop_loop, test.io);
	pthread_join(test.thread, NULL);
	for (size_t i = 0; i < test.count; i++) {
		free(test.messages[i].reason);
		free(test.messages[i].text);
		free(test.messages[i].tools);
	}
	free(test.answer);
	free(test.tools);
	store_forget();
	sem_destroy(&test.ready);
	unlink(test.path);
	if (test.uploads[0])
		remove_uploads();
	return 0;
}
