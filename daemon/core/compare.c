/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparison of the engine's state of a packet with the kernel tracker's; see compare.h.
 *
 * An explanation is given only where it fits both states, and `no-start` and `older` only for as
 * long as an entry can live without a packet.
 */
#include <finwall/compare.h>

/* lo has this index in every network namespace. */
#define LOOPBACK_IFINDEX 1

#define IPPROTO_NR_GRE  47
#define IPPROTO_NR_SCTP 132

/* enum ip_conntrack_info, in linux/netfilter/nf_conntrack_common.h. */
enum {
	CTINFO_ESTABLISHED,
	CTINFO_RELATED,
	CTINFO_NEW,
	CTINFO_ESTABLISHED_REPLY,
	CTINFO_RELATED_REPLY,
	CTINFO_UNTRACKED = 7,
};

static bool kernel_has_entry(enum kernel_state k);
static bool is_late_close(const struct decision *d);
static bool lacks_start(const struct decision *d);
static bool is_checksum(enum reason r);
static bool is_wrong_unnoticed(const struct pkt *p);
static int64_t longest_wait_ns(const struct pkt *p, const struct tunables *tun);

const char *compare_name(enum compare c)
{
	static const char *const names[COMPARES_LEN] = {
#define X(id, name, text) [id] = name,
		FINWALL_COMPARES(X)
#undef X
	};

	return names[c];
}

const char *compare_text(enum compare c)
{
	static const char *const texts[COMPARES_LEN] = {
#define X(id, name, text) [id] = text,
		FINWALL_COMPARES(X)
#undef X
	};

	return texts[c];
}

const char *kernel_state_name(enum kernel_state k)
{
	static const char *const names[KERNEL_STATES_LEN] = {
		[KERNEL_UNTOLD] = "untold",           [KERNEL_NEW] = "new",
		[KERNEL_ESTABLISHED] = "established", [KERNEL_RELATED] = "related",
		[KERNEL_INVALID] = "invalid",         [KERNEL_UNTRACKED] = "untracked",
		[KERNEL_NO_ENTRY] = "no-entry",
	};

	return names[k];
}

enum kernel_state kernel_state_of_ctinfo(uint32_t ctinfo)
{
	switch (ctinfo) {
	case CTINFO_ESTABLISHED:
	case CTINFO_ESTABLISHED_REPLY:
		return KERNEL_ESTABLISHED;
	case CTINFO_RELATED:
	case CTINFO_RELATED_REPLY:
		return KERNEL_RELATED;
	case CTINFO_NEW:
		return KERNEL_NEW;
	case CTINFO_UNTRACKED:
		return KERNEL_UNTRACKED;
	default:
		return KERNEL_UNTOLD;
	}
}

bool compare_is_same(enum ct_state ours, enum kernel_state kernels)
{
	switch (ours) {
	case CT_INVALID:
		return kernels == KERNEL_INVALID || kernels == KERNEL_NO_ENTRY;
	case CT_NEW:
		return kernels == KERNEL_NEW;
	case CT_ESTABLISHED:
		return kernels == KERNEL_ESTABLISHED;
	case CT_RELATED:
		return kernels == KERNEL_RELATED;
	case CT_UNTRACKED:
		return kernels == KERNEL_UNTRACKED || kernels == KERNEL_NO_ENTRY;
	default:
		return false; /* the kernel has no LATE */
	}
}

enum compare compare_explain(const struct pkt *p, const struct decision *d,
                             enum kernel_state kernels, enum compare_start start,
                             const struct tunables *tun, int64_t age_ns)
{
	const struct frame *f = p->frame;

	if (kernels == KERNEL_UNTOLD) {
		return COMPARE_UNTOLD;
	}
	if (kernels == KERNEL_UNTRACKED) {
		return COMPARE_NOTRACK;
	}
	if (d->reason == REASON_TABLE_FULL) {
		return COMPARE_TABLE_FULL;
	}
	if (d->reason == REASON_COPY_SHORT) {
		return COMPARE_COPY_SHORT;
	}
	if (is_checksum((enum reason)d->reason) ||
	    (kernels == KERNEL_INVALID && is_wrong_unnoticed(p))) {
		return COMPARE_CHECKSUM;
	}
	if (p->l4_proto == IPPROTO_NR_GRE || p->l4_proto == IPPROTO_NR_SCTP) {
		return COMPARE_PROTOCOL;
	}
	if (is_late_close(d) && kernels != KERNEL_ESTABLISHED && kernels != KERNEL_RELATED) {
		return COMPARE_LATE_CLOSE;
	}
	if ((d->status & FLOW_REVIVED) != 0) {
		return COMPARE_REVIVED;
	}
	if (f->hook == HOOK_INPUT && f->iif == LOOPBACK_IFINDEX) {
		return COMPARE_SECOND_SIGHT;
	}
	if (kernels == KERNEL_RELATED && f->hook == HOOK_OUTPUT && p->l4_proto == IPPROTO_NR_TCP &&
	    (p->tcp.flags & TCP_RST) != 0) {
		return COMPARE_REJECT_ANSWER;
	}
	if (kernels == KERNEL_RELATED && d->state == CT_NEW) {
		return COMPARE_HELPER;
	}
	if (kernel_has_entry(kernels) && lacks_start(d) && age_ns <= longest_wait_ns(p, tun)) {
		return COMPARE_NO_START;
	}
	if (start == START_OLDER && !kernel_has_entry(kernels) && !lacks_start(d) &&
	    age_ns <= longest_wait_ns(p, tun)) {
		return COMPARE_OLDER;
	}
	/* With marks, the state would be known. */
	return kernels == KERNEL_NO_ENTRY ? COMPARE_UNTOLD : COMPARE_DIFFERENT;
}

void compare_sum(struct compare_stats *sum, const struct compare_stats *one)
{
	for (unsigned c = 0; c < COMPARES_LEN; c++) {
		stat_add(&sum->result[c], stat_get(&one->result[c]));
	}
	for (unsigned s = 0; s < CT_STATES_LEN; s++) {
		for (unsigned k = 0; k < KERNEL_STATES_LEN; k++) {
			stat_add(&sum->matrix[s][k], stat_get(&one->matrix[s][k]));
		}
	}
}

static bool kernel_has_entry(enum kernel_state k)
{
	return k == KERNEL_ESTABLISHED || k == KERNEL_RELATED;
}

/* It is accepted, or evaluated as LATE, where the kernel's tracker has no entry. */
static bool is_late_close(const struct decision *d)
{
	switch (d->reason) {
	case REASON_LATE_REVIVED:
	case REASON_LATE_RESURRECTED:
	case REASON_LATE_UNPROVED:
	case REASON_LATE_PICKUP:
	case REASON_LATE_LENIENT:
		return true;
	default:
		return false;
	}
}

static bool is_checksum(enum reason r)
{
	switch (r) {
	case REASON_TCP_CHECKSUM:
	case REASON_UDP_CHECKSUM:
	case REASON_ICMP_CHECKSUM:
		return true;
	default:
		return false;
	}
}

/* True for a received packet with a wrong checksum that the engine did not verify. */
static bool is_wrong_unnoticed(const struct pkt *p)
{
	return p->frame->hook != HOOK_OUTPUT && p->frame->csum == CSUM_UNVERIFIED &&
	       p->depth == PKT_FULL && is_checksum(pkt_verify(p, CSUM_POLICY_FULL));
}

/* The engine found no entry, or has one that was picked up in the middle, without a reply. */
static bool lacks_start(const struct decision *d)
{
	switch (d->reason) {
	case REASON_TCP_OPEN:
	case REASON_TCP_PICKUP:
	case REASON_TCP_NO_PICKUP:
	case REASON_TCP_NO_ENTRY:
	case REASON_LATE_STRICT:
	case REASON_LATE_UNKNOWN:
	case REASON_LATE_NOT_PROVED:
	case REASON_LATE_REJECTED:
	case REASON_LATE_PICKUP:
	case REASON_LATE_LENIENT:
	case REASON_UDP_OPEN:
	case REASON_ICMP_OPEN:
	case REASON_ICMP_NO_ENTRY:
	case REASON_ICMP_UNRELATED:
	case REASON_OTHER_OPEN:
		return true;
	case REASON_TCP_UNREPLIED:
		/* An entry opened by a SYN is not ESTABLISHED before the reply. */
		return d->tcp_state == TCP_ESTABLISHED;
	default:
		return false;
	}
}

/* The longest time that a kernel entry lives without a packet, if its timeouts are ours. */
static int64_t longest_wait_ns(const struct pkt *p, const struct tunables *tun)
{
	uint8_t proto = p->kind == PKT_KIND_ICMP_ERROR ? p->quoted.proto : p->l4_proto;
	int64_t longest = 0;

	switch (proto) {
	case IPPROTO_NR_TCP:
		for (unsigned s = 0; s < TCP_STATES_LEN; s++) {
			if (tun->tcp_timeout_ns[s] > longest) {
				longest = tun->tcp_timeout_ns[s];
			}
		}
		return longest;
	case IPPROTO_NR_UDP:
		return tun->udp_replied_ns > tun->udp_unreplied_ns ? tun->udp_replied_ns
		                                                   : tun->udp_unreplied_ns;
	default:
		return tunables_other_ttl_ns(tun, proto);
	}
}
