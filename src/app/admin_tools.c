/* The operator's questions about tools, over the control socket: who may do what, and what changed. */
#include "admin_args.h"
#include "daemon_room.h"
#include "json.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

char *admin_tools_changed(const struct daemon *daemon)
{
	json_t *changed = pins_changed(daemon->tools.pins);
	char *text = json_write(changed);

	json_decref(changed);
	return text;
}

/* "PLATFORM/NAME" and the role of who would speak there. */
static void list(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;
	const char *place, *slash;
	char *platform, *text;

	if (!admin_allowed(request) || !admin_read_args(request, &args))
		return;
	place = args.count > 0 && args.texts[0] ? args.texts[0] : "";
	slash = strchr(place, '/');
	platform = mem_text_n(place, slash ? (size_t)(slash - place) : strlen(place));
	text = tools_list_json(
		&daemon->tools,
		&(struct tool_caller){ .role = args.count > 1 && args.texts[1] ? args.texts[1] : "member",
				       .platform = platform,
				       .installation = slash ? slash + 1 : "" });
	web_answer_json(request, 200, text);
	free(text);
	free(platform);
	admin_args_free(&args);
}

static void approve(void *owner, struct web_request *request)
{
	struct daemon *daemon = owner;
	struct admin_args args;

	if (!admin_allowed(request) || !admin_read_args(request, &args))
		return;
	if (args.count == 2 && args.texts[0] && args.texts[1]) {
		log_info(&daemon->log, "operator: tool_approve %s %s", args.texts[0], args.texts[1]);
		pins_approve(daemon->tools.pins, args.texts[0], args.texts[1], admin_answer, daemon,
			     web_id(request));
	} else {
		web_answer_error(request, 400, "BAD_REQUEST", "expected SERVER/TOOL and a hash");
	}
	admin_args_free(&args);
}

void admin_tools_claim(struct daemon *daemon)
{
	static const struct {
		const char *path;
		web_fn *fn;
	} routes[] = { { "/admin/tools", list }, { "/admin/tools/approve", approve } };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		web_claim(daemon->control, &(struct web_route){ .method = "POST",
								.path = routes[i].path,
								.body_max = ADMIN_BODY_MAX,
								.fn = routes[i].fn,
								.owner = daemon });
}
