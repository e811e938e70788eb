/* Who the tests of the store know, and what is said. */
#include "asking.h"
#include "mem.h"
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
