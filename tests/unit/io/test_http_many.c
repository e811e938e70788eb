/* Many calls at once, and what they leave behind: the loop must stay at rest and nothing may pile up. */
#include "call_stage.h"
#include "loop.h"
#include <netdb.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CALLS = 500 };

static const char *serve(peer_fn *script)
{
	peer = peer_start(&(struct peer_setup){ .script = script });
	return peer_url(peer, "http", "/");
}

/* ---- many ---------------------------------------------------------------------------------------------- */

static unsigned ended[CALLS], ends;

static void take_end(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	(void)owner;
	assert_int_equal(answer->how, HTTP_ANSWERED);
	assert_int_equal(answer->status, 200);
	ended[ticket]++;
	if (++ends == CALLS)
		io_stop(client.io);
}

static void run_many(const char *url)
{
	struct http_call call = { .method = "POST", .url = url, .body = "{}", .body_len = 2 };

	memset(ended, 0, sizeof(ended));
	ends = 0;
	for (unsigned i = 0; i < CALLS; i++)
		http_start(client.http, &call, NULL, take_end, NULL, i);
	assert_int_equal(http_running(client.http), CALLS);
	client_run(&client);
	for (unsigned i = 0; i < CALLS; i++)
		assert_int_equal(ended[i], 1);
	assert_int_equal(http_running(client.http), 0);
}

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;

/* Answers nobody before all have asked: they really run at the same time. The last one wakes the others: five
 * hundred threads that look again and again would leave the caller no time on a busy machine. */
static void answer_when_all_are_here(struct peer_link *link)
{
	while (peer_read(link)) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 60;
		pthread_mutex_lock(&all_lock);
		while (link->peer->requests < CALLS &&
		       pthread_cond_timedwait(&all_here, &all_lock, &until) == 0)
			continue;
		pthread_cond_broadcast(&all_here);
		pthread_mutex_unlock(&all_lock);
		peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	}
}

static void test_many_at_once(void **state)
{
	const char *url = serve(answer_when_all_are_here);
	unsigned before;

	(void)state;
	run_many(url);
	assert_int_equal(peer->connections, CALLS);
	before = peer->connections;
	run_many(url); /* again, on the connections that were kept */
	assert_int_equal(peer->connections, before);
}

/* ---- at rest ------------------------------------------------------------------------------------------- */

static sem_t go;

static void answer_and_close(struct peer_link *link)
{
	if (!peer_read(link))
		return;
	peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	sem_wait(&go);
}

static void stop_loop(void *data)
{
	io_stop(data);
}

static double cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used); /* the loop's thread only, not the server's */
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* The peer closes a kept connection, as every server does some day. A loop that polls it on would spin. */
static void test_closed_idle_connection_leaves_the_cpu_at_rest(void **state)
{
	struct loop_timer *timer = loop_timer_create(io_loop(client.io), stop_loop, client.io);
	const char *url;
	double before, used;

	(void)state;
	sem_init(&go, 0, 0);
	url = serve(answer_and_close);
	client_get(&client, url, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	sem_post(&go);
	before = cpu_seconds();
	loop_timer_start(timer, 200, 0);
	client_run(&client);
	used = cpu_seconds() - before;
	loop_timer_destroy(timer);
	if (used > 0.05)
		fail_msg("%.0f of 200 ms were spent on doing nothing", used * 1000);
	sem_post(&go);
	client_get(&client, url, &result); /* the dead connection is not taken for a live one */
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(peer->connections, 2);
	sem_destroy(&go);
}

/* ---- names --------------------------------------------------------------------------------------------- */

static sem_t name_known;
static unsigned lookups_now, lookups_most, lookups_done;
static pthread_mutex_t lookups_lock = PTHREAD_MUTEX_INITIALIZER;

/* A name server that keeps everybody waiting, in the threads curl resolves names in. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)out;
	pthread_mutex_lock(&lookups_lock);
	lookups_most = ++lookups_now > lookups_most ? lookups_now : lookups_most;
	pthread_mutex_unlock(&lookups_lock);
	sem_wait(&name_known);
	pthread_mutex_lock(&lookups_lock);
	lookups_now--;
	lookups_done++;
	pthread_mutex_unlock(&lookups_lock);
	return EAI_NONAME;
}

static unsigned read_locked(const unsigned *value)
{
	unsigned copy;

	pthread_mutex_lock(&lookups_lock);
	copy = *value;
	pthread_mutex_unlock(&lookups_lock);
	return copy;
}

static void take_not_sent(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	(void)owner;
	(void)ticket;
	assert_int_equal(answer->how, HTTP_NOT_SENT);
	assert_int_equal(answer->err.kind, ERR_AGAIN);
	if (++ends == 100)
		io_stop(client.io);
}

static void tick(void *data)
{
	unsigned *ticks = data;

	++*ticks;
}

/* A hundred calls to a name nobody resolves in time: they end in time, the loop goes on meanwhile, and they
 * do not cost a hundred threads. */
static void test_slow_names_stop_nobody(void **state)
{
	struct http_call call = { .method = "GET", .url = "http://slow.example/", .total_ms = 1000 };
	unsigned ticks = 0, done;
	struct loop_timer *timer = loop_timer_create(io_loop(client.io), tick, &ticks);

	(void)state;
	sem_init(&name_known, 0, 0);
	ends = 0;
	for (int i = 0; i < 100; i++)
		http_start(client.http, &call, NULL, take_not_sent, NULL, 0);
	loop_timer_start(timer, 10, 10);
	client_run(&client);
	loop_timer_destroy(timer);
	assert_true(ticks > 0); /* a blocked loop would have none */
	assert_in_range(read_locked(&lookups_most), 1, 64);
	for (int i = 0; i < 200; i++)
		sem_post(&name_known);
	do { /* the threads outlive their calls */
		struct timespec moment = { .tv_nsec = 1000000 };

		nanosleep(&moment, NULL);
		done = read_locked(&lookups_now);
	} while (done > 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_many_at_once),
		CASE(test_closed_idle_connection_leaves_the_cpu_at_rest),
		CASE(test_slow_names_stop_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
