/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that both sides have.
 *
 * With random settings no timeout is 120 s. An out-of-window closer compares the time left with
 * exactly 120 s, and the resolution of the kernel's clock does not decide that case. With default
 * settings the unacknowledged timeout of 300 s decides it.
 */
#include "sysctls.h"

#include <finwall/mono.h>
#include <finwall/pkt.h>

#include <string.h>

#define TCP_TIMEOUT(state)                                                                         \
	(offsetof(struct tunables, tcp_timeout_ns) + (state) * sizeof(int64_t)), SETTING_SECONDS
#define SECONDS(field) offsetof(struct tunables, field), SETTING_SECONDS
#define NUMBER(field)  offsetof(struct tunables, field), SETTING_NUMBER

const struct setting sysctls_table[] = {
	{ "tcp_timeout_syn_sent", TCP_TIMEOUT(TCP_SYN_SENT), 120 },
	{ "tcp_timeout_syn_recv", TCP_TIMEOUT(TCP_SYN_RECV), 60 },
	{ "tcp_timeout_established", TCP_TIMEOUT(TCP_ESTABLISHED), 432000 },
	{ "tcp_timeout_fin_wait", TCP_TIMEOUT(TCP_FIN_WAIT), 120 },
	{ "tcp_timeout_close_wait", TCP_TIMEOUT(TCP_CLOSE_WAIT), 60 },
	{ "tcp_timeout_last_ack", TCP_TIMEOUT(TCP_LAST_ACK), 30 },
	{ "tcp_timeout_time_wait", TCP_TIMEOUT(TCP_TIME_WAIT), 120 },
	{ "tcp_timeout_close", TCP_TIMEOUT(TCP_CLOSE), 10 },
	{ "tcp_timeout_max_retrans", SECONDS(tcp_retrans_ns), 300 },
	{ "tcp_timeout_unacknowledged", SECONDS(tcp_unacked_ns), 300 },
	{ "tcp_loose", NUMBER(tcp_loose), 1 },
	{ "tcp_be_liberal", NUMBER(tcp_be_liberal), 0 },
	{ "tcp_ignore_invalid_rst", NUMBER(tcp_ignore_invalid_rst), 0 },
	{ "tcp_max_retrans", NUMBER(tcp_max_retrans), 3 },
	{ "udp_timeout", SECONDS(udp_unreplied_ns), 30 },
	{ "udp_timeout_stream", SECONDS(udp_replied_ns), 120 },
	{ "icmp_timeout", SECONDS(icmp_ns), 30 },
	{ "icmpv6_timeout", SECONDS(icmpv6_ns), 30 },
	{ "generic_timeout", SECONDS(generic_ns), 600 },
	{ "checksum", offsetof(struct tunables, checksum), SETTING_CHECKSUM, 1 },
};
const size_t sysctls_len = sizeof(sysctls_table) / sizeof(sysctls_table[0]);

size_t sysctls_find(const char *name)
{
	size_t i = 0;

	while (i < sysctls_len && strcmp(sysctls_table[i].name, name) != 0) {
		i++;
	}
	return i;
}

uint32_t sysctls_random(const struct setting *row, struct rng *rng)
{
	static const uint32_t soon[] = { 1, 2, 3, 5 };
	static const uint32_t later[] = {
		7, 10, 30, 60, 119, 121, 200, 299, 300, 301, 1000, 432000
	};
	static const uint32_t counts[] = { 0, 1, 2, 3, 3, 3, 7, 255 };

	switch (row->kind) {
	case SETTING_SECONDS:
		if (rng_percent(rng, 30)) {
			return row->dflt == 120 ? 119 : row->dflt;
		}
		return rng_percent(rng, 25) ? RNG_PICK(rng, soon) : RNG_PICK(rng, later);
	case SETTING_CHECKSUM:
		return rng_below(rng, 2);
	case SETTING_NUMBER:
		break;
	}
	if (strcmp(row->name, "tcp_max_retrans") == 0) {
		return RNG_PICK(rng, counts);
	}
	return rng_percent(rng, 75) ? row->dflt : 1 - row->dflt;
}

void sysctls_apply(const struct setting *row, uint32_t value, struct tunables *tun)
{
	unsigned char *at = (unsigned char *)tun + row->offset;
	int64_t ns = sec_to_ns(value);
	uint32_t number = value;

	switch (row->kind) {
	case SETTING_SECONDS:
		memcpy(at, &ns, sizeof(ns));
		return;
	case SETTING_CHECKSUM:
		number = value != 0 ? CSUM_POLICY_FULL : CSUM_POLICY_OFF;
		break;
	case SETTING_NUMBER:
		break;
	}
	memcpy(at, &number, sizeof(number));
}
