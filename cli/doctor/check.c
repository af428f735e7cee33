/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What facts about kernel, devices and daemon mean. Pure.
 */
#include "doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct doctor_timer doctor_timers[DOCTOR_TIMERS_LEN] = {
	{ "tcp_timeout_established", "tcp timeout established",
	  offsetof(struct tunables, tcp_timeout_ns) + TCP_ESTABLISHED * sizeof(int64_t) },
	{ "udp_timeout", "udp timeout unreplied", offsetof(struct tunables, udp_unreplied_ns) },
	{ "udp_timeout_stream", "udp timeout replied", offsetof(struct tunables, udp_replied_ns) },
	{ "icmp_timeout", "icmp timeout", offsetof(struct tunables, icmp_ns) },
};

struct doctor_finding *doctor_say(struct doctor_report *out, enum doctor_level level,
                                  const char *check, const char *remedy, const char *fmt, ...)
{
	struct doctor_finding *f;
	va_list args;

	/* there is room for all; should there not be, the last one is the one that stays */
	if (out->len == DOCTOR_FINDINGS_MAX) {
		out->len--;
	}
	f = &out->findings[out->len++];
	f->level = level;
	f->check = check;
	va_start(args, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, args);
	va_end(args);
	snprintf(f->remedy, sizeof(f->remedy), "%s", remedy);
	return f;
}

void doctor_check(const struct doctor_facts *f, struct doctor_report *out)
{
	out->len = 0;
	doctor_check_kernel(f, out);
	doctor_check_rules(f, out);
	doctor_check_net(f, out);
	doctor_check_daemon(f, out);
}

/* Kernels that are known to fail, from a version on and up to the one that mended it. */
static const struct {
	unsigned from[3];
	unsigned mended[3];
	enum doctor_level level;
	const char *what;
	const char *remedy;
} kernel_faults[] = {
	{ { 0, 0, 0 },
	  { 3, 10, 0 },
	  DOCTOR_PROBLEM,
	  "cannot queue large packets whole (GSO)",
	  "use a kernel from 3.10 on" },
	/* 6291b3a67ad5, mended by f82777e8ce6c */
	{ { 6, 7, 0 },
	  { 6, 7, 5 },
	  DOCTOR_WARNING,
	  "does not repeat a packet when asked, which reject needs",
	  "use 6.7.5 or newer, or do not use reject" },
	/* e19079adcd26, mended by 936206e3f6ff; CVE-2026-43084 */
	{ { 6, 12, 75 },
	  { 6, 12, 83 },
	  DOCTOR_WARNING,
	  "may crash with several queues under load (CVE-2026-43084)",
	  "use 6.12.83 or newer, or queue count 1" },
	{ { 6, 18, 14 },
	  { 6, 18, 24 },
	  DOCTOR_WARNING,
	  "may crash with several queues under load (CVE-2026-43084)",
	  "use 6.18.24 or newer, or queue count 1" },
	{ { 6, 19, 4 },
	  { 6, 19, 14 },
	  DOCTOR_WARNING,
	  "may crash with several queues under load (CVE-2026-43084)",
	  "use 6.19.14 or newer, or queue count 1" },
};

#define KERNEL_FAULTS_LEN (sizeof(kernel_faults) / sizeof(kernel_faults[0]))

static bool is_older(const unsigned a[3], const unsigned b[3])
{
	for (size_t i = 0; i < 3; i++) {
		if (a[i] != b[i]) {
			return a[i] < b[i];
		}
	}
	return false;
}

/* A distribution's kernel may have been mended without its number saying so; hence no problem is
 * made of what only some of them have. */
static void check_release(const struct doctor_facts *f, struct doctor_report *out)
{
	unsigned version[3] = { 0 };

	if (f->release == NULL ||
	    sscanf(f->release, "%u.%u.%u", &version[0], &version[1], &version[2]) < 2) {
		doctor_say(out, DOCTOR_NOTE, "kernel", "", "the kernel's version is not known");
		return;
	}
	for (size_t i = 0; i < KERNEL_FAULTS_LEN; i++) {
		if (!is_older(version, kernel_faults[i].from) &&
		    is_older(version, kernel_faults[i].mended)) {
			doctor_say(out, kernel_faults[i].level, "kernel", kernel_faults[i].remedy,
			           "kernel %s %s", f->release, kernel_faults[i].what);
			return;
		}
	}
	doctor_say(out, DOCTOR_OK, "kernel", "", "kernel %s: nothing known against it", f->release);
}

void doctor_check_kernel(const struct doctor_facts *f, struct doctor_report *out)
{
	check_release(f, out);
	if (f->queue == DOCTOR_NO) {
		doctor_say(out, DOCTOR_PROBLEM, "queue", "modprobe nfnetlink_queue",
		           "this kernel has no packet queues, or has not loaded them yet");
	} else if (f->queue == DOCTOR_YES) {
		doctor_say(out, DOCTOR_OK, "queue", "", "packet queues are there");
	}
	if (f->nft_queue == DOCTOR_NO) {
		doctor_say(out, DOCTOR_NOTE, "nft-queue", "",
		           "nft has no queue statement here: hook rules go by iptables");
	} else if (f->nft_queue == DOCTOR_YES) {
		doctor_say(out, DOCTOR_OK, "nft-queue", "", "nft's queue statement works");
	}
	if (f->ct_glue == DOCTOR_NO) {
		doctor_say(out, DOCTOR_NOTE, "ct-glue", "",
		           "the kernel does not send its own connection entry along (NFQA_CT); "
		           "finwall does without");
	} else if (f->ct_glue == DOCTOR_YES) {
		doctor_say(out, DOCTOR_OK, "ct-glue", "",
		           "the kernel could send its own connection entry along (NFQA_CT)");
	}
}

static void check_buffer(const struct doctor_facts *f, struct doctor_report *out)
{
	if (!f->has_config || f->rmem_max < 0) {
		return;
	}
	if (f->rmem_max >= (int64_t)f->settings.queue_rcvbuf_bytes) {
		doctor_say(out, DOCTOR_OK, "buffer", "",
		           "net.core.rmem_max allows the receive buffer");
	} else if (f->has_net_admin) {
		doctor_say(out, DOCTOR_OK, "buffer", "",
		           "receive-buffer is above net.core.rmem_max, which CAP_NET_ADMIN may "
		           "exceed");
	} else {
		doctor_say(out, DOCTOR_WARNING, "buffer",
		           "run as root or with CAP_NET_ADMIN, or raise net.core.rmem_max",
		           "without CAP_NET_ADMIN the receive buffer is %lld bytes, not %u",
		           (long long)f->rmem_max, f->settings.queue_rcvbuf_bytes);
	}
}

static void check_iface(const struct doctor_iface *i, struct doctor_report *out)
{
	char remedy[80];

	snprintf(remedy, sizeof(remedy), "sysctl net.ipv4.conf.%s.rp_filter=1", i->name);
	if (i->rp_filter == 0) {
		doctor_say(out, DOCTOR_NOTE, "rp_filter", remedy,
		           "%s: sources are not checked: forged ones come as far as the rules",
		           i->name);
	} else if (i->rp_filter == 2) {
		doctor_say(out, DOCTOR_NOTE, "rp_filter", remedy,
		           "%s: sources are checked loosely: forged ones of other networks come in",
		           i->name);
	}
	if (i->lro == DOCTOR_YES) {
		snprintf(remedy, sizeof(remedy), "ethtool -K %s lro off", i->name);
		doctor_say(out, DOCTOR_WARNING, "offload", remedy,
		           "%s: LRO joins packets in a way that cannot be undone when forwarding",
		           i->name);
	}
	if (i->gro == DOCTOR_NO) {
		snprintf(remedy, sizeof(remedy), "ethtool -K %s gro on", i->name);
		doctor_say(
			out, DOCTOR_NOTE, "offload", remedy,
			"%s: GRO is off: every packet is queued by itself, which costs throughput",
			i->name);
	}
}

void doctor_check_net(const struct doctor_facts *f, struct doctor_report *out)
{
	size_t before;

	check_buffer(f, out);
	before = out->len;
	for (size_t i = 0; i < f->ifaces_len; i++) {
		check_iface(&f->ifaces[i], out);
	}
	if (out->len == before && f->ifaces_len > 0) {
		doctor_say(out, DOCTOR_OK, "interfaces", "",
		           "sources are checked strictly, offloads are as they should be");
	}
}

static void check_losses(const struct doctor_facts *f, struct doctor_report *out)
{
	if (f->queue_dropped > 0) {
		doctor_say(out, DOCTOR_PROBLEM, "losses", "raise queue length, or queue count",
		           "the kernel dropped %llu packets because a queue was full",
		           (unsigned long long)f->queue_dropped);
	}
	if (f->queue_user_dropped > 0) {
		doctor_say(out, DOCTOR_PROBLEM, "losses", "raise queue receive-buffer",
		           "the kernel dropped %llu packets because a receive buffer was full",
		           (unsigned long long)f->queue_user_dropped);
	}
	if (f->verdicts_lost > 0) {
		doctor_say(out, DOCTOR_PROBLEM, "losses", "see the daemon's log",
		           "%llu verdicts could not be handed to the kernel",
		           (unsigned long long)f->verdicts_lost);
	}
	if (f->reject_loops > 0) {
		doctor_say(out, DOCTOR_PROBLEM, "losses", "finwall hook up",
		           "%llu rejected packets came back: the hook rules for reject are missing",
		           (unsigned long long)f->reject_loops);
	}
	if (f->queue_dropped + f->queue_user_dropped + f->verdicts_lost + f->reject_loops == 0) {
		doctor_say(out, DOCTOR_OK, "losses", "", "no packet was lost in a queue");
	}
}

/* The kernel's shadow: does its word arrive, and do the two agree. */
static void check_compare(const struct doctor_facts *f, struct doctor_report *out)
{
	if (!f->compares) {
		if (f->has_config && f->settings.compare_kernel != 0) {
			doctor_say(out, DOCTOR_WARNING, "compare",
			           "restart finwalld, then finwall hook up",
			           "compare-kernel is on in the settings, not in the daemon");
		}
		return;
	}
	if (f->compared_untold > 0) {
		doctor_say(out, DOCTOR_WARNING, "compare", "finwall hook up",
		           "the kernel's state did not come with %llu packets: hook rules from "
		           "before compare-kernel, or a rule of others in front of them",
		           (unsigned long long)f->compared_untold);
	}
	if (f->compared_different > 0) {
		doctor_say(out, DOCTOR_WARNING, "compare", "finwall events compare shows each",
		           "%llu of %llu packets have another state than the kernel gives them",
		           (unsigned long long)f->compared_different,
		           (unsigned long long)(f->compared_same + f->compared_different));
	} else if (f->compared_untold == 0) {
		doctor_say(out, DOCTOR_OK, "compare", "",
		           "no packet's state differs from the kernel's without a reason, of %llu",
		           (unsigned long long)f->compared_same);
	}
}

void doctor_check_daemon(const struct doctor_facts *f, struct doctor_report *out)
{
	if (f->has_config && f->tunables.enforce == 0) {
		doctor_say(out, DOCTOR_WARNING, "enforce", "connections { enforce on }",
		           "every packet passes: enforce is off");
	}
	if (!f->daemon_answers) {
		doctor_say(out, DOCTOR_PROBLEM, "daemon", "start finwalld; look at its log",
		           "no daemon answers on the control socket");
		return;
	}
	doctor_say(out, DOCTOR_OK, "daemon", "", "the daemon answers, and serves %llu queue(s)",
	           (unsigned long long)f->queues_len);
	check_losses(f, out);
	check_compare(f, out);
}
