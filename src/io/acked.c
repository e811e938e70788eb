/* A file of its own because linux/tcp.h, whose tcp_info has the number, can't be included together with the C
 * library's netinet/tcp.h, which libuv and libwebsockets bring along. */
#include "acked.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

uint64_t socket_acked(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return 0;
	return info.tcpi_bytes_acked;
}
