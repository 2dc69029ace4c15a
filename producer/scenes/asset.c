// SPDX-License-Identifier: MIT
/*
 * The assembler copies each file into the read-only data as it is: gcc and clang both know .incbin on ELF, and no
 * generated source is needed. CMake gives ASSETS_FOLDER, and compiles this file again when an asset changes.
 */
#include "asset.h"

#include <stdint.h>

#define EMBED(symbol, file)                                                                                            \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".balign 16\n"                                                                                             \
            ".globl flipbook_" #symbol "_start\n"                                                                      \
            ".hidden flipbook_" #symbol "_start\n"                                                                     \
            "flipbook_" #symbol "_start:\n"                                                                            \
            ".incbin \"" ASSETS_FOLDER "/" file "\"\n"                                                                 \
            ".globl flipbook_" #symbol "_end\n"                                                                        \
            ".hidden flipbook_" #symbol "_end\n"                                                                       \
            "flipbook_" #symbol "_end:\n"                                                                              \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char flipbook_##symbol##_start[], flipbook_##symbol##_end[];                                          \
    struct asset asset_##symbol(void)                                                                                  \
    {                                                                                                                  \
        return (struct asset){file, flipbook_##symbol##_start,                                                         \
                              (uintptr_t)flipbook_##symbol##_end - (uintptr_t)flipbook_##symbol##_start};              \
    }

EMBED(film_obj, "film.obj")
EMBED(film_png, "film.png")
