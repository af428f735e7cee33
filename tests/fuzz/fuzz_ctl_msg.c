/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes on the control socket: frames lie inside them, messages are parsed or refused, and so
 * are the filter and the key of a parsed message, and the elements of a reply's array.
 */
#include <finwall/ctl_msg.h>
#include <finwall/flow_text.h>

#include "wire/explain.h"
#include "wire/watch_filter.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool what)
{
	if (!what) {
		abort();
	}
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_NR_ICMP || proto == IPPROTO_NR_ICMPV6;
}

/* A packet that a client asks about. */
static void check_explain(const json_t *parameters)
{
	uint8_t bytes[EXPLAIN_PACKET_SIZE];
	struct explain_request req;
	struct frame frame;
	const char *wrong;
	unsigned packets;
	struct pkt p;

	if (!explain_parse(parameters, &req, &wrong)) {
		demand(wrong != NULL);
		return;
	}
	/* not each ICMP message has a reply */
	packets = is_icmp(req.tuple.proto) ? EXPLAIN_REPLY : EXPLAIN_PACKETS_LEN;
	for (unsigned nr = 0; nr < packets; nr++) {
		explain_frame(&req, (enum explain_packet_nr)nr, bytes, &frame);
		demand(frame.cap_size <= sizeof(bytes) && frame.hook < HOOKS_LEN);
		demand(pkt_decode(&frame, &p) == REASON_NONE);
	}
}

static void check_call(const char *msg, size_t msg_size)
{
	struct watch_filter watch;
	struct flow_filter filter;
	struct flowkey key;
	struct ctl_call call;
	const char *wrong;

	if (ctl_call_parse(msg, msg_size, &call) != 0) {
		demand(call.root == NULL);
		return;
	}
	demand(call.method != NULL && json_is_object(call.parameters));
	if (flow_filter_parse(json_object_get(call.parameters, "filter"), &filter, &wrong)) {
		demand(filter.either.bits <= (filter.either.family == 6 ? 128 : 32));
		demand(filter.src.bits <= (filter.src.family == 6 ? 128 : 32));
		demand(filter.dst.bits <= (filter.dst.family == 6 ? 128 : 32));
		demand(memchr(filter.ifname, 0, sizeof(filter.ifname)) != NULL);
	}
	if (flow_key_parse(call.parameters, &key, &wrong)) {
		demand(key.family == 4 || key.family == 6);
	}
	demand(watch_filter_parse(call.parameters, &watch, &wrong) || wrong != NULL);
	check_explain(call.parameters);
	ctl_call_fini(&call);
}

/* The elements of an array lie inside it, one after the other; without them a reply is still one.
 */
static void check_array(const char *msg, size_t msg_size, bool is_reply)
{
	struct ctl_array array;
	struct ctl_reply reply;
	size_t at;
	size_t begin;
	size_t element;
	char *rest;

	if (!ctl_array_find(msg, msg_size, "list", &array)) {
		return;
	}
	demand(array.at <= array.end && array.end < msg_size && msg[array.end] == ']');
	for (begin = at = array.at; (element = ctl_array_next(msg, &array, &at)) > 0; begin = at) {
		demand(at > begin && at <= array.end && begin + element <= at);
	}
	rest = malloc(msg_size);
	if (!is_reply || rest == NULL) {
		free(rest);
		return;
	}
	memcpy(rest, msg, array.at);
	memcpy(rest + array.at, msg + array.end, msg_size - array.end);
	demand(ctl_reply_parse(rest, msg_size - (array.end - array.at), &reply) == 0);
	ctl_reply_fini(&reply);
	free(rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct ctl_reply reply;
	size_t msg_size;

	while (ctl_frame_find(bytes, size, CTL_CALL_SIZE_MAX, &msg_size) == CTL_FRAME_WHOLE) {
		demand(msg_size < size && bytes[msg_size] == '\0');
		check_call(bytes, msg_size);
		if (ctl_reply_parse(bytes, msg_size, &reply) == 0) {
			ctl_reply_fini(&reply);
			check_array(bytes, msg_size, true);
		} else {
			check_array(bytes, msg_size, false);
		}
		bytes += msg_size + 1;
		size -= msg_size + 1;
	}
	return 0;
}
