/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files below /proc/net that only root and its group may read. */
#ifndef FINWALL_IO_PROC_NET_H
#define FINWALL_IO_PROC_NET_H

#include <stdio.h>

enum proc_net_file {
	PROC_NET_QUEUES,     /* nfnetlink_queue */
	PROC_NET_IP_TABLES,  /* ip_tables_names */
	PROC_NET_IP6_TABLES, /* ip6_tables_names */
	PROC_NET_FILES_LEN,
};

/* Opens the file, by the opener if there is one. Returns NULL with errno. */
FILE *proc_net_open(enum proc_net_file file);

/* The same without the opener, which uses it. Returns a descriptor, or -errno. */
int proc_net_open_here(enum proc_net_file file);

#endif
