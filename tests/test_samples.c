// SPDX-License-Identifier: MIT
/* Exact percentiles, whatever the order and the number of samples. */
#include "samples.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NO_LIMIT SIZE_MAX

/* Adds 1 to count, in an order that is far from sorted: step must share no factor with count. */
static struct samples shuffled(size_t count, size_t step)
{
    struct samples samples;

    samples_init(&samples, NO_LIMIT);
    for (size_t i = 0; i < count; i++)
        samples_add(&samples, i * step % count + 1);
    assert_int_equal(samples.count, count);
    return samples;
}

static void a_percentile_is_the_sample_of_the_nearest_rank(void **state)
{
    /* The textbook's five: 15 20 35 40 50. */
    static const uint64_t values[] = {40, 15, 50, 35, 20};
    struct samples samples;
    (void)state;

    samples_init(&samples, NO_LIMIT);
    for (size_t i = 0; i < 5; i++)
        samples_add(&samples, values[i]);
    assert_int_equal(samples_percentile(&samples, 0), 15);
    assert_int_equal(samples_percentile(&samples, 0.05), 15);
    assert_int_equal(samples_percentile(&samples, 0.2), 15);
    assert_int_equal(samples_percentile(&samples, 0.3), 20);
    assert_int_equal(samples_percentile(&samples, 0.4), 20);
    assert_int_equal(samples_percentile(&samples, 0.5), 35);
    assert_int_equal(samples_percentile(&samples, 0.81), 50);
    assert_int_equal(samples_percentile(&samples, 1), 50);
    samples_finish(&samples);
}

static void every_hundredth_of_every_count_is_exact(void **state)
{
    (void)state;

    for (size_t count = 1; count <= 1000; count += count < 300 ? 1 : 233) {
        struct samples samples = shuffled(count, 1009);
        for (uint64_t percent = 1; percent <= 100; percent++) {
            const uint64_t rank = (percent * count + 99) / 100; /* in whole numbers there is no rounding */
            assert_int_equal(samples_percentile(&samples, (double)percent / 100), rank);
        }
        samples_finish(&samples);
    }
}

static void a_thousandth_is_found_among_many(void **state)
{
    struct samples samples = shuffled(1000003, 618033);
    (void)state;

    assert_int_equal(samples_percentile(&samples, 0.001), 1001);
    assert_int_equal(samples_percentile(&samples, 0.999), 999003);
    assert_int_equal(samples_percentile(&samples, 1), 1000003);
    samples_finish(&samples);
}

static void samples_may_be_added_after_a_percentile_was_asked_for(void **state)
{
    struct samples samples = shuffled(100, 37);
    (void)state;

    assert_int_equal(samples_percentile(&samples, 1), 100);
    samples_add(&samples, 7);
    samples_add(&samples, UINT64_MAX);
    assert_int_equal(samples_percentile(&samples, 1), UINT64_MAX);
    assert_int_equal(samples_percentile(&samples, 8.0 / 102), 7);
    samples_finish(&samples);
}

static void fractions_out_of_range_give_the_ends(void **state)
{
    struct samples samples = shuffled(10, 3);
    (void)state;

    assert_int_equal(samples_percentile(&samples, -1), 1);
    assert_int_equal(samples_percentile(&samples, (double)NAN), 1);
    assert_int_equal(samples_percentile(&samples, 2), 10);
    samples_finish(&samples);
}

static void without_samples_there_is_no_percentile(void **state)
{
    struct samples samples;
    cJSON *object = cJSON_CreateObject();
    (void)state;

    samples_init(&samples, NO_LIMIT);
    assert_int_equal(samples_percentile(&samples, 0.5), 0);
    samples_to_json(&samples, object, "latency");
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(object, "latency")));
    cJSON_Delete(object);
    samples_finish(&samples);
}

static void what_is_past_the_limit_is_counted_and_not_kept(void **state)
{
    static const size_t limits[] = {0, 1, 1023, 1024, 1025, 3000};
    (void)state;

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct samples samples;
        samples_init(&samples, limits[i]);
        for (uint64_t n = 1; n <= 5000; n++)
            samples_add(&samples, n);
        assert_int_equal(samples.count, limits[i]);
        assert_true(samples.capacity <= limits[i]);
        assert_int_equal(samples.left_out, 5000 - limits[i]);
        assert_int_equal(samples_percentile(&samples, 1), limits[i]);
        samples_finish(&samples);
    }
}

static void json_has_the_six_figures_in_microseconds(void **state)
{
    static const struct {
        const char *key;
        double us;
    } expected[] = {
        {"min_us", 0.001}, {"p50_us", 5}, {"p90_us", 9}, {"p99_us", 9.9}, {"p99_9_us", 9.99}, {"max_us", 10},
    };
    struct samples samples = shuffled(10000, 7777);
    cJSON *object = cJSON_CreateObject();
    const cJSON *latency;
    (void)state;

    samples_to_json(&samples, object, "latency");
    latency = cJSON_GetObjectItemCaseSensitive(object, "latency");
    assert_int_equal(cJSON_GetArraySize(latency), 6);
    for (size_t i = 0; i < 6; i++) {
        const cJSON *figure = cJSON_GetArrayItem(latency, (int)i);
        assert_string_equal(figure->string, expected[i].key);
        assert_true(fabs(figure->valuedouble - expected[i].us) < 1e-9);
    }
    cJSON_Delete(object);
    samples_finish(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_the_sample_of_the_nearest_rank),
        cmocka_unit_test(every_hundredth_of_every_count_is_exact),
        cmocka_unit_test(a_thousandth_is_found_among_many),
        cmocka_unit_test(samples_may_be_added_after_a_percentile_was_asked_for),
        cmocka_unit_test(fractions_out_of_range_give_the_ends),
        cmocka_unit_test(without_samples_there_is_no_percentile),
        cmocka_unit_test(what_is_past_the_limit_is_counted_and_not_kept),
        cmocka_unit_test(json_has_the_six_figures_in_microseconds),
    };
    return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
