/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the kernel: its version and what it supports.
 */
#include "doctor/doctor.h"

#include <stdio.h>

/* Kernel versions with a known fault: from is the first, fixed the first without it. */
static const struct {
	unsigned from[3];
	unsigned fixed[3];
	enum doctor_level level;
	const char *what;
	const char *remedy;
} kernel_faults[] = {
	{ { 0, 0, 0 },
	  { 3, 10, 0 },
	  DOCTOR_PROBLEM,
	  "cannot queue GSO packets unsegmented",
	  "use 3.10 or newer" },
	/* e19079adcd26, fixed by 936206e3f6ff; CVE-2026-43084 */
	{ { 6, 12, 75 },
	  { 6, 12, 83 },
	  DOCTOR_WARNING,
	  "may crash with several queues under load (CVE-2026-43084)",
	  "use 6.12.83 or newer, or queue count 1" },
	{ { 6, 18, 14 },
	  { 6, 18, 24 },
	  DOCTOR_WARNING,
	  "may crash with several queues under load (CVE-2026-43084)",
	  "use 6.18.24 or newer, or queue count 1" },
	{ { 6, 19, 4 },
	  { 6, 19, 14 },
	  DOCTOR_WARNING,
	  "may crash with several queues under load (CVE-2026-43084)",
	  "use 6.19.14 or newer, or queue count 1" },
};

#define KERNEL_FAULTS_LEN (sizeof(kernel_faults) / sizeof(kernel_faults[0]))

static bool is_older(const unsigned a[3], const unsigned b[3])
{
	for (size_t i = 0; i < 3; i++) {
		if (a[i] != b[i]) {
			return a[i] < b[i];
		}
	}
	return false;
}

/* A distribution's kernel may have the fix under an older version, so most faults are warnings. */
static void check_release(const struct doctor_facts *f, struct doctor_report *out)
{
	unsigned version[3] = { 0 };

	if (f->release == NULL ||
	    sscanf(f->release, "%u.%u.%u", &version[0], &version[1], &version[2]) < 2) {
		doctor_add(out, DOCTOR_NOTE, "kernel", "", "the version of the kernel is unknown");
		return;
	}
	for (size_t i = 0; i < KERNEL_FAULTS_LEN; i++) {
		if (!is_older(version, kernel_faults[i].from) &&
		    is_older(version, kernel_faults[i].fixed)) {
			doctor_add(out, kernel_faults[i].level, "kernel", kernel_faults[i].remedy,
			           "kernel %s %s", f->release, kernel_faults[i].what);
			return;
		}
	}
	doctor_add(out, DOCTOR_OK, "kernel", "", "kernel %s: no known fault", f->release);
}

void doctor_check_kernel(const struct doctor_facts *f, struct doctor_report *out)
{
	check_release(f, out);
	if (f->queue == DOCTOR_NO && f->queue_can_load) {
		doctor_add(
			out, DOCTOR_OK, "queue", "",
			"the kernel has packet queues (module nfnetlink_queue, loaded when used)");
	} else if (f->queue == DOCTOR_NO) {
		doctor_add(out, DOCTOR_PROBLEM, "queue", "modprobe nfnetlink_queue",
		           "this kernel has no packet queues, or the module is not loaded");
	} else if (f->queue == DOCTOR_YES) {
		doctor_add(out, DOCTOR_OK, "queue", "", "the kernel has packet queues");
	}
	if (f->nft_queue == DOCTOR_NO) {
		doctor_add(out, DOCTOR_NOTE, "nft-queue", "",
		           "this kernel has no nft queue statement: hook rules use iptables");
	} else if (f->nft_queue == DOCTOR_YES) {
		doctor_add(out, DOCTOR_OK, "nft-queue", "", "the nft queue statement works");
	}
	if (f->ct_glue == DOCTOR_NO) {
		doctor_add(out, DOCTOR_NOTE, "ct-glue", "",
		           "the kernel cannot attach its tracker's entry (NFQA_CT); "
		           "finwall does not need it");
	} else if (f->ct_glue == DOCTOR_YES) {
		doctor_add(out, DOCTOR_OK, "ct-glue", "",
		           "the kernel can attach its tracker's entry (NFQA_CT)");
	}
}
