/* Who the tests of the store know, what is said, and the questions about people (store_people.h). */
#include "asking.h"
#include "mem.h"
#include "store_people.h"
#include "store_room.h"
#include <stdlib.h>

void asking_know(struct asking *asking, const char *sender)
{
	char *sql = mem_format("INSERT INTO user_profiles (id, org_id, display_name)"
			       " VALUES ('%036d', '" ROOM_DEFAULT_ORG "', '%s');"
			       "INSERT INTO platform_identities (platform, installation, external_user_id, "
			       "profile_id, org_id)"
			       " VALUES ('webhook', 'crm', '%s', '%036d', '" ROOM_DEFAULT_ORG "')",
			       sender[0], sender, sender, sender[0]);

	asking_sql(asking, sql);
	free(sql);
}

struct incoming says(const char *sender, const char *place, const char *key, const char *text)
{
	return (struct incoming){ .delivery_key = key,
				  .sender = sender,
				  .conversation = place,
				  .text = text,
				  .reply_to = "https://reply" };
}

static void on_json(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct asking *asking = owner;

	(void)ticket;
	asking->err = *err;
	asking->got = json ? (void *)(uintptr_t)arena_text(asking->room, json) : NULL;
	if (--asking->waiting == 0)
		io_stop(asking->io);
}

const char *ask_report(struct asking *asking, const char *name, const char *const *args, size_t count)
{
	asking->waiting++;
	store_report(asking->store, name, args, count, on_json, asking, 1);
	asking_wait(asking);
	return asking->got;
}

const char *ask_act(struct asking *asking, const char *name, const char *const *args, size_t count)
{
	asking->waiting++;
	store_act(asking->store, name, args, count, on_json, asking, 1);
	asking_wait(asking);
	return asking->got;
}
