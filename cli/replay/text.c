/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text output: a line per packet, and a summary with a column per policy.
 */
#include "replay/report.h"
#include "replay/setting.h"
#include "replay/tcp_flags.h"
#include "screen.h"

#include <finwall/flow_text.h>

#include <inttypes.h>
#include <string.h>
#include <sys/param.h>

#define LABEL_WIDTH  24
#define COLUMN_WIDTH 14

static double seconds_of(int64_t ns)
{
	return (double)ns / (double)NSEC_PER_SEC;
}

static void print_end(FILE *out, const struct tuple *t, const union ip_addr *addr, uint16_t port)
{
	char text[64];
	bool has_port = t->proto == IPPROTO_NR_TCP || t->proto == IPPROTO_NR_UDP;

	addr_text(addr, t->family, text);
	if (!has_port) {
		fputs(text, out);
		return;
	}
	fprintf(out, t->family == 6 ? "[%s]:%u" : "%s:%u", text, port);
}

static void print_headers(FILE *out, const struct pkt *p)
{
	const char *proto = proto_name(p->l4_proto);
	char flags[9];

	if (p->depth == PKT_NOTHING) {
		fputs("not decodable", out);
		return;
	}
	print_end(out, &p->tuple, &p->tuple.src, p->tuple.sport);
	fputs(" > ", out);
	print_end(out, &p->tuple, &p->tuple.dst, p->tuple.dport);
	if (proto != NULL) {
		fprintf(out, " %s", proto);
	} else {
		fprintf(out, " proto %u", p->l4_proto);
	}
	if (p->depth == PKT_FULL && p->l4_proto == IPPROTO_NR_TCP) {
		fprintf(out, " %s seq %" PRIu32 " ack %" PRIu32 " len %" PRIu32,
		        tcp_flags_text(p->tcp.flags, flags), p->tcp.seq, p->tcp.ack,
		        p->tcp.payload_size);
	}
}

static void print_decision(FILE *out, const struct replay_instance *in)
{
	const struct decision *d = &in->decision;

	fprintf(out, "%s: %s %s, %s", in->source->name, ct_state_name(d->state),
	        reason_name(d->reason), verdict_name(d->verdict));
	if (in->has_late && in->late.has_tomb) {
		char gone[64];

		fprintf(out, " (%s, removed %s ago, seq %+" PRId32 ")",
		        tomb_cause_name(in->late.cause),
		        setting_duration_text(in->late.gone_ns / NSEC_PER_SEC, gone, sizeof(gone)),
		        in->late.seq_distance);
	}
	if (in->is_probed) {
		fputs(" (would be probed)", out);
	}
}

void replay_text_packet(FILE *out, const struct replay *r, const struct replay_packet *p)
{
	fprintf(out, "%s:%" PRIu64 " %+.6f %s ", p->file, p->nr_in_file,
	        seconds_of(mono_diff(p->now, REPLAY_START)), hook_name(p->pkt->frame->hook));
	print_headers(out, p->pkt);
	for (size_t i = 0; i < r->instances_len; i++) {
		fputs(i == 0 ? " | " : "; ", out);
		print_decision(out, &r->instance[i]);
	}
	fputc('\n', out);
}

/* A cell of the table: counter nr of policy i. */
typedef uint64_t cell_number(const struct replay *r, size_t i, size_t nr);

/* The table while it is printed: a column for each policy from first up to end. */
struct table {
	FILE *out;
	const struct replay *r;
	size_t first;
	size_t end;
	int column_width;
	const char *heading; /* printed before the next row; NULL = none */
};

/* Prints a row unless all its numbers are zero; a heading without rows is not printed. */
static void print_row(struct table *t, const char *label, cell_number *number, size_t nr)
{
	uint64_t all = 0;

	for (size_t i = t->first; i < t->end; i++) {
		all |= number(t->r, i, nr);
	}
	if (all == 0) {
		return;
	}
	if (t->heading != NULL) {
		fprintf(t->out, "%s\n", t->heading);
		t->heading = NULL;
	}
	fprintf(t->out, "  %-*s", LABEL_WIDTH, label);
	for (size_t i = t->first; i < t->end; i++) {
		fprintf(t->out, " %*" PRIu64, t->column_width, number(t->r, i, nr));
	}
	fputc('\n', t->out);
}

static uint64_t verdict_number(const struct replay *r, size_t i, size_t nr)
{
	return replay_verdicts(&r->instance[i], (enum verdict)nr);
}

static uint64_t state_number(const struct replay *r, size_t i, size_t nr)
{
	return replay_states(&r->instance[i], (enum ct_state)nr);
}

static uint64_t reason_number(const struct replay *r, size_t i, size_t nr)
{
	return stat_get(&r->instance[i].worker.stats.reason[nr]);
}

static uint64_t event_number(const struct replay *r, size_t i, size_t nr)
{
	return stat_get(&r->instance[i].worker.stats.event[nr]);
}

static uint64_t peak_number(const struct replay *r, size_t i, size_t nr)
{
	return nr == 0 ? r->instance[i].flows_peak : r->instance[i].tombs_peak;
}

enum {
	TOTAL_LATE,
	TOTAL_SAVED,
	TOTAL_RECOVERED,
	TOTAL_HUNG,
	TOTAL_STRAYS_PASSED,
	TOTAL_STRAYS_DROPPED,
	TOTALS_LEN,
};

static const char *const total_labels[TOTALS_LEN] = {
	[TOTAL_LATE] = "closed late",
	[TOTAL_SAVED] = "  saved",
	[TOTAL_RECOVERED] = "  recovered",
	[TOTAL_HUNG] = "  hung",
	[TOTAL_STRAYS_PASSED] = "stray closes passed",
	[TOTAL_STRAYS_DROPPED] = "stray closes dropped",
};

static uint64_t total_number(const struct replay *r, size_t i, size_t nr)
{
	const struct conn_totals *t = &r->conns.totals[i];
	const uint64_t numbers[TOTALS_LEN] = {
		[TOTAL_LATE] = t->late,
		[TOTAL_SAVED] = t->saved,
		[TOTAL_RECOVERED] = t->recovered,
		[TOTAL_HUNG] = t->hung,
		[TOTAL_STRAYS_PASSED] = t->strays_passed,
		[TOTAL_STRAYS_DROPPED] = t->strays_dropped,
	};

	return numbers[nr];
}

static void print_names(struct table *t)
{
	fprintf(t->out, "\n  %-*s", LABEL_WIDTH, "");
	for (size_t i = t->first; i < t->end; i++) {
		fprintf(t->out, " %*s", t->column_width, t->r->instance[i].source->name);
	}
	fputc('\n', t->out);
}

static void print_head(FILE *out, const struct replay *r)
{
	char text[64];

	fprintf(out, "%" PRIu64 " packets, %" PRIu64 " bytes in %s\n", r->packets, r->bytes,
	        setting_duration_text(mono_diff(r->now, REPLAY_START) / NSEC_PER_SEC, text,
	                              sizeof(text)));
	for (size_t i = 0; i < LINK_RESULTS_LEN; i++) {
		if (r->skipped[i] != 0) {
			fprintf(out, "frames skipped, %s: %" PRIu64 "\n",
			        link_result_name((enum link_result)i), r->skipped[i]);
		}
	}
	if (r->copies_skipped != 0) {
		fprintf(out, "frames skipped, copies from another interface: %" PRIu64 "\n",
		        r->copies_skipped);
	}
	if (r->out_of_order != 0) {
		fprintf(out,
		        "frames out of order, evaluated at the time of the frame before: %" PRIu64
		        "\n",
		        r->out_of_order);
	}
	fprintf(out, "%" PRIu64 " TCP connections, %" PRIu64 " of them closed\n", r->conns.seen,
	        r->conns.closed);
}

static void print_part(struct table *t)
{
	static const char *const verdict_labels[VERDICTS_LEN] = {
		[VERDICT_DROP] = "dropped",
		[VERDICT_ACCEPT] = "accepted",
		[VERDICT_REJECT] = "rejected",
	};

	print_names(t);
	t->heading = "connections";
	for (size_t i = 0; i < TOTALS_LEN; i++) {
		print_row(t, total_labels[i], total_number, i);
	}
	t->heading = "packets";
	for (size_t i = 0; i < VERDICTS_LEN; i++) {
		print_row(t, verdict_labels[i], verdict_number, i);
	}
	t->heading = "by state";
	for (size_t i = 0; i < CT_STATES_LEN; i++) {
		print_row(t, ct_state_name((enum ct_state)i), state_number, i);
	}
	t->heading = "by reason";
	for (size_t i = 0; i < REASONS_LEN; i++) {
		print_row(t, reason_name((enum reason)i), reason_number, i);
	}
	t->heading = "table";
	print_row(t, "live at most", peak_number, 0);
	print_row(t, "remembered at most", peak_number, 1);
	for (size_t i = 0; i < EVENTS_LEN; i++) {
		print_row(t, stat_event_name((enum stat_event)i), event_number, i);
	}
}

/* On a terminal, the columns that do not fit follow as a further table. */
static void print_table(FILE *out, const struct replay *r)
{
	struct table t = { .out = out, .r = r, .column_width = COLUMN_WIDTH };
	size_t screen_cols = screen_width();
	size_t columns = r->instances_len;

	for (size_t i = 0; i < r->instances_len; i++) {
		int size = (int)strlen(r->instance[i].source->name);

		t.column_width = size > t.column_width ? size : t.column_width;
	}
	if (screen_cols > 0) {
		columns = (screen_cols - MIN(screen_cols, LABEL_WIDTH + 2)) /
		          ((size_t)t.column_width + 1);
		columns = MAX(columns, 1);
	}
	for (t.first = 0; t.first < r->instances_len; t.first = t.end) {
		t.end = MIN(t.first + columns, r->instances_len);
		print_part(&t);
	}
}

static void print_diffs(FILE *out, const struct replay *r, const struct replay_diffs *d)
{
	if (r->instances_len < 2) {
		return;
	}
	fprintf(out, "\npackets with different verdicts: %" PRIu64 "\n", r->differing);
	for (size_t k = 0; k < d->groups_len; k++) {
		fprintf(out, "%9" PRIu64 "  ", d->group[k].packets);
		for (size_t i = 0; i < r->instances_len; i++) {
			fprintf(out, "%s%s: %s, %s", i == 0 ? "" : "; ",
			        r->instance[i].source->name, reason_name(d->group[k].reason[i]),
			        verdict_name(d->group[k].verdict[i]));
		}
		fputc('\n', out);
	}
	if (d->others != 0) {
		fprintf(out, "%9" PRIu64 "  in further groups\n", d->others);
	}
}

void replay_text_summary(FILE *out, const struct replay *r, const struct replay_diffs *d)
{
	print_head(out, r);
	print_table(out, r);
	print_diffs(out, r, d);
}
