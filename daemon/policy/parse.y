/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar: that of nftables for rules, blocks of `name value` for settings. The actions are in
 * build.h. After an error the rest of the statement is skipped, with the blocks that belong to it,
 * and parsing continues with the next statement.
 */
%define api.pure full
%define api.prefix {policy_}
%define api.location.type {struct loc}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param { struct parser *p }

%code requires {
#include "parser.h"
}

%code {
#include "build.h"
#include "expected.h"
#include "settings.h"
#include "value.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

#define YYLLOC_DEFAULT(out, rhs, n) ((out) = YYRHSLOC(rhs, (n) > 0 ? 1 : 0))

/* Statements do not nest, so valid text needs a short stack. It is never on the heap. */
#define YYINITDEPTH 200
#define YYMAXDEPTH  200

int scan_lex(YYSTYPE *out, struct loc *loc, void *scanner);
char *scan_get_text(void *scanner);

static int policy_lex(YYSTYPE *out, struct loc *loc, struct parser *p);
static void policy_error(struct loc *loc, struct parser *p, const char *what);
static void recovered(struct parser *p);
}

%union {
	const char *text;
	struct value *value;
	struct values values;
	struct stmt *stmt;
	struct stmts stmts;
	struct map *map;
	struct lookup lookup;
	struct map_entry *entry;
	struct map_entries entries;
	const struct selector *sel;
	struct hash_fields fields;
	struct mark_expr mark;
	enum relation rel;
	enum verdict verdict;
	enum rs_change change;
	const struct dtype *dtype;
	struct elem_opts *opts;
	int64_t number;
	bool flag;
}

%token END 0 "end of file"
%token NL "end of line" INNER_NL "line end" INVALID "invalid character"
%token DEFINE "define" SETTINGS_WORD "settings" TABLE "table" CHAIN "chain" SET "set"
%token FLUSH "flush" RULESET "ruleset" INSERT "insert"
%token <text> DELETE_WORD "delete"
%token RULE_WORD "rule" ELEMENT "element"
%token TYPE "type" HOOK "hook" PRIORITY "priority" POLICY "policy"
%token ELEMENTS "elements" ELEMENTS_FILE "elements-file" FLAGS "flags" AUTO_MERGE "auto-merge" SIZE "size" TYPEOF "typeof"
%token COMMENT "comment" COUNTER "counter" PACKETS "packets" BYTES "bytes"
%token LOG "log" PREFIX "prefix" LEVEL "level"
%token LIMIT "limit" RATE "rate" OVER "over" BURST "burst"
%token ACCEPT "accept" DROP "drop" REJECT_WORD "reject" WITH "with"
%token JUMP "jump" GOTO "goto" RETURN "return" CONTINUE "continue"
%token MAP "map" VMAP "vmap" ADD "add" UPDATE "update" METER "meter"
%token TIMEOUT "timeout" EXPIRES "expires" GC_INTERVAL "gc-interval"
%token <number> TIME "a time like 1h30m"
%token EQ "==" NE "!=" LE "<=" GE ">="
%token <text> WORD "a word" STRING "a string in quotes" VARIABLE "a $variable"
%token NOTRACK "notrack"
%token QUOTA "quota"
%token NUMGEN "numgen" JHASH "jhash" FLOW "flow" FIB "fib"
%token <text> ETHER "ether" OPTION "option" PRESENCE "exists or missing"
%token <text> MOD "mod" OFFSET "offset" SEED "seed"
%token <text> CT_DIRECTION "ct original, ct reply"
%token <text> HEADER "meta, ct, ip, ip6, tcp, udp, th, icmp, icmpv6 ..."
%token <text> ALONE "iif, iifname, oif, oifname, mark"
%token <text> CLOSE_VERDICT "strict, remembered, pickup, lenient, verify, forget, remember, reset, probe"
%token <value> NUMBER "a number" ADDR "an address"

%type <text> object_kind data_unit any_field option_field object_name name unit field_name type_name comment set_name object flag_name
%type <value> setting_word primary mark_value item bits element right set_body tuple constant
%type <values> or_list comma_list elements words
%type <dtype> types
%type <opts> elem_opts some_elem_opts key_opts
%type <change> change
%type <stmt> quota anonymous stmt match log verdict limit target map_verdict
%type <map> map_body
%type <lookup> map_ref
%type <entry> map_element pair
%type <entries> map_elements pairs pairs_body
%type <stmts> stmts
%type <sel> option selector concat key change_key
%type <text> raw_base
%type <fields> hash_fields
%type <mark> mark_expr mark_bits
%type <value> offset seed
%type <rel> relation
%type <verdict> policy_verdict
%type <number> used priority burst fib_flags fib_flag
%type <flag> over

%%

config
	: %empty
	| config NL
	| config DEFINE name '=' right NL    { build_define(p, @3, $3, $5); }
	| config FLUSH RULESET NL            { build_flush_table(p, @2, NULL, NULL); }
	| config FLUSH TABLE name NL         { build_flush_table(p, @4, "ip", $4); }
	| config FLUSH TABLE name name NL    { build_flush_table(p, @4, $4, $5); }
	| config table_word name NL          { build_table(p, @3, "ip", $3); }
	| config table_word name name NL     { build_table(p, @3, $3, $4); }
	| config table_head table_items '}'  { p->block_depth--; }
	| config command
	| config SETTINGS_WORD '{' { p->block_depth++; } settings '}' { p->block_depth--; }
	| config error NL                    { yyerrok; recovered(p); }
	;

/* commands of nft: they change what is above them */

command
	: ADD CHAIN object NL                  { build_chain(p, @3, $3); }
	| command_chain chain_items '}'        { p->block_depth--; }
	| command_set set_items '}'            { p->block_depth--; p->set = NULL; }
	| command_map map_items '}'            { p->block_depth--; p->set = NULL; }
	| command_object object_items '}'      { p->block_depth--; }
	| ADD COUNTER object NL                { build_object(p, @3, OBJECT_COUNTER, $3); }
	| ADD ELEMENT object set_body NL       { build_add_elements(p, @3, $3, $4); }
	| ADD ELEMENT object VARIABLE NL {
		build_add_elements(p, @3, $3, build_variable(p, @4, $4));
	}
	| ADD ELEMENT object pairs_body NL     { build_add_pairs(p, @3, $3, &$4); }
	| ADD RULE_WORD chain stmts comment NL { build_rule(p, @2, &$4, $5); }
	| RULE_WORD chain stmts comment NL     { build_rule(p, @1, &$3, $4); }
	| INSERT RULE_WORD chain stmts comment NL { build_first_rule(p, @2, &$4, $5); }
	| FLUSH CHAIN chain NL                 { build_flush_chain(p); }
	| FLUSH SET object NL                  { build_flush_elements(p, @3, $3); }
	| FLUSH MAP object NL                  { build_flush_elements(p, @3, $3); }
	| DELETE_WORD ELEMENT object set_body NL { build_delete_elements(p, @3, $1, $3, $4); }
	| DELETE_WORD ELEMENT object VARIABLE NL {
		build_delete_elements(p, @3, $1, $3, build_variable(p, @4, $4));
	}
	| DELETE_WORD ELEMENT object pairs_body NL { build_delete_pairs(p, @3, $1, $3, &$4); }
	| DELETE_WORD SET object NL            { build_delete(p, @3, $1, "set", $3); }
	| DELETE_WORD MAP object NL            { build_delete(p, @3, $1, "map", $3); }
	| DELETE_WORD CHAIN object NL          { build_delete(p, @3, $1, "chain", $3); }
	| DELETE_WORD object_kind object NL {
		build_delete_object(p, @3, $1,
				    *$2 == 'c'   ? OBJECT_COUNTER
				    : *$2 == 'l' ? OBJECT_LIMIT
						 : OBJECT_QUOTA,
				    $3);
	}
	| DELETE_WORD TABLE name NL            { build_delete_table(p, @3, "ip", $3); }
	| DELETE_WORD TABLE name name NL       { build_delete_table(p, @3, $3, $4); }
	;

command_chain
	: ADD CHAIN object '{' { build_chain(p, @3, $3); p->block_depth++; }
	;

command_object
	: ADD COUNTER object '{' { build_object(p, @3, OBJECT_COUNTER, $3); p->block_depth++; }
	| ADD LIMIT object '{'   { build_object(p, @3, OBJECT_LIMIT, $3); p->block_depth++; }
	| ADD QUOTA object '{'   { build_object(p, @3, OBJECT_QUOTA, $3); p->block_depth++; }
	;

command_set
	: ADD SET object '{' { build_set(p, @3, $3); p->block_depth++; }
	;

command_map
	: ADD MAP object '{' { build_map(p, @3, $3); p->block_depth++; }
	;

chain
	: object { build_chain_ref(p, @1, $1); }
	;

/* "table name", "family table name". A rule that follows begins with no such word. */
object
	: WORD WORD        { build_table_ref(p, @1, "ip", $1); $$ = $2; }
	| WORD WORD WORD   { build_table_ref(p, @1, $1, $2); $$ = $3; }
	| HEADER WORD WORD { build_table_ref(p, @1, $1, $2); $$ = $3; }
	;

/* settings */

settings
	: %empty
	| settings NL
	| settings block_head block_items '}' { p->block_depth--; }
	| settings error NL                   { yyerrok; recovered(p); }
	;

block_head
	: WORD '{' {
		p->block = settings_open_block(p->config, @1, $1) ? $1 : NULL;
		p->block_depth++;
	}
	;

block_items
	: %empty
	| block_items NL
	| block_items words NL {
		if (p->block != NULL) {
			settings_apply(p->config, p->block, $2.first);
		}
	}
	| block_items error NL { yyerrok; recovered(p); }
	;

words
	: setting_word       { $$ = (struct values){ 0 }; build_append(p, &$$, $1); }
	| words setting_word { $$ = $1; build_append(p, &$$, $2); }
	;

setting_word
	: WORD { $$ = value_new(p->config, @1, VALUE_WORD); $$->text = $1; }
	| NUMBER
	;

/* tables, sets, chains */

table_head
	: table_word name '{'      { p->table = build_table(p, @2, "ip", $2); p->block_depth++; }
	| table_word name name '{' { p->table = build_table(p, @2, $2, $3); p->block_depth++; }
	;

table_word
	: TABLE
	| ADD TABLE
	;

table_items
	: %empty
	| table_items NL
	| table_items DEFINE name '=' right NL { build_define(p, @3, $3, $5); }
	| table_items COMMENT STRING NL        { p->table->comment = $3; }
	| table_items set_head set_items '}'   { p->block_depth--; p->set = NULL; }
	| table_items map_head map_items '}'   { p->block_depth--; p->set = NULL; }
	| table_items chain_head chain_items '}' { p->block_depth--; }
	| table_items object_head object_items '}' { p->block_depth--; }
	| table_items error NL                 { yyerrok; recovered(p); }
	;

object_head
	: COUNTER name '{' { build_object(p, @2, OBJECT_COUNTER, $2); p->block_depth++; }
	| LIMIT name '{'   { build_object(p, @2, OBJECT_LIMIT, $2); p->block_depth++; }
	| QUOTA name '{'   { build_object(p, @2, OBJECT_QUOTA, $2); p->block_depth++; }
	| HEADER TIMEOUT name '{' { build_object(p, @3, OBJECT_TIMEOUTS, $3); p->block_depth++; }
	;

object_items
	: %empty
	| object_items NL
	| object_items PACKETS NUMBER BYTES NUMBER NL
	| object_items RATE over NUMBER '/' unit burst NL {
		build_object_limit(p, build_limit(p, @4, $3, $4->number, $6, (uint64_t)$7));
	}
	| object_items quota NL          { build_object_quota(p, $2); }
	| object_items WORD NL           { build_timeouts_property(p, @2, $2, @2, ""); }
	| object_items WORD name NL      { build_timeouts_property(p, @2, $2, @3, $3); }
	| object_items POLICY '=' '{' nl timeouts nl '}' NL
	| object_items POLICY '=' '{' nl timeouts comma '}' NL
	| object_items COMMENT STRING NL { p->object->comment = $3; }
	| object_items error NL          { yyerrok; recovered(p); }
	;

timeouts
	: one_timeout
	| timeouts comma one_timeout
	;

one_timeout
	: WORD ':' TIME   { build_timeouts_value(p, @1, $1, (uint64_t)$3); }
	| WORD ':' NUMBER { build_timeouts_value(p, @1, $1, $3->number * 1000); }
	;

object_name
	: WORD
	| STRING
	;

set_head
	: SET name '{' { build_set(p, @2, $2); p->block_depth++; }
	;

set_items
	: %empty
	| set_items NL
	| set_items TYPE types NL                  { p->set->type = $3; }
	| set_items TYPEOF key NL                  { if ($3 != NULL) { p->set->type = $3->type; } }
	| set_items set_property NL
	| set_items ELEMENTS '=' right NL          { build_set_elements(p, @4, $4); }
	| set_items ELEMENTS_FILE STRING NL        { input_element_file(&p->files, p->set, @3, $3); }
	| set_items error NL                       { yyerrok; recovered(p); }
	;

set_property
	: FLAGS set_flags
	| AUTO_MERGE     { p->set->has_auto_merge = true; }
	| SIZE NUMBER    { p->set->size = $2->number; }
	| COMMENT STRING { p->set->comment = $2; }
	| TIMEOUT TIME   { p->set->timeout_ms = (uint64_t)$2; p->set->has_timeouts = true; }
	| GC_INTERVAL TIME { p->set->gc_interval_ms = (uint64_t)$2; }
	| COUNTER        { build_set_counter(p); }
	| limit          { build_set_limit(p, $1); }
	;

set_flags
	: flag_name               { build_set_flag(p, @1, $1); }
	| set_flags ',' flag_name { build_set_flag(p, @3, $3); }
	;

flag_name
	: name
	| TIMEOUT { $$ = "timeout"; }
	;

types
	: type_name           { $$ = build_type(p, @1, $1); }
	| types '.' type_name { $$ = build_type_concat(p, @3, $1, build_type(p, @3, $3)); }
	;

map_head
	: MAP name '{' { build_map(p, @2, $2); p->block_depth++; }
	;

map_items
	: %empty
	| map_items NL
	| map_items TYPE types ':' type_name NL {
		p->set->type = $3;
		build_map_data(p, @5, $5);
	}
	| map_items TYPE types ':' object_kind NL {
		p->set->type = $3;
		build_map_data(p, @5, $5);
	}
	| map_items TYPEOF key ':' object_kind NL { build_map_typeof(p, @5, $3, NULL, $5); }
	| map_items TYPEOF key ':' WORD NL     { build_map_typeof(p, @5, $3, NULL, $5); }
	| map_items TYPEOF key ':' selector NL { build_map_typeof(p, @5, $3, $5, NULL); }
	| map_items set_property NL
	| map_items ELEMENTS '=' map_body NL        { build_map_elements(p, @4, $4); }
	| map_items error NL                        { yyerrok; recovered(p); }
	;

object_kind
	: COUNTER { $$ = "counter"; }
	| LIMIT   { $$ = "limit"; }
	| QUOTA   { $$ = "quota"; }
	;

chain_head
	: CHAIN name '{' { build_chain(p, @2, $2); p->block_depth++; }
	;

chain_items
	: %empty
	| chain_items NL
	| chain_items TYPE name HOOK name priority NL { build_hook(p, @2, $3, $5, (int)$6); }
	| chain_items POLICY policy_verdict NL  { build_policy(p, @3, $3); }
	| chain_items COMMENT STRING NL        { p->chain->comment = $3; }
	| chain_items stmts comment NL         { build_rule(p, @2, &$2, $3); }
	| chain_items error NL                 { yyerrok; recovered(p); }
	;

priority
	: %empty                   { $$ = 0; }
	| PRIORITY NUMBER          { $$ = build_priority(p, @2, NULL, (int64_t)$2->number); }
	| PRIORITY '-' NUMBER      { $$ = build_priority(p, @3, NULL, -(int64_t)$3->number); }
	| PRIORITY name            { $$ = build_priority(p, @2, $2, 0); }
	| PRIORITY name '+' NUMBER { $$ = build_priority(p, @2, $2, (int64_t)$4->number); }
	| PRIORITY name '-' NUMBER { $$ = build_priority(p, @2, $2, -(int64_t)$4->number); }
	;

policy_verdict
	: ACCEPT       { $$ = VERDICT_ACCEPT; }
	| DROP         { $$ = VERDICT_DROP; }
	| REJECT_WORD  { $$ = VERDICT_REJECT; }
	| CLOSE_VERDICT { $$ = build_verdict_word($1); }
	;

comment
	: %empty         { $$ = NULL; }
	| COMMENT STRING { $$ = $2; }
	;

/* rules */

stmts
	: stmt       { $$ = (struct stmts){ $1, $1 }; }
	| stmts stmt {
		$$ = $1;
		if ($2 != NULL) {
			if ($$.last != NULL) {
				$$.last->next = $2;
			} else {
				$$.first = $2;
			}
			$$.last = $2;
		}
	}
	;

stmt
	: match
	| verdict
	| target
	| limit
	| log
	| COUNTER                             { $$ = build_stmt(p, @1, STMT_COUNTER); }
	| COUNTER PACKETS NUMBER BYTES NUMBER { $$ = build_stmt(p, @1, STMT_COUNTER); }
	| COUNTER WORD object_name            { $$ = build_named(p, @2, STMT_COUNTER, $2, $3); }
	| QUOTA quota                         { $$ = $2; }
	| QUOTA WORD object_name              { $$ = build_named(p, @2, STMT_QUOTA, $2, $3); }
	| LIMIT WORD object_name              { $$ = build_named(p, @2, STMT_LIMIT, $2, $3); }
	| NOTRACK                             { $$ = build_notrack(p, @1); }
	| HEADER TIMEOUT SET object_name      { $$ = build_timeouts(p, @2, $1, $4); }
	| COUNTER WORD key MAP map_ref { $$ = build_object_map(p, @2, &dtype_counter, $2, $3, &$5); }
	| LIMIT WORD key MAP map_ref   { $$ = build_object_map(p, @2, &dtype_limit, $2, $3, &$5); }
	| QUOTA WORD key MAP map_ref   { $$ = build_object_map(p, @2, &dtype_quota, $2, $3, &$5); }
	| FLOW ADD '@' set_name               { $$ = NULL; }
	| FLOW WORD '@' set_name              { $$ = build_flow(p, @2, $2); }
	| selector SET mark_value             { $$ = build_mark(p, @1, $1, $3); }
	| selector SET mark_expr              { $$ = build_mark_change(p, @1, $1, &$3); }
	| selector SET mark_expr MAP map_ref  { $$ = build_mark_map(p, @1, $1, &$3, &$5); }
	| selector VMAP map_ref               { $$ = build_vmap(p, @1, $1, NULL, &$3); }
	| selector '&' primary VMAP map_ref   { $$ = build_vmap(p, @1, $1, $3, &$5); }
	| selector SET concat MAP map_ref {
		$$ = build_mark_map(p, @1, $1, &(struct mark_expr){ .sel = $3 }, &$5);
	}
	| concat VMAP map_ref                 { $$ = build_vmap(p, @1, $1, NULL, &$3); }
	| change '@' set_name '{' nl change_key key_opts nl '}' {
		$$ = build_change(p, @3, $1, $3, $6, $7);
	}
	| METER name '{' nl key key_opts nl '}' {
		$$ = build_meter(p, @2, $2, NULL, $5, $6);
	}
	| METER name SIZE NUMBER '{' nl key key_opts nl '}' {
		$$ = build_meter(p, @2, $2, $4, $7, $8);
	}
	;

quota
	: NUMBER data_unit used {
		$$ = build_quota(p, @1, false, build_bytes(p, @1, $1, $2), $3);
	}
	| OVER NUMBER data_unit used {
		$$ = build_quota(p, @2, true, build_bytes(p, @2, $2, $3), $4);
	}
	| WORD NUMBER data_unit used {
		build_word(p, @1, $1, "until");
		$$ = build_quota(p, @2, false, build_bytes(p, @2, $2, $3), $4);
	}
	;

data_unit
	: BYTES { $$ = "bytes"; }
	| WORD
	;

used
	: %empty { $$ = 0; }
	| WORD NUMBER data_unit {
		build_word(p, @1, $1, "used");
		$$ = (int64_t)build_bytes(p, @2, $2, $3);
	}
	;

change
	: ADD         { $$ = RS_CHANGE_ADD; }
	| UPDATE      { $$ = RS_CHANGE_UPDATE; }
	| DELETE_WORD { $$ = RS_CHANGE_DELETE; }
	;

key
	: selector
	| concat
	;

concat
	: selector '.' selector { $$ = build_concat(p, @1, $1, $3); }
	| concat '.' selector   { $$ = build_concat(p, @1, $1, $3); }
	;

/* the key of an element that a rule changes: also with constants, as in `ip saddr . 10002` */
change_key
	: key
	| selector '.' constant { $$ = build_concat_constant(p, @1, $1, $3); }
	| concat '.' constant   { $$ = build_concat_constant(p, @1, $1, $3); }
	;

constant
	: NUMBER
	| WORD { $$ = value_new(p->config, @1, VALUE_WORD); $$->text = $1; }
	;

key_opts
	: %empty                        { $$ = NULL; }
	| key_opts TIMEOUT TIME         { $$ = build_timeout(p, @2, $1, $3); }
	| key_opts COUNTER              { $$ = build_elem_counter(p, @2, $1, NULL, NULL); }
	| key_opts limit                { $$ = build_elem_limit(p, @2, $1, $2); }
	| key_opts selector over NUMBER { $$ = build_elem_count(p, @2, $1, $2, $3, $4); }
	;

match
	: option PRESENCE                 { $$ = build_presence(p, @1, $1, REL_IMPLICIT, @2, $2); }
	| option relation PRESENCE        { $$ = build_presence(p, @1, $1, $2, @3, $3); }
	| selector OVER NUMBER            { $$ = build_count(p, @1, $1, true, $3); }
	| selector right                  { $$ = build_match(p, @1, $1, REL_IMPLICIT, NULL, $2); }
	| selector relation right         { $$ = build_match(p, @1, $1, $2, NULL, $3); }
	| concat right                    { $$ = build_match(p, @1, $1, REL_IMPLICIT, NULL, $2); }
	| concat relation right           { $$ = build_match(p, @1, $1, $2, NULL, $3); }
	| selector right '/' right        { $$ = build_match(p, @1, $1, REL_EQ, $4, $2); }
	| selector relation right '/' right { $$ = build_match(p, @1, $1, $2, $5, $3); }
	| selector '&' primary right      { $$ = build_match(p, @1, $1, REL_EQ, $3, $4); }
	| selector '&' primary relation right { $$ = build_match(p, @1, $1, $4, $3, $5); }
	;

/* A field, or the mark, with operators: "meta mark & 0xff | 0x100". */
mark_expr
	: mark_bits
	| mark_expr '|' mark_value   { $$ = $1; build_mark_operator(p, @2, &$$, '|', $3); }
	| mark_expr '^' mark_value   { $$ = $1; build_mark_operator(p, @2, &$$, '^', $3); }
	| mark_expr '|' mark_value '&' primary {
		$$ = $1;
		build_mark_operator(p, @2, &$$, '|', $3);
		build_mark_operator(p, @4, &$$, '&', $5);
	}
	| mark_expr '|' mark_bits { $$ = $1; build_mark_other(p, @2, &$$, '|', &$3); }
	| mark_expr '^' mark_bits { $$ = $1; build_mark_other(p, @2, &$$, '^', &$3); }
	;

mark_bits
	: selector              { $$ = (struct mark_expr){ .sel = $1, .keep = UINT32_MAX }; }
	| mark_bits '&' primary { $$ = $1; build_mark_operator(p, @2, &$$, '&', $3); }
	;

selector
	: ALONE             { $$ = build_selector(p, @1, "meta", $1); }
	| HEADER any_field {
		$$ = build_selector(p, @2, $1, $2);
		if (p->is_recovering) {
			YYERROR; /* the rest of the statement is of no field that is known */
		}
	}
	| option option_field { $$ = build_option_field(p, @2, $1, $2); }
	| ETHER field_name {
		$$ = build_selector(p, @2, $1, $2);
		if ($$ == NULL) {
			YYERROR;
		}
	}
	| CT_DIRECTION field_name {
		$$ = build_ct_selector(p, @2, $1, NULL, $2);
		if (p->is_recovering) {
			YYERROR;
		}
	}
	| CT_DIRECTION HEADER field_name {
		$$ = build_ct_selector(p, @3, $1, $2, $3);
		if (p->is_recovering) {
			YYERROR;
		}
	}
	| '@' raw_base ',' NUMBER ',' NUMBER { $$ = build_raw(p, @2, $2, $4, $6); }
	| NUMGEN WORD MOD NUMBER offset { $$ = build_numgen(p, @2, $2, $4, $5); }
	| JHASH hash_fields MOD NUMBER seed offset {
		$$ = build_hash(p, @4, &$2, $4, $5, $6);
	}
	| FIB fib_flags TYPE  { $$ = build_fib(p, @1, (uint32_t)$2, "type"); }
	| FIB fib_flags ALONE { $$ = build_fib(p, @3, (uint32_t)$2, $3); }
	;

fib_flags
	: fib_flag
	| fib_flags '.' fib_flag { $$ = $1 | $3; }
	;

fib_flag
	: WORD  { $$ = build_fib_flag(p, @1, $1); }
	| ALONE { $$ = build_fib_flag(p, @1, $1); }
	;

option
	: HEADER OPTION WORD {
		$$ = build_option(p, @3, $1, $3, NULL);
		if ($$ == NULL) {
			YYERROR;
		}
	}
	| HEADER OPTION NUMBER {
		$$ = build_option(p, @3, $1, NULL, $3);
		if ($$ == NULL) {
			YYERROR;
		}
	}
	;

option_field
	: WORD
	| SIZE { $$ = "size"; }
	| TYPE { $$ = "type"; }
	;

raw_base
	: WORD
	| HEADER
	;

hash_fields
	: selector                 { $$ = (struct hash_fields){ { $1 }, 1 }; }
	| hash_fields '.' selector { $$ = $1; build_hash_field(p, @3, &$$, $3); }
	;

offset
	: %empty        { $$ = NULL; }
	| OFFSET NUMBER { $$ = $2; }
	;

seed
	: %empty      { $$ = NULL; }
	| SEED NUMBER { $$ = $2; }
	;

any_field
	: field_name
	| HEADER
	;

field_name
	: WORD
	| ALONE
	| TYPE  { $$ = "type"; }
	| FLAGS { $$ = "flags"; }
	| BYTES   { $$ = "bytes"; }
	| PACKETS { $$ = "packets"; }
	;

relation
	: EQ  { $$ = REL_EQ; }
	| NE  { $$ = REL_NE; }
	| '<' { $$ = REL_LT; }
	| '>' { $$ = REL_GT; }
	| LE  { $$ = REL_LE; }
	| GE  { $$ = REL_GE; }
	| '!' { $$ = REL_NOT; }
	;

verdict
	: ACCEPT       { $$ = build_verdict(p, @1, VERDICT_ACCEPT); }
	| DROP         { $$ = build_verdict(p, @1, VERDICT_DROP); }
	| REJECT_WORD  { $$ = build_verdict(p, @1, VERDICT_REJECT); }
	| REJECT_WORD WITH name name      { $$ = build_reject(p, @3, $3, $4); }
	| REJECT_WORD WITH name TYPE name { $$ = build_reject(p, @3, $3, $5); }
	| CLOSE_VERDICT { $$ = build_verdict(p, @1, build_verdict_word($1)); }
	| RETURN       { $$ = build_stmt(p, @1, STMT_RETURN); }
	| CONTINUE     { $$ = build_stmt(p, @1, STMT_CONTINUE); }
	;

target
	: JUMP name { $$ = build_target(p, @2, STMT_JUMP, $2); }
	| GOTO name { $$ = build_target(p, @2, STMT_GOTO, $2); }
	| anonymous anonymous_rules '}' {
		$$ = $1;
		build_anonymous_end(p);
		p->block_depth--;
	}
	;

anonymous
	: JUMP '{' { $$ = build_anonymous(p, @2, STMT_JUMP); p->block_depth++; }
	| GOTO '{' { $$ = build_anonymous(p, @2, STMT_GOTO); p->block_depth++; }
	;

anonymous_rules
	: %empty
	| anonymous_rules NL
	| anonymous_rules stmts comment NL { build_rule(p, @2, &$2, $3); }
	| anonymous_rules error NL         { yyerrok; recovered(p); }
	;

limit
	: LIMIT RATE over NUMBER '/' unit burst {
		$$ = build_limit(p, @4, $3, $4->number, $6, (uint64_t)$7);
	}
	| LIMIT RATE over NUMBER name '/' unit burst {
		config_error(p->config, @5, "limits of bytes are not supported, expected packets: "
		                            "limit rate 10/second");
		$$ = build_stmt(p, @1, STMT_CONTINUE);
	}
	;

over
	: %empty { $$ = false; }
	| OVER   { $$ = true; }
	;

unit
	: name
	| ALONE
	;

burst
	: %empty               { $$ = 5; }
	| BURST NUMBER         { $$ = (int64_t)$2->number; }
	| BURST NUMBER PACKETS { $$ = (int64_t)$2->number; }
	;

log
	: LOG {
		$$ = build_stmt(p, @1, STMT_LOG);
		$$->log.prefix = "";
		$$->log.level = LOG_LEVEL_DEFAULT;
	}
	| log PREFIX STRING { $$ = $1; $$->log.prefix = $3; }
	| log LEVEL name    { $$ = $1; build_log_level(p, @3, $$, $3); }
	| log WORD NUMBER         { $$ = $1; build_log_option(p, @2, $$, $2, $3); }
	| log FLAGS WORD          { $$ = $1; build_log_flag(p, @3, $$, "", $3); }
	| log FLAGS ALONE         { $$ = $1; build_log_flag(p, @3, $$, "", $3); }
	| log FLAGS ETHER         { $$ = $1; build_log_flag(p, @3, $$, "", $3); }
	| log FLAGS HEADER WORD   { $$ = $1; build_log_flag(p, @4, $$, $3, $4); }
	| log FLAGS HEADER WORD ',' WORD {
		$$ = $1;
		build_log_flag(p, @4, $$, $3, $4);
		build_log_flag(p, @6, $$, $3, $6);
	}
	;

/* values */

right
	: comma_list {
		$$ = $1.first == $1.last ? $1.first : build_list(p, @1, VALUE_COMMAS, &$1);
	}
	| set_body
	| '@' set_name { $$ = value_new(p->config, @1, VALUE_NAME); $$->text = $2; }
	;

set_body
	: '{' nl elements nl '}'    { $$ = build_list(p, @1, VALUE_SET, &$3); }
	| '{' nl elements comma '}' { $$ = build_list(p, @1, VALUE_SET, &$3); }
	;

elements
	: element                { $$ = (struct values){ 0 }; build_append(p, &$$, $1); }
	| elements comma element { $$ = $1; build_append(p, &$$, $3); }
	;

element
	: bits elem_opts  { $$ = build_element($1, $2); }
	| tuple elem_opts { $$ = build_element($1, $2); }
	;

tuple
	: bits '.' bits  { $$ = build_tuple(p, @1, $1, $3); }
	| tuple '.' bits { $$ = build_tuple(p, @1, $1, $3); }
	;

elem_opts
	: %empty { $$ = NULL; }
	| some_elem_opts
	;

some_elem_opts
	: elem_opts TIMEOUT TIME   { $$ = build_timeout(p, @2, $1, $3); }
	| elem_opts EXPIRES TIME   { $$ = build_expires(p, @2, $1, $3); }
	| elem_opts COMMENT STRING { $$ = build_elem_comment(p, @2, $1, $3); }
	| elem_opts COUNTER        { $$ = build_elem_counter(p, @2, $1, NULL, NULL); }
	| elem_opts COUNTER PACKETS NUMBER BYTES NUMBER {
		$$ = build_elem_counter(p, @2, $1, $4, $6);
	}
	| elem_opts limit          { $$ = build_elem_limit(p, @2, $1, $2); }
	;

comma: nl ',' nl;

nl
	: %empty
	| nl INNER_NL
	;

/* maps */

map_ref
	: map_body     { $$ = (struct lookup){ .map = $1 }; }
	| '@' set_name {
		struct value *name = value_new(p->config, @1, VALUE_NAME);

		name->text = $2;
		$$ = (struct lookup){ .name = name };
	}
	;

map_body
	: '{' nl map_elements nl '}'    { $$ = build_map_body(p, @1, &$3); }
	| '{' nl map_elements comma '}' { $$ = build_map_body(p, @1, &$3); }
	;

map_elements
	: map_element {
		$$ = (struct map_entries){ 0 };
		build_map_append(p, &$$, $1);
	}
	| map_elements comma map_element { $$ = $1; build_map_append(p, &$$, $3); }
	;

map_element
	: element nl ':' nl map_verdict { $$ = build_map_entry(p, @1, $1, NULL, $5); }
	| element nl ':' nl primary     { $$ = build_map_entry(p, @1, $1, $5, NULL); }
	| '*' nl ':' nl map_verdict     { $$ = build_map_entry(p, @1, NULL, NULL, $5); }
	| '*' nl ':' nl primary         { $$ = build_map_entry(p, @1, NULL, $5, NULL); }
	;

/* of `add element`, where the colon follows its key in the same line */
pairs_body
	: '{' nl pairs nl '}'    { $$ = $3; }
	| '{' nl pairs comma '}' { $$ = $3; }
	;

pairs
	: pair             { $$ = (struct map_entries){ 0 }; build_map_append(p, &$$, $1); }
	| pairs comma pair { $$ = $1; build_map_append(p, &$$, $3); }
	;

pair
	: element ':' nl map_verdict { $$ = build_map_entry(p, @1, $1, NULL, $4); }
	| element ':' nl primary     { $$ = build_map_entry(p, @1, $1, $4, NULL); }
	| '*' ':' nl map_verdict     { $$ = build_map_entry(p, @1, NULL, NULL, $4); }
	;

map_verdict
	: policy_verdict { $$ = build_verdict(p, @1, $1); }
	| RETURN        { $$ = build_stmt(p, @1, STMT_RETURN); }
	| CONTINUE      { $$ = build_stmt(p, @1, STMT_CONTINUE); }
	| target
	;

comma_list
	: bits                { $$ = (struct values){ 0 }; build_append(p, &$$, $1); }
	| comma_list ',' bits { $$ = $1; build_append(p, &$$, $3); }
	;

bits
	: or_list { $$ = $1.first == $1.last ? $1.first : build_list(p, @1, VALUE_BITS, &$1); }
	;

or_list
	: item             { $$ = (struct values){ 0 }; build_append(p, &$$, $1); }
	| or_list '|' item { $$ = $1; build_append(p, &$$, $3); }
	;

item
	: primary
	| primary '-' primary { $$ = build_range(p, @1, $1, $3); }
	;

mark_value
	: NUMBER
	| ADDR
	| WORD         { $$ = value_new(p->config, @1, VALUE_WORD); $$->text = $1; }
	| STRING       { $$ = value_new(p->config, @1, VALUE_STRING); $$->text = $1; }
	| VARIABLE     { $$ = build_variable(p, @1, $1); }
	| '(' bits ')' { $$ = $2; }
	;

primary
	: NUMBER
	| TIME {
		$$ = value_new(p->config, @1, VALUE_NUMBER);
		$$->number = (uint64_t)$1;
		$$->is_time = true;
	}
	| ADDR
	| WORD         { $$ = value_new(p->config, @1, VALUE_WORD); $$->text = $1; }
	| PRESENCE     { $$ = value_new(p->config, @1, VALUE_WORD); $$->text = $1; }
	| HEADER       { $$ = value_new(p->config, @1, VALUE_WORD); $$->text = $1; }
	| ETHER        { $$ = value_new(p->config, @1, VALUE_WORD); $$->text = $1; }
	| STRING       { $$ = value_new(p->config, @1, VALUE_STRING); $$->text = $1; }
	| VARIABLE     { $$ = build_variable(p, @1, $1); }
	| '(' bits ')' { $$ = $2; }
	;

name
	: WORD
	| METER { $$ = "meter"; }
	| HEADER
	| CLOSE_VERDICT
	| MOD
	| OFFSET
	| SEED
	| OPTION
	;

set_name
	: WORD
	| HEADER
	| METER { $$ = "meter"; }
	;

type_name
	: WORD
	| ALONE
	;

%%

/*
 * Reads elements ahead of the scanner where a list of elements has begun, or goes on: a million of
 * them need not go through the grammar. Not those of a map, which are pairs.
 */
static void read_ahead(struct parser *p, int token)
{
	struct set *s = p->set;

	if (token == '{' && p->last_tokens[0] == ELEMENTS && p->last_tokens[1] == '=') {
		p->elements_depth = p->depth;
	} else if (p->depth < p->elements_depth) {
		p->elements_depth = 0;
	}
	p->last_tokens[0] = p->last_tokens[1];
	p->last_tokens[1] = token;
	if ((token == '{' || token == ',') && p->depth == p->elements_depth &&
	    p->elements_depth != 0 && s != NULL && (p->map == NULL || s != &p->map->head) &&
	    s->type != NULL && s->elements == NULL && !p->is_recovering &&
	    input_elements(&p->files, s->type, &s->listed)) {
		p->is_at_statement = false;
	}
}

/*
 * The next token; in a statement in error only its end. A line end within braces of a statement
 * does not end the statement.
 */
static int policy_lex(YYSTYPE *out, struct loc *loc, struct parser *p)
{
	for (;;) {
		int token = scan_lex(out, loc, p->scanner);

		if (token == '{') {
			p->depth++;
		} else if (token == '}' && p->depth > 0) {
			p->depth--;
		}
		if (token == NL && p->depth > p->block_depth) {
			if (p->is_recovering) {
				continue;
			}
			token = INNER_NL;
		}
		read_ahead(p, token);
		return token;
	}
}

static void recovered(struct parser *p)
{
	p->is_recovering = false;
}

static void policy_error(struct loc *loc, struct parser *p, const char *what)
{
	config_error(p->config, *loc, "%s, expected something simpler", what);
	p->is_recovering = true;
}

/* Features of nftables that are not supported, by the token that shows them. */
static const char *why_missing(const struct parser *p, const char *text)
{
	static const char port[] = "ports belong to a protocol: write tcp, udp or th before it";
	static const struct {
		const char *text;
		const char *why;
	} in_rule[] = {
		{ ":", "a range is written with -" },
		{ "dport", port },
		{ "sport", port },
		{ "saddr", "write ip or ip6 before it" },
		{ "daddr", "write ip or ip6 before it" },
		{ "state", "write ct before it" },
	}, missing[] = {
		{ ":", "elements of a set have no value: use a map" },
		{ "queue", "finwall is the consumer of the queue: remove the rule, or put it into a prerouting chain, which goes to the kernel" },
		{ "snat", "translate in a chain of type nat: it goes to the kernel" },
		{ "dnat", "translate in a chain of type nat: it goes to the kernel" },
		{ "masquerade", "translate in a chain of type nat: it goes to the kernel" },
		{ "redirect", "translate in a chain of type nat: it goes to the kernel" },
		{ "arp", "ARP packets are not queued" },
		{ "add", "commands are outside of tables" },
		{ "insert", "commands are outside of tables" },
		{ "delete", "commands are outside of tables" },
		{ "rule", "rules have no handles: leave it out, or flush the chain" },
		{ "position", "rules have no handles and positions" },
		{ "handle", "rules have no handles and positions" },
		{ "index", "rules have no handles and positions" },
		{ "device", "hooks of a device are not supported" },
		{ "socket", "only the kernel knows sockets: set a mark in a prerouting chain, and match it here" },
		{ "ipsec", "only the kernel knows it: set a mark in a prerouting chain, and match it here" },
		{ "osf", "only the kernel knows it: set a mark in a prerouting chain, and match it here" },
		{ "tproxy", "put it into a prerouting chain, which goes to the kernel" },
		{ "dup", "put it into a prerouting or postrouting chain, which goes to the kernel" },
		{ "synproxy", "put it into a prerouting chain, which goes to the kernel" },
		{ "symhash", "use jhash of addresses and ports" },
		{ "vlan", "packets have no link-layer header here: use a table of family bridge or netdev" },
		{ "xt", "a match of iptables: import the rules with finwall import-iptables" },
	};
	const bool is_in_rule = p->chain != NULL && p->depth == p->block_depth;

	for (size_t i = 0; is_in_rule && i < sizeof(in_rule) / sizeof(in_rule[0]); i++) {
		if (strcmp(in_rule[i].text, text) == 0) {
			return in_rule[i].why;
		}
	}
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		if (strcmp(missing[i].text, text) == 0) {
			return missing[i].why;
		}
	}
	return NULL;
}

/* Files for other programs, by the first text outside of tables. */
static const char *what_file(const struct parser *p, const char *text)
{
	static const char command[] =
		"a command: run it, then finwall import-iptables converts the output of iptables-save";
	static const struct {
		const char *text;
		const char *what;
	} files[] = {
		{ "*", "a save of iptables: finwall import-iptables converts it" },
		{ "iptables", command },
		{ "ip6tables", command },
		{ "ufw", command },
		{ "firewall-cmd", "a command: run it, then use the output of nft list ruleset" },
		{ "nft", "a command: run it, then use the output of nft list ruleset" },
		{ "<", "XML: use the output of nft list ruleset" },
		{ "{", "JSON: use the output of nft list ruleset, without -j" },
		{ "block", "a rule of pf: write rules of nft" },
		{ "pass", "a rule of pf: write rules of nft" },
	};

	for (size_t i = 0; p->table == NULL && i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(files[i].text, text) == 0) {
			return files[i].what;
		}
	}
	return NULL;
}

/* What the grammar accepts here: see expected.h. */
static const char *expected_here(const yypcontext_t *ctx, struct parser *p, const char *found)
{
	yysymbol_kind_t symbols[YYNTOKENS];
	struct expected all[YYNTOKENS];
	int len = yypcontext_expected_tokens(ctx, symbols, YYNTOKENS);

	for (int i = 0; i < len; i++) {
		int token = 1;

		while (token < YYMAXUTOK && YYTRANSLATE(token) != symbols[i]) {
			token++;
		}
		all[i] = (struct expected){ symbols[i] == YYSYMBOL_YYEOF ? END : token,
					    yysymbol_name(symbols[i]) };
	}
	return expected_text(p, found, all, len);
}

static int yyreport_syntax_error(const yypcontext_t *ctx, struct parser *p)
{
	yysymbol_kind_t found = yypcontext_token(ctx);
	const char *text = scan_get_text(p->scanner);
	const char *why = found == YYSYMBOL_STRING ? NULL : what_file(p, text);
	const char *expected;
	struct loc loc = *yypcontext_location(ctx);

	if (why == NULL && found != YYSYMBOL_STRING) {
		why = why_missing(p, text);
	}
	expected = expected_here(ctx, p, found == YYSYMBOL_STRING || why != NULL ? "" : text);

	p->is_recovering = true;
	if (found == YYSYMBOL_YYEOF && p->table != NULL) {
		config_error(p->config, loc, "the file ends in a block of table %.64s, expected '}'",
			     p->table->name);
	} else if (found == YYSYMBOL_YYEOF || found == YYSYMBOL_NL || found == YYSYMBOL_INNER_NL) {
		config_error(p->config, loc, "unexpected %s, expected %s",
			     yysymbol_name(found == YYSYMBOL_INNER_NL ? YYSYMBOL_NL : found), expected);
	} else if (found == YYSYMBOL_INVALID && text[0] == '"') {
		config_error(p->config, loc, "unterminated string, expected a closing quote");
	} else if (found == YYSYMBOL_INVALID && strncmp(text, "\xe2\x80", 2) == 0) {
		/* U+2010 to U+2015 are dashes, U+2018 to U+201F quotes */
		config_error(p->config, loc, "typographic %s, expected %s",
			     (unsigned char)text[2] < 0x98 ? "dash" : "quote",
			     (unsigned char)text[2] < 0x98 ? "-" : "\"");
	} else if (found == YYSYMBOL_INVALID && (text[0] < ' ' || text[0] > '~')) {
		config_error(p->config, loc, "unexpected byte 0x%02x, expected %s",
			     (unsigned char)text[0], expected);
	} else if (why != NULL) {
		config_error(p->config, loc, "unexpected \"%.64s\" (%s), expected %s", text, why,
			     expected);
	} else {
		config_error(p->config, loc, "unexpected %s%.64s%s, expected %s",
			     found == YYSYMBOL_STRING ? "" : "\"", text,
			     found == YYSYMBOL_STRING ? "" : "\"", expected);
	}
	return 0;
}
