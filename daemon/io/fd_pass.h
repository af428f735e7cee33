/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A descriptor in a message of a UNIX socket (SCM_RIGHTS). */
#ifndef FINWALL_IO_FD_PASS_H
#define FINWALL_IO_FD_PASS_H

#include <stdint.h>
#include <sys/socket.h>

/* An aligned control buffer for one descriptor. */
union fd_pass {
	struct cmsghdr align;
	uint8_t buf[CMSG_SPACE(sizeof(int))];
};

/* Adds the descriptor to a message that is to be sent. control: borrowed by msg. */
void fd_pass_attach(struct msghdr *msg, union fd_pass *control, int fd);

/* Returns the descriptor of a received message, or -1. */
int fd_pass_take(struct msghdr *msg);

#endif
