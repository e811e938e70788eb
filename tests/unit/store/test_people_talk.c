/* What people and programs see of conversations, messages, costs and dead letters, and what they must not
 * see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "people_stage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T(SECOND)    "'2026-03-01T10:00:" SECOND ".000Z'"
#define UUID(END_OF) "'00000000-0000-7000-8000-0000000000" END_OF "'"

/* Alice asked once, with a tool call in between, and once more without an answer yet; Bob has one
 * conversation. */
static const char
	world[] =
		"INSERT INTO user_profiles (id, org_id, display_name) VALUES ('" ALICE "', '" ORG
		"', 'Alice'), ('" BOB "', '" ORG "', 'Bob');"
		"INSERT INTO \"LLMConversation\" (id, uuid, \"userId\", \"userCompanyId\", title, "
		"\"sessionId\","
		" \"conversationSource\", installation) VALUES"
		" (1, " UUID(
			"c1") ", '" ALICE "', '" ORG "', 'Shopping', 'room', 'webhook', 'crm'),"
			      " (2, " UUID(
				      "c2") ", '" BOB "', '" ORG "', 'Secrets', 'cellar', 'webhook', 'crm'),"
					    " (3, " UUID(
						    "c3") ", '" ALICE "', '" ORG
							  "', 'Old', 'attic', 'webhook', 'crm');"
							  "INSERT INTO \"LLMTask\" (id, status, "
							  "\"llmConversationId\", \"startedAt\", "
							  "\"finishedAt\", model, \"costMicros\")"
							  " VALUES (1, 'succeeded', 1, " T("01") ", " T("04") ", 'm-1', 1234567), (2, 'running', 1, " T(
								  "10") ", NULL, NULL, NULL);"
									"INSERT INTO "
									"\"LLMConversationMessage\" (id, "
									"\"llmConversationId\", uuid, "
									"\"answerUuid\", \"userId\", "
									"\"userPrompt\","
									" \"llmParsedOutput\", \"promptAt\", "
									"\"answeredAt\", \"llmTaskId\") "
									"VALUES"
									" (1, 1, " UUID("a1") ", " UUID("a2") ", '" ALICE "', 'add milk', 'Milk is on the list.', " T(
										"01") ", " T("05") ", 1),"
												   " (2, "
												   "1, " UUID("a3") ", " UUID("a4") ", '" ALICE "', 'and bread', NULL, " T(
													   "1"
													   "0") ", NULL, 2),"
														" (3, 2, " UUID("a5") ", " UUID(
															"a6") ", '" BOB
															      "', 'hush', NULL, " T("01") ", NULL, NULL);"
																			  "INSERT INTO \"LLMTaskStep\" (\"llmTaskId\", n, kind, round, \"callId\", tool, payload, \"createdAt\") VALUES"
																			  " (1, 1, 'reply', 1, NULL, NULL, '{\"text\":\"\",\"tool_calls\":[{\"id\":\"c\\\"1\",\"name\":\"add_task\"}]}', " T("02") "),"
																																		   " (1, 2, 'intent', 1, 'c\"1', 'add_task', '{\"title\":\"milk\"}', '2026-03-01T10:00:02.500Z'),"
																																		   " (1, 3, 'result', 1, 'c\"1', 'add_task', '{\"task_id\":1}', " T("03") ");"
																																											  "INSERT INTO inbox (id, uuid, org_id, platform, installation, delivery_key, sender, profile_id, \"llmConversationId\","
																																											  " body, state, turn_id, received_at, finished_at) VALUES"
																																											  " (1, " UUID(
																																												  "e1") ", '" ORG
																																													"', 'webhook', 'crm', 'd1', 'alice', '" ALICE "', 1, 'add milk', 'answered', 1, " T("00") ", " T("05") "),"
																																																									       " (2, " UUID(
																																																										       "e2") ", '" ORG
																																																											     "', 'webhook', 'crm', 'd2', 'alice', '" ALICE "', 1, 'and bread', 'claimed', 2, " T("10") ", NULL);"
																																																																						       "INSERT INTO inbox (id, uuid, org_id, platform, installation, delivery_key, sender, body, state, reason, attempts,"
																																																																						       " received_at, finished_at) VALUES (3, " UUID("e3") ", '" ORG
																																																																													   "', 'webhook', 'crm', 'd3', 'bob', 'boom',"
																																																																													   " 'quarantined', 'crashed', 3, " T("11") ", " T(
																																																																														   "12") ");"
																																																																															 "INSERT INTO outbox (id, uuid, org_id, \"llmConversationId\", turn_id, platform, installation, reply_to, body, state,"
																																																																															 " reason, attempts, expires_at, created_at, sent_at) VALUES"
																																																																															 " (1, " UUID("f1") ", '" ORG "', 1, 1, 'webhook', 'crm', 'https://crm', 'Milk is on the list.', 'sent', NULL, 1, " T(
																																																																																 "59") ", " T("05") ", " T("06") "),"
																																																																																				 " (2, " UUID(
																																																																																					 "f2") ", '" ORG "', 1, 1, 'webhook', 'crm', 'https://crm', 'Late.', 'expired', 'no answer', 9, " T("59") ", " T("05") ", NULL);"
																																																																																																			       "INSERT INTO ai_agent_interactions (org_id, user_id, agent_name, interaction_type, provider, model_used, platform,"
																																																																																																			       " tokens_used, input_tokens, output_tokens, cost_micros, cost_usd, latency_ms, success, error_message, created_at,"
																																																																																																			       " \"llmTaskId\") VALUES"
																																																																																																			       " ('" ORG
																																																																																																			       "', '" ALICE
																																																																																																			       "', 'assistant', 'chat', 'openai', 'm-1', 'webhook', 30, 20, 10, 1234567, '1.234567', 900, 1,"
																																																																																																			       " NULL, " T(
																																																																																																				       "04") ", 1),"
																																																																																																					     " ('" ORG
																																																																																																					     "', '" ALICE
																																																																																																					     "', 'assistant', 'chat', 'openai', 'm-1', 'webhook', 30, 20, 10, NULL, NULL, 900, 1, NULL, " T("03") ", 1),"
																																																																																																																		  " ('" ORG
																																																																																																																		  "', '" BOB
																																																																																																																		  "', 'assistant', 'chat', 'spare', 'm-2', 'api', NULL, NULL, NULL, 1, '0.000001', 100, 0,"
																																																																																																																		  " 'timeout', '2026-03-02T00:00:00.000Z', NULL);";

static int world_open(void **state)
{
	if (stage_open(state) != 0)
		return -1;
	stage_script(world);
	return 0;
}

/* Nobody may learn of other people's conversations, not even that they exist. */
static void conversations_are_ones_own(void **state)
{
	char theirs[300];
	json_t *rows;

	(void)state;
	rows = stage_report("conversations", ALICE, END);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(stage_at(rows, 0, "title"), "Old"); /* newest first */
	assert_string_equal(stage_at(rows, 1, "title"), "Shopping");
	assert_int_equal(json_array_size(stage_report("conversations", NULL, END)), 3);
	assert_null(stage_report("conversation", "2", ALICE, END));
	snprintf(theirs, sizeof(theirs), "%s", stage_err.text);
	assert_null(stage_report("conversation", "9", ALICE, END));
	assert_int_equal(stage_err.kind, ERR_GONE);
	theirs[strlen(theirs) - 1] = '9';
	assert_string_equal(stage_err.text, theirs);
	assert_null(stage_report("messages", "2", ALICE, END));
	stage_refused(ERR_GONE, "no conversation");
	assert_null(stage_act("conversation_rename", "2", ALICE, "Mine", END));
	stage_refused(ERR_GONE, "no conversation");
	assert_null(stage_act("conversation_archive", "00000000-0000-7000-8000-0000000000c2", ALICE, END));
	stage_refused(ERR_GONE, "no conversation");
	assert_null(stage_report("explain", "3", ALICE, END));
	stage_refused(ERR_GONE, "no message");
	assert_string_equal(json_text(stage_report("conversation", "2", BOB, END), "title"), "Secrets");
}

static void conversations_come_in_pages(void **state)
{
	json_t *rows;

	(void)state;
	rows = stage_report("conversations", NULL, NULL, "2", END);
	assert_int_equal(json_array_size(rows), 2);
	rows = stage_report("conversations", NULL, NULL, "2", "2", END);
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(json_int(json_array_get(rows, 0), "conversation_id", 0), 1);
	assert_int_equal(json_array_size(stage_report("conversations", ALICE, "archived", END)), 0);
	assert_non_null(stage_act("conversation_archive", "3", ALICE, END));
	assert_int_equal(json_array_size(stage_report("conversations", ALICE, "archived", END)), 1);
}

/* A program that reads a conversation back needs roles, tool calls as JSON, and an order it can rely on. */
static void messages_have_roles_and_order(void **state)
{
	static const char *const roles[] = { "user", "assistant", "tool", "assistant", "user" };
	const json_t *tool;
	json_t *rows;

	(void)state;
	rows = stage_report("messages", "00000000-0000-7000-8000-0000000000C1", ALICE,
			    END); /* by uuid, any case */
	assert_int_equal(json_array_size(rows), 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(stage_at(rows, i, "role"), roles[i]);
		assert_true(i == 0 ||
			    strcmp(stage_at(rows, i - 1, "timestamp"), stage_at(rows, i, "timestamp")) < 0);
		assert_true(i == 0 || json_int(json_array_get(rows, i - 1), "id", 0) <
					      json_int(json_array_get(rows, i), "id", 0));
		assert_true(stage_at(rows, i, "content")[0] != '\0');
	}
	tool = json_array_get(json_object_get(json_array_get(rows, 1), "tool_calls"), 0);
	assert_string_equal(json_text(tool, "name"), "add_task");
	tool = json_array_get(json_object_get(json_array_get(rows, 2), "tool_responses"), 0);
	assert_string_equal(json_text(tool, "call_id"), "c\"1");
	assert_int_equal(json_int(json_object_get(tool, "result"), "task_id", 0), 1);
	assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "tool_calls")));
}

static void messages_come_by_role_and_time(void **state)
{
	json_t *rows;

	(void)state;
	assert_int_equal(json_array_size(stage_report("messages", "1", ALICE, "user", END)), 2);
	rows = stage_report("messages", "1", ALICE, NULL, "2026-03-01T10:00:03.000Z", NULL, "1", END);
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(stage_at(rows, 0, "content"), "Milk is on the list.");
	rows = stage_report("messages", "1", ALICE, NULL, NULL, "2026-03-01T10:00:05.000Z", "2", END);
	assert_int_equal(json_array_size(rows), 2); /* the last two before, oldest first */
	assert_string_equal(stage_at(rows, 0, "role"), "assistant");
	assert_string_equal(stage_at(rows, 1, "role"), "tool");
}

/* Answers of a megabyte each: the reader is told to ask for less, memory stays bounded, and no page ends
 * unseen. */
static void too_much_for_one_answer(void **state)
{
	(void)state;
	stage_script("WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 29)"
		     " INSERT INTO \"LLMConversationMessage\" (id, \"llmConversationId\", \"userPrompt\", "
		     "\"promptAt\")"
		     " SELECT i, 3, hex(zeroblob(500000)), '2026-03-01T11:00:' || i || '.000Z' FROM n");
	assert_null(stage_report("messages", "3", ALICE, END));
	stage_refused(ERR_REFUSED, "ask for less");
	assert_int_equal(json_array_size(stage_report("messages", "3", ALICE, NULL, NULL, NULL, "15", END)),
			 15);
}

/* Two active conversations at one place would make the next message ambiguous. */
static void archiving_and_taking_out_again(void **state)
{
	(void)state;
	assert_string_equal(
		json_text(stage_act("conversation_rename", "1", ALICE, "Groceries", END), "title"),
		"Groceries");
	assert_null(stage_act("conversation_rename", "1", ALICE, " ", END));
	stage_refused(ERR_REFUSED, "title");
	assert_string_equal(json_text(stage_act("conversation_archive", "1", ALICE, END), "state"),
			    "archived");
	assert_string_equal(json_text(stage_act("conversation_archive", "1", ALICE, END), "state"),
			    "archived");
	assert_string_equal(json_text(stage_act("conversation_unarchive", "1", ALICE, END), "state"),
			    "active");
	stage_act("conversation_archive", "1", NULL, END);
	stage_script("INSERT INTO \"LLMConversation\" (\"userId\", \"userCompanyId\", \"sessionId\", "
		     "\"conversationSource\","
		     " installation) VALUES ('" ALICE "', '" ORG "', 'room', 'webhook', 'crm')");
	assert_null(stage_act("conversation_unarchive", "1", ALICE, END));
	stage_refused(ERR_REFUSED, "archive that one first");
	assert_string_equal(json_text(stage_report("conversation", "1", ALICE, END), "state"), "archived");
}

/* "Why did nobody answer?": the operator sees every step of a message in one place. */
static void a_message_is_explained(void **state)
{
	static const char *const whats[] = { "accepted",
					     "turn 1 begun",
					     "model asks for tools",
					     "tool add_task called",
					     "tool add_task answered",
					     "model m-1 answered in 900 ms",
					     "model m-1 answered in 900 ms",
					     "answered",
					     "reply r1 stored",
					     "reply r2 stored",
					     "reply r1 delivered" };
	const json_t *timeline;
	json_t *all;

	(void)state;
	all = stage_report("explain", "00000000-0000-7000-8000-0000000000e1", END);
	assert_non_null(all);
	assert_string_equal(json_text(json_object_get(all, "message"), "state"), "answered");
	assert_string_equal(json_text(json_object_get(all, "task"), "cost_usd"), "1.234567");
	assert_int_equal(json_array_size(json_object_get(all, "steps")), 3);
	assert_int_equal(json_array_size(json_object_get(all, "attempts")), 2);
	assert_int_equal(json_array_size(json_object_get(all, "replies")), 2);
	timeline = json_object_get(all, "timeline");
	assert_int_equal(json_array_size(timeline), 11);
	for (size_t i = 0; i < 11; i++)
		assert_string_equal(json_text(json_array_get(timeline, i), "what"), whats[i]);
	assert_non_null(stage_report("explain", "1", ALICE, END));
	assert_true(json_is_null(json_object_get(stage_report("explain", "3", END), "turn")));
}

/* What is not known must not look like nothing. */
static void usage_counts_unknown_costs(void **state)
{
	json_t *rows;

	(void)state;
	rows = stage_report("usage", "model", END);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(stage_at(rows, 0, "model"), "openai/m-1");
	assert_string_equal(stage_at(rows, 0, "cost_usd"), "1.234567");
	assert_int_equal(json_int(json_array_get(rows, 0), "unknown_cost", 0), 1);
	assert_int_equal(json_int(json_array_get(rows, 0), "tokens", 0), 60);
	assert_string_equal(stage_at(rows, 1, "cost_usd"), "0.000001");
	assert_int_equal(json_int(json_array_get(rows, 1), "failures", 0), 1);
	assert_int_equal(json_array_size(stage_report("usage", "day", END)), 2);
	assert_int_equal(json_array_size(stage_report("usage", "day", "2026-03-02", END)), 1);
	assert_int_equal(json_array_size(stage_report("usage", "platform", NULL, "2026-03-02", END)), 1);
	rows = stage_report("usage", "user", NULL, NULL, ALICE, END);
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(stage_at(rows, 0, "username"), "Alice");
	rows = stage_report("interactions", NULL, NULL, "2", END);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(stage_at(rows, 0, "error_message"), "timeout");
	assert_true(json_is_false(json_object_get(json_array_get(rows, 0), "success")));
	assert_int_equal(json_array_size(stage_report("interactions", BOB, END)), 1);
}

/* Nothing that failed may vanish from the operator's sight before they decided about it. */
static void dead_letters_wait_for_the_operator(void **state)
{
	json_t *rows;

	(void)state;
	rows = stage_report("dead_letters", END);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(stage_at(rows, 0, "id"), "r2");
	assert_string_equal(stage_at(rows, 1, "id"), "m3");
	assert_null(stage_act("dead_letter_retry", "r1", END));
	stage_refused(ERR_REFUSED, "it is sent");
	assert_null(stage_act("dead_letter_retry", "m1", END));
	stage_refused(ERR_REFUSED, "it is answered");
	assert_null(stage_act("dead_letter_retry", "r77", END));
	stage_refused(ERR_GONE, "r77");
	assert_null(stage_act("dead_letter_drop", "nonsense", END));
	stage_refused(ERR_GONE, "nonsense");
	assert_string_equal(
		json_text(stage_act("dead_letter_retry", "00000000-0000-7000-8000-0000000000f2", END),
			  "state"),
		"pending");
	assert_string_equal(json_text(stage_act("dead_letter_retry", "m3", END), "state"), "accepted");
	assert_int_equal(json_array_size(stage_report("dead_letters", END)), 0);
	rows = stage_report("status", END);
	assert_int_equal(json_int(rows, "messages_accepted", -1), 1);
	assert_int_equal(json_int(rows, "messages_claimed", -1), 1);
	assert_int_equal(json_int(rows, "replies_pending", -1), 1);
	rows = stage_report("explain", "3", END);
	assert_int_equal(json_int(json_object_get(rows, "message"), "attempts", -1), 0);
}

static void dead_letters_are_dropped(void **state)
{
	(void)state;
	assert_non_null(stage_act("dead_letter_drop", "r2", END));
	assert_non_null(stage_act("dead_letter_drop", "m3", END));
	assert_int_equal(json_array_size(stage_report("dead_letters", END)), 0);
	assert_null(stage_act("dead_letter_retry", "m3", END));
	stage_refused(ERR_REFUSED, "it is dropped");
	assert_null(stage_act("dead_letter_drop", "r2", END));
	stage_refused(ERR_REFUSED, "it is cancelled");
}

/* A tool call that is repeated after a crash must neither add milk twice nor fail where it had succeeded. */
static void a_task_is_changed_once(void **state)
{
	json_t *done;
	char id[24];

	(void)state;
	done = stage_act("task_add", ORG, ALICE, "buy groceries", NULL, "key-1", END);
	assert_string_equal(json_text(done, "status"), "created");
	snprintf(id, sizeof(id), "%d", (int)json_int(done, "task_id", 0));
	done = stage_act("task_add", ORG, ALICE, "buy groceries", NULL, "key-1", END);
	assert_int_equal(json_int(done, "task_id", 0), strtol(id, NULL, 10));
	assert_int_equal(json_array_size(stage_report("task_list", ORG, ALICE, END)), 1);
	assert_string_equal(
		json_text(stage_act("task_update", ORG, ALICE, id, NULL, "at the market", "key-2", END),
			  "status"),
		"updated");
	assert_string_equal(stage_at(stage_report("task_list", ORG, ALICE, "pending", END), 0, "description"),
			    "at the market");
	assert_string_equal(json_text(stage_act("task_complete", ORG, ALICE, id, "key-3", END), "status"),
			    "completed");
	assert_int_equal(json_array_size(stage_report("task_list", ORG, ALICE, "pending", END)), 0);
	assert_int_equal(json_array_size(stage_report("task_list", ORG, ALICE, "completed", END)), 1);
	assert_string_equal(json_text(stage_act("task_delete", ORG, ALICE, id, "key-4", END), "status"),
			    "deleted");
	assert_string_equal(json_text(stage_act("task_delete", ORG, ALICE, id, "key-4", END), "status"),
			    "deleted");
	assert_null(stage_act("task_delete", ORG, ALICE, id, "key-5", END));
	stage_refused(ERR_GONE, "no such task");
}

/* Another person's list is out of reach by number, by call key and by organisation. */
static void tasks_are_ones_own(void **state)
{
	(void)state;
	assert_non_null(stage_act("task_add", ORG, ALICE, "secret", NULL, "key-1", END));
	assert_int_equal(json_array_size(stage_report("task_list", ORG, BOB, END)), 0);
	assert_null(stage_act("task_complete", ORG, BOB, "1", "key-2", END));
	stage_refused(ERR_GONE, "no such task");
	assert_null(stage_act("task_delete", "another-organisation", ALICE, "1", "key-3", END));
	stage_refused(ERR_GONE, "no such task");
	assert_null(stage_act("task_add", ORG, BOB, "mine", NULL, "key-1", END));
	assert_int_equal(stage_err.kind, ERR_REFUSED);
	assert_null(stage_act("task_add", ORG, ALICE, NULL, NULL, NULL, END));
	stage_refused(ERR_REFUSED, "title is missing");
	assert_null(stage_act("task_update", ORG, ALICE, "1", END));
	stage_refused(ERR_REFUSED, "new title or description");
	assert_null(stage_act("task_complete", ORG, ALICE, "-1", END));
	stage_refused(ERR_REFUSED, "task_id: a whole number");
	assert_int_equal(json_array_size(stage_report("task_list", ORG, ALICE, "pending", END)), 1);
}

int main(void)
{
#define IN_WORLD(TEST) cmocka_unit_test_setup_teardown(TEST, world_open, stage_close)
	const struct CMUnitTest tests[] = {
		IN_WORLD(conversations_are_ones_own),
		IN_WORLD(conversations_come_in_pages),
		IN_WORLD(messages_have_roles_and_order),
		IN_WORLD(messages_come_by_role_and_time),
		IN_WORLD(too_much_for_one_answer),
		IN_WORLD(archiving_and_taking_out_again),
		IN_WORLD(a_message_is_explained),
		IN_WORLD(usage_counts_unknown_costs),
		IN_WORLD(dead_letters_wait_for_the_operator),
		IN_WORLD(dead_letters_are_dropped),
		IN_WORLD(a_task_is_changed_once),
		IN_WORLD(tasks_are_ones_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
