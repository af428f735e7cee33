/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In a build without clang or libbpf. See lease_program.h. */
#include "lease_program.h"

#include <errno.h>
#include <stdio.h>

bool lease_program_is_built(void)
{
	return false;
}

int lease_program_load(uint32_t leases_len, struct lease_program **out, char why[LEASE_WHY_SIZE])
{
	(void)leases_len;
	*out = NULL;
	(void)snprintf(why, LEASE_WHY_SIZE, "this finwall was built without clang or libbpf");
	return -ENOTSUP;
}

void lease_program_free(struct lease_program *p)
{
	(void)p;
}

bool lease_program_map(struct lease_program *p, struct lease_map *out)
{
	(void)p;
	*out = (struct lease_map){ .control = NULL };
	errno = ENOTSUP;
	return false;
}

int lease_program_pin(const struct lease_program *p, const char *dir)
{
	(void)p;
	(void)dir;
	return -ENOTSUP;
}

int lease_program_run(const struct lease_program *p, enum hook hook, const void *packet,
                      size_t size, uint32_t repeat, uint32_t *ns_each)
{
	(void)p;
	(void)hook;
	(void)packet;
	(void)size;
	(void)repeat;
	(void)ns_each;
	return -ENOTSUP;
}
