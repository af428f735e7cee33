/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS on the connection to the engine, by hiredis_ssl (hiredis 1.0 or newer) and OpenSSL. The
 * engine needs a certificate for its address, of an authority that is trusted.
 *
 * Optional at build: without it tls_new() is not called, because cluster_problem() refuses the
 * settings.
 */
#ifndef FINWALL_CLUSTER_TLS_H
#define FINWALL_CLUSTER_TLS_H

#include <stdbool.h>

struct log;
struct redisContext; /* hiredis */
struct tls;

/* Paths; NULL = none. */
struct tls_params {
	const char *ca; /* NULL = the system's authorities */
	const char *certificate;
	const char *key;
};

/* Whether this build has it. */
bool tls_is_built(void);

/* Reads the files. Returns NULL when that fails; the reason is logged. */
struct tls *tls_new(const struct tls_params *params, struct log *log);
void tls_free(struct tls *t);

/* Encrypts a connection to this address that has just been begun. Returns false when that fails;
 * the connection has the reason. */
bool tls_begin(struct tls *t, struct redisContext *connection, const char *address);

#endif
