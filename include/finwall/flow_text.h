/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections for people and programs: live and remembered ones become a struct flow_view, which is
 * written as a line of columns, as a line of conntrack(8), or as JSON. Pure.
 */
#ifndef FINWALL_FLOW_TEXT_H
#define FINWALL_FLOW_TEXT_H

#include <finwall/flow.h>
#include <finwall/mono.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an interface name, NUL included: IFNAMSIZ. */
#define FLOW_IFNAME_SIZE 16

/* Bytes for any line, NUL included. */
#define FLOW_LINE_SIZE 512

enum flow_view_kind {
	VIEW_LIVE,
	VIEW_REMEMBERED,
};

/* A connection in a list. */
struct flow_view {
	struct tuple orig;           /* of packets of the opener */
	struct tuple reply;          /* of packets of the other end */
	struct tcp_conn tcp;         /* only with proto TCP */
	int64_t time_ns;             /* live: until it expires; remembered: since it expired */
	struct flow_account account; /* live; all zero: not counted */
	int64_t age_ns;              /* since the first packet that was counted */
	int64_t idle_ns;             /* since the last one */
	uint32_t origin;             /* live, in lists: flow_origin(); 0 = not known */
	uint32_t mark;               /* of the connection */
	uint32_t id;                 /* live: stays the same while the connection does */
	const char *ifname;          /* live: of the first packet; borrowed; "" = unknown */
	uint8_t kind;                /* enum flow_view_kind */
	uint8_t status;              /* FLOW_* */
	uint8_t hook;                /* live: enum hook of its first packet */
	uint8_t cause;               /* remembered: enum tomb_cause */
	struct lease_why queued;     /* live, in lists: engine_lease_why() */
};

/* ifname may be NULL. */
void flow_view_live(const struct flow *f, struct mono now, const char *ifname,
                    struct flow_view *out);
/* Adds what the flow has carried. */
void flow_view_account(struct flow_view *v, const struct flow_account *a, struct mono now);
void flow_view_remembered(const struct tomb_info *t, struct mono now, struct flow_view *out);

/* Returns "tcp", "udp" ..., NULL without a name; and the reverse, -1 for an unknown name. */
const char *proto_name(uint8_t proto);
int proto_number(const char *name);

/* Writes "192.0.2.1", "2001:db8::1". Returns out. */
#define ADDR_TEXT_SIZE 46 /* INET6_ADDRSTRLEN */
char *addr_text(const union ip_addr *a, uint8_t family, char out[ADDR_TEXT_SIZE]);

/* Write one line without a newline, cut off at line_size. */
void flow_text(const struct flow_view *v, char *line, size_t line_size);

/* Options of conntrack(8), -o. */
#define CONNTRACK_EXTENDED   0x01u
#define CONNTRACK_ID         0x02u
#define CONNTRACK_KTIMESTAMP 0x04u /* [start=...], in wall-clock time */

/* wall_s: the time of day now; for CONNTRACK_KTIMESTAMP. */
void flow_conntrack(const struct flow_view *v, unsigned options, int64_t wall_s, char *line,
                    size_t line_size);

/* An event of a live connection, as conntrack -E prints it; likewise. */
enum flow_line_kind {
	FLOW_LINE_NEW,
	FLOW_LINE_UPDATE,
	FLOW_LINE_DESTROY,
};
void flow_conntrack_event(const struct flow_view *v, enum flow_line_kind kind, char *line,
                          size_t line_size);

/* Returns the heading of flow_text() lines. */
const char *flow_text_heading(enum flow_view_kind kind);

/* Returns a new reference, or NULL when memory runs out. */
json_t *flow_json(const struct flow_view *v);

/* Writes the same as text, without blanks; returns its size. */
#define FLOW_JSON_SIZE 2048
size_t flow_json_text(const struct flow_view *v, char out[FLOW_JSON_SIZE]);

/* An address or prefix to match; family 0 = any. */
struct flow_prefix {
	union ip_addr addr;
	uint8_t family;
	uint8_t bits; /* prefix length */
};

/* Bytes of a file's name in a filter, NUL included. */
#define FLOW_RULE_FILE_SIZE 128

/* A filter of connections; zeroed = all. Source and destination are those of the opener. */
struct flow_filter {
	struct flow_prefix either;
	struct flow_prefix src;
	struct flow_prefix dst;
	int64_t expires_under_ns; /* 0 = any; live connections only */
	int64_t idle_over_ns;     /* 0 = any; live connections whose packets are counted */
	uint32_t rule_line;       /* 0 = any; see flow_filter_wants_rule() */
	uint32_t tcp_states;      /* a bit per enum tcp_state; 0 = any */
	uint16_t port;            /* of either end; TCP and UDP only, as the next two */
	uint16_t sport;
	uint16_t dport;
	uint8_t has_port;
	uint8_t has_sport;
	uint8_t has_dport;
	uint8_t has_proto;
	uint8_t proto;
	uint8_t has_mark;
	uint8_t has_type; /* of an ICMP query, as the next one */
	uint8_t has_id;
	uint16_t type;
	uint16_t id;
	uint32_t mark; /* under mark_mask */
	uint32_t mark_mask;
	char ifname[FLOW_IFNAME_SIZE]; /* "" = any; live connections only; "eth*" = a prefix */
	char rule_file[FLOW_RULE_FILE_SIZE]; /* "" = any; or the end of the path */
};

/*
 * Reads {"protocol":"tcp","address":"192.0.2.0/24","port":80,"source":"192.0.2.1",
 * "destination":"192.0.2.2","source_port":1,"destination_port":2,"state":"TIME_WAIT,CLOSE",
 * "type":8,"id":77,"mark":"0x1/0xff","interface":"eth0","expires_under_s":60,"idle_over_s":60,
 * "rule":"finwall.conf:12"}, all optional. Unknown members are refused, because a filter that is
 * ignored matches too much. Returns true, or false with *wrong set to the name of the invalid
 * member, which borrows from object.
 */
bool flow_filter_parse(const json_t *object, struct flow_filter *out, const char **wrong);
bool flow_filter_matches(const struct flow_filter *filter, const struct flow_view *v);

/* Whether the rule that let a connection in is the one of the filter, by its place, which
 * flow_filter_matches() does not know. file: NULL = there is no rule. */
bool flow_filter_wants_rule(const struct flow_filter *filter, const char *file, uint32_t line);

/*
 * Reads the key of one connection, in the direction of its opener:
 * {"protocol":"tcp","source":"192.0.2.1",
 * "destination":"192.0.2.2","source_port":1,"destination_port":2}. As above.
 */
bool flow_key_parse(const json_t *object, struct flowkey *out, const char **wrong);

#endif
