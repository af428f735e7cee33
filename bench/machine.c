/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads /proc, /sys and uname(2).
 */
#include "machine.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Reads the first line of a file; dflt if there is none. */
static void read_line(const char *path, const char *dflt, char *out)
{
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(out, MACHINE_TEXT, f) == NULL) {
		snprintf(out, MACHINE_TEXT, "%s", dflt);
	}
	if (f != NULL) {
		fclose(f);
	}
	out[strcspn(out, "\n")] = '\0';
}

/* Reads the text after the colon of the first line that starts with name; dflt if there is none. */
static void read_field(const char *path, const char *name, const char *dflt, char *out)
{
	FILE *f = fopen(path, "re");
	char line[512];

	snprintf(out, MACHINE_TEXT, "%s", dflt);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, name, strlen(name)) == 0 && colon != NULL) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(out, MACHINE_TEXT, "%.*s", MACHINE_TEXT - 1,
			         colon + 1 + strspn(colon + 1, " \t"));
			break;
		}
	}
	if (f != NULL) {
		fclose(f);
	}
}

static void describe_hypervisor(char *out)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[4096];
	const char *found = "none";

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "flags", 5) == 0 && strstr(line, " hypervisor") != NULL) {
			found = "virtual machine";
			break;
		}
	}
	if (f != NULL) {
		fclose(f);
	}
	snprintf(out, MACHINE_TEXT, "%s", found);
}

void machine_describe(struct machine *m)
{
	struct utsname u;
	time_t now = time(NULL);
	struct tm tm;

	memset(m, 0, sizeof(*m));
	read_field("/proc/cpuinfo", "model name", "unknown", m->cpu);
	if (uname(&u) == 0) {
		snprintf(m->kernel, sizeof(m->kernel), "%.60s %.60s", u.sysname, u.release);
		snprintf(m->arch, sizeof(m->arch), "%.60s", u.machine);
	}
	read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "unknown", m->governor);
	describe_hypervisor(m->hypervisor);
	read_line("/sys/kernel/mm/transparent_hugepage/enabled", "unknown", m->huge_pages);
	read_line("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "unknown", m->mitigations);
	read_line("/proc/loadavg", "unknown", m->load);
	snprintf(m->compiler, sizeof(m->compiler), "%.100s", __VERSION__);
	snprintf(m->build, sizeof(m->build), "%s", FINWALL_BUILD);
	snprintf(m->version, sizeof(m->version), "finwall %s", FINWALL_VERSION);
	if (gmtime_r(&now, &tm) != NULL) {
		(void)strftime(m->date, sizeof(m->date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	}
	m->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	m->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

const char *machine_field(const struct machine *m, unsigned nr, const char **text)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{ "version", offsetof(struct machine, version) },
		{ "build", offsetof(struct machine, build) },
		{ "compiler", offsetof(struct machine, compiler) },
		{ "date", offsetof(struct machine, date) },
		{ "cpu", offsetof(struct machine, cpu) },
		{ "arch", offsetof(struct machine, arch) },
		{ "kernel", offsetof(struct machine, kernel) },
		{ "hypervisor", offsetof(struct machine, hypervisor) },
		{ "governor", offsetof(struct machine, governor) },
		{ "huge_pages", offsetof(struct machine, huge_pages) },
		{ "mitigations", offsetof(struct machine, mitigations) },
		{ "load", offsetof(struct machine, load) },
	};

	if (nr >= sizeof(fields) / sizeof(fields[0])) {
		return NULL;
	}
	*text = (const char *)m + fields[nr].offset;
	return fields[nr].name;
}

void machine_print(const struct machine *m)
{
	printf("%s, %s, %s\n", m->version, m->build, m->date);
	printf("%s, %u processors, %llu MiB, %s, governor %s\n", m->cpu, m->cpus,
	       (unsigned long long)(m->memory_bytes >> 20), m->hypervisor, m->governor);
	printf("%s, load before the measurement: %s\n\n", m->kernel, m->load);
}
