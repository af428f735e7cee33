/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The targets of rules, and their options.
 */
#include "iptables/ipset.h"
#include "iptables/names.h"
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>

#define ASCII_DEL 127

/* What to do about a target that cannot be converted; any other unknown name is a chain. */
#define WAY_OUT_MANGLE "move the rule to table mangle, which stays in the kernel"
#define WAY_OUT_NAT    "it belongs into table nat, which stays in the kernel"
#define WAY_OUT_REMOVE "it decides about no packet: remove the rule, or use --partial"

static const struct {
	const char *name;
	const char *way_out;
} unsupported[] = {
	{ "AUDIT", WAY_OUT_REMOVE },
	{ "CHECKSUM", WAY_OUT_MANGLE },
	{ "CLASSIFY", WAY_OUT_MANGLE },
	{ "CLUSTERIP", WAY_OUT_MANGLE },
	{ "CONNSECMARK", WAY_OUT_MANGLE },
	{ "CT", "it belongs into table raw, which stays in the kernel" },
	{ "DNAT", WAY_OUT_NAT },
	{ "DNPT", WAY_OUT_MANGLE },
	{ "DSCP", WAY_OUT_MANGLE },
	{ "ECN", WAY_OUT_MANGLE },
	{ "HL", WAY_OUT_MANGLE },
	{ "HMARK", WAY_OUT_MANGLE },
	{ "IDLETIMER", WAY_OUT_REMOVE },
	{ "LED", WAY_OUT_REMOVE },
	{ "MASQUERADE", WAY_OUT_NAT },
	{ "NETMAP", WAY_OUT_NAT },
	{ "NFQUEUE", WAY_OUT_MANGLE },
	{ "NOTRACK", "it belongs into table raw, which stays in the kernel" },
	{ "QUEUE", WAY_OUT_MANGLE },
	{ "RATEEST", WAY_OUT_REMOVE },
	{ "REDIRECT", WAY_OUT_NAT },
	{ "SECMARK", WAY_OUT_MANGLE },
	{ "SNAT", WAY_OUT_NAT },
	{ "SNPT", WAY_OUT_MANGLE },
	{ "SYNPROXY",
	  "finwall has no SYN proxy: remove the rule, and its -j CT --notrack in table raw" },
	{ "TARPIT", "use DROP or REJECT" },
	{ "TCPMSS", WAY_OUT_MANGLE },
	{ "TCPOPTSTRIP", WAY_OUT_MANGLE },
	{ "TEE", WAY_OUT_MANGLE },
	{ "TOS", WAY_OUT_MANGLE },
	{ "TPROXY", WAY_OUT_MANGLE },
	{ "TRACE", "it belongs into table raw, which stays in the kernel" },
	{ "TTL", WAY_OUT_MANGLE },
};

bool convert_target_check(struct rule_parser *p, const char *name)
{
	if (p->is_raw && (strcmp(name, "CT") == 0 || strcmp(name, "NOTRACK") == 0)) {
		return true;
	}
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
		if (strcmp(unsupported[i].name, name) == 0) {
			convert_refuse(p, "-j %s is not converted: %s", name,
			               unsupported[i].way_out);
			return false;
		}
	}
	return true;
}

static bool is_target(const struct rule_parser *p, const char *name)
{
	return p->target != NULL && strcmp(p->target, name) == 0;
}

/* A string in the configuration language: without quotes and control characters. */
static char *take_string(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	char *copy = text != NULL ? strdup(text) : NULL;

	for (char *c = copy; c != NULL && *c != '\0'; c++) {
		if (*c == '"') {
			*c = '\'';
		} else if ((unsigned char)*c < ' ' || *c == ASCII_DEL) {
			*c = ' ';
		}
	}
	return copy;
}

static void take_log_level(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	const char *level = text != NULL ? convert_log_level(text) : NULL;

	if (level != NULL) {
		strcpy(p->action.log_level, level);
	} else if (text != NULL) {
		convert_refuse(p, "unknown log level \"%.40s\"", text);
	}
}

static void take_reject(struct rule_parser *p)
{
	const char *name = convert_argument(p);

	if (name == NULL) {
		return;
	}
	p->action.reject = convert_reject_find(p->family, name);
	if (p->action.reject == NULL) {
		convert_refuse(p, "unknown reject type \"%.40s\"", name);
	} else if (p->action.reject->text == NULL) {
		convert_refuse(p, "finwall has no equivalent for reject type \"%.40s\"", name);
	}
}

/* "--set-xmark 0x1/0xff" and the like: clears the bits of mask, then inverts those of mark. */
static void take_mark(struct rule_parser *p, const char *option)
{
	const char *text = convert_argument(p);
	uint32_t value;
	uint32_t mask;

	if (text == NULL) {
		return;
	}
	if (!convert_mark(text, &value, &mask)) {
		convert_refuse(p, "\"%.40s\" is not a mark such as 0x1 or 0x1/0xff", text);
		return;
	}
	if (strcmp(option, "--set-mark") == 0) {
		mask |= value;
	} else if (strcmp(option, "--and-mark") == 0) {
		mask = ~value;
		value = 0;
	} else if (strcmp(option, "--or-mark") == 0) {
		mask = value;
	} else if (strcmp(option, "--xor-mark") == 0) {
		mask = 0;
	}
	p->action.mark = value;
	p->action.mark_mask = mask;
	p->action.has_mark = true;
}

/* "meta mark set meta mark and 0xffffff00 xor 0x1"; NULL after a refusal. */
static char *mark_text(struct rule_parser *p, const char *field)
{
	const uint32_t value = p->action.mark;
	const uint32_t kept = ~p->action.mark_mask;
	const char *op = (value & kept) == 0 ? "or" : "xor";

	if (kept == 0) {
		return convert_text("%s set 0x%x", field, value);
	}
	if (!convert_needs(p, CONSTRUCT_MARK_BITS)) {
		return NULL;
	}
	if (kept == UINT32_MAX) {
		return convert_text("%s set %s xor 0x%x", field, field, value);
	}
	return value == 0
	               ? convert_text("%s set %s and 0x%x", field, field, kept)
	               : convert_text("%s set %s and 0x%x %s 0x%x", field, field, kept, op, value);
}

/* Options of CONNMARK that copy a mark, read in any order. */
static void take_copy(struct rule_parser *p, const char *option)
{
	const char *text = strstr(option, "mask") != NULL ? convert_argument(p) : NULL;
	uint32_t mask;

	if (text != NULL && !convert_number(text, UINT32_MAX, &mask)) {
		convert_refuse(p, "\"%.40s\" is not a mask", text);
		return;
	}
	if (strcmp(option, "--save-mark") == 0 || strcmp(option, "--restore-mark") == 0) {
		p->action.copies = option[2];
		p->action.packet_mask = p->action.connection_mask = UINT32_MAX;
	} else if (text != NULL && strcmp(option, "--ctmask") == 0) {
		p->action.connection_mask = mask;
	} else if (text != NULL && strcmp(option, "--nfmask") == 0) {
		p->action.packet_mask = mask;
	} else if (text != NULL) {
		p->action.connection_mask = p->action.packet_mask = mask;
	}
}

static char *copy_text(struct rule_parser *p)
{
	const bool saves = p->action.copies == 's';
	const char *from = saves ? "meta mark" : "ct mark";
	const uint32_t read = saves ? p->action.packet_mask : p->action.connection_mask;
	const uint32_t written = saves ? p->action.connection_mask : p->action.packet_mask;

	if (!convert_needs(p, CONSTRUCT_CT_MARK_SET)) {
		return NULL;
	}
	if (written != UINT32_MAX) {
		/* keeps the bits that are not written */
		return convert_text("%s set %s and 0x%x xor %s and 0x%x",
		                    saves ? "ct mark" : "meta mark",
		                    saves ? "ct mark" : "meta mark", ~written, from, read);
	}
	return read == UINT32_MAX ? convert_text("%s set %s", saves ? "ct mark" : "meta mark", from)
	                          : convert_text("%s set %s and 0x%x",
	                                         saves ? "ct mark" : "meta mark", from, read);
}

/* "--add-set NAME src", "--timeout 60", "--exist" */
static void take_set_option(struct rule_parser *p, const char *option)
{
	if (strcmp(option, "--exist") == 0) {
		p->action.set_is_renewed = true;
	} else if (strcmp(option, "--timeout") == 0) {
		const char *text = convert_argument(p);

		if (text != NULL && !convert_number(text, UINT32_MAX, &p->action.set_seconds)) {
			convert_refuse(p, "\"%.40s\" is not a number of seconds", text);
		}
	} else {
		p->action.set_is_deleted = strcmp(option, "--del-set") == 0;
		p->action.set_name = convert_argument(p);
		p->action.set_sides = p->action.set_name != NULL ? convert_argument(p) : NULL;
	}
}

static bool is_option(const char *option, const char *const *names)
{
	while (*names != NULL && strcmp(*names, option) != 0) {
		names++;
	}
	return *names != NULL;
}

static bool mark_option(struct rule_parser *p, const char *option)
{
	static const char *const sets[] = { "--set-mark", "--set-xmark", "--and-mark",
		                            "--or-mark",  "--xor-mark",  NULL };
	static const char *const copies[] = { "--save-mark", "--restore-mark", "--ctmask",
		                              "--nfmask",    "--mask",         NULL };
	static const char *const set_options[] = { "--add-set", "--del-set", "--exist", "--timeout",
		                                   NULL };

	if ((is_target(p, "MARK") || is_target(p, "CONNMARK")) && is_option(option, sets)) {
		take_mark(p, option);
		return true;
	}
	if (is_target(p, "CONNMARK") && is_option(option, copies)) {
		take_copy(p, option);
		return true;
	}
	if (p->is_raw && is_target(p, "CT") && strcmp(option, "--notrack") == 0) {
		p->action.is_untracked = true;
		return true;
	}
	if (is_target(p, "SET") && is_option(option, set_options)) {
		take_set_option(p, option);
		return true;
	}
	return false;
}

/* The line goes to finwall's log, so the numbers of its netlink group have no effect. */
static bool netlink_log_option(struct rule_parser *p, const char *option)
{
	if (strcmp(option, "--nflog-prefix") == 0 || strcmp(option, "--ulog-prefix") == 0) {
		free(p->action.log_prefix);
		p->action.log_prefix = take_string(p);
		return true;
	}
	if (strncmp(option, "--nflog-", 8) == 0 || strncmp(option, "--ulog-", 7) == 0) {
		(void)!convert_argument(p);
		return true;
	}
	return false;
}

bool convert_target_option(struct rule_parser *p, const char *option)
{
	if (strcmp(option, "--comment") == 0) {
		free(p->comment);
		p->comment = take_string(p);
		return true;
	}
	if (is_target(p, "LOG")) {
		if (strcmp(option, "--log-prefix") == 0) {
			free(p->action.log_prefix);
			p->action.log_prefix = take_string(p);
			return true;
		}
		if (strcmp(option, "--log-level") == 0) {
			take_log_level(p);
			return true;
		}
		if (strncmp(option, "--log-", 6) == 0) {
			p->note = "log lines have a fixed format: this option is left out";
			return true;
		}
	}
	if (is_target(p, "REJECT") && strcmp(option, "--reject-with") == 0) {
		take_reject(p);
		return true;
	}
	if ((is_target(p, "NFLOG") || is_target(p, "ULOG")) && netlink_log_option(p, option)) {
		return true;
	}
	return mark_option(p, option);
}

static bool reject_text(struct rule_parser *p, char **text, char **inet_text)
{
	const struct convert_reject *r = p->action.reject;

	if (r == NULL) {
		r = convert_reject_find(p->family, NULL);
	}
	*text = convert_text("reject with %s", r->text);
	*inet_text = r->inet != NULL ? convert_text("reject with %s", r->inet) : NULL;
	return true;
}

static bool set_texts(char **text, char **inet_text, char *made)
{
	*text = made;
	*inet_text = made != NULL ? strdup(made) : NULL;
	return made != NULL;
}

static bool log_text(struct rule_parser *p, char **text, char **inet_text)
{
	const char *prefix = p->action.log_prefix;
	const char *level = p->action.log_level;

	return set_texts(text, inet_text,
	                 convert_text("log%s%s%s%s%s", prefix != NULL ? " prefix \"" : "",
	                              prefix != NULL ? prefix : "", prefix != NULL ? "\"" : "",
	                              level[0] != '\0' ? " level " : "", level));
}

static bool marks_text(struct rule_parser *p, char **text, char **inet_text)
{
	const bool is_connection = is_target(p, "CONNMARK");

	if (p->action.copies != '\0') {
		return set_texts(text, inet_text, copy_text(p));
	}
	if (!p->action.has_mark) {
		convert_refuse(p, "-j %s without a mark such as --set-mark 1", p->target);
		return false;
	}
	if (is_connection && !convert_needs(p, CONSTRUCT_CT_MARK_SET)) {
		return false;
	}
	return set_texts(text, inet_text, mark_text(p, is_connection ? "ct mark" : "meta mark"));
}

static bool ipset_text(struct rule_parser *p, char **text, char **inet_text)
{
	const struct convert_action *a = &p->action;

	if (a->set_sides == NULL) {
		convert_refuse(p, "-j SET without --add-set or --del-set");
		return false;
	}
	return set_texts(text, inet_text,
	                 convert_ipset_statement(p,
	                                         a->set_is_deleted   ? "delete"
	                                         : a->set_is_renewed ? "update"
	                                                             : "add",
	                                         a->set_name, a->set_sides, a->set_seconds));
}

bool convert_target_text(struct rule_parser *p, char **text, char **inet_text, bool *is_final,
                         bool *is_chain)
{
	*is_final = true;
	if (is_target(p, "ACCEPT")) {
		return set_texts(text, inet_text, convert_text("accept"));
	}
	if (is_target(p, "DROP")) {
		return set_texts(text, inet_text, convert_text("drop"));
	}
	if (is_target(p, "RETURN")) {
		return set_texts(text, inet_text, convert_text("return"));
	}
	if (is_target(p, "REJECT")) {
		return reject_text(p, text, inet_text);
	}
	*is_final = p->is_goto;
	if (p->target == NULL) {
		return set_texts(text, inet_text, convert_text("counter"));
	}
	if (is_target(p, "LOG")) {
		return log_text(p, text, inet_text);
	}
	if (is_target(p, "NFLOG") || is_target(p, "ULOG")) {
		p->note = "the line goes to finwall's log, not to a netlink group";
		return log_text(p, text, inet_text);
	}
	if (p->is_raw && (is_target(p, "NOTRACK") || p->action.is_untracked)) {
		return set_texts(text, inet_text, convert_text("notrack"));
	}
	if (is_target(p, "MARK") || is_target(p, "CONNMARK")) {
		return marks_text(p, text, inet_text);
	}
	if (is_target(p, "SET")) {
		return ipset_text(p, text, inet_text);
	}
	*is_chain = true;
	return set_texts(text, inet_text,
	                 convert_text("%s %s", p->is_goto ? "goto" : "jump", p->target));
}
