/* Signals as C has them: sends and waits by signal(7), sigqueue(3), sigwaitinfo(2). */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(const char *what) {
    perror(what);
    return 1;
}

/* One signal with whatever siginfo_t is written: rt_sigqueueinfo(2). */
static int forge(pid_t pid, int number, int code, pid_t from, uid_t uid) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = number;
    info.si_code = code;
    info.si_pid = from;
    info.si_uid = uid;
    info.si_value.sival_int = 7;
    return (int)syscall(SYS_rt_sigqueueinfo, pid, number, &info);
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const char *mode = argv[1];
    int number = SIGRTMIN + atoi(argv[2]);
    if (strcmp(mode, "wait") == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, number);
        if (sigprocmask(SIG_BLOCK, &set, NULL)) return fails("sigprocmask");
        printf("answer: ready\n");
        fflush(stdout);
        for (int left = atoi(argv[3]); left > 0; left--) {
            siginfo_t info;
            if (sigwaitinfo(&set, &info) < 0) return fails("sigwaitinfo");
            printf("answer: %d %d %jx %d %u\n", info.si_code == SI_QUEUE, info.si_value.sival_int,
                   (uintmax_t)(uintptr_t)info.si_value.sival_ptr, info.si_pid, info.si_uid);
            fflush(stdout);
        }
        return 0;
    }
    pid_t pid = (pid_t)atoi(argv[3]);
    int count = argc > 4 ? atoi(argv[4]) : 1;
    if (strcmp(mode, "queue") == 0) {
        for (int i = 0; i < count; i++) {
            union sigval value = {.sival_int = i};
            while (sigqueue(pid, number, value)) {
                if (errno != EAGAIN) return fails("sigqueue");
                usleep(1000);
            }
        }
    } else if (strcmp(mode, "word") == 0) {
        union sigval value = {.sival_ptr = (void *)UINTPTR_MAX};
        if (sigqueue(pid, number, value)) return fails("sigqueue");
    } else if (strcmp(mode, "kill") == 0) {
        if (kill(pid, number)) return fails("kill");
    } else if (strcmp(mode, "forge") == 0) {
        /* A timer's, and a queued one with another's name on it. */
        if (forge(pid, number, SI_TIMER, 1, 0)) return fails("a timer");
        if (forge(pid, number, SI_QUEUE, 1, 0)) return fails("another's");
        /* The kernel's, and kill's, which it lets nobody write. */
        if (forge(pid, number, SI_KERNEL, 1, 0) == 0 || errno != EPERM) return fails("kernel");
        if (forge(pid, number, SI_USER, 1, 0) == 0 || errno != EPERM) return fails("kill");
    } else {
        return 2;
    }
    return 0;
}
