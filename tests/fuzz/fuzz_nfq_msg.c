/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a datagram of the queue: parsing ends, reads only inside, and its results are valid.
 */
#include <finwall/nfq_msg.h>

#include "fuzz.h"
#include "wire/conntrack_msg.h"

/* The entry of the kernel's tracker, which rules read. */
static void check_ct(const struct frame *f, const uint8_t *data, size_t size)
{
	const uint8_t *ct = f->data + f->ct_at;
	struct tuple t[2];

	FUZZ_REQUIRE(ct >= data && ct + f->ct_size <= data + size);
	if (conntrack_tuples(ct, f->ct_size, t)) {
		FUZZ_REQUIRE(t[0].family == t[1].family);
		FUZZ_REQUIRE(t[0].family == 4 || t[0].family == 6);
	}
}

static void check_packet(const struct nfq_pkt *p, const uint8_t *data, size_t size)
{
	const struct frame *f = &p->frame;

	FUZZ_REQUIRE(p->id_is_known == 1);
	FUZZ_REQUIRE(f->hook < HOOKS_LEN);
	FUZZ_REQUIRE(f->cap_size > 0 && f->cap_size <= f->true_size);
	FUZZ_REQUIRE(f->data >= data && f->data + f->cap_size <= data + size);
	if (f->ct_size > 0) {
		check_ct(f, data, size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = { data, data + size };
	const uint8_t *before = c.at;
	enum nfq_result result;
	struct nfq_pkt p;

	while ((result = nfq_msg_next(&c, &p)) != NFQ_MSG_END) {
		FUZZ_REQUIRE(c.at > before && c.at <= c.end);
		FUZZ_REQUIRE(result < NFQ_RESULTS_LEN);
		before = c.at;
		if (result == NFQ_MSG_PACKET) {
			check_packet(&p, data, size);
		}
	}
	return 0;
}
