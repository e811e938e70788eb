/* The changes that people and programs ask by name: a table of names, arguments and functions. */
#include "people.h"
#include <string.h>

static const struct act {
	const char *name;
	const char *letters, *names; /* of the arguments, see people.h */
	act_run *run;
} acts[] = {
	{ "user_add", "Tttt", "user name,display name,email,role", act_user_add },
	{ "user_status", "WT", "user name,status", act_user_status },
	{ "user_role", "WT", "user name,role", act_user_role },
	{ "pair_approve", "Tww", "code,user name,approved by", act_pair_approve },
	{ "pair_drop", "T", "code", act_pair_drop },
	{ "key_add", "TTTT", "user name,key name,key id,hash", act_key_add },
	{ "key_replace", "TTTT", "user name,key name,key id,hash", act_key_replace },
	{ "key_revoke", "T", "key id", act_key_revoke },
	{ "link_make", "PT", "profile,code hash", act_link_make },
	{ "link_invite", "wT", "who,code hash", act_link_invite },
	{ "link_use", "PTTTT", "profile,platform,installation,sender,code hash", act_link_use },
	{ "language", "Pt", "profile,language", act_language },
	{ "audit_erase", "TTTt", "user|conversation,id,why,who", act_audit_erase },
	{ "budget_set", "TtTT", "scope,subject,period,amount", act_budget_set },
	{ "budget_remove", "TtT", "scope,subject,period", act_budget_remove },
	{ "model_set", "TTt", "name,what,value", act_model_set },
	{ "model_remove", "T", "name", act_model_remove },
	{ "model_use_conversation", "tC", "name,conversation", act_model_use_conversation },
	{ "model_use_installation", "tT", "name,installation", act_model_use_installation },
	{ "approval_decide", "TPTT", "code,profile,decision,turn", act_approval_decide },
	{ "tools_seen", "TT", "server,tools", act_tools_seen },
	{ "tool_said", "TTTT", "server,tool,hash,definition", act_tool_said },
	{ "tool_approve", "TTT", "server,tool,hash", act_tool_approve },
	{ "mcp_grant_keep", "TTT", "server,issuer,sealed", act_mcp_grant_keep },
	{ "mcp_grant_drop", "Tt", "server,known", act_mcp_grant_drop },
	{ "conversation_rename", "CpT", "conversation,profile,title", act_conversation_rename },
	{ "conversation_archive", "Cp", "conversation,profile", act_conversation_archive },
	{ "conversation_unarchive", "Cp", "conversation,profile", act_conversation_unarchive },
	{ "dead_letter_retry", "T", "id", act_dead_letter_retry },
	{ "dead_letter_drop", "T", "id", act_dead_letter_drop },
	{ "task_add", "TPTtt", "organisation,profile,title,description,call key", act_task_add },
	{ "task_complete", "TPIt", "organisation,profile,task_id,call key", act_task_complete },
	{ "task_update", "TPIttt", "organisation,profile,task_id,title,description,call key",
	  act_task_update },
	{ "task_delete", "TPIt", "organisation,profile,task_id,call key", act_task_delete },
	{ "import_retry", "Ip", "import,profile", act_import_retry },
	{ "import_post", "Ip", "import,profile", act_import_post },
	{ "import_cancel", "Ip", "import,profile", act_import_cancel },
	{ "import_delete", "Ip", "import,profile", act_import_delete },
	{ "file_share", "TPIT", "organisation,profile,import,scope", act_file_share },
	{ "file_delete", "TPI", "organisation,profile,import", act_file_delete },
	{ "message_send", "TPTTtt", "organisation,profile,conversation_id,text,key,call key",
	  act_message_send },
};

struct act_ask {
	const char *name;
	const struct act *act; /* NULL: no such name */
	struct named_args args;
	size_t count; /* as given */
	store_json_fn *fn;
};

static const struct act *find(const char *name)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].name, name) == 0)
			return &acts[i];
	return NULL;
}

static bool run(struct db *db, struct job *job, struct err *err)
{
	const struct act_ask *ask = job->ask;
	struct named_args args = ask->args;
	json_t *answer = NULL;

	if (ask->act == NULL)
		return err_set(err, ERR_GONE, "there is no act of that name");
	if (ask->count > strlen(ask->act->letters))
		return err_set(err, ERR_REFUSED, "%s takes %zu arguments at most", ask->name,
			       strlen(ask->act->letters));
	if (!args_check(db, job->room, ask->act->letters, ask->act->names, &args, err))
		return false;
	if (!ask->act->run(db, job->room, args.text, &answer, err)) {
		json_decref(answer);
		return false;
	}
	job->erases = ask->act->run == act_audit_erase || ask->act->run == act_import_delete ||
		      ask->act->run == act_file_delete;
	job->answer = json_answer_take(job->room, answer);
	return true;
}

static void give(struct job *job)
{
	const struct act_ask *ask = job->ask;

	ask->fn(job->owner, job->ticket, &job->err, job->answer);
}

void store_act(struct store *store, const char *name, const char *const *args, size_t arg_count,
	       store_json_fn *fn, void *owner, uint64_t ticket)
{
	struct job *job = job_create(JOB_WRITE, run, give, sizeof(struct act_ask), owner, ticket);
	struct act_ask *ask = job->ask;

	ask->name = job_text(job, name);
	ask->act = find(name);
	ask->count = arg_count;
	ask->fn = fn;
	for (size_t i = 0; i < arg_count && i < NAMED_ARGS_MAX; i++)
		ask->args.text[i] = job_text(job, args[i]);
	store_ask(store, job);
}
