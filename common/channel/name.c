// SPDX-License-Identifier: MIT
/*
 * Taking a name, as twenty writers may do at once:
 *
 *     open ---- not there ----> create with O_EXCL ---- there meanwhile ---> start over
 *       |                            |
 *     try the lock                lock it at once --- refused, or unlinked meanwhile ---> start over
 *       |        \                   |
 *       |      refused: live      it is ours
 *     stale, and ours to remove
 *       |
 *     unlinked meanwhile? start over; else unlink, and start over
 *
 * Between O_EXCL and the lock another process may find the new object unlocked, take it for stale, and remove it; that
 * is what "refused, or unlinked meanwhile" is about.
 */
#include "name.h"

#include "liveness.h"
#include "monotonic.h"
#include "segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where shm_open puts names on Linux, in glibc and musl alike. Needed to list them and to rename one. */
#define SHM_FOLDER "/dev/shm"
#define PREFIX "flipbook."
#define NEXT_SUFFIX "~next" /* '~' is not in the grammar: no segment has such a name of its own */

/* Long enough for a lock's holder to be past the instants between taking a stale lock and unlinking, or between
   creating and storing its pid. A live writer in another pid namespace never settles, and costs all of it. */
#define CONFIRM_TRIES 50
#define CONFIRM_POLL_NS UINT64_C(1000000)

struct path {
    char text[sizeof "/" PREFIX NEXT_SUFFIX + FLIP_NAME_MAX];
};

static struct path path_of(const char *name, const char *suffix)
{
    struct path path;
    snprintf(path.text, sizeof path.text, "/" PREFIX "%s%s", name, suffix);
    return path;
}

static bool name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool flip_name_valid(const char *name)
{
    size_t length = 0;

    if (name == NULL || !name_byte(name[0]))
        return false;
    for (; name[length] != '\0'; length++)
        if (length >= FLIP_NAME_MAX || !(name_byte(name[length]) || strchr("._-", name[length]) != NULL))
            return false;
    return true;
}

/* O_NONBLOCK: a FIFO would otherwise make its opener wait. The other errors are what a directory, a symbolic link or a
   socket gives. */
static int open_as(const char *name, int flags, struct flip_fork_guard *guard)
{
    const struct path path = path_of(name, "");
    const int rc = flip_fork_guard_open(guard, path.text, flags | O_NONBLOCK, 0);
    struct stat stat;

    if (rc == -EINVAL || rc == -EISDIR || rc == -ELOOP || rc == -ENXIO)
        return -EBADMSG;
    if (rc == 0 && (fstat(guard->fd, &stat) != 0 || !S_ISREG(stat.st_mode))) {
        flip_fork_guard_close(guard);
        return -EBADMSG;
    }
    return rc;
}

int flip_name_open(const char *name, struct flip_fork_guard *guard)
{
    return open_as(name, O_RDWR, guard);
}

int flip_name_open_readonly(const char *name, struct flip_fork_guard *guard)
{
    return open_as(name, O_RDONLY, guard);
}

bool flip_name_lost(int fd)
{
    struct stat stat;
    return fstat(fd, &stat) != 0 || stat.st_nlink == 0;
}

struct file_path {
    char text[sizeof SHM_FOLDER + sizeof((struct path *)0)->text];
};

static struct file_path file_path_of(const char *name, const char *suffix)
{
    const struct path path = path_of(name, suffix);
    struct file_path file;
    snprintf(file.text, sizeof file.text, SHM_FOLDER "%s", path.text);
    return file;
}

/* Looks without opening: a process that is out of descriptors must still be able to remove its name. */
static bool leads_to(const char *name, const char *suffix, int fd)
{
    const struct file_path path = file_path_of(name, suffix);
    struct stat ours, named;

    return fstat(fd, &ours) == 0 && lstat(path.text, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

bool flip_name_leads_to(const char *name, int fd)
{
    return leads_to(name, "", fd);
}

/* Whatever a dead holder of the name left beside it. Only who has the name may. */
static void drop_debris(const char *name)
{
    const struct path path = path_of(name, NEXT_SUFFIX);
    shm_unlink(path.text);
}

/*
 * Whether the lock's holder is a writer that can be named. For an instant it may instead be somebody who removes a
 * stale segment, or a writer that has not stored its pid; then a second look is worth while. The pid only decides how
 * long to look, never who has the name.
 */
static bool holder_settled(int fd)
{
    struct flip_frozen frozen;
    uint32_t pid;

    if (!flip_frozen_peek(fd, &frozen))
        return false;
    pid = atomic_load_explicit(&frozen.writer_pid, memory_order_relaxed);
    return pid != 0 && pid <= INT32_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* Removes the stale object behind the path. 0: gone, by us or another; -EEXIST: a live writer has it; -EAGAIN: held by
   somebody who is not settled yet. */
static int remove_stale(const char *name, int fd)
{
    const struct path path = path_of(name, "");
    const int rc = flip_lock_try(fd, FLIP_LOCK_WRITER);

    if (rc == -EBUSY)
        return flip_name_lost(fd) ? 0 : holder_settled(fd) ? -EEXIST : -EAGAIN;
    if (rc != 0)
        return rc;
    if (flip_name_lost(fd))
        return 0;
    drop_debris(name);
    return shm_unlink(path.text) == 0 || errno == ENOENT ? 0 : -errno;
}

/* Makes an empty locked object under a path that nothing has. 0, -EEXIST, -EAGAIN (lost to another process). */
static int create_locked(const char *path, mode_t mode, struct flip_fork_guard *guard)
{
    int rc = flip_fork_guard_open(guard, path, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);

    if (rc != 0)
        return rc;
    rc = flip_lock_try(guard->fd, FLIP_LOCK_WRITER);
    if (rc == -EBUSY || (rc == 0 && flip_name_lost(guard->fd)))
        rc = -EAGAIN;
    else if (rc == 0 && fchmod(guard->fd, mode) != 0) /* not the mode of shm_open, which the umask cuts */
        rc = -errno;
    if (rc != 0) {
        if (rc != -EAGAIN)
            shm_unlink(path);
        flip_fork_guard_close(guard);
    }
    return rc;
}

int flip_name_take(const char *name, mode_t mode, struct flip_fork_guard *guard)
{
    const struct path path = path_of(name, "");
    int unsettled = 0;

    for (;;) {
        int rc = flip_name_open(name, guard);

        if (rc == -ENOENT) {
            rc = create_locked(path.text, mode, guard);
            if (rc != -EEXIST && rc != -EAGAIN)
                return rc;
            continue;
        }
        if (rc != 0)
            return rc;
        rc = remove_stale(name, guard->fd);
        flip_fork_guard_close(guard);
        if (rc == -EAGAIN && ++unsettled < CONFIRM_TRIES)
            flip_sleep_ns(CONFIRM_POLL_NS);
        else if (rc != 0)
            return rc == -EAGAIN ? -EEXIST : rc;
    }
}

void flip_name_release(const char *name, int fd)
{
    const struct path path = path_of(name, "");

    if (flip_name_leads_to(name, fd))
        shm_unlink(path.text);
}

int flip_name_make_next(const char *name, int fd, mode_t mode, struct flip_fork_guard *guard)
{
    const struct path path = path_of(name, NEXT_SUFFIX);

    if (!flip_name_leads_to(name, fd))
        return -ESTALE;
    drop_debris(name);
    return create_locked(path.text, mode, guard);
}

int flip_name_commit_next(const char *name, int fd)
{
    const struct file_path from = file_path_of(name, NEXT_SUFFIX), to = file_path_of(name, "");

    /* Our lock keeps every flipbook from removing the name; this is against `rm`, and what may have come after it. */
    if (!flip_name_leads_to(name, fd))
        return -ESTALE;
    return rename(from.text, to.text) == 0 ? 0 : -errno;
}

void flip_name_drop_next(const char *name, int next_fd)
{
    if (leads_to(name, NEXT_SUFFIX, next_fd))
        drop_debris(name);
}

int flip_segment_clean(const char *name)
{
    struct flip_fork_guard guard;
    int rc;

    if (!flip_name_valid(name))
        return -EINVAL;
    rc = flip_name_open(name, &guard);
    if (rc != 0)
        return rc;
    rc = remove_stale(name, guard.fd);
    flip_fork_guard_close(&guard);
    return rc == -EEXIST || rc == -EAGAIN ? -EBUSY : rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Copies the names after the pointers, into one allocation. */
static int pack_names(const char *text, size_t bytes, size_t count, char ***out)
{
    char **names = malloc(count * sizeof *names + bytes + 1);
    char *copy;

    if (names == NULL)
        return -ENOMEM;
    copy = (char *)(names + count);
    memcpy(copy, text, bytes);
    for (size_t i = 0; i < count; i++, copy += strlen(copy) + 1)
        names[i] = copy;
    qsort(names, count, sizeof *names, by_name);
    *out = names;
    return 0;
}

int flip_segment_list(char ***names, size_t *count)
{
    char *text = NULL;
    size_t bytes = 0, found = 0;
    const struct dirent *entry;
    FILE *stream;
    bool failed;
    int rc;
    DIR *folder = opendir(SHM_FOLDER);

    if (folder == NULL)
        return -errno;
    stream = open_memstream(&text, &bytes);
    if (stream == NULL) {
        rc = -errno;
        closedir(folder);
        return rc;
    }
    while ((entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name + strlen(PREFIX);
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 && flip_name_valid(name)) {
            fputs(name, stream);
            fputc('\0', stream);
            found++;
        }
    }
    closedir(folder);
    failed = ferror(stream) != 0; /* fclose does not tell of a write that failed before */
    rc = fclose(stream) != 0 || failed ? -ENOMEM : pack_names(text, bytes, found, names);
    free(text);
    if (rc == 0)
        *count = found;
    return rc;
}
