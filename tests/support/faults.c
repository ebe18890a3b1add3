/* Makes the N-th call fail that touches a file below a folder: preloaded, and armed through ctypes.
 *
 * Counted are open for writing, read, write, pwrite, fsync, fdatasync, ftruncate, rename, renameat2 and unlink.
 * With `short_write`, a write that is to fail puts half of its bytes down first, as a full disk does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 4096
static char root[PATH_MAX];
static char ours[MOST];
static int left, fault, halves, hits;
static char what[64];

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* `number` of the call that is to fail, from 1; 0 only counts. */
void faults_arm(const char *folder, int number, int error, int short_write) {
    snprintf(root, sizeof root, "%s/", folder);
    left = number; fault = error; halves = short_write;
    hits = 0; what[0] = 0;
}
void faults_disarm(void) { root[0] = 0; }
int faults_hits(void) { return hits; }          /* calls that were counted */
const char *faults_what(void) { return what; }  /* which call failed; empty if none did */

static int below(const char *path) {  /* the folder itself too: its fsync makes a rename last */
    size_t size = strlen(root);
    return size && path && (!strncmp(path, root, size) || (strlen(path) == size - 1 && !strncmp(path, root, size - 1)));
}
static int mine(int fd) { return root[0] && fd >= 0 && fd < MOST && ours[fd]; }
static int fails(const char *name) {
    hits++;
    if (hits != left) return 0;
    snprintf(what, sizeof what, "%s", name);
    errno = fault;
    return 1;
}
static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < MOST) ours[fd] = below(path);
    return fd;
}

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...) {                              \
        REAL(name);                                                           \
        va_list list; va_start(list, flags);                                  \
        mode_t mode = va_arg(list, mode_t); va_end(list);                     \
        if (below(path) && (flags & (O_WRONLY | O_RDWR | O_CREAT)) && fails("open")) return -1; \
        return opened(real(path, flags, mode), path);                         \
    }
OPEN(open)
OPEN(open64)

int close(int fd) { REAL(close); if (fd >= 0 && fd < MOST) ours[fd] = 0; return real(fd); }

ssize_t read(int fd, void *data, size_t size) {
    REAL(read);
    return mine(fd) && fails("read") ? -1 : real(fd, data, size);
}
ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    if (!mine(fd) || !fails("write")) return real(fd, data, size);
    if (halves && size > 1) real(fd, data, size / 2);
    errno = fault;
    return -1;
}
#define PWRITE(name, offset_type)                                             \
    ssize_t name(int fd, const void *data, size_t size, offset_type at) {     \
        REAL(name);                                                           \
        if (!mine(fd) || !fails("pwrite")) return real(fd, data, size, at);   \
        if (halves && size > 1) real(fd, data, size / 2, at);                 \
        errno = fault;                                                        \
        return -1;                                                            \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

int fsync(int fd) { REAL(fsync); return mine(fd) && fails("fsync") ? -1 : real(fd); }
int fdatasync(int fd) { REAL(fdatasync); return mine(fd) && fails("fdatasync") ? -1 : real(fd); }
int ftruncate(int fd, off_t size) { REAL(ftruncate); return mine(fd) && fails("ftruncate") ? -1 : real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); return mine(fd) && fails("ftruncate") ? -1 : real(fd, size); }
int unlink(const char *path) { REAL(unlink); return below(path) && fails("unlink") ? -1 : real(path); }
int rename(const char *from, const char *to) {
    REAL(rename);
    return below(to) && fails("rename") ? -1 : real(from, to);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    REAL(renameat2);
    return below(to) && fails("renameat2") ? -1 : real(from_folder, from, to_folder, to, flags);
}
