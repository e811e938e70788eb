/* Parameters that a server turns out not to take. */
#include "openai.h"

static bool set_once(bool *quirk)
{
	bool news = !*quirk;

	*quirk = true;
	return news;
}

bool openai_adapt(struct openai_quirks *quirks, const struct reply_error *error,
		  const struct remote_params *params)
{
	bool limit = params->max_output_tokens > 0 && !quirks->no_max_tokens;

	if (params->stream && reply_blames(error, "stream_options"))
		return set_once(&quirks->no_stream_options);
	if (params->temperature >= 0 && reply_blames(error, "temperature"))
		return set_once(&quirks->no_temperature);
	if (limit && quirks->completion_tokens && reply_blames(error, "max_completion_tokens")) {
		if (quirks->renamed)
			return set_once(&quirks->no_max_tokens);
		quirks->completion_tokens = false;
		return quirks->renamed = true;
	}
	if (limit && !quirks->completion_tokens && reply_blames(error, "max_tokens")) {
		if (quirks->renamed)
			return set_once(&quirks->no_max_tokens);
		quirks->completion_tokens = true;
		return quirks->renamed = true;
	}
	return false;
}
