/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of nf_tables, from netlink messages: those of nft, and those of iptables-nft, which keeps
 * its rules in tables of nf_tables. Requests out, rules in. Knows no sockets.
 */
#ifndef FINWALL_WIRE_NFT_RULE_H
#define FINWALL_WIRE_NFT_RULE_H

#include "wire/hook_seen.h"

#include <finwall/bytes.h>

#include <stddef.h>
#include <stdint.h>

/* Large enough for a request with the longest names. */
#define NFT_REQUEST_SIZE 256

/* Family, table and chain. family: NFPROTO_INET, NFPROTO_IPV4 or NFPROTO_IPV6. */
struct nft_chain {
	uint8_t family;
	const char *table;
	const char *chain; /* at most KERNEL_CHAIN_SIZE with its zero */
};

/* Writes the request for the rules of a chain. Returns its size; 0 when a name is too long. */
size_t nft_put_request(const struct nft_chain *chain, uint32_t seq,
                       uint8_t out[static NFT_REQUEST_SIZE]);

enum nft_result {
	NFT_RULE,    /* *out is set */
	NFT_OTHER,   /* another message, or a rule of another chain */
	NFT_BAD,     /* malformed */
	NFT_END,     /* the datagram ends; others follow */
	NFT_DONE,    /* the dump ends */
	NFT_ERROR,   /* *error is set, a positive errno */
	NFT_CHANGED, /* rules changed during the dump */
};

/* Reads the next message of a datagram. */
enum nft_result nft_rule_next(struct cursor *datagram, const struct nft_chain *chain, uint32_t seq,
                              struct kernel_rule *out, int *error);

#endif
