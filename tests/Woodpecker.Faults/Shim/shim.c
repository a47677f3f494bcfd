/*
 * Faults below a running process: errors of fsync, fdatasync and pwrite, a slow disk, a clock that is wrong. Each process maps
 * the file $WOODPECKER_FAULTS/<pid>, and whoever writes to that file decides. Without the variable nothing happens.
 *
 * .NET finds P/Invoke targets by dlsym on the C library itself, which goes past preloaded functions; so dlsym is preloaded too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct control {
    volatile int sync_error;   /* errno of fsync and fdatasync; 0: none */
    volatile int write_error;  /* errno of pwrite to regular files; 0: none */
    volatile int sync_delay;   /* milliseconds before each sync */
    volatile int hits;         /* faults that happened, for whoever wants to know */
    volatile long long clock;  /* nanoseconds added to the real-time clock */
    volatile int short_write;  /* 1: pwrite to regular files writes half */
};

static struct control none;
static struct control *control = &none;
static void *(*real_dlsym)(void *, const char *);

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("WOODPECKER_FAULTS");
    char path[4096];
    int file;
    void *map;
    if (folder == NULL || snprintf(path, sizeof path, "%s/%d", folder, (int)getpid()) >= (int)sizeof path)
        return;
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    if (ftruncate(file, 4096) == 0) {
        map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (map != MAP_FAILED)
            control = map;
    }
    close(file);
}

static int fails_sync(void) {
    if (control->sync_delay > 0) {
        struct timespec pause = { control->sync_delay / 1000, (long)(control->sync_delay % 1000) * 1000000L };
        nanosleep(&pause, NULL);
    }
    if (control->sync_error == 0)
        return 0;
    control->hits++;
    errno = control->sync_error;
    return 1;
}

int fsync(int file) { return fails_sync() ? -1 : (int)syscall(SYS_fsync, file); }

int fdatasync(int file) { return fails_sync() ? -1 : (int)syscall(SYS_fdatasync, file); }

static int is_regular(int file) {
    struct stat facts;
    return fstat(file, &facts) == 0 && S_ISREG(facts.st_mode);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    if (control->write_error != 0 && is_regular(file)) {
        control->hits++;
        errno = control->write_error;
        return -1;
    }
    if (control->short_write != 0 && count > 4096 && is_regular(file)) {
        control->hits++;
        count = (count / 2) & ~(size_t)4095;
    }
    return syscall(SYS_pwrite64, file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    long long skew = control->clock;
    int result;
    if (real == NULL)
        real = (int (*)(clockid_t, struct timespec *))dlvsym(RTLD_NEXT, "clock_gettime", "GLIBC_2.17");
    result = real == NULL ? (int)syscall(SYS_clock_gettime, clock, now) : real(clock, now);
    if (result == 0 && skew != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        long long total = now->tv_sec * 1000000000LL + now->tv_nsec + skew;
        now->tv_sec = total / 1000000000LL;
        now->tv_nsec = total % 1000000000LL;
    }
    return result;
}

void *dlsym(void *library, const char *name) {
    if (real_dlsym == NULL) {
        real_dlsym = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (real_dlsym == NULL)
            real_dlsym = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        if (real_dlsym == NULL)
            real_dlsym = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
    }
    if (strcmp(name, "fdatasync") == 0)
        return (void *)fdatasync;
    if (strcmp(name, "fsync") == 0)
        return (void *)fsync;
    return real_dlsym(library, name);
}
