/* The price table: what a million tokens of each model cost, with date and source. */
#include "mem.h"
#include "settings_file.h"
#include <libconfig.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const char _binary_etc_prices_conf_start[], _binary_etc_prices_conf_end[];

/* US dollars as written to whole micro-dollars, -1 when not given. False: given and no price; a text would
 * read as 0, and then as free of charge. */
static bool micros(const config_setting_t *row, const char *name, int64_t *micros_out)
{
	const config_setting_t *value = config_setting_get_member(row, name);
	double dollars;

	*micros_out = -1;
	if (value == NULL)
		return true;
	if (!config_setting_is_number(value))
		return false;
	dollars = config_setting_type(value) == CONFIG_TYPE_FLOAT ? config_setting_get_float(value)
								  : (double)config_setting_get_int64(value);
	if (!(dollars >= 0 && dollars < 1e6))
		return false;
	*micros_out = llround(dollars * 1e6);
	return true;
}

/* long_from and what longer prompts cost: all of it or nothing. */
static bool read_long(const config_setting_t *row, struct ai_price *price)
{
	const config_setting_t *from = config_setting_get_member(row, "long_from");

	if (!micros(row, "long_input", &price->long_input) ||
	    !micros(row, "long_cached", &price->long_cached) ||
	    !micros(row, "long_written", &price->long_written) ||
	    !micros(row, "long_output", &price->long_output))
		return false;
	if (from == NULL)
		return price->long_input < 0 && price->long_output < 0;
	price->long_from = config_setting_is_number(from) ? config_setting_get_int64(from) : 0;
	return price->long_from > 0 && price->long_input >= 0 && price->long_output >= 0;
}

static bool read_rows(const config_t *config, struct prices *prices, const char *file, struct err *err)
{
	const config_setting_t *list = config_lookup(config, "prices");
	int count = list ? config_setting_length(list) : 0;

	prices->rows = mem_zero((size_t)count, sizeof(*prices->rows));
	for (int i = 0; i < count; i++) {
		const config_setting_t *row = config_setting_get_elem(list, (unsigned)i);
		struct ai_price *price = &prices->rows[prices->count];
		const char *provider = NULL, *model = NULL;
		bool fine;

		config_setting_lookup_string(row, "provider", &provider);
		config_setting_lookup_string(row, "model", &model);
		fine = micros(row, "input", &price->input);
		fine = micros(row, "cached", &price->cached) && fine;
		fine = micros(row, "written", &price->written) && fine;
		fine = micros(row, "output", &price->output) && fine;
		fine = read_long(row, price) && fine;
		if (!fine || provider == NULL || model == NULL || price->input < 0 || price->output < 0)
			return err_set(
				err, ERR_REFUSED,
				"%s:%u: a price needs provider, model, input and output, with long_from "
				"also long_input and long_output, and dollars as numbers",
				file, config_setting_source_line(row));
		price->provider = mem_text(provider);
		price->model = mem_text(model);
		prices->count++;
	}
	return true;
}

bool prices_load(const char *path, struct prices *prices_out, struct err *err)
{
	/* cppcheck-suppress comparePointers ; both ends of one object, as the linker names them */
	size_t built_in_len = (size_t)(_binary_etc_prices_conf_end - _binary_etc_prices_conf_start);
	char *built_in = mem_text_n(_binary_etc_prices_conf_start, built_in_len);
	const char *file = path ? path : "the built-in price table", *text;
	config_t config;
	bool fine;

	*prices_out = (struct prices){ 0 };
	config_init(&config);
	if ((path ? config_read_file(&config, path) : config_read_string(&config, built_in)) != CONFIG_TRUE) {
		fine = config_error_type(&config) == CONFIG_ERR_FILE_IO
			       ? err_set(err, ERR_REFUSED, "cannot read the price table %s: %m", file)
			       : err_set(err, ERR_REFUSED, "%s:%d: %s", file, config_error_line(&config),
					 config_error_text(&config));
	} else {
		prices_out->date = mem_text(config_lookup_string(&config, "date", &text) ? text : "unknown");
		prices_out->source =
			mem_text(config_lookup_string(&config, "source", &text) ? text : "unknown");
		fine = read_rows(&config, prices_out, file, err);
	}
	config_destroy(&config);
	free(built_in);
	if (!fine)
		prices_free(prices_out);
	return fine;
}

void prices_free(struct prices *prices)
{
	for (size_t i = 0; i < prices->count; i++) {
		free((void *)(uintptr_t)prices->rows[i].provider); /* ours, const only for readers */
		free((void *)(uintptr_t)prices->rows[i].model);
	}
	free(prices->rows);
	free(prices->date);
	free(prices->source);
	*prices = (struct prices){ 0 };
}
