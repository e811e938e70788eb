/* The operator's word about installations, and about the settings file, over the control socket. */
#include "admin_args.h"
#include "daemon_room.h"
#include <string.h>

/* Platform and name, which may hold a "/". */
static bool read_which(struct web_request *request, struct admin_args *args)
{
	if (!admin_allowed(request) || !admin_read_args(request, args))
		return false;
	if (args->count == 2 && args->texts[0] && args->texts[1])
		return true;
	admin_args_free(args);
	web_answer_error(request, 400, "BAD_REQUEST",
			 "an installation is named by its platform and its name");
	return false;
}

static void switch_to(struct daemon *daemon, struct web_request *request, enum core_switch how)
{
	static const char *const words[] = {
		[CORE_ENABLE] = "enable", [CORE_DISABLE] = "disable", [CORE_REMOVE] = "remove"
	};
	struct admin_args args;

	if (!read_which(request, &args))
		return;
	log_info(&daemon->log, "operator: installation_%s", words[how]);
	core_switch(daemon->core, how, args.texts[0], args.texts[1], admin_answer, daemon, web_id(request));
	admin_args_free(&args);
}

static void enable(void *owner, struct web_request *request)
{
	switch_to(owner, request, CORE_ENABLE);
}

static void disable(void *owner, struct web_request *request)
{
	switch_to(owner, request, CORE_DISABLE);
}

static void take_out(void *owner, struct web_request *request)
{
	switch_to(owner, request, CORE_REMOVE);
}

static void check(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;

	if (!read_which(request, &args))
		return;
	core_check(daemon->core, args.texts[0], args.texts[1], admin_answer, daemon, web_id(request));
	admin_args_free(&args);
}

/* Answered before it ends: what is under way on the control socket is finished first. */
static void reload(void *owner, struct web_request *request)
{
	struct err err = { 0 };

	if (!admin_allowed(request))
		return;
	if (daemon_reload(owner, &err))
		web_answer_json(request, 200, "{\"reloading\":true}");
	else
		web_answer_error(request, 409, "REFUSED", "%s", err.text);
}

void admin_install_claim(struct daemon *daemon)
{
	static const struct {
		const char *path;
		web_fn *fn;
	} routes[] = {
		{ "/admin/installation/enable", enable },
		{ "/admin/installation/disable", disable },
		{ "/admin/installation/remove", take_out },
		{ "/admin/installation/check", check },
		{ "/admin/reload", reload },
	};

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		web_claim(daemon->control, &(struct web_route){ .method = "POST",
								.path = routes[i].path,
								.body_max = ADMIN_BODY_MAX,
								.fn = routes[i].fn,
								.owner = daemon });
}
