/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What text and JSON share: the kinds of difference, and the choice between the two.
 */
#include "replay/report.h"

#include <string.h>

void replay_diffs_add(struct replay_diffs *d, const struct replay *r)
{
	uint8_t reason[REPLAY_LANES_MAX] = { 0 };
	uint8_t verdict[REPLAY_LANES_MAX] = { 0 };

	for (size_t i = 0; i < r->lanes_len; i++) {
		reason[i] = r->lane[i].decision.reason;
		verdict[i] = r->lane[i].decision.verdict;
	}
	for (size_t k = 0; k < d->kinds_len; k++) {
		if (memcmp(d->kind[k].reason, reason, sizeof(reason)) == 0 &&
		    memcmp(d->kind[k].verdict, verdict, sizeof(verdict)) == 0) {
			d->kind[k].packets++;
			return;
		}
	}
	if (d->kinds_len == REPLAY_DIFFS_MAX) {
		d->others++;
		return;
	}
	d->kind[d->kinds_len].packets = 1;
	memcpy(d->kind[d->kinds_len].reason, reason, sizeof(reason));
	memcpy(d->kind[d->kinds_len].verdict, verdict, sizeof(verdict));
	d->kinds_len++;
}

void replay_print_packet(const struct replay_report *to, const struct replay *r,
                         const struct replay_packet *p)
{
	if (to->is_json) {
		replay_json_packet(to->out, r, p);
		return;
	}
	replay_text_packet(to->out, r, p);
}

void replay_print_summary(const struct replay_report *to, const struct replay *r,
                          const struct replay_diffs *d, const struct replay_source *sources,
                          size_t sources_len)
{
	if (to->is_json) {
		replay_json_summary(to->out, r, d, sources, sources_len);
		return;
	}
	replay_text_summary(to->out, r, d);
}

char *replay_flags_text(uint8_t flags, char *out)
{
	static const char letters[] = "FSRPAUEC";
	char *at = out;

	for (unsigned bit = 0; bit < 8; bit++) {
		if ((flags & (1u << bit)) != 0) {
			*at++ = letters[bit];
		}
	}
	*at = '\0';
	return out;
}
