/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The actions of the grammar: each builds a part of the configuration in its arena. They check what
 * can be checked without the rest of the text and report it by config_error(); check*.c checks the
 * rest.
 * They return NULL only for a statement with an unknown field, which is reported.
 */
#ifndef FINWALL_POLICY_BUILD_H
#define FINWALL_POLICY_BUILD_H

#include "parser.h"

/* build_value.c: values, lists, variables */
struct value *build_range(struct parser *p, struct loc loc, const struct value *lo,
                          const struct value *hi);
void build_append(struct parser *p, struct values *list, struct value *v);
struct value *build_list(struct parser *p, struct loc loc, enum value_kind kind,
                         const struct values *list);
struct value *build_variable(struct parser *p, struct loc loc, const char *name);
void build_define(struct parser *p, struct loc loc, const char *name, const struct value *v);

/* build.c: tables, chains, sets, maps */
struct table *build_table(struct parser *p, struct loc loc, const char *family, const char *name);
void build_flush_table(struct parser *p, struct loc loc, const char *family, const char *name);
void build_delete_table(struct parser *p, struct loc loc, const char *family, const char *name);

/* Makes the table, or chain of it, that a command names the current one. */
void build_table_ref(struct parser *p, struct loc loc, const char *family, const char *name);
void build_chain_ref(struct parser *p, struct loc loc, const char *name);
void build_flush_chain(struct parser *p);
void build_add_elements(struct parser *p, struct loc loc, const char *name, struct value *v);

/* What is added from now on goes behind the elements that the set has now. */
void build_forget_added(struct parser *p, const struct set *s);

/* Begins a chain, or goes on with it. */
void build_chain(struct parser *p, struct loc loc, const char *name);

/* Begins and ends a chain in a rule. Returns the jump to it. */
struct stmt *build_anonymous(struct parser *p, struct loc loc, enum stmt_kind kind);
void build_anonymous_end(struct parser *p);

void build_hook(struct parser *p, struct loc loc, const char *type, const char *hook, int priority);
void build_policy(struct parser *p, struct loc loc, enum verdict verdict);
int build_priority(struct parser *p, struct loc loc, const char *word, int64_t offset);

void build_set(struct parser *p, struct loc loc, const char *name);
void build_set_flag(struct parser *p, struct loc loc, const char *word);
void build_set_elements(struct parser *p, struct loc loc, const struct value *v);

void build_add_pairs(struct parser *p, struct loc loc, const char *name,
                     const struct map_entries *pairs);
void build_map(struct parser *p, struct loc loc, const char *name);
void build_map_data(struct parser *p, struct loc loc, const char *name);
void build_map_typeof(struct parser *p, struct loc loc, const struct selector *key,
                      const struct selector *data, const char *word);
void build_map_elements(struct parser *p, struct loc loc, const struct map *body);
struct map *build_map_body(struct parser *p, struct loc loc, const struct map_entries *entries);
struct map_entry *build_map_entry(struct parser *p, struct loc loc, const struct value *key,
                                  const struct value *data, struct stmt *verdict);
void build_map_append(struct parser *p, struct map_entries *list, struct map_entry *e);

/* build_key.c: types of sets, concatenations, elements with options, changes by rules. opts: those
 * so far, or NULL. */
const struct dtype *build_type(struct parser *p, struct loc loc, const char *name);
const struct dtype *build_type_concat(struct parser *p, struct loc loc, const struct dtype *before,
                                      const struct dtype *part);
const struct selector *build_concat(struct parser *p, struct loc loc, const struct selector *before,
                                    const struct selector *part);
const struct selector *build_concat_constant(struct parser *p, struct loc loc,
                                             const struct selector *before, const struct value *v);
struct value *build_tuple(struct parser *p, struct loc loc, struct value *before,
                          struct value *part);
struct value *build_element(struct value *v, const struct elem_opts *opts);
struct elem_opts *build_timeout(struct parser *p, struct loc loc, struct elem_opts *opts,
                                int64_t ms);
struct elem_opts *build_expires(struct parser *p, struct loc loc, struct elem_opts *opts,
                                int64_t ms);
struct elem_opts *build_elem_comment(struct parser *p, struct loc loc, struct elem_opts *opts,
                                     const char *comment);
struct elem_opts *build_elem_counter(struct parser *p, struct loc loc, struct elem_opts *opts,
                                     const struct value *packets, const struct value *bytes);
struct elem_opts *build_elem_limit(struct parser *p, struct loc loc, struct elem_opts *opts,
                                   struct stmt *limit);
struct elem_opts *build_elem_count(struct parser *p, struct loc loc, struct elem_opts *opts,
                                   const struct selector *sel, bool is_over,
                                   const struct value *max);
void build_set_counter(struct parser *p);
void build_set_limit(struct parser *p, const struct stmt *limit);
struct stmt *build_change(struct parser *p, struct loc loc, enum rs_change what,
                          const char *set_name, const struct selector *key, struct elem_opts *opts);
struct stmt *build_meter(struct parser *p, struct loc loc, const char *name,
                         const struct value *size, const struct selector *key,
                         struct elem_opts *opts);

/* Adds a map without a name to the table, for a rule that has the map's body. */
struct map *build_table_map(struct parser *p);

/* Begins a counter or limit of the table. */
void build_object(struct parser *p, struct loc loc, enum shared_kind kind, const char *name);
void build_object_limit(struct parser *p, const struct stmt *limit);

/* build_rule.c: rules and statements */
/* `counter name "x"`, `limit name "x"`; word: "name". */
struct stmt *build_named(struct parser *p, struct loc loc, enum stmt_kind kind, const char *word,
                         const char *name);
void build_rule(struct parser *p, struct loc loc, const struct stmts *stmts, const char *comment);
void build_first_rule(struct parser *p, struct loc loc, const struct stmts *stmts,
                      const char *comment);
const struct selector *build_selector(struct parser *p, struct loc loc, const char *header,
                                      const char *name);
struct stmt *build_stmt(struct parser *p, struct loc loc, enum stmt_kind kind);
struct stmt *build_match(struct parser *p, struct loc loc, const struct selector *sel,
                         enum relation rel, const struct value *mask, const struct value *v);
struct stmt *build_verdict(struct parser *p, struct loc loc, enum verdict verdict);
enum verdict build_verdict_word(const char *word);
struct stmt *build_reject(struct parser *p, struct loc loc, const char *proto, const char *how);
struct stmt *build_limit(struct parser *p, struct loc loc, bool is_over, uint64_t rate,
                         const char *unit, uint64_t burst);
/* Reports a word that is not the only one that can be here. */
void build_word(struct parser *p, struct loc loc, const char *word, const char *wanted);

/* `quota over 100 mbytes used 5 bytes`; used: NULL = 0. */
struct stmt *build_quota(struct parser *p, struct loc loc, bool is_over, uint64_t bytes,
                         uint64_t used);
uint64_t build_bytes(struct parser *p, struct loc loc, const struct value *n, const char *unit);
void build_object_quota(struct parser *p, const struct stmt *quota);
struct stmt *build_mark(struct parser *p, struct loc loc, const struct selector *sel,
                        const struct value *v);
struct stmt *build_notrack(struct parser *p, struct loc loc);
struct stmt *build_flow(struct parser *p, struct loc loc, const char *word);
struct stmt *build_target(struct parser *p, struct loc loc, enum stmt_kind kind, const char *name);
void build_log_level(struct parser *p, struct loc loc, struct stmt *s, const char *word);
void build_log_option(struct parser *p, struct loc loc, struct stmt *s, const char *word,
                      const struct value *v);
void build_log_flag(struct parser *p, struct loc loc, struct stmt *s, const char *header,
                    const char *word);
struct stmt *build_vmap(struct parser *p, struct loc loc, const struct selector *sel,
                        const struct value *mask, const struct lookup *map);
/* `counter name ip saddr map @m`; word: "name". */
struct stmt *build_object_map(struct parser *p, struct loc loc, const struct dtype *objects,
                              const char *word, const struct selector *sel,
                              const struct lookup *map);
struct stmt *build_mark_map(struct parser *p, struct loc loc, const struct selector *set,
                            const struct mark_expr *from, const struct lookup *map);
void build_mark_operator(struct parser *p, struct loc loc, struct mark_expr *e, char op,
                         const struct value *v);
/* The other mark: "ct mark & 0xff00 | meta mark & 0xff". */
void build_mark_other(struct parser *p, struct loc loc, struct mark_expr *e, char op,
                      const struct mark_expr *other);
struct stmt *build_mark_change(struct parser *p, struct loc loc, const struct selector *set,
                               const struct mark_expr *e);

/* build_ct.c: connections */
const struct selector *build_ct_selector(struct parser *p, struct loc loc, const char *direction,
                                         const char *header, const char *name);
/* `ct timeout set`; header: "ct". */
struct stmt *build_timeouts(struct parser *p, struct loc loc, const char *header, const char *name);
void build_timeouts_property(struct parser *p, struct loc loc, const char *what,
                             struct loc value_loc, const char *value);
void build_timeouts_value(struct parser *p, struct loc loc, const char *state, uint64_t ms);

/*
 * build_delete.c: commands that delete. verb: "delete" or "destroy", which needs nothing to delete;
 * what: "set", "map" or "chain".
 */
void build_delete_elements(struct parser *p, struct loc loc, const char *verb, const char *name,
                           const struct value *v);
void build_delete_pairs(struct parser *p, struct loc loc, const char *verb, const char *name,
                        const struct map_entries *pairs);
void build_flush_elements(struct parser *p, struct loc loc, const char *name);
void build_delete(struct parser *p, struct loc loc, const char *verb, const char *what,
                  const char *name);
void build_delete_object(struct parser *p, struct loc loc, const char *verb, enum shared_kind kind,
                         const char *name);

/* build_load.c: numbers that are no field of the packet */
const struct selector *build_raw(struct parser *p, struct loc loc, const char *base,
                                 const struct value *offset, const struct value *bits);
const struct selector *build_numgen(struct parser *p, struct loc loc, const char *how,
                                    const struct value *mod, const struct value *plus);
const struct selector *build_hash(struct parser *p, struct loc loc, const struct hash_fields *f,
                                  const struct value *mod, const struct value *seed,
                                  const struct value *plus);
void build_hash_field(struct parser *p, struct loc loc, struct hash_fields *f,
                      const struct selector *sel);
/* build_option.c: `tcp option maxseg size`, `ip option lsrr exists`. number: instead of a name.
 * build_option() gives the option itself, which is there or not. */
const struct selector *build_option(struct parser *p, struct loc loc, const char *header,
                                    const char *name, const struct value *number);
const struct selector *build_option_field(struct parser *p, struct loc loc,
                                          const struct selector *option, const char *field);
struct stmt *build_presence(struct parser *p, struct loc loc, const struct selector *option,
                            enum relation rel, struct loc word_loc, const char *word);

/* `fib saddr . iif oif`; flag: of one word, RS_FIB_*; what: "type", "oif", "oifname". */
uint32_t build_fib_flag(struct parser *p, struct loc loc, const char *word);
const struct selector *build_fib(struct parser *p, struct loc loc, uint32_t flags,
                                 const char *what);
struct stmt *build_count(struct parser *p, struct loc loc, const struct selector *sel, bool is_over,
                         const struct value *max);
void build_count_key(struct parser *p, struct loc loc, struct stmt *s, const struct selector *key,
                     const char *set_name);

#endif
