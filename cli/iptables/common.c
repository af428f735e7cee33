/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that every rule may have: addresses, interfaces, protocol, target.
 */
#include "iptables/names.h"
#include "iptables/rule.h"

#include "text/addr.h"

#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *option, const char *a, const char *b, const char *c)
{
	return strcmp(option, a) == 0 || strcmp(option, b) == 0 ||
	       (c != NULL && strcmp(option, c) == 0);
}

static void take_target(struct rule_parser *p)
{
	const char *name = convert_argument(p);

	p->module = NULL; /* what follows is about the target */

	if (name == NULL) {
		return;
	}
	if (p->target != NULL) {
		convert_refuse(p, "more than one target");
		return;
	}
	if (convert_target_check(p, name)) {
		p->target = strdup(name);
	}
}

/* Reads "192.0.2.0/24" or "192.0.2.0/255.255.255.0". Returns false if it is refused. */
static bool read_prefix(struct rule_parser *p, const char *text, struct text_addr *addr)
{
	const unsigned version = convert_ip_version(p->family);
	const size_t size = strcspn(text, "/");

	if (!text_addr(text, size, addr)) {
		convert_refuse(p,
		               "\"%.*s\" is not an IPv%u address: host names are not looked up, "
		               "write the address",
		               size < 60 ? (int)size : 60, text, version);
		return false;
	}
	if (addr->family != version) {
		convert_refuse(p,
		               "\"%.*s\" is an IPv%u address in a rule of %s; for a file of %s, "
		               "write %s before its name",
		               (int)size, text, addr->family,
		               version == 4 ? "iptables" : "ip6tables",
		               version == 4 ? "ip6tables" : "iptables", version == 4 ? "-6" : "-4");
		return false;
	}
	if (text[size] == '/') {
		const char *mask = text + size + 1;

		if (!text_netmask(mask, strlen(mask), version, &addr->bits)) {
			convert_refuse(p, "netmask \"%.60s\" is not a prefix", mask);
			return false;
		}
	}
	return true;
}

/* Writes one of the addresses as "192.0.2.0/24". Returns false if it is refused. */
static bool write_prefix(struct rule_parser *p, FILE *to, const char *text)
{
	const unsigned version = convert_ip_version(p->family);
	char addr_text[ADDR_TEXT_SIZE];
	struct text_addr addr;

	if (!read_prefix(p, text, &addr)) {
		return false;
	}
	fputs(ip_text_u128(version, text_addr_interval(&addr).lo, addr_text), to);
	if (addr.bits < addr_bits(version)) {
		fprintf(to, "/%u", addr.bits);
	}
	return true;
}

char *convert_prefix(struct rule_parser *p, const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);
	bool is_written;

	if (f == NULL) {
		return NULL;
	}
	is_written = write_prefix(p, f, text);
	fclose(f);
	if (!is_written) {
		free(out);
		return NULL;
	}
	return out;
}

/*
 * An address with a mask that is no prefix, "0.0.0.1/0.0.0.255", as "ip saddr & 0.0.0.255 ==
 * 0.0.0.1". Returns false if the text is none.
 */
static bool take_masked_address(struct rule_parser *p, const char *text, const char *field)
{
	const unsigned version = convert_ip_version(p->family);
	const size_t size = strcspn(text, "/");
	const char *mask_text = text + size + 1;
	char copy[2][ADDR_TEXT_SIZE];
	struct text_addr addr;
	struct text_addr mask;
	uint8_t bits;

	if (text[size] != '/' || strchr(text, ',') != NULL || !text_addr(text, size, &addr) ||
	    !text_addr(mask_text, strlen(mask_text), &mask) || addr.family != version ||
	    mask.family != version || text_netmask(mask_text, strlen(mask_text), version, &bits)) {
		return false;
	}
	if (convert_needs(p, CONSTRUCT_ADDRESS_MASK)) {
		for (size_t i = 0; i < sizeof(addr.bytes); i++) {
			addr.bytes[i] &= mask.bytes[i];
		}
		fprintf(p->matches, "%s %s & %s %s %s ", version == 4 ? "ip" : "ip6", field,
		        ip_text(version, mask.bytes, copy[0]),
		        p->is_negated ? "!=" : "==", ip_text(version, addr.bytes, copy[1]));
	}
	return true;
}

/* One address, or several separated by commas; iptables makes a rule of each. */
static void take_address(struct rule_parser *p, const char *field, char **to, bool *is_negated)
{
	const char *arg = convert_argument(p);
	const bool is_list = arg != NULL && strchr(arg, ',') != NULL;
	const bool is_masked = arg != NULL && take_masked_address(p, arg, field);
	char *copy = arg != NULL && !is_masked ? strdup(arg) : NULL;
	char *save = NULL;
	size_t size;
	FILE *f;

	if (copy == NULL) {
		return;
	}
	if (*to != NULL) {
		convert_refuse(p, "more than one address");
		free(copy);
		return;
	}
	*is_negated = p->is_negated;
	f = open_memstream(to, &size);
	if (f == NULL) {
		free(copy);
		return;
	}
	fputs(is_list ? "{ " : "", f);
	for (char *one = strtok_r(copy, ",", &save); one != NULL;) {
		if (!write_prefix(p, f, one)) {
			break;
		}
		one = strtok_r(NULL, ",", &save);
		fputs(one != NULL ? ", " : "", f);
	}
	fputs(is_list ? " }" : "", f);
	fclose(f);
	free(copy);
	if (p->why[0] == '\0' && (size == 0 || (is_list && size < 5))) {
		convert_refuse(p, "\"%.40s\" is not an address", arg);
	}
	if (is_list && p->is_negated) {
		convert_refuse(
			p, "several addresses cannot be negated: write a set, or one rule each");
	}
}

static void take_interface(struct rule_parser *p, char to[CONVERT_IFACE_SIZE], bool *is_negated)
{
	const char *name = convert_argument(p);
	const size_t len = name != NULL ? strlen(name) : 0;

	if (name == NULL) {
		return;
	}
	if (len == 0 || len >= CONVERT_IFACE_SIZE || strpbrk(name, "\"* \t\n") != NULL) {
		convert_refuse(p, "\"%.40s\" is not an interface name", name);
		return;
	}
	if (to[0] != '\0') {
		convert_refuse(p, "more than one interface");
		return;
	}
	*is_negated = p->is_negated;
	if (strcmp(name, "+") == 0) {
		/* any interface: nothing to test */
		to[0] = '\0';
		if (p->is_negated) {
			convert_refuse(p, "negated \"+\" never matches");
		}
		return;
	}
	memcpy(to, name, len + 1);
	if (name[len - 1] == '+') {
		to[len - 1] = '*';
	}
}

static void take_module(struct rule_parser *p)
{
	const char *name = convert_argument(p);

	p->module = name;
	if (name != NULL && convert_module_check(p, name)) {
		convert_meter_begin(p, name);
	}
}

/* A later fragment. These are reassembled before they are evaluated, as with the kernel's tracker.
 */
static void take_fragment(struct rule_parser *p)
{
	if (p->family != CONVERT_IP) {
		convert_refuse(p, "ip6tables has no -f");
	} else if (convert_needs(p, CONSTRUCT_FRAG_OFF)) {
		fprintf(p->matches, "ip frag-off & 0x1fff %s 0 ", p->is_negated ? "==" : "!=");
	}
}

bool convert_common_option(struct rule_parser *p, const char *option)
{
	const char *text;

	if (is_one_of(option, "-s", "--source", "--src")) {
		take_address(p, "saddr", &p->source, &p->source_is_negated);
	} else if (is_one_of(option, "-d", "--destination", "--dst")) {
		take_address(p, "daddr", &p->destination, &p->destination_is_negated);
	} else if (is_one_of(option, "-i", "--in-interface", NULL)) {
		take_interface(p, p->iif, &p->iif_is_negated);
	} else if (is_one_of(option, "-o", "--out-interface", NULL)) {
		take_interface(p, p->oif, &p->oif_is_negated);
	} else if (is_one_of(option, "-p", "--protocol", "--proto")) {
		text = convert_argument(p);
		p->proto = text != NULL ? convert_proto(text) : 0;
		p->proto_is_negated = p->is_negated;
		if (p->proto < 0) {
			convert_refuse(p, "unknown protocol \"%.40s\"", text);
		}
		if (p->proto == 0 && p->is_negated) {
			convert_refuse(p, "negated \"all\" never matches");
		}
	} else if (is_one_of(option, "-m", "--match", NULL)) {
		take_module(p);
	} else if (is_one_of(option, "-f", "--fragment", NULL)) {
		take_fragment(p);
	} else if (is_one_of(option, "-j", "--jump", NULL)) {
		take_target(p);
	} else if (is_one_of(option, "-g", "--goto", NULL)) {
		take_target(p);
		p->is_goto = true;
	} else if (is_one_of(option, "-c", "--set-counters", NULL)) {
		if (convert_argument(p) != NULL) {
			convert_argument(p);
		}
	} else {
		return is_one_of(option, "-4", "-6", NULL) ||
		       is_one_of(option, "--ipv4", "--ipv6", NULL) ||
		       is_one_of(option, "-w", "--wait", NULL);
	}
	return true;
}
