/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the receive buffer and the interfaces.
 */
#include "doctor/doctor.h"

#include <stdio.h>

static void check_buffer(const struct doctor_facts *f, struct doctor_report *out)
{
	if (!f->has_config || f->rmem_max < 0) {
		return;
	}
	if (f->rmem_max >= (int64_t)f->settings.queue_rcvbuf_bytes) {
		doctor_add(out, DOCTOR_OK, "buffer", "",
		           "net.core.rmem_max allows the receive buffer");
	} else if (f->has_net_admin) {
		doctor_add(out, DOCTOR_OK, "buffer", "",
		           "receive-buffer exceeds net.core.rmem_max, which CAP_NET_ADMIN "
		           "allows");
	} else {
		doctor_add(out, DOCTOR_WARNING, "buffer",
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
		doctor_add(out, DOCTOR_NOTE, "rp_filter", remedy,
		           "%s: source addresses are not checked: forged ones reach the rules",
		           i->name);
	} else if (i->rp_filter == 2) {
		doctor_add(
			out, DOCTOR_NOTE, "rp_filter", remedy,
			"%s: source addresses are checked loosely: forged ones of other networks "
			"reach the rules",
			i->name);
	}
	if (i->lro == DOCTOR_YES) {
		snprintf(remedy, sizeof(remedy), "ethtool -K %s lro off", i->name);
		doctor_add(out, DOCTOR_WARNING, "offload", remedy,
		           "%s: LRO must be off on forwarding interfaces", i->name);
	}
	if (i->gro == DOCTOR_NO) {
		snprintf(remedy, sizeof(remedy), "ethtool -K %s gro on", i->name);
		doctor_add(out, DOCTOR_NOTE, "offload", remedy,
		           "%s: GRO is off: each packet is queued alone, which lowers throughput",
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
		doctor_add(out, DOCTOR_OK, "interfaces", "",
		           "source addresses are checked strictly, offloads are correct");
	}
}
