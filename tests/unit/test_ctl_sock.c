/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the control socket's clients: a slot is free again when its client has gone, whatever
 * the client has sent before.
 */
#include "io/ctl_sock.h"

#include "suite.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* More than the socket has slots. */
#define CLIENTS_LEN 40

static struct event_base *base;
static struct ctl_sock *sock;
static unsigned streams;
static char path[64];

static void endless_next(struct ctl_stream *s, struct ctl_client *c)
{
	(void)s;
	(void)c;
}

static void endless_free(struct ctl_stream *s)
{
	streams--;
	free(s);
}

/* "stream" starts an endless stream; any other method gets an empty reply. */
static void on_call(void *ctx, struct ctl_client *c, const struct ctl_call *call)
{
	(void)ctx;
	if (strcmp(call->method, "test.stream") == 0) {
		struct ctl_stream *s = calloc(1, sizeof(*s));

		ck_assert_ptr_nonnull(s);
		*s = (struct ctl_stream){ endless_next, endless_free, true };
		streams++;
		ctl_client_stream(c, s);
		return;
	}
	ctl_client_reply(c, NULL, CTL_LAST);
}

static void open_sock(void)
{
	const struct ctl_handler handler = { .call = on_call };

	(void)snprintf(path, sizeof(path), "/tmp/finwall-test-ctl.%d", (int)getpid());
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(ctl_sock_open(base, path, &handler, NULL, &sock), 0);
}

static void close_sock(void)
{
	ctl_sock_close(sock);
	event_base_free(base);
	libevent_global_shutdown();
}

static int connect_client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void send_call(int fd, const char *method)
{
	size_t size;
	char *msg = ctl_encode_call(method, NULL, CTL_CONTINUES, &size);

	ck_assert_ptr_nonnull(msg);
	(void)send(fd, msg, size, MSG_NOSIGNAL);
	free(msg);
}

static void turn(void)
{
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	}
}

/* The second call, the pipelined one, fills the daemon's input buffer and the socket's. */
START_TEST(pipelined_input_behind_a_stream_takes_no_slot)
{
	static const char filler[4096];
	char reply[256];
	int fd;

	for (unsigned nr = 0; nr < CLIENTS_LEN; nr++) {
		fd = connect_client();
		send_call(fd, "test.stream");
		turn();
		ck_assert_uint_eq(streams, 1);
		for (unsigned i = 0; i < 16; i++) {
			(void)send(fd, filler, sizeof(filler), MSG_NOSIGNAL);
			turn();
		}
		(void)close(fd);
		turn();
		ck_assert_msg(streams == 0, "client %u holds its slot", nr);
	}
	fd = connect_client();
	send_call(fd, "test.other");
	turn();
	ck_assert_int_gt(recv(fd, reply, sizeof(reply), 0), 0);
	ck_assert_ptr_null(strstr(reply, "TooManyClients"));
	(void)close(fd);
}
END_TEST

/* All in one write: the input is there before the stream begins. */
START_TEST(input_sent_with_the_call_takes_no_slot)
{
	static char filler[64 << 10];

	for (unsigned nr = 0; nr < CLIENTS_LEN; nr++) {
		int fd = connect_client();

		send_call(fd, "test.stream");
		(void)send(fd, filler, sizeof(filler), MSG_NOSIGNAL);
		(void)close(fd);
		turn();
		ck_assert_msg(streams == 0, "client %u holds its slot", nr);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, open_sock, close_sock);
	tcase_add_test(tc, pipelined_input_behind_a_stream_takes_no_slot);
	tcase_add_test(tc, input_sent_with_the_call_takes_no_slot);
}

SUITE_MAIN_PARTS("ctl_sock", add_tests)
