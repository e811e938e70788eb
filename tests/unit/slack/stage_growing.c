#include "stage_growing.h"

int growing_setup(void **state)
{
	*state = out_open();
	return 0;
}

int growing_teardown(void **state)
{
	out_close(*state);
	return 0;
}

void grow(struct out_stage *stage, struct growing *growing, const char *text)
{
	static const char *const asked[] = { OUT_ASKED };

	slack_stream(&stage->workspace,
		     &(struct outgoing_part){ .answers_to = asked,
					      .answers_to_count = 1,
					      .reply_to = growing->place,
					      .placeholder = growing->placeholder,
					      .attempt = growing->attempt ? growing->attempt : 1,
					      .offset = growing->offset,
					      .text = text,
					      .len = strlen(text) });
	growing->offset += strlen(text);
}

void grow_much(struct out_stage *stage, struct growing *growing, size_t times)
{
	for (size_t i = 0; i < times; i++)
		grow(stage, growing, WORDS);
}

void grow_end(struct out_stage *stage, const struct growing *growing)
{
	struct outgoing out = out_answer(growing->place, "The answer.");

	stage->sents = 0;
	slack_send(&stage->workspace, &out, 7);
}

void grow_open(struct out_stage *stage, struct growing *growing)
{
	grow_much(stage, growing, 2);
	out_pass(stage, 2000);
	out_ok(stage, out_expect(stage, "chat.startStream"), OPEN);
}
