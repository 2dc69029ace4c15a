// SPDX-License-Identifier: MIT
/* What the IDAT encoders promise: every picture comes back as it was, from any memory, within the bound. */
#include "idat_code.h"
#include "idat_parse.h"
#include "support/frames.h"
#include "support/png_check.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Pictures whose last row ends where the memory ends: a read beyond it is a fault. */
struct picture {
    struct idat_image image;
    void *mapping;
    size_t mapped;
};

static struct picture picture_create(uint32_t width, uint32_t height, size_t gap)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t stride = (size_t)width * 4 + gap, used = stride * height - gap;
    const size_t mapped = (used + page - 1) / page * page;
    struct picture picture = {.mapped = mapped + page};
    uint8_t *bytes = mmap(NULL, mapped + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(bytes, MAP_FAILED);
    assert_int_equal(mprotect(bytes + mapped, page, PROT_NONE), 0);
    picture.mapping = bytes;
    picture.image =
        (struct idat_image){.pixels = bytes + mapped - used, .width = width, .height = height, .stride_bytes = stride};
    return picture;
}

static void picture_destroy(struct picture *picture)
{
    munmap(picture->mapping, picture->mapped);
}

static uint8_t *pixels_of(struct picture *picture)
{
    return (uint8_t *)picture->mapping + picture->mapped - (size_t)sysconf(_SC_PAGESIZE) -
           (picture->image.stride_bytes * (picture->image.height - 1) + (size_t)picture->image.width * 4);
}

typedef void painter(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random);

static void paint(struct picture *picture, painter *each)
{
    uint64_t random = 99;
    for (uint32_t y = 0; y < picture->image.height; y++)
        for (uint32_t x = 0; x < picture->image.width; x++)
            each(pixels_of(picture) + y * picture->image.stride_bytes + x * 4, x, y, &random);
}

static void set(uint8_t *pixel, uint32_t r, uint32_t g, uint32_t b, uint32_t a)
{
    pixel[0] = (uint8_t)r;
    pixel[1] = (uint8_t)g;
    pixel[2] = (uint8_t)b;
    pixel[3] = (uint8_t)a;
}

static void zeros(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    (void)x, (void)y, (void)random;
    set(pixel, 0, 0, 0, 0);
}

static void noise(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    (void)x, (void)y;
    set(pixel, frames_random(random), frames_random(random), frames_random(random), frames_random(random));
}

static void ramps(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    (void)random;
    set(pixel, x, y, x * 3 + y * 5, 255);
}

static void transparent(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    set(pixel, x / 7 + frames_random(random) % 3, y, frames_random(random), 0);
}

/* Filtered by Up, each pixel ends in the filter's own number, as if it repeated the filter byte before the row. */
static void fading(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    (void)x, (void)random;
    set(pixel, 10, 20, 30, y * 2);
}

static void deepening(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    (void)x, (void)random;
    set(pixel, 10, 20, y * 2, 255);
}

static void islands(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    const int on = frames_random(random) % 61 == 0 || (x / 37 + y / 11) % 9 == 0;
    set(pixel, on ? x * y : 7, on ? 200 : 7, 7, on ? 0 : 255);
}

/* Rows that a sample of every strip misses, more than half the picture: smooth where sampled, noise elsewhere. */
static void trap(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    if (y % 16 < 12)
        noise(pixel, x, y, random);
    else
        set(pixel, 10, 20, 30, 255);
}

static void wide_noise(uint8_t *pixel, uint32_t x, uint32_t y, uint64_t *random)
{
    set(pixel, x + frames_random(random) % 80, y + frames_random(random) % 80, frames_random(random) % 80, 255);
}

static const struct {
    const char *name;
    painter *painter;
} painters[] = {
    {"zeros", zeros},         {"noise", noise}, {"ramps", ramps},           {"transparent", transparent},
    {"islands", islands},     {"trap", trap},   {"wide noise", wide_noise}, {"fading", fading},
    {"deepening", deepening},
};

static const struct {
    uint32_t width, height;
    size_t gap;
} sizes[] = {
    {1, 1, 0},     {1, 77, 0},    {333, 1, 0},    {2, 2, 0},      {7, 5, 4},
    {8, 8, 0},     {9, 9, 12},    {31, 33, 64},   {64, 600, 192}, {127, 20, 1},
    {16384, 3, 0}, {3, 16384, 0}, {16384, 33, 0}, {640, 480, 0},  {641, 479, 28},
};

static void check(const struct idat_encoder *encoder, struct idat_context *context, const struct idat_image *image,
                  const char *what)
{
    if (png_check_encode(encoder, context, image, NULL) == 0)
        fail_msg("%s: %s, %u x %u, bgra %d, opaque %d", encoder->name, what, image->width, image->height, image->bgra,
                 image->opaque);
}

static void every_picture_comes_back(void **state)
{
    struct idat_context *context = idat_context_create(IDAT_BEST_KERNEL);
    (void)state;

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct picture picture = picture_create(sizes[s].width, sizes[s].height, sizes[s].gap);
        for (size_t p = 0; p < sizeof(painters) / sizeof(painters[0]); p++) {
            paint(&picture, painters[p].painter);
            for (int kind = 0; kind < 4; kind++) {
                picture.image.bgra = kind & 1;
                picture.image.opaque = kind & 2;
                for (size_t e = 0; e < IDAT_ENCODER_COUNT; e++)
                    check(idat_encoders[e], context, &picture.image, painters[p].name);
            }
        }
        picture_destroy(&picture);
    }
    idat_context_destroy(context);
}

static void every_kernel_writes_the_same_bytes(void **state)
{
    struct idat_context *best = idat_context_create(IDAT_BEST_KERNEL);
    struct idat_context *portable = idat_context_create(IDAT_PORTABLE_KERNEL);
    (void)state;

    assert_string_equal(idat_context_kernel(portable), "portable");
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct picture picture = picture_create(sizes[s].width, sizes[s].height, sizes[s].gap);
        for (size_t p = 0; p < sizeof(painters) / sizeof(painters[0]); p++) {
            paint(&picture, painters[p].painter);
            for (int kind = 0; kind < 4; kind++) {
                uint8_t *a, *b;
                picture.image.bgra = kind & 1;
                picture.image.opaque = kind & 2;
                const size_t size = png_check_encode(&idat_fast, best, &picture.image, &a);
                assert_int_equal(png_check_encode(&idat_fast, portable, &picture.image, &b), size);
                assert_memory_equal(a, b, size);
                free(a);
                free(b);
            }
        }
        picture_destroy(&picture);
    }
    idat_context_destroy(best);
    idat_context_destroy(portable);
}

/* The stored form is the most that anything takes: the picture's bytes and 6 or so more for each 65535 of them. */
static void no_picture_grows(void **state)
{
    struct idat_context *context = idat_context_create(IDAT_BEST_KERNEL);
    struct picture picture = picture_create(640, 480, 0);
    const size_t filtered = (640 * 4 + 1) * 480;
    (void)state;

    for (size_t p = 0; p < sizeof(painters) / sizeof(painters[0]); p++) {
        paint(&picture, painters[p].painter);
        const size_t size = png_check_encode(&idat_fast, context, &picture.image, NULL);
        assert_in_range(size, 1, filtered + filtered / 10000 + 20);
    }
    picture_destroy(&picture);
    idat_context_destroy(context);
}

static size_t size_of(painter *each)
{
    struct idat_context *context = idat_context_create(IDAT_BEST_KERNEL);
    struct picture picture = picture_create(640, 480, 0);
    paint(&picture, each);
    const size_t size = png_check_encode(&idat_fast, context, &picture.image, NULL);
    picture_destroy(&picture);
    idat_context_destroy(context);
    return size;
}

static void what_repeats_takes_next_to_nothing(void **state)
{
    (void)state;
    assert_in_range(size_of(zeros), 1, 640 * 480 * 4 / 400);
    assert_in_range(size_of(ramps), 1, 640 * 480 * 4 / 300);
}

/* Any number in any proportion: the code must always be whole (asserted inside) and its parts as the look-ups need. */
static void any_counts_give_a_code(void **state)
{
    static struct idat_counts counts;
    static struct idat_code code;
    struct idat_bits bits = {0};
    uint8_t head[IDAT_HEAD_MAX + 8];
    uint64_t random = 5;
    (void)state;

    for (int round = 0; round < 20000; round++) {
        const uint32_t shape = frames_random(&random);
        memset(&counts, 0, sizeof(counts));
        for (unsigned i = 0; i < 256; i++)
            if (frames_random(&random) % 8 >= shape % 8)
                counts.literals[0][i] = frames_random(&random) >> (frames_random(&random) % 31 | (shape >> 8 & 8));
        for (unsigned i = 0; i < 256; i++)
            counts.literals[0][i] &= 0x7ff; /* a sample is no more than a few rows */
        for (unsigned i = 0; i < 29; i++)
            if (shape & 16)
                counts.runs[i] = (frames_random(&random) >> (frames_random(&random) % 31)) & 0x7ff;
        assert_true(idat_code_make(&code, &counts));
        bits.out = head;
        assert_true(idat_code_write(&code, 3 + (shape & 1), false, &bits));
        assert_in_range(bits.out - head, 20, IDAT_HEAD_MAX);
        uint32_t used = 0;
        for (unsigned i = 0; i < SYMBOL_COUNT; i++) {
            assert_in_range(code.lengths[i], 1, i < 256 ? LITERAL_BITS_MAX : 15);
            used += 32768u >> code.lengths[i];
        }
        assert_int_equal(used, 32768);
        for (unsigned i = 0; i < 256 && !code.plain; i++) {
            const struct idat_lookup *lookup = &code.lookup;
            const unsigned side = i >= 128, near = side ? 255 - i : i, high = i >> 4;
            const unsigned low = (i & 1) << 3 | (i & 2) << 1 | (i & 4) >> 1 | (i & 8) >> 3;
            const unsigned found = (near < 16 ? lookup->near_bits[side][near] : 0u) | lookup->far_prefix[0][high] |
                                   lookup->far_prefix[1][high] * 256u;
            const unsigned scale = lookup->far_scale[0][high] | lookup->far_scale[1][high] * 256u;
            const unsigned length = (near < 16 ? lookup->near_lengths[side][near] : 0u) | lookup->far_lengths[high];
            assert_int_equal(found | low * scale, code.bits[i]);
            assert_int_equal(length, code.lengths[i]);
        }
    }
}

/* Repeats of every length at every place of a block; a shorter one than LEAST must not be taken for a run. */
static void a_run_is_what_repeats_long_enough(void **state)
{
    const struct idat_kernel *kernels[] = {&idat_kernel_portable, idat_kernel_best()};
    (void)state;

    for (unsigned k = 0; k < 2; k++) {
        for (unsigned start = 4; start < BLOCK; start++) {
            for (unsigned length = 1; start + length < BLOCK; length++) {
                struct idat_counts counts = {0};
                uint8_t bytes[ROW_MARGIN * 2 + BLOCK] = {0}, *row = bytes + ROW_MARGIN;
                for (unsigned i = 0; i < BLOCK; i++)
                    row[i] = (uint8_t)((row - 4)[i] + (i - start < length ? 0 : 1));
                kernels[k]->count(&counts, row, BLOCK, 4);
                unsigned runs = 0, literals = 0;
                for (unsigned i = 0; i < SYMBOL_COUNT - SYMBOL_RUN; i++)
                    runs += counts.runs[i];
                for (unsigned i = 0; i < 4 * 256; i++)
                    literals += counts.literals[i / 256][i % 256];
                assert_int_equal(runs, length >= LEAST);
                assert_int_equal(literals, length >= LEAST ? BLOCK - length : BLOCK);
                if (runs == 1)
                    assert_int_equal(counts.runs[idat_run_symbol(length)], 1);
            }
        }
    }
}

#define THREADS 4
#define TURNS 3

struct worker {
    const struct idat_image *image;
    const uint8_t *expected;
    size_t size;
    bool same;
};

static void *encode_in_turns(void *argument)
{
    struct worker *worker = argument;
    const struct idat_image *image = worker->image;
    struct idat_context *context = idat_context_create(IDAT_BEST_KERNEL);
    uint8_t *out = malloc(idat_fast.bound(image->width, image->height, image->opaque));

    worker->same = context != NULL && out != NULL;
    for (int turn = 0; turn < TURNS && worker->same; turn++)
        worker->same =
            idat_fast.encode(context, image, out) == worker->size && memcmp(out, worker->expected, worker->size) == 0;
    free(out);
    idat_context_destroy(context);
    return NULL;
}

static void threads_with_their_own_contexts_do_not_meet(void **state)
{
    struct idat_context *context = idat_context_create(IDAT_BEST_KERNEL);
    struct picture picture = picture_create(641, 479, 0);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    uint8_t *expected;
    (void)state;

    paint(&picture, islands);
    picture.image.opaque = true;
    const size_t size = png_check_encode(&idat_fast, context, &picture.image, &expected);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.image = &picture.image, .expected = expected, .size = size};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_in_turns, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(workers[i].same);
    }
    free(expected);
    picture_destroy(&picture);
    idat_context_destroy(context);
}

/* A small picture after a large one and the reverse: what a context holds must not shine through. */
static void a_context_forgets_the_picture_before(void **state)
{
    struct idat_context *kept = idat_context_create(IDAT_BEST_KERNEL);
    (void)state;

    for (size_t s = 0; s < 2 * (sizeof(sizes) / sizeof(sizes[0])); s++) {
        const size_t i = s * 7 % (sizeof(sizes) / sizeof(sizes[0]));
        struct idat_context *fresh = idat_context_create(IDAT_BEST_KERNEL);
        struct picture picture = picture_create(sizes[i].width, sizes[i].height, sizes[i].gap);
        uint8_t *a, *b;
        paint(&picture, wide_noise);
        picture.image.bgra = s & 1;
        const size_t size = png_check_encode(&idat_fast, kept, &picture.image, &a);
        assert_int_not_equal(size, 0);
        assert_int_equal(png_check_encode(&idat_fast, fresh, &picture.image, &b), size);
        assert_memory_equal(a, b, size);
        free(a);
        free(b);
        picture_destroy(&picture);
        idat_context_destroy(fresh);
    }
    idat_context_destroy(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_picture_comes_back),
        cmocka_unit_test(every_kernel_writes_the_same_bytes),
        cmocka_unit_test(no_picture_grows),
        cmocka_unit_test(what_repeats_takes_next_to_nothing),
        cmocka_unit_test(any_counts_give_a_code),
        cmocka_unit_test(a_run_is_what_repeats_long_enough),
        cmocka_unit_test(threads_with_their_own_contexts_do_not_meet),
        cmocka_unit_test(a_context_forgets_the_picture_before),
    };
    return cmocka_run_group_tests_name("idat", tests, NULL, NULL);
}
