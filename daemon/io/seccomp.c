/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system call filter, as BPF. See seccomp.h.
 *
 * Without libseccomp: the list is short, and every build has it. From Linux 5.11 on the kernel
 * remembers which calls are always allowed, so the length of the list does not matter to packets;
 * before, those of the packet path come first.
 */
#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH_HERE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH_HERE

static const uint16_t allowed[] = {
	/* packets */
	SYS_recvmmsg,
	SYS_sendto,
	SYS_futex,
	SYS_clock_gettime,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_ppoll,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_sched_yield,
	/* other sockets; the family of socket() is checked below */
	SYS_accept,
	SYS_accept4,
	SYS_bind,
	SYS_connect,
	SYS_getpeername,
	SYS_getsockname,
	SYS_getsockopt,
	SYS_listen,
	SYS_sendmmsg,
	SYS_setsockopt,
	SYS_shutdown,
	SYS_socketpair,
	/* files */
	SYS_close,
#ifdef SYS_close_range
	SYS_close_range,
#endif
	SYS_dup,
	SYS_dup3,
#ifdef SYS_dup2
	SYS_dup2,
#endif
	SYS_faccessat,
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
#ifdef SYS_access
	SYS_access,
#endif
	SYS_fcntl,
	SYS_fdatasync,
	SYS_fstat,
	SYS_fsync,
	SYS_ftruncate,
	SYS_getcwd,
	SYS_getdents64,
	SYS_ioctl,
	SYS_lseek,
#ifdef SYS_lstat
	SYS_lstat,
#endif
#ifdef SYS_mkdir
	SYS_mkdir,
#endif
	SYS_mkdirat,
	SYS_newfstatat,
#ifdef SYS_open
	SYS_open,
#endif
	SYS_openat,
#ifdef SYS_pipe
	SYS_pipe,
#endif
	SYS_pipe2,
	SYS_pread64,
	SYS_pwrite64,
	SYS_read,
#ifdef SYS_readlink
	SYS_readlink,
#endif
	SYS_readlinkat,
	SYS_readv,
#ifdef SYS_rename
	SYS_rename,
#endif
	SYS_renameat,
	SYS_renameat2,
#ifdef SYS_stat
	SYS_stat,
#endif
	SYS_statx,
	SYS_sync_file_range,
	SYS_umask,
#ifdef SYS_unlink
	SYS_unlink,
#endif
	SYS_unlinkat,
	SYS_write,
	SYS_writev,
	/* waiting, time */
	SYS_clock_getres,
	SYS_clock_nanosleep,
	SYS_epoll_create1,
	SYS_epoll_ctl,
#ifdef SYS_epoll_pwait2
	SYS_epoll_pwait2,
#endif
	SYS_eventfd2,
	SYS_gettimeofday,
	SYS_nanosleep,
	SYS_pselect6,
	SYS_restart_syscall,
#ifdef SYS_select
	SYS_select,
#endif
#ifdef SYS_time
	SYS_time,
#endif
	SYS_timerfd_create,
	SYS_timerfd_settime,
	/* memory; mmap() and mprotect() are checked below */
	SYS_brk,
	SYS_madvise,
	SYS_mremap,
	SYS_munmap,
	/* processes, threads, signals */
	SYS_capset,
	SYS_clone,
#ifdef SYS_clone3
	SYS_clone3,
#endif
	SYS_exit,
	SYS_exit_group,
#ifdef SYS_fork
	SYS_fork,
#endif
	SYS_getegid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getpid,
	SYS_getppid,
	SYS_getrandom,
	SYS_gettid,
	SYS_getuid,
	SYS_kill,
	SYS_prctl,
	SYS_prlimit64,
	SYS_getrlimit,
	SYS_setrlimit,
#ifdef SYS_rseq
	SYS_rseq,
#endif
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_sched_getaffinity,
	SYS_sched_setaffinity,
	SYS_seccomp,
	SYS_set_robust_list,
	SYS_set_tid_address,
	SYS_sigaltstack,
	SYS_sysinfo,
	SYS_tgkill,
	SYS_uname,
	SYS_wait4,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* the sanitizers' own */
	SYS_personality,
	SYS_process_vm_readv,
	SYS_ptrace,
	SYS_sched_getparam,
	SYS_sched_getscheduler,
#ifdef SYS_getdents
	SYS_getdents,
#endif
	SYS_getrusage,
#endif
};

#define ALLOWED_LEN (sizeof(allowed) / sizeof(allowed[0]))

/* Families of sockets. */
static const uint16_t families[] = { AF_UNIX, AF_NETLINK, AF_INET, AF_INET6 };

#define FAMILIES_LEN (sizeof(families) / sizeof(families[0]))

/* Two instructions per call, and the parts around them. */
#define CODE_LEN_MAX (2 * (ALLOWED_LEN + FAMILIES_LEN) + 32)

struct code {
	struct sock_filter at[CODE_LEN_MAX];
	unsigned short len;
};

static void put(struct code *c, uint16_t op, uint32_t k, uint8_t if_true, uint8_t if_false)
{
	c->at[c->len++] = (struct sock_filter)BPF_JUMP(op, k, if_true, if_false);
}

static void put_load(struct code *c, size_t offset)
{
	put(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void put_return(struct code *c, uint32_t action)
{
	put(c, BPF_RET | BPF_K, action, 0, 0);
}

static void put_allow_equal(struct code *c, uint32_t value)
{
	put(c, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	put_return(c, SECCOMP_RET_ALLOW);
}

/* The lower half of an argument: both architectures are little-endian. */
static size_t arg_offset(unsigned nr)
{
	return offsetof(struct seccomp_data, args) + nr * sizeof(uint64_t);
}

/* mmap and mprotect: no new executable memory. */
static void put_memory_call(struct code *c, uint32_t call)
{
	put(c, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
	put_load(c, arg_offset(2));
	put(c, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
	put_return(c, SECCOMP_RET_ERRNO | EPERM);
	put_return(c, SECCOMP_RET_ALLOW);
}

/* The pinned maps of the kernel fast path are opened. */
static void put_bpf_call(struct code *c)
{
	put(c, BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 4);
	put_load(c, arg_offset(0));
	put_allow_equal(c, BPF_OBJ_GET);
	put_return(c, SECCOMP_RET_ERRNO | EPERM);
}

static void put_socket_call(struct code *c)
{
	put(c, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, (uint8_t)(2 + 2 * FAMILIES_LEN));
	put_load(c, arg_offset(0));
	for (size_t i = 0; i < FAMILIES_LEN; i++) {
		put_allow_equal(c, families[i]);
	}
	put_return(c, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

int seccomp_restrict(void)
{
	struct code c = { .len = 0 };
	struct sock_fprog program;

	put_load(&c, offsetof(struct seccomp_data, arch));
	put(&c, BPF_JMP | BPF_JEQ | BPF_K, ARCH_HERE, 1, 0);
	put_return(&c, SECCOMP_RET_KILL_PROCESS);
	put_load(&c, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ALLOWED_LEN; i++) {
		put_allow_equal(&c, allowed[i]);
	}
	put_memory_call(&c, SYS_mmap);
	put_memory_call(&c, SYS_mprotect);
	put_bpf_call(&c);
	put_socket_call(&c);
	put_return(&c, SECCOMP_RET_ERRNO | ENOSYS);
	program = (struct sock_fprog){ .len = c.len, .filter = c.at };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0 ? -errno : 0;
}

#else

int seccomp_restrict(void)
{
	return -ENOTSUP;
}

#endif
