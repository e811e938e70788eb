/* Jobs wait here for their thread: a locked list, with patience for the ones that nobody waits for. */
#include "line.h"
#include <time.h>

void jobs_init(struct jobs *jobs)
{
	*jobs = (struct jobs){ .last = &jobs->first };
}

void jobs_add(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	*jobs->last = job;
	jobs->last = &job->next;
	jobs->count++;
}

/* The condition's own clock: CLOCK_BOOTTIME can't be waited for. */
static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void line_init(struct line *line, unsigned doze_ms)
{
	pthread_condattr_t attributes;

	*line = (struct line){ .doze_ms = doze_ms };
	jobs_init(&line->jobs);
	pthread_mutex_init(&line->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&line->more, &attributes);
	pthread_condattr_destroy(&attributes);
}

void line_finish(struct line *line)
{
	pthread_cond_destroy(&line->more);
	pthread_mutex_destroy(&line->lock);
}

void line_put(struct line *line, struct job *job)
{
	bool wake;

	pthread_mutex_lock(&line->lock);
	if (job->way == JOB_LAZY) {
		wake = line->asleep;
		if (line->lazy_due == 0)
			line->lazy_due = now_ms() + LINE_LAZY_MS;
	} else {
		wake = line->hurried++ == 0;
	}
	jobs_add(&line->jobs, job);
	if (wake)
		pthread_cond_signal(&line->more);
	pthread_mutex_unlock(&line->lock);
}

void line_close(struct line *line)
{
	pthread_mutex_lock(&line->lock);
	line->closing = true;
	pthread_cond_signal(&line->more);
	pthread_mutex_unlock(&line->lock);
}

static void wait_until(struct line *line, uint64_t when)
{
	struct timespec until = { .tv_sec = (time_t)(when / 1000), .tv_nsec = (long)(when % 1000) * 1000000 };

	pthread_cond_timedwait(&line->more, &line->lock, &until);
}

/* Waits until there is something to do, or patience is over. First a doze: only hurried jobs end it, since
 * the marks of a message just answered come right behind it and would each cost a wake-up. */
static bool wait_for_work(struct line *line, unsigned patience_ms)
{
	uint64_t now = now_ms(), patient = now + patience_ms, doze = now + line->doze_ms;

	while (line->hurried == 0 && !line->closing) {
		uint64_t until = now < doze && doze < patient ? doze : patient;

		if (line->lazy_due && line->lazy_due <= now)
			return true;
		if (now >= patient)
			return false;
		if (line->lazy_due && line->lazy_due < until)
			until = line->lazy_due;
		line->asleep = now >= doze && line->jobs.count == 0;
		wait_until(line, until);
		line->asleep = false;
		now = now_ms();
	}
	return line->jobs.count > 0;
}

bool line_take(struct line *line, size_t most, unsigned patience_ms, struct jobs *jobs_out)
{
	bool open;

	jobs_init(jobs_out);
	pthread_mutex_lock(&line->lock);
	if (wait_for_work(line, patience_ms)) {
		bool lazy_left = false;

		while (line->jobs.first && jobs_out->count < most) {
			struct job *job = line->jobs.first;

			line->jobs.first = job->next;
			line->jobs.count--;
			line->hurried -= job->way != JOB_LAZY;
			jobs_add(jobs_out, job);
		}
		if (line->jobs.first == NULL)
			line->jobs.last = &line->jobs.first;
		for (struct job *job = line->jobs.first; job && !lazy_left; job = job->next)
			lazy_left = job->way == JOB_LAZY;
		if (!lazy_left)
			line->lazy_due = 0;
	}
	open = !line->closing || jobs_out->count > 0;
	pthread_mutex_unlock(&line->lock);
	return open;
}
