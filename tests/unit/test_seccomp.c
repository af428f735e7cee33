/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io/seccomp.h: what the daemon's own filter refuses, each in a child process. */
#include "io/seccomp.h"

#include "suite.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int map_executable(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	                -1, 0);

	return at == MAP_FAILED ? errno : 0;
}

static int make_executable(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		return -1;
	}
	return mprotect(at, 4096, PROT_READ | PROT_EXEC) != 0 ? errno : 0;
}

static int run_program(void)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };

	(void)execv("/bin/true", argv);
	return errno;
}

static int open_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? errno : 0;
}

static int load_program(void)
{
	return syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0) < 0 ? errno : 0;
}

static int change_user(void)
{
	return setuid(0) < 0 ? errno : 0;
}

static int work(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = socket(AF_NETLINK, SOCK_RAW, 0);

	return at == MAP_FAILED || fd < 0 ? errno : 0;
}

/* Returns the error number of the call in a restricted child, or -1 if it was killed. */
static int restricted(int (*call)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int err;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || seccomp_restrict() != 0) {
			_exit(255);
		}
		err = call();
		_exit(err);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(the_filter_refuses_what_the_daemon_does_not_need)
{
	ck_assert_int_eq(restricted(work), 0);
	ck_assert_int_eq(restricted(map_executable), EPERM);
	ck_assert_int_eq(restricted(make_executable), EPERM);
	ck_assert_int_eq(restricted(run_program), ENOSYS);
	ck_assert_int_eq(restricted(open_packet_socket), EAFNOSUPPORT);
	ck_assert_int_eq(restricted(load_program), EPERM);
	ck_assert_int_eq(restricted(change_user), ENOSYS);
}
END_TEST

SUITE_MAIN("seccomp", the_filter_refuses_what_the_daemon_does_not_need)
