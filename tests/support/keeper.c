/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper: a service manager's side of the sd_notify(3) and sd_listen_fds(3) protocols, for tests on
 * machines without one. Runs a program, stores the descriptors that it sends, and passes them to
 * the next process.
 *
 *   keeper SOCKET PROGRAM [ARG...]     SOCKET: path of the notify socket to create
 *
 * Prints `started N PID`, `ready N` when the Nth process is ready, and `exit N STATUS` when it has
 * ended. SIGUSR1 restarts it (SIGTERM), SIGUSR2 kills it (SIGKILL) and starts the next one, SIGTERM
 * ends it and the keeper, which exits with its status. The keeper also ends when a process ends by
 * itself.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT_MAX 64

struct keeper {
	char **program;
	const char *socket_path;
	int notify_fd;
	int signal_fd;
	pid_t pid;
	unsigned run; /* the Nth process */
	unsigned kept_len;
	struct {
		int fd;
		char name[64];
	} kept[KEPT_MAX];
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void set_number(const char *name, long n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%ld", n);
	(void)setenv(name, text, 1);
}

/* In the child: moves the descriptors to their numbers, by way of numbers that are free. */
static void give_fds(const struct keeper *k)
{
	char names[KEPT_MAX * 65] = "";
	int moved[KEPT_MAX];

	for (unsigned i = 0; i < k->kept_len; i++) {
		moved[i] = dup(k->kept[i].fd);
		while (moved[i] >= 0 && moved[i] < 3 + KEPT_MAX) {
			moved[i] = dup(moved[i]);
		}
		(void)strcat(strcat(names, i > 0 ? ":" : ""), k->kept[i].name);
	}
	for (unsigned i = 0; i < k->kept_len; i++) {
		(void)dup2(moved[i], 3 + (int)i);
	}
	(void)close_range(3 + k->kept_len, ~0U, 0);
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", k->kept_len);
	(void)setenv("LISTEN_FDNAMES", names, 1);
}

static void start(struct keeper *k)
{
	k->run++;
	k->pid = fork();
	if (k->pid < 0) {
		die("fork");
	}
	if (k->pid > 0) {
		printf("started %u %d\n", k->run, (int)k->pid);
	}
	if (k->pid == 0) {
		sigset_t none;

		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)setenv("NOTIFY_SOCKET", k->socket_path, 1);
		set_number("FDSTORE", KEPT_MAX);
		give_fds(k);
		(void)execv(k->program[0], k->program);
		die(k->program[0]);
	}
}

/* Waits for the process to end, and prints its status. */
static int reap(struct keeper *k)
{
	int status = 0;

	while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR) {
	}
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	printf("exit %u %d\n", k->run, status);
	return status;
}

static void keep(struct keeper *k, int fd, const char *name)
{
	if (k->kept_len == KEPT_MAX) {
		(void)close(fd);
		return;
	}
	k->kept[k->kept_len].fd = fd;
	(void)snprintf(k->kept[k->kept_len++].name, sizeof(k->kept[0].name), "%s", name);
}

static void forget(struct keeper *k, const char *name)
{
	for (unsigned i = 0; i < k->kept_len; i++) {
		if (strcmp(k->kept[i].name, name) == 0) {
			(void)close(k->kept[i].fd);
			k->kept[i--] = k->kept[--k->kept_len];
		}
	}
}

static int fd_of(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	return fd;
}

static void take_notice(struct keeper *k)
{
	char text[1024];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control,
		              .msg_controllen = sizeof(control) };
	ssize_t size = recvmsg(k->notify_fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	const char *name = "";
	int is_removal = 0;
	int fd;

	if (size < 0) {
		return;
	}
	fd = fd_of(&msg);
	text[size] = '\0';
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (strcmp(line, "READY=1") == 0) {
			printf("ready %u\n", k->run);
		} else if (strncmp(line, "FDNAME=", 7) == 0) {
			name = line + 7;
		} else if (strcmp(line, "FDSTOREREMOVE=1") == 0) {
			is_removal = 1;
		}
	}
	if (fd >= 0) {
		keep(k, fd, name);
	} else if (is_removal) {
		forget(k, name);
	}
}

static void take_signal(struct keeper *k)
{
	struct signalfd_siginfo info;

	if (read(k->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
		return;
	}
	switch (info.ssi_signo) {
	case SIGUSR1:
		(void)kill(k->pid, SIGTERM);
		break;
	case SIGUSR2:
		(void)kill(k->pid, SIGKILL);
		break;
	case SIGTERM:
		(void)kill(k->pid, SIGTERM);
		exit(reap(k));
	default: /* SIGCHLD: the main loop checks */
		return;
	}
	(void)reap(k);
	/* Its last messages, which may have descriptors. */
	for (unsigned i = 0; i < KEPT_MAX; i++) {
		take_notice(k);
	}
	start(k);
}

static void open_fds(struct keeper *k)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	sigset_t signals;

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", k->socket_path);
	k->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (k->notify_fd < 0 || bind(k->notify_fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		die(k->socket_path);
	}
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGUSR1);
	(void)sigaddset(&signals, SIGUSR2);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	k->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (k->signal_fd < 0) {
		die("signalfd");
	}
}

/* True when the current process has ended by itself. */
static int has_ended(const struct keeper *k)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)k->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == k->pid;
}

int main(int argc, char **argv)
{
	static struct keeper k;

	if (argc < 3) {
		fputs("usage: keeper SOCKET PROGRAM [ARG...]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	k.socket_path = argv[1];
	k.program = argv + 2;
	open_fds(&k);
	start(&k);
	for (;;) {
		struct pollfd fds[] = { { .fd = k.notify_fd, .events = POLLIN },
			                { .fd = k.signal_fd, .events = POLLIN } };

		(void)poll(fds, 2, -1);
		if ((fds[0].revents & POLLIN) != 0) {
			take_notice(&k);
		}
		if ((fds[1].revents & POLLIN) != 0) {
			take_signal(&k);
		}
		if (has_ended(&k)) {
			return reap(&k);
		}
	}
}
