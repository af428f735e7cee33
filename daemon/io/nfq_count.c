/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of the queue counters.
 */
#include "nfq_count.h"

const char *nfq_count_name(enum nfq_count c)
{
	static const char *const names[NFQ_COUNTS_LEN] = {
#define X(id, name, text) [id] = name,
		FINWALL_NFQ_COUNTS(X)
#undef X
	};

	return names[c];
}

const char *nfq_count_text(enum nfq_count c)
{
	static const char *const texts[NFQ_COUNTS_LEN] = {
#define X(id, name, text) [id] = text,
		FINWALL_NFQ_COUNTS(X)
#undef X
	};

	return texts[c];
}
