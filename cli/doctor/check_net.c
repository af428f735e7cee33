/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the receive buffer and the interfaces.
 */
#include "doctor/doctor.h"

#include <stdio.h>
#include <string.h>

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

/* What can be found at an interface; one finding for all interfaces at which it is found. */
struct iface_check {
	bool (*is_found)(const struct doctor_iface *i);
	enum doctor_level level;
	const char *check;
	const char *what;
	const char *remedy;     /* with %s for the name of one interface */
	const char *remedy_all; /* for several */
};

static bool has_no_filter(const struct doctor_iface *i)
{
	return i->rp_filter == 0;
}

static bool has_loose_filter(const struct doctor_iface *i)
{
	return i->rp_filter == 2;
}

static bool has_lro(const struct doctor_iface *i)
{
	return i->lro == DOCTOR_YES;
}

static bool has_no_gro(const struct doctor_iface *i)
{
	return i->gro == DOCTOR_NO;
}

static const struct iface_check iface_checks[DOCTOR_IFACE_CHECKS_LEN] = {
	{ has_no_filter, DOCTOR_NOTE, "rp_filter",
	  "source addresses are not checked: forged ones reach the rules",
	  "sysctl net.ipv4.conf.%s.rp_filter=1",
	  /* the kernel uses the larger value: 1 for these, no change for others */
	  "sysctl net.ipv4.conf.all.rp_filter=1" },
	{ has_loose_filter, DOCTOR_NOTE, "rp_filter",
	  "source addresses are checked loosely: forged ones of other networks reach the rules",
	  "sysctl net.ipv4.conf.%s.rp_filter=1", "sysctl net.ipv4.conf.NAME.rp_filter=1 for each" },
	{ has_lro, DOCTOR_WARNING, "offload", "LRO must be off on forwarding interfaces",
	  "ethtool -K %s lro off", "ethtool -K NAME lro off for each" },
	{ has_no_gro, DOCTOR_NOTE, "offload",
	  "GRO is off: each packet is queued alone, which lowers throughput",
	  "ethtool -K %s gro on", "ethtool -K NAME gro on for each" },
};

/* Names that fit a finding. */
#define NAMES_MAX 5

/* "eth0", "eth0, eth1", "eth0, eth1, eth2, eth3, eth4 and 12 more" */
static size_t names_found(const struct doctor_facts *f, const struct iface_check *check,
                          const char **first, char *out, size_t out_size)
{
	size_t used = 0;
	size_t found = 0;

	out[0] = '\0';
	for (size_t i = 0; i < f->ifaces_len; i++) {
		if (!check->is_found(&f->ifaces[i])) {
			continue;
		}
		*first = found == 0 ? f->ifaces[i].name : *first;
		if (found++ < NAMES_MAX) {
			used += (size_t)snprintf(out + used, out_size - used, "%s%s",
			                         found > 1 ? ", " : "", f->ifaces[i].name);
		}
	}
	if (found > NAMES_MAX) {
		snprintf(out + used, out_size - used, " and %zu more", found - NAMES_MAX);
	}
	return found;
}

static void check_ifaces(const struct doctor_facts *f, const struct iface_check *check,
                         struct doctor_report *out)
{
	char names[NAMES_MAX * (sizeof(f->ifaces[0].name) + 2) + 32];
	const char *first = "";
	char remedy[80];
	size_t found = names_found(f, check, &first, names, sizeof(names));

	if (found == 0) {
		return;
	}
	snprintf(remedy, sizeof(remedy), "%s", check->remedy_all);
	if (found == 1) {
		const char *name = strstr(check->remedy, "%s");

		snprintf(remedy, sizeof(remedy), "%.*s%s%s", (int)(name - check->remedy),
		         check->remedy, first, name + 2);
	}
	doctor_add(out, check->level, check->check, remedy, "%s: %s", names, check->what);
}

void doctor_check_net(const struct doctor_facts *f, struct doctor_report *out)
{
	size_t before;

	check_buffer(f, out);
	before = out->len;
	for (size_t i = 0; i < DOCTOR_IFACE_CHECKS_LEN; i++) {
		check_ifaces(f, &iface_checks[i], out);
	}
	if (out->len == before && f->ifaces_len > 0) {
		doctor_add(out, DOCTOR_OK, "interfaces", "",
		           "source addresses are checked strictly, offloads are correct");
	}
}
