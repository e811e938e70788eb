/* Makes everything that settings ask for and throws it away: secrets, certificates, models and prices that
 * are wrong are found before somebody relies on a start with them. */
#include "daemon_room.h"
#include "registry.h"
#include <stdint.h>

static bool try_platforms(struct daemon *trial, struct err *err)
{
	const struct settings *platforms = settings_group(trial->settings, "platforms");
	struct platform_host host = { .public_url = trial->derived.public_url,
				      .can_install = trial->derived.key_count > 0,
				      .loop = io_loop(trial->io),
				      .io = trial->io,
				      .web = trial->web,
				      .http = trial->http,
				      .log = &trial->log };

	for (size_t p = 0; registry_platforms[p]; p++) {
		const struct platform_ops *ops = registry_platforms[p];

		for (size_t i = 0; i < settings_count(platforms, ops->name); i++) {
			const struct settings *settings = settings_group_at(platforms, ops->name, i);
			struct platform *one;

			host.name = settings_text(settings, "name");
			one = ops->create(&host, settings, err);

			if (one == NULL)
				return false;
			ops->destroy(one);
		}
	}
	return true;
}

bool daemon_try(const struct settings *settings, struct io *io, struct err *err)
{
	struct daemon trial = { .settings = (struct settings *)(uintptr_t)settings, .io = io };
	bool fine =
		prices_load(settings_text(settings_group(settings, "prices"), "file"), &trial.prices, err) &&
		derived_read(settings, &trial.derived, err) && daemon_open_world(&trial, 0, err) &&
		daemon_make_ai(&trial, err) && daemon_make_mcp(&trial, err) && try_platforms(&trial, err);

	ai_destroy(trial.ai);
	mcp_destroy(trial.tools.mcp);
	web_destroy(trial.web);
	http_destroy(trial.http);
	prices_free(&trial.prices);
	derived_finish(&trial.derived);
	return fine;
}
