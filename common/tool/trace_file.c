// SPDX-License-Identifier: MIT
/*
 * Two programs that end at once would each overlook the other's file: the folder is locked from looking at it to the
 * renaming. A lock on the file itself would be of no use, as renaming replaces that; and one beside it would stay there.
 *
 * A file that was there when we began is of an earlier run and is replaced. One that came since is of a program that ran
 * beside us. What it begins and ends with is always the same, so that it can be gone on with as text.
 */
#include "trace_file.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HEAD "{\"traceEvents\":[\n"
#define TAIL "\n]}\n"
#define COPY_BYTES 65536

/* How long to wait for the folder's lock. Whoever holds it for longer is no trace of ours. */
#define LOCK_NS UINT64_C(10000000000)
#define LOCK_AGAIN_NS UINT64_C(5000000)

static int failed(const struct trace_file *file, int error, struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "cannot write the trace \"%.200s\": %s; %s", file->given, strerror(error),
                     error == ENOSPC || error == EDQUOT ? "free some space, or give --trace another place"
                     : error == EISDIR                  ? "give --trace the name of a file"
                                                        : "give --trace another name");
}

/* ---- before */

/* The path with links resolved, for renaming replaces a link and not what it leads to; NULL without memory. */
static char *resolve(const char *path)
{
    char *resolved = realpath(path, NULL);
    return resolved != NULL ? resolved : strdup(path);
}

/* The length of the folder's part, with its slash; 0: there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

static int name_temporary(struct trace_file *file, struct fault *fault)
{
    const size_t folder = folder_length(file->path), size = strlen(file->path) + 32;

    file->temporary = malloc(size);
    if (file->temporary == NULL)
        return failed(file, ENOMEM, fault);
    snprintf(file->temporary, size, "%.*s.%s.tmp-%ld", (int)folder, file->path, file->path + folder, (long)getpid());
    return 0;
}

/* A name that is too long, a folder that is not there, a disk that is read-only: all are told by trying. */
static int probe(const struct trace_file *file, struct fault *fault)
{
    int fd;

    (void)unlink(file->temporary); /* of a dead process whose number is ours now */
    fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return failed(file, errno, fault);
    close(fd);
    unlink(file->temporary);
    return 0;
}

/* A pipe or a device: opened now, as a shell would, and written to at the end. */
static int open_special(struct trace_file *file, struct fault *fault)
{
    const int fd = open(file->given, O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        file->stream = fdopen(fd, "w");
    if (file->stream != NULL)
        return 0;
    failed(file, errno, fault);
    if (fd >= 0)
        close(fd);
    return -1;
}

int trace_file_open(struct trace_file *file, const char *path, struct fault *fault)
{
    const size_t folder = folder_length(path);

    *file = (struct trace_file){.given = path, .folder = -1};
    if (strcmp(path, "-") == 0)
        return fault_set(fault, EXIT_USAGE, "--trace -: the name of a file is wanted; /dev/stdout goes");
    if (path[folder] == '\0')
        return failed(file, EISDIR, fault);
    file->was_there = stat(path, &file->old) == 0;
    if (file->was_there && S_ISDIR(file->old.st_mode))
        return failed(file, EISDIR, fault);
    if (file->was_there && !S_ISREG(file->old.st_mode))
        return open_special(file, fault);
    file->path = resolve(path);
    if (file->path == NULL)
        return failed(file, ENOMEM, fault);
    /* Renaming would replace a file that says that it is not to be written. */
    if (file->was_there && access(file->path, W_OK) != 0)
        return failed(file, errno, fault);
    if (name_temporary(file, fault) != 0)
        return -1;
    return probe(file, fault);
}

/* ---- after */

/* Without it (another program's lock, a file system that has none) two that end in the same instant may lose one's
   events; nothing is damaged. */
static void lock_folder(struct trace_file *file)
{
    const size_t length = folder_length(file->path);
    const uint64_t deadline_ns = clock_now_ns() + LOCK_NS;
    char *folder = length == 0 ? strdup(".") : strndup(file->path, length);

    if (folder != NULL)
        file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    while (file->folder >= 0 && flock(file->folder, LOCK_EX | LOCK_NB) != 0 &&
           (errno == EWOULDBLOCK || errno == EINTR) && clock_now_ns() < deadline_ns)
        (void)clock_sleep_until(clock_now_ns() + LOCK_AGAIN_NS);
}

/* Whether the file that is there now came since we began, and is one of ours; then *end is where its end begins. */
static bool is_beside_us(const struct trace_file *file, int fd, off_t *end)
{
    char head[sizeof HEAD - 1], tail[sizeof TAIL - 1];
    struct stat now;

    if (fstat(fd, &now) != 0 || !S_ISREG(now.st_mode) || now.st_size <= (off_t)(sizeof head + sizeof tail))
        return false;
    if (file->was_there && now.st_ino == file->old.st_ino && now.st_dev == file->old.st_dev &&
        now.st_mtim.tv_sec == file->old.st_mtim.tv_sec && now.st_mtim.tv_nsec == file->old.st_mtim.tv_nsec)
        return false;
    *end = now.st_size - (off_t)sizeof tail;
    return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head && memcmp(head, HEAD, sizeof head) == 0 &&
           pread(fd, tail, sizeof tail, *end) == (ssize_t)sizeof tail && memcmp(tail, TAIL, sizeof tail) == 0;
}

/* Copies the events of programs that ran beside us. Returns 0 or -errno. */
static int copy_events(struct trace_file *file)
{
    char buffer[COPY_BYTES];
    off_t at = (off_t)(sizeof HEAD - 1), end;
    const int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    int rc = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!is_beside_us(file, fd, &end))
        end = at;
    else if (fputs(",\n", file->stream) == EOF)
        rc = -errno;
    while (at < end && rc == 0) {
        const size_t want = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;
        const ssize_t got = pread(fd, buffer, want, at);
        if (got <= 0)
            rc = got == 0 ? -EIO : -errno;
        else if (fwrite(buffer, 1, (size_t)got, file->stream) != (size_t)got)
            rc = -errno;
        at += got > 0 ? got : 0;
    }
    close(fd);
    return rc;
}

int trace_file_begin(struct trace_file *file, struct fault *fault)
{
    if (file->path != NULL) {
        const int fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0)
            return failed(file, errno, fault);
        file->stream = fdopen(fd, "w");
        if (file->stream == NULL) {
            failed(file, errno, fault);
            close(fd);
            unlink(file->temporary);
            return -1;
        }
    }
    fputs(HEAD, file->stream);
    return 0;
}

/* Writes what is left to write. Returns 0 or the errno. */
static int complete(struct trace_file *file)
{
    int error = 0;

    if (file->path != NULL) {
        lock_folder(file);
        error = -copy_events(file);
    }
    errno = 0;
    fputs(TAIL, file->stream);
    if ((fflush(file->stream) != 0 || ferror(file->stream)) && error == 0)
        error = errno != 0 ? errno : EIO;
    return error;
}

int trace_file_end(struct trace_file *file, struct fault *fault)
{
    int error = complete(file);

    if (fclose(file->stream) != 0 && error == 0)
        error = errno;
    file->stream = NULL;
    if (error == 0 && file->path != NULL && rename(file->temporary, file->path) != 0)
        error = errno;
    if (error != 0 && file->path != NULL)
        unlink(file->temporary);
    return error == 0 ? 0 : failed(file, error, fault);
}

void trace_file_finish(struct trace_file *file)
{
    if (file->stream != NULL) {
        fclose(file->stream);
        if (file->path != NULL)
            unlink(file->temporary);
    }
    if (file->folder >= 0)
        close(file->folder);
    free(file->path);
    free(file->temporary);
    *file = (struct trace_file){.folder = -1};
}
