/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build with a hiredis without TLS. */
#include "tls.h"

#include <stddef.h>

bool tls_is_built(void)
{
	return false;
}

struct tls *tls_new(const struct tls_params *params, struct log *log)
{
	(void)params;
	(void)log;
	return NULL;
}

void tls_free(struct tls *t)
{
	(void)t;
}

bool tls_begin(struct tls *t, struct redisContext *connection, const char *address)
{
	(void)t;
	(void)connection;
	(void)address;
	return false;
}
