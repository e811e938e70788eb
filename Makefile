# usher: build, tests, checks. `make help` lists the targets.
#
# The house, room by room: what a room may include (-I) and which libraries it may use. A forbidden include does
# not compile. Add a room here and nowhere else.
#
#     room       folder               may include (rooms)                       libraries
ROOMS := base io db store core ai mcp mcpserver imports tasks filetools tools markup api webhook slack telegram discord app parse

DIR_base    := src/base
DIR_io      := src/io
DIR_db      := db
DIR_store   := src/store
DIR_core    := src/core
DIR_ai      := src/ai
DIR_mcp     := src/mcp
DIR_mcpserver := src/mcpserver
DIR_imports := src/imports
DIR_tasks   := src/tasks
DIR_filetools := src/filetools
DIR_tools   := src/tools
DIR_markup  := src/markup
DIR_api     := src/api
DIR_webhook := platforms/webhook
DIR_slack   := platforms/slack
DIR_telegram := platforms/telegram
DIR_discord := platforms/discord
DIR_app     := src/app
DIR_parse   := src/parse

SEES_base    :=
SEES_io      := base
SEES_db      := base
SEES_store   := base db
SEES_core    := base markup
SEES_ai      := base io
SEES_mcp     := base io
SEES_mcpserver := base
SEES_imports := base io
SEES_tasks   := base markup
SEES_filetools := base
SEES_tools   := base mcp tasks filetools
SEES_markup  := base
SEES_api     := base io mcpserver
SEES_webhook := base io
SEES_slack   := base io markup
SEES_telegram := base io markup
SEES_discord := base io markup
SEES_parse   := base
SEES_app     := base io db store core ai mcp mcpserver imports tasks filetools tools markup api webhook slack telegram discord

# Beginnings of the names of library headers that a room may include; uthash, which is macros, may stand anywhere.
USES_base    := jansson openssl/ unistr unictype unicase uninorm
USES_io      := libwebsockets uv.h curl/ openssl/ http_parser wslay/
USES_imports := openssl/
USES_db      := sqlite3
USES_mcp     := jwt.h openssl/
USES_markup  := md4c unigbrk uniwidth unictype unistr
USES_store   := unistr unictype unicase uninorm
USES_telegram := unictype unistr
USES_discord := unictype unistr unigbrk zlib openssl/
USES_parse   := magic unicode/ csv yajl/ md4c libxml/ zip.h seccomp gmime/ poppler iconv xlsxwriter minizip/ jansson unistr
USES_api     := openssl/
USES_app     := libconfig curl/ libsmartcols/ jansson
PKGS         := libwebsockets libuv libcurl jansson sqlite3 libconfig libssl libcrypto smartcols libjwt
# The child that reads files (usher-parse) has libraries of its own; the daemon links none of them.
PKGS_PARSE   := jansson icu-uc icu-i18n libxml-2.0 libzip libseccomp yajl poppler-glib gmime-3.0
LIBS_PARSE_PLAIN := -lxlsxwriter -lminizip -lmagic -lcsv -lmd4c -lunistring -lcld2 -lm
LIBS_PLAIN   := -lz -lcld2 -lhttp_parser -lwslay -lmd4c -lunistring -lpthread -lm

CPPFLAGS_parse := $(patsubst -I%,-isystem%,$(shell pkg-config --cflags $(PKGS_PARSE)))

# ---- compilers and flags -------------------------------------------------------------------------------

B        ?= build
CC       ?= gcc
ifeq ($(origin CC),default)
CC       := gcc
endif
MODE     ?= release
Q        := $(if $(V),,@)
VERSION  := $(shell cat VERSION 2>/dev/null || echo 0)

WARN := -Wall -Wextra -Werror -Wformat=2 -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wimplicit-fallthrough -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wno-missing-field-initializers \
	-Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fPIE
HARDEN_LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection=full
# One bit for most addresses that a start moves, not 24 bytes.
HARDEN_LINK += -Wl,-z,pack-relative-relocs
endif

OPT_release := -O2 -g $(HARDEN)
OPT_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fPIE
OPT_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer -fPIE
OPT_debug   := -O0 -g -fPIE
OPT_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fPIE
LINK_release := $(HARDEN_LINK)
LINK_asan    := -fsanitize=address,undefined -pie
LINK_tsan    := -fsanitize=thread -pie
LINK_debug   := -pie
LINK_fuzz    := -fsanitize=address,undefined -pie -fuse-ld=lld

CFLAGS_ALL  = -std=gnu17 -D_GNU_SOURCE -DUSHER_VERSION='"$(VERSION)"' $(WARN) $(OPT_$(MODE)) -pthread -MMD -MP $(CFLAGS)
LDFLAGS_ALL = $(LINK_$(MODE)) -pthread $(LDFLAGS)
LIBS        = $(shell pkg-config --libs $(PKGS)) $(LIBS_PLAIN)
LIBS_PARSE  = $(shell pkg-config --libs $(PKGS_PARSE)) $(LIBS_PARSE_PLAIN)

# ---- objects -------------------------------------------------------------------------------------------

room_flags = $(CPPFLAGS_$(1)) -Iinclude -I$(DIR_$(1)) $(foreach r,$(SEES_$(1)),-I$(DIR_$(r)))
room_src   = $(wildcard $(DIR_$(1))/*.c)
room_obj   = $(patsubst %.c,$(B)/%.o,$(call room_src,$(1)))

.DEFAULT_GOAL := all
.PHONY: all
all: $(B)/usher $(B)/usher-parse

define ROOM_RULES
$(B)/$(DIR_$(1))/%.o: $(DIR_$(1))/%.c Makefile
	@mkdir -p $$(@D)
	@echo "  CC   $$<"
	$$(Q)$$(CC) $$(CFLAGS_ALL) $(call room_flags,$(1)) -c -o $$@ $$<
endef
$(foreach r,$(ROOMS),$(eval $(call ROOM_RULES,$(r))))

# Files that travel inside the binary: migrations by backend, the price table, the manifest of a Slack app.
EMBED := $(wildcard db/migrations/*/*.sql) etc/prices.conf etc/slack-manifest.yaml
EMBED_OBJ := $(patsubst %,$(B)/%.o,$(EMBED))
$(B)/%.sql.o: %.sql
	@mkdir -p $(@D)
	$(Q)ld -r -b binary -z noexecstack -o $@ $<
$(B)/%.conf.o: %.conf
	@mkdir -p $(@D)
	$(Q)ld -r -b binary -z noexecstack -o $@ $<
$(B)/%.yaml.o: %.yaml
	@mkdir -p $(@D)
	$(Q)ld -r -b binary -z noexecstack -o $@ $<

ALL_OBJ := $(foreach r,$(filter-out parse,$(ROOMS)),$(call room_obj,$(r)))
$(B)/usher: $(ALL_OBJ) $(EMBED_OBJ)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# The parser child: an archive gives it no more of base than it uses.
PARSE_OBJ := $(call room_obj,parse)
$(B)/base.a: $(call room_obj,base)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/usher-parse: $(PARSE_OBJ) $(B)/base.a
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_PARSE)

-include $(ALL_OBJ:.o=.d) $(PARSE_OBJ:.o=.d)
include tests/tests.mk

# ---- packages (Debian 12) ------------------------------------------------------------------------------

DEPS_BUILD := gcc make binutils pkg-config libwebsockets-dev libwebsockets-evlib-uv libuv1-dev \
	libcurl4-openssl-dev libjansson-dev libsqlite3-dev libconfig-dev libssl-dev libhttp-parser-dev libwslay-dev \
	libunistring-dev libmd4c-dev libcld2-dev libjwt-dev libsmartcols-dev uthash-dev zlib1g-dev ca-certificates \
	libmagic-dev libmagic-mgc libicu-dev libcsv-dev libyajl-dev libxml2-dev libzip-dev libseccomp-dev \
	libxlsxwriter-dev libminizip-dev \
	libpoppler-glib-dev poppler-data libgmime-3.0-dev
DEPS_TEST := libcmocka-dev clang clang-format clang-tidy lld cppcheck valgrind libclang-rt-14-dev nodejs npm sqlite3 \
	curl git
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# Installs what is missing of the packages given; nothing is asked of the network when all are there. A nodejs that
# did not come from Debian brings its own npm.
define install
missing=""; for p in $(1); do \
	dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q "ok installed" && continue; \
	[ $$p = npm ] && command -v npm >/dev/null && continue; \
	missing="$$missing $$p"; done; \
if [ -n "$$missing" ]; then echo "installing:$$missing"; \
	$(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive \
	apt-get install -q -y --no-install-recommends $$missing; fi
endef

.PHONY: deps deps-build
deps-build: ## install what building needs
	@$(call install,$(DEPS_BUILD))

deps: deps-build ## install what building and testing need (Debian packages, npm packages of the tests)
	@$(call install,$(DEPS_TEST))
	@cd tests && { [ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --no-audit --no-fund --ignore-scripts; }

# ---- running and installing ----------------------------------------------------------------------------

.PHONY: run install clean help
run: deps-build ## build, start with the embedded defaults, print a curl line that works
	@$(MAKE) --no-print-directory -s all
	@exec $(B)/usher run --try

PREFIX     ?= /usr/local
install: all ## install the programs, sample settings and the systemd unit (DESTDIR, PREFIX)
	install -D -m 755 $(B)/usher $(DESTDIR)$(PREFIX)/bin/usher
	install -D -m 755 $(B)/usher-parse $(DESTDIR)$(PREFIX)/bin/usher-parse
	install -D -m 644 etc/usher.conf $(DESTDIR)$(PREFIX)/share/usher/usher.conf
	install -D -m 644 etc/prices.conf $(DESTDIR)$(PREFIX)/share/usher/prices.conf
	install -D -m 644 etc/usher.service $(DESTDIR)$(PREFIX)/lib/systemd/system/usher.service
	sed -i 's|/usr/local/bin/|$(PREFIX)/bin/|' $(DESTDIR)$(PREFIX)/lib/systemd/system/usher.service

clean: ## remove everything that was built
	rm -rf build build-*

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done
