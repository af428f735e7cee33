/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a configuration that belongs to the kernel: loaded with nft(8) in one transaction, in
 * the tables that it names. A comment marks the tables of finwall; others are never
 * changed.
 */
#ifndef FINWALL_CLI_HOOK_KERNEL_PART_H
#define FINWALL_CLI_HOOK_KERNEL_PART_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hook_kernel {
	char *text;
	char **tables; /* "family name" */
	size_t tables_len;
	uint64_t hash; /* 0 = there is none */
};

/* Reads a reply of GetKernelPart. Returns false if it is malformed or memory runs out. */
bool hook_kernel_of_reply(const json_t *reply, struct hook_kernel *out);

/* From a configuration file; returns 0, -EINVAL or -ENOMEM. */
int hook_kernel_of_file(const char *path, struct hook_kernel *out);

/* From the running daemon; returns 0, -ENOENT or -EPROTO. */
int hook_kernel_of_daemon(const char *socket_path, struct hook_kernel *out);

void hook_kernel_fini(struct hook_kernel *k);

/* The result of hook_kernel_apply(). */
struct hook_kernel_result {
	size_t loaded;  /* tables */
	size_t kept;    /* tables that were as wanted before */
	size_t removed; /* tables of an earlier configuration */
	char *foreign;  /* a table that is not finwall's and stays as it is; malloc'd, or NULL */
};

/*
 * Makes the kernel have this part; with an empty one removes what is there. Changes nothing on
 * failure: returns -errno with *error set to a malloc'd message, or NULL.
 */
int hook_kernel_apply(const struct hook_kernel *k, struct hook_kernel_result *out, char **error);

/* The transaction as text for nft, malloc'd; NULL if memory runs out. */
char *hook_kernel_text(const struct hook_kernel *k);

#endif
