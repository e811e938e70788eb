/* One installation that runs for a while before it is set up: whoever writes to it first is answered, so that the operator
 * sees that it works before anything is changed. */
#include "clock.h"
#include "crypto.h"
#include "mem.h"
#include "trial_room.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { LOOK_MS = 100, AGAIN_MS = 60000, SEND_TICKET = 1, STOP_MS = 5000, TRIES_MAX = 5 };

struct talk {
	struct platform_host host; /* first: a host pointer is a pointer to this */
	struct daemon rooms;
	const struct daemon_talk *wanted;
	const struct platform_ops *ops;
	struct platform *platform;
	struct loop_timer *look;  /* is it over? */
	struct loop_timer *again; /* sends once more */
	struct loop_timer *tell;
	struct told *told;
	uint64_t end_ms;
	char uuid[MESSAGE_UUID_SIZE], why[300]; /* why: what keeps it from being connected */
	char *reply_to, *remote_id;
	unsigned tries;
	bool answered, stopping;
	struct err err;
};

/* An answer to the plugin, in a later round. */
struct told {
	void (*fn)(struct talk *talk, uint64_t ticket);
	uint64_t ticket;
	struct told *next;
};

static struct talk *talk_of(struct platform_host *host)
{
	return (struct talk *)host;
}

static void tell_later(struct platform_host *host, void (*fn)(struct talk *talk, uint64_t ticket),
		       uint64_t ticket)
{
	struct told *told = mem_alloc(sizeof(*told));

	*told = (struct told){ .fn = fn, .ticket = ticket };
	LL_APPEND(talk_of(host)->told, told);
	loop_timer_start(talk_of(host)->tell, 0, 0);
}

static void tell(void *data)
{
	struct talk *talk = data;
	struct told *all = talk->told, *told, *next;

	talk->told = NULL;
	LL_FOREACH_SAFE(all, told, next)
	{
		told->fn(talk, told->ticket);
		free(told);
	}
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */

static void end(struct talk *talk)
{
	if (talk->stopping)
		return;
	talk->stopping = true;
	talk->end_ms = clock_mono_ms() + STOP_MS;
	talk->ops->stop(talk->platform);
}

static void on_stopped(struct platform_host *host)
{
	io_stop(talk_of(host)->rooms.io);
}

static void look(void *data)
{
	struct talk *talk = data;
	struct pollfd stop = { .fd = talk->wanted->stop_fd, .events = POLLIN };
	bool late = clock_mono_ms() >= talk->end_ms;

	if (talk->stopping) {
		if (late)
			io_stop(talk->rooms.io);
		return;
	}
	if (poll(&stop, 1, 0) > 0)
		err_set(&talk->err, ERR_GONE, "broken off");
	else if (late)
		err_set(&talk->err, ERR_REFUSED, "nobody wrote to it in that time%s%s",
			talk->why[0] ? "; its connection says: " : "", talk->why);
	if (talk->err.kind != ERR_NONE)
		end(talk);
}

/* ---- what is said, and the answer ------------------------------------------------------------------------------------ */

static void tell_busy(struct talk *talk, uint64_t receipt)
{
	struct ack ack = { .how = ACK_BUSY, .retry_ms = AGAIN_MS, .why = "not set up yet" };

	talk->ops->ack(talk->platform, receipt, &ack);
}

static void answer(void *data)
{
	struct talk *talk = data;
	const char *const none[] = { NULL };
	char **texts = NULL;
	size_t count = talk->ops->split ? talk->ops->split(talk->platform, talk->wanted->text, &texts) : 0;
	struct outgoing out = { .uuid = talk->uuid,
				.answers_to = none,
				.delivery_keys = none,
				.state = MESSAGE_ANSWERED,
				.reply_to = talk->reply_to,
				.text = count ? texts[0] : talk->wanted->text,
				.parts = 1,
				.remote_id = talk->remote_id,
				.tool_calls = "[]",
				.created_ms = clock_wall_ms(),
				.attempt = ++talk->tries };

	if (!talk->stopping)
		talk->ops->send(talk->platform, &out, SEND_TICKET);
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void on_incoming(struct platform_host *host, const struct incoming *in)
{
	struct talk *talk = talk_of(host);
	bool said = in->kind == INCOMING_SAID && (in->flags & INCOMING_IGNORE) == 0 && in->reply_to;

	tell_later(host, tell_busy, in->receipt);
	if (!said || talk->reply_to || talk->stopping)
		return;
	talk->reply_to = mem_text(in->reply_to);
	loop_timer_start(talk->again, 0, 0);
}

static void on_sent(struct platform_host *host, uint64_t ticket, enum sent how, unsigned retry_ms,
		    const char *remote_id, const char *why)
{
	struct talk *talk = talk_of(host);

	(void)ticket;
	(void)remote_id;
	if (talk->stopping)
		return;
	if (how == SENT_ACCEPTED) {
		talk->answered = true;
		end(talk);
	} else if (talk->tries < TRIES_MAX && (how == SENT_NOT || how == SENT_MAYBE || how == SENT_LIMITED)) {
		loop_timer_start(talk->again, retry_ms ? retry_ms : 1000, 0);
	} else {
		err_set(&talk->err, ERR_REFUSED, "the first message came, but could not be answered: %s",
			why ? why : "no reason given");
		end(talk);
	}
}

static void tell_held(struct talk *talk, uint64_t ticket)
{
	struct err err = { 0 };

	if (talk->ops->held)
		talk->ops->held(talk->platform, ticket, &err);
}

static void on_hold(struct platform_host *host, uint64_t ticket, const char *remote_id)
{
	struct talk *talk = talk_of(host);

	free(talk->remote_id);
	talk->remote_id = mem_text(remote_id);
	tell_later(host, tell_held, ticket);
}

/* ---- what else a plugin tells ------------------------------------------------------------------------------------------ */

static void on_link(struct platform_host *host, enum link_state now, const char *why)
{
	struct talk *talk = talk_of(host);

	snprintf(talk->why, sizeof(talk->why), "%s", now != LINK_UP && why ? why : "");
}

static void tell_installed(struct talk *talk, uint64_t ticket)
{
	struct err err = { 0 };

	if (talk->ops->installed)
		talk->ops->installed(talk->platform, ticket, &err, talk->host.name);
}

/* Groups and the like are noted when they are told to the daemon. */
static void on_install(struct platform_host *host, const struct install *install, uint64_t ticket)
{
	struct talk *talk = talk_of(host);

	if (install->key == NULL)
		talk->wanted->met(talk->wanted->data, install->settings);
	tell_later(host, tell_installed, ticket);
}

static void on_placed(struct platform_host *host, const char *uuid, const char *remote_id)
{
	(void)host;
	(void)uuid;
	(void)remote_id;
}

static void on_removed(struct platform_host *host, const char *key, const char *why)
{
	(void)host;
	(void)key;
	(void)why;
}

static void on_look(struct platform_host *host, const char *uuid, uint64_t ticket)
{
	(void)host;
	(void)uuid;
	(void)ticket;
}

static void on_keep(struct platform_host *host, const char *secrets, uint64_t ticket)
{
	(void)host;
	(void)secrets;
	(void)ticket;
}

static void furnish(struct platform_host *host)
{
	host->incoming = on_incoming;
	host->sent = on_sent;
	host->look = on_look;
	host->link = on_link;
	host->stopped = on_stopped;
	host->install = on_install;
	host->removed = on_removed;
	host->keep = on_keep;
	host->placed = on_placed;
	host->hold = on_hold;
}

static void run(struct talk *talk, const struct settings *one)
{
	struct told *told, *next;

	talk->platform = talk->ops->create(&talk->host, one, &talk->err);
	if (talk->platform == NULL)
		return; /* nothing is told before start */
	talk->look = loop_timer_create(talk->host.loop, look, talk);
	talk->again = loop_timer_create(talk->host.loop, answer, talk);
	talk->tell = loop_timer_create(talk->host.loop, tell, talk);
	talk->end_ms = clock_mono_ms() + talk->wanted->seconds * 1000;
	if (talk->ops->start(talk->platform, &talk->err)) {
		loop_timer_start(talk->look, LOOK_MS, LOOK_MS);
		io_run(talk->rooms.io);
	}
	loop_timer_destroy(talk->look);
	talk->ops->destroy(talk->platform);
	loop_timer_destroy(talk->again);
	loop_timer_destroy(talk->tell);
	LL_FOREACH_SAFE(talk->told, told, next)
	free(told);
}

bool daemon_talk_one(const struct settings *settings, const struct platform_ops *ops,
		     const struct settings *one, const char *public_url, const struct daemon_talk *talk,
		     struct err *err)
{
	struct talk trial = { .wanted = talk, .ops = ops };
	bool fine = trial_open(&trial.rooms, settings, err);

	if (fine) {
		crypto_uuid(trial.uuid);
		trial.host = trial_host(&trial.rooms, one, public_url);
		furnish(&trial.host);
		run(&trial, one);
		fine = trial.answered;
		if (!fine)
			*err = trial.err;
	}
	trial_close(&trial.rooms);
	free(trial.reply_to);
	free(trial.remote_id);
	return fine;
}
