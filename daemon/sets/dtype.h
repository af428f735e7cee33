/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data types of the language: width, words and names of the values that sets hold and rules
 * compare.
 */
#ifndef FINWALL_SETS_DTYPE_H
#define FINWALL_SETS_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of type nf_proto, as in the kernel's <linux/netfilter.h>. */
#define NFPROTO_NR_IPV4 2u
#define NFPROTO_NR_IPV6 10u

/* Values of type ether_type (IANA). */
#define ETHERTYPE_NR_IP  0x0800u
#define ETHERTYPE_NR_IP6 0x86ddu

struct symbol {
	const char *word;
	uint32_t value;
};

struct dtype {
	const char *name; /* as in `type` of a set */
	const char *want; /* "a port (0-65535) or a service name": the end of an error message */
	const struct symbol *symbols; /* ends with a NULL word; or NULL */
	unsigned bits;                /* of the value; 0 = text */
	bool is_bitmask;              /* a list of values is or'ed */
	bool prints_symbols;
	bool takes_numbers;
	bool takes_mask; /* besides bitmasks */
	bool prints_hex;
	uint8_t names; /* enum names_file */
	/* of a concatenation: its parts; then bits is 0 */
	unsigned parts_len;
	const struct dtype *const *parts;
};

/* Words besides the symbols: of the system's files, or times. */
enum names_file {
	NAMES_NONE,
	NAMES_SERVICES,
	NAMES_PROTOCOLS,
	NAMES_USERS,
	NAMES_GROUPS,
	NAMES_TIME, /* times, by the local time zone */
	NAMES_HOUR,
	NAMES_LEN,
};

extern const struct dtype dtype_any; /* of a constant whose type is not known yet */
extern const struct dtype dtype_ifname, dtype_ip4, dtype_ip6, dtype_port, dtype_proto,
	dtype_nfproto, dtype_ethertype, dtype_number1, dtype_number2, dtype_number4, dtype_number8,
	dtype_number13, dtype_mh_type, dtype_ether, dtype_number16, dtype_number20, dtype_number32,
	dtype_dscp, dtype_ecn, dtype_mark, dtype_length, dtype_ttl, dtype_tcp_flags,
	dtype_icmp_type, dtype_icmp_code, dtype_icmp6_type, dtype_icmp6_code, dtype_ct_state,
	dtype_ct_dir, dtype_ct_status, dtype_pkttype, dtype_dccp_type, dtype_igmp_type, dtype_uid,
	dtype_gid, dtype_fib_type, dtype_presence, dtype_time, dtype_day, dtype_hour,
	dtype_link_type, dtype_link_group, dtype_number64, dtype_duration;

/* An address of more than 32 bits. */
static inline bool dtype_is_wide(const struct dtype *type)
{
	return type->bits == 128 || type->bits == 48;
}

/* Of maps to objects of a table, by their names. */
extern const struct dtype dtype_counter, dtype_limit, dtype_quota;

/* Whether both are the same type, or have the same parts. */
bool dtype_is_equal(const struct dtype *a, const struct dtype *b);

/* The type of that name that sets can have, or NULL; some of their names for an error message. */
const struct dtype *dtype_find(const char *name);
const char *dtype_names(void);

/* The row of a word, text[0..size), or NULL; symbols may be NULL. */
const struct symbol *symbol_find(const struct symbol *symbols, const char *text, size_t size);

/*
 * The number of a word, text[0..size): of the symbols, or as in nft of the system's files (services
 * and protocols). Returns false for an unknown word. The system's files are read each time.
 */
bool dtype_word(const struct dtype *type, const char *text, size_t size, uint32_t *out);

/* The word of a time or hour, as dtype_word() reads it, in quotes. */
#define TIME_TEXT_SIZE 32
void dtype_time_text(const struct dtype *type, uint32_t v, char out[static TIME_TEXT_SIZE]);

/* "established" for its bit, or NULL. */
const char *symbol_word(const struct symbol *symbols, uint64_t value);

#endif
