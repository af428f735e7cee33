/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of counters, and their sums over workers. */
#include <finwall/stats.h>

struct event_row {
	const char *name;
	const char *text;
};

static const struct event_row events[EVENTS_LEN] = {
#define X(id, name, text) [id] = { name, text },
	FINWALL_EVENTS(X)
#undef X
};

const char *stat_event_name(enum stat_event e)
{
	return events[e].name;
}

const char *stat_event_text(enum stat_event e)
{
	return events[e].text;
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[VERDICTS_LEN] = {
		[VERDICT_DROP] = "drop",
		[VERDICT_ACCEPT] = "accept",
		[VERDICT_REJECT] = "reject",
	};

	return names[v];
}

const char *hook_name(enum hook h)
{
	static const char *const names[HOOKS_LEN] = {
		[HOOK_INPUT] = "input",
		[HOOK_FORWARD] = "forward",
		[HOOK_OUTPUT] = "output",
	};

	return names[h];
}

const char *late_case_name(enum late_case c)
{
	static const char *const names[LATE_CASES_LEN] = {
		[LATE_FIN_UNKNOWN] = "fin-unknown",
		[LATE_FIN_KNOWN] = "fin-remembered",
		[LATE_RST_UNKNOWN] = "rst-unknown",
		[LATE_RST_KNOWN] = "rst-remembered",
	};

	return names[c];
}

void stats_sum(struct stats *sum, const struct stats *one)
{
	for (unsigned i = 0; i < REASONS_LEN; i++) {
		stat_add(&sum->reason[i], stat_get(&one->reason[i]));
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		for (unsigned s = 0; s < CT_STATES_LEN; s++) {
			for (unsigned v = 0; v < VERDICTS_LEN; v++) {
				stat_add(&sum->verdict[h][s][v], stat_get(&one->verdict[h][s][v]));
				stat_add(&sum->verdict_bytes[h][s][v],
				         stat_get(&one->verdict_bytes[h][s][v]));
			}
		}
	}
	for (unsigned i = 0; i < EVENTS_LEN; i++) {
		stat_add(&sum->event[i], stat_get(&one->event[i]));
	}
	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		for (unsigned c = 0; c < LATE_CASES_LEN; c++) {
			stat_add(&sum->late[p][c][0], stat_get(&one->late[p][c][0]));
			stat_add(&sum->late[p][c][1], stat_get(&one->late[p][c][1]));
		}
	}
}
