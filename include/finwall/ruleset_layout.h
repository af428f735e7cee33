/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of a compiled ruleset: written by the compiler (daemon/policy/layout.c), read by the
 * evaluator (daemon/core/ruleset*.c). Nobody else includes this header.
 *
 * Each base chain is compiled once for every address family and connection state, so a
 * list has only the rules that can match. Lists are arrays of 16-byte instructions. A match that
 * fails continues `next` instructions further, where the next rule begins; all others continue with
 * the following instruction.
 */
#ifndef FINWALL_RULESET_LAYOUT_H
#define FINWALL_RULESET_LAYOUT_H

#include <finwall/ruleset.h>
#include <finwall/ruleset_elem.h>
#include <finwall/ruleset_set.h>

#include <stdatomic.h>

#define RS_JUMPS_MAX    16 /* nested jumps; the checker refuses more */
#define RS_PATTERNS_MAX 63 /* interface names; one bit each, and RS_IF_KNOWN */
#define RS_IFSLOTS_LEN  16384

/* The family of a packet, known before rules are evaluated. */
enum rs_family {
	RS_FAMILY_NONE, /* addresses not decoded */
	RS_FAMILY_IP,
	RS_FAMILY_IP6,
	RS_FAMILIES_LEN,
};

/* Operations. Those below RS_LIMIT have a field or'ed in, so that one jump selects both. */
enum rs_op {
	RS_RANGE = 0x00,  /* field - a <= b, unsigned: a single value, a prefix or a range */
	RS_MASKED = 0x10, /* (field & a) == b */
	RS_BITMAP = 0x20, /* bit `field` of the bitmap that starts at word a */
	RS_SET32 = 0x30,  /* field lies in an interval of set32[a] */
	RS_SET128 = 0x40, /* likewise for IPv6 addresses, set128[a] */
	RS_IFACE = 0x50,  /* the interface's name matches a pattern of the mask b:a */
	RS_TREE32 =
		0x60, /* field lies in an interval of set[a], which may be large and may change */
	RS_TREE128 = 0x70, /* likewise for IPv6 addresses */
	RS_LIMIT = 0x80,   /* bucket[a] has a token */
	RS_COUNT,          /* count for rule a */
	RS_LOG,            /* log[a] */
	RS_MARK,           /* the mark becomes (mark & b) ^ a */
	RS_JUMP,           /* go to a, come back; b: the chain's number */
	RS_GOTO,           /* go to a; b: the chain's number */
	RS_RETURN,         /* back to the jump, or the base chain's policy */
	RS_VERDICT,        /* code a, with; rule b decided */
	/* The next three read the field in `with`; the first two look it up in map[a]. */
	RS_VMAP,         /* continue at this instruction + 1 + the number from the map */
	RS_MARK_MAP,     /* the mark becomes the value from the map */
	RS_CT_COUNT,     /* connections are within, or over, count[a] */
	RS_SKIP,         /* go to `next`; negated: within the rule */
	RS_MARK_LOADED,  /* the mark becomes what RS_LOAD has loaded */
	RS_MARKS,        /* the mark, or that of the connection, becomes mark_change[a] */
	RS_TIMEOUTS,     /* the connection gets timeouts[a] */
	RS_TRACKING,     /* the connection gets RULE_TRACK_* a */
	RS_NOTRACK,      /* the packet is UNTRACKED from here on; only in lists of INVALID ones */
	RS_IF_UNTRACKED, /* skip one instruction if it is */
	/* Look-ups of keys of several fields, and of sets whose elements have a state: key[a]. */
	RS_KEY,          /* the key is in the set */
	RS_KEY_VMAP,     /* as RS_VMAP */
	RS_KEY_MARK_MAP, /* as RS_MARK_MAP */
	RS_KEY_CHANGE,   /* adds the key to the set, or deletes it; fails when that fails */
	RS_UNTRACKED,    /* RS_NOTRACK came before */
	RS_QUOTA,        /* quota[a] is used up; counts the packet */
	RS_CT_ACCOUNT,   /* what the connection has carried is within account[a] */
	RS_LOAD,         /* load[a] gives the number that RS_F_LOADED is */
	RS_FOLD,         /* continue at the next rule of fold[a], from rule b on, that can match; or
	                    at `next` */
	/*
	 * Evaluate the list of a base chain at a, whose policy is b. If it accepts, the following
	 * instruction is for the next base chain of the hook; with != 0: there is none.
	 */
	RS_BASE,
};

/*
 * The fields of a packet and how each is read, given a struct pkt *p, its direction dir, its mark
 * as the rules have set it so far, the input *in and the number that the last RS_LOAD has loaded.
 * Matches and look-ups are made from this list.
 */
/* clang-format off */
#define RS_FIELDS(X) \
	X(RS_F_SADDR,     load_be32(p->tuple.src.bytes)) \
	X(RS_F_DADDR,     load_be32(p->tuple.dst.bytes)) \
	X(RS_F_L4PROTO,   p->l4_proto) \
	X(RS_F_SPORT,     p->th_sport) \
	X(RS_F_DPORT,     p->th_dport) \
	X(RS_F_TCP_FLAGS, p->tcp.flags) \
	X(RS_F_ICMP_TYPE, p->icmp_type) \
	X(RS_F_ICMP_CODE, p->icmp_code) \
	X(RS_F_TTL,       p->ttl) \
	X(RS_F_MARK,      mark) \
	X(RS_F_LENGTH,    p->frame->true_size) \
	X(RS_F_DIR,       dir)
/* Interface indexes; matched by the patterns that the interface's name matches. */
#define RS_IFACE_FIELDS(X) \
	X(RS_F_IIF,       p->frame->iif) \
	X(RS_F_OIF,       p->frame->oif)
/*
 * Fields that are read from the bytes of the headers. Their matches are those of RS_F_HEADER, with
 * the field in `with`. Not in idle chains: they have no packet.
 */
#define RS_HEADER_FIELDS(X) \
	X(RS_F_IP6_NEXTHDR,   p->frame->data[6]) \
	X(RS_F_IP6_LENGTH,    load_be16(p->frame->data + 4)) \
	X(RS_F_IP6_FLOWLABEL, load_be32(p->frame->data) & 0xfffff) \
	X(RS_F_IP_VERSION,    p->frame->data[0] >> 4) \
	X(RS_F_IP_HDRLENGTH,  p->frame->data[0] & 0xf) \
	X(RS_F_IP_DSCP,       p->tos >> 2) \
	X(RS_F_IP_ECN,        p->tos & 3) \
	X(RS_F_IP_LENGTH,     load_be16(p->frame->data + 2)) \
	X(RS_F_IP_ID,         load_be16(p->frame->data + 4)) \
	X(RS_F_IP_FRAG_OFF,   load_be16(p->frame->data + 6)) \
	X(RS_F_IP_CHECKSUM,   load_be16(p->frame->data + 10)) \
	X(RS_F_TCP_SEQUENCE,  load_be32(p->l4 + 4)) \
	X(RS_F_TCP_ACKSEQ,    load_be32(p->l4 + 8)) \
	X(RS_F_TCP_DOFF,      p->l4[12] >> 4) \
	X(RS_F_TCP_RESERVED,  p->l4[12] & 0xf) \
	X(RS_F_TCP_WINDOW,    load_be16(p->l4 + 14)) \
	X(RS_F_TCP_URGPTR,    load_be16(p->l4 + 18)) \
	X(RS_F_UDP_LENGTH,    load_be16(p->l4 + 4)) \
	X(RS_F_TH_8_0,        p->l4[0]) \
	X(RS_F_TH_8_1,        p->l4[1]) \
	X(RS_F_TH_16_2,       load_be16(p->l4 + 2)) \
	X(RS_F_TH_16_6,       load_be16(p->l4 + 6)) \
	X(RS_F_TH_16_16,      load_be16(p->l4 + 16)) \
	X(RS_F_TH_32_0,       load_be32(p->l4)) \
	X(RS_F_TH_32_4,       load_be32(p->l4 + 4)) \
	X(RS_F_TH_32_8,       load_be32(p->l4 + 8)) \
	X(RS_F_DCCP_TYPE,     p->l4[8] >> 1 & 0xf) \
	X(RS_F_HAS_ETHER,     (p->frame->has & FRAME_HAS_ETHER) != 0) \
	X(RS_F_ETHER_SADDR,   0) /* 48 bits: read as the wide ones */ \
	X(RS_F_PKTTYPE,       ruleset_pkttype(p)) \
	X(RS_F_CT_STATUS,     ruleset_ct_status(in)) \
	X(RS_F_LOADED,        loaded) \
	X(RS_F_CT_MARK,       ruleset_ct_mark(in)) \
	X(RS_F_CT_ZONE,       0) \
	X(RS_F_CT_L3PROTO,    p->tuple.family == 4 ? 2 : 10) \
	X(RS_F_CT_PROTOCOL,   ruleset_ct_proto(in)) \
	X(RS_F_CT_ORIG_SADDR, load_be32(ruleset_ct_addr(in, DIR_ORIG, true)->bytes)) \
	X(RS_F_CT_ORIG_DADDR, load_be32(ruleset_ct_addr(in, DIR_ORIG, false)->bytes)) \
	X(RS_F_CT_REPLY_SADDR, load_be32(ruleset_ct_addr(in, DIR_REPLY, true)->bytes)) \
	X(RS_F_CT_REPLY_DADDR, load_be32(ruleset_ct_addr(in, DIR_REPLY, false)->bytes)) \
	X(RS_F_CT_ORIG_SRC,   ruleset_ct_port(in, DIR_ORIG, true)) \
	X(RS_F_CT_ORIG_DST,   ruleset_ct_port(in, DIR_ORIG, false)) \
	X(RS_F_CT_REPLY_SRC,  ruleset_ct_port(in, DIR_REPLY, true)) \
	X(RS_F_CT_REPLY_DST,  ruleset_ct_port(in, DIR_REPLY, false)) \
	X(RS_F_CT_EXPIRATION, ruleset_ct_left_ms(in))
/* clang-format on */

enum rs_field {
#define X(field, value) field,
	RS_FIELDS(X) RS_IFACE_FIELDS(X)
#undef X
		RS_F_HEADER,
	RS_F_NONE, /* RS_CT_COUNT without a key */
#define X(field, value) field,
	RS_HEADER_FIELDS(X)
#undef X
};

struct rs_insn {
	uint8_t op;          /* enum rs_op, with enum rs_field or'ed in */
	uint8_t with;        /* enum reject_with, of RS_VERDICT; of RS_VMAP and below a field, and
	                        of matches of RS_F_HEADER */
	uint8_t proto;       /* transport protocol that the field belongs to, 0 = any */
	uint8_t reach : 7;   /* enum pkt_reach that the field needs */
	uint8_t negated : 1; /* matches if the field is there and has another value */
	uint32_t next;       /* offset of the instruction after a match that fails, or after a
	                        jump */
	uint32_t a;
	uint32_t b;
};

_Static_assert(sizeof(struct rs_insn) == 16, "four instructions to a cache line");
_Static_assert(RS_F_HEADER < 16, "matches have the field in four bits of the operation");

/*
 * Disjoint intervals in ascending order; both ends belong to them. len 0, of 128 bits only: what is
 * equal to hi[0] under the mask lo[0].
 */
struct rs_set32 {
	const uint32_t *lo;
	const uint32_t *hi;
	uint32_t len; /* > 0 */
};

struct rs_set128 {
	const struct u128 *lo;
	const struct u128 *hi;
	uint32_t len;
};

/* A token bucket (generic cell rate algorithm): its state is the time when it is full. */
struct rs_bucket {
	_Atomic uint64_t full_ns;
	uint64_t interval_ns; /* per token */
	uint64_t slack_ns;    /* (burst - 1) * interval_ns */
} __attribute__((aligned(64)));

/* A number of bytes, and those of the packets so far. */
struct rs_quota {
	_Atomic uint64_t used;
	uint64_t bytes;
	uint32_t object; /* with a name: its number, + 1 */
};

enum rs_map_form {
	RS_MAP_TABLE, /* of fields of 8 bits: nr[field] */
	RS_MAP_32,    /* nr[i] of the interval lo32[i] - hi32[i] that contains it */
	RS_MAP_128,   /* likewise for IPv6 addresses */
	RS_MAP_IFACE, /* nr[i] of the pattern i that the interface's name matches */
};

#define RS_MAP_MISS UINT32_MAX

/* From keys to numbers: of an instruction after RS_VMAP, or of a datum. */
struct rs_map {
	const uint32_t *nr;
	const uint32_t *lo32;
	const uint32_t *hi32;
	const struct u128 *lo128;
	const struct u128 *hi128;
	const uint32_t *data; /* of a map of values */
	uint64_t patterns;    /* of RS_MAP_IFACE: those in the map */
	uint32_t len;         /* intervals */
	uint32_t mask;        /* and'ed to the field, for RS_MAP_32 */
	uint32_t other_nr;    /* where no key matches, or RS_MAP_MISS */
	uint32_t form;        /* enum rs_map_form */
};

/* A field of a key: see struct rs_insn. */
struct rs_key_field {
	uint8_t field; /* enum rs_field; RS_F_NONE = the constant */
	uint8_t proto;
	uint8_t reach;
	uint8_t is_wide; /* an IPv6 address */
};

/* A look-up of a key, or a change by one. */
struct rs_key {
	uint32_t keyed; /* the set */
	uint32_t fields_len;
	struct rs_key_field field[RS_KEY_FIELDS_MAX];
	/* Of a map of values: by other_nr; the number of a key is its value. */
	const uint32_t *data;
	uint32_t other_nr;   /* where no key matches, or RS_MAP_MISS */
	uint32_t constant;   /* of the last field */
	uint32_t is_changed; /* rules change the set */
	struct rs_new change;
};

/*
 * A run of rules that is entered at the next one that can match. Each rule with a match of a field
 * is in the table of that field: the values are divided where a match begins or ends, and each part
 * lists its rules, in order. An instruction before each rule searches the tables. Rules without
 * such a match are candidates for all packets.
 */
struct rs_fold_field {
	uint8_t field; /* enum rs_field: as in struct rs_insn */
	uint8_t proto;
	uint8_t reach;
	uint8_t is_wide;        /* IPv6 addresses */
	uint32_t parts_len;     /* interfaces: one for each pattern */
	const uint32_t *from32; /* the lowest value of each part; the first is 0 */
	const struct u128 *from128;
	const uint32_t *list_at; /* parts_len + 1, in list */
	const uint32_t *list;    /* numbers of rules */
};

struct rs_fold {
	const struct rs_fold_field *field;
	const uint32_t *other; /* rules_len + 1: the first rule from here on that is in no table */
	const uint32_t *at; /* rules_len: the instruction before each rule, from the first one on */
	uint32_t fields_len;
	uint32_t rules_len;
};

/* mark = (mark & own) ^ (from & keep) ^ flip. */
struct rs_mark_change {
	uint32_t own;
	uint32_t keep;
	uint32_t flip;
	uint8_t to_ct;   /* the mark of the connection */
	uint8_t from_ct; /* likewise; otherwise of the packet */
};

/* Bits of a number that RS_CT_ACCOUNT compares. */
#define RS_ACCOUNT_ORIG  0x01u
#define RS_ACCOUNT_REPLY 0x02u

enum rs_account_what {
	RS_ACCOUNT_PACKETS,
	RS_ACCOUNT_BYTES,
	RS_ACCOUNT_AVGPKT, /* bytes by packets */
};

struct rs_account {
	uint64_t lo;
	uint64_t hi;
	uint8_t what; /* enum rs_account_what */
	uint8_t dirs; /* RS_ACCOUNT_ORIG, RS_ACCOUNT_REPLY */
};

/* An object of `ct timeout`; 0 = as in the settings. */
struct rs_timeouts {
	uint32_t id;      /* the number of its name, not 0 */
	uint8_t l4_proto; /* TCP or UDP */
	uint8_t family;   /* 4, 6, or 0 = both */
	int64_t tcp_ns[TCP_STATES_LEN];
	int64_t retrans_ns;
	int64_t unacked_ns;
	int64_t udp_unreplied_ns;
	int64_t udp_replied_ns;
};

/* The connection limit of a rule. */
struct rs_count_limit {
	uint64_t counter;  /* the counter of the rule or set; even */
	uint32_t max;      /* connections */
	uint32_t keys_max; /* of a set; 0 = no set */
};

enum rs_load_kind {
	RS_LOAD_NH,    /* `bits` bits from bit `offset` of the IP header on */
	RS_LOAD_TH,    /* likewise of the transport header */
	RS_LOAD_FIELD, /* a field */
	RS_LOAD_INC,   /* a counter modulo `mod` */
	RS_LOAD_RANDOM,
	RS_LOAD_HASH, /* of fields, as jhash of nft */
	/* `bits` bits from bit `offset` on of an extension header of IPv6 or an option, number
	   `seed` */
	RS_LOAD_EXT,
	RS_LOAD_TCP_OPT,
	RS_LOAD_IP_OPT,
	/* whether there is such a one: 1 or 0 */
	RS_LOAD_EXT_THERE,
	RS_LOAD_TCP_OPT_THERE,
	RS_LOAD_IP_OPT_THERE,
	RS_LOAD_UID, /* of the local socket */
	RS_LOAD_GID,
	RS_LOAD_TIME,     /* seconds since 1970 */
	RS_LOAD_DAY,      /* of the week, 0 = Sunday, of UTC */
	RS_LOAD_HOUR,     /* seconds since midnight, of UTC */
	RS_LOAD_LINK,     /* of an interface: RS_LINK_* */
	RS_LOAD_FIB_TYPE, /* of an address, by the kernel's routes: enum rs_route_type */
	RS_LOAD_FIB_OIF,  /* whether there is a route: 1 or 0 */
};

/* In `offset` of RS_LOAD_LINK. */
enum rs_link_field {
	RS_LINK_IIFTYPE,
	RS_LINK_OIFTYPE,
	RS_LINK_IIFGROUP,
	RS_LINK_OIFGROUP,
};

/* In `offset` of RS_LOAD_FIB_*. */
#define RS_FIB_SADDR 0x01u
#define RS_FIB_DADDR 0x02u
#define RS_FIB_MARK  0x04u
#define RS_FIB_IIF   0x08u
#define RS_FIB_OIF   0x10u

#define RS_LOAD_FIELDS_MAX 4

/* How a number is made that is no field of the packet. */
struct rs_load {
	_Atomic uint32_t counter; /* RS_LOAD_INC, RS_LOAD_RANDOM */
	uint8_t kind;             /* enum rs_load_kind */
	uint8_t bits;             /* at most 32 */
	uint16_t offset;
	uint32_t mask; /* of the result */
	uint32_t mod;  /* 0 = none */
	uint32_t plus; /* is added behind mod */
	uint32_t seed;
	uint8_t fields_len;
	uint8_t field[RS_LOAD_FIELDS_MAX]; /* enum rs_field */
	/* bytes of a field in network order, 0 = a number of the host */
	uint8_t network_size[RS_LOAD_FIELDS_MAX];
};

struct rs_log {
	const char *prefix;
	uint32_t level;
	uint32_t rule_nr;
	uint32_t group; /* of nfnetlink_log; 0 = not given */
};

struct rs_pattern {
	const char *text;
	uint32_t size;
	uint32_t is_prefix; /* was written "text*" */
};

/* The bit of the mask that every interface with a known name has. */
#define RS_IF_KNOWN (UINT64_C(1) << RS_PATTERNS_MAX)

/* ifindex 0 = never used; a slot with mask 0 may be reused. */
struct rs_ifslot {
	_Atomic uint32_t ifindex;
	_Atomic uint64_t mask;
};

struct ruleset {
	const struct rs_insn *code;
	uint32_t entry[CHAINS_LEN][RS_FAMILIES_LEN][CT_STATES_LEN];
	uint8_t policy[CHAINS_LEN]
		      [RS_FAMILIES_LEN]; /* enum rule_code where no rule gives a verdict */
	uint8_t has_chain[CHAINS_LEN];
	const struct rs_set32 *set32;
	const struct rs_set128 *set128;
	const struct rs_set *const *set; /* sets_len */
	const uint64_t *bitmap;
	struct rs_bucket *bucket;
	struct rs_quota *quota;
	uint32_t quotas_len;
	const struct rs_map *map;
	const uint32_t *map_data; /* of all maps */
	const struct rs_key *key;
	const struct rs_keyed_set *const *keyed; /* keyed_len */
	const struct rs_fold *fold;
	const struct rs_count_limit *count;
	const struct rs_log *log;
	const struct rs_mark_change *mark_change;
	const struct rs_account *account;
	const struct rs_timeouts *timeouts;
	struct rs_load *load;
	const struct rs_pattern *pattern;
	struct rs_ifslot *ifslot; /* RS_IFSLOTS_LEN, or NULL without patterns */
	uint64_t exact_patterns;  /* those that one name matches */
	uint32_t code_len;
	uint32_t patterns_len;
	uint32_t rules_len;
	uint32_t counts_len;
	uint32_t timeouts_len;
	uint32_t ct_uses; /* RULE_USES_* */
	uint32_t sets_len;
	const uint32_t *rule_of; /* of each instruction, UINT32_MAX = of no rule; for traces */
	uint32_t keyed_len;
	uint32_t needs_routes;                    /* ROUTES_* */
	_Atomic(const struct rs_routes *) routes; /* or NULL; not owned */
	_Atomic int64_t wall_ns;                  /* the time of day less the monotonic clock */
};

struct rs_count {
	_Atomic uint64_t packets;
	_Atomic uint64_t bytes;
};

struct ruleset_counters {
	uint32_t rules_len;
	struct rs_count rule[] __attribute__((aligned(64)));
};

#endif
