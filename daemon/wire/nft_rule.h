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

/* A table of nf_tables. */
#define NFT_TABLE_NAME_SIZE    257
#define NFT_TABLE_COMMENT_SIZE 129

struct nft_table_seen {
	uint8_t family;
	char name[NFT_TABLE_NAME_SIZE];
	char comment[NFT_TABLE_COMMENT_SIZE]; /* "" = none */
};

/* Writes the request for all tables. Returns its size. */
size_t nft_put_tables_request(uint32_t seq, uint8_t out[static NFT_REQUEST_SIZE]);

/* Reads the next message of a datagram; NFT_RULE means a table. */
enum nft_result nft_table_next(struct cursor *datagram, uint32_t seq, struct nft_table_seen *out,
                               int *error);

/* "ip", "inet", ...; "" for an unknown family. */
const char *nft_family_name(uint8_t family);

#endif
