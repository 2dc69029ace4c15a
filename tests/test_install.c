// SPDX-License-Identifier: MIT
/*
 * What `cmake --install` leaves is what a downstream project finds: by CMake package and by pkg-config. The downstream
 * programs are the README's own examples, so that these compile and work, too.
 */
#include "support/program.h"
#include "support/support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *prefix; /* where it is installed */
static char *project; /* the downstream project */
static struct test_name segment;

static void run_or_fail(struct test_result result)
{
    if (result.code != 0)
        fail_msg("exit code %d\n%s\n%s", result.code, result.out, result.err);
    test_result_finish(&result);
}

static void write_file(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_file(const char *name, const char *format, ...)
{
    char path[256];
    va_list arguments;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", project, name);
    file = fopen(path, "w");
    assert_non_null(file);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    assert_int_equal(fclose(file), 0);
}

/* Writes the README's C examples to files, with a segment name of this test's own. */
static void extract_examples(void)
{
    FILE *readme = fopen(SOURCE_FOLDER "/README.md", "r");
    const char *const names[] = {"writer.c", "reader.c"};
    char line[512], code[8192] = "";
    size_t found = 0;
    bool inside = false;

    assert_non_null(readme);
    while (fgets(line, sizeof line, readme) != NULL) {
        char *name = strstr(line, "\"hello\"");
        if (strcmp(line, "```c\n") == 0) {
            inside = true;
            code[0] = '\0';
        } else if (inside && strcmp(line, "```\n") == 0) {
            assert_in_range(found, 0, 1);
            write_file(names[found++], "%s", code);
            inside = false;
        } else if (inside) {
            const size_t used = strlen(code);
            if (name != NULL)
                snprintf(code + used, sizeof code - used, "%.*s\"%s\"%s", (int)(name - line), line, segment.text,
                         name + strlen("\"hello\""));
            else
                snprintf(code + used, sizeof code - used, "%s", line);
        }
    }
    fclose(readme);
    assert_int_equal(found, 2);
}

static bool segment_is_live(void *name)
{
    struct flip_segment_status status;
    return flip_segment_get_status(name, &status) == 0 && status.state == FLIP_STATE_LIVE;
}

/* Runs the pair that was built in a folder of the project. */
static void the_pair_works(const char *folder)
{
    char writer_path[256], reader_path[256];
    const char *const writer_argv[] = {writer_path, NULL}, *const reader_argv[] = {reader_path, NULL};
    struct test_program writer;
    struct test_result result;

    snprintf(writer_path, sizeof writer_path, "%s/%s/writer", project, folder);
    snprintf(reader_path, sizeof reader_path, "%s/%s/reader", project, folder);
    writer = test_start(writer_argv);
    assert_true(test_eventually(segment_is_live, segment.text));
    result = test_run(reader_argv);
    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.out, "frame 600: 640x480"));
    test_result_finish(&result);
    run_or_fail(test_program_end(&writer, 0));
    assert_false(test_segment_exists(segment.text));
}

static void everything_is_installed(void **state)
{
    const char *const files[] = {"bin/flipbook-render",
                                 "bin/flipbook-view",
                                 "bin/flipbook-ls",
                                 "include/flipbook.h",
                                 "lib/libflipbook.so",
                                 "lib/libflipbook.a",
                                 "lib/pkgconfig/flipbook.pc",
                                 "lib/cmake/flipbook/flipbookConfig.cmake",
                                 "share/man/man1/flipbook-ls.1",
                                 "share/man/man1/flipbook-render.1",
                                 "share/man/man1/flipbook-view.1"};
    (void)state;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", prefix, files[i]);
        if (access(path, R_OK) != 0)
            fail_msg("%s is not installed", files[i]);
    }
    run_or_fail(test_run_shell("%s/bin/flipbook-render --version", prefix));
}

static void a_cmake_project_finds_it(void **state)
{
    (void)state;
    write_file("CMakeLists.txt", "cmake_minimum_required(VERSION 3.22)\n"
                                 "project(downstream C)\n"
                                 "find_package(flipbook 0.1 REQUIRED)\n"
                                 "add_executable(writer writer.c)\n"
                                 "target_link_libraries(writer PRIVATE flipbook::flipbook)\n"
                                 "add_executable(reader reader.c)\n"
                                 "target_link_libraries(reader PRIVATE flipbook::flipbook)\n");
    run_or_fail(test_run_shell(
        "cd %s && '%s' -G Ninja -B by-cmake -DCMAKE_PREFIX_PATH=%s -DCMAKE_C_FLAGS='-Wall -Wextra -Werror' "
        "&& '%s' --build by-cmake",
        project, CMAKE_PROGRAM, prefix, CMAKE_PROGRAM));
    the_pair_works("by-cmake");
}

static void a_makefile_finds_it_by_pkg_config(void **state)
{
    (void)state;
    run_or_fail(test_run_shell(
        "cd %s && mkdir by-hand && export PKG_CONFIG_PATH=%s/lib/pkgconfig && for p in writer reader; do "
        "${CC:-cc} -Wall -Wextra -Werror -o by-hand/$p $p.c $(pkg-config --cflags --libs flipbook) "
        "-Wl,-rpath,%s/lib || exit 1; done",
        project, prefix, prefix));
    the_pair_works("by-hand");
}

static void the_library_needs_libc_alone(void **state)
{
    struct test_result result = test_run_shell("readelf -d %s/lib/libflipbook.so | grep NEEDED", prefix);
    (void)state;

    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.out, "[libc.so.6]"));
    assert_null(strchr(strchr(result.out, '\n') + 1, '\n')); /* one line */
    test_result_finish(&result);
}

static int install(void **state)
{
    (void)state;
    prefix = test_directory_create();
    project = test_directory_create();
    segment = test_unique_name("install");
    /* Libraries in lib/, not in Debian's lib/x86_64-linux-gnu: the test names the files. */
    run_or_fail(
        test_run_shell("cd %s && '%s' -G Ninja -S %s -B build -DCMAKE_INSTALL_LIBDIR=lib -DFLIPBOOK_TESTS=OFF && "
                       "'%s' --build build -j2 && '%s' --install build --prefix %s",
                       project, CMAKE_PROGRAM, SOURCE_FOLDER, CMAKE_PROGRAM, CMAKE_PROGRAM, prefix));
    extract_examples();
    return 0;
}

static int uninstall(void **state)
{
    (void)state;
    test_directory_destroy(project);
    test_directory_destroy(prefix);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_installed),
        cmocka_unit_test(a_cmake_project_finds_it),
        cmocka_unit_test(a_makefile_finds_it_by_pkg_config),
        cmocka_unit_test(the_library_needs_libc_alone),
    };
    return cmocka_run_group_tests_name("install", tests, install, uninstall);
}
