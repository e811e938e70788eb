/* Named ways to answer (LLMSettings): made, changed and removed by the operator, and given to an installation or a
 * conversation. What is not set in one is as the settings file says. */
#include "people.h"
#include <stdlib.h>

enum { NAME_BYTES_MAX = 100, TOOLS_MAX = 200 };

static json_t *answer(const char *name)
{
	return json_pack("{s:s}", "name", name);
}

static bool find(struct db *db, const char *name, int64_t *id_out, struct err *err)
{
	bool found;

	return db_one_int(db, err, &found, id_out,
			  "SELECT id FROM \"LLMSettings\" WHERE \"companyId\" = $1 AND name = $2", "tt",
			  ROOM_DEFAULT_ORG, name) &&
	       (found || err_set(err, ERR_GONE, "there are no model settings called \"%.*s\"", CUT(name)));
}

/* "add_task, files__*" as a JSON array; NULL: that is no list. */
static const char *tools_of(struct arena *room, const char *text)
{
	json_t *list = json_array();
	char *copy = arena_text(room, text), *rest = NULL, *json;
	const char *kept;

	for (char *word = strtok_r(copy, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest))
		json_array_append_new(list, json_string(word));
	json = json_array_size(list) > 0 && json_array_size(list) <= TOOLS_MAX ? json_write(list) : NULL;
	kept = arena_text(room, json);
	free(json);
	json_decref(list);
	return kept;
}

/* A number in full, within these bounds. */
static bool is_number(const char *text, double least, double most, bool whole)
{
	char *end;
	double value = strtod(text, &end);

	return end != text && *end == '\0' && value >= least && value <= most &&
	       (!whole || strspn(text, "0123456789") == strlen(text));
}

static const struct field {
	const char *name, *column, *type; /* of the table */
	const char *is;			  /* what it has to be */
} fields[] = {
	{ "model", "model", "TEXT", "a name of models[] in the settings file" },
	{ "prompt", "\"systemPrompt\"", "TEXT", "text" },
	{ "temperature", "temperature", "REAL", "a number from 0 to 2" },
	{ "max-output-tokens", "\"maxOutputTokens\"", "INTEGER", "a whole number from 1 on" },
	{ "history-messages", "\"historyMessages\"", "INTEGER", "a whole number from 0 to 1000" },
	{ "tools", "tools", "TEXT", "names of tools with commas between; * stands for any letters" },
};

static bool fits(const struct field *field, struct arena *room, const char **value, struct err *err)
{
	const char *name = field->name;
	bool fine = !text_blank(*value);

	if (strcmp(name, "temperature") == 0)
		fine = is_number(*value, 0, 2, false);
	else if (strcmp(name, "max-output-tokens") == 0)
		fine = is_number(*value, 1, 10000000, true);
	else if (strcmp(name, "history-messages") == 0)
		fine = is_number(*value, 0, 1000, true);
	else if (fine && strcmp(name, "tools") == 0)
		fine = (*value = tools_of(room, *value)) != NULL;
	return fine || err_set(err, ERR_REFUSED, "%s is %s", name, field->is);
}

static bool write_field(struct db *db, struct arena *room, const struct field *field, const char *name,
			const char *value, struct err *err)
{
	const char *now = room_time(room, clock_wall_ms());

	return db_run(db, err, NULL,
		      "INSERT INTO \"LLMSettings\" (\"companyId\", name, \"createdAt\", \"updatedAt\")"
		      " VALUES ($1, $2, $3, $3) ON CONFLICT (\"companyId\", name) DO NOTHING",
		      "ttt", ROOM_DEFAULT_ORG, name, now) &&
	       db_run(db, err, NULL,
		      arena_format(room,
				   "UPDATE \"LLMSettings\" SET %s = CAST($3 AS %s), \"updatedAt\" = $4"
				   " WHERE \"companyId\" = $1 AND name = $2",
				   field->column, field->type),
		      "tttt", ROOM_DEFAULT_ORG, name, value, now);
}

/* args: name, field, value; no value: as the settings file says. */
bool act_model_set(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		   struct err *err)
{
	const char *value = args[2];

	if (text_blank(args[0]) || strlen(args[0]) > NAME_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "a name has 1 to %d bytes", NAME_BYTES_MAX);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (strcmp(fields[i].name, args[1]) != 0)
			continue;
		*answer_out = answer(args[0]);
		return (value == NULL || fits(&fields[i], room, &value, err)) &&
		       write_field(db, room, &fields[i], args[0], value, err);
	}
	return err_set(
		err, ERR_REFUSED,
		"what can be set is model, prompt, temperature, max-output-tokens, history-messages or "
		"tools, not \"%.*s\"",
		CUT(args[1]));
}

bool act_model_remove(struct db *db, struct arena *room, const char *const *args, json_t **answer_out,
		      struct err *err)
{
	int64_t id = 0;

	(void)room;
	*answer_out = answer(args[0]);
	return find(db, args[0], &id, err) &&
	       db_run(db, err, NULL, "DELETE FROM \"LLMSettings\" WHERE id = $1", "i", id);
}

/* args: name or none, conversation. */
bool act_model_use_conversation(struct db *db, struct arena *room, const char *const *args,
				json_t **answer_out, struct err *err)
{
	int64_t id = 0;

	(void)room;
	*answer_out = json_pack("{s:s?, s:s}", "name", args[0], "conversation", args[1]);
	return (args[0] == NULL || find(db, args[0], &id, err)) &&
	       db_run(db, err, NULL,
		      "UPDATE \"LLMConversation\" SET \"llmSettingsId\" = nullif($1, 0) WHERE id = CAST($2 "
		      "AS "
		      "BIGINT)",
		      "it", id, args[1]);
}

/* args: name or none, "PLATFORM/NAME". */
bool act_model_use_installation(struct db *db, struct arena *room, const char *const *args,
				json_t **answer_out, struct err *err)
{
	int64_t id = 0, rows = 0;

	(void)room;
	*answer_out = json_pack("{s:s?, s:s}", "name", args[0], "installation", args[1]);
	return (args[0] == NULL || find(db, args[0], &id, err)) &&
	       db_run(db, err, &rows,
		      "UPDATE \"LLMAgentInstallation\" SET \"llmSettingsId\" = nullif($1, 0)"
		      " WHERE platform || '/' || name = $2",
		      "it", id, args[1]) &&
	       (rows > 0 ||
		err_set(err, ERR_GONE, "there is no installation %.*s: `usher installation list` shows them",
			CUT(args[1])));
}
