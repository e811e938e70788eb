/* The store's half of the tests of the chat endpoint: four people, three conversations. */
#include "buf.h"
#include "harness.h"
#include "loop.h"
#include "mem.h"
#include "store_audit.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	char last[1024];
	char *next;
	enum err_kind fails;
	const char *fails_at;
	bool unrecorded;
} answers;

struct question {
	store_key_fn *key;
	store_json_fn *json;
	void *owner;
	uint64_t ticket;
	const struct test_user *user;
	char *answer;
	enum err_kind kind;
};

static void answer_question(void *data)
{
	struct question *question = data;
	struct err err = { .kind = question->kind, .text = "the store says no" };

	if (question->key) {
		const struct test_user *user = question->user;
		struct store_key key = { 0 };

		if (user)
			key = (struct store_key){ .key_id = user->key_id,
						  .user_id = user->id,
						  .speaker = { .profile_id = user->profile,
							       .display_name = user->name,
							       .active = !user->disabled } };
		question->key(question->owner, question->ticket, &err, user ? &key : NULL);
	} else {
		question->json(question->owner, question->ticket, &err, question->answer);
	}
	free(question->answer);
	free(question);
}

static void ask(struct question given)
{
	struct question *question = mem_copy(&given, sizeof(given));

	if (answers.fails)
		question->kind = answers.fails;
	loop_post(harness_loop(), answer_question, question);
}

void store_key(struct store *store, const char *hash, store_key_fn *fn, void *owner, uint64_t ticket)
{
	const struct test_user *user = NULL;

	(void)store;
	for (int i = 0; i < USERS; i++)
		if (!users[i].revoked && strcmp(users[i].hash, hash) == 0)
			user = &users[i];
	ask((struct question){ .key = fn,
			       .owner = owner,
			       .ticket = ticket,
			       .user = user,
			       .kind = user ? ERR_NONE : ERR_GONE });
}

void store_user(struct store *store, const char *username, store_key_fn *fn, void *owner, uint64_t ticket)
{
	bool known = strcmp(username, "operator") == 0;

	(void)store;
	ask((struct question){ .key = fn,
			       .owner = owner,
			       .ticket = ticket,
			       .user = known ? &users[ANN] : NULL,
			       .kind = known ? ERR_NONE : ERR_GONE });
}

struct called {
	store_done_fn *fn;
	void *owner;
};

static void note(const char *name, const char *const *args, size_t count)
{
	struct buf line = { 0 };

	buf_format(&line, "%s(", name);
	for (size_t i = 0; i < count; i++)
		buf_format(&line, "%s%s", i ? "," : "", args[i] ? args[i] : "NULL");
	buf_text(&line, ")");
	snprintf(answers.last, sizeof(answers.last), "%s", buf_str(&line));
	buf_free(&line);
}

/* Which of the arguments is a conversation's owner, and does it own it? */
static bool owned(const char *place, const char *profile)
{
	bool ann = strcmp(profile, users[ANN].profile) == 0, bob = strcmp(profile, users[BOB].profile) == 0;

	if (strcmp(place, "789") == 0 || strcmp(place, "790") == 0 || strcmp(place, UUID_789) == 0)
		return ann;
	return bob && (strcmp(place, "900") == 0 || strcmp(place, UUID_900) == 0);
}

static void answer_json(const char *fallback, bool fine, store_json_fn *fn, void *owner, uint64_t ticket)
{
	ask((struct question){ .json = fn,
			       .owner = owner,
			       .ticket = ticket,
			       .answer = mem_text(answers.next ? answers.next : fallback),
			       .kind = fine ? ERR_NONE : ERR_GONE });
}

void store_report(struct store *store, const char *name, const char *const *args, size_t count,
		  store_json_fn *fn, void *owner, uint64_t ticket)
{
	(void)store;
	note(name, args, count);
	if (answers.fails_at && strcmp(name, answers.fails_at) == 0)
		ask((struct question){ .json = fn, .owner = owner, .ticket = ticket, .kind = ERR_AGAIN });
	else if (strcmp(name, "conversation") == 0)
		answer_json(strcmp(args[1], users[ANN].profile) == 0
				    ? "{\"conversation_id\":789,\"conversation_uuid\":\"" UUID_789 "\"}"
				    : "{\"conversation_id\":900,\"conversation_uuid\":\"" UUID_900 "\"}",
			    owned(args[0], args[1]), fn, owner, ticket);
	else if (strcmp(name, "messages") == 0)
		answer_json("[]", owned(args[0], args[1]), fn, owner, ticket);
	else
		answer_json("[]", true, fn, owner, ticket);
}

void store_act(struct store *store, const char *name, const char *const *args, size_t count,
	       store_json_fn *fn, void *owner, uint64_t ticket)
{
	(void)store;
	note(name, args, count);
	answer_json("{}", owned(args[0], args[1]), fn, owner, ticket);
}

static void called_done(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	const struct called *called = owner;

	(void)json;
	called->fn(called->owner, ticket, err);
	free(owner);
}

void store_called(struct store *store, const struct store_called *row, store_done_fn *fn, void *owner,
		  uint64_t ticket)
{
	struct called called = { .fn = fn, .owner = owner };

	(void)store;
	note("called",
	     (const char *const[]){ row->profile_id, row->key_id, row->tool, row->class, row->arguments,
				    row->result, row->error },
	     7);
	answer_json("{}", !answers.unrecorded, called_done, mem_copy(&called, sizeof(called)), ticket);
}

const char *store_last(void)
{
	return answers.last;
}

static void set_next(void *data)
{
	free(answers.next);
	answers.next = mem_text(data);
}

void store_next(const char *json)
{
	harness_on_loop(set_next, (void *)(uintptr_t)json);
}

static void set_fails(void *data)
{
	answers.fails = *(enum err_kind *)data;
}

void store_fails(enum err_kind kind)
{
	harness_on_loop(set_fails, &kind);
}

static void set_fails_at(void *data)
{
	answers.fails_at = data;
}

void store_fails_at(const char *name)
{
	harness_on_loop(set_fails_at, (void *)(uintptr_t)name);
}

static void set_unrecorded(void *data)
{
	(void)data;
	answers.unrecorded = true;
}

void store_unrecorded(void)
{
	harness_on_loop(set_unrecorded, NULL);
}

void store_forget(void)
{
	free(answers.next);
	memset(&answers, 0, sizeof(answers));
}
