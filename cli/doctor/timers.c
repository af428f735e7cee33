/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timeouts that finwall and the kernel's tracker both have.
 */
#include "doctor/doctor.h"

#include <stdio.h>
#include <string.h>

const struct doctor_timer doctor_timers[DOCTOR_TIMERS_LEN] = {
	{ "tcp_timeout_established", "tcp timeout established",
	  offsetof(struct tunables, tcp_timeout_ns) + TCP_ESTABLISHED * sizeof(int64_t) },
	{ "udp_timeout", "udp timeout unreplied", offsetof(struct tunables, udp_unreplied_ns) },
	{ "udp_timeout_stream", "udp timeout replied", offsetof(struct tunables, udp_replied_ns) },
	{ "icmp_timeout", "icmp timeout", offsetof(struct tunables, icmp_ns) },
};

static int64_t our_timeout_s(const struct doctor_facts *f, unsigned nr)
{
	int64_t ns;

	memcpy(&ns, (const char *)&f->tunables + doctor_timers[nr].offset, sizeof(ns));
	return ns / NSEC_PER_SEC;
}

void doctor_check_timers(const struct doctor_facts *f, enum doctor_level level,
                         struct doctor_report *out)
{
	for (unsigned i = 0; f->has_config && i < DOCTOR_TIMERS_LEN; i++) {
		const int64_t kernel_s = f->kernel_timeout_s[i];
		char remedy[128];

		if (kernel_s < 0 || kernel_s >= our_timeout_s(f, i)) {
			continue;
		}
		snprintf(remedy, sizeof(remedy), "sysctl net.netfilter.nf_conntrack_%s=%lld",
		         doctor_timers[i].sysctl, (long long)our_timeout_s(f, i));
		doctor_add(out, level, "timeouts", remedy,
		           "the kernel's tracker expires entries after %lld s, finwall after %lld "
		           "s (%s)",
		           (long long)kernel_s, (long long)our_timeout_s(f, i),
		           doctor_timers[i].setting);
	}
}
