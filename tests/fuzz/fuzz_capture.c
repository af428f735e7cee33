/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a capture file: it is refused or read to its end, and what is found in its frames is
 * decoded as a packet.
 */
#include <finwall/pkt.h>

#include "fuzz.h"
#include "io/capture.h"

#include <stdlib.h>
#include <string.h>

static void decode(const struct link_packet *in)
{
	struct frame f = { .cap_size = in->cap_size, .true_size = in->true_size };
	uint8_t *exact = malloc(in->cap_size + (in->cap_size == 0));
	struct pkt p;

	FUZZ_REQUIRE(exact != NULL);
	memcpy(exact, in->data, in->cap_size);
	f.data = exact;
	(void)pkt_decode(&f, &p);
	free(exact);
}

static void read_all(struct capture *c)
{
	enum capture_result result;
	struct capture_packet p;

	while ((result = capture_next(c, &p)) == CAPTURE_PACKET) {
		struct link_packet found;

		FUZZ_REQUIRE(p.time_ns >= 0);
		if (link_strip(capture_link_type(c), p.data, p.cap_size, p.wire_size, &found) !=
		    LINK_IP) {
			continue;
		}
		FUZZ_REQUIRE(found.data >= p.data);
		FUZZ_REQUIRE(found.data + found.cap_size <= p.data + p.cap_size);
		FUZZ_REQUIRE(found.cap_size <= found.true_size);
		decode(&found);
	}
	FUZZ_REQUIRE(result == CAPTURE_END || capture_error(c)[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CAPTURE_ERROR_SIZE] = "";
	struct capture *c;
	FILE *from;

	if (size == 0) {
		return 0;
	}
	from = fmemopen((void *)(uintptr_t)data, size, "rb");
	FUZZ_REQUIRE(from != NULL);
	c = capture_open_stream(from, error);
	FUZZ_REQUIRE(c != NULL || error[0] != '\0');
	if (c != NULL) {
		read_all(c);
		capture_close(c);
	}
	return 0;
}
