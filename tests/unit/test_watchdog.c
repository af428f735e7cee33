/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the watchdog: it is fed while all workers make turns, also when the main loop is busy,
 * and not while one of them hangs.
 */
#include "io/clock.h"
#include "watchdog.h"

#include "suite.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static struct worker two[2];
static struct workers workers = { .at = two, .len = 2 };
static _Atomic int hangs; /* the second worker makes no turns */
static _Atomic int is_over;

static void turn(struct worker *w)
{
	atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
}

static void *turn_main(void *arg)
{
	(void)arg;
	while (is_over == 0) {
		turn(&two[0]);
		if (hangs == 0) {
			turn(&two[1]);
		}
		(void)usleep(1000);
	}
	return NULL;
}

/* Returns the service manager's socket; receives wait at most wait_msec. */
static int listen_to_watchdog(unsigned wait_msec)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = wait_msec / 1000, .tv_usec = wait_msec % 1000 * 1000 };
	char path[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(path, sizeof(path), "@finwall-test-watchdog-%d", (int)getpid());
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	addr.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
	                 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	(void)setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static bool is_fed(int fd)
{
	char text[64] = "";

	return recv(fd, text, sizeof(text) - 1, 0) > 0 && strcmp(text, "WATCHDOG=1") == 0;
}

START_TEST(the_watchdog_follows_the_workers)
{
	int fd = listen_to_watchdog(5000);
	struct timeval soon = { .tv_usec = 500000 };
	struct watchdog *wd;
	pthread_t thread;

	(void)setenv("WATCHDOG_USEC", "200000", 1);
	(void)unsetenv("WATCHDOG_PID");
	ck_assert_int_eq(watchdog_start(&workers, clock_now(), &wd), 0);
	ck_assert_ptr_nonnull(wd);
	ck_assert_int_eq(pthread_create(&thread, NULL, turn_main, NULL), 0);
	/* This thread, the main one, makes no watchdog_tick(). */
	for (unsigned i = 0; i < 10; i++) {
		ck_assert(is_fed(fd));
	}
	hangs = 1;
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	for (unsigned fed = 0; is_fed(fd); fed++) {
		ck_assert_uint_lt(fed, 3);
	}
	hangs = 0;
	soon.tv_sec = 5;
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	ck_assert(is_fed(fd));
	watchdog_stop(wd);
	is_over = 1;
	(void)pthread_join(thread, NULL);
	(void)close(fd);
}
END_TEST

START_TEST(a_main_loop_that_never_returns_ends_the_feeding)
{
	struct mono turned = clock_now();

	turn(&two[0]);
	ck_assert(!watchdog_is_due(&workers, turned, turned));
	turn(&two[1]);
	ck_assert(watchdog_is_due(&workers, turned, mono_add(turned, sec_to_ns(299))));
	turn(&two[0]);
	turn(&two[1]);
	ck_assert(!watchdog_is_due(&workers, turned, mono_add(turned, sec_to_ns(301))));
	ck_assert(watchdog_is_due(&workers, turned, turned));
}
END_TEST

START_TEST(without_an_interval_there_is_no_watchdog)
{
	struct watchdog *wd;

	(void)unsetenv("WATCHDOG_USEC");
	ck_assert_int_eq(watchdog_start(&workers, clock_now(), &wd), 0);
	ck_assert_ptr_null(wd);
	watchdog_tick(wd, clock_now());
	watchdog_stop(wd);
}
END_TEST

SUITE_MAIN("watchdog", the_watchdog_follows_the_workers,
           a_main_loop_that_never_returns_ends_the_feeding,
           without_an_interval_there_is_no_watchdog)
