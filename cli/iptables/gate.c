/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the parser itself whether it accepts a construct, so that the converter never writes what
 * the daemon would refuse. See gate.h.
 */
#include "iptables/gate.h"

#include "iptables/rule.h"

#include <finwall/config.h>

#include <stdlib.h>
#include <string.h>

#define SET(options) "set s { type ipv4_addr; size 9; " options " } "

static const struct {
	const char *name; /* for the message: nft's word */
	const char *set;
	const char *rule;
} constructs[CONSTRUCTS_LEN] = {
	[CONSTRUCT_CT_STATUS] = { "ct status", "", "ct status dnat" },
	[CONSTRUCT_CT_MARK] = { "ct mark", "", "ct mark & 0xff == 1" },
	[CONSTRUCT_CT_MARK_SET] = { "ct mark set", "", "ct mark set meta mark and 0xff" },
	[CONSTRUCT_CT_PROTOCOL] = { "ct original protocol", "", "ct original protocol tcp" },
	[CONSTRUCT_CT_TUPLE] = { "ct original ip saddr", "",
	                         "ct original ip saddr 192.0.2.1 ct original proto-dst 22" },
	[CONSTRUCT_CT_BYTES] = { "ct bytes", "", "ct original packets > 9 ct bytes < 9" },
	[CONSTRUCT_CT_HELPER] = { "ct helper", "", "ct helper \"ftp\"" },
	[CONSTRUCT_MARK_BITS] = { "mark arithmetic", "",
	                          "meta mark set meta mark and 0xf0 xor 0x1" },
	[CONSTRUCT_FIB_TYPE] = { "fib type", "", "fib daddr type { local, broadcast }" },
	[CONSTRUCT_FIB_TYPE_IIF] = { "fib type of an interface", "", "fib daddr . iif type local" },
	[CONSTRUCT_SKUID] = { "meta skuid", "", "meta skuid 0-9" },
	[CONSTRUCT_SKGID] = { "meta skgid", "", "meta skgid 0-9" },
	[CONSTRUCT_ETHER] = { "ether saddr", "", "ether saddr 02:00:00:00:00:01" },
	[CONSTRUCT_PKTTYPE] = { "meta pkttype", "", "meta pkttype broadcast" },
	[CONSTRUCT_TIME] = { "meta time", "", "meta time > \"2026-01-02 03:04:05\"" },
	[CONSTRUCT_HOUR] = { "meta hour", "", "meta hour \"01:00\"-\"02:00\"" },
	[CONSTRUCT_DAY] = { "meta day", "", "meta day { \"Monday\", \"Tuesday\" }" },
	[CONSTRUCT_RT] = { "rt type", "", "rt type 0" },
	[CONSTRUCT_AH] = { "ah spi", "", "ah spi 1-2" },
	[CONSTRUCT_ESP] = { "esp spi", "", "esp spi 1-2" },
	[CONSTRUCT_MAXSEG] = { "tcp option maxseg", "", "tcp option maxseg size 1-500" },
	[CONSTRUCT_TCP_OPTION] = { "tcp option", "", "tcp option 64 exists" },
	[CONSTRUCT_CONCAT] = { "concatenations", "", "icmp type . icmp code != { 3 . 4 }" },
	[CONSTRUCT_ADDRESS_MASK] = { "address masks", "", "ip saddr & 0.0.0.255 == 0.0.0.1" },
	[CONSTRUCT_DSCP] = { "ip dscp", "", "ip dscp 1" },
	[CONSTRUCT_FRAG_OFF] = { "ip frag-off", "", "ip frag-off & 0x1fff != 0" },
	[CONSTRUCT_NUMGEN] = { "numgen", "", "numgen inc mod 2 0" },
	[CONSTRUCT_SET_TIMEOUT] = { "sets that packets are added to",
	                            SET("flags timeout; timeout 60s;"),
	                            "ip saddr @s update @s { ip saddr }" },
	[CONSTRUCT_SET_LIMIT] = { "limits per address", SET("flags dynamic,timeout; timeout 60s;"),
	                          "update @s { ip saddr limit rate over 3/minute burst 2 packets "
	                          "}" },
	[CONSTRUCT_SET_MASK] = { "limits per network", SET("flags dynamic,timeout; timeout 60s;"),
	                         "update @s { ip saddr & 255.255.255.0 limit rate 3/minute burst 2 "
	                         "packets }" },
	[CONSTRUCT_SET_DELETE] = { "deleting from sets", SET("flags timeout; timeout 60s;"),
	                           "delete @s { ip saddr }" },
	[CONSTRUCT_SET_CONCAT] = { "concatenations",
	                           "set s { type ipv4_addr . inet_proto . inet_service; "
	                           "flags interval; "
	                           "elements = { 192.0.2.0/24 . tcp . 22-23 } } ",
	                           "ip saddr . meta l4proto . th dport @s" },
};

/* The text is a configuration. */
static char *read_copy(void *ctx, const char *path, size_t *size)
{
	char *copy = strdup(ctx);

	(void)path;
	*size = copy != NULL ? strlen(copy) : 0;
	return copy;
}

bool convert_has(enum convert_construct construct)
{
	static enum { UNKNOWN, ABSENT, PRESENT } known[CONSTRUCTS_LEN];
	struct config_reader reader = { .read = read_copy };
	struct config_kernel kernel = { 0 };
	struct config *c;
	char *errors = NULL;

	if (known[construct] != UNKNOWN) {
		return known[construct] == PRESENT;
	}
	reader.ctx = convert_text("table inet t { %schain c { type filter hook input priority 0; "
	                          "%s accept; } }",
	                          constructs[construct].set, constructs[construct].rule);
	c = reader.ctx != NULL ? config_load("construct", &reader, &errors) : NULL;
	if (c != NULL) {
		config_kernel(c, &kernel);
	}
	/* one rule that only the kernel can judge must not give it the whole chain */
	known[construct] = c != NULL && kernel.given_len == 0 ? PRESENT : ABSENT;
	free(reader.ctx);
	free(errors);
	config_free(c);
	return known[construct] == PRESENT;
}

bool convert_needs(struct rule_parser *p, enum convert_construct construct)
{
	if (convert_has(construct)) {
		return true;
	}
	convert_refuse(p, "%s%s needs nft's %s, which finwall does not have: " CONVERT_WAY_OUT_MARK,
	               p->module != NULL ? "-m " : "", p->module != NULL ? p->module : "this rule",
	               constructs[construct].name);
	return false;
}
