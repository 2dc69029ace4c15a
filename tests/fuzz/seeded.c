// SPDX-License-Identifier: MIT
/* A fuzz target without a fuzzer: the same inputs in every run, for the test suite. A fault of the target aborts. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RUNS 3000
#define LENGTH_MAX 600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

int main(void)
{
    static uint8_t data[LENGTH_MAX];
    uint32_t seed = 20240229;

    for (int run = 0; run < RUNS; run++) {
        const size_t size = next_random(&seed) % (LENGTH_MAX + 1);
        const uint32_t mask = next_random(&seed); /* few values, at times: what repeats is compressed otherwise */
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)((next_random(&seed) >> 9) & (i < 8 ? 255 : mask));
        if (size >= 4 && run % 4 != 0) /* not always pictures as wide as can be */
            data[1] = data[3] = 0;
        LLVMFuzzerTestOneInput(data, size);
    }
    printf("%d inputs\n", RUNS);
    return 0;
}
