/* A client in C: sends lines to the listener, and prints what comes back. */

#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>

static mqd_t open_queue(const char *name, const char *suffix, int how)
{
    char full[256];

    snprintf(full, sizeof full, "%s.%s", name, suffix);
    return mq_open(full, how);
}

int main(int argc, char **argv)
{
    mqd_t requests, replies;
    char body[64];
    int i;

    if (argc < 2)
        return 1;
    requests = open_queue(argv[1], "requests", O_WRONLY);
    replies = open_queue(argv[1], "replies", O_RDONLY);
    if (requests == (mqd_t)-1 || replies == (mqd_t)-1)
        return 2;
    for (i = 0; i < 100; i++) {
        unsigned priority;
        ssize_t len;

        snprintf(body, sizeof body, "message %d", i);
        if (mq_send(requests, body, strlen(body), (unsigned)i % 32) != 0)
            return 3;
        len = mq_receive(replies, body, sizeof body, &priority);
        if (len < 0 || priority != (unsigned)i % 32)
            return 4;
        printf("%.*s\n", (int)len, body);
    }
    return 0;
}
