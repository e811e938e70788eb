/* Who we are in each workspace: learnt from auth.test, kept in the installation's row, found again by ids. */
#include "clock.h"
#include "mem.h"
#include "slack_room.h"
#include <stdlib.h>
#include <string.h>

bool slack_is(const char *text, const char *first)
{
	size_t len = text ? strlen(text) : 0;

	return len > 1 && len <= SLACK_ID_MAX && strchr(first, text[0]) &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == len;
}

static void put(char **field, const char *text)
{
	if (text == NULL || (*field && strcmp(*field, text) == 0))
		return;
	free(*field);
	*field = mem_text(text);
}

static void put_id(char **field, const json_t *object, const char *name, const char *first)
{
	const char *text = json_text(object, name);

	if (slack_is(text, first))
		put(field, text);
}

bool slack_app_is(struct slack *app, const char *app_id)
{
	if (!slack_is(app_id, "A"))
		return true;
	if (app->app_id == NULL)
		app->app_id = mem_text(app_id);
	return strcmp(app->app_id, app_id) == 0;
}

uint64_t slack_ticket(struct slack *app)
{
	return ++app->last_ticket;
}

/* ---- which one ----------------------------------------------------------------------------------------- */

static struct platform *by_key(const struct slack *app, const char *key)
{
	struct platform *found = NULL;

	if (key)
		HASH_FIND_STR(app->workspaces, key, found);
	return found;
}

struct platform *slack_find(const struct slack *app, const char *enterprise, const char *team, bool org)
{
	struct platform *found = org ? by_key(app, enterprise) : NULL;

	if (found == NULL)
		found = by_key(app, team);
	return found ? found : by_key(app, enterprise); /* the workspace was moved into that organisation */
}

bool slack_list(struct platform *workspace, struct err *err)
{
	const struct platform *other = by_key(workspace->app, workspace->key);

	if (other == workspace)
		return true;
	if (other)
		return err_set(err, ERR_REFUSED,
			       "%s is already served by the installation %s: remove one of the two",
			       workspace->key, other->host->name ? other->host->name : "of its bot token");
	HASH_ADD_KEYPTR(hh, workspace->app->workspaces, workspace->key, strlen(workspace->key), workspace);
	return true;
}

void slack_unlist(struct platform *workspace)
{
	if (by_key(workspace->app, workspace->key) == workspace)
		HASH_DEL(workspace->app->workspaces, workspace);
}

/* ---- auth.test ------------------------------------------------------------------------------------------ */

bool slack_fill(struct platform *workspace, const json_t *auth_test, struct err *err)
{
	bool org = json_is_true(json_object_get(auth_test, "is_enterprise_install"));
	const char *key = json_text(auth_test, org ? "enterprise_id" : "team_id");

	if (!slack_is(key, org ? "E" : "TE"))
		return err_set(err, ERR_REFUSED,
			       "Slack's answer to auth.test does not say which workspace it is");
	if (!slack_is(json_text(auth_test, "user_id"), "UW"))
		return err_set(err, ERR_REFUSED, "Slack's answer to auth.test does not say who we are");
	if (workspace->key && strcmp(workspace->key, key) != 0)
		return err_set(err, ERR_REFUSED, "the token belongs to %s instead of %s", key,
			       workspace->key);
	put(&workspace->key, key);
	workspace->org = org;
	if (!org)
		put(&workspace->team_id, key);
	put_id(&workspace->enterprise_id, auth_test, "enterprise_id", "E");
	put_id(&workspace->bot_user_id, auth_test, "user_id", "UW");
	put_id(&workspace->bot_id, auth_test, "bot_id", "B");
	put(&workspace->url, json_text(auth_test, "url"));
	if (!org || workspace->title == NULL)
		put(&workspace->title, json_text(auth_test, "team"));
	return true;
}

bool slack_identify(struct platform *workspace, const json_t *auth_test, struct err *err)
{
	return slack_fill(workspace, auth_test, err) && slack_list(workspace, err);
}

void slack_forget(struct platform *workspace)
{
	char **const fields[] = { &workspace->key,	    &workspace->team_id, &workspace->enterprise_id,
				  &workspace->bot_user_id,  &workspace->bot_id,	 &workspace->title,
				  &workspace->url,	    &workspace->scopes,	 &workspace->token,
				  &workspace->refresh_token };

	log_unhide(workspace->token);
	log_unhide(workspace->refresh_token);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		free(*fields[i]);
		*fields[i] = NULL;
	}
}

/* ---- what is kept --------------------------------------------------------------------------------------- */

int64_t slack_expires_ms(int64_t life_s)
{
	return clock_wall_ms() + life_s * 1000;
}

char *slack_secrets_write(const char *token, const char *refresh_token, int64_t expires_ms)
{
	json_t *object = json_pack("{s:s, s:s*, s:I}", "token", token, "refresh_token", refresh_token,
				   "expires_ms", (json_int_t)expires_ms);
	char *text = json_write(object);

	json_decref(object);
	return text;
}

bool slack_secrets_read(struct platform *workspace, const char *secrets, struct err *err)
{
	json_t *object = secrets ? json_read(secrets, strlen(secrets), NULL) : NULL;
	const char *token = json_text(object, "token"), *refresh = json_text(object, "refresh_token");

	if (token == NULL || *token == '\0') {
		json_decref(object);
		return err_set(err, ERR_REFUSED, "no token is kept for it: it must be added again");
	}
	log_hide(token);
	log_hide(refresh);
	put(&workspace->token, token);
	put(&workspace->refresh_token, refresh);
	workspace->expires_ms = json_int(object, "expires_ms", 0);
	json_decref(object);
	return true;
}

char *slack_record_write(const struct platform *workspace, const char *app_id, const char *installed_by)
{
	json_t *object =
		json_pack("{s:s*, s:s*, s:s*, s:b, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "team_id",
			  workspace->team_id, "team", workspace->title, "enterprise_id",
			  workspace->enterprise_id, "organisation", workspace->org, "url", workspace->url,
			  "bot_user_id", workspace->bot_user_id, "bot_id", workspace->bot_id, "app_id",
			  app_id, "scopes", workspace->scopes, "installed_by", installed_by);
	char *text = json_write(object);

	json_decref(object);
	return text;
}

bool slack_record_read(struct platform *workspace, const struct install *install, struct err *err)
{
	json_t *object =
		install->settings ? json_read(install->settings, strlen(install->settings), NULL) : NULL;
	bool org = json_is_true(json_object_get(object, "organisation"));

	if (!slack_is(install->key, org ? "E" : "TE") || !slack_is(json_text(object, "bot_user_id"), "UW")) {
		json_decref(object);
		return err_set(err, ERR_REFUSED,
			       "what is kept about it is not complete: it must be added again");
	}
	put(&workspace->key, install->key);
	workspace->org = org;
	put_id(&workspace->team_id, object, "team_id", "T");
	put_id(&workspace->enterprise_id, object, "enterprise_id", "E");
	put_id(&workspace->bot_user_id, object, "bot_user_id", "UW");
	put_id(&workspace->bot_id, object, "bot_id", "B");
	put(&workspace->url, json_text(object, "url"));
	put(&workspace->title, install->title);
	put(&workspace->scopes, json_text(object, "scopes"));
	json_decref(object);
	return true;
}
