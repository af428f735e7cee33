/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chooses the format.
 */
#include "replay/report.h"

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
