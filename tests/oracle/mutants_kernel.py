# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of mutants.py for the kernel fast path: daemon/bpf, and the engine's leases."""

K = "../bpf/fastpath.bpf.c"
L = "lease.c"
O = "lease_offer.c"

# File, text, and what replaces it. `oracle --program` must notice each.
MUTANTS = [
    (K, "length >= UDP_SIZE && length <= udp_size;", "length <= udp_size;"),
    (K, "length >= UDP_SIZE && length <= udp_size;", "length >= UDP_SIZE;"),
    (K, "ip[0] != 0x45 ||", "ip[0] >> 4 != 4 ||"),
    (K, "p->payload = size - tcp_size;", "p->payload = size - TCP_SIZE;"),
    (K, "read_transport(l4, size - IP6_SIZE, p)", "read_transport(l4, size - IP4_SIZE, p)"),
    (K, ".end = p->seq + p->payload,", ".end = p->seq + p->payload + 1,"),
    (K, "fit.seq_is_inside & fit.seq_is_recent", "fit.seq_is_recent"),
    (K, "fit.seq_is_recent & fit.ack_was_seen", "fit.ack_was_seen"),
    (K, "fit.ack_was_seen & fit.ack_is_recent", "fit.ack_is_recent"),
    (K, " & fit.ack_is_recent)) {", ")) {"),
    (K, "\tupdate_windows(t, &s);\n", ""),
    (K, "\tt->last_class = SEG_ACK;\n", ""),
    (K, "c->tcp_ttl_ns[ttl_facts_of(t, c->tcp_max_retrans) & 7]", "c->tcp_ttl_ns[0]"),
    (K, "is_stream ? c->udp_ttl_ns : c->udp_new_ttl_ns", "c->udp_ttl_ns"),
    (K, "l->is_stream |= is_stream;", ";"),
    (K, "p.side) == DIR_ORIG) {", "p.side) == DIR_REPLY) {"),
    (L, "f->conn.tcp = l->conn;", ";"),
    (L, "flowtab_set_deadline(t, f, (struct mono){ l->deadline_ns });", ";"),
    (O, "is_plain(&f->conn.tcp, SEG_ACK);", "1;"),
]
