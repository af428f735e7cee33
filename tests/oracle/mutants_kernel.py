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
    (K, "p->tcp.payload = size - tcp_size;", "p->tcp.payload = size - TCP_SIZE;"),
    (K, "read_transport(l4, size - IP6_SIZE, p)", "read_transport(l4, size - IP4_SIZE, p)"),
    (K, ".end = p->tcp.seq + p->tcp.payload,", ".end = p->tcp.seq + p->tcp.payload + 1,"),
    (K, "fit.seq_is_inside & fit.seq_is_recent", "fit.seq_is_recent"),
    (K, "fit.seq_is_recent & fit.ack_was_seen", "fit.ack_was_seen"),
    (K, "fit.ack_was_seen & fit.ack_is_recent", "fit.ack_is_recent"),
    (K, " & fit.ack_is_recent)) {", ")) {"),
    (K, "\tupdate_windows(t, &s);\n", ""),
    (K, "\tt->last_class = SEG_ACK;\n", ""),
    (K, "c->tcp_ttl_ns[TCP_ESTABLISHED][facts_of(t, c)]",
     "c->tcp_ttl_ns[TCP_ESTABLISHED][0]"),
    (K, "is_stream ? c->udp_ttl_ns : c->udp_new_ttl_ns", "c->udp_ttl_ns"),
    (K, "\t\tl->gained |= (uint8_t)gained;\n", ""),
    (K, "unsigned gained = is_stream ? FLOW_ASSURED : 0;", "unsigned gained = 0;"),
    (K, "(status & FLOW_SEEN_REPLY) != 0 && now_ns > l->udp_stream_from_ns;", "now_ns > l->udp_stream_from_ns;"),
    (K, "l->new_hooks & 1u << hook) == 0) {\n\t\treturn false;", "l->new_hooks & 1u << hook) != 0) {\n\t\treturn false;"),
    (K, "p.side) == DIR_ORIG) {", "p.side) == DIR_REPLY) {"),
    (K, "if (cpu->tick != tick) {", "if (cpu->tick == 0) {"),
    # the step
    (K, "\tcase TCP_ACK | TCP_FIN:\n", "\tcase TCP_ACK | TCP_FIN:\n\tcase TCP_ACK | TCP_RST:\n"),
    (K, "if (tcp_size < TCP_SIZE || !classify(p)) {", "if (!classify(p)) {"),
    (K, "if (tcp_size > size) {", "if (tcp_size > size + 4) {"),
    (K, "if (payload == 0 && sum == 0xffff) {", "if (payload == 0) {"),
    (K, "sum_of(o.bytes, OPTS_MAX)", "sum_of(o.bytes, 8)"),
    (K, "sum_of(ip + 12, 8) + IPPROTO_NR_TCP", "sum_of(ip + 12, 8)"),
    (K, "tcp->payload + (tcp->class_nr != SEG_ACK)", "tcp->payload"),
    (K, "(s.dir == DIR_ORIG && (status & FLOW_SEEN_REPLY) == 0) ||", "(s.dir == DIR_ORIG && 0) ||"),
    (K, "\tstep_settle(&a->conn, &s, result.from, result.to);\n", ""),
    (K, "status |= step_assures(status, result.from, result.to) ? FLOW_ASSURED : 0;", ";"),
    (K, "status |= s.dir == DIR_REPLY ? FLOW_SEEN_REPLY : 0;", ";"),
    (K, ".sack = tcp->ack,", ".sack = 0,"),
    (K, "c->tcp_ttl_ns[a.conn.state][", "c->tcp_ttl_ns[TCP_ESTABLISHED]["),
    (K, "\tl->conn = a.conn;\n", ""),
    (K, "\tl->gained = a.status & gained;\n", ""),
    (K, "(void)finwall_syn_opts(&o);", ";"),
    (K, "(void)finwall_sack_opts(&o);", ";"),
    (K, "((l->status | l->gained) & FLOW_ASSURED) != 0 &&\n\t    is_plain(", "is_plain("),
    (K, "is_plain(&l->conn, SEG_ACK)) {", "1) {"),
    (L, "f->conn.tcp = *conn;", ";"),
    (L, "f->status |= gained & (FLOW_SEEN_REPLY | FLOW_ASSURED);", ";"),
    (L, "flowtab_set_deadline(t, f, (struct mono){ l->deadline_ns });", ";"),
    (O, "if ((f->status & FLOW_KNOWN) != 0) {", "if (0) {"),
]
