/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program for the bpf match. See spread.h.
 *
 * Multiplicative hashing: s is the sum of all 32-bit words of both addresses and of both ports; the
 * upper 16 bits of s * K, as a fraction of 2^16, times the number of queues is the queue. The upper
 * bits differ for consecutive sums, as clients use every second port in turn. A packet too short
 * for ports does not match, and goes to the last queue.
 */
#include "hook/spread.h"

#include <linux/filter.h>
#include <netinet/in.h>

/* 2^32 divided by the golden ratio, made odd. */
#define HASH_FACTOR 0x9e3779b1u

/* XT_BPF_MAX_NUM_INSTR of xt_bpf. */
#define PROGRAM_MAX 64

/* In the IPv4 fragment field: the bit MF and the offset. */
#define IP4_FRAGMENT 0x3fffu

#define IP4_FRAGMENT_AT    6
#define IP4_PROTOCOL_AT    9
#define IP4_ADDRESSES_AT   12
#define IP6_NEXT_HEADER_AT 6
#define IP6_ADDRESSES_AT   8
#define IP6_HEADER_SIZE    40

/* IPv6 extension headers: the next header, then the size in units of 8 bytes behind the first. */
#define EXT_SIZE_AT 1

/* Protocols whose header begins with two ports. */
static const uint8_t with_ports[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP,
	                              IPPROTO_UDPLITE };

#define WITH_PORTS_LEN (sizeof(with_ports) / sizeof(with_ports[0]))

/* Scratch words of the program. */
enum scratch {
	SCRATCH_SUM,
	SCRATCH_TMP,
};

/* Instructions of has_ports(), with the load before it, and of sum_ports(). */
#define HAS_PORTS_LEN (1 + WITH_PORTS_LEN)
#define SUM_PORTS_LEN 5

struct program {
	struct sock_filter code[PROGRAM_MAX];
	uint16_t len;
};

static void put(struct program *p, uint16_t code, uint32_t k)
{
	p->code[p->len++] = (struct sock_filter)BPF_STMT(code, k);
}

static void put_jump(struct program *p, uint16_t code, uint32_t k, uint8_t if_true,
                     uint8_t if_false)
{
	p->code[p->len++] = (struct sock_filter)BPF_JUMP(code, k, if_true, if_false);
}

/* Stores the sum of the 32-bit words from an offset on. */
static void sum_words(struct program *p, uint32_t from, unsigned words)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, from);
	for (unsigned i = 1; i < words; i++) {
		put(p, BPF_MISC | BPF_TAX, 0);
		put(p, BPF_LD | BPF_W | BPF_ABS, from + 4 * i);
		put(p, BPF_ALU | BPF_ADD | BPF_X, 0);
	}
	put(p, BPF_ST, SCRATCH_SUM);
}

/* Goes on if the protocol in A has ports; else skips that many instructions. */
static void has_ports(struct program *p, uint8_t skipped)
{
	for (unsigned left = WITH_PORTS_LEN; left-- > 0;) {
		put_jump(p, BPF_JMP | BPF_JEQ | BPF_K, with_ports[left], (uint8_t)left,
		         left > 0 ? 0 : skipped);
	}
}

/* The sum of the ports of the transport header at X, in A. */
static void sum_ports(struct program *p)
{
	put(p, BPF_LD | BPF_H | BPF_IND, 0);
	put(p, BPF_ST, SCRATCH_TMP);
	put(p, BPF_LD | BPF_H | BPF_IND, 2);
	put(p, BPF_LDX | BPF_W | BPF_MEM, SCRATCH_TMP);
	put(p, BPF_ALU | BPF_ADD | BPF_X, 0);
}

/* Adds A to the sum; the result is in A. */
static void add_to_sum(struct program *p)
{
	put(p, BPF_LDX | BPF_W | BPF_MEM, SCRATCH_SUM);
	put(p, BPF_ALU | BPF_ADD | BPF_X, 0);
}

/* The sum is in A. */
static void choose(struct program *p, uint32_t queues, uint32_t end)
{
	put(p, BPF_ALU | BPF_MUL | BPF_K, HASH_FACTOR);
	put(p, BPF_ALU | BPF_RSH | BPF_K, 16);
	put(p, BPF_ALU | BPF_MUL | BPF_K, queues);
	put(p, BPF_ALU | BPF_RSH | BPF_K, 16);
	put_jump(p, BPF_JMP | BPF_JGE | BPF_K, end, 1, 0);
	put(p, BPF_RET | BPF_K, 1);
	put(p, BPF_RET | BPF_K, 0);
}

static void make_ip4(struct program *p)
{
	sum_words(p, IP4_ADDRESSES_AT, 2);
	put(p, BPF_LD | BPF_H | BPF_ABS, IP4_FRAGMENT_AT);
	put_jump(p, BPF_JMP | BPF_JSET | BPF_K, IP4_FRAGMENT, HAS_PORTS_LEN + 2 + SUM_PORTS_LEN, 0);
	put(p, BPF_LD | BPF_B | BPF_ABS, IP4_PROTOCOL_AT);
	has_ports(p, 2 + SUM_PORTS_LEN);
	put(p, BPF_LDX | BPF_B | BPF_MSH, 0);
	sum_ports(p);
	put_jump(p, BPF_JMP | BPF_JA, 1, 0, 0);
	put(p, BPF_LD | BPF_W | BPF_IMM, 0);
	add_to_sum(p);
}

/*
 * Skips up to two extension headers, so that all packets of a connection have one queue: the kernel
 * adds a hop-by-hop header to its own TCP packets above 64 KiB (BIG TCP), and only to those. A
 * program has too few instructions for more. What follows is added to the sum: the ports, or the
 * number of a protocol without ports or of the third extension header.
 */
static void make_ip6(struct program *p)
{
	enum { HOP_BY_HOP = 0, ROUTING = 43, DESTINATION = 60 };
	enum { FIRST_LEN = 5, SECOND_LEN = 8 };

	sum_words(p, IP6_ADDRESSES_AT, 8);
	put(p, BPF_LDX | BPF_W | BPF_IMM, IP6_HEADER_SIZE);
	put(p, BPF_LD | BPF_B | BPF_ABS, IP6_NEXT_HEADER_AT);
	put_jump(p, BPF_JMP | BPF_JEQ | BPF_K, HOP_BY_HOP, 2, 0);
	put_jump(p, BPF_JMP | BPF_JEQ | BPF_K, ROUTING, 1, 0);
	put_jump(p, BPF_JMP | BPF_JEQ | BPF_K, DESTINATION, 0, FIRST_LEN + 2 + SECOND_LEN);
	/* X = 40 + (size + 1) * 8 */
	put(p, BPF_LD | BPF_B | BPF_ABS, IP6_HEADER_SIZE + EXT_SIZE_AT);
	put(p, BPF_ALU | BPF_ADD | BPF_K, IP6_HEADER_SIZE / 8 + 1);
	put(p, BPF_ALU | BPF_LSH | BPF_K, 3);
	put(p, BPF_MISC | BPF_TAX, 0);
	put(p, BPF_LD | BPF_B | BPF_ABS, IP6_HEADER_SIZE);
	put_jump(p, BPF_JMP | BPF_JEQ | BPF_K, ROUTING, 1, 0);
	put_jump(p, BPF_JMP | BPF_JEQ | BPF_K, DESTINATION, 0, SECOND_LEN);
	/* X += (size + 1) * 8 */
	put(p, BPF_LD | BPF_B | BPF_IND, 0);
	put(p, BPF_ST, SCRATCH_TMP);
	put(p, BPF_LD | BPF_B | BPF_IND, EXT_SIZE_AT);
	put(p, BPF_ALU | BPF_ADD | BPF_K, 1);
	put(p, BPF_ALU | BPF_LSH | BPF_K, 3);
	put(p, BPF_ALU | BPF_ADD | BPF_X, 0);
	put(p, BPF_MISC | BPF_TAX, 0);
	put(p, BPF_LD | BPF_W | BPF_MEM, SCRATCH_TMP);
	has_ports(p, SUM_PORTS_LEN);
	sum_ports(p);
	add_to_sum(p);
}

void hook_spread_bytecode(FILE *to, enum hook_family family, uint32_t queues, uint32_t end)
{
	struct program p = { .len = 0 };

	if (family == FAMILY_IPV4) {
		make_ip4(&p);
	} else {
		make_ip6(&p);
	}
	choose(&p, queues, end);
	fprintf(to, "%u", p.len);
	for (unsigned i = 0; i < p.len; i++) {
		const struct sock_filter *f = &p.code[i];

		fprintf(to, ",%u %u %u %u", f->code, f->jt, f->jf, f->k);
	}
}
