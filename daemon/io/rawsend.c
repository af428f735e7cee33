/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw packet sender's process, and the daemon's end of it.
 *
 * TCP segments have an IP header of ours: their source may be another host's address. ICMP errors
 * go through sockets whose IP header the kernel writes: it chooses the source address, and refuses
 * one that is not this host's, such as a broadcast address.
 *
 * The child is forked: the daemon's system call filter permits no execve(). The connection table is
 * hidden from it (mem.h), so nothing large is copied on write. A failure in the child ends it,
 * which the daemon sees as a closed socket.
 */
#include "rawsend.h"

#include "opener.h"

#include "wire/raw_packet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
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
	CHILD_ICMP4,
	CHILD_ICMP6,
	CHILD_FDS_LEN,
};

/* The child's name. */
#define CHILD_NAME "finwall-raw"

/* Bytes of the socket pair's buffer. Each request takes about a kilobyte of it. */
#define REQUESTS_SNDBUF (1 << 20)

/* linux/icmp.h's, which conflicts with netinet/. */
#define RAW_ICMP_FILTER 1

/* linux/socket.h's MSG_PROBE, which the C library calls otherwise: "do not send". */
#define RAW_MSG_PROBE 0x10

/* A message to the child. */
struct raw_message {
	struct raw_request req;
	uint8_t quote[RAW_QUOTE_MAX_IP6];
};

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#endif

/* Nothing is received. Otherwise the kernel copies each ICMP message to the socket. */
static void receive_nothing(int fd, int proto)
{
	struct icmp6_filter none6;
	uint32_t none4 = UINT32_MAX;

	if (proto == IPPROTO_ICMP) {
		(void)setsockopt(fd, SOL_RAW, RAW_ICMP_FILTER, &none4, sizeof(none4));
	} else if (proto == IPPROTO_ICMPV6) {
		ICMP6_FILTER_SETBLOCKALL(&none6);
		(void)setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &none6, sizeof(none6));
	}
}

/*
 * Returns a raw socket, or -errno, as without the family. With IPPROTO_RAW packets have an IP
 * header.
 */
static int open_raw(int family, int proto, uint32_t mark)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, proto);
	int err;

	if (fd < 0) {
		return -errno;
	}
	receive_nothing(fd, proto);
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
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_recvfrom, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 2, 0),
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
static socklen_t destination(const struct raw_request *req, struct sockaddr_storage *to)
{
	const struct tuple *t = &req->tuple;
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
	to6->sin6_scope_id = req->ifindex;
	return sizeof(*to6);
}

/*
 * True for a reset in the name of a broadcast address of a network of this host: a packet to all is
 * not answered (RFC 1122, section 4.2.3.10). The kernel refuses to send to such an address; with
 * these flags it looks up the route and sends nothing.
 */
static bool is_from_broadcast(const struct raw_request *req)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	if (req->tuple.family != 4 || req->kind == RAW_KEEPALIVE) {
		return false;
	}
	memcpy(&to.sin_addr, req->tuple.src.bytes, 4);
	return sendto(CHILD_IP4, NULL, 0, MSG_CONFIRM | RAW_MSG_PROBE, (struct sockaddr *)&to,
	              sizeof(to)) < 0 &&
	       errno == EACCES;
}

static void send_packet(const struct raw_request *req)
{
	uint8_t packet[RAW_PACKET_SIZE];
	struct sockaddr_storage to;
	size_t size = raw_packet_write(req, packet);

	if (size > 0 && !is_from_broadcast(req)) {
		(void)sendto(req->tuple.family == 4 ? CHILD_IP4 : CHILD_IP6, packet, size, 0,
		             (struct sockaddr *)&to, destination(req, &to));
	}
}

/* Space for a source address, in either family. */
union source {
	struct cmsghdr header;
	uint8_t ip4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	uint8_t ip6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Sets the message's source address, unless it is zero: then the kernel chooses it. */
static void set_source(const struct raw_request *req, struct msghdr *msg, union source *source)
{
	const union ip_addr *src = &req->tuple.src;
	struct in_pktinfo info4 = { .ipi_ifindex = 0 };
	struct in6_pktinfo info6 = { .ipi6_ifindex = req->ifindex };

	if (src->half[0] == 0 && src->half[1] == 0) {
		return;
	}
	memset(source, 0, sizeof(*source));
	msg->msg_control = source;
	if (req->tuple.family == 4) {
		memcpy(&info4.ipi_spec_dst, src->bytes, 4);
		msg->msg_controllen = sizeof(source->ip4);
		source->header.cmsg_level = IPPROTO_IP;
		source->header.cmsg_type = IP_PKTINFO;
		source->header.cmsg_len = CMSG_LEN(sizeof(info4));
		memcpy(CMSG_DATA(&source->header), &info4, sizeof(info4));
		return;
	}
	memcpy(&info6.ipi6_addr, src->bytes, 16);
	msg->msg_controllen = sizeof(source->ip6);
	source->header.cmsg_level = IPPROTO_IPV6;
	source->header.cmsg_type = IPV6_PKTINFO;
	source->header.cmsg_len = CMSG_LEN(sizeof(info6));
	memcpy(CMSG_DATA(&source->header), &info6, sizeof(info6));
}

static void send_error(const struct raw_message *m, size_t quote_size)
{
	uint8_t packet[RAW_ERROR_SIZE];
	struct sockaddr_storage to;
	struct iovec whole = { .iov_base = packet };
	struct msghdr msg = { .msg_name = &to, .msg_iov = &whole, .msg_iovlen = 1 };
	union source source;

	whole.iov_len = raw_error_write(&m->req, m->quote, quote_size, packet);
	if (whole.iov_len > 0) {
		msg.msg_namelen = destination(&m->req, &to);
		set_source(&m->req, &msg, &source);
		(void)sendmsg(m->req.tuple.family == 4 ? CHILD_ICMP4 : CHILD_ICMP6, &msg, 0);
	}
}

/*
 * Sends requested packets until the daemon closes its end. A packet that cannot be sent is lost.
 * Not _Noreturn: before a call of such a function a sanitizer makes system calls of its own.
 */
static void child_loop(void)
{
	struct raw_message m;
	ssize_t got;

	while ((got = recv(CHILD_REQUESTS, &m, sizeof(m), 0)) != 0) {
		if (got < (ssize_t)sizeof(m.req)) {
			if (got < 0 && errno != EINTR) {
				break;
			}
			continue;
		}
		if (m.req.kind == RAW_ERROR) {
			send_error(&m, (size_t)got - sizeof(m.req));
		} else {
			send_packet(&m.req);
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
static int place_fds(const int fds[CHILD_FDS_LEN])
{
	int from[CHILD_FDS_LEN];

	/* First to numbers above all of enum child_fd, so that none overwrites another. */
	for (int i = 0; i < CHILD_FDS_LEN; i++) {
		from[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD, CHILD_FDS_LEN);
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

static _Noreturn void child_main(const int fds[CHILD_FDS_LEN])
{
	/* The kernel kills it when the daemon exits. A terminal sends its signals to both; the
	 * daemon handles them.
	 */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)prctl(PR_SET_NAME, CHILD_NAME, 0, 0, 0);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	if (place_fds(fds) != 0 || drop_capabilities() != 0 || restrict_syscalls() != 0) {
		_exit(1);
	}
	child_loop();
	for (;;) {
		(void)syscall(SYS_exit_group, 0);
	}
}

/* Opens the child's sockets. Returns 0 if there are those of one family at least, or -errno. */
static int open_sockets(uint32_t mark, int fds[CHILD_FDS_LEN])
{
	fds[CHILD_IP4] = open_raw(AF_INET, IPPROTO_RAW, mark);
	fds[CHILD_IP6] = open_raw(AF_INET6, IPPROTO_RAW, mark);
	fds[CHILD_ICMP4] = open_raw(AF_INET, IPPROTO_ICMP, mark);
	fds[CHILD_ICMP6] = open_raw(AF_INET6, IPPROTO_ICMPV6, mark);
	return fds[CHILD_IP4] < 0 && fds[CHILD_IP6] < 0 ? fds[CHILD_IP4] : 0;
}

/* Beyond net.core.wmem_max if permitted. */
static void set_sndbuf(int fd)
{
	const int size = REQUESTS_SNDBUF;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
}

int rawsend_spawn(int requests, uint32_t mark, pid_t *pid)
{
	int fds[CHILD_FDS_LEN];
	int err = open_sockets(mark, fds);

	fds[CHILD_REQUESTS] = requests;
	*pid = 0;
	if (err == 0) {
		*pid = fork();
		if (*pid == 0) {
			child_main(fds);
		}
		err = *pid < 0 ? -errno : 0;
	}
	for (int i = CHILD_REQUESTS + 1; i < CHILD_FDS_LEN; i++) {
		close_if_open(fds[i]);
	}
	return err;
}

/* A process of the opener's. Without one now, a connection without another end: see raw_sender.h.
 */
static int start_at_opener(struct rawsend *r, uint32_t mark)
{
	int fd = opener_get(OPENER_RAW, mark);
	int pair[2];

	if (fd >= 0) {
		set_sndbuf(fd);
		*r = (struct rawsend){ .fd = fd, .pid = RAWSEND_OTHERS };
		return 0;
	}
	if (r->fd < 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
		(void)close(pair[1]);
		r->fd = pair[0];
	}
	return fd;
}

int rawsend_start(struct rawsend *r, uint32_t mark)
{
	int pair[2];
	int err;

	*r = RAWSEND_NONE;
	if (opener_is_set()) {
		return start_at_opener(r, mark);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		return -errno;
	}
	set_sndbuf(pair[0]);
	err = rawsend_spawn(pair[1], mark, &r->pid);
	(void)close(pair[1]);
	if (err != 0) {
		(void)close(pair[0]);
		*r = RAWSEND_NONE;
		return err;
	}
	r->fd = pair[0];
	return 0;
}

/* The opener's processes are not children: the connection shows their end. */
static bool is_closed(int fd)
{
	struct pollfd at = { .fd = fd };

	return poll(&at, 1, 0) == 1 && (at.revents & (POLLHUP | POLLERR)) != 0;
}

bool rawsend_has_ended(struct rawsend *r, int *by_signal)
{
	int status = 0;

	if (r->pid == RAWSEND_OTHERS) {
		*by_signal = 0;
		r->pid = is_closed(r->fd) ? 0 : RAWSEND_OTHERS;
		return r->pid == 0;
	}
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
		rawsend_stop(&fresh);
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

static void set_message(const struct raw_out *out, struct iovec parts[2], struct msghdr *msg)
{
	parts[0].iov_base = (void *)(uintptr_t)&out->req;
	parts[0].iov_len = sizeof(out->req);
	parts[1].iov_base = (void *)(uintptr_t)out->quote;
	parts[1].iov_len = out->quote_size;
	msg->msg_iov = parts;
	msg->msg_iovlen = out->quote_size != 0 ? 2 : 1;
}

int rawsend_put_one(const struct rawsend *r, const struct raw_out *out)
{
	struct iovec parts[2];
	struct msghdr msg = { 0 };

	if (r->fd < 0) {
		return -ENOTCONN;
	}
	set_message(out, parts, &msg);
	return sendmsg(r->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int rawsend_try(const struct rawsend *r, const struct raw_out *out, size_t len, size_t *sent)
{
	struct mmsghdr msgs[RAWSEND_LEN_MAX];
	struct iovec parts[RAWSEND_LEN_MAX][2];

	*sent = 0;
	if (r->fd < 0) {
		return -ENOTCONN;
	}
	memset(msgs, 0, len * sizeof(msgs[0]));
	for (size_t i = 0; i < len; i++) {
		set_message(&out[i], parts[i], &msgs[i].msg_hdr);
	}
	while (*sent < len) {
		int done = sendmmsg(r->fd, msgs + *sent, (unsigned)(len - *sent),
		                    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done > 0) {
			*sent += (size_t)done;
		} else if (errno != EINTR) {
			return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
		}
	}
	return 0;
}

size_t rawsend_put(const struct rawsend *r, const struct raw_out *out, size_t len)
{
	size_t sent;

	(void)rawsend_try(r, out, len, &sent);
	return len - sent;
}
