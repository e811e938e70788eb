/* Words that several scripts share: times and roles as our tables keep them, and who a person is. */
#include "crypto.h"
#include "store_room.h"
#include <stdio.h>
#include <string.h>

const char *room_text(struct arena *room, const struct query *query, int column)
{
	const char *text = db_text(query, column);

	return text ? arena_text_n(room, text, db_text_len(query, column)) : NULL;
}

const char *room_time(struct arena *room, int64_t wall_ms)
{
	return wall_ms ? clock_text(wall_ms, arena_alloc(room, CLOCK_TEXT_SIZE)) : NULL;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar, years counted from March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1, era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t room_parse_time(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	int64_t part[7] = { 0 };
	int at = 0;

	if (text == NULL || strlen(text) != sizeof(form) - 1)
		return 0;
	for (size_t i = 0; form[i]; i++) {
		if (form[i] != 'd' && form[i] == text[i])
			at++;
		else if (form[i] == 'd' && text[i] >= '0' && text[i] <= '9')
			part[at] = part[at] * 10 + (text[i] - '0');
		else
			return 0;
	}
	return ((days_of(part[0], part[1], part[2]) * 24 + part[3]) * 3600 + part[4] * 60 + part[5]) * 1000 +
	       part[6];
}

#define SPEAKER "p.id, p.org_id, p.display_name, p.role, p.status"

/* The first five columns of the row are SPEAKER. */
static bool take_speaker(struct query *query, struct arena *room, struct speaker *speaker, bool *found_out,
			 struct err *err)
{
	*found_out = db_row(query);
	if (*found_out) {
		*speaker = (struct speaker){
			.profile_id = room_text(room, query, 0),
			.org_id = room_text(room, query, 1),
			.display_name = room_text(room, query, 2),
			.active = strcmp(db_text(query, 4), "active") == 0,
		};
		role_parse(db_text(query, 3), &speaker->role);
	}
	return db_end(query, err);
}

bool room_speaker(struct db *db, struct arena *room, const char *profile_id, struct speaker *speaker_out,
		  bool *found_out, struct err *err)
{
	struct query query;

	db_query(db, &query, "SELECT " SPEAKER " FROM user_profiles p WHERE p.id = $1", "t", profile_id);
	return take_speaker(&query, room, speaker_out, found_out, err);
}

bool room_identity(struct db *db, struct arena *room, const char *platform, const char *installation,
		   const char *sender, struct speaker *speaker_out, bool *found_out, struct err *err)
{
	struct query query;

	db_query(db, &query,
		 "SELECT " SPEAKER " FROM platform_identities i JOIN user_profiles p ON p.id = i.profile_id"
		 " WHERE i.platform = $1 AND i.installation = $2 AND i.external_user_id = $3",
		 "ttt", platform, installation, sender);
	return take_speaker(&query, room, speaker_out, found_out, err);
}

bool room_add_profile(struct db *db, struct arena *room, const char *org_id, const char *display_name,
		      struct speaker *speaker_out, struct err *err)
{
	const char *now = room_time(room, clock_wall_ms());

	*speaker_out = (struct speaker){
		.profile_id = crypto_uuid(arena_alloc(room, CRYPTO_UUID_SIZE)),
		.org_id = arena_text(room, org_id ? org_id : ROOM_DEFAULT_ORG),
		.display_name = arena_text(room, display_name),
		.role = ROLE_MEMBER,
		.active = true,
	};
	return db_run(
		db, err, NULL,
		"INSERT INTO user_profiles (id, org_id, display_name, role, status, created_at, updated_at)"
		" VALUES ($1, $2, $3, 'member', 'active', $4, $4)",
		"tttt", speaker_out->profile_id, speaker_out->org_id, display_name, now);
}

bool room_add_identity(struct db *db, const char *platform, const char *installation, const char *sender,
		       const char *sender_name, const char *profile_id, struct err *err)
{
	char now[CLOCK_TEXT_SIZE];

	return db_run(
		db, err, NULL,
		"INSERT INTO platform_identities"
		" (platform, installation, external_user_id, profile_id, org_id, display_name, created_at)"
		" SELECT $1, $2, $3, p.id, p.org_id, $4, $5 FROM user_profiles p WHERE p.id = $6"
		" ON CONFLICT (platform, installation, external_user_id)"
		" DO UPDATE SET profile_id = excluded.profile_id, org_id = excluded.org_id,"
		" display_name = excluded.display_name",
		"tttttt", platform, installation, sender, sender_name, clock_text(clock_wall_ms(), now),
		profile_id);
}
