/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bare loop: recvmmsg(), one send of all verdicts, 128 bytes of each packet, segmentation left
 * to later. It reads nothing of a message but the packet's number.
 */
#include "bare.h"

#include "io/nfq_sock.h"

#include <finwall/nfq_msg.h>

#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COPY_SIZE 128

/* nlmsghdr, nfgenmsg, and the header of the first attribute, which is the packet header. */
#define ID_AT (16 + 4 + 4)

_Noreturn void bare_serve(uint16_t queue, int ready_fd)
{
	static struct nfq_counters counters;
	static uint8_t room[NFQ_SOCK_BATCH_MAX * NFQ_VERDICT_SIZE];
	struct nfq_out out = { .data = room, .capacity = sizeof(room) };
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
		nfq_sock_send(sock, &out);
	}
}
