/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tls.h. */
#include "tls.h"

#include "io/log.h"

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls {
	SSL_CTX *ctx;
};

bool tls_is_built(void)
{
	return true;
}

/* The latest error of OpenSSL. */
static void log_error(struct log *log, const char *what, const char *path)
{
	char text[256] = "unknown error";
	unsigned long nr = ERR_peek_last_error();

	if (nr != 0) {
		ERR_error_string_n(nr, text, sizeof(text));
	}
	ERR_clear_error();
	log_write(log, LOG_LEVEL_ERROR, "cluster %s %s: %s", what, path, text);
}

static bool read_files(struct tls *t, const struct tls_params *p, struct log *log)
{
	if (p->ca == NULL && SSL_CTX_set_default_verify_paths(t->ctx) != 1) {
		log_error(log, "tls-ca", "of the system");
		return false;
	}
	if (p->ca != NULL && SSL_CTX_load_verify_locations(t->ctx, p->ca, NULL) != 1) {
		log_error(log, "tls-ca", p->ca);
		return false;
	}
	if (p->certificate != NULL &&
	    SSL_CTX_use_certificate_chain_file(t->ctx, p->certificate) != 1) {
		log_error(log, "tls-certificate", p->certificate);
		return false;
	}
	if (p->key != NULL && SSL_CTX_use_PrivateKey_file(t->ctx, p->key, SSL_FILETYPE_PEM) != 1) {
		log_error(log, "tls-key", p->key);
		return false;
	}
	return true;
}

struct tls *tls_new(const struct tls_params *params, struct log *log)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->ctx == NULL || SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1) {
		log_error(log, "tls", "cannot be set up");
		tls_free(t);
		return NULL;
	}
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	if (!read_files(t, params, log)) {
		tls_free(t);
		return NULL;
	}
	return t;
}

void tls_free(struct tls *t)
{
	if (t != NULL) {
		SSL_CTX_free(t->ctx);
		free(t);
	}
}

bool tls_begin(struct tls *t, struct redisContext *connection, const char *address)
{
	SSL *ssl = SSL_new(t->ctx);

	if (ssl == NULL || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address) != 1) {
		SSL_free(ssl);
		return false;
	}
	/* It owns ssl now, even if it fails. */
	return redisInitiateSSL(connection, ssl) == REDIS_OK;
}
