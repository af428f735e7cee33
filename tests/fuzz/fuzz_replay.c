/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without libFuzzer: each file of a corpus, each of its prefixes, and a number
 * of seeded mutations of it. Under the sanitizers this is the regression test.
 *
 * usage: fuzz_X_replay MUTATIONS DIRECTORY [SEED]
 */
#include "fuzz.h"
#include "rng.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#define INPUT_MAX 4096

static unsigned long inputs;

/* In a buffer of its exact size. */
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
		case 3: /* drop what is behind */
			size = at;
			break;
		case 4: /* a byte more */
			if (size < INPUT_MAX) {
				memmove(data + at + 1, data + at, size - at);
				size++;
			}
			break;
		default: /* a piece of it once more, over another */
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

int main(int argc, char **argv)
{
	struct dirent **names;
	struct rng r;
	int found;
	bool ok = true;

	if (argc < 3) {
		fprintf(stderr, "usage: %s MUTATIONS DIRECTORY [SEED]\n", argv[0]);
		return 2;
	}
	rng_init(&r, rng_seed(argc - 2, argv + 2));
	found = scandir(argv[2], &names, NULL, alphasort);
	if (found < 0) {
		perror(argv[2]);
		return 2;
	}
	for (int i = 0; i < found; i++) {
		char path[1024];

		if (names[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", argv[2], names[i]->d_name);
			ok = ok && run_file(&r, path, strtoul(argv[1], NULL, 0));
		}
		free(names[i]);
	}
	free(names);
	printf("%lu inputs\n", inputs);
	return ok && inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
