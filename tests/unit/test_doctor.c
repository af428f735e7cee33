/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the doctor's findings: facts of a machine without a problem, then with one problem at a
 * time.
 */
#include "doctor/doctor.h"
#include "doctor/marks.h"

#include "suite.h"

#include <string.h>

#define OUR_MARK "-A FINWALL_OUTPUT -m mark --mark 0xa0000000/0xf0000000 -j ACCEPT\n"
#define OUR_JUMPS                                                                                  \
	"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"              \
	":FINWALL_INPUT - [0:0]\n:FINWALL_OUTPUT - [0:0]\n" OUR_MARK                               \
	"-A INPUT -j FINWALL_INPUT\n-A OUTPUT -j FINWALL_OUTPUT\n"
#define IN_MANGLE                                                                                  \
	"*mangle\n:FINWALL_INPUT - [0:0]\n:FINWALL_OUTPUT - [0:0]\n" OUR_MARK                      \
	"-A INPUT -j FINWALL_INPUT\n-A OUTPUT -j FINWALL_OUTPUT\nCOMMIT\n"
#define DROP_RULE "-A INPUT -m conntrack --ctstate INVALID -j DROP\n"
#define NFT_HOOK_WITH(mark)                                                                        \
	"table inet finwall_hook {\n\tchain input {\n\t\ttype filter hook input priority "         \
	"filter;\n"                                                                                \
	"\t\tct state invalid drop\n\t}\n\tchain output {\n\t\ttype filter hook output\n"          \
	"\t\tmeta mark " mark " accept\n\t}\n}\n"
/* As nft 1.0 lists it: the mask is a prefix. */
#define NFT_HOOK NFT_HOOK_WITH("0xa0000000/4")

/* A copy of a string literal that may be written, valid until the block ends. */
#define TEXT(s) ((char[]){ s })

static struct doctor_facts good_facts(void)
{
	static char release[] = "6.1.0-18-amd64";
	static char rules[] = OUR_JUMPS "COMMIT\n";
	static char nothing[] = "";
	struct doctor_facts f = {
		.release = release,
		.has_net_admin = true,
		.queue = DOCTOR_YES,
		.nft_queue = DOCTOR_YES,
		.ct_glue = DOCTOR_YES,
		.iptables = { [IPTABLES_NFT] = { rules, rules } },
		.nft = nothing,
		.has_config = true,
		.hooked = { [HOOK_INPUT] = true, [HOOK_OUTPUT] = true },
		.rmem_max = 212992,
		.ifaces = { { "eth0", 1, DOCTOR_YES, DOCTOR_NO } },
		.ifaces_len = 1,
		.daemon_answers = true,
		.queues_len = 2,
	};

	f.settings.queue_rcvbuf_bytes = 64u << 20;
	f.settings.hook_mark = HOOK_MARK_DEFAULT;
	f.settings.hook_mark_mask = HOOK_MARK_MASK_DEFAULT;
	f.tunables.enforce = 1;
	f.tunables.tcp_timeout_ns[TCP_ESTABLISHED] = 1200 * NSEC_PER_SEC;
	f.tunables.udp_unreplied_ns = 30 * NSEC_PER_SEC;
	f.tunables.udp_replied_ns = 120 * NSEC_PER_SEC;
	f.tunables.icmp_ns = 30 * NSEC_PER_SEC;
	f.kernel_timeout_s[0] = 432000;
	f.kernel_timeout_s[1] = 30;
	f.kernel_timeout_s[2] = -1;
	f.kernel_timeout_s[3] = 30;
	return f;
}

/* The worst level of one check; -1 if it reported nothing. */
static int level_of(const struct doctor_facts *f, const char *check)
{
	static struct doctor_report r;
	int level = -1;

	doctor_check(f, &r);
	for (size_t i = 0; i < r.len; i++) {
		const struct doctor_finding *found = &r.findings[i];

		ck_assert_uint_gt(strlen(found->what), 0);
		ck_assert_msg(found->level < DOCTOR_WARNING || found->remedy[0] != '\0',
		              "%s has no remedy", found->what);
		if (strcmp(found->check, check) == 0 && (int)found->level > level) {
			level = (int)found->level;
		}
	}
	return level;
}

START_TEST(a_machine_without_a_problem_has_no_findings)
{
	struct doctor_facts f = good_facts();
	struct doctor_report r;

	doctor_check(&f, &r);
	for (size_t i = 0; i < r.len; i++) {
		ck_assert_msg(r.findings[i].level == DOCTOR_OK, "%s: %s", r.findings[i].check,
		              r.findings[i].what);
	}
	ck_assert_uint_gt(r.len, 8);
}
END_TEST

/* The default mark beside those of other programs: Calico, kube-proxy, Tailscale, mwan3, WireGuard.
 */
START_TEST(marks_are_compared_by_their_bits)
{
	static const struct {
		const char *rule;
		enum mark_use use;
	} rows[] = {
		{ "-A cali -m mark --mark 0x10000/0x10000 -j ACCEPT", MARK_APART },
		{ "-A KUBE -j MARK --set-xmark 0x4000/0x4000", MARK_APART },
		{ "-A ts-forward -m mark --mark 0x40000/0xff0000 -j ACCEPT", MARK_APART },
		{ "-A mwan3 -j MARK --set-xmark 0x3f00/0x3f00", MARK_APART },
		{ "meta mark & 0x00ff0000 == 0x00040000 accept", MARK_APART },
		{ "meta mark set meta mark & 0xff00ffff | 0x00040000", MARK_APART },
		{ "-A x -m mark ! --mark 0xa0000000/0xf0000000 -j DROP", MARK_APART },
		{ "ct mark set 0xa0000000", MARK_APART },
		{ "meta mark 0x0000ca6c accept", MARK_APART },
		{ "tcp dport 22 accept comment \"a mark\"", MARK_APART },
		{ "-A x -m mark --mark 0x80000000/0x80000000 -j ACCEPT", MARK_MATCHED },
		{ "meta mark & 0x20000000 == 0x20000000 accept", MARK_MATCHED },
		{ "mark 0xa0000000 accept", MARK_MATCHED },
		{ "meta mark 0xa0000000/4 accept", MARK_MATCHED },
		{ "meta mark 0xb0000000/3 accept", MARK_MATCHED },
		{ "meta mark 0xb0000000/4 accept", MARK_APART },
		{ "-A x -j MARK --set-xmark 0xca6c/0xffffffff", MARK_CHANGED },
		{ "meta mark set 0x0000ca6c", MARK_CHANGED },
		{ "mark set mark & 0x0fffffff", MARK_CHANGED },
		{ "-A x -j MARK --set-xmark 0xffffffff", MARK_CHANGED },
		{ "-A x -j MARK --set-xmark 0xa0000001/0xffffffff", MARK_BYPASSES },
		{ "meta mark set 0xa0000000", MARK_BYPASSES },
		{ "meta mark set meta mark & 0x0fffffff | 0xa0000000", MARK_BYPASSES },
		{ "meta mark 0x1 meta mark set 0xaf000000", MARK_BYPASSES },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(mark_use_of(rows[i].rule, HOOK_MARK_DEFAULT,
		                          HOOK_MARK_MASK_DEFAULT) == rows[i].use,
		              "%s", rows[i].rule);
	}
}
END_TEST

START_TEST(the_mark_is_compared_with_other_rules)
{
	struct doctor_facts f = good_facts();

	ck_assert_int_eq(level_of(&f, "marks"), DOCTOR_OK);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT(OUR_JUMPS "-A OUTPUT -j MARK --set-xmark 0x7/0xffffffff\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "marks"), DOCTOR_WARNING);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT(OUR_JUMPS "-A OUTPUT -j MARK --set-xmark 0xa0000000/0xf0000000\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "marks"), DOCTOR_PROBLEM);
	/* the hook rules were installed with another mark */
	f = good_facts();
	f.settings.hook_mark = 0x30000000;
	ck_assert_int_eq(level_of(&f, "marks"), DOCTOR_PROBLEM);
	f = good_facts();
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] = f.iptables[IPTABLES_NFT][FAMILY_IPV6] = TEXT("");
	f.nft = TEXT(NFT_HOOK);
	ck_assert_int_eq(level_of(&f, "marks"), DOCTOR_OK);
	f.nft = TEXT(NFT_HOOK_WITH("& 0xf0000000 == 0xa0000000"));
	ck_assert_int_eq(level_of(&f, "marks"), DOCTOR_OK);
	f.nft = TEXT(NFT_HOOK_WITH("0xa0000000/5"));
	ck_assert_int_eq(level_of(&f, "marks"), DOCTOR_PROBLEM);
}
END_TEST

START_TEST(findings_depend_on_the_kernel_release)
{
	static const struct {
		const char *release;
		int level;
	} rows[] = {
		{ "2.6.32", DOCTOR_PROBLEM },  { "3.9.1", DOCTOR_PROBLEM },
		{ "3.10.0", DOCTOR_OK },       { "6.1.0-41-amd64", DOCTOR_OK },
		{ "6.7.4", DOCTOR_OK },        { "6.12.74", DOCTOR_OK },
		{ "6.12.75", DOCTOR_WARNING }, { "6.12.83", DOCTOR_OK },
		{ "6.18.23", DOCTOR_WARNING }, { "6.18.44", DOCTOR_OK },
		{ "6.19.4", DOCTOR_WARNING },  { "6.19.14", DOCTOR_OK },
		{ "7.1.2", DOCTOR_OK },        { "strange", DOCTOR_NOTE },
	};
	struct doctor_facts f = good_facts();
	char release[32];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(release, sizeof(release), "%s", rows[i].release);
		f.release = release;
		ck_assert_msg(level_of(&f, "kernel") == rows[i].level, "%s", rows[i].release);
	}
	f.release = NULL;
	ck_assert_int_eq(level_of(&f, "kernel"), DOCTOR_NOTE);
	f.queue = DOCTOR_NO;
	ck_assert_int_eq(level_of(&f, "queue"), DOCTOR_PROBLEM);
	f.queue_can_load = true;
	ck_assert_int_eq(level_of(&f, "queue"), DOCTOR_OK);
	f.queue_can_load = false;
	f.queue = DOCTOR_UNKNOWN;
	ck_assert_int_eq(level_of(&f, "queue"), -1);
	f.nft_queue = DOCTOR_NO;
	ck_assert_int_eq(level_of(&f, "nft-queue"), DOCTOR_NOTE);
	f.ct_glue = DOCTOR_NO;
	ck_assert_int_eq(level_of(&f, "ct-glue"), DOCTOR_NOTE);
}
END_TEST

START_TEST(hook_rules_of_either_tool_are_found)
{
	struct doctor_facts f = good_facts();

	f.hooked[HOOK_FORWARD] = true;
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_PROBLEM);
	f = good_facts();
	f.iptables[IPTABLES_NFT][FAMILY_IPV6] = TEXT("*filter\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_PROBLEM);
	f.nft = TEXT(NFT_HOOK);
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_OK);
	f.hooked[HOOK_FORWARD] = true;
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_PROBLEM);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] = NULL;
	f.nft = NULL;
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_NOTE);
}
END_TEST

#define JUMP_BEHIND(rules)                                                                         \
	"*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:FINWALL_INPUT - [0:0]\n"             \
	":FINWALL_OUTPUT - [0:0]\n:A - [0:0]\n:B - [0:0]\n" rules                                  \
	"-A INPUT -j FINWALL_INPUT\n-A OUTPUT -j FINWALL_OUTPUT\nCOMMIT\n"

START_TEST(rules_that_accept_before_the_jump_are_reported)
{
	static char bypassing[][256] = {
		JUMP_BEHIND("-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n"),
		JUMP_BEHIND("-A INPUT -j A\n-A A -j B\n-A B -p tcp -j ACCEPT\n"),
		JUMP_BEHIND("-A INPUT -s 192.0.2.1/32 -j RETURN\n"),
		JUMP_BEHIND("-A OUTPUT -p udp -j NFQUEUE --queue-num 9\n"),
	};
	static char harmless[][256] = {
		JUMP_BEHIND("-A INPUT -j A\n-A A -s 192.0.2.1/32 -j DROP\n-A A -j RETURN\n"),
		JUMP_BEHIND("-A INPUT -j A\n-A A -j B\n-A B -j A\n"),
		JUMP_BEHIND("-A FORWARD -j ACCEPT\n"),
		JUMP_BEHIND("-A INPUT -p tcp -j LOG --log-prefix \"accept\"\n"),
	};
	struct doctor_facts f = good_facts();

	for (size_t i = 0; i < ARRAY_LEN(bypassing); i++) {
		f.iptables[IPTABLES_NFT][FAMILY_IPV4] = bypassing[i];
		ck_assert_msg(level_of(&f, "hooks") == DOCTOR_PROBLEM, "row %zu", i);
	}
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		f.iptables[IPTABLES_NFT][FAMILY_IPV4] = harmless[i];
		ck_assert_msg(level_of(&f, "hooks") == DOCTOR_OK, "row %zu", i);
	}
}
END_TEST

START_TEST(the_daemons_view_of_the_hook_rules_is_reported)
{
	static const struct {
		const char *fault;
		int level;
	} rows[] = {
		{ "none", DOCTOR_OK },          { "missing", DOCTOR_PROBLEM },
		{ "bypassed", DOCTOR_PROBLEM }, { "queues", DOCTOR_WARNING },
		{ "mode", DOCTOR_WARNING },     { "", DOCTOR_OK },
	};
	struct doctor_facts f = good_facts();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(f.hook_fault, sizeof(f.hook_fault), "%s", rows[i].fault);
		snprintf(f.hook_text, sizeof(f.hook_text), "a text");
		ck_assert_msg(level_of(&f, "hooks") == rows[i].level, "%s", rows[i].fault);
	}
	snprintf(f.other_setting, sizeof(f.other_setting), "queue count");
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_WARNING);
}
END_TEST

START_TEST(translation_needs_the_kernels_entry_while_finwall_remembers)
{
	struct doctor_facts f = good_facts();

	f.tunables.remember_ns = 3600 * NSEC_PER_SEC;
	f.tunables.late_close = LATE_REMEMBERED;
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT(OUR_JUMPS "COMMIT\n*nat\n-A POSTROUTING -o wan0 -j MASQUERADE\nCOMMIT\n");
	/* established 1200 s, and 3600 s more */
	f.kernel_timeout_s[0] = 1200;
	ck_assert_int_eq(level_of(&f, "timeouts"), DOCTOR_WARNING);
	f.kernel_timeout_s[0] = 4800;
	ck_assert_int_eq(level_of(&f, "timeouts"), DOCTOR_WARNING);
	f.kernel_timeout_s[0] = 4801;
	ck_assert_int_eq(level_of(&f, "timeouts"), -1);
	f.kernel_timeout_s[0] = 1201;
	f.tunables.late_close = LATE_STRICT;
	ck_assert_int_eq(level_of(&f, "timeouts"), -1);
	/* without translation the kernel's entry may go */
	f = good_facts();
	f.tunables.remember_ns = 3600 * NSEC_PER_SEC;
	f.kernel_timeout_s[0] = 1200;
	ck_assert_int_eq(level_of(&f, "timeouts"), -1);
}
END_TEST

START_TEST(a_forward_chain_beside_docker_is_reported)
{
	struct doctor_facts f = good_facts();

	ck_assert_int_eq(level_of(&f, "forward"), -1);
	f.forwards = true;
	ck_assert_int_eq(level_of(&f, "forward"), DOCTOR_NOTE);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT(OUR_JUMPS "-A FORWARD -j DOCKER-USER\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "forward"), -1);
	f.hooked[HOOK_FORWARD] = true;
	ck_assert_int_eq(level_of(&f, "forward"), DOCTOR_WARNING);
}
END_TEST

START_TEST(other_rules_that_drop_invalid_are_reported)
{
	struct doctor_facts f = good_facts();

	/* A rule behind finwall's jump has no effect. */
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] = TEXT(OUR_JUMPS DROP_RULE "COMMIT\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_OK);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] = TEXT("*filter\n:INPUT ACCEPT [0:0]\n" DROP_RULE
	                                             "-A INPUT -j FINWALL_INPUT\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_PROBLEM);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] = TEXT(
		"*mangle\n"
		"-A PREROUTING -m state --state INVALID -j DROP\nCOMMIT\n" OUR_JUMPS "COMMIT\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_PROBLEM);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT(OUR_JUMPS "COMMIT\n*mangle\n-A PREROUTING -m conntrack "
	                       "! --ctstate INVALID -j DROP\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_OK);
	f = good_facts();
	f.nft = TEXT("table inet fw {\n\tchain in {\n\t\tct state invalid counter "
	             "drop\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_PROBLEM);
	f.nft = TEXT("table inet fw {\n\tchain in {\n\t\tct state { established, invalid } "
	             "accept\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_OK);
	/* finwall's own rule, and a rule that iptables-save shows as well */
	f.nft = TEXT(NFT_HOOK "table ip filter {\n\tchain INPUT {\n\t\tct state invalid "
	                      "drop\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_OK);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] = NULL;
	f.iptables[IPTABLES_NFT][FAMILY_IPV6] = NULL;
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_PROBLEM);
}
END_TEST

START_TEST(indirect_drops_of_invalid_are_reported)
{
	struct doctor_facts f = good_facts();

	/* through a jump */
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT("*mangle\n:BAD - [0:0]\n-A BAD -j LOG\n-A BAD -j DROP\n"
	             "-A PREROUTING -m conntrack --ctstate INVALID -j BAD\nCOMMIT\n" OUR_JUMPS
	             "COMMIT\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_PROBLEM);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT("*mangle\n:BAD - [0:0]\n-A BAD -j LOG\n"
	             "-A PREROUTING -m conntrack --ctstate INVALID -g BAD\nCOMMIT\n" OUR_JUMPS
	             "-A BAD -j DROP\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_OK);
	/* the other variant of iptables */
	f = good_facts();
	f.iptables[IPTABLES_LEGACY][FAMILY_IPV6] =
		TEXT("*filter\n:INPUT ACCEPT [0:0]\n" DROP_RULE "COMMIT\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_PROBLEM);
	/* nft: through a map, through a jump */
	f = good_facts();
	f.nft = TEXT("table inet fw {\n\tchain in {\n\t\tct state vmap { established : accept, "
	             "invalid : drop }\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_PROBLEM);
	f.nft = TEXT("table inet fw {\n\tchain in {\n\t\tct state vmap { invalid : accept, "
	             "new : drop }\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_OK);
	f.nft = TEXT("table inet fw {\n\tchain bad {\n\t\tlog\n\t\tdrop\n\t}\n\tchain in "
	             "{\n\t\tct state invalid,untracked jump bad\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_PROBLEM);
	f.nft = TEXT("table inet fw {\n\tchain in {\n\t\tct state invalid jump bad\n\t}\n}\n"
	             "table inet other {\n\tchain bad {\n\t\tdrop\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "invalid"), DOCTOR_OK);
}
END_TEST

START_TEST(other_rules_that_drop_everything_else_are_reported)
{
	struct doctor_facts f = good_facts();

	/* A policy behind finwall's jump is not reached. */
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:FINWALL_INPUT - [0:0]\n"
	             ":FINWALL_OUTPUT - [0:0]\n-A INPUT -j FINWALL_INPUT\n"
	             "-A OUTPUT -j FINWALL_OUTPUT\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "policy"), -1);
	f.hooked[HOOK_FORWARD] = true;
	ck_assert_int_eq(level_of(&f, "policy"), DOCTOR_WARNING);
	f = good_facts();
	f.nft = TEXT("table inet fw {\n\tchain in {\n\t\ttype filter hook input priority filter; "
	             "policy drop;\n\t\tct state established accept\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "policy"), DOCTOR_WARNING);
	f.hooked[HOOK_INPUT] = false;
	ck_assert_int_eq(level_of(&f, "policy"), -1);
	/* Neither finwall's own chain nor a policy accept drops packets. */
	f = good_facts();
	f.nft = TEXT(NFT_HOOK "table inet fw {\n\tchain in {\n\t\ttype filter hook input priority "
	                      "filter; policy accept;\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "policy"), -1);
}
END_TEST

START_TEST(the_kernel_comparison_is_checked)
{
	struct doctor_facts f = good_facts();

	ck_assert_int_eq(level_of(&f, "compare"), -1);
	f.settings.compare_kernel = 1;
	ck_assert_int_eq(level_of(&f, "compare"), DOCTOR_WARNING);
	f.compares = true;
	f.compared_same = 1000;
	ck_assert_int_eq(level_of(&f, "compare"), DOCTOR_OK);
	f.compared_different = 1;
	ck_assert_int_eq(level_of(&f, "compare"), DOCTOR_WARNING);
	f.compared_different = 0;
	f.compared_untold = 1;
	ck_assert_int_eq(level_of(&f, "compare"), DOCTOR_WARNING);
	f.compared_untold = 0;
	/* The kernel's timeouts matter when states are compared. */
	f.kernel_timeout_s[0] = 120;
	ck_assert_int_eq(level_of(&f, "timeouts"), DOCTOR_WARNING);
	/* other rules that write the upper bits of the mark */
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT(OUR_JUMPS "-A FINWALL_INPUT -j MARK --set-xmark 0x51000000/0xff000000\n"
	                       "-A OUTPUT -j MARK --set-xmark 0x7/0xffffffff\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "compare"), DOCTOR_OK);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT(OUR_JUMPS "-A OUTPUT -j MARK --set-xmark 0x80000000/0x80000000\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "compare"), DOCTOR_WARNING);
	f = good_facts();
	f.settings.compare_kernel = 1;
	f.compares = true;
	f.nft = TEXT("table ip t {\n\tchain c {\n\t\tmeta mark set 0x40000000\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "compare"), DOCTOR_WARNING);
}
END_TEST

START_TEST(shadow_mode_is_reported)
{
	struct doctor_facts f = good_facts();

	f.tunables.enforce = 0;
	ck_assert_int_eq(level_of(&f, "enforce"), DOCTOR_WARNING);
	/* finwall's rules in table filter end evaluation before the rules that should decide. */
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_PROBLEM);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] = TEXT(IN_MANGLE);
	f.iptables[IPTABLES_NFT][FAMILY_IPV6] = TEXT(IN_MANGLE);
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_OK);
	f.tunables.enforce = 1;
	ck_assert_int_eq(level_of(&f, "hooks"), DOCTOR_WARNING);
	f = good_facts();
	f.tunables.enforce = 1;
	ck_assert_int_eq(level_of(&f, "enforce"), -1);
}
END_TEST

START_TEST(offers_the_file_of_nft)
{
	struct doctor_facts f = good_facts();

	f.has_nft_file = true;
	f.nft_file_hooked[HOOK_INPUT] = true;
	ck_assert_int_eq(level_of(&f, "nftables"), -1);
	f.nft = TEXT("table inet fw {\n\tchain in {\n\t\ttype filter hook input priority filter; "
	             "policy accept;\n\t\ttcp dport 23 drop\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "nftables"), DOCTOR_NOTE);
	strcpy(f.nft_file_error, "/etc/nftables.conf:3:9: unexpected \"xyz\"");
	ck_assert_int_eq(level_of(&f, "nftables"), DOCTOR_NOTE);
	f.has_nft_file = false;
	ck_assert_int_eq(level_of(&f, "nftables"), -1);
}
END_TEST

START_TEST(nat_and_timeouts_are_reported)
{
	struct doctor_facts f = good_facts();

	f.kernel_timeout_s[0] = 120;
	ck_assert_int_eq(level_of(&f, "timeouts"), DOCTOR_NOTE);
	f.iptables[IPTABLES_NFT][FAMILY_IPV4] =
		TEXT(OUR_JUMPS "COMMIT\n*nat\n-A POSTROUTING -o wan0 -j MASQUERADE\nCOMMIT\n");
	ck_assert_int_eq(level_of(&f, "nat"), DOCTOR_WARNING);
	ck_assert_int_eq(level_of(&f, "timeouts"), DOCTOR_WARNING);
	/* equal times expire in either order */
	f.kernel_timeout_s[0] = 1200;
	ck_assert_int_eq(level_of(&f, "timeouts"), DOCTOR_WARNING);
	f.kernel_timeout_s[0] = 1201;
	ck_assert_int_eq(level_of(&f, "timeouts"), -1);
	/* the remedy has been applied */
	ck_assert_int_eq(level_of(&f, "nat"), DOCTOR_OK);
	/* late closes pass at any time */
	f.tunables.late_close = LATE_LENIENT;
	ck_assert_int_eq(level_of(&f, "nat"), DOCTOR_WARNING);
	f = good_facts();
	f.kernel_timeout_s[0] = 1200;
	f.nft = TEXT("table ip n {\n\tchain p {\n\t\toifname \"wan0\" masquerade\n\t}\n}\n");
	ck_assert_int_eq(level_of(&f, "nat"), DOCTOR_WARNING);
}
END_TEST

START_TEST(offloads_and_buffers_are_reported)
{
	struct doctor_facts f = good_facts();

	f.ifaces[0].rp_filter = 2;
	ck_assert_int_eq(level_of(&f, "rp_filter"), DOCTOR_NOTE);
	ck_assert_int_eq(level_of(&f, "interfaces"), -1);
	f.ifaces[0].rp_filter = 0;
	ck_assert_int_eq(level_of(&f, "rp_filter"), DOCTOR_NOTE);
	f.ifaces[0].gro = DOCTOR_NO;
	ck_assert_int_eq(level_of(&f, "offload"), DOCTOR_NOTE);
	f.ifaces[0].lro = DOCTOR_YES;
	ck_assert_int_eq(level_of(&f, "offload"), DOCTOR_WARNING);
	f.has_net_admin = false;
	ck_assert_int_eq(level_of(&f, "buffer"), DOCTOR_WARNING);
	f.rmem_max = 64 << 20;
	ck_assert_int_eq(level_of(&f, "buffer"), DOCTOR_OK);
}
END_TEST

/* A host with containers has a pair of findings per veth. */
START_TEST(interfaces_with_the_same_finding_share_one)
{
	struct doctor_facts f = good_facts();
	static struct doctor_report r;
	size_t found = 0;

	f.ifaces_len = 12;
	for (size_t i = 0; i < f.ifaces_len; i++) {
		f.ifaces[i] = (struct doctor_iface){ "veth0", 0, DOCTOR_NO, DOCTOR_NO };
		f.ifaces[i].name[4] = (char)('a' + i);
	}
	doctor_check(&f, &r);
	for (size_t i = 0; i < r.len; i++) {
		if (strstr(r.findings[i].what, "veth") != NULL) {
			found++;
			ck_assert_ptr_nonnull(
				strstr(r.findings[i].what,
			               "vetha, vethb, vethc, vethd, vethe and 7 more: "));
		}
	}
	ck_assert_uint_eq(found, 2);
	f.ifaces_len = 1;
	doctor_check(&f, &r);
	for (size_t i = 0; i < r.len; i++) {
		if (strcmp(r.findings[i].check, "rp_filter") == 0) {
			ck_assert_str_eq(r.findings[i].remedy,
			                 "sysctl net.ipv4.conf.vetha.rp_filter=1");
		}
	}
}
END_TEST

START_TEST(losses_are_reported_as_problems)
{
	struct doctor_facts f = good_facts();
	uint64_t *const counts[] = { &f.queue_dropped, &f.queue_user_dropped, &f.verdicts_lost,
		                     &f.raw_lost };

	ck_assert_int_eq(level_of(&f, "losses"), DOCTOR_OK);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		*counts[i] = 1;
		ck_assert_int_eq(level_of(&f, "losses"), DOCTOR_PROBLEM);
		*counts[i] = 0;
	}
	f.daemon_answers = false;
	ck_assert_int_eq(level_of(&f, "daemon"), DOCTOR_PROBLEM);
	ck_assert_int_eq(level_of(&f, "losses"), -1);
	f.daemon_is_closed = true;
	ck_assert_int_eq(level_of(&f, "daemon"), DOCTOR_WARNING);
}
END_TEST

START_TEST(a_cluster_is_checked)
{
	struct doctor_facts f = good_facts();

	ck_assert_int_eq(level_of(&f, "cluster"), -1);
	f.has_cluster = true;
	ck_assert_int_eq(level_of(&f, "cluster"), DOCTOR_PROBLEM);
	f.cluster_is_connected = true;
	ck_assert_int_eq(level_of(&f, "cluster"), DOCTOR_WARNING);
	f.cluster_nodes = 1;
	ck_assert_int_eq(level_of(&f, "cluster"), DOCTOR_OK);
	f.cluster_invalid = 1;
	ck_assert_int_eq(level_of(&f, "cluster"), DOCTOR_WARNING);
	f.cluster_duplicates = 1;
	ck_assert_int_eq(level_of(&f, "cluster"), DOCTOR_PROBLEM);
}
END_TEST

START_TEST(findings_for_every_interface_fit)
{
	struct doctor_facts f = good_facts();
	static struct doctor_report r;

	f.ifaces_len = DOCTOR_IFACES_MAX;
	for (size_t i = 0; i < f.ifaces_len; i++) {
		f.ifaces[i] = (struct doctor_iface){ "a-long-name-015", 0, DOCTOR_NO, DOCTOR_YES };
	}
	f.daemon_answers = false;
	doctor_check(&f, &r);
	ck_assert_uint_lt(r.len, DOCTOR_FINDINGS_MAX);
	ck_assert_int_eq(level_of(&f, "daemon"), DOCTOR_PROBLEM);
}
END_TEST

SUITE_MAIN("doctor", a_machine_without_a_problem_has_no_findings, marks_are_compared_by_their_bits,
           the_mark_is_compared_with_other_rules, findings_depend_on_the_kernel_release,
           hook_rules_of_either_tool_are_found, rules_that_accept_before_the_jump_are_reported,
           the_daemons_view_of_the_hook_rules_is_reported,
           translation_needs_the_kernels_entry_while_finwall_remembers,
           a_forward_chain_beside_docker_is_reported, other_rules_that_drop_invalid_are_reported,
           indirect_drops_of_invalid_are_reported,
           other_rules_that_drop_everything_else_are_reported, the_kernel_comparison_is_checked,
           shadow_mode_is_reported, nat_and_timeouts_are_reported,
           interfaces_with_the_same_finding_share_one, offloads_and_buffers_are_reported,
           losses_are_reported_as_problems, a_cluster_is_checked, findings_for_every_interface_fit,
           offers_the_file_of_nft)
