/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GetCluster: this node, the engine, the other nodes.
 */
#include "method.h"

#include "cluster/cluster.h"

void control_get_cluster(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	(void)call;
	ctl_client_reply(c, cluster_json(ctl->env.cluster), CTL_LAST);
}
