/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explanations: what would become of a connection that does not exist. The rules are evaluated on
 * its first packet and, if that passes, on the first reply.
 */
#ifndef FINWALL_WIRE_EXPLAIN_H
#define FINWALL_WIRE_EXPLAIN_H

#include "wire/trace_text.h"

#include <jansson.h>
#include <stdbool.h>

/* The source port, if none is given: an ephemeral one. */
#define EXPLAIN_SPORT 49152

/* Bytes of any packet that is made. */
#define EXPLAIN_PACKET_SIZE 64

enum explain_packet_nr {
	EXPLAIN_FIRST,
	EXPLAIN_REPLY,
	EXPLAIN_PACKETS_LEN,
};

struct explain_request {
	struct tuple tuple;        /* of the first packet; ICMP: type and code in dport */
	char in[RULE_IFNAME_SIZE]; /* of the first packet; "" = none, or not known */
	char out[RULE_IFNAME_SIZE];
	uint32_t iif; /* their indexes: the caller's */
	uint32_t oif;
	uint32_t mark;
	uint8_t hook; /* of the first packet */
};

/*
 * Reads {"protocol":"tcp","source":"192.0.2.1","destination":"192.0.2.2","destination_port":22,
 * "source_port":1025,"type":8,"hook":"input","in":"eth0","out":"eth1","mark":1}. The ports and the
 * type only for protocols that have them; the last four are optional but for hook. Returns true, or
 * false with *wrong set to the name of the invalid member.
 */
bool explain_parse(const json_t *object, struct explain_request *out, const char **wrong);

/* Makes the packet in bytes and its frame, which borrows them. */
void explain_frame(const struct explain_request *req, enum explain_packet_nr nr,
                   uint8_t bytes[EXPLAIN_PACKET_SIZE], struct frame *frame);

struct explanation {
	struct trace trace[EXPLAIN_PACKETS_LEN];
	bool has_reply; /* the first packet passes, and has replies */
};

/* Changes nothing in the engine. w: with the policy. */
void explain_run(struct engine *e, struct engine_worker *w, struct mono now,
                 const struct explain_request *req, struct explanation *out);

/* The lines of both packets, and one that sums up. config: of the policy. */
void explain_text(const struct explanation *x, const struct explain_request *req,
                  const struct config *config, void (*line)(void *ctx, const char *text),
                  void *ctx);

/* {"verdict":"accept","first":TRACE,"reply":TRACE}. A new reference, or NULL. */
json_t *explain_json(const struct explanation *x, const struct explain_request *req,
                     const struct config *config);

#endif
