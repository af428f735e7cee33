/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening the workers' queues. See queues.h.
 */
#include "queues.h"

#include "io/kept_fds.h"
#include "io/log.h"
#include "io/nfq_proc.h"
#include "io/nfq_sock.h"
#include "io/notify.h"
#include "io/who_holds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "queue-65535": the name of a stored socket. */
#define FD_NAME_SIZE 16

#define HOLDER_TEXT_SIZE 256

struct opener {
	struct kept_fds *kept;
	struct nfq_params params;
	struct log *log;
	bool stores_fds; /* the service manager keeps sockets for the next process */
	uint32_t adopted;
};

static void log_bind_failure(const struct opener *o, uint16_t queue, int err)
{
	char holder[HOLDER_TEXT_SIZE];

	if ((err == -EPERM || err == -EBUSY) && who_holds(queue, holder, sizeof(holder)) == 0) {
		log_write(o->log, LOG_LEVEL_ERROR, "cannot bind queue %u: %s", queue, holder);
		return;
	}
	log_write(o->log, LOG_LEVEL_ERROR, "cannot bind queue %u: %s%s", queue, strerror(-err),
	          err == -EPERM                               ? "; run with CAP_NET_ADMIN"
	          : err == -EINVAL || err == -EPROTONOSUPPORT ? "; load the kernel module "
	                                                        "nfnetlink_queue"
	                                                      : "");
}

/* Returns true when the stored socket of this queue exists and can be reused. */
static bool adopt(struct opener *o, int fd, struct worker *w)
{
	int err;

	if (fd < 0) {
		return false;
	}
	err = nfq_sock_adopt(fd, w->queue, &o->params, &w->nfq, &w->sock);
	if (err != 0) {
		log_write(o->log, LOG_LEVEL_WARNING, "queue %u: stored socket cannot be reused: %s",
		          w->queue, strerror(-err));
		return false;
	}
	/* Losses before the start are not reported. */
	(void)nfq_proc_read(w->queue, &w->proc_reported);
	w->is_adopted = 1;
	o->adopted++;
	return true;
}

static int open_one(struct opener *o, struct worker *w)
{
	char name[FD_NAME_SIZE];
	int err;

	(void)snprintf(name, sizeof(name), "queue-%u", w->queue);
	w->keeps_queue = o->stores_fds;
	if (adopt(o, kept_fds_take(o->kept, name), w)) {
		return 0;
	}
	err = nfq_sock_open(w->queue, &o->params, &w->nfq, &w->sock);
	if (err != 0) {
		log_bind_failure(o, w->queue, err);
		return err;
	}
	if (o->stores_fds) {
		notify_store_fd(nfq_sock_fd(w->sock), name);
	}
	return 0;
}

static void check_rcvbuf(const struct opener *o, const struct worker *w)
{
	uint32_t bytes = nfq_sock_rcvbuf(w->sock);

	if (bytes < o->params.rcvbuf_bytes) {
		log_write(o->log, LOG_LEVEL_WARNING,
		          "queue %u: receive buffer is %" PRIu32 " bytes, not %" PRIu32
		          "; raise net.core.rmem_max or run with CAP_NET_ADMIN",
		          w->queue, bytes, o->params.rcvbuf_bytes);
	}
}

static enum nfq_default default_of(uint32_t fail_mode)
{
	return fail_mode == FAIL_ACCEPT ? NFQ_DEFAULT_ACCEPT : NFQ_DEFAULT_DROP;
}

/* Returns how many of extra are open; the worker of one that is not is left out. */
static uint32_t open_extra(struct opener *o, struct workers *ws, uint32_t own_len,
                           const struct extra_queues *extra)
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < extra->len; i++) {
		struct worker *w = &ws->at[own_len + len];

		w->queue = extra->at[i];
		len += open_one(o, w) == 0 ? 1 : 0;
	}
	return len;
}

int queues_open(struct workers *ws, const struct settings *s, const struct extra_queues *extra,
                struct log *log, uint32_t *adopted)
{
	const uint32_t own_len = ws->len - extra->len;
	struct opener o = {
		.kept = kept_fds_read(),
		.params = {
			.len = s->queue_len,
			.rcvbuf_bytes = s->queue_rcvbuf_bytes,
			.copy_bytes = s->queue_copy_bytes,
			.spin_us = s->queue_spin_us,
			.on_overload = default_of(s->on_overload),
			.on_absent = default_of(s->on_absent),
			.wants_conntrack = s->compare_kernel != 0 || s->needs_ct_status != 0,
			.wants_owner = s->needs_owner != 0,
		},
		.log = log,
		.stores_fds = notify_can_store_fds(),
	};
	int err = 0;

	for (uint32_t i = 0; i < own_len && err == 0; i++) {
		ws->at[i].queue = (uint16_t)(s->queue_num + i);
		err = open_one(&o, &ws->at[i]);
	}
	if (err == 0 && extra->len > 0) {
		ws->len = own_len + open_extra(&o, ws, own_len, extra);
		log_write(log, LOG_LEVEL_WARNING,
		          "the hook rules use %" PRIu32 " queue%s that the configuration has not; "
		          "reading %" PRIu32 " of these until the next start",
		          extra->len, extra->len == 1 ? "" : "s", ws->len - own_len);
	}
	if (err == 0 && ws->len > 0) {
		/* All sockets get the same size: the first one is enough. */
		check_rcvbuf(&o, &ws->at[0]);
	}
	if (err == 0 && o.adopted > 0) {
		log_write(log, LOG_LEVEL_NOTICE,
		          "%" PRIu32 " queues reused from the previous process", o.adopted);
	}
	kept_fds_free(o.kept);
	*adopted = o.adopted;
	return err;
}
