/* A child in C: sends the frames that its parent sends it back, reversed byte by byte, over the
 * descriptors that FRAMEWIRE_PIPE names, or over its standard input and output. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Reads exactly `count` bytes; 0 at the end of the stream before the first of them. */
static int receive(int fd, unsigned char *into, size_t count)
{
    size_t have = 0;
    while (have < count) {
        ssize_t got = read(fd, into + have, count - have);
        if (got < 0 || (got == 0 && have > 0))
            exit(3);
        if (got == 0)
            return 0;
        have += (size_t)got;
    }
    return 1;
}

static void send_all(int fd, const unsigned char *from, size_t count)
{
    while (count > 0) {
        ssize_t sent = write(fd, from, count);
        if (sent < 0)
            exit(4);
        from += sent;
        count -= (size_t)sent;
    }
}

int main(void)
{
    int in = 0, out = 1;
    const char *inherited = getenv("FRAMEWIRE_PIPE");
    if (inherited && sscanf(inherited, "%d,%d", &in, &out) != 2)
        return 2;

    unsigned char prefix[4];
    while (receive(in, prefix, sizeof prefix)) {
        uint32_t length = (uint32_t)prefix[0] << 24 | (uint32_t)prefix[1] << 16 |
                          (uint32_t)prefix[2] << 8 | prefix[3];
        unsigned char *body = malloc(length + 1);
        if (!body || (length > 0 && !receive(in, body, length)))
            return 5;
        for (uint32_t i = 0; i < length / 2; i++) {
            unsigned char swapped = body[i];
            body[i] = body[length - 1 - i];
            body[length - 1 - i] = swapped;
        }
        send_all(out, prefix, sizeof prefix);
        send_all(out, body, length);
        free(body);
    }
    return 0;
}
