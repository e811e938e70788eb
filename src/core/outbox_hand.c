/* What a plugin is given of a reply. */
#include "approval.h"
#include "buf.h"
#include "installation.h"
#include "mem.h"
#include "outbox_inside.h"
#include <stdlib.h>

/* What stands there, and below it how it ended. */
static char *settled_text(struct installation *inst, const struct store_reply *reply)
{
	struct buf ends = { 0 };
	char *form, *text;

	approval_ends(&ends, reply->settled, reply->settled_count);
	form = installation_notice(inst, buf_str(&ends));
	text = mem_format("%s\n\n%s", reply->out.text, form);
	free(form);
	buf_free(&ends);
	return text;
}

void outbox_hand_over(const struct core *core, struct installation *inst, const struct store_reply *reply,
		      uint64_t ticket)
{
	struct outgoing out = reply->out;
	char *words = reply->file ? outbox_file_words(core, reply->file, reply->out.created_ms) : NULL,
	     *notice = NULL;

	if (reply->settled_count)
		words = settled_text(inst, reply);
	if (words)
		out.text = words;
	if (reply->file || out.state == MESSAGE_QUARANTINED || reply->markdown)
		out.text = notice = installation_notice(inst, out.text);
	inst->ops->send(inst->platform, &out, ticket);
	free(words);
	free(notice);
}
