/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The methods behind the control socket: what their files share. One row of the table in ctl_cmd.c
 * each.
 */
#ifndef FINWALL_CTL_METHOD_H
#define FINWALL_CTL_METHOD_H

#include "daemon.h"
#include "io/ctl_sock.h"

#define CTL_ERROR(name) CTL_INTERFACE "." name

/* Answers one call, or starts a stream that does. */
typedef void ctl_method_fn(struct daemon *d, struct ctl_client *c, const struct ctl_call *call);

ctl_method_fn ctl_get_stats;
ctl_method_fn ctl_list_connections;
ctl_method_fn ctl_stream_events;
ctl_method_fn ctl_list_sets;
ctl_method_fn ctl_list_elements;
ctl_method_fn ctl_add_elements;
ctl_method_fn ctl_delete_elements;
ctl_method_fn ctl_flush_set;

/* Refuses the call because of one of its parameters. */
void ctl_wrong_parameter(struct ctl_client *c, const char *name);

/* Refuses with words for people. error: CTL_ERROR("...") */
void ctl_refuse(struct ctl_client *c, const char *error, const char *message);

/* Reads an optional boolean; false when it is there and is something else. */
bool ctl_read_flag(const struct ctl_call *call, const char *name, bool *out);

/* How many clients get events. */
unsigned ctl_event_readers(const struct daemon *d);

/* The interface in Varlink's own language. */
extern const char ctl_interface_text[];

#endif
