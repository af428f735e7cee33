/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUs in this process's affinity mask.
 */
#include "cpus.h"

#include "text/cpulist.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

_Static_assert(CPULIST_MAX == CPU_SETSIZE, "a list can hold each CPU of a set");

uint32_t cpus_allowed(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
		return (uint32_t)CPU_COUNT(&set);
	}
	/* More CPUs than a set of fixed size holds. */
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (uint32_t)online : 1;
}

/* Returns the nr-th CPU of a set that has more than nr. */
static int nth(const cpu_set_t *set, uint32_t nr)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, set) && nr-- == 0) {
			return cpu;
		}
	}
	return -EINVAL;
}

int cpus_pin(pthread_t thread, const char *how, uint32_t nr)
{
	cpu_set_t allowed;
	cpu_set_t one;
	int cpu;
	int err;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
		return -errno;
	}
	cpu = strcmp(how, "on") == 0 ? nth(&allowed, nr % (uint32_t)CPU_COUNT(&allowed))
	                             : (int)cpulist_at(how, nr % cpulist_len(how));
	if (cpu < 0 || !CPU_ISSET(cpu, &allowed)) {
		return -EINVAL;
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	err = pthread_setaffinity_np(thread, sizeof(one), &one);
	return err != 0 ? -err : cpu;
}
