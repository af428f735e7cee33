/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the evaluator's files share: ruleset.c (instructions), ruleset_map.c (maps and connection
 * counts) and ruleset_ifname.c (interface names). The layout that they read is in
 * finwall/ruleset_layout.h.
 */
#ifndef FINWALL_CORE_RULESET_CODE_H
#define FINWALL_CORE_RULESET_CODE_H

#include <finwall/ruleset_layout.h>

/* The number that the map gives for the packet's field, or RS_MAP_MISS. mark: as it is now. */
uint32_t ruleset_map_find(const struct ruleset *rs, const struct rs_map *m, enum rs_field field,
                          const struct pkt *p, enum flow_dir dir, uint32_t mark);

/* A field of at most 32 bits as a number; not an interface. */
uint32_t ruleset_field(enum rs_field field, const struct pkt *p, enum flow_dir dir, uint32_t mark);

/* Whether the number of connections fits the instruction, which is RS_CT_COUNT; counts a new one.
 */
bool ruleset_count_fits(const struct ruleset *rs, const struct rs_insn *i,
                        const struct rule_input *in, uint32_t mark);

/* The patterns that the interface's name matches, as a mask; 0 for one that nobody told of. */
uint64_t ruleset_ifmask(const struct ruleset *rs, uint32_t ifindex);

#endif
