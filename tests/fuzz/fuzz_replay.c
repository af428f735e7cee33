/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without libFuzzer: each file, each of its prefixes, and a number of seeded
 * mutations of it. Under the sanitizers this is the regression test.
 *
 * usage: fuzz_X_replay MUTATIONS PATH...     a PATH is a file, or a directory of files
 *
 * The seed is random and is printed. FINWALL_SEED in the environment repeats a run.
 */
#include "fuzz.h"
#include "rng.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX 4096

static unsigned long inputs;

/* Runs the target on a buffer of the exact size, so that an overrun is found. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size + (size == 0));

	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	inputs++;
}

static void mutate(struct rng *r, const uint8_t *seed, size_t size)
{
	uint8_t data[INPUT_MAX + 64];

	memcpy(data, seed, size);
	for (uint32_t n = 1 + rng_below(r, 6); n > 0; n--) {
		uint32_t at = size > 0 ? rng_below(r, (uint32_t)size) : 0;

		switch (rng_below(r, 6)) {
		case 0:
			data[at] ^= (uint8_t)(1u << rng_below(r, 8));
			break;
		case 1:
			data[at] = (uint8_t)rng_u64(r);
			break;
		case 2:
			data[at] = rng_below(r, 2) != 0 ? 0xff : 0;
			break;
		case 3: /* cut it off */
			size = at;
			break;
		case 4: /* insert a byte */
			if (size < INPUT_MAX) {
				memmove(data + at + 1, data + at, size - at);
				size++;
			}
			break;
		default: /* copy a piece over another one */
			if (size > 8) {
				uint32_t from = rng_below(r, (uint32_t)size - 4);
				uint32_t to = rng_below(r, (uint32_t)size - 4);

				memmove(data + to, data + from, 4);
			}
			break;
		}
	}
	run(data, size);
}

static bool run_file(struct rng *r, const char *path, unsigned long mutations)
{
	uint8_t data[INPUT_MAX];
	FILE *in = fopen(path, "rb");
	size_t size;

	if (in == NULL) {
		perror(path);
		return false;
	}
	size = fread(data, 1, sizeof(data), in);
	fclose(in);
	for (size_t n = 0; n <= size; n++) {
		run(data, n);
	}
	for (unsigned long i = 0; i < mutations; i++) {
		mutate(r, data, size);
	}
	return true;
}

static int is_no_dot_file(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Runs the files of a directory, in the order of their names. */
static bool run_directory(struct rng *r, const char *dir, unsigned long mutations)
{
	struct dirent **names;
	int found = scandir(dir, &names, is_no_dot_file, alphasort);
	bool ok = true;

	if (found < 0) {
		perror(dir);
		return false;
	}
	for (int i = 0; i < found; i++) {
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		ok = ok && run_file(r, path, mutations);
		free(names[i]);
	}
	free(names);
	return ok;
}

int main(int argc, char **argv)
{
	struct rng r;
	unsigned long mutations;
	bool ok = true;

	if (argc < 3) {
		fprintf(stderr, "usage: %s MUTATIONS PATH...\n", argv[0]);
		return 2;
	}
	rng_init(&r, rng_seed(1, argv));
	mutations = strtoul(argv[1], NULL, 0);
	for (int i = 2; i < argc && ok; i++) {
		struct stat st;

		if (stat(argv[i], &st) != 0) {
			perror(argv[i]);
			return 2;
		}
		ok = S_ISDIR(st.st_mode) ? run_directory(&r, argv[i], mutations)
		                         : run_file(&r, argv[i], mutations);
	}
	printf("%lu inputs\n", inputs);
	return ok && inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
