/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan of the hook rules. See plan.h. */
#include "hook/plan.h"

#include "client.h"
#include "io/cpus.h"
#include "io/file.h"

#include <finwall/config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In shadow mode a missing daemon must not drop packets. */
static enum fail_mode absent_mode(bool is_shadow, enum fail_mode configured)
{
	return is_shadow ? FAIL_ACCEPT : configured;
}

int hook_wish_of_file(const char *path, struct hook_wish *out, char **errors)
{
	struct config *config = config_load(path, &file_reader, errors);
	struct ruleset *rules = config != NULL ? config_compile(config) : NULL;
	struct hook_plan *plan = &out->plan;
	const struct settings *s;
	struct config_kernel kernel;

	if (rules == NULL) {
		config_free(config);
		return *errors != NULL ? -EINVAL : -ENOMEM;
	}
	s = config_settings(config);
	memset(out, 0, sizeof(*out));
	plan->is_shadow = config_tunables(config)->enforce == 0;
	plan->queue_num = s->queue_num;
	plan->queue_count = settings_queues(s, cpus_allowed());
	plan->on_absent = absent_mode(plan->is_shadow, s->on_absent);
	plan->admin_port = s->admin_port;
	plan->loopback_is_queued = s->loopback != 0;
	plan->defragments = s->defragment != 0;
	plan->compares_kernel = s->compare_kernel != 0;
	plan->own_mark = s->hook_mark;
	plan->own_mask = s->hook_mark_mask;
	ruleset_hooks(rules, plan->hooked);
	out->backend = s->backend;
	config_kernel(config, &kernel);
	out->kernel_hash = kernel.hash;
	out->fast_path = s->fast_path;
	out->fast_path_max = s->fast_path_max;
	ruleset_free(rules);
	config_free(config);
	return 0;
}

static bool is_true(const json_t *reply, const char *name)
{
	return json_is_true(json_object_get(reply, name));
}

bool hook_wish_of_reply(const json_t *reply, struct hook_wish *out)
{
	static const char *const hook_words[HOOKS_LEN] = { "input", "forward", "output" };
	const char *backend = client_text(reply, "backend");
	const char *fast_path = client_text(reply, "fast_path");
	struct hook_plan *plan = &out->plan;
	const json_t *name;
	size_t i;

	memset(out, 0, sizeof(*out));
	json_array_foreach(json_object_get(reply, "hooks"), i, name)
	{
		for (unsigned h = 0; h < HOOKS_LEN; h++) {
			plan->hooked[h] |= json_is_string(name) &&
			                   strcmp(json_string_value(name), hook_words[h]) == 0;
		}
	}
	plan->is_shadow = !is_true(reply, "enforce");
	plan->queue_num = (uint32_t)client_number(reply, "queue_num");
	plan->queue_count = (uint32_t)client_number(reply, "queue_count");
	plan->on_absent = absent_mode(plan->is_shadow,
	                              is_true(reply, "on_absent_accept") ? FAIL_ACCEPT : FAIL_DROP);
	plan->admin_port = (uint32_t)client_number(reply, "admin_port");
	plan->loopback_is_queued = is_true(reply, "loopback");
	plan->defragments = is_true(reply, "defragment");
	plan->compares_kernel = is_true(reply, "compare_kernel");
	plan->own_mark = (uint32_t)client_number(reply, "mark");
	plan->own_mask = (uint32_t)client_number(reply, "mark_mask");
	out->backend = strcmp(backend, "nft") == 0        ? BACKEND_NFT
	               : strcmp(backend, "iptables") == 0 ? BACKEND_IPTABLES
	                                                  : BACKEND_AUTO;
	out->kernel_hash = strtoull(client_text(reply, "kernel_hash"), NULL, 16);
	out->fast_path = strcmp(fast_path, "on") == 0     ? FAST_PATH_ON
	                 : strcmp(fast_path, "auto") == 0 ? FAST_PATH_AUTO
	                                                  : FAST_PATH_OFF;
	out->fast_path_max = (uint32_t)client_number(reply, "fast_path_max");
	/* A mask of 0 would let every packet pass. */
	return plan->queue_count > 0 && plan->own_mask != 0;
}

/* Calls GetHooks. Returns 0 with *reply set, -ENOENT or -EACCES. */
static int get_hooks(const char *socket_path, struct ctl_reply *reply)
{
	struct client *c = client_open(socket_path);
	int rc;

	if (c == NULL) {
		return errno == EACCES || errno == EPERM ? -EACCES : -ENOENT;
	}
	rc = client_call(c, "GetHooks", NULL, CTL_LAST);
	if (rc == 0) {
		rc = client_reply(c, reply);
	}
	client_close(c);
	return rc == 0 ? 0 : -ENOENT;
}

int hook_wish_of_daemon(const char *socket_path, struct hook_wish *out)
{
	struct ctl_reply reply;
	int rc = get_hooks(socket_path, &reply);

	if (rc == 0) {
		rc = reply.error == NULL && hook_wish_of_reply(reply.parameters, out) ? 0 : -EPROTO;
		ctl_reply_fini(&reply);
	}
	return rc;
}

char *hook_config_of_daemon(const char *socket_path)
{
	struct ctl_reply reply;
	char *path = NULL;

	if (get_hooks(socket_path, &reply) == 0) {
		const char *text = client_text(reply.parameters, "config");

		/* An older daemon has a relative path as it was given. */
		path = text[0] == '/' ? strdup(text) : NULL;
		ctl_reply_fini(&reply);
	}
	return path;
}

bool hook_wish_any(const struct hook_wish *w)
{
	return w->plan.hooked[HOOK_INPUT] || w->plan.hooked[HOOK_FORWARD] ||
	       w->plan.hooked[HOOK_OUTPUT] || w->kernel_hash != 0;
}

const char *hook_wish_difference(const struct hook_wish *a, const struct hook_wish *b)
{
	const struct hook_plan *p = &a->plan;
	const struct hook_plan *q = &b->plan;

	return p->hooked[HOOK_INPUT] != q->hooked[HOOK_INPUT]       ? "the chains input and output"
	       : p->hooked[HOOK_FORWARD] != q->hooked[HOOK_FORWARD] ? "the chain forward"
	       : p->queue_num != q->queue_num                       ? "queue num"
	       : p->queue_count != q->queue_count                   ? "queue count"
	       : p->is_shadow != q->is_shadow                       ? "connections enforce"
	       : p->on_absent != q->on_absent                       ? "queue on-absent"
	       : p->admin_port != q->admin_port                     ? "hook admin-port"
	       : p->loopback_is_queued != q->loopback_is_queued     ? "hook loopback"
	       : p->defragments != q->defragments                   ? "hook defragment"
	       : p->compares_kernel != q->compares_kernel           ? "hook compare-kernel"
	       : p->own_mark != q->own_mark || p->own_mask != q->own_mask ? "hook mark"
	       : a->backend != b->backend                                 ? "hook backend"
	       : a->kernel_hash != b->kernel_hash                         ? "the kernel's part"
	       : a->fast_path != b->fast_path                             ? "hook fast-path"
	       : a->fast_path_max != b->fast_path_max                     ? "hook fast-path-max"
	                                                                  : NULL;
}
