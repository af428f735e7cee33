/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw packet sender's process, and the daemon's end of it.
 *
 * Between fork() and its loop the child uses system calls only, because the parent may have
 * threads. A failure there ends the child, which the daemon sees as a closed socket.
 */
#include "rawsend.h"

#include "wire/raw_packet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's descriptors; no other one is open. */
enum child_fd {
	CHILD_REQUESTS,
	CHILD_IP4,
	CHILD_IP6,
	CHILD_FDS_LEN,
};

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#endif

/* Returns a raw socket for packets with an IP header, or -errno, as without the family. */
static int open_raw(int family, uint32_t mark)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	int err;

	if (fd < 0) {
		return -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void close_if_open(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return (int)syscall(SYS_capset, &header, none);
}

static int restrict_syscalls(void)
{
#ifdef AUDIT_ARCH_HERE
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_HERE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_recvfrom, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return -1;
	}
	/* Without seccomp in the kernel the process still has no capabilities. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0 && errno != EINVAL) {
		return -1;
	}
#endif
	return 0;
}

/* The address that the kernel routes the packet to. A raw socket ignores ports. */
static socklen_t destination(const struct tuple *t, struct sockaddr_storage *to)
{
	struct sockaddr_in *to4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *to6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (t->family == 4) {
		to4->sin_family = AF_INET;
		memcpy(&to4->sin_addr, t->dst.bytes, 4);
		return sizeof(*to4);
	}
	to6->sin6_family = AF_INET6;
	memcpy(&to6->sin6_addr, t->dst.bytes, 16);
	return sizeof(*to6);
}

/*
 * Sends requested packets until the daemon closes its end. A packet that cannot be sent is lost.
 * Not _Noreturn: before a call of such a function a sanitizer makes system calls of its own.
 */
static void child_loop(void)
{
	struct raw_request req;
	ssize_t got;

	while ((got = recv(CHILD_REQUESTS, &req, sizeof(req), 0)) != 0) {
		uint8_t packet[RAW_PACKET_SIZE];
		struct sockaddr_storage to;
		size_t size;

		if (got != (ssize_t)sizeof(req)) {
			if (got < 0 && errno != EINTR) {
				break;
			}
			continue;
		}
		size = raw_packet_write(&req, packet);
		if (size > 0) {
			(void)sendto(req.tuple.family == 4 ? CHILD_IP4 : CHILD_IP6, packet, size, 0,
			             (struct sockaddr *)&to, destination(&req.tuple, &to));
		}
	}
}

/* The beginning of getdents64(2)'s records; the C library has no struct for them. */
struct dirent_head {
	uint64_t inode;
	int64_t offset;
	uint16_t size; /* of the record */
	uint8_t type;
	char name[];
};

/* Returns the number that a name of /proc/self/fd is, -1 for "." and "..". */
static int fd_of(const char *name)
{
	int fd = 0;

	if (*name < '0' || *name > '9') {
		return -1;
	}
	while (*name != '\0') {
		fd = fd * 10 + (*name++ - '0');
	}
	return fd;
}

/* Closes the descriptors from first on that /proc/self/fd lists. */
static int close_listed(int first)
{
	_Alignas(struct dirent_head) char buf[1024];
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long size;

	if (dir < 0) {
		return -1;
	}
	while ((size = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < size;) {
			const struct dirent_head *entry = (const void *)(buf + at);
			int fd = fd_of(entry->name);

			if (fd >= first && fd != dir) {
				(void)close(fd);
			}
			at += entry->size;
		}
	}
	(void)close(dir);
	return size == 0 ? 0 : -1;
}

/* Closes all descriptors from first on. */
static int close_from(int first)
{
#ifdef SYS_close_range
	/* Linux 5.9. An older seccomp filter of a container refuses it with EPERM. */
	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0) {
		return 0;
	}
	if (errno != ENOSYS && errno != EPERM) {
		return -1;
	}
#endif
	return close_listed(first);
}

/* Moves the child's descriptors to their numbers and closes all others. */
static int place_fds(int requests, int ip4, int ip6)
{
	int from[CHILD_FDS_LEN] = { requests, ip4, ip6 };

	/* First to numbers above all of enum child_fd, then to those. */
	for (int i = 0; i < CHILD_FDS_LEN; i++) {
		from[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD, CHILD_FDS_LEN);
	}
	for (int i = 0; i < CHILD_FDS_LEN; i++) {
		if (from[i] < 0) {
			(void)close(i);
		} else if (dup2(from[i], i) < 0) {
			return -1;
		}
	}
	return close_from(CHILD_FDS_LEN);
}

static _Noreturn void child_main(int requests, int ip4, int ip6)
{
	/* The kernel kills it when the daemon exits. A terminal sends its signals to both; the
	 * daemon handles them.
	 */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)prctl(PR_SET_NAME, "finwall-raw", 0, 0, 0);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	if (place_fds(requests, ip4, ip6) != 0 || drop_capabilities() != 0 ||
	    restrict_syscalls() != 0) {
		_exit(1);
	}
	child_loop();
	for (;;) {
		(void)syscall(SYS_exit_group, 0);
	}
}

int rawsend_start(struct rawsend *r, uint32_t mark)
{
	int pair[2] = { -1, -1 };
	int ip4 = open_raw(AF_INET, mark);
	int ip6 = open_raw(AF_INET6, mark);
	int err = 0;

	*r = RAWSEND_NONE;
	if (ip4 < 0 && ip6 < 0) {
		err = ip4;
		goto out;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		err = -errno;
		goto out;
	}
	r->pid = fork();
	if (r->pid < 0) {
		err = -errno;
		*r = RAWSEND_NONE;
		goto out;
	}
	if (r->pid == 0) {
		child_main(pair[1], ip4, ip6);
	}
	r->fd = pair[0];
	pair[0] = -1;
out:
	close_if_open(pair[0]);
	close_if_open(pair[1]);
	close_if_open(ip4);
	close_if_open(ip6);
	return err;
}

bool rawsend_has_ended(struct rawsend *r, int *by_signal)
{
	int status = 0;

	if (r->pid <= 0 || waitpid(r->pid, &status, WNOHANG) == 0) {
		return false;
	}
	*by_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	r->pid = 0;
	return true;
}

int rawsend_restart(struct rawsend *r, uint32_t mark)
{
	struct rawsend fresh;
	int err = rawsend_start(&fresh, mark);

	if (err != 0) {
		return err;
	}
	/* Workers may be sending: dup3() replaces the descriptor atomically. */
	if (dup3(fresh.fd, r->fd, O_CLOEXEC) < 0) {
		err = -errno;
		rawsend_stop(&fresh);
		return err;
	}
	close(fresh.fd);
	r->pid = fresh.pid;
	return 0;
}

void rawsend_stop(struct rawsend *r)
{
	close_if_open(r->fd);
	while (r->pid > 0 && waitpid(r->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	*r = RAWSEND_NONE;
}

int rawsend_put(const struct rawsend *r, const struct raw_request *req)
{
	if (r->fd < 0) {
		return -ENOTCONN;
	}
	return send(r->fd, req, sizeof(*req), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
