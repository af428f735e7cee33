/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recvmmsg(), then one send of all verdicts; 128 bytes of each packet, without software
 * segmentation (NFQA_CFG_F_GSO). It reads only the packet id of a message.
 */
#include "bare_loop.h"

#include "io/nfq_sock.h"

#include <finwall/nfq_msg.h>

#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COPY_SIZE 128

/* Behind nlmsghdr, nfgenmsg and the header of the first attribute, NFQA_PACKET_HDR. */
#define ID_AT (16 + 4 + 4)

_Noreturn void bare_loop_run(uint16_t queue, int ready_fd)
{
	static struct nfq_counters counters;
	static uint8_t buf[NFQ_SOCK_BATCH_MAX * NFQ_VERDICT_SIZE];
	struct nfq_out out = { .data = buf, .buf_size = sizeof(buf) };
	struct nfq_params params = { .len = 65536,
		                     .rcvbuf_bytes = 64 << 20,
		                     .copy_bytes = COPY_SIZE };
	struct nfq_sock *sock;
	int err = nfq_sock_open(queue, &params, &counters, &sock);

	if (err != 0) {
		fprintf(stderr, "finwall-bench: queue %u: %s\n", queue, strerror(-err));
		_exit(1);
	}
	if (write(ready_fd, "r", 1) != 1) {
		_exit(1);
	}
	for (;;) {
		unsigned len = nfq_sock_recv(sock);

		for (unsigned i = 0; i < len; i++) {
			struct cursor c = nfq_sock_datagram(sock, i);

			if (cursor_left(&c) >= ID_AT + COPY_SIZE / 4) {
				(void)nfq_put_verdict(&out, queue, load_be32(c.at + ID_AT),
				                      NF_ACCEPT);
			}
		}
		(void)nfq_sock_send(sock, &out);
	}
}
