/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GetHooks: the hook rules that the running configuration needs, and whether the kernel has them.
 * finwall hook up installs what it describes, finwall hook watch follows it.
 */
#include "method.h"

#include "generation.h"
#include "hook_watch.h"
#include "io/clock.h"
#include "raw_sender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hook_follower {
	struct ctl_stream stream;
	struct control *ctl;
	struct ctl_client *client;
	LIST_ENTRY(hook_follower) link;
};

#define KERNEL_HASH_SIZE 17

/* The hash of the kernel's part, as text. */
static const char *kernel_hash(const struct generation *g, char out[static KERNEL_HASH_SIZE])
{
	struct config_kernel part;

	config_kernel(g->config, &part);
	(void)snprintf(out, KERNEL_HASH_SIZE, "%016" PRIx64, part.hash);
	return out;
}

static json_t *hooks_json(const struct control_env *env)
{
	static const char *const watch_names[] = {
		[HOOK_WATCH_RESTORE] = "restore",
		[HOOK_WATCH_REPORT] = "report",
		[HOOK_WATCH_OFF] = "off",
	};
	static const char *const backend_names[] = {
		[BACKEND_AUTO] = "auto",
		[BACKEND_NFT] = "nft",
		[BACKEND_IPTABLES] = "iptables",
	};
	static const char *const fast_path_names[] = {
		[FAST_PATH_AUTO] = "auto",
		[FAST_PATH_ON] = "on",
		[FAST_PATH_OFF] = "off",
	};
	const struct generation *g = env->generations->current;
	const struct hook_watch *w = env->hook_watch;
	const struct settings *s = generation_settings(g);
	char hash[KERNEL_HASH_SIZE];
	json_t *hooked = json_array();
	json_t *o;

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (w->wanted.hooked[h]) {
			json_array_append_new(hooked, json_string(hook_name(h)));
		}
	}
	o = json_pack("{s:s, s:s, s:s, s:o, s:I, s:o, s:I, s:I}", "fault",
	              hook_fault_name(w->fault), "text", w->text, "watch",
	              watch_names[s->hook_watch], "config", ctl_json_text(env->config_path),
	              "losses", (json_int_t)w->losses, "hooks", hooked, "queue_num",
	              (json_int_t)w->wanted.queue_first, "queue_count",
	              (json_int_t)env->queues_len);
	json_object_update_new(o,
	                       json_pack("{s:s, s:I}", "fast_path", fast_path_names[s->fast_path],
	                                 "fast_path_max", (json_int_t)s->fast_path_max));
	json_object_update_new(o, json_pack("{s:b, s:I, s:b, s:b, s:b, s:I, s:I, s:b, s:s}",
	                                    "on_absent_accept", s->on_absent == FAIL_ACCEPT,
	                                    "admin_port", (json_int_t)s->admin_port, "loopback",
	                                    s->loopback != 0, "defragment", s->defragment != 0,
	                                    "compare_kernel", env->compares_kernel, "mark",
	                                    (json_int_t)env->raw_sender->mark, "mark_mask",
	                                    (json_int_t)env->raw_sender->mask, "enforce",
	                                    g->shared.policy.tun.enforce != 0, "backend",
	                                    backend_names[s->backend]));
	json_object_set_new(o, "kernel_hash", json_string(kernel_hash(g, hash)));
	return o;
}

void control_get_kernel_part(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	const struct generation *g = ctl->env.generations->current;
	char hash[KERNEL_HASH_SIZE];
	struct config_kernel part;
	json_t *tables;
	json_t *sets;

	(void)call;
	config_kernel(g->config, &part);
	if (strlen(part.text) > METHOD_TEXT_SIZE_MAX) {
		method_refuse(
			c, CTL_ERROR("TooLarge"),
			"the kernel's part is larger than 8 MiB: finwall hook reads it from the "
			"configuration file");
		return;
	}
	tables = json_array();
	for (size_t i = 0; i < part.tables_len; i++) {
		json_array_append_new(tables, ctl_json_text(part.tables[i]));
	}
	sets = json_array();
	for (size_t i = 0; i < part.sets_len; i++) {
		json_array_append_new(sets, ctl_json_text(part.sets[i]));
	}
	ctl_client_reply(c,
	                 json_pack("{s:o, s:o, s:o, s:s}", "text", ctl_json_text(part.text),
	                           "tables", tables, "sets", sets, "hash", kernel_hash(g, hash)),
	                 CTL_LAST);
}

static void follower_free(struct ctl_stream *s)
{
	struct hook_follower *f = (struct hook_follower *)s;

	LIST_REMOVE(f, link);
	free(f);
}

void control_get_hooks(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	struct hook_follower *f;

	hook_watch_refresh(ctl->env.hook_watch, clock_now());
	if (!call->wants_more) {
		ctl_client_reply(c, hooks_json(&ctl->env), CTL_LAST);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		method_out_of_memory(c);
		return;
	}
	*f = (struct hook_follower){
		.stream = { .free = follower_free, .is_endless = true },
		.ctl = ctl,
		.client = c,
	};
	LIST_INSERT_HEAD(&ctl->followers.list, f, link);
	ctl_client_reply(c, hooks_json(&ctl->env), CTL_CONTINUES);
	ctl_client_stream(c, &f->stream);
}

void control_hooks_changed(struct control *c)
{
	struct hook_follower *f;

	if (c == NULL) {
		return;
	}
	LIST_FOREACH(f, &c->followers.list, link)
	{
		ctl_client_reply(f->client, hooks_json(&c->env), CTL_CONTINUES);
	}
}

unsigned control_hook_watchers(const struct control *c)
{
	const struct hook_follower *f;
	unsigned len = 0;

	if (c == NULL) {
		return 0;
	}
	LIST_FOREACH(f, &c->followers.list, link)
	{
		/* A client that may only read installs nothing. */
		len += ctl_client_access(f->client) == CTL_ACCESS_WRITE;
	}
	return len;
}
