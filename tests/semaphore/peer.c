/* Takes and gives permits as any program in C does: peer VERB NAME COUNT. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int count = atoi(argv[3]);
	int make = strcmp(argv[1], "make") == 0;
	sem_t *gate = make ? sem_open(argv[2], O_CREAT | O_EXCL, 0600, count) : sem_open(argv[2], 0);
	if (gate == SEM_FAILED) {
		perror("sem_open");
		return 1;
	}
	for (int n = 0; !make && n < count; n++) {
		int failed = strcmp(argv[1], "give") == 0 ? sem_post(gate) : sem_wait(gate);
		if (failed && errno != EINTR) {
			perror(argv[1]);
			return 1;
		}
	}
	return sem_close(gate) != 0;
}
