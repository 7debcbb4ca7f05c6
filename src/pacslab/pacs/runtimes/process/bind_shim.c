/* PACS Lab's address shim, preloaded into every Orthanc of the process runtime.
 *
 * Orthanc up to 1.12.9 binds every interface. This library gives the process one loopback address
 * (PACSLAB_ADDRESS, inside 127.0.0.0/8): sockets bound to "any" are bound to it instead, connections
 * leave from it, and nothing may bind or connect beyond loopback. It also ends the process at
 * PACSLAB_DEADLINE (seconds since the epoch), whatever became of the program that started it.
 *
 * It asks no name server, since that would leave the machine: of names, only localhost is known. A reverse proxy
 * (PACSLAB_PROXY) opens no file by a path that climbs out of a folder with "..": what it serves lies below one folder,
 * and an internal redirection of nginx would lead anywhere.
 *
 * It is the server's firewall as well: on the ports of PACSLAB_CLOSED ("8042,4242") a connection is reset at once
 * unless it comes from an address of PACSLAB_ADMITTED ("127.1.2.3,127.1.2.4").
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 32

static struct in_addr own;
static struct in_addr admitted[MOST];
static int admitted_count;
static in_port_t closed[MOST];
static int closed_count;
static int is_proxy;

static void read_firewall(void) {
    char list[1024], *rest, *item;
    const char *text = getenv("PACSLAB_CLOSED");
    snprintf(list, sizeof list, "%s", text ? text : "");
    for (item = strtok_r(list, ",", &rest); item && closed_count < MOST; item = strtok_r(NULL, ",", &rest))
        closed[closed_count++] = htons((in_port_t)atoi(item));
    text = getenv("PACSLAB_ADMITTED");
    snprintf(list, sizeof list, "%s", text ? text : "");
    for (item = strtok_r(list, ",", &rest); item && admitted_count < MOST; item = strtok_r(NULL, ",", &rest))
        if (inet_pton(AF_INET, item, &admitted[admitted_count]) == 1)
            admitted_count++;
}

/* Killed, since a program may catch every other signal: nginx uses SIGALRM for itself. */
static void end_after(long seconds) {
    timer_t timer;
    struct sigevent event;
    struct itimerspec when;
    memset(&event, 0, sizeof event);
    memset(&when, 0, sizeof when);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGKILL;
    when.it_value.tv_sec = seconds;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &when, NULL) != 0) {
        fputs("pacslab: the time limit could not be set; the server does not start\n", stderr);
        _exit(72);
    }
}

__attribute__((constructor)) static void prepare(void) {
    const char *address = getenv("PACSLAB_ADDRESS");
    const char *deadline = getenv("PACSLAB_DEADLINE");
    if (!address || inet_pton(AF_INET, address, &own) != 1 || (ntohl(own.s_addr) >> 24) != 127) {
        fputs("pacslab: PACSLAB_ADDRESS is not a loopback address; the server does not start\n", stderr);
        _exit(70);
    }
    read_firewall();
    is_proxy = getenv("PACSLAB_PROXY") != NULL;
    if (deadline) {
        long left = atol(deadline) - (long)time(NULL);
        if (left <= 0) {
            fputs("pacslab: the time limit of this deployment is over\n", stderr);
            _exit(71);
        }
        end_after(left);
    }
}

static int is_loopback(const struct sockaddr *address, socklen_t size) {
    if (address->sa_family == AF_INET && size >= sizeof(struct sockaddr_in))
        return (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == 127;
    if (address->sa_family == AF_INET6 && size >= sizeof(struct sockaddr_in6)) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
    }
    return 0;
}

static int is_internet(const struct sockaddr *address) {
    return address && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
}

/* Whether the firewall lets the peer of an accepted connection in. */
static int is_admitted(int fd) {
    struct sockaddr_in here, there;
    socklen_t size = sizeof here;
    int index;
    if (!closed_count || getsockname(fd, (struct sockaddr *)&here, &size) != 0 || here.sin_family != AF_INET)
        return 1;
    for (index = 0; index < closed_count && closed[index] != here.sin_port; index++)
        ;
    if (index == closed_count)
        return 1;
    size = sizeof there;
    if (getpeername(fd, (struct sockaddr *)&there, &size) != 0)
        return 0;
    for (index = 0; index < admitted_count; index++)
        if (admitted[index].s_addr == there.sin_addr.s_addr)
            return 1;
    return 0;
}

static int through_firewall(int fd) {
    struct linger reset = {1, 0};
    if (fd < 0 || is_admitted(fd))
        return fd;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    errno = ECONNABORTED;
    return -1;
}

int accept(int fd, struct sockaddr *address, socklen_t *size) {
    int (*next)(int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "accept");
    return through_firewall(next(fd, address, size));
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
    int (*next)(int, struct sockaddr *, socklen_t *, int) = dlsym(RTLD_NEXT, "accept4");
    return through_firewall(next(fd, address, size, flags));
}

int bind(int fd, const struct sockaddr *address, socklen_t size) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    if (is_internet(address) && address->sa_family == AF_INET && size >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in mine = *(const struct sockaddr_in *)address;
        if (mine.sin_addr.s_addr == htonl(INADDR_ANY)) {
            mine.sin_addr = own;
            return next(fd, (struct sockaddr *)&mine, sizeof mine);
        }
    }
    if (is_internet(address) && !is_loopback(address, size)) {
        errno = EACCES;
        return -1;
    }
    return next(fd, address, size);
}

int connect(int fd, const struct sockaddr *address, socklen_t size) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    int (*real_bind)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    if (is_internet(address) && !is_loopback(address, size)) {
        errno = ENETUNREACH;
        return -1;
    }
    if (address && address->sa_family == AF_INET) {
        struct sockaddr_in local;
        socklen_t length = sizeof local;
        if (getsockname(fd, (struct sockaddr *)&local, &length) == 0 && local.sin_family == AF_INET &&
            local.sin_port == 0) {
            memset(&local, 0, sizeof local);
            local.sin_family = AF_INET;
            local.sin_addr = own;
            real_bind(fd, (struct sockaddr *)&local, sizeof local);
        }
    }
    return next(fd, address, size);
}

ssize_t sendto(int fd, const void *data, size_t count, int flags, const struct sockaddr *address, socklen_t size) {
    ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    if (is_internet(address) && !is_loopback(address, size)) {
        errno = ENETUNREACH;
        return -1;
    }
    return next(fd, data, count, flags, address, size);
}

/* Whether a name is known without asking anybody. */
static int is_known(const char *name) {
    struct in6_addr number;
    return !name || strcmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &number) == 1 ||
           inet_pton(AF_INET6, name, &number) == 1;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    return is_known(name) ? next(name, service, hints, found) : EAI_NONAME;
}

struct hostent *gethostbyname(const char *name) {
    struct hostent *(*next)(const char *) = dlsym(RTLD_NEXT, "gethostbyname");
    if (is_known(name))
        return next(name);
    h_errno = HOST_NOT_FOUND;
    return NULL;
}

int gethostbyname_r(const char *name, struct hostent *entry, char *space, size_t size, struct hostent **found,
                    int *fault) {
    int (*next)(const char *, struct hostent *, char *, size_t, struct hostent **, int *) =
        dlsym(RTLD_NEXT, "gethostbyname_r");
    if (is_known(name))
        return next(name, entry, space, size, found, fault);
    *found = NULL;
    *fault = HOST_NOT_FOUND;
    return 0;
}

static int climbs(const char *path) {
    const char *here;
    if (!is_proxy)
        return 0;
    for (here = strstr(path, ".."); here; here = strstr(here + 1, ".."))
        if ((here == path || here[-1] == '/') && (here[2] == '/' || here[2] == '\0')) {
            errno = EACCES;
            return 1;
        }
    return 0;
}

/* The ways in which C opens a file: by path, from a folder, and each for large files. */
#define OPENING(NAME, PARAMETERS, ARGUMENTS)                                                                          \
    int NAME PARAMETERS {                                                                                             \
        int (*next) PARAMETERS = dlsym(RTLD_NEXT, #NAME);                                                             \
        mode_t mode = 0;                                                                                              \
        va_list rest;                                                                                                 \
        va_start(rest, flags);                                                                                        \
        if (flags & (O_CREAT | O_TMPFILE))                                                                            \
            mode = va_arg(rest, mode_t);                                                                              \
        va_end(rest);                                                                                                 \
        return climbs(path) ? -1 : next ARGUMENTS;                                                                    \
    }

OPENING(open, (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
#ifdef __GLIBC__
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
#endif
