/* Says which addresses a user-supplied URL may reach, so that nobody can make the daemon call its own
 * network. */
#include "guard.h"
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range {
	uint8_t bytes[16];
	unsigned bits;
};

static const struct range blocked4[] = {
	{ { 0 }, 8 },		  /* "this network": 0.0.0.0 reaches this host */
	{ { 10 }, 8 },		  /* private */
	{ { 100, 64 }, 10 },	  /* carrier NAT, and a cloud's metadata */
	{ { 127 }, 8 },		  /* loopback */
	{ { 169, 254 }, 16 },	  /* link-local, most clouds' metadata */
	{ { 172, 16 }, 12 },	  /* private */
	{ { 192, 0, 0 }, 24 },	  /* IETF protocol assignments */
	{ { 192, 0, 2 }, 24 },	  /* documentation */
	{ { 192, 88, 99 }, 24 },  /* 6to4 relays */
	{ { 192, 168 }, 16 },	  /* private */
	{ { 198, 18 }, 15 },	  /* benchmarks */
	{ { 198, 51, 100 }, 24 }, /* documentation */
	{ { 203, 0, 113 }, 24 },  /* documentation */
	{ { 224 }, 4 },		  /* multicast */
	{ { 240 }, 4 },		  /* reserved, broadcast */
};

static const struct range loopback4 = { { 127 }, 8 };

/* Only global unicast is public in IPv6; these are the exceptions inside it. */
static const struct range unicast6 = { { 0x20 }, 3 };
static const struct range blocked6[] = {
	{ { 0x20, 0x01 }, 23 },		    /* IETF: Teredo, ORCHID, benchmarks */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },		    /* 6to4: an IPv4 address inside */
	{ { 0x3f, 0xff }, 20 },		    /* documentation */
};

static const struct range mapped6 = { { [10] = 0xff, [11] = 0xff }, 96 };
static const struct range nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96 };

static bool within(const uint8_t *address, const struct range *range)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (memcmp(address, range->bytes, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ range->bytes[whole]) >> (8 - rest) == 0;
}

static bool allows4(const uint8_t address[4], bool loopback)
{
	if (loopback && within(address, &loopback4))
		return true;
	for (size_t i = 0; i < sizeof(blocked4) / sizeof(*blocked4); i++) {
		if (within(address, &blocked4[i]))
			return false;
	}
	return true;
}

static bool allows6(const uint8_t address[16], bool loopback)
{
	if (within(address, &mapped6))
		return allows4(address + 12, loopback);
	/* A translator's loopback is not ours: no exception for it. */
	if (within(address, &nat64))
		return allows4(address + 12, false);
	if (loopback && memcmp(address, &in6addr_loopback, 16) == 0)
		return true;
	if (!within(address, &unicast6))
		return false;
	for (size_t i = 0; i < sizeof(blocked6) / sizeof(*blocked6); i++) {
		if (within(address, &blocked6[i]))
			return false;
	}
	return true;
}

bool guard_allows(const struct sockaddr *address, bool loopback)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&in4, address, sizeof(in4));
		return allows4((const uint8_t *)&in4.sin_addr, loopback);
	case AF_INET6:
		memcpy(&in6, address, sizeof(in6));
		return allows6(in6.sin6_addr.s6_addr, loopback);
	default:
		return false;
	}
}
