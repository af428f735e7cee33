/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a configuration that belongs to the kernel: see kernel_part.h. */
#include "kernel_part.h"

#include "tree.h"

/* FNV-1a: only to see a change. */
uint64_t kernel_part_hash(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	while (*text != '\0') {
		hash = (hash ^ (unsigned char)*text++) * UINT64_C(0x100000001b3);
	}
	return hash != 0 ? hash : 1;
}

void config_kernel(const struct config *c, struct config_kernel *out)
{
	const struct kernel_part *p = &c->kernel;

	*out = (struct config_kernel){
		.text = p->text,
		.tables = p->tables.items,
		.tables_len = p->tables.len,
		.sets = p->sets.items,
		.sets_len = p->sets.len,
		.given = p->given.items,
		.given_len = p->given.len,
		.hash = p->hash,
		.own_chains = p->own_chains,
		.kernel_chains = p->kernel_chains,
	};
}
