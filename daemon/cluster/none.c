/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build without hiredis. */
#include "cluster.h"

bool cluster_is_built(void)
{
	return false;
}

const char *cluster_problem(const struct settings *s)
{
	return s->cluster_engine == NULL
	               ? NULL
	               : "cluster engine is set, but this build has no cluster: it was made "
	                 "without hiredis";
}

int cluster_start(const struct cluster_env *env, const struct settings *s, struct cluster **out)
{
	(void)env;
	(void)s;
	*out = NULL;
	return 0;
}

void cluster_apply(struct cluster *c, const struct policy *policy, struct config *config)
{
	(void)c;
	(void)policy;
	(void)config;
}

void cluster_stop(struct cluster *c)
{
	(void)c;
}

void cluster_note_deleted(struct cluster *c, const struct flowkey *key,
                          enum engine_delete_mode mode)
{
	(void)c;
	(void)key;
	(void)mode;
}

void cluster_note_flushed(struct cluster *c, enum engine_delete_mode mode)
{
	(void)c;
	(void)mode;
}

void cluster_note_set(struct cluster *c, bool is_added, const char *table, const char *set,
                      const char *element)
{
	(void)c;
	(void)is_added;
	(void)table;
	(void)set;
	(void)element;
}

json_t *cluster_json(struct cluster *c)
{
	(void)c;
	return json_pack("{s:b}", "on", false);
}

bool cluster_usage(struct cluster *c, struct cluster_usage *out)
{
	(void)c;
	(void)out;
	return false;
}
