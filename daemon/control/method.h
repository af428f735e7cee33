/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the method files share: the context of a method, and replies that several need. Private to
 * control/. Each method is one row of the table in control.c.
 */
#ifndef FINWALL_CONTROL_METHOD_H
#define FINWALL_CONTROL_METHOD_H

#include "control.h"
#include "io/ctl_sock.h"

#include <finwall/flow_text.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define CTL_ERROR(name) CTL_INTERFACE "." name

/* The largest text in one reply: JSON may escape each byte as two. */
#define METHOD_TEXT_SIZE_MAX (CTL_REPLY_SIZE_MAX / 2)

struct event_reader;

/* Clients of StreamEvents. */
struct event_readers {
	LIST_HEAD(, event_reader) list;
	unsigned len;
	uint64_t skipped; /* events that readers were too slow for, in total */
};

/* Clients that follow GetHooks. */
struct hook_followers {
	LIST_HEAD(, hook_follower) list;
};

struct control {
	struct control_env env;
	struct ctl_sock *sock;
	struct event_readers readers;
	struct hook_followers followers;
	struct stats_base *stats_base; /* of stats --zero; NULL = never */
};

/* Replies to one call, or starts a stream that does. */
typedef void control_method_fn(struct control *ctl, struct ctl_client *c,
                               const struct ctl_call *call);

control_method_fn control_get_info; /* service.c */
control_method_fn control_get_interface;
control_method_fn control_get_cluster;  /* cluster.c */
control_method_fn control_get_settings; /* configuration.c */
control_method_fn control_get_ruleset;
control_method_fn control_reload;
control_method_fn control_confirm;
control_method_fn control_list_connections; /* list.c */
control_method_fn control_count_connections;
control_method_fn control_get_connection;
control_method_fn control_count_queued; /* queued.c */
control_method_fn control_get_hooks;    /* hooks.c */
control_method_fn control_get_kernel_part;
control_method_fn control_flush; /* connections.c */
control_method_fn control_delete;
control_method_fn control_import;
control_method_fn control_delete_matching; /* delete_matching.c */
control_method_fn control_get_stats;       /* stats.c */
control_method_fn control_stream_events;   /* events.c */
control_method_fn control_stream_traces;
control_method_fn control_explain;   /* explain.c */
control_method_fn control_list_sets; /* sets.c */
control_method_fn control_list_elements;
control_method_fn control_add_elements;
control_method_fn control_delete_elements;
control_method_fn control_flush_set;
control_method_fn control_list_objects; /* objects.c */
control_method_fn control_reset_objects;

/* Replies with the error InvalidParameter. name: of the parameter. */
void method_invalid_parameter(struct ctl_client *c, const char *name);

/* Replies with an error and a message for people. error: CTL_ERROR("..."). */
void method_refuse(struct ctl_client *c, const char *error, const char *message);

/* Replies with the error PermissionDenied: the method is for those who may change something. */
void method_permission_denied(struct ctl_client *c);

/* Replies with the error OutOfMemory. */
void method_out_of_memory(struct ctl_client *c);

/* Reads the flags forget and remember. Returns the name of the one that is wrong, or NULL. */
const char *method_read_delete_mode(const struct ctl_call *call, enum engine_delete_mode *out);

/*
 * Whether a connection matches, the rule that let it in included: of the rules in force, so none
 * does after a reload or a restart.
 */
bool method_wants_connection(const struct control_env *env, const struct flow_filter *filter,
                             const struct flow_view *v);

/* As flow_filter_parse(), for connections that exist. Returns false after an error reply: also for
 * a filter by idle time without the setting `connections accounting on`. */
bool method_read_filter(const struct control_env *env, struct ctl_client *c, const json_t *object,
                        struct flow_filter *out);

/* Reads an optional boolean, by default false. Returns false when the value is not a boolean. */
bool method_read_flag(const struct ctl_call *call, const char *name, bool *out);

/* The interface in Varlink's interface language. */
extern const char control_interface_text[];
extern const char control_service_interface_text[]; /* org.varlink.service */

#endif
