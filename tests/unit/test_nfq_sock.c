/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the queue's socket, and of the raw packet sender's process, each in a network namespace
 * of its own. Root, or a user who may create user namespaces; otherwise skipped.
 */
#include "io/nfq_proc.h"
#include "io/nfq_sock.h"
#include "io/rawsend.h"

#include "suite.h"

#include <finwall/stats.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIP  77
#define QUEUE 5

/* An open descriptor that the raw packet sender must close. */
#define STRAY_FD 200

static const struct nfq_params params = { .len = 16, .rcvbuf_bytes = 65536, .copy_bytes = 64 };

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	(void)close(fd);
	return is_done;
}

/* Enters a new network namespace, and as another user than root a user namespace as its root. */
static bool enter_namespace(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];

	if (uid == 0) {
		return unshare(CLONE_NEWNET) == 0;
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		return false;
	}
	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", map)) {
		return false;
	}
	(void)snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", map);
}

static struct nfq_sock *open_queue(struct nfq_counters *counters)
{
	struct nfq_sock *s = NULL;

	ck_assert(enter_namespace());
	ck_assert_int_eq(nfq_sock_open(QUEUE, &params, counters, &s), 0);
	return s;
}

static int adopt(int fd)
{
	struct nfq_counters counters = { 0 };
	struct nfq_sock *s = NULL;
	int err = nfq_sock_adopt(fd, QUEUE, &params, &counters, &s);

	nfq_sock_close(s);
	return err;
}

static int new_socket(void)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	return fd;
}

/* Each verdict counts as one, whatever its size, and only once the last retry has failed. */
START_TEST(lost_verdicts_are_counted_by_number)
{
	uint8_t buf[NFQ_VERDICT_SIZE + 4 * NFQ_VERDICT_MARK_SIZE];
	struct nfq_out out = { .data = buf, .buf_size = sizeof(buf) };
	struct nfq_counters counters = { 0 };
	struct nfq_sock *s = open_queue(&counters);
	int not_a_socket = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (uint32_t id = 1; id <= 4; id++) {
		ck_assert(nfq_put_verdict_mark(&out, QUEUE, id, NF_ACCEPT, 1));
	}
	ck_assert(nfq_put_verdict(&out, QUEUE, 5, NF_DROP));
	ck_assert_int_ge(dup2(not_a_socket, nfq_sock_fd(s)), 0);
	ck_assert_int_eq(nfq_sock_send(s, &out), -ENOTSOCK);
	ck_assert_uint_eq(stat_get(&counters.count[NFQ_COUNT_VERDICTS_LOST]), 5);
	ck_assert_uint_gt(stat_get(&counters.count[NFQ_COUNT_SEND_FAILS]), 1);
	ck_assert_uint_eq(out.size, 0);
	ck_assert_uint_eq(out.len, 0);
	nfq_sock_close(s);
}
END_TEST

START_TEST(sent_verdicts_are_not_lost)
{
	uint8_t buf[NFQ_VERDICT_SIZE];
	struct nfq_out out = { .data = buf, .buf_size = sizeof(buf) };
	struct nfq_counters counters = { 0 };
	struct nfq_sock *s = open_queue(&counters);

	ck_assert(nfq_put_verdict(&out, QUEUE, 1, NF_ACCEPT));
	ck_assert_int_eq(nfq_sock_send(s, &out), 0);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_uint_eq(stat_get(&counters.count[NFQ_COUNT_VERDICTS_LOST]), 0);
	nfq_sock_close(s);
}
END_TEST

START_TEST(the_queues_own_socket_is_adopted)
{
	struct nfq_counters counters = { 0 };
	struct nfq_sock *s = open_queue(&counters);

	ck_assert_int_eq(adopt(dup(nfq_sock_fd(s))), 0);
	nfq_sock_close(s);
}
END_TEST

/* The queue is bound, but to another socket: no packet would ever arrive on this one. /proc shows
 * it to root and its group. */
START_TEST(another_socket_is_not_adopted)
{
	struct nfq_counters counters = { 0 };
	struct nfq_sock *s = open_queue(&counters);
	struct nfq_proc proc;

	if (nfq_proc_read(QUEUE, &proc) == 0) {
		ck_assert_int_eq(adopt(new_socket()), -EBUSY);
	}
	nfq_sock_close(s);
}
END_TEST

START_TEST(an_unbound_queue_is_not_adopted)
{
	ck_assert(enter_namespace());
	ck_assert_int_eq(adopt(new_socket()), -ENODEV);
	ck_assert_int_eq(adopt(open("/dev/null", O_RDWR | O_CLOEXEC)), -EINVAL);
}
END_TEST

/* Without the capability the kernel refuses each request with EPERM, bound or not. */
START_TEST(eperm_is_not_read_as_bound)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	struct nfq_counters counters = { 0 };
	struct nfq_sock *s = open_queue(&counters);
	int fd = dup(nfq_sock_fd(s));

	ck_assert_int_eq((int)syscall(SYS_capget, &header, caps), 0);
	caps[0].effective &= ~(1u << CAP_NET_ADMIN);
	ck_assert_int_eq((int)syscall(SYS_capset, &header, caps), 0);
	ck_assert_int_eq(adopt(fd), -EPERM);
	nfq_sock_close(s);
}
END_TEST

/* From now on close_range() fails as on a kernel that does not have it. */
static void hide_close_range(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
	ck_assert_int_eq((int)syscall(SYS_close_range, ~0U, ~0U, 0U), -1);
	ck_assert_int_eq(errno, ENOSYS);
}

/* Returns the number of descriptors that the process has open, or -1. */
static int count_fds(pid_t pid)
{
	const struct dirent *entry;
	char path[64];
	int n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (dir == NULL) {
		return -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		n += entry->d_name[0] != '.';
	}
	(void)closedir(dir);
	return n;
}

static void start_raw_sender(void)
{
	struct rawsend r;
	int by_signal;
	int fds = -1;

	ck_assert_int_eq(dup2(STDERR_FILENO, STRAY_FD), STRAY_FD);
	ck_assert_int_eq(rawsend_start(&r, 0), 0);
	for (unsigned msec = 0; msec < 5000 && fds != 5; msec++) {
		ck_assert(!rawsend_has_ended(&r, &by_signal));
		(void)poll(NULL, 0, 1);
		fds = count_fds(r.pid);
	}
	/* One for requests, two raw sockets for each family. */
	ck_assert_int_eq(fds, 5);
	rawsend_stop(&r);
}

START_TEST(the_raw_sender_closes_other_descriptors)
{
	ck_assert(enter_namespace());
	start_raw_sender();
}
END_TEST

START_TEST(the_raw_sender_does_without_close_range)
{
	ck_assert(enter_namespace());
	hide_close_range();
	start_raw_sender();
}
END_TEST

/* In a process of its own: a process cannot leave its namespaces. */
static bool can_run(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct nfq_counters counters = { 0 };
		struct nfq_sock *s = NULL;
		bool is_fine =
			enter_namespace() && nfq_sock_open(QUEUE, &params, &counters, &s) == 0;

		nfq_sock_close(s);
		_exit(is_fine ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static SUITE_PART(socket_tests, lost_verdicts_are_counted_by_number, sent_verdicts_are_not_lost,
                  the_queues_own_socket_is_adopted, another_socket_is_not_adopted,
                  an_unbound_queue_is_not_adopted, eperm_is_not_read_as_bound,
                  the_raw_sender_closes_other_descriptors, the_raw_sender_does_without_close_range)

	int main(void)
{
	suite_part_fn *const parts[] = { socket_tests };

	if (!can_run()) {
		fprintf(stderr, "test_nfq_sock: skipped: no network namespace, or no NFQUEUE\n");
		return SKIP;
	}
	return suite_run("nfq_sock", parts, ARRAY_LEN(parts));
}
