/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library to preload: makes system calls of a program fail, and its wall clock wrong, while the
 * program runs. Which ones is in the file that FAULTY names, mapped and read at each call; a test
 * writes it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The file's contents. every: of so many calls one fails; 0: none. */
struct faulty {
	int64_t wall_s; /* added to the wall clock */
	_Atomic uint32_t recv_every;
	_Atomic uint32_t recv_errno;
	_Atomic uint32_t send_every;
	_Atomic uint32_t send_errno;
	_Atomic uint32_t recv_failed; /* written here */
	_Atomic uint32_t send_failed;
};

static struct faulty none;
static struct faulty *faulty = &none;
static _Atomic uint32_t recv_calls;
static _Atomic uint32_t send_calls;

static int (*next_clock_gettime)(clockid_t id, struct timespec *ts);
static int (*next_recvmmsg)(int fd, struct mmsghdr *msgs, unsigned len, int flags,
                            struct timespec *timeout);
static ssize_t (*next_sendto)(int fd, const void *data, size_t size, int flags,
                              const struct sockaddr *to, socklen_t to_size);

static void find(void)
{
	if (next_clock_gettime == NULL) {
		*(void **)&next_recvmmsg = dlsym(RTLD_NEXT, "recvmmsg");
		*(void **)&next_sendto = dlsym(RTLD_NEXT, "sendto");
		*(void **)&next_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	}
}

__attribute__((constructor)) static void map_file(void)
{
	const char *path = getenv("FAULTY");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mem;

	find();
	if (fd < 0) {
		return;
	}
	mem = mmap(NULL, sizeof(*faulty), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem != MAP_FAILED) {
		faulty = mem;
	}
	(void)close(fd);
}

static int fails(_Atomic uint32_t *calls, uint32_t every)
{
	return every != 0 && ++*calls % every == 0;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int res;

	find();
	res = next_clock_gettime(id, ts);
	if (res == 0 && id == CLOCK_REALTIME) {
		ts->tv_sec += faulty->wall_s;
	}
	return res;
}

int recvmmsg(int fd, struct mmsghdr *msgs, unsigned len, int flags, struct timespec *timeout)
{
	find();
	if (fails(&recv_calls, faulty->recv_every)) {
		faulty->recv_failed++;
		errno = (int)faulty->recv_errno;
		return -1;
	}
	return next_recvmmsg(fd, msgs, len, flags, timeout);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
               socklen_t to_size)
{
	find();
	if (fails(&send_calls, faulty->send_every)) {
		faulty->send_failed++;
		errno = (int)faulty->send_errno;
		return -1;
	}
	return next_sendto(fd, data, size, flags, to, to_size);
}
