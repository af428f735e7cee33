#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutation test of the tracker's tests: applies one small error at a time to a copy of the tracker,
builds it, and runs the unit tests, packet scripts and a short oracle.

usage: mutants.py [--only SUBSTRING]... [--work DIR]
       mutants.py --check      only whether each row's text stands there exactly once

Each row of MUTANTS is (file in daemon/core, text that occurs there exactly once, its replacement).
A row whose text does not occur is an error: the list must follow the code. mutants_kernel.py has those of the kernel fast path, which `oracle --program` must notice. Rows in SAME are
equivalent to the original for every packet, for the reason given there; they are not counted.
"""
import argparse
import os
import shutil
import subprocess
import sys
import time

import mutants_kernel

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JOBS = "-j2"

# The tests by kind: targets, and a pattern of test names.
TESTS = {
    "unit": (["test_flowkey", "test_siphash", "test_pkt", "test_tcp_table", "test_tcp_track", "test_udp"],
             "^test_(flowkey|siphash|pkt|tcp_table|tcp_track|udp)$"),
    "model": (["model_tcp"], "^model_tcp$"),
    "scripts": (["pkt_script"], "^pkt_"),
}
TARGETS = ["oracle", "fastpath"] + [t for targets, _ in TESTS.values() for t in targets]

T = "tcp_track.c"
S = "tcp_step.h"
W = "tcp_window.h"
X = "fastpath.c"
P = "plain_segment.h"
MUTANTS = [
    # the state table
    (S, "[SEG_SYN]    = { SS, SS, IG, IG, IG, IG, IG, SS, SS, S2 }",
        "[SEG_SYN]    = { SS, SS, IG, IG, IG, IG, IG, IV, SS, S2 }"),
    (S, "[SEG_SYNACK] = { IV, IV, SR, IV, IV, IV, IV, IV, IV, SR }",
        "[SEG_SYNACK] = { IV, IV, SR, IG, IV, IV, IV, IV, IV, SR }"),
    (S, "[SEG_ACK]    = { ES, IV, ES, ES, CW, CW, TW, TW, CL, IV }",
        "[SEG_ACK]    = { ES, IV, ES, ES, FW, CW, TW, TW, CL, IV }"),
    (S, "[SEG_SYN]    = { IV, S2, IV, IV, IV, IV, IV, SS, IV, S2 }",
        "[SEG_SYN]    = { IV, S2, IV, IV, IV, IV, IV, IV, IV, S2 }"),
    (S, "[SEG_SYNACK] = { IV, SR, IG, IG, IG, IG, IG, IG, IG, SR }",
        "[SEG_SYNACK] = { IV, SR, SR, IG, IG, IG, IG, IG, IG, SR }"),
    (S, "[SEG_ACK]    = { IV, IG, SR, ES, CW, CW, TW, TW, CL, IG }",
        "[SEG_ACK]    = { IV, IV, SR, ES, CW, CW, TW, TW, CL, IG }"),
    (S, "[SEG_FIN]    = { IV, IV, FW, FW, LA, LA, LA, TW, CL, IV }, /*",
        "[SEG_FIN]    = { IV, IV, FW, FW, FW, LA, LA, TW, CL, IV }, /*"),
    # opening
    (T, "if (tun->tcp_loose == 0) {", "if (tun->tcp_loose != 0) {"),
    (T, "t->flags[DIR_REPLY] = TCP_SIDE_SACK | TCP_SIDE_LIBERAL;\n\t\treturn",
        "t->flags[DIR_REPLY] = TCP_SIDE_LIBERAL;\n\t\treturn"),
    (S, "side->maxend = s->end;", "side->maxend = s->end + s->tcp->win;"),
    (W, "return win == 0 ? 1 : win;", "return win;"),
    # the steps of the state machine
    (S, "if (to == SS && (from == TW || from == CL)) {", "if (to == SS && from == TW) {"),
    (S, "t->last_dir == s->dir && t->last_class == SEG_RST);",
        "t->last_dir != s->dir && t->last_class == SEG_RST);"),
    (S, "((t->flags[0] | t->flags[1]) & TCP_SIDE_CLOSE_INIT) != 0",
        "(t->flags[s->dir] & TCP_SIDE_CLOSE_INIT) != 0"),
    (S, "t->last_class == SEG_SYN && t->last_dir != s->dir &&\n\t       s->ack == t->last_end;",
        "t->last_class == SEG_SYN && t->last_dir != s->dir;"),
    (S, "from = SS;\n\t\tto = SR;", "to = SR;"),
    (S, "opener->maxend = t->last_end;", "opener->maxend = t->last_end + t->last_win;"),
    (S, "t->scale[dir] = t->last_scale;", ";"),
    (S, "t->flags[dir] = t->last_flags;", "t->flags[dir] |= t->last_flags;"),
    (S, "t->seen[s->dir] = (struct tcp_seen){ 0 };", ";"),
    (S, "t->flags[s->dir] &= TCP_SIDE_LIBERAL;", "t->flags[s->dir] = 0;"),
    (S, "if (s->class_nr == SEG_SYN && s->dir == DIR_ORIG) {\n\t\tt->last_flags = 0;",
        "if (s->class_nr == SEG_SYN) {\n\t\tt->last_flags = 0;"),
    (S, "if (t->state == TCP_LAST_ACK) {", "if (t->state == TCP_CLOSE_WAIT) {"),
    (S, "if (t->state == TCP_SYN_SENT && s->class_nr == SEG_ACK && s->dir == DIR_REPLY) {",
        "if (t->state == TCP_SYN_RECV && s->class_nr == SEG_ACK && s->dir == DIR_REPLY) {"),
    (S, "if (to == TW && from == LA && s->class_nr == SEG_ACK && t->last_dir != s->dir &&",
        "if (to == TW && from == LA && s->class_nr == SEG_ACK &&"),
    (S, "t->last_flags |= TCP_LAST_SIMOPEN;", ";"),
    # resets
    (S, "bool proven = t->state == TCP_ESTABLISHED && (s->status & FLOW_ASSURED) != 0;",
        "bool proven = t->state == TCP_ESTABLISHED;"),
    (S, "return state == FW || state == CW || state == LA || state == TW || state == CL;",
        "return state == FW || state == CW || state == LA || state == TW;"),
    (S, "(t->flags[s->other] & TCP_SIDE_MAXACK) != 0 && t->last_class != SEG_SYN",
        "(t->flags[s->other] & TCP_SIDE_MAXACK) != 0"),
    (S, "if (s->seq == 0 && !proven) {", "if (s->seq == 0) {"),
    (S, "seq_before(s->seq, maxack) && !r->ignores_invalid_rst",
        "seq_before(s->seq, maxack + 1) && !r->ignores_invalid_rst"),
    (S, "!r->ignores_invalid_rst)", "!r->be_liberal)"),
    (S, "if (!proven || s->seq == maxack) {", "if (s->seq == maxack) {"),
    (S, "if (t->last_class == SEG_ACK && t->last_dir == s->dir && s->seq == t->last_end) {",
        "if (t->last_class == SEG_ACK && s->seq == t->last_end) {"),
    (S, "*to = t->state;", ";"),
    (S, "((s->status & FLOW_ASSURED) == 0 && t->last_class == SEG_ACK)) &&",
        "(t->last_class == SEG_ACK)) &&"),
    (S, "t->last_class == SEG_ACK && t->last_dir == DIR_REPLY &&\n\t    s->seq == t->last_ack",
        "t->last_class == SEG_ACK && t->last_dir == DIR_REPLY &&\n\t    s->seq == t->last_ack + 1"),
    # the first segment of a side
    (S, "if (!first && !(opening && seq_after(s->end, snd->end))) {",
        "if (!first && !seq_after(s->end, snd->end)) {"),
    (S, "(t->flags[0] & t->flags[1] & TCP_SIDE_WSCALE) == 0",
        "((t->flags[0] | t->flags[1]) & TCP_SIDE_WSCALE) == 0"),
    (S, "return !s->has_ack && (first || s->dir == DIR_REPLY);", "return !s->has_ack;"),
    (S, "snd->maxend = s->end + snd->maxwin_bytes;", "snd->maxend = s->end;"),
    (S, "} else if (s->sack == rcv->end + 1) {", "} else if (s->sack == rcv->end + 2) {"),
    # options
    (S, "if (tcp->opts_size == 0) {\n\t\treturn;\n\t}", ""),
    (S, "*flags &= TCP_SIDE_LIBERAL;", "*flags = 0;"),
    (S, "#define SCALE_MAX 14", "#define SCALE_MAX 15"),
    (S, "kind == OPT_WSCALE && size == 1", "kind == OPT_WSCALE && size >= 1"),
    (S, "kind != OPT_SACK || size < 8 || size % 8 != 0", "kind != OPT_SACK || size < 8"),
    (S, "if (seq_after(edge, *sack)) {", "if (!seq_after(edge, *sack)) {"),
    (S, "*sack = edge;\n\t\t\t}\n\t\t}\n\t\tbreak;", "*sack = edge;\n\t\t\t}\n\t\t}"),
    (S, "if ((t->flags[s->other] & TCP_SIDE_SACK) != 0) {",
        "if ((t->flags[s->dir] & TCP_SIDE_SACK) != 0) {"),
    # the window
    (W, "#define ACK_WINDOW_MIN_BYTES 66000u", "#define ACK_WINDOW_MIN_BYTES 65999u"),
    (W, ".seq_is_inside = seq_before(s->seq, snd->maxend + 1),",
        ".seq_is_inside = seq_before(s->seq, snd->maxend),"),
    (S, "uint32_t over = s->end - snd->maxend + 1;", "uint32_t over = s->end - snd->maxend;"),
    (S, "over > rcv->maxwin_bytes)", "over >= rcv->maxwin_bytes)"),
    (S, "snd->end = s->end;\n\t\tt->flags[s->dir] |= TCP_SIDE_UNACKED;\n\t\treturn",
        "t->flags[s->dir] |= TCP_SIDE_UNACKED;\n\t\treturn"),
    (W, ".seq_is_recent = seq_after(s->end, snd->end - rcv->maxwin_bytes - 1),",
        ".seq_is_recent = seq_after(s->end, snd->end - rcv->maxwin_bytes),"),
    (W, ".ack_is_recent = seq_after(s->sack, rcv->end - ack_window - 1),",
        ".ack_is_recent = seq_after(s->sack, rcv->end - ack_window),"),
    (W, ".ack_was_seen = seq_before(s->sack, rcv->end + 1),",
        ".ack_was_seen = seq_before(s->sack, rcv->end + 2),"),
    (S, "if (rcv->maxwin_bytes != 0 && !fit.seq_is_recent) {", "if (!fit.seq_is_recent) {"),
    (S, "|| (is_rst && s->ack == 0)", ""),
    (S, "is_rst && s->seq == 0 && t->state == TCP_SYN_SENT",
        "is_rst && s->seq == 0"),
    (S, "if ((t->flags[s->dir] & TCP_SIDE_LIBERAL) != 0 ||",
        "if ((t->flags[s->other] & TCP_SIDE_LIBERAL) != 0 ||"),
    # after the window
    (W, "uint32_t win = s->is_syn ? s->win : (uint32_t)s->win << t->scale[s->dir];",
        "uint32_t win = (uint32_t)s->win << t->scale[s->dir];"),
    (W, "uint32_t offered = win + (s->sack - s->ack);", "uint32_t offered = win;"),
    (W, "bool is_further = seq_after(s->end, snd->end);",
        "bool is_further = seq_after(s->end + 1, snd->end);"),
    (W, "seq_after(s->ack, snd->maxack)", "seq_after(s->sack, snd->maxack)"),
    (W, "((flags & TCP_SIDE_MAXACK) == 0) | ", ""),
    (W, "flags |= is_further * TCP_SIDE_UNACKED;", ";"),
    (W, "flags |= acks_more * TCP_SIDE_MAXACK;", ";"),
    (W, "rcv->maxwin_bytes += s->end - snd->maxend;", ";"),
    (W, "s->sack + at_least_one(win), rcv->maxend", "s->sack + win, rcv->maxend"),
    (W, "bool all_acked = s->ack == rcv->end;", "bool all_acked = s->sack == rcv->end;"),
    (W, "bool widens = seq_after(s->sack + win, rcv->maxend - 1);",
        "bool widens = seq_after(s->sack + win, rcv->maxend);"),
    (W, "(uint32_t)(t->last_win ^ s->win) |", ""),
    (W, "again ? t->retrans + 1 : 0", "again ? t->retrans + 1 : t->retrans"),
    (W, "if (s->class_nr == SEG_ACK) {\n\t\tnote_retransmission(t, s);\n\t}",
        "note_retransmission(t, s);"),
    (W, "t->seen[1].maxwin_bytes != 0;", "1;"),
    # out-of-window closers
    (T, "if (!is_closer || (s->status & FLOW_ASSURED) == 0) {", "if (!is_closer) {"),
    (T, "remaining_ns > tun->tcp_unacked_ns", "remaining_ns > 0"),
    (T, "#define STRAY_CLOSERS_MIN_NS sec_to_ns(120)", "#define STRAY_CLOSERS_MIN_NS sec_to_ns(0)"),
    # time
    (W, "t->retrans >= max_retrans ?", "t->retrans > max_retrans ?"),
    (W, "return tun->tcp_timeout_ns[TCP_CLOSE];", "return normal_ns;"),
    (W, "((t->flags[0] | t->flags[1]) & TCP_SIDE_UNACKED) != 0 ?",
        "(t->flags[t->last_dir] & TCP_SIDE_UNACKED) != 0 ?"),
    (W, "(facts & TTL_NO_WINDOW) != 0 && normal_ns > tun->tcp_retrans_ns",
        "(facts & TTL_NO_WINDOW) != 0 && normal_ns > tun->tcp_unacked_ns"),
    # the last steps of a segment
    (S, "if (from != to && to == FW) {", "if (to == FW) {"),
    (T, "fx->delete_it = 1;", ";"),
    (T, "if (s->class_nr == SEG_SYN && from == SS) {", "if (s->class_nr == SEG_SYN && to == SS) {"),
    (T, "if (to == ES && timeout_ns > tun->tcp_unacked_ns) {", "if (0) {"),
    (S, "\tt->last_dir = (uint8_t)s->dir;\n\tt->state = (uint8_t)to;", "\tt->state = (uint8_t)to;"),
    # the fast path: conditions
    (X, "STATUS_NEEDED (FLOW_SEEN_REPLY | FLOW_ASSURED)", "STATUS_NEEDED (FLOW_SEEN_REPLY)"),
    (X, "((~f->status & STATUS_NEEDED) | f->probes |", "((~f->status & STATUS_NEEDED) |"),
    (X, " ||\n\t    mono_is_due(f->deadline, x->cx->now)", ""),
    (X, "if (!is_plain(t, SEG_ACK)) {", "if (t->state != TCP_ESTABLISHED) {"),
    (X, "fit.seq_is_inside & fit.seq_is_recent", "fit.seq_is_recent"),
    (X, "fit.seq_is_recent & fit.ack_was_seen", "fit.ack_was_seen"),
    (X, "fit.ack_was_seen & fit.ack_is_recent", "fit.ack_is_recent"),
    (X, " & fit.ack_is_recent)) {", ")) {"),
    (P, "~(TCP_PSH | TCP_ECE | TCP_CWR)", "~(TCP_PSH | TCP_ECE | TCP_CWR | TCP_FIN)"),
    (P, "~(TCP_PSH | TCP_ECE | TCP_CWR)", "~(TCP_PSH | TCP_ECE | TCP_CWR | TCP_URG | TCP_RST)"),
    (P, "cap_size >= STAMPED_SIZE &&", "1 &&"),
    (P, "opts_are_plain(tcp + TCP_SIZE, STAMPED_SIZE - TCP_SIZE)", "1"),
    (X, "(load_be16(ip + 6) & IP4_OFFSET_MASK) != 0", "0"),
    (X, "ip[0] != 0x45 ||", "ip[0] >> 4 != 4 ||"),
    (X, "ip[0] >> 4 != 6 || cap_size < IP6_SIZE + TCP_SIZE ||", "ip[0] >> 4 != 6 ||"),
    (X, "frame->cap_size < frame->true_size ? frame->cap_size : frame->true_size;",
        "frame->cap_size;"),
    (X, "if (x->verifies && frame->csum != CSUM_TRUSTED &&", "if (0 &&"),
    (X, "tun->checksum == CSUM_POLICY_FULL;", "0;"),
    # the fast path: results
    (X, "is_hi = lo > hi;", "is_hi = lo < hi;"),
    (X, "c->payload[i] = frame->true_size - IP4_SIZE - (uint32_t)tcp_size;",
        "c->payload[i] = (uint32_t)cap_size - IP4_SIZE - (uint32_t)tcp_size;"),
    (X, "c->payload[i] = frame->true_size - IP6_SIZE - (uint32_t)tcp_size;",
        "c->payload[i] = frame->true_size - IP6_SIZE - TCP_SIZE;"),
    (X, "swap_if_u64(is_hi, &lo[h], &hi[h]);", ";"),
    (X, "(flowkey_ip4_pair(k) ^ c->word[0][i])", "0"),
    (X, "(k->hi.half[1] ^ c->word[3][i]) |", ""),
    (X, "s.class_nr = SEG_ACK;", "s.class_nr = SEG_NONE;"),
    (X, "s.has_ack = true;", "s.has_ack = false;"),
    (X, "\tt->last_class = SEG_ACK;\n", ""),
    (X, "x->ttl_ns[ttl_facts(t, x->tun)]", "x->ttl_ns[0]"),
    (X, "x->ttl_ns[facts] = ttl_ns(tun, TCP_ESTABLISHED, SEG_ACK, facts);",
        "x->ttl_ns[facts] = ttl_ns(tun, TCP_ESTABLISHED, SEG_RST, facts);"),
    (X, "x->tun->enforce == 0 ? (uint8_t)VERDICT_ACCEPT : v->judged", "v->judged"),
    (X, ".reject_with = rules.reject_with,", ""),
    (X, ".rule_nr = rules.rule_nr,", ""),
    (X, "out->dir = (uint8_t)s.dir;", ";"),
    (X, "out->status = f->status;", ";"),
    (X, "if (!v->is_fixed) {", "if (0) {"),
    (X, "v->bytes += frame->true_size;", "v->bytes += frame->cap_size;"),
    (X, "[CT_ESTABLISHED][v->judged], v->packets);", "[CT_ESTABLISHED][v->decision.verdict], v->packets);"),
    ("batch.c", "d->hint = c->hint[i];", "d->hint = 0;"),
    ("batch.c", "(c->ip6 >> i & 1) != 0 ? hash_ip6[i] : c->hash[i]", "hash_ip6[i]"),
    ("siphash.c", "s.v2 ^= zero + 0xff;", "s.v2 ^= zero + 0xfe;"),
    # UDP
    ("udp_track.c", "mono_diff(now, u->stream_from) > 0", "1"),
    ("udp_track.c", "fx->set_assured = 1;", ";"),
    ("udp_track.c", "fx->timeout_ns = tun->udp_replied_ns;", ";"),
    ("udp_track.c", "(2 * NSEC_PER_SEC)", "(3 * NSEC_PER_SEC)"),
    # ICMP, quotes, extension headers
    ("lookup.c", "memcmp(&d->pkt.tuple.dst, &d->pkt.quoted.src, sizeof(union ip_addr)) != 0",
        "0"),
    ("tunables.c", "case IPPROTO_NR_ICMPV6:\n\t\treturn tun->icmpv6_ns;",
        "case IPPROTO_NR_ICMPV6:\n\t\treturn tun->icmp_ns;"),
    ("lookup.c", "if (d->side != SIDE_LO) {", "if (0) {"),
    ("lookup.c", "bool replied = dir == DIR_REPLY || (f->status & FLOW_SEEN_REPLY) != 0;",
        "bool replied = (f->status & FLOW_SEEN_REPLY) != 0;"),
    ("lookup.c", "d->side == SIDE_HI || flowkey_is_mirror(&d->key) ? FLOW_ORIG_HI : 0",
        "d->side == SIDE_HI ? FLOW_ORIG_HI : 0"),
    ("lookup.c", "if (dir == DIR_REPLY) {\n\t\tf->status |= FLOW_SEEN_REPLY;",
        "if (dir == DIR_ORIG) {\n\t\tf->status |= FLOW_SEEN_REPLY;"),
    ("lookup.c", "if (f != NULL && mono_is_due(f->deadline, d->cx->now) &&", "if (0 &&"),
    ("batch.c", "if (o->wants_entry && passes && !insert(d, o) && !revive_tomb(d, o)) {",
        "if (o->wants_entry && !insert(d, o) && !revive_tomb(d, o)) {"),
    ("flowtab.c", "t->pool[nr].key.family = 0;", ";"),
    ("icmp_err.c", "(size_t)(ip[0] & 0x0f) * 4", "(size_t)20"),
    ("ip6_ext.c", "c->at = c->end;", "return IP6_EXT_SHORT;"),
    ("pkt.c", "p->l4[REDIRECT_OPTIONS_AT + 1] == 0", "0"),
    ("icmp_err.c", "if ((load_be16(ip + 6) & IP4_OFFSET_MASK) != 0) {", "if ((load_be16(ip + 6) & 0x3fff) != 0) {"),
    ("icmp_err.c", "if (cursor_left(&c) < 8) {", "if (cursor_left(&c) < 6) {"),
    ("ip6_ext.c", "size = ((size_t)len + 2) * 4;", "size = ((size_t)len + 1) * 8;"),
    ("ip6_ext.c", "if ((offset & 0xfff8) != 0) {", "if (offset != 0) {"),
    ("flowkey.c", "{ PROTO_ICMP, 17, 18 },     /* address mask */", "{ PROTO_ICMP, 17, 16 },"),
    ("flowkey.c", "(t->dport & 0xff)", "0"),
    ("pkt.c", "return length < 8 || length > p->l4_size", "return length > p->l4_size"),
    ("pkt.c", "p->icmp_code != 0 || p->ttl != 255 || !link_local", "p->ttl != 255 || !link_local"),
    ("pkt.c", "p->icmp_type > 18 ?", "p->icmp_type > 17 ?"),
    ("pkt.c", "case TCP_SYN | TCP_URG:\n", ""),
]

# Equivalent mutants.
SAME = {
    "to = SR;":
        "where the segment came from matters later only for a SYN, or on the way to ESTABLISHED or "
        "FIN_WAIT",
    "if (s->class_nr == SEG_SYN) {\n\t\tt->last_flags = 0;":
        "a SYN of the reply side is ignored in TIME_WAIT only, and only where no FIN was seen, which "
        "does not happen",
    "if (to == FW) {":
        "nothing leads from FIN_WAIT to FIN_WAIT",
    "if (!classify(p)) {":
        "a header of less than 20 bytes has options of more than 40, which are not read",
    "if (tcp_size > size + 4) {":
        "options behind the end of the packet cannot be read",
    "(s.dir == DIR_ORIG && 0) ||":
        "the state array refuses ACK, FIN and SYN+ACK of an opener that has no answer",
    "is_plain(":
        "what makes a leased connection ESTABLISHED makes it ASSURED too",
    "d->hint = 0;":
        "a wrong hint costs time, nothing else",
}


def run(cmd, cwd, limit):
    """Returns the exit status; -1 after a timeout."""
    try:
        return subprocess.run(cmd, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=limit, check=False).returncode
    except subprocess.TimeoutExpired:
        return -1


def program_failures(build, seed):
    """Returns the runs that fail of the kernel fast path in front of the engine."""
    oracle = os.path.join(build, "tests", "oracle", "oracle")
    for proto in ("tcp", "udp"):
        for family in ("4", "6"):
            status = run([oracle, "--program", "--proto", proto, "--family", family, "--packets",
                          "60000", "--seconds", "4", "--seed", str(seed)], build, 180)
            if status == 77:
                sys.exit("the oracle needs root, clang and libbpf")
            if status != 0:
                return [f"program:{proto}{family}"]
    return []


def failures(build, seed):
    """Returns the kinds of tests that fail."""
    found = []
    for kind, (_, names) in TESTS.items():
        if run(["ctest", "-R", names, "--no-tests=error", JOBS], build, 180) != 0:
            found.append(kind)
    oracle = os.path.join(build, "tests", "oracle", "oracle")
    fastpath = os.path.join(build, "tests", "oracle", "fastpath")
    if run([fastpath, "--packets", "300000", "--seed", str(seed)], build, 60) != 0:
        found.append("fastpath")
    if run([oracle, "--batches", "--packets", "200000", "--seed", str(seed)], build, 60) != 0:
        found.append("oracle:batches")
    for proto, packets, seconds in (("tcp", 300000, 3), ("udp", 30000, 5), ("icmp", 50000, 2),
                                    ("other", 50000, 2)):
        status = run([oracle, "--proto", proto, "--packets", str(packets), "--seconds",
                      str(seconds), "--seed", str(seed)], build, 180)
        if status == 77:
            sys.exit("the oracle needs root")
        if status != 0:
            found.append(f"oracle:{proto}")
            break
    return found


def stale_rows(core):
    """Rows whose text does not stand in its file exactly once, with how often it does."""
    found = []
    for name, old, _ in MUTANTS + mutants_kernel.MUTANTS:
        with open(os.path.join(core, name), encoding="utf-8") as f:
            times = f.read().count(old)
        if times != 1:
            found.append((name, old, times))
    return found


def check():
    stale = stale_rows(os.path.join(ROOT, "daemon", "core"))
    for name, old, times in stale:
        print(f"STALE    {name}: stands there {times} times: {' '.join(old.split())}")
    print(f"{len(MUTANTS) + len(mutants_kernel.MUTANTS)} rows, {len(stale)} stale")
    return 1 if stale else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[],
                        help="only rows whose file or text contains this, or another one given")
    parser.add_argument("--work", default=os.path.join(ROOT, "build", "mutants"))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--check", action="store_true", help="only look for stale rows")
    args = parser.parse_args()
    if args.check:
        return check()
    source = os.path.join(args.work, "source")
    build = os.path.join(args.work, "build")
    core = os.path.join(source, "daemon", "core")

    shutil.rmtree(args.work, ignore_errors=True)
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns("build", ".git"))
    configure = ["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"]
    if run(configure, args.work, 120) != 0 or run(["ninja", JOBS] + TARGETS, build, 900) != 0:
        sys.exit(f"cannot build the original in {build}")
    print(f"seed {args.seed}")
    wrong = failures(build, args.seed) + program_failures(build, args.seed)
    if wrong:
        sys.exit("the original fails: " + " ".join(wrong))

    tried = killed = stale = 0
    for name, old, new in MUTANTS + mutants_kernel.MUTANTS:
        notice = program_failures if (name, old, new) in mutants_kernel.MUTANTS else failures
        path = os.path.join(core, name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if args.only and not any(part in name + old for part in args.only):
            continue
        label = f"{name}: {' '.join(new.split()) or 'without ' + ' '.join(old.split())}"
        if text.count(old) != 1:
            print(f"STALE    {label}: occurs {text.count(old)} times")
            stale += 1
            continue
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        if run(["ninja", JOBS] + TARGETS, build, 600) != 0:
            found = ["compiler"]
        else:
            found = notice(build, args.seed)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        if not found and new in SAME:
            print(f"same     {label}: {SAME[new]}")
            continue
        tried += 1
        killed += bool(found)
        print(f"{'killed  ' if found else 'SURVIVED'} {label}: {' '.join(found)}", flush=True)
    print(f"{killed} of {tried} mutants killed ({100 * killed / max(tried, 1):.0f} %), "
          f"{stale} rows stale")
    return 0 if killed == tried and stale == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
