/* A program in C at the other end of a queue: it knows nothing of the project.
 *
 *   peer make NAME      makes a queue of 4 x 64 bytes, says "made", waits for a line
 *   peer send NAME      sends four messages of four priorities
 *   peer receive NAME N prints the next N messages, each with its priority
 *   peer echo FROM TO   sends back what comes with its priority and one more, until an empty one
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static mqd_t opened(const char *name, int flags)
{
    mqd_t queue = mq_open(name, flags);
    if (queue == (mqd_t)-1)
        fail("mq_open");
    return queue;
}

static void send_one(mqd_t queue, const char *body, size_t len, unsigned priority)
{
    if (mq_send(queue, body, len, priority) != 0)
        fail("mq_send");
}

static size_t receive_one(mqd_t queue, char *body, size_t room, unsigned *priority)
{
    ssize_t len = mq_receive(queue, body, room, priority);
    if (len < 0)
        fail("mq_receive");
    return (size_t)len;
}

int main(int count, char **words)
{
    char body[64];
    unsigned priority;

    if (count == 3 && strcmp(words[1], "make") == 0) {
        struct mq_attr sizes = { .mq_maxmsg = 4, .mq_msgsize = 64 };
        mqd_t queue = mq_open(words[2], O_RDWR | O_CREAT | O_EXCL, 0600, &sizes);
        if (queue == (mqd_t)-1)
            fail("mq_open");
        send_one(queue, "made by C", 9, 5);
        puts("made");
        fflush(stdout);
        getchar();
    } else if (count == 3 && strcmp(words[1], "send") == 0) {
        mqd_t queue = opened(words[2], O_WRONLY);
        send_one(queue, "low", 3, 0);
        send_one(queue, "", 0, 3);
        send_one(queue, "highest", 7, 32767);
        send_one(queue, "high", 4, 9);
    } else if (count == 4 && strcmp(words[1], "receive") == 0) {
        mqd_t queue = opened(words[2], O_RDONLY);
        for (int left = atoi(words[3]); left > 0; left--) {
            size_t len = receive_one(queue, body, sizeof body, &priority);
            printf("%u %.*s\n", priority, (int)len, body);
        }
    } else if (count == 4 && strcmp(words[1], "echo") == 0) {
        mqd_t from = opened(words[2], O_RDONLY), to = opened(words[3], O_WRONLY);
        for (;;) {
            size_t len = receive_one(from, body, sizeof body, &priority);
            if (len == 0)
                break;
            send_one(to, body, len, priority + 1);
        }
    } else {
        return 2;
    }
    return 0;
}
