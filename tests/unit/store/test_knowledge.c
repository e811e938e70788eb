/* What files say is found by whoever may see it, in every script, and by nobody else. */
#include "asking.h"
#include "buf.h"
#include "clock.h"
#include "fold.h"
#include "store_imports.h"
#include "store_people.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	asking_know(a, "bob");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

static void end(struct asking *a, const struct err *err)
{
	a->err = *err;
	if (--a->waiting == 0)
		io_stop(a->io);
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	(void)ticket;
	end(owner, err);
}

static void on_text(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct asking *a = owner;

	(void)ticket;
	a->got = json ? (void *)(uintptr_t)arena_text(a->room, json) : NULL;
	end(a, err);
}

static void on_import(void *owner, uint64_t ticket, const struct err *err, const struct store_import *import)
{
	struct asking *a = owner;

	(void)ticket;
	a->got = arena_alloc(a->room, sizeof(int64_t));
	*(int64_t *)a->got = import->id;
	end(a, err);
}

/* A file of this person in this place that says this, read to its end. Its number. */
static int64_t file(struct asking *a, const char *who, const char *place, const char *name,
		    const char *chunks)
{
	const struct message_file came = { .url = "F", .name = name, .size = 3 };
	struct incoming in = says(who, place, name, "see");
	char *path = mem_format("%s/chunks", a->folder);
	FILE *out = fopen(path, "w");
	int64_t id;

	fputs(chunks, out);
	fclose(out);
	in.semantic_key = name;
	in.files = &came;
	in.file_count = 1;
	ask_accept(a, &in, true);
	id = asking_int(a, "SELECT max(id) FROM \"LLMAgentImport\"");
	a->waiting += 3;
	store_import_step(
		a->store,
		&(struct store_import_step){ .id = id, .state = IMPORT_FETCHED, .sha256 = HASH, .size = 3 },
		on_done, a, 1);
	store_import_step(a->store,
			  &(struct store_import_step){ .id = id, .state = IMPORT_CHECKED, .kind = "text" },
			  on_done, a, 1);
	store_import_extracted(a->store, id, "{}", path, on_done, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	unlink(path);
	free(path);
	return id;
}

static struct store_reach reach_of(struct asking *a, const char *who, const char *place)
{
	return (struct store_reach){
		.org_id = asking_text(a, "SELECT id FROM organizations"),
		.profile_id = asking_text(a, arena_format(a->room,
							  "SELECT profile_id FROM platform_identities WHERE"
							  " external_user_id = '%s'",
							  who)),
		.conversation_id =
			place ? asking_int(a, arena_format(a->room,
							   "SELECT id FROM \"LLMConversation\" WHERE"
							   " \"sessionId\" = '%s'",
							   place))
			      : 0,
	};
}

static const char *search(struct asking *a, const char *who, const char *place, const char *words)
{
	const struct store_reach reach = reach_of(a, who, place);

	a->waiting++;
	store_knowledge_search(a->store, &reach, words, 0, 10, on_text, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	return a->got;
}

static const char *read_file(struct asking *a, const char *who, int64_t id, int64_t from, unsigned bytes)
{
	const struct store_reach reach = reach_of(a, who, NULL);

	a->waiting++;
	store_knowledge_read(a->store, &reach, id, from, bytes, on_text, a, 1);
	asking_wait(a);
	return a->got;
}

static int64_t find(struct asking *a, const char *who, int64_t id, const char *name)
{
	const struct store_reach reach = reach_of(a, who, NULL);

	a->waiting++;
	store_import_find(a->store, &reach, id, name, on_import, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	return *(const int64_t *)a->got;
}

#define FINDS(WHO, PLACE, WORDS, TEXT)	 assert_non_null(strstr(search(a, WHO, PLACE, WORDS), TEXT))
#define FINDS_NOTHING(WHO, PLACE, WORDS) assert_string_equal(search(a, WHO, PLACE, WORDS), "[]")

static const char *folded(struct asking *a, const char *text)
{
	struct buf out = { 0 };
	const char *copy;

	fold_words(&out, text, strlen(text));
	copy = arena_text(a->room, buf_str(&out));
	buf_free(&out);
	return copy;
}

static const char *query(struct asking *a, const char *text, bool any)
{
	struct buf out = { 0 };
	const char *copy =
		fold_query(&out, text, strlen(text), any) ? arena_text(a->room, buf_str(&out)) : NULL;

	buf_free(&out);
	return copy;
}

static void words_are_folded_alike(void **state)
{
	struct asking *a = *state;

	assert_string_equal(folded(a, "  Hello,  WORLD! "), "hello world ");
	assert_string_equal(folded(a, "Müller-Straße Ａ１"), "muller strasse a1");
	assert_string_equal(folded(a, "東京都 iPhone版"), "東 京 都 iphone 版");
	assert_string_equal(folded(a, "한국어 ガ"), "한국어 ガ");
	assert_string_equal(folded(a, "กิน"), "กิ น");
	assert_string_equal(folded(a, "हिन्दी"), "हिन्दी");
	assert_string_equal(query(a, "red \"OR\" car*", false), "\"red\" AND \"or\" AND \"car\"*");
	assert_string_equal(query(a, "NEAR(x y) a:b", true), "\"near\" OR \"x\" OR \"y\" OR \"a\" OR \"b\"");
	assert_string_equal(query(a, "東京 版x", false), "\"東 京\" AND \"版\" AND \"x\"");
	assert_null(query(a, " \"'*() ", false));
}

static void words_are_found(void **state)
{
	struct asking *a = *state;

	file(a, "ann", "room", "one.txt",
	     "{\"place\":\"page 1\",\"text\":\"The Müller invoice is for 1200 euros\"}\n"
	     "{\"place\":\"page 2\",\"text\":\"東京都の請求書です\"}\n"
	     "{\"place\":\"page 3\",\"text\":\"Deliveries: shelves, chairs\"}\n");
	FINDS("ann", NULL, "muller INVOICE", "\"place\":\"page 1\"");
	FINDS("ann", NULL, "invoi", "page 1");	      /* a beginning */
	FINDS("ann", NULL, "京都の", "page 2");	      /* within a run without spaces */
	FINDS_NOTHING("ann", NULL, "都京");	      /* but not in another order */
	FINDS("ann", NULL, "chairs euros", "page 1"); /* no piece has both */
	FINDS("ann", NULL, "chairs euros", "page 3");
	FINDS_NOTHING("ann", NULL, "\" OR 1");
	FINDS_NOTHING("ann", NULL, "***");
	FINDS("ann", NULL, "words:invoice NOT", "page 1"); /* words, not syntax */
}

/* Nobody finds or reads what is not theirs, whatever number they try. */
static void nobody_reaches_beyond(void **state)
{
	struct asking *a = *state;
	int64_t id = file(a, "ann", "room", "one.txt", "{\"place\":\"p\",\"text\":\"a secret plan\"}\n");

	FINDS("ann", NULL, "secret", "one.txt");
	FINDS_NOTHING("bob", NULL, "secret");
	assert_int_equal(find(a, "bob", id, NULL), 0);
	assert_int_equal(find(a, "bob", 0, "one.txt"), 0);
	read_file(a, "bob", id, 0, 1000);
	assert_int_equal(a->err.kind, ERR_GONE);
	FINDS("bob", "room", "secret", "one.txt"); /* both speak there */
	assert_int_equal(find(a, "ann", 0, "ONE.txt"), id);
	asking_sql(a, "UPDATE \"LLMAgentImport\" SET scope = 'conversation'");
	FINDS_NOTHING("ann", NULL, "secret");
	asking_sql(a, "UPDATE \"LLMAgentImport\" SET scope = 'organization'");
	FINDS("bob", NULL, "secret", "one.txt");
	asking_sql(a, "UPDATE \"LLMAgentImport\" SET scope = 'person'; UPDATE user_profiles SET role = "
		      "'operator' WHERE id"
		      " = (SELECT profile_id FROM platform_identities WHERE external_user_id = 'bob')");
	FINDS("bob", NULL, "secret", "one.txt");
	asking_sql(a, "UPDATE user_profiles SET status = 'disabled'");
	FINDS_NOTHING("bob", NULL, "secret");
	asking_sql(a, "INSERT INTO organizations (id, name) VALUES ('00000000-0000-7000-8000-00000000000f', "
		      "'other');"
		      "UPDATE user_profiles SET status = 'active', org_id = "
		      "'00000000-0000-7000-8000-00000000000f' WHERE id"
		      " = (SELECT profile_id FROM platform_identities WHERE external_user_id = 'bob')");
	FINDS_NOTHING("bob", "room", "secret");
}

static void a_file_is_read_in_pieces(void **state)
{
	struct asking *a = *state;
	int64_t id = file(a, "ann", "room", "one.txt",
			  "{\"place\":\"1\",\"text\":\"first\"}\n{\"place\":\"2\",\"text\":\"second\"}\n"
			  "{\"place\":\"3\",\"text\":\"third\"}");

	assert_string_equal(read_file(a, "ann", id, 0, 12),
			    "{\"pieces\":[{\"ord\":0,\"place\":\"1\",\"text\":\"first\"},"
			    "{\"ord\":1,\"place\":\"2\",\"text\":\"second\"}],\"next\":2,\"of\":3}");
	assert_string_equal(
		read_file(a, "ann", id, 2, 1),
		"{\"pieces\":[{\"ord\":2,\"place\":\"3\",\"text\":\"third\"}],\"next\":null,\"of\":3}");
}

/* ---- operators, the target ---------------------------------------------------------------------------------- */

static const char *act(struct asking *a, const char *name, const char *id, const char *profile)
{
	return ask_act(a, name, (const char *const[]){ id, profile }, 2);
}

static const char *report(struct asking *a, const char *name, const char *const *args, size_t count)
{
	const char *answer = ask_report(a, name, args, count);

	assert_int_equal(a->err.kind, ERR_NONE);
	return answer;
}

static void operators_see_cancel_repeat_and_delete(void **state)
{
	struct asking *a = *state;
	const char *ann = reach_of(a, "ann", NULL).profile_id, *bob = reach_of(a, "bob", NULL).profile_id;
	const struct store_turn *turn;
	int64_t id = file(a, "ann", "room", "one.txt", "{\"place\":\"1\",\"text\":\"first\"}\n");
	const char *number = arena_format(a->room, "%d", (int)id);

	act(a, "import_retry", number, NULL);
	assert_int_equal(a->err.kind, ERR_REFUSED); /* it has not ended */
	act(a, "import_cancel", number, bob);
	assert_int_equal(a->err.kind, ERR_GONE);
	act(a, "import_cancel", number, ann);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_non_null(strstr(report(a, "import", &number, 1), "\"code\":\"cancelled\""));
	assert_non_null(
		strstr(report(a, "imports", (const char *const[]){ NULL, NULL, "failed" }, 3), "one.txt"));
	assert_string_equal(report(a, "imports", (const char *const[]){ bob }, 1), "[]");
	assert_string_equal(report(a, "imports", (const char *const[]){ ann, NULL, NULL, NULL, number }, 5),
			    "[]");
	answer_with(a, asking_int(a, "SELECT max(turn_id) FROM inbox"), "Well.", false);
	assert_non_null(strstr(act(a, "import_retry", number, NULL), "\"retry_of\""));
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(asking_text(a,
					"SELECT \"processingStatus\" || \"retryOf\" || \"inputFileName\" FROM"
					" \"LLMAgentImport\" ORDER BY id DESC LIMIT 1"),
			    "fetched1one.txt");
	turn = ask_claim(a, asking_int(a, "SELECT max(\"llmConversationId\") FROM \"LLMAgentImport\""));
	assert_string_equal(turn->text, "see");
	assert_int_equal(turn->file_count, 1);
	assert_string_equal(turn->files[0].name, "one.txt");
	act(a, "import_delete", number, NULL);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM knowledge_words"), 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMAgentImport\""), 1);
}

static void its_words_are_gone(struct asking *a)
{
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMTaskStep\" WHERE payload LIKE '%secret%'"),
			 0);
	assert_true(asking_bytes(a, "begins: secret") == 0); /* of the log, too */
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMTaskStep\" WHERE payload LIKE '%other%'"),
			 1);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE input LIKE '%secret%'"), 0);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM ai_agent_interactions WHERE interaction_type = 'erasure'"
			      " AND metadata LIKE '%\"what\":\"file\"%'"),
		2);
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM \"LLMConversationMessage\" WHERE \"llmParsedOutput\" ="
			      " 'It says this.'"),
		1); /* those were words of a conversation */
}

/* What the model was given of a file would be told to it again with the next question, and stay in the record for good. */
static void deleted_files_are_told_no_more(void **state)
{
	struct asking *a = *state;
	const int64_t id = file(a, "ann", "room", "one.txt", "{\"place\":\"1\",\"text\":\"secret\"}\n");
	const struct ai_step steps[] = {
		{ AI_STEP_REPLY, 1, NULL, NULL, false, "{\"text\":\"\",\"tool_calls\":[]}", NULL, false },
		{ AI_STEP_INTENT, 1, "a", "search_files", false, "{\"query\":\"s\"}", "read", false },
		{ AI_STEP_RESULT, 1, "a", "search_files", false,
		  arena_format(a->room, "{\"found\":[{\"import_id\":%lld,\"text\":\"secret\"}]}",
			       (long long)id),
		  "read", false },
	};
	const struct ai_step other[] = {
		steps[0],
		steps[1],
		{ AI_STEP_RESULT, 1, "a", "search_files", false,
		  arena_format(a->room, "{\"found\":[{\"import_id\":%lld1,\"text\":\"other\"}]}",
			       (long long)id),
		  "read", false },
	};
	const struct ai_attempt attempt = {
		.provider = "p", .model = "m", .input = "it begins: secret", .output = "Well."
	};
	struct incoming in = says("bob", "room", "k2", "what does it say?");
	int64_t turn = asking_int(a, "SELECT max(turn_id) FROM inbox"), running;

	ask_journal(a, turn, NULL, 0, &attempt, 1);
	answer_with(a, turn, "Well.", false);
	turn = ask_accept(a, &in, true)->turn->id;
	ask_journal(a, turn, steps, 3, &attempt, 1);
	answer_with(a, turn, "It says this.", false);
	in = says("ann", "room", "k3", "and others?");
	turn = ask_accept(a, &in, true)->turn->id;
	ask_journal(a, turn, other, 3, NULL, 0);
	answer_with(a, turn, "They say that.", false);
	in = says("bob", "elsewhere", "k4", "away with it");
	running = ask_accept(a, &in, true)->turn->id;
	ask_journal(a, running, steps, 3, NULL, 0);
	assert_true(asking_bytes(a, "secret") > 0);

	act(a, "import_delete", arena_format(a->room, "%lld", (long long)id), NULL);
	assert_int_equal(a->err.kind, ERR_NONE);
	its_words_are_gone(a);
	answer_with(a, running, "Gone.", false);
	assert_int_equal(ask_recall(a, 1, running + 1, 8)->history[3].call_count, 0);
	assert_int_equal(ask_recall(a, 1, running + 1, 8)->history[5].call_count, 1);
}

static void on_merged(void *owner, uint64_t ticket, const struct err *err, bool more)
{
	struct asking *a = owner;

	(void)ticket;
	a->got = more ? a : NULL;
	end(a, err);
}

static void merge_all(struct asking *a, unsigned most)
{
	unsigned steps = 0;

	do {
		a->waiting++;
		store_words_merge(a->store, on_merged, a, 1);
		asking_wait(a);
		assert_int_equal(a->err.kind, ERR_NONE);
	} while (a->got && ++steps < most);
	assert_in_range(steps, 1, most - 1);
}

/* What a person deleted would be read from the disk, word by word, until enough other files came. */
static void deleted_words_leave_the_disk(void **state)
{
	struct asking *a = *state;
	int64_t id = file(a, "ann", "room", "one.txt",
			  "{\"place\":\"1\",\"text\":\"quetzalcoatl4711 is here\"}\n");

	answer_with(a, asking_int(a, "SELECT max(turn_id) FROM inbox"), "Well.", false);
	for (int i = 0; i < 3; i++) {
		file(a, "ann", "room", arena_format(a->room, "%d.txt", i),
		     "{\"place\":\"1\",\"text\":\"staying\"}\n");
		answer_with(a, asking_int(a, "SELECT max(turn_id) FROM inbox"), "Well.", false);
	}
	act(a, "import_delete", arena_format(a->room, "%lld", (long long)id), NULL);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_true(asking_bytes(a, "quetzalcoatl4711") > 0); /* as the index has it */
	merge_all(a, 20);
	assert_int_equal(asking_bytes(a, "quetzalcoatl4711"), 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM knowledge_words WHERE knowledge_words MATCH "
				       "'staying'"),
			 3);
}

static char *many_pieces(struct asking *a, unsigned count)
{
	struct buf lines = { 0 };
	const char *kept;

	for (unsigned i = 0; i < count; i++)
		buf_format(&lines, "{\"place\":\"%u\",\"text\":\"quetzalcoatl %u\"}\n", i, i);
	kept = arena_text(a->room, buf_str(&lines));
	buf_free(&lines);
	return (char *)(uintptr_t)kept;
}

/* A file of a hundred thousand pieces that is deleted at once would let everybody else wait for half a minute. */
static void long_files_go_at_once_for_people_and_slowly_on_the_disk(void **state)
{
	struct asking *a = *state;
	int64_t id = file(a, "ann", "room", "long.txt", many_pieces(a, 1200));
	const char *number = arena_format(a->room, "%lld", (long long)id);
	struct incoming away = says("ann", "room", "away", "");

	answer_with(a, asking_int(a, "SELECT max(turn_id) FROM inbox"), "Well.", false);
	assert_null(strstr(search(a, "ann", "room", "quetzalcoatl"), "[]"));
	act(a, "import_delete", number, NULL);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM knowledge"), 700);
	assert_non_null(strstr(search(a, "ann", "room", "quetzalcoatl"), "[]"));
	assert_null(strstr(report(a, "imports", NULL, 0), "long.txt"));
	assert_int_equal(find(a, "ann", id, NULL), 0);
	merge_all(a, 40);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM knowledge"), 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMAgentImport\""), 0);
	assert_int_equal(asking_bytes(a, "quetzalcoatl"), 0);

	/* One whose message is taken back before it is answered: nothing of it goes on. */
	id = file(a, "ann", "room", "next.txt", many_pieces(a, 600));
	away.kind = INCOMING_DELETED;
	away.target = "next.txt";
	ask_accept(a, &away, false);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM knowledge"), 100);
	assert_string_equal(asking_text(a, "SELECT \"processingStatus\" FROM \"LLMAgentImport\""), "failed");
	merge_all(a, 40);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMAgentImport\""), 0);
}

static void on_post(void *owner, uint64_t ticket, const struct err *err, const struct store_post *post)
{
	struct asking *a = owner;
	struct store_post *copy = arena_alloc(a->room, sizeof(*copy));

	(void)ticket;
	*copy = *post;
	copy->body = arena_text(a->room, post->body);
	a->got = copy;
	end(a, err);
}

static const struct store_post *next_post(struct asking *a)
{
	a->waiting++;
	store_post_next(a->store, on_post, a, 1);
	asking_wait(a);
	return a->got;
}

static enum err_kind posted(struct asking *a, int64_t id, const char *external, const char *error,
			    int64_t due_ms)
{
	a->waiting++;
	store_post_done(a->store, id, external, error, due_ms, on_done, a, 1);
	asking_wait(a);
	return a->err.kind;
}

/* The target hears of every import that ends, once, also when it was away or we were. */
static void the_target_is_told(void **state)
{
	struct asking *a = *state;
	int64_t id = file(a, "ann", "room", "one.txt", "{\"place\":\"1\",\"text\":\"first\"}\n");
	const char *number = arena_format(a->room, "%lld", (long long)id);
	const struct store_post *post;

	assert_int_equal(next_post(a)->id, 0);
	asking_sql(a, "INSERT INTO import_target (id, since) VALUES (1, '2026')");
	answer_with(a, asking_int(a, "SELECT max(turn_id) FROM inbox"), "Well.", false);
	post = next_post(a);
	assert_int_equal(post->id, id);
	assert_int_equal(post->attempts, 1);
	assert_non_null(strstr(post->body, "\"status\":\""));
	assert_int_equal(next_post(a)->id, 0);
	asking_crash(a);
	ask_recover(a, NULL);
	assert_int_equal(next_post(a)->id, id);
	assert_int_equal(posted(a, id, NULL, "503", clock_wall_ms() + 3600000), ERR_NONE);
	post = next_post(a);
	assert_int_equal(post->id, 0);
	assert_true(post->due_ms > clock_wall_ms());
	asking_sql(a, "UPDATE \"LLMAgentImport\" SET \"commercialDueAt\" = '2026-01-01T00:00:00.000Z'");
	assert_int_equal(next_post(a)->attempts, 3);
	assert_int_equal(posted(a, id, NULL, "422", 0), ERR_NONE);
	assert_int_equal(next_post(a)->due_ms, 0);
	act(a, "import_post", number, NULL);
	assert_int_equal(a->err.kind, ERR_REFUSED); /* the next start named no target */
	asking_sql(a, "INSERT INTO import_target (id, since) VALUES (1, '2026')");
	act(a, "import_post", number, NULL);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_int_equal(next_post(a)->attempts, 1);
	act(a, "import_post", number, NULL);
	assert_int_equal(a->err.kind, ERR_REFUSED); /* it is under way */
	assert_int_equal(posted(a, id, "their-7", NULL, 0), ERR_NONE);
	act(a, "import_post", number, NULL);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_int_equal(posted(a, id, "their-8", NULL, 0), ERR_GONE);
	assert_int_equal(next_post(a)->id, 0);
	assert_string_equal(
		asking_text(a,
			    "SELECT \"commercialState\" || \"commercialImportId\" FROM \"LLMAgentImport\""),
		"donetheir-7");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(words_are_folded_alike),
		CASE(words_are_found),
		CASE(nobody_reaches_beyond),
		CASE(a_file_is_read_in_pieces),
		CASE(operators_see_cancel_repeat_and_delete),
		CASE(deleted_files_are_told_no_more),
		CASE(deleted_words_leave_the_disk),
		CASE(long_files_go_at_once_for_people_and_slowly_on_the_disk),
		CASE(the_target_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
