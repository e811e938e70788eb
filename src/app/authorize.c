/* Logging in at servers of tools: what the operator asks over the control socket, and the page where browsers come back. */
#include "admin_args.h"
#include "daemon_room.h"
#include "json.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

static bool one_server(struct web_request *request, struct admin_args *args)
{
	if (!admin_allowed(request) || !admin_read_args(request, args))
		return false;
	if (args->count >= 1 && args->texts[0])
		return true;
	web_answer_error(request, 400, "BAD_REQUEST", "name a server of tools.mcp");
	admin_args_free(args);
	return false;
}

static void logged_in(void *owner, uint64_t ticket, const struct err *err, const char *url)
{
	json_t *json = json_object();
	char *text;

	if (url)
		json_object_set_new(json, "url", json_string(url));
	text = json_write(json);
	json_decref(json);
	admin_answer(owner, ticket, err, text);
	free(text);
}

static void login(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;

	if (!one_server(request, &args))
		return;
	if (grants_last(daemon->tools.grants)) {
		log_info(&daemon->log, "operator: tool login %s", args.texts[0]);
		mcp_login(daemon->tools.mcp, args.texts[0], logged_in, daemon, web_id(request));
	} else {
		web_answer_error(
			request, 409, "FAILED",
			"store.key is not set, so that a login would be lost with the next start: set "
			"it (openssl rand -base64 32), reload, and log in then");
	}
	admin_args_free(&args);
}

static void login_state(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;
	char *text;

	if (!one_server(request, &args))
		return;
	text = mcp_login_state(daemon->tools.mcp, args.texts[0]);
	if (text)
		web_answer_json(request, 200, text);
	else
		web_answer_error(request, 404, "NOT_FOUND", "no such server, or none to log in at");
	free(text);
	admin_args_free(&args);
}

static void pasted(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;
	struct err err = { 0 };

	if (!one_server(request, &args))
		return;
	if (args.count > 1 && args.texts[1] &&
	    mcp_pasted(daemon->tools.mcp, args.texts[0], args.texts[1], &err))
		web_answer_json(request, 200, "{\"state\":\"working\"}");
	else
		web_answer_error(request, 409, "FAILED", "%s",
				 err.kind != ERR_NONE ? err.text : "there is no address");
	admin_args_free(&args);
}

static void logout(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;

	if (!one_server(request, &args))
		return;
	log_info(&daemon->log, "operator: tool logout %s", args.texts[0]);
	grants_drop(daemon->tools.grants, args.texts[0], admin_answer, daemon, web_id(request));
	admin_args_free(&args);
}

/* ---- for browsers ---------------------------------------------------------------------------------------------- */

static void page(struct web_request *request, int status, const char *text)
{
	web_add_header(request, "Cache-Control", "no-store");
	web_add_header(request, "Referrer-Policy", "no-referrer"); /* the address holds a code */
	web_answer(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* Anyone may call this: only the state of a login that is under way does anything, once. */
static void came_back(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct mcp_redirect redirect = { .state = web_query(request, "state"),
					 .code = web_query(request, "code"),
					 .iss = web_query(request, "iss"),
					 .error = web_query(request, "error"),
					 .text = web_query(request, "error_description") };
	struct err err = { 0 };

	if (mcp_redirected(daemon->tools.mcp, web_param(request, "server"), &redirect, &err))
		page(request, 200, "Thank you. usher goes on by itself; this page can be closed.\n");
	else
		page(request, 400, "This did not work. The reason stands where the login was begun.\n");
}

static void document(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	char *text = mcp_document(daemon->tools.mcp);

	web_answer_json(request, 200, text);
	free(text);
}

void authorize_claim(struct daemon *daemon)
{
	static const struct {
		const char *path;
		web_fn *fn;
	} routes[] = { { "/admin/tools/login", login },
		       { "/admin/tools/login/state", login_state },
		       { "/admin/tools/login/pasted", pasted },
		       { "/admin/tools/logout", logout } };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		web_claim(daemon->control, &(struct web_route){ .method = "POST",
								.path = routes[i].path,
								.body_max = ADMIN_BODY_MAX,
								.fn = routes[i].fn,
								.owner = daemon });
	web_claim(daemon->web, &(struct web_route){ .method = "GET",
						    .path = AUTHORIZE_CALLBACK "/{server}",
						    .fn = came_back,
						    .owner = daemon });
	web_claim(daemon->web,
		  &(struct web_route){
			  .method = "GET", .path = AUTHORIZE_DOCUMENT, .fn = document, .owner = daemon });
}

/* Where browsers come back to: how the world reaches us, else this machine. */
char *authorize_callback(const struct daemon *daemon)
{
	if (daemon->derived.public_url)
		return mem_format("%s%s", daemon->derived.public_url, AUTHORIZE_CALLBACK);
	return mem_format("http://127.0.0.1:%d%s", web_port(daemon->web), AUTHORIZE_CALLBACK);
}

/* Authorization servers fetch it: only over https, and from outside. */
char *authorize_document(const struct daemon *daemon)
{
	const char *url = daemon->derived.public_url;

	return url && strncmp(url, "https://", 8) == 0 ? mem_format("%s%s", url, AUTHORIZE_DOCUMENT) : NULL;
}
