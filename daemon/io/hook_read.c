/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the hook rules from the kernel. See hook_read.h.
 *
 * Each chain of nf_tables is one dump. The tables of iptables-legacy are read only if /proc lists
 * them: the socket option would create a table that does not exist.
 */
#include "hook_read.h"

#include "opener.h"
#include "proc_net.h"

#include "wire/hook_names.h"
#include "wire/nft_rule.h"
#include "wire/xt_table.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DATAGRAM_SIZE 32768
#define TIMEOUT_SEC   2

/* A dump during which rules change is repeated. */
#define TRIES 4

/* Datagrams of notifications that are read at once. */
#define DRAIN_BUDGET 64

struct hook_reader {
	struct mnl_socket *nl;      /* dumps */
	struct mnl_socket *changes; /* notifications; NULL = none */
	uint32_t seq;
};

/* The chains of one table of nf_tables. */
struct nft_table {
	struct hook_reader *reader;
	uint8_t family;
	const char *table;
};

/* Chains by hook. */
static const char *const nft_chains[HOOKS_LEN] = { "input", "forward", "output" };
static const char *const builtin_chains[HOOKS_LEN] = { "INPUT", "FORWARD", "OUTPUT" };
static const char *const own_chains[HOOKS_LEN] = { HOOK_IPTABLES_INPUT, HOOK_IPTABLES_FORWARD,
	                                           HOOK_IPTABLES_OUTPUT };
static const char *const iptables_tables[] = { "filter", "mangle" };

#define IPTABLES_TABLES_LEN (sizeof(iptables_tables) / sizeof(iptables_tables[0]))

static struct mnl_socket *open_changes(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int group = NFNLGRP_NFTABLES;

	if (nl == NULL) {
		return NULL;
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
		mnl_socket_close(nl);
		return NULL;
	}
	return nl;
}

int hook_reader_open(struct hook_reader **out)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_SEC };
	struct hook_reader *r = calloc(1, sizeof(*r));
	int err;

	if (r == NULL) {
		return -ENOMEM;
	}
	r->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (r->nl == NULL || mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    setsockopt(mnl_socket_get_fd(r->nl), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	               sizeof(timeout)) != 0) {
		err = -errno;
		hook_reader_close(r);
		return err;
	}
	r->changes = open_changes();
	*out = r;
	return 0;
}

void hook_reader_close(struct hook_reader *r)
{
	if (r == NULL) {
		return;
	}
	if (r->nl != NULL) {
		mnl_socket_close(r->nl);
	}
	if (r->changes != NULL) {
		mnl_socket_close(r->changes);
	}
	free(r);
}

int hook_reader_fd(const struct hook_reader *r)
{
	return r->changes != NULL ? mnl_socket_get_fd(r->changes) : -1;
}

/* What is left makes the socket readable again. Losses (ENOBUFS) are changes too. */
void hook_reader_drain(struct hook_reader *r)
{
	uint8_t bytes[64];

	for (unsigned i = 0; r->changes != NULL && i < DRAIN_BUDGET; i++) {
		if (recv(mnl_socket_get_fd(r->changes), bytes, sizeof(bytes), MSG_TRUNC) < 0 &&
		    errno == EAGAIN) {
			return;
		}
	}
}

/* Receives one datagram of a dump. Returns its size, 0 if it is to be ignored, or -errno. */
static ssize_t receive(struct hook_reader *r, uint8_t *bytes, size_t bytes_size)
{
	struct sockaddr_nl from = { .nl_pid = 0 };
	socklen_t from_size = sizeof(from);
	ssize_t size = recvfrom(mnl_socket_get_fd(r->nl), bytes, bytes_size, 0,
	                        (struct sockaddr *)&from, &from_size);

	if (size < 0) {
		return errno == EINTR ? 0 : errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	return from.nl_pid == 0 ? size : 0; /* only from the kernel */
}

/* What a dump goes on with after the last message: 1 to go on, 0 when it is done, or -errno. */
static int after(enum nft_result result, int error)
{
	switch (result) {
	case NFT_BAD:
		return -EBADMSG;
	case NFT_DONE:
		return 0;
	case NFT_CHANGED:
		return -EINTR;
	case NFT_ERROR:
		return error != 0 ? -error : -EPROTO;
	default:
		return 1;
	}
}

/* Reads one datagram of a dump. Returns 1 to go on, 0 when the dump is done, or -errno. */
static int read_datagram(struct hook_reader *r, const struct nft_chain *chain, kernel_rule_fn *fn,
                         void *ctx, bool *wants_more)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[DATAGRAM_SIZE];
	ssize_t size = receive(r, bytes, sizeof(bytes));
	struct cursor datagram = { bytes, bytes + (size > 0 ? size : 0) };
	enum nft_result result;
	struct kernel_rule rule;
	int error = 0;

	if (size <= 0) {
		return size == 0 ? 1 : (int)size;
	}
	do {
		result = nft_rule_next(&datagram, chain, r->seq, &rule, &error);
		if (result == NFT_RULE) {
			*wants_more = *wants_more && fn(ctx, &rule);
		}
	} while (result == NFT_RULE || result == NFT_OTHER);
	return after(result, error);
}

static int read_tables_datagram(struct hook_reader *r, hook_table_fn *fn, void *ctx)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[DATAGRAM_SIZE];
	ssize_t size = receive(r, bytes, sizeof(bytes));
	struct cursor datagram = { bytes, bytes + (size > 0 ? size : 0) };
	struct nft_table_seen table;
	enum nft_result result;
	int error = 0;

	if (size <= 0) {
		return size == 0 ? 1 : (int)size;
	}
	do {
		result = nft_table_next(&datagram, r->seq, &table, &error);
		if (result == NFT_RULE) {
			fn(ctx, &table);
		}
	} while (result == NFT_RULE || result == NFT_OTHER);
	return after(result, error);
}

int hook_read_tables(struct hook_reader *r, hook_table_fn *fn, void *ctx)
{
	uint8_t request[NFT_REQUEST_SIZE];
	int res = -EINTR;

	for (unsigned i = 0; i < TRIES && res == -EINTR; i++) {
		size_t size = nft_put_tables_request(++r->seq, request);

		if (mnl_socket_sendto(r->nl, request, size) < 0) {
			return -errno;
		}
		do {
			res = read_tables_datagram(r, fn, ctx);
		} while (res == 1);
	}
	return res == -EINVAL || res == -EOPNOTSUPP || res == -ENOENT ? 0 : res;
}

/* The each() of struct kernel_chains. */
static int nft_each(void *ctx, const char *chain, kernel_rule_fn *fn, void *fn_ctx)
{
	const struct nft_table *t = ctx;
	const struct nft_chain where = { t->family, t->table, chain };
	uint8_t request[NFT_REQUEST_SIZE];
	size_t size = nft_put_request(&where, ++t->reader->seq, request);
	bool wants_more = true;
	int res = 1;

	if (size == 0) {
		return -ENAMETOOLONG;
	}
	if (mnl_socket_sendto(t->reader->nl, request, size) < 0) {
		return -errno;
	}
	while (res == 1) {
		res = read_datagram(t->reader, &where, fn, fn_ctx, &wants_more);
	}
	/* A kernel without nf_tables has no such rules, nor has one without such a table. */
	return res == -EINVAL || res == -EOPNOTSUPP || res == -ENOENT ? 0 : res;
}

static int read_nft(struct hook_reader *r, struct hook_seen *out)
{
	struct nft_table t = { r, NFPROTO_INET, HOOK_NFT_TABLE };
	const struct kernel_chains chains = { nft_each, &t };

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		const struct hook_place place = { .chain = nft_chains[h] };
		int err = hook_seen_read(&chains, &place, &out->at[SEEN_IPV4][h]);

		if (err != 0) {
			return err;
		}
		out->at[SEEN_IPV6][h] = out->at[SEEN_IPV4][h];
		/* whether it is for shadow mode does not show: these rules serve both */
		out->at[SEEN_IPV4][h].is_enforced = false;
		out->at[SEEN_IPV6][h].is_enforced = false;
	}
	return 0;
}

/* Adds the hooks of one table of iptables. */
static int read_iptables(const struct kernel_chains *chains, const char *table,
                         uint32_t queue_first, uint32_t queue_last, struct seen_hook out[HOOKS_LEN])
{
	int err = 0;

	for (unsigned h = 0; err == 0 && h < HOOKS_LEN; h++) {
		const struct hook_place place = {
			.builtin = builtin_chains[h],
			.chain = own_chains[h],
			.is_shadow = strcmp(table, "mangle") == 0,
			.queue_first = queue_first,
			.queue_last = queue_last,
		};

		err = hook_seen_read(chains, &place, &out[h]);
	}
	return err;
}

static int read_iptables_nft(struct hook_reader *r, uint32_t queue_first, uint32_t queue_last,
                             struct hook_seen *out)
{
	static const uint8_t families[SEEN_FAMILIES_LEN] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	int err = 0;

	for (unsigned i = 0; err == 0 && i < SEEN_FAMILIES_LEN * IPTABLES_TABLES_LEN; i++) {
		const unsigned family = i % SEEN_FAMILIES_LEN;
		struct nft_table t = { r, families[family],
			               iptables_tables[i / SEEN_FAMILIES_LEN] };
		const struct kernel_chains chains = { nft_each, &t };

		err = read_iptables(&chains, t.table, queue_first, queue_last, out->at[family]);
	}
	return err;
}

/* True if iptables-legacy has this table in this network namespace. */
static bool has_legacy_table(enum seen_family family, const char *table)
{
	FILE *f = proc_net_open(family == SEEN_IPV4 ? PROC_NET_IP_TABLES : PROC_NET_IP6_TABLES);
	char line[64];
	bool has = false;

	while (f != NULL && !has && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		has = strcmp(line, table) == 0;
	}
	if (f != NULL) {
		fclose(f);
	}
	return has;
}

bool hook_reader_must_poll(const struct hook_reader *r)
{
	(void)r;
	for (unsigned i = 0; i < SEEN_FAMILIES_LEN * IPTABLES_TABLES_LEN; i++) {
		if (has_legacy_table(i % SEEN_FAMILIES_LEN,
		                     iptables_tables[i / SEEN_FAMILIES_LEN])) {
			return true;
		}
	}
	return false;
}

/* The two structs of ipv4 and ipv6 are alike. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo) &&
                       sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries) &&
                       IPT_SO_GET_INFO == IP6T_SO_GET_INFO &&
                       IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES,
               "one function reads both");

/* Reads a whole table. Returns 0/-errno; -EAGAIN when it changed meanwhile. */
static int read_legacy_table(int fd, enum seen_family family, const char *name,
                             struct xt_table *out, void **mem)
{
	const int level = family == SEEN_IPV4 ? IPPROTO_IP : IPPROTO_IPV6;
	struct ipt_getinfo info = { .valid_hooks = 0 };
	struct ipt_get_entries *entries;
	socklen_t size = sizeof(info);

	(void)snprintf(info.name, sizeof(info.name), "%s", name);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &size) != 0) {
		return -errno;
	}
	size = (socklen_t)(sizeof(*entries) + info.size);
	entries = calloc(1, size);
	if (entries == NULL) {
		return -ENOMEM;
	}
	(void)snprintf(entries->name, sizeof(entries->name), "%s", name);
	entries->size = info.size;
	if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, entries, &size) != 0) {
		int err = -errno;

		free(entries);
		return err;
	}
	*mem = entries;
	out->is_ip6 = family == SEEN_IPV6;
	memcpy(out->hook_entry, info.hook_entry, sizeof(out->hook_entry));
	memcpy(out->underflow, info.underflow, sizeof(out->underflow));
	out->entries = (const uint8_t *)entries->entrytable;
	out->size = info.size;
	return 0;
}

/* Any IP socket lists the rules. Returns one, or -errno. */
static int rules_socket(enum seen_family family)
{
	int fd;

	if (opener_is_set()) {
		return opener_get(family == SEEN_IPV4 ? OPENER_RULES4 : OPENER_RULES6, 0);
	}
	fd = socket(family == SEEN_IPV4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int read_legacy(uint32_t queue_first, uint32_t queue_last, struct hook_seen *out)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < SEEN_FAMILIES_LEN * IPTABLES_TABLES_LEN; i++) {
		const enum seen_family family = i % SEEN_FAMILIES_LEN;
		const char *name = iptables_tables[i / SEEN_FAMILIES_LEN];
		struct xt_table table;
		const struct kernel_chains chains = { xt_table_each, &table };
		void *mem = NULL;
		int fd;

		if (!has_legacy_table(family, name)) {
			continue;
		}
		fd = rules_socket(family);
		err = fd < 0 ? fd : read_legacy_table(fd, family, name, &table, &mem);
		if (err == 0) {
			err = read_iptables(&chains, name, queue_first, queue_last,
			                    out->at[family]);
		}
		free(mem);
		if (fd >= 0) {
			(void)close(fd);
		}
	}
	return err;
}

int hook_read(struct hook_reader *r, uint32_t queue_first, uint32_t queue_last,
              struct hook_seen *out)
{
	int err = -EINTR;

	for (unsigned i = 0; i < TRIES && (err == -EINTR || err == -EAGAIN); i++) {
		memset(out, 0, sizeof(*out));
		err = read_nft(r, out);
		if (err == 0) {
			err = read_iptables_nft(r, queue_first, queue_last, out);
		}
		if (err == 0) {
			err = read_legacy(queue_first, queue_last, out);
		}
	}
	return err;
}
