/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the running daemon and its counters.
 */
#include "doctor/doctor.h"

static void check_losses(const struct doctor_facts *f, struct doctor_report *out)
{
	if (f->queue_dropped > 0) {
		doctor_add(out, DOCTOR_PROBLEM, "losses", "raise queue length, or queue count",
		           "the kernel dropped %llu packets because a queue was full",
		           (unsigned long long)f->queue_dropped);
	}
	if (f->queue_user_dropped > 0) {
		doctor_add(out, DOCTOR_PROBLEM, "losses", "raise queue receive-buffer",
		           "the kernel dropped %llu packets because a receive buffer was full",
		           (unsigned long long)f->queue_user_dropped);
	}
	if (f->verdicts_lost > 0) {
		doctor_add(out, DOCTOR_PROBLEM, "losses", "read the daemon's log",
		           "%llu verdicts could not be sent to the kernel",
		           (unsigned long long)f->verdicts_lost);
	}
	if (f->raw_lost > 0) {
		doctor_add(out, DOCTOR_PROBLEM, "losses",
		           "read the daemon's log; finwalld needs CAP_NET_RAW to send them",
		           "%llu answers to rejected packets, resets or keepalives were not sent",
		           (unsigned long long)f->raw_lost);
	}
	if (f->queue_dropped + f->queue_user_dropped + f->verdicts_lost + f->raw_lost == 0) {
		doctor_add(out, DOCTOR_OK, "losses", "", "no packet was lost");
	}
}

/* compare-kernel: does the kernel's state arrive, and do the states agree? */
static void check_compare(const struct doctor_facts *f, struct doctor_report *out)
{
	if (!f->compares) {
		if (f->has_config && f->settings.compare_kernel != 0) {
			doctor_add(out, DOCTOR_WARNING, "compare",
			           "restart finwalld, then finwall hook up",
			           "compare-kernel is on in the configuration, off in the daemon");
		}
		return;
	}
	if (f->compared_untold > 0) {
		doctor_add(out, DOCTOR_WARNING, "compare", "finwall hook up",
		           "%llu packets had no kernel state: the hook rules are older than "
		           "compare-kernel, or another rule precedes them",
		           (unsigned long long)f->compared_untold);
	}
	if (f->compared_different > 0) {
		doctor_add(out, DOCTOR_WARNING, "compare", "finwall events compare prints each",
		           "the states of %llu of %llu packets differ from the kernel's",
		           (unsigned long long)f->compared_different,
		           (unsigned long long)(f->compared_same + f->compared_different));
	} else if (f->compared_untold == 0) {
		doctor_add(out, DOCTOR_OK, "compare", "",
		           "the states of %llu packets agree with the kernel's",
		           (unsigned long long)f->compared_same);
	}
}

/* No fast path is no fault: packets take the queue. */
static void check_fast_path(const struct doctor_facts *f, struct doctor_report *out)
{
	const bool is_off = f->has_config && f->settings.fast_path == FAST_PATH_OFF;

	if (!f->has_fast_path) {
		return;
	}
	if (f->fast_path_why[0] == '\0') {
		doctor_add(out, DOCTOR_OK, "fast-path", "",
		           "kernel fast path: %llu of %llu connections leased",
		           (unsigned long long)f->fast_path_leased,
		           (unsigned long long)f->fast_path_max);
		for (size_t i = 0; i < DOCTOR_QUEUED_MAX && f->fast_path_queued[i][0] != '\0';
		     i++) {
			doctor_add(out, DOCTOR_NOTE, "fast-path",
			           "finwall(8), stats, has the reasons; finwall list --output json "
			           "shows the connections",
			           "in the queue: %s", f->fast_path_queued[i]);
		}
	} else {
		doctor_add(out, DOCTOR_NOTE, "fast-path",
		           is_off ? "" : "finwall hook up prints why; finwall.conf(5), fast-path",
		           "no kernel fast path: %s", f->fast_path_why);
	}
}

/* The nodes that share state, where there are any. */
static void check_cluster(const struct doctor_facts *f, struct doctor_report *out)
{
	if (!f->has_cluster) {
		return;
	}
	if (!f->cluster_is_connected) {
		doctor_add(out, DOCTOR_PROBLEM, "cluster", "check the engine, and cluster engine",
		           "no connection to the engine at %s: %s", f->cluster_engine,
		           f->cluster_problem[0] != '\0' ? f->cluster_problem : "not yet");
		return;
	}
	if (f->cluster_duplicates > 0) {
		doctor_add(out, DOCTOR_PROBLEM, "cluster", "set cluster node on each",
		           "another node has the name of this one");
	}
	if (f->cluster_invalid > 0) {
		doctor_add(out, DOCTOR_WARNING, "cluster",
		           "finwall cluster; compare the versions of the nodes",
		           "%llu messages or records of other nodes were invalid",
		           (unsigned long long)f->cluster_invalid);
	}
	if (f->cluster_full > 0) {
		doctor_add(out, DOCTOR_WARNING, "cluster", "raise connections max",
		           "the table had no space for %llu connections of other nodes",
		           (unsigned long long)f->cluster_full);
	}
	if (f->cluster_nodes == 0) {
		doctor_add(out, DOCTOR_WARNING, "cluster", "finwall cluster, on each node",
		           "no other node of the group is alive");
	} else {
		doctor_add(out, DOCTOR_OK, "cluster", "", "%llu other node(s) alive",
		           (unsigned long long)f->cluster_nodes);
	}
}

void doctor_check_daemon(const struct doctor_facts *f, struct doctor_report *out)
{
	if (f->has_config && f->tunables.enforce == 0) {
		doctor_add(out, DOCTOR_WARNING, "enforce", "connections { enforce on }",
		           "shadow mode: every packet passes (enforce off)");
	}
	if (f->daemon_is_closed) {
		doctor_add(out, DOCTOR_WARNING, "daemon", "run finwall doctor as root",
		           "no permission to use the control socket");
		return;
	}
	if (!f->daemon_answers) {
		doctor_add(out, DOCTOR_PROBLEM, "daemon", "start finwalld; read its log",
		           "no daemon answers on the control socket");
		return;
	}
	doctor_add(out, DOCTOR_OK, "daemon", "", "the daemon answers; it reads %llu queue(s)",
	           (unsigned long long)f->queues_len);
	check_losses(f, out);
	check_fast_path(f, out);
	check_cluster(f, out);
	check_compare(f, out);
}
