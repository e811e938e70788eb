/* Reads the arguments of a control request strictly: what is not a text is refused, not taken for "not given". */
#include "admin_args.h"
#include "json.h"

static bool take(struct admin_args *args, const json_t *list, struct err *err)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list))
		return err_set(err, ERR_REFUSED, "expected {\"args\":[...]}");
	if (json_array_size(list) > ADMIN_ARGS_MAX)
		return err_set(err, ERR_REFUSED, "more than %d arguments", ADMIN_ARGS_MAX);
	json_array_foreach (list, i, item) {
		if (!json_is_string(item) && !json_is_null(item))
			return err_set(err, ERR_REFUSED, "argument %zu is neither text nor null", i + 1);
		args->texts[args->count++] = json_string_value(item);
	}
	return true;
}

bool admin_args_read(struct admin_args *args, const char *text, size_t len, struct err *err)
{
	*args = (struct admin_args){ .body = json_read(text, len, err) };
	if (args->body == NULL)
		return false;
	if (take(args, json_object_get(args->body, "args"), err))
		return true;
	admin_args_free(args);
	return false;
}

void admin_args_free(struct admin_args *args)
{
	json_decref(args->body);
	args->body = NULL;
}
