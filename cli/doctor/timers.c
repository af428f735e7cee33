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

/* Above finwall's time: its timers and the kernel's do not expire in the same second. */
#define TRANSLATED_MARGIN_S 600

static int64_t our_timeout_s(const struct doctor_facts *f, unsigned nr)
{
	int64_t ns;

	memcpy(&ns, (const char *)&f->tunables + doctor_timers[nr].offset, sizeof(ns));
	return ns / NSEC_PER_SEC;
}

/* The time from a connection's last packet to the last late close that passes. */
static int64_t late_until_s(const struct doctor_facts *f)
{
	const int64_t remember_s =
		f->tunables.late_close == LATE_STRICT ? 0 : f->tunables.remember_ns / NSEC_PER_SEC;

	return our_timeout_s(f, 0) + remember_s;
}

bool doctor_translation_fits(const struct doctor_facts *f)
{
	const bool is_bounded =
		f->tunables.late_close == LATE_STRICT || f->tunables.late_close == LATE_REMEMBERED;

	return f->has_config && is_bounded && f->kernel_timeout_s[0] > late_until_s(f);
}

/*
 * The kernel does not translate a packet without an entry of its own: late closes up to the end of
 * the remembered time, and resets that finwall sends at expiry.
 */
static void check_translated(const struct doctor_facts *f, struct doctor_report *out)
{
	const int64_t kernel_s = f->kernel_timeout_s[0];
	const int64_t late_s = late_until_s(f);
	char remedy[sizeof(out->findings[0].remedy)];

	if (kernel_s < 0 || kernel_s > late_s) {
		return;
	}
	snprintf(remedy, sizeof(remedy),
	         "sysctl net.netfilter.nf_conntrack_%s=%lld; or set late-close strict, on-idle "
	         "forget, and a shorter timeout established",
	         doctor_timers[0].sysctl, (long long)(late_s + TRANSLATED_MARGIN_S));
	doctor_add(out, DOCTOR_WARNING, "timeouts", remedy,
	           "the kernel translates addresses until %lld s after a packet, finwall passes "
	           "late closes until %lld s (timeout established and remember)",
	           (long long)kernel_s, (long long)late_s);
}

void doctor_check_timers(const struct doctor_facts *f, enum doctor_level level, bool translates,
                         struct doctor_report *out)
{
	if (f->has_config && translates) {
		check_translated(f, out);
	}
	for (unsigned i = 0; f->has_config && i < DOCTOR_TIMERS_LEN; i++) {
		const int64_t kernel_s = f->kernel_timeout_s[i];
		char remedy[128];

		if (kernel_s < 0 || kernel_s >= our_timeout_s(f, i) || (translates && i == 0)) {
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
