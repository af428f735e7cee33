/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What finwall top shows. See model.h.
 */
#include "top/model.h"

#include <finwall/flow_text.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? text : "";
}

static int64_t number_of(const json_t *o, const char *name)
{
	return (int64_t)json_integer_value(json_object_get(o, name));
}

static uint64_t packets_of(const json_t *row, const char *verdict, const char *what)
{
	return (uint64_t)number_of(json_object_get(row, verdict), what);
}

static void read_queues(struct top_sample *out, const json_t *queues)
{
	const json_t *queue;
	size_t i;

	out->verdict_p99_ns = -1;
	json_array_foreach(queues, i, queue)
	{
		const json_t *latency;
		size_t l;

		out->waiting += (uint64_t)number_of(queue, "waiting");
		out->lost +=
			(uint64_t)(number_of(queue, "dropped") + number_of(queue, "user_dropped"));
		json_array_foreach(json_object_get(queue, "latencies"), l, latency)
		{
			int64_t ns = number_of(latency, "p99_ns");

			if (strcmp(text_of(latency, "name"), "verdict") == 0 &&
			    ns > out->verdict_p99_ns) {
				out->verdict_p99_ns = ns;
			}
		}
	}
}

void top_read_stats(struct top_sample *out, const json_t *stats)
{
	const json_t *table = json_object_get(stats, "table");
	const json_t *hooks = json_object_get(stats, "hooks");
	const json_t *fast = json_object_get(stats, "fast_path");
	const json_t *row;
	size_t i;

	out->uptime_s = number_of(stats, "uptime_ms") / 1000;
	out->connections = (uint64_t)number_of(table, "connections");
	out->connections_max = (uint64_t)number_of(table, "connections_max");
	out->remembered = (uint64_t)number_of(table, "remembered");
	out->remembered_max = (uint64_t)number_of(table, "remembered_max");
	json_array_foreach(json_object_get(stats, "verdicts"), i, row)
	{
		out->accepted += packets_of(row, "accept", "packets");
		out->dropped += packets_of(row, "drop", "packets");
		out->rejected += packets_of(row, "reject", "packets");
		out->bytes += packets_of(row, "accept", "bytes");
	}
	json_array_foreach(json_object_get(stats, "reasons"), i, row)
	{
		if (strncmp(text_of(row, "name"), "late-", 5) == 0 &&
		    strcmp(text_of(row, "state"), "invalid") != 0) {
			out->late_passed += (uint64_t)number_of(row, "packets");
		}
	}
	out->has_fast_path = json_is_true(json_object_get(fast, "on"));
	out->fast_packets = (uint64_t)number_of(fast, "packets");
	out->accepted += out->fast_packets;
	out->bytes += (uint64_t)number_of(fast, "bytes");
	read_queues(out, json_object_get(stats, "queues"));
	out->has_hook_fault = strcmp(text_of(hooks, "fault"), "none") != 0;
	out->is_unfiltered = strcmp(text_of(hooks, "fault"), "missing") == 0 ||
	                     strcmp(text_of(hooks, "fault"), "bypassed") == 0;
	snprintf(out->hook_fault, sizeof(out->hook_fault), "%s", text_of(hooks, "text"));
}

static struct top_state *state_of(struct top_sample *out, const char *name)
{
	for (size_t i = 0; i < out->states_len; i++) {
		if (strcmp(out->states[i].name, name) == 0) {
			return &out->states[i];
		}
	}
	if (out->states_len == TOP_STATES_MAX) {
		return &out->states[TOP_STATES_MAX - 1];
	}
	snprintf(out->states[out->states_len].name, sizeof(out->states[0].name), "%s", name);
	return &out->states[out->states_len++];
}

static void read_parts(struct top_sample *out, const json_t *parts)
{
	const json_t *part;
	size_t i;

	json_array_foreach(parts, i, part)
	{
		uint64_t count = (uint64_t)number_of(part, "connections");

		/* TCP is counted by state. */
		if (count > 0 && strcmp(text_of(part, "name"), "tcp") != 0) {
			state_of(out, text_of(part, "name"))->count += count;
		}
	}
}

void top_read_states(struct top_sample *out, const json_t *stats)
{
	const json_t *table = json_object_get(stats, "table");

	read_parts(out, json_object_get(table, "tcp_states"));
	read_parts(out, json_object_get(table, "protocols"));
}

void top_read_counts(struct top_sample *out, const json_t *reply)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(reply, "counts"), i, row)
	{
		const char *proto = text_of(row, "protocol");
		bool is_tcp = strcmp(proto, "tcp") == 0;
		const char *name = is_tcp           ? text_of(row, "state")
		                   : *proto != '\0' ? proto
		                                    : "other";

		state_of(out, name)->count += (uint64_t)number_of(row, "count");
	}
}

static void end_text(const json_t *tuple, const char *address, const char *port,
                     char out[TOP_TEXT_SIZE])
{
	const char *addr = text_of(tuple, address);
	const json_t *number = json_object_get(tuple, port);

	if (number == NULL) {
		snprintf(out, TOP_TEXT_SIZE, "%s", addr);
	} else {
		snprintf(out, TOP_TEXT_SIZE, strchr(addr, ':') != NULL ? "[%s]:%d" : "%s:%d", addr,
		         (int)json_integer_value(number));
	}
}

static void read_row(struct top_row *r, const json_t *c)
{
	const json_t *original = json_object_get(c, "original");
	const json_t *reply = json_object_get(c, "reply");
	const char *proto = text_of(c, "protocol");

	memset(r, 0, sizeof(*r));
	if (*proto != '\0') {
		snprintf(r->proto, sizeof(r->proto), "%s", proto);
	} else {
		snprintf(r->proto, sizeof(r->proto), "ip-%d", (int)number_of(c, "protocol_number"));
	}
	end_text(original, "source", "source_port", r->from);
	end_text(original, "destination", "destination_port", r->to);
	snprintf(r->state, sizeof(r->state), "%s",
	         json_object_get(c, "state") != NULL           ? text_of(c, "state")
	         : json_is_true(json_object_get(c, "assured")) ? "assured"
	         : json_is_true(json_object_get(c, "replied")) ? "replied"
	                                                       : "unreplied");
	snprintf(r->ifname, sizeof(r->ifname), "%s", text_of(c, "interface"));
	r->is_counted = json_object_get(original, "bytes") != NULL;
	r->bytes = (uint64_t)(number_of(original, "bytes") + number_of(reply, "bytes"));
	r->packets = (uint64_t)(number_of(original, "packets") + number_of(reply, "packets"));
	r->expires_s = number_of(c, "expires_ms") / 1000;
	r->age_s = number_of(c, "age_ms") / 1000;
	r->idle_s = number_of(c, "idle_ms") / 1000;
	r->bits_per_s = -1;
}

void top_read_rows(struct top_sample *out, const json_t *reply)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(reply, "connections"), i, c)
	{
		if (out->rows_len < TOP_ROWS_MAX) {
			read_row(&out->rows[out->rows_len++], c);
		}
	}
}

static bool is_same(const struct top_row *a, const struct top_row *b)
{
	return strcmp(a->from, b->from) == 0 && strcmp(a->to, b->to) == 0 &&
	       strcmp(a->proto, b->proto) == 0;
}

void top_compare(struct top_sample *now, const struct top_sample *before)
{
	double sec;

	if (before == NULL || now->at_ms <= before->at_ms) {
		return;
	}
	sec = (double)(now->at_ms - before->at_ms) / 1000;
	for (size_t i = 0; i < now->rows_len; i++) {
		struct top_row *r = &now->rows[i];

		for (size_t k = 0; r->is_counted && k < before->rows_len; k++) {
			const struct top_row *b = &before->rows[k];

			if (is_same(r, b) && r->bytes >= b->bytes) {
				r->bits_per_s = 8 * (double)(r->bytes - b->bytes) / sec;
				break;
			}
		}
	}
}

double top_rate(const struct top_sample *now, const struct top_sample *before, uint64_t now_value,
                uint64_t before_value)
{
	/* stats --zero makes counters smaller. */
	if (before == NULL || now->at_ms <= before->at_ms || now_value < before_value) {
		return 0;
	}
	return (double)(now_value - before_value) * 1000 / (double)(now->at_ms - before->at_ms);
}

static bool is_address(const char *word)
{
	char addr[TOP_TEXT_SIZE];
	uint8_t bytes[16];
	size_t size = strcspn(word, "/");

	if (size >= sizeof(addr)) {
		return false;
	}
	snprintf(addr, sizeof(addr), "%.*s", (int)size, word);
	return inet_pton(AF_INET, addr, bytes) == 1 || inet_pton(AF_INET6, addr, bytes) == 1;
}

static bool is_state(const char *word)
{
	for (unsigned s = 0; s < TCP_STATES_LEN; s++) {
		if (strcasecmp(word, tcp_state_name(s)) == 0) {
			return true;
		}
	}
	return false;
}

static bool add_word(json_t *filter, const char *word)
{
	char *end;
	unsigned long port = strtoul(word + (*word == ':'), &end, 10);

	if ((*word == ':' || isdigit((unsigned char)*word)) && *end == '\0' && port >= 1 &&
	    port <= UINT16_MAX) {
		return json_object_set_new(filter, "port", json_integer((json_int_t)port)) == 0;
	}
	if (is_address(word)) {
		return json_object_set_new(filter, "address", json_string(word)) == 0;
	}
	if (proto_number(word) >= 0) {
		return json_object_set_new(filter, "protocol", json_string(word)) == 0;
	}
	if (is_state(word)) {
		return json_object_set_new(filter, "state", json_string(word)) == 0;
	}
	if (isalpha((unsigned char)*word) && strlen(word) < FLOW_IFNAME_SIZE) {
		return json_object_set_new(filter, "interface", json_string(word)) == 0;
	}
	return false;
}

json_t *top_read_filter(const char *text, char wrong[TOP_TEXT_SIZE])
{
	json_t *filter = json_object();
	char copy[256];
	char *rest = NULL;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " \t", &rest); word != NULL;
	     word = strtok_r(NULL, " \t", &rest)) {
		if (!add_word(filter, word)) {
			snprintf(wrong, TOP_TEXT_SIZE, "%.*s", TOP_TEXT_SIZE - 1, word);
			json_decref(filter);
			return NULL;
		}
	}
	return filter;
}

const char *top_number(double n, char out[TOP_NUMBER_SIZE])
{
	static const char units[] = " kMGTP";
	unsigned u = 0;

	while (n >= 9999.5 && u + 2 < sizeof(units)) {
		n /= 1000;
		u++;
	}
	if (u == 0) {
		snprintf(out, TOP_NUMBER_SIZE, "%.0f", n);
	} else {
		snprintf(out, TOP_NUMBER_SIZE, n < 9.95 ? "%.1f%c" : "%.0f%c", n, units[u]);
	}
	return out;
}

const char *top_time(int64_t sec, char out[TOP_NUMBER_SIZE])
{
	if (sec >= 86400) {
		snprintf(out, TOP_NUMBER_SIZE, "%" PRId64 "d%" PRId64 "h", sec / 86400,
		         sec / 3600 % 24);
	} else if (sec >= 3600) {
		snprintf(out, TOP_NUMBER_SIZE, "%" PRId64 "h%" PRId64 "m", sec / 3600,
		         sec / 60 % 60);
	} else if (sec >= 60) {
		snprintf(out, TOP_NUMBER_SIZE, "%" PRId64 "m%" PRId64 "s", sec / 60, sec % 60);
	} else {
		snprintf(out, TOP_NUMBER_SIZE, "%" PRId64 "s", sec);
	}
	return out;
}
