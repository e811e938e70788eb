/* Buttons that go on turning until they are answered: at once, or when it is known whether who pressed one may. A press that
 * is not answered in time is lost: nobody waits for it after a restart. */
#include "mem.h"
#include "telegram_room.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { WAIT_MS = 4000 };

struct press {
	struct telegram_presses *presses;
	struct loop_timer *timer;
	char id[TELEGRAM_PRESS_SIZE];
	struct press *prev, *next;
};

struct telegram_presses {
	struct platform *bot;
	struct press *all;
};

struct telegram_presses *telegram_presses_create(struct platform *bot)
{
	struct telegram_presses *presses = mem_zero(1, sizeof(*presses));

	presses->bot = bot;
	return presses;
}

static void free_press(struct press *press)
{
	DL_DELETE(press->presses->all, press);
	loop_timer_destroy(press->timer);
	free(press);
}

void telegram_presses_destroy(struct telegram_presses *presses)
{
	while (presses && presses->all)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the list */
		free_press(presses->all);
	free(presses);
}

static void answered(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	(void)owner;
	(void)ticket;
	if (answer->how != TELEGRAM_OK) /* "query is too old": nobody waits any more (sheet 2.4) */
		log_debug(bot->host->log, "a button was not answered: %s", answer->why ? answer->why : "?");
}

void telegram_press_answer(struct platform *bot, const char *id, const char *text)
{
	json_t *args = json_pack("{s:s}", "callback_query_id", id);

	if (text)
		json_object_set_new(args, "text", json_string(text));
	telegram_api(bot, &(struct telegram_call){ .method = "answerCallbackQuery", .args = args }, answered,
		     NULL, 0);
}

static void waited(void *data)
{
	struct press *press = data;

	telegram_press_answer(press->presses->bot, press->id, NULL);
	free_press(press);
}

static struct press *find(const struct telegram_presses *presses, const char *id)
{
	struct press *press = presses->all;

	while (press && strcmp(press->id, id) != 0)
		press = press->next;
	return press;
}

void telegram_press_wait(struct platform *bot, const char *id)
{
	struct press *press = find(bot->presses, id);

	if (press)
		return;
	press = mem_zero(1, sizeof(*press));
	press->presses = bot->presses;
	press->timer = loop_timer_create(bot->host->loop, waited, press);
	snprintf(press->id, sizeof(press->id), "%s", id);
	DL_APPEND(bot->presses->all, press);
	loop_timer_start(press->timer, WAIT_MS, 0);
}

void telegram_press_over(struct platform *bot, const char *id, bool answer)
{
	struct press *press = find(bot->presses, id);

	if (press == NULL)
		return;
	if (answer)
		telegram_press_answer(bot, id, NULL);
	free_press(press);
}
