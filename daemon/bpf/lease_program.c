/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading of the kernel fast path by libbpf. See lease_program.h. The compiled program is in this
 * object file.
 */
#include "lease_program.h"

#include "io/lease_pins.h"

#include <finwall/lease_layout.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Leases for each bucket of the index: the buckets have eight places. */
#define LEASES_PER_BUCKET 2u

#define LEASES_LEAST 1024u

/* Structures within each other that are searched for a member. */
#define SKB_DEPTH_MAX 4

/* BPF_PROG_TEST_RUN wants an Ethernet header, which a socket filter does not see. */
#define ETHERNET_SIZE 14
#define PACKET_MAX    (65535 + ETHERNET_SIZE)

__asm__(".section .rodata\n"
        ".balign 8\n"
        ".globl fastpath_object, fastpath_object_end\n"
        ".hidden fastpath_object, fastpath_object_end\n"
        "fastpath_object:\n"
        ".incbin \"" FINWALL_FASTPATH_OBJECT "\"\n"
        "fastpath_object_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const unsigned char fastpath_object[] __attribute__((visibility("hidden")));
extern const unsigned char fastpath_object_end[] __attribute__((visibility("hidden")));

static const char *const program_names[HOOKS_LEN] = {
	[HOOK_INPUT] = "finwall_input",
	[HOOK_FORWARD] = "finwall_forward",
	[HOOK_OUTPUT] = "finwall_output",
};

struct lease_program {
	struct bpf_object *object;
	int map_fd[LEASE_MAPS_LEN];
	int program_fd[HOOKS_LEN];
	struct lease_pins pins; /* the maps in memory */
};

/* The first line of what libbpf prints last. */
static char complaint[LEASE_WHY_SIZE];

static int note_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_WARN) {
		return 0;
	}
	/* The first one: later ones follow from it. */
	if (complaint[0] == '\0') {
		(void)vsnprintf(complaint, sizeof(complaint), format, args);
		complaint[strcspn(complaint, "\n")] = '\0';
	}
	return 0;
}

static uint32_t power_of_two(uint32_t at_least)
{
	uint32_t n = LEASES_LEAST;

	while (n < at_least && n < LEASES_MAX / 2) {
		n *= 2;
	}
	return n;
}

bool lease_program_is_built(void)
{
	return true;
}

static int fail(char *why, int err)
{
	(void)snprintf(why, LEASE_WHY_SIZE, "%s%s%s", strerror(-err),
	               complaint[0] != '\0' ? ": " : "", complaint);
	return err;
}

static int set_up_control(struct lease_program *p, uint32_t leases_len)
{
	struct lease_control *c = calloc(1, sizeof(*c));
	uint32_t zero = 0;
	int err;

	if (c == NULL) {
		return -ENOMEM;
	}
	c->magic = LEASE_MAGIC;
	c->version = LEASE_VERSION;
	c->leases_len = leases_len;
	c->buckets_len = leases_len / LEASES_PER_BUCKET;
	c->lease_size = sizeof(struct lease);
	err = bpf_map_update_elem(p->map_fd[LEASE_MAP_CONTROL], &zero, c, BPF_ANY);
	free(c);
	return err;
}

/*
 * Where struct sk_buff has ip_summed, from the types of the running kernel. Also looks into
 * structures and unions without a name. bit: where the type begins.
 */
static bool find_ip_summed(const struct btf *btf, const struct btf_type *t, uint32_t bit,
                           unsigned depth, struct lease_skb *out)
{
	const struct btf_member *m = btf_members(t);

	for (uint16_t i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, m[i].name_off);
		uint32_t at = bit + btf_member_bit_offset(t, i);
		const struct btf_type *inner = btf__type_by_id(btf, m[i].type);

		if (name != NULL && strcmp(name, "ip_summed") == 0) {
			*out = (struct lease_skb){ at / 8, at % 8 };
			return btf_member_bitfield_size(t, i) == 2;
		}
		if (name != NULL && name[0] == '\0' && depth > 0 && inner != NULL &&
		    btf_is_composite(inner) && find_ip_summed(btf, inner, at, depth - 1, out)) {
			return true;
		}
	}
	return false;
}

static struct lease_skb skb_of_kernel(void)
{
	struct lease_skb skb = { 0 };
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf == NULL ? -1 : btf__find_by_name_kind(btf, "sk_buff", BTF_KIND_STRUCT);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (id > 0 &&
	    !find_ip_summed(btf, btf__type_by_id(btf, (uint32_t)id), 0, SKB_DEPTH_MAX, &skb)) {
		skb = (struct lease_skb){ 0 };
	}
#else
	(void)id;
#endif
	btf__free(btf);
	return skb;
}

/* Sets what the program gets from the loader, and loads it. */
static int load(struct lease_program *p, uint32_t len, const struct lease_skb *skb)
{
	const uint32_t sizes[LEASE_MAPS_LEN] = {
		[LEASE_MAP_CONTROL] = 1,
		[LEASE_MAP_BUCKETS] = len / LEASES_PER_BUCKET,
		[LEASE_MAP_LEASES] = len,
		[LEASE_MAP_NOTES] = len,
	};
	struct bpf_map *map;
	int err;

	p->object = bpf_object__open_mem(fastpath_object,
	                                 (size_t)(fastpath_object_end - fastpath_object), NULL);
	if (p->object == NULL) {
		return -errno;
	}
	for (unsigned i = 0; i < LEASE_MAPS_LEN; i++) {
		map = bpf_object__find_map_by_name(p->object, lease_map_names[i]);
		err = map == NULL ? -ENOENT : bpf_map__set_max_entries(map, sizes[i]);
		if (err != 0) {
			return err;
		}
	}
	map = bpf_object__find_map_by_name(p->object, LEASE_SKB_SECTION);
	err = map == NULL ? -ENOENT : bpf_map__set_initial_value(map, skb, sizeof(*skb));
	return err != 0 ? err : bpf_object__load(p->object);
}

int lease_program_load(uint32_t leases_len, struct lease_program **out, char why[LEASE_WHY_SIZE])
{
	const uint32_t len = power_of_two(leases_len);
	struct lease_skb skb;
	struct lease_program *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	why[0] = '\0';
	if (p == NULL) {
		return fail(why, err);
	}
	(void)libbpf_set_print(note_complaint);
	skb = skb_of_kernel();
	complaint[0] = '\0';
	err = load(p, len, &skb);
	if (err != 0 && skb.ip_summed_at != 0) {
		/* A kernel that is locked down lets no program read its memory. */
		bpf_object__close(p->object);
		complaint[0] = '\0';
		skb = (struct lease_skb){ 0 };
		err = load(p, len, &skb);
	}
	if (err != 0) {
		goto failed;
	}
	for (unsigned i = 0; i < LEASE_MAPS_LEN; i++) {
		p->map_fd[i] = bpf_object__find_map_fd_by_name(p->object, lease_map_names[i]);
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		p->program_fd[h] = bpf_program__fd(
			bpf_object__find_program_by_name(p->object, program_names[h]));
	}
	err = set_up_control(p, len);
	if (err != 0) {
		goto failed;
	}
	*out = p;
	return 0;

failed:
	lease_program_free(p);
	return fail(why, err);
}

void lease_program_free(struct lease_program *p)
{
	if (p == NULL) {
		return;
	}
	lease_pins_unmap(&p->pins);
	bpf_object__close(p->object);
	free(p);
}

bool lease_program_map(struct lease_program *p, struct lease_map *out)
{
	int err = p->pins.map.control != NULL ? 0 : lease_pins_map(p->map_fd, &p->pins);

	errno = -err;
	*out = p->pins.map;
	return err == 0;
}

static void pin_path(char *path, size_t size, const char *dir, const char *name)
{
	(void)snprintf(path, size, "%s/%s", dir, name);
}

int lease_program_pin(const struct lease_program *p, const char *dir)
{
	char path[LEASE_PATH_SIZE];
	int err = 0;

	for (unsigned i = 0; i < LEASE_MAPS_LEN && err == 0; i++) {
		pin_path(path, sizeof(path), dir, lease_map_names[i]);
		err = bpf_obj_pin(p->map_fd[i], path) != 0 ? -errno : 0;
	}
	for (unsigned h = 0; h < HOOKS_LEN && err == 0; h++) {
		pin_path(path, sizeof(path), dir, lease_program_names[h]);
		err = bpf_obj_pin(p->program_fd[h], path) != 0 ? -errno : 0;
	}
	if (err != 0) {
		lease_pins_remove(dir);
	}
	return err;
}

int lease_program_run(const struct lease_program *p, enum hook hook, const void *packet,
                      size_t size, uint32_t repeat, uint32_t *ns_each)
{
	static _Thread_local uint8_t buf[PACKET_MAX];
	const bool is_ip6 = size > 0 && *(const uint8_t *)packet >> 4 == 6;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = buf,
	            .data_size_in = (uint32_t)(size + ETHERNET_SIZE), .repeat = (int)repeat);
	int err;

	if (size + ETHERNET_SIZE > sizeof(buf)) {
		return -EMSGSIZE;
	}
	memset(buf, 0, ETHERNET_SIZE);
	buf[12] = is_ip6 ? 0x86 : 0x08;
	buf[13] = is_ip6 ? 0xdd : 0x00;
	memcpy(buf + ETHERNET_SIZE, packet, size);
	err = bpf_prog_test_run_opts(p->program_fd[hook], &opts);
	if (ns_each != NULL) {
		*ns_each = opts.duration;
	}
	return err != 0 ? err : opts.retval != 0;
}
