/* The other side, as programs in C have it: peer create|open NAME, or peer inherit VARIABLE.
   It answers by its status alone: what it expects is what tests/region/c.rs says. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct shared {
    _Atomic uint64_t counter;
    char message[56];
};

_Static_assert(sizeof(struct shared) == 64, "the layout of the test");
_Static_assert(offsetof(struct shared, message) == 8, "the layout of the test");

#define MUST(what)                                                                       \
    do {                                                                                 \
        if (!(what)) {                                                                   \
            fprintf(stderr, "peer.c:%d: %s: %s\n", __LINE__, #what, strerror(errno));    \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

enum { ROUNDS = 100000 };

static struct shared *map(int fd) {
    struct stat stat;
    MUST(fd >= 0);
    MUST(fstat(fd, &stat) == 0);
    MUST(stat.st_size == sizeof(struct shared));
    void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(at != MAP_FAILED);
    MUST(close(fd) == 0);
    return at;
}

/* Finds what Rust wrote, counts beside it, and leaves a message. */
static void take_part(struct shared *shared) {
    MUST(strcmp(shared->message, "hello from Rust") == 0);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&shared->counter, 1);
        if (i % 1000 == 0)
            sched_yield();
    }
    strcpy(shared->message, "hello from C");
}

int main(int argc, char **argv) {
    MUST(argc == 3);
    /* Whoever started this may be gone. */
    alarm(60);
    if (strcmp(argv[1], "open") == 0) {
        take_part(map(shm_open(argv[2], O_RDWR, 0)));
        /* It is Rust's to remove. */
        MUST(shm_open(argv[2], O_CREAT | O_EXCL | O_RDWR, 0600) == -1 && errno == EEXIST);
    } else if (strcmp(argv[1], "inherit") == 0) {
        const char *left = getenv(argv[2]);
        MUST(left != NULL);
        take_part(map(atoi(left)));
    } else if (strcmp(argv[1], "create") == 0) {
        /* As the guides do it: there is no memory behind it before it is touched. */
        int fd = shm_open(argv[2], O_CREAT | O_EXCL | O_RDWR, 0600);
        MUST(fd >= 0);
        MUST(ftruncate(fd, sizeof(struct shared)) == 0);
        struct shared *shared = map(fd);
        strcpy(shared->message, "made by C");
        atomic_store(&shared->counter, 1);
        puts("made");
        MUST(fflush(stdout) == 0);
        /* Until Rust has written. */
        while (atomic_load(&shared->counter) == 1)
            sched_yield();
        take_part(shared);
        while (atomic_load(&shared->counter) != 2 + 2 * ROUNDS)
            sched_yield();
        MUST(shm_unlink(argv[2]) == 0);
    } else {
        MUST(!"a known part");
    }
    return 0;
}
