/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interface names by libnfnetlink's nlif, which subscribes to link changes and maps an index to a
 * name. nlif cannot list its interfaces, so the indexes come from if_nameindex() after each change;
 * the previous list shows which interfaces are gone.
 */
#include "ifname.h"

#include <errno.h>
#include <inttypes.h>
#include <libnfnetlink/libnfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ifnames {
	struct nlif_handle *nlif;
	struct if_nameindex *list; /* ends with index 0 */
};

int ifnames_open(struct ifnames **out)
{
	struct ifnames *n = calloc(1, sizeof(*n));
	int err;

	if (n == NULL) {
		return -ENOMEM;
	}
	n->nlif = nlif_open();
	if (n->nlif == NULL || nlif_query(n->nlif) < 0) {
		goto fail;
	}
	n->list = if_nameindex();
	if (n->list == NULL) {
		goto fail;
	}
	*out = n;
	return 0;

fail:
	err = errno == 0 ? -EIO : -errno;
	ifnames_close(n);
	return err;
}

void ifnames_close(struct ifnames *n)
{
	if (n == NULL) {
		return;
	}
	if (n->nlif != NULL) {
		nlif_close(n->nlif);
	}
	if (n->list != NULL) {
		if_freenameindex(n->list);
	}
	free(n);
}

int ifnames_fd(const struct ifnames *n)
{
	return nlif_fd(n->nlif);
}

static const char *find(const struct if_nameindex *list, unsigned ifindex)
{
	for (const struct if_nameindex *i = list; i->if_index != 0; i++) {
		if (i->if_index == ifindex) {
			return i->if_name;
		}
	}
	return NULL;
}

void ifnames_update(struct ifnames *n, struct ruleset *rs)
{
	struct if_nameindex *list;

	if (nlif_catch(n->nlif) < 0) {
		/* Changes were lost: read all interfaces again. */
		(void)nlif_query(n->nlif);
	}
	list = if_nameindex();
	if (list == NULL) {
		return; /* the old list stays; the next change tries again */
	}
	for (const struct if_nameindex *old = n->list; old->if_index != 0; old++) {
		if (find(list, old->if_index) == NULL) {
			ruleset_set_ifname(rs, old->if_index, NULL);
		}
	}
	if_freenameindex(n->list);
	n->list = list;
	ifnames_apply(n, rs);
}

void ifnames_apply(const struct ifnames *n, struct ruleset *rs)
{
	for (const struct if_nameindex *i = n->list; i->if_index != 0; i++) {
		ruleset_set_ifname(rs, i->if_index, i->if_name);
	}
}

uint32_t ifnames_find(const struct ifnames *n, const char *name)
{
	for (const struct if_nameindex *i = n->list; i->if_index != 0; i++) {
		if (strcmp(i->if_name, name) == 0) {
			return i->if_index;
		}
	}
	return 0;
}

const char *ifnames_get(const struct ifnames *n, uint32_t ifindex, char name[IFNAMSIZ])
{
	if (ifindex == 0) {
		name[0] = '\0';
	} else if (nlif_index2name(n->nlif, ifindex, name) < 0) {
		(void)snprintf(name, IFNAMSIZ, "%" PRIu32, ifindex);
	}
	return name;
}

_Static_assert(IFNAMSIZ == RULE_IFNAME_SIZE, "rules and kernel agree");

bool ifname_query(uint32_t ifindex, char name[static IFNAMSIZ])
{
	return if_indextoname(ifindex, name) != NULL;
}
