/* What people write in Slack reaches the model as they see it: names instead of ids, addresses instead of tokens. */
#include "mem.h"
#include "slack_room.h"
#include "text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *name(void *owner, char kind, const char *id)
{
	assert_string_equal(owner, "owner");
	if (kind == 'U' && strcmp(id, "U1") == 0)
		return "Ann";
	if (kind == 'U' && strcmp(id, "W2") == 0)
		return "Bo &lt; <Co>";
	if (kind == 'C' && strcmp(id, "C1") == 0)
		return "general";
	if (kind == 'S' && strcmp(id, "S1") == 0)
		return "ops";
	return NULL;
}

static void test_tokens(void **state)
{
	static const struct {
		const char *mrkdwn, *words;
	} rows[] = {
		{ "", "" },
		{ "hi *there*", "hi *there*" },
		{ "<@U1> and <@U9>", "@Ann and @U9" },
		{ "<@U9|carl> <@U1|old>", "@carl @Ann" },
		{ "<@W2>", "@Bo &lt; <Co>" },
		{ "<#C1> <#C1|x> <#C9|random> <#C9|> <#C9>", "#general #general #random #C9 #C9" },
		{ "<!subteam^S1> <!subteam^S2|@devs> <!subteam^S2|devs> <!subteam^S2>",
		  "@ops @devs @devs @S2" },
		{ "<!here> <!channel> <!everyone> <!here|@here>", "@here @channel @everyone @here" },
		{ "<!date^1392734382^{date_short} {time}^https://l|Feb 18>", "Feb 18" },
		{ "<!date^1^{date}>", "<!date^1^{date}>" },
		{ "<!unheard^of|shown> <!unheard>", "shown <!unheard>" },
		{ "<https://e.x/?a=1&amp;b=2>", "https://e.x/?a=1&b=2" },
		{ "<https://e.x|the page>", "the page (https://e.x)" },
		{ "<http://e.x|e.x> <http://e.x|http://e.x>", "e.x (http://e.x) http://e.x" },
		{ "<mailto:a@b.c|a@b.c> <mailto:a@b.c|Ann> <mailto:a@b.c>", "a@b.c Ann (a@b.c) a@b.c" },
		{ "<tel:+4912|+49 12> <tel:+4912|+4912>", "+49 12 (+4912) +4912" },
		{ "a &lt; b &gt; c &amp; d", "a < b > c & d" },
		{ "&amp;lt;@U1&amp;gt; &lt;@U1&gt;", "&lt;@U1&gt; <@U1>" },
		{ "& &am &&lt;&quot; &amp", "& &am &<&quot; &amp" },
		{ "&quot; &nbsp; & &am", "&quot; &nbsp; & &am" },
		{ "< a <> <\n> b <unended", "< a <> <\n> b <unended" },
		{ "<@> <#> <!> <|> <|x>", "@ # !  x ()" },
		{ "<<@U1>>", "<@Ann>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *words = slack_words(rows[i].mrkdwn, name, (char[]){ "owner" });

		if (strcmp(words, rows[i].words) != 0)
			print_error("of: %s\n", rows[i].mrkdwn);
		assert_string_equal(words, rows[i].words);
		free(words);
	}
}

/* Without names, and with an id longer than any real one, ids are shown. */
static void test_no_names(void **state)
{
	char id[200], *words, *mrkdwn;

	(void)state;
	words = slack_words("<@U1> <#C1>", NULL, NULL);
	assert_string_equal(words, "@U1 #C1");
	free(words);
	memset(id, 'U', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	mrkdwn = mem_format("<@%s>", id);
	words = slack_words(mrkdwn, name, (char[]){ "owner" });
	assert_int_equal(strlen(words), sizeof(id));
	free(words);
	free(mrkdwn);
}

static void test_broken_bytes(void **state)
{
	char *words = slack_words("a\xff<@U1\x80>\xe2\x82", NULL, NULL);

	(void)state;
	assert_true(text_valid(words, strlen(words)));
	assert_int_equal(*words, 'a');
	free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_broken_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
