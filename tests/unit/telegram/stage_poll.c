/* Updates as the platform lists them, and a poll whose pauses are short. */
#include "stage_poll.h"
#include "buf.h"

struct net_stage *poll_open(void)
{
	struct net_stage *stage = net_open();

	stage->bot.poll = telegram_poll_create(&stage->bot);
	stage->bot.poll->times = (struct poll_times){
		.wait_s = 50,
		.answer = 10000,
		.body = 60000,
		.idle = 15000,
		.first = 1,
		.longest = 20,
		.held = 5,
		.same = 5,
		.same_longest = 20,
		.rival_quick = 300,
		.rival_first = 1,
		.rival_spread = 5,
		.rival_slow = 10,
		.rival_over = 200,
	};
	return stage;
}

void poll_say(struct net_stage *stage, const char *updates)
{
	struct buf text = { 0 };

	while (*updates != '\0') {
		char *end;
		long id = strtol(updates, &end, 10), chat = strtol(end + 1, &end, 10);

		buf_format(
			&text,
			"%s{\"update_id\":%ld,\"message\":{\"message_id\":%ld,\"date\":1767323045,\"chat\":"
			"{\"id\":%ld,\"type\":\"private\"},\"text\":\"m\"}}",
			text.len > 0 ? "," : "", id, id, chat);
		updates = end + strspn(end, " ");
	}
	net_say(stage, "getUpdates", 200, "{\"ok\":true,\"result\":[%s]}", buf_str(&text));
	buf_free(&text);
}

int64_t poll_arg(const struct net_stage *stage, size_t n, const char *name)
{
	return json_int(net_request(stage, "getUpdates", n)->args, name, -1);
}

int64_t poll_offset(const struct net_stage *stage, size_t n)
{
	return poll_arg(stage, n, "offset");
}

const char *poll_taken(const struct net_stage *stage)
{
	static char text[20000];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < stage->taken_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%lld", i > 0 ? " " : "",
					(long long)stage->taken[i].id);
	return text;
}

bool poll_confirmed(const struct net_stage *stage, int64_t offset)
{
	for (size_t i = 0; i < net_asked(stage, "getUpdates"); i++) {
		if (poll_offset(stage, i) == offset)
			return true;
	}
	return false;
}
