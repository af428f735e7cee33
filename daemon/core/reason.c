/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and meanings of reasons and connection states. */
#include <finwall/reason.h>

#include <stddef.h>

struct reason_row {
	const char *name;
	const char *text;
	enum ct_state state;
};

static const struct reason_row rows[REASONS_LEN] = {
#define X(id, name, state, text) [id] = { name, text, CT_##state },
	FINWALL_REASONS(X)
#undef X
};

const char *reason_name(enum reason r)
{
	return rows[r].name;
}

const char *reason_text(enum reason r)
{
	return rows[r].text;
}

enum ct_state reason_state(enum reason r)
{
	return rows[r].state;
}

const char *ct_state_name(enum ct_state s)
{
	static const char *const names[CT_STATES_LEN] = {
		[CT_INVALID] = "invalid",         [CT_NEW] = "new",
		[CT_ESTABLISHED] = "established", [CT_RELATED] = "related",
		[CT_UNTRACKED] = "untracked",     [CT_LATE] = "late",
	};

	return names[s];
}
