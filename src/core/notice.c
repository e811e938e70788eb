/* Says politely what went wrong; the details are for the operator's log. */
#include "turn_inside.h"
#include <string.h>

static const struct {
	const char *code, *text;
} notices[] = {
	{ "timeout", "I could not answer in time. Please try again." },
	{ "model_unavailable",
	  "I cannot reach my language model at the moment. Please try again in a few minutes." },
	{ "model_auth", "My language model can't be used at the moment. The operator can see why." },
	{ "model_limited",
	  "My language model is overloaded at the moment. Please try again in a few minutes." },
	{ "model_refused", "My language model did not accept this question. The operator can see why." },
	{ "context_overflow",
	  "This conversation has become too long for my language model. Please start a new one." },
	{ "too_many_rounds", "I needed too many steps for this. Please ask for something smaller." },
	{ "budget", "I could not set aside what this would cost. The operator can see why." },
	{ "stopped", "Stopped, as you asked." },
	{ "removed", "I have been taken out of here." }, /* on record only: it is not sent */
	{ "disabled", "Your access has been switched off. Please ask the operator." },
	{ "not_recorded", "Something went wrong and I could not keep my answer. The operator can see why." },
	{ "empty_answer", "My language model gave an empty answer. Please try again." },
};

const char *notice_text(const char *code)
{
	for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++)
		if (strcmp(notices[i].code, code) == 0)
			return notices[i].text;
	return "Something went wrong and I could not answer. Please try again later.";
}
