/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading of the kernel fast path (fastpath.bpf.c): its maps and its programs, one per hook. For
 * the command line, tests and benchmarks; the daemon uses the maps only (io/lease_pins.h).
 *
 * In a build without clang or libbpf lease_program_load() returns -ENOTSUP.
 */
#ifndef FINWALL_BPF_LEASE_PROGRAM_H
#define FINWALL_BPF_LEASE_PROGRAM_H

#include <finwall/engine.h>
#include <finwall/frame.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lease_program;

#define LEASE_WHY_SIZE 512

/* True in a build with clang and libbpf. */
bool lease_program_is_built(void);

/*
 * Loads maps for at least leases_len leases, and the programs. No lease is valid yet. Needs CAP_BPF
 * and CAP_PERFMON. Returns 0, or -errno with the reason in why.
 */
int lease_program_load(uint32_t leases_len, struct lease_program **out, char why[LEASE_WHY_SIZE]);

/* NULL is fine. Pinned objects stay. */
void lease_program_free(struct lease_program *p);

/* The maps in this process's memory, until lease_program_free(). Returns false with errno set. */
bool lease_program_map(struct lease_program *p, struct lease_map *out);

/* Pins maps and programs below dir, which is in a bpffs. Returns 0/-errno; then nothing is pinned.
 */
int lease_program_pin(const struct lease_program *p, const char *dir);

/*
 * Runs the program of a hook on a packet, which begins with its IP header, so often. Returns 1 if
 * it is accepted, 0 if it goes to the queue, or -errno. *ns_each: the time per run; NULL is fine. Any
 * thread.
 */
int lease_program_run(const struct lease_program *p, enum hook hook, const void *packet,
                      size_t size, uint32_t repeat, uint32_t *ns_each);

#endif
