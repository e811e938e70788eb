comma := ,

# Unit tests: tests/unit/ROOM/test_NAME.c is linked with the rooms named in UNIT_ROOM and the fakes in FAKES_ROOM.
UNIT_base    := base
UNIT_io      := base io
UNIT_db      := base db
FAKES_db     := tests/unit/db/seeds.c tests/unit/db/place.c
UNIT_store   := base io db store
FAKES_store  := $(addprefix tests/unit/store/,asking.c asking_copies.c asking_people.c audit_stage.c people_stage.c)
$(foreach t,budget rate,$(eval UNITLD_store_test_$(t) := -Wl,--wrap=clock_wall_ms))
UNIT_core    := base markup core
FAKES_core   := $(wildcard tests/fakes/*.c) tests/unit/core/stage_places.c
FAKES_io     := $(addprefix tests/unit/io/,peer.c client.c call_stage.c web_server.c web_client.c ws_stage.c)
UNIT_ai      := base ai
FAKES_ai     := tests/fakes/fake_loop.c $(addprefix tests/unit/ai/,fake_http.c llm_stage.c turn_stage.c)
SEES_UNIT_ai := io
UNIT_mcp     := base io mcp
FAKES_mcp    := $(wildcard tests/unit/mcp/stage*.c) tests/fakes/stage_loop.c
UNIT_mcpserver := base mcpserver
UNIT_imports := base io imports
UNIT_tasks   := base markup io db store tasks
UNIT_filetools := base io filetools
UNIT_tools   := base markup io db store mcp imports tasks filetools tools
FAKES_tools  := tests/fakes/stage_loop.c
UNIT_api     := base io mcpserver api
FAKES_api    := $(addprefix tests/unit/api/,harness.c fake_store.c client.c)
UNIT_webhook := base io webhook
FAKES_webhook := tests/unit/webhook/stage.c
UNIT_markup  := base markup
UNIT_slack   := base io markup slack
FAKES_slack  := $(wildcard tests/unit/slack/stage*.c)
# A test's own link options, UNITLD_ROOM_TEST: fakes called __wrap_NAME stand in the place of a room's own functions.
WRAP_OUT := -Wl,$(subst $(eval) ,$(comma),$(addprefix --wrap=,slack_api slack_api_cancel slack_respond slack_upload slack_settle \
	clock_wall_ms loop_now_ms loop_timer_create loop_timer_start loop_timer_stop loop_timer_destroy))
$(foreach t,send send_file send_command read_back stream stream_again growing status,$(eval UNITLD_slack_test_$(t) := $(WRAP_OUT)))
WRAP_NET := -Wl,$(subst $(eval) ,$(comma),$(addprefix --wrap=,slack_take slack_link slack_token_dead slack_fresh))
$(foreach t,api api_turns api_pace socket socket_faults receive,$(eval UNITLD_slack_test_$(t) := $(WRAP_NET)))
WRAP_IN := $(WRAP_OUT),$(subst $(eval) ,$(comma),$(addprefix --wrap=,slack_ack_ok slack_ack_later slack_ack_bad \
	slack_working_begin slack_prompts slack_stream_stopped slack_removed))
$(foreach t,inbound inbound_off inbound_action names catch_up,$(eval UNITLD_slack_test_$(t) := $(WRAP_IN)))
UNITLD_slack_test_dead_token := -Wl,--wrap=loop_timer_start
UNIT_telegram := base io markup telegram
FAKES_telegram := $(wildcard tests/unit/telegram/stage*.c) tests/fakes/stage_loop.c
# The way in has fakes of its own, called in_NAME (stage_in.c).
WRAP_TG = -Wl,$(subst $(eval) ,$(comma),$(foreach n,$(1),--wrap=$(n) --defsym=__wrap_$(n)=in_$(n)))
WRAP_TG_ROOM := telegram_api telegram_ticket telegram_settle telegram_working_begin
$(foreach t,inbound inbound_event inbound_storm album commands,$(eval UNITLD_telegram_test_$(t) := $(call WRAP_TG,$(WRAP_TG_ROOM) loop_now_ms \
	loop_timer_create loop_timer_start loop_timer_stop loop_timer_destroy clock_wall_ms)))
# The way out has its own, called out_NAME (stage_out.c), and the same loop (stage_loop.c).
WRAP_TG_OUT := $(foreach n,telegram_api telegram_api_cancel telegram_settle,-Wl,--wrap=$(n),--defsym=__wrap_$(n)=out_$(n)) \
	$(call WRAP_TG,loop_now_ms loop_timer_create loop_timer_start loop_timer_stop loop_timer_destroy)
$(foreach t,send send_file preview,$(eval UNITLD_telegram_test_$(t) := $(WRAP_TG_OUT)))
# The transports and calls, on sockets, have theirs, called net_NAME (stage_net.c).
WRAP_TG_NET := $(foreach n,take token_dead ticket,-Wl,--wrap=telegram_$(n),--defsym=__wrap_telegram_$(n)=net_telegram_$(n))
$(foreach t,api api_turns poll poll_rivals hook files,$(eval UNITLD_telegram_test_$(t) := $(WRAP_TG_NET)))
UNIT_discord := base io markup discord
FAKES_discord := $(wildcard tests/unit/discord/stage*.c) tests/fakes/stage_loop.c
# Functions of the room replaced by those called PREFIX_NAME; time that stands still (tests/fakes/stage_loop.h).
WRAP_AS = $(foreach n,$(2),-Wl$(comma)--wrap=$(n)$(comma)--defsym=__wrap_$(n)=$(1)_$(n))
WRAP_LOOP := $(call WRAP_AS,in,loop_now_ms loop_timer_create loop_timer_start loop_timer_stop loop_timer_destroy)
# REST calls, on wires under the test's hand (stage_rest.c).
WRAP_DC_REST := $(call WRAP_AS,wire,discord_dead)
$(foreach t,rest rest_limits rest_429 rest_invalid rest_error context,$(eval UNITLD_discord_test_$(t) := $(WRAP_DC_REST) $(WRAP_LOOP) $(call WRAP_AS,wire,http_start http_cancel http_header)))
$(foreach t,rest_net files place,$(eval UNITLD_discord_test_$(t) := $(WRAP_DC_REST)))
# A bot's life, its questions and its time under the test's hand (stage_life.c).
WRAP_DC_LIFE := $(WRAP_LOOP) $(call WRAP_AS,life,clock_wall_ms http_start http_cancel $(addprefix discord_,rest rest_cancel \
	gateway_start gateway_stop gateway_idle hook_start hook_stop commands_register catch_up_stop sends_running inbound_owed interact_owed))
$(foreach t,life check,$(eval UNITLD_discord_test_$(t) := $(WRAP_DC_LIFE)))
# Interactions, the list of commands and the way in over HTTP (stage_inter.c).
WRAP_DC_INTER := $(call WRAP_AS,inter,discord_rest discord_rest_cancel discord_ticket discord_settle discord_words \
	discord_place_write discord_file_write discord_follow discord_channel_find discord_guild_off discord_remember discord_notes_forget \
	discord_take_webhook)
$(foreach t,interact interact_where commands,$(eval UNITLD_discord_test_$(t) := $(WRAP_DC_INTER) $(WRAP_LOOP) $(call WRAP_AS,inter,clock_wall_ms)))
UNITLD_discord_test_hook := $(WRAP_DC_INTER)
UNITLD_discord_test_verify := $(WRAP_DC_INTER)
# Messages missed: calls, the gate and the gateway are the test's (stage_late.c).
WRAP_DC_LATE := $(WRAP_LOOP) $(call WRAP_AS,late,discord_rest discord_rest_cancel \
	discord_take_caught discord_gateway_caught_up discord_ticket clock_wall_ms)
$(foreach t,catch_up catch_up_faults,$(eval UNITLD_discord_test_$(t) := $(WRAP_DC_LATE)))
# The way out: calls, places and time under the test's hand (stage_out.c).
WRAP_DC_OUT := $(WRAP_LOOP) $(call WRAP_AS,out,clock_wall_ms $(addprefix discord_,rest rest_cancel settle follow place_read place_finish))
$(foreach t,send send_file send_interaction send_unsure read_back preview,$(eval UNITLD_discord_test_$(t) := $(WRAP_DC_OUT)))
# Events on their way in (stage_take.c).
WRAP_DC_TAKE := $(WRAP_LOOP) $(call WRAP_AS,take,clock_wall_ms $(addprefix discord_,ticket settle taken gateway_seen rest rest_cancel \
	interact interact_forget interact_acked catch_up_begin catch_up_offer catch_up_holds catch_up_cursor sends_seen working_begin place_write file_write))
$(foreach t,inbound inbound_order inbound_change decode words places guilds,$(eval UNITLD_discord_test_$(t) := $(WRAP_DC_TAKE)))
# The gateway, on sockets (stage_gateway.c).
WRAP_DC_GATE := $(call WRAP_AS,gate,clock_wall_ms $(addprefix discord_,rest rest_cancel wants take dead settle))
$(foreach t,shard shard_session gateway gateway_events,$(eval UNITLD_discord_test_$(t) := $(WRAP_DC_GATE)))
# The wire to MCP servers over HTTP: its calls and its time under the test's hand (stage_http.c).
WRAP_MCP_HTTP := $(WRAP_LOOP) $(call WRAP_AS,net,http_start http_cancel http_header http_header_all http_header_of io_loop)
$(foreach t,wire_http wire_http_stream,$(eval UNITLD_mcp_test_$(t) := $(WRAP_MCP_HTTP)))
# The store and the servers under the test's hand.
UNITLD_tools_test_pins := $(WRAP_LOOP) $(call WRAP_AS,pin,store_act mcp_judged mcp_list_again)
# A wire and a loop under the test's hand (stage_wire.c).
$(foreach t,session server tools modern modern_call modern_list,$(eval UNITLD_mcp_test_$(t) := $(WRAP_LOOP) $(call WRAP_AS,in,io_loop)))
UNIT_parse   := base parse
FAKES_parse  := $(wildcard tests/unit/parse/stage*.c)
UNIT_app     := app base io db store core ai mcp mcpserver imports tasks filetools tools markup api webhook slack telegram discord

UNIT_BINS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*/test_*.c))

# Programs' own beginnings, which a test's would stand against; the libraries that only the parser's rooms need.
MAIN_OBJ := $(B)/src/app/main.o $(B)/src/parse/main.o
libs_of = $(LIBS) $(if $(filter parse,$(1)),$(LIBS_PARSE))

define UNIT_RULES
$(B)/unit/$(1)/%: tests/unit/$(1)/%.c $(foreach r,$(UNIT_$(1)),$(filter-out $(MAIN_OBJ),$(call room_obj,$(r)))) $(FAKES_$(1)) $(if $(filter db,$(UNIT_$(1))),$(EMBED_OBJ)) $(if $(filter ai,$(UNIT_$(1))),$(EMBED_OBJ)) $(if $(filter slack,$(UNIT_$(1))),$(EMBED_OBJ)) Makefile tests/tests.mk
	@mkdir -p $$(@D)
	@echo "  TEST $$@"
	$$(Q)$$(CC) $$(CFLAGS_ALL) -Iinclude -Itests/fakes $(CPPFLAGS_$(1)) $(foreach r,$(UNIT_$(1)) $(SEES_UNIT_$(1)),-I$(DIR_$(r))) $$(LDFLAGS_ALL) -o $$@ $$(filter %.c %.o,$$^) $$(call libs_of,$(UNIT_$(1))) -lcmocka -lssl $$(UNITLD_$(1)_$$(@F))
endef
$(foreach r,$(ROOMS),$(eval $(call UNIT_RULES,$(r))))

# `make unit` runs all; `make unit-ROOM` one room's.
.PHONY: unit
unit: $(UNIT_BINS)
	@printf '%s\n' $^ | xargs -P2 -I{} sh -c 'out=$$({} 2>&1) && echo "ok {}" || { echo "== {}"; echo "$$out"; exit 1; }'
define UNIT_TARGET
.PHONY: unit-$(1)
unit-$(1): $(filter $(B)/unit/$(1)/%,$(UNIT_BINS))
	@for t in $$^; do echo "== $$$$t"; $$$$t || exit 1; done
endef
$(foreach r,$(ROOMS),$(eval $(call UNIT_TARGET,$(r))))

# ---- whole suites --------------------------------------------------------------------------------------

.PHONY: test e2e asan tsan valgrind check check-quick fuzz bench campaign
test: deps ## everything that must hold: unit tests under sanitizers, the daemon end to end, a short campaign
	@$(MAKE) --no-print-directory -s check-quick
	@$(MAKE) --no-print-directory -s -j2 all
	@$(MAKE) --no-print-directory -s e2e >build/e2e.log 2>&1 & e2e=$$!; \
		$(MAKE) --no-print-directory -s campaign-short >build/campaign.log 2>&1 & campaign=$$!; \
		nice -n 10 $(MAKE) --no-print-directory -s units-and-fuzz; units=$$?; \
		wait $$campaign || { cat build/campaign.log; units=1; }; \
		wait $$e2e || { cat build/e2e.log; units=1; }; tail -n 60 build/campaign.log; tail -n 9 build/e2e.log; exit $$units

# What computes, while the daemon's tests mostly wait. One build serves both: clang with its sanitizers (gcc makes the daemon;
# `make asan` tests with its sanitizers).
.PHONY: units-and-fuzz
units-and-fuzz:
	@$(MAKE) --no-print-directory -s -j2 CC=clang B=build/fuzz MODE=fuzz unit-bins
	@$(MAKE) --no-print-directory -s CC=clang B=build/fuzz MODE=fuzz unit
	@$(MAKE) --no-print-directory -s fuzz-short

.PHONY: unit-bins
unit-bins: $(UNIT_BINS)

e2e: all ## the real daemon against stand-ins that misbehave
	@cd tests && USHER=$(abspath $(B))/usher node --test --test-concurrency=4 e2e/*.test.mjs

asan: ## unit and end-to-end tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory -s -j2 B=build/asan MODE=asan unit-bins all
	@$(MAKE) --no-print-directory -s B=build/asan MODE=asan unit
	@ASAN_OPTIONS=quarantine_size_mb=16 $(MAKE) --no-print-directory -s B=build/asan MODE=asan e2e

tsan: ## the store's tests and the end-to-end tests under ThreadSanitizer
	@$(MAKE) --no-print-directory -s -j2 B=build/tsan MODE=tsan unit-bins all
	@$(MAKE) --no-print-directory -s B=build/tsan MODE=tsan unit-store unit-tasks
	@$(MAKE) --no-print-directory -s B=build/tsan MODE=tsan e2e

VALGRIND := valgrind -q --suppressions=$(abspath tests/valgrind.supp) --max-threads=2000 --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect
valgrind: ## unit tests and one whole life of the daemon under valgrind
	@$(MAKE) --no-print-directory -s -j2 B=build/debug MODE=debug unit-bins all
	@for t in $(patsubst $(B)/%,build/debug/%,$(UNIT_BINS)); do echo "== valgrind $$t"; USHER_VALGRIND=1 $(VALGRIND) $$t >/dev/null || exit 1; done
	@cd tests && USHER=$(abspath build/debug)/usher USHER_UNDER="$(VALGRIND)" node --test e2e/journey.test.mjs

# ---- fuzzing: tests/fuzz/fuzz_NAME.c, first line "/* rooms: base io */" ---------------------------------

FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_SECONDS ?= 600
fuzz_rooms = $(shell sed -n '1s|^/\* rooms: \(.*\) \*/|\1|p' $(1))

.PHONY: fuzz-bins fuzz-short
fuzz-bins:
	@$(MAKE) --no-print-directory -s -j2 CC=clang B=build/fuzz MODE=fuzz fuzz-link
.PHONY: fuzz-link
fuzz-link: $(patsubst tests/fuzz/%.c,$(B)/bin/%,$(FUZZ_SRC))

define FUZZ_RULES
$(B)/bin/$(basename $(notdir $(1))): $(1) $(foreach r,$(call fuzz_rooms,$(1)),$(filter-out $(MAIN_OBJ),$(call room_obj,$(r)))) $(EMBED_OBJ)
	@mkdir -p $$(@D)
	@echo "  FUZZ $$@"
	$$(Q)$$(CC) $$(CFLAGS_ALL) -Wno-missing-prototypes -Iinclude -Itests/fakes $(foreach r,$(call fuzz_rooms,$(1)),$(CPPFLAGS_$(r))) $(foreach r,$(call fuzz_rooms,$(1)),-I$(DIR_$(r))) -fsanitize=fuzzer,address,undefined $$(LDFLAGS_ALL) -o $$@ $$^ $$(call libs_of,$(call fuzz_rooms,$(1)))
endef
$(foreach f,$(FUZZ_SRC),$(eval $(call FUZZ_RULES,$(f))))

fuzz: fuzz-bins ## every fuzz target for FUZZ_SECONDS (600) each
	@for t in build/fuzz/bin/*; do case $$t in *.d) continue;; esac; echo "== $$t"; \
		mkdir -p build/fuzz/corpus/$$(basename $$t); \
		$$t -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
			-artifact_prefix=build/fuzz/ build/fuzz/corpus/$$(basename $$t) >build/fuzz/last.log 2>&1 || \
			{ tail -n 60 build/fuzz/last.log; exit 1; }; tail -n 8 build/fuzz/last.log; done

fuzz-short:
	@$(MAKE) --no-print-directory -s fuzz-bins
	@ls build/fuzz/bin/* | grep -v '\.d$$' | xargs -P2 -I{} sh -c 'log=build/fuzz/$$(basename {}).log; \
		{} -runs=20000 -max_total_time=2 -seed=1 -max_len=4096 -timeout=60 -artifact_prefix=build/fuzz/ >$$log 2>&1 && \
		echo "fuzz $$(basename {}): no finding" || { cat $$log; exit 255; }'

# ---- conformance with the Model Context Protocol -----------------------------------------------------------
# The package's own scenarios against a client made of our rooms; it brings the Node that it needs (tests/conformance).

$(B)/mcp-conformance: tests/conformance/client.c tests/conformance/person.c tests/conformance/person.h $(foreach r,base io mcp,$(call room_obj,$(r))) Makefile tests/tests.mk
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Iinclude $(foreach r,base io mcp,-I$(DIR_$(r))) $(LDFLAGS_ALL) -o $@ $(filter %.c %.o,$^) $(LIBS)

.PHONY: conformance
conformance: $(B)/mcp-conformance $(B)/usher ## the scenarios of @modelcontextprotocol/conformance, as a client and as a server; prints the counts
	@cd tests/conformance && { [ -d node_modules ] && [ node_modules -nt package-lock.json ] || \
		npm ci --no-audit --no-fund --ignore-scripts; }
	@cd tests && { [ -d node_modules ] || npm ci --no-audit --no-fund --ignore-scripts; }
	@cd tests/conformance && node run.mjs $(abspath $<)
	@cd tests/conformance && USHER=$(abspath $(B))/usher node server.mjs
	@cd tests/conformance && USHER=$(abspath $(B))/usher node with22.mjs official.mjs

# ---- measuring and breaking ------------------------------------------------------------------------------

bench: all ## throughput, CPU a message, latency, memory, start-up time, size
	@cd tests && USHER=$(abspath $(B))/usher node bench/bench.mjs

campaign: all ## kill -9 at points all along a message's way, at random, and in 10,000 tool calls; prints the counts (CAMPAIGN="--minutes 100")
	@cd tests && USHER=$(abspath $(B))/usher CC=$(CC) node campaign/campaign.mjs $(CAMPAIGN)

.PHONY: campaign-short
campaign-short: all
	@cd tests && USHER=$(abspath $(B))/usher CC=$(CC) node campaign/campaign.mjs --short

# ---- style -------------------------------------------------------------------------------------------------

C_FILES = $(shell git ls-files '*.c' '*.h')

check-quick: ## formatting, forbidden includes and functions
	@clang-format --dry-run -Werror $(C_FILES)
	@! grep -nE '#include "\.\./' $(C_FILES)
	@! grep -nE '\b(strcpy|strcat|sprintf|vsprintf|alloca|system|popen|tmpnam|gets|atoi|atol)\(' $(filter-out tests/%,$(C_FILES))
	@$(foreach r,$(ROOMS),$(call third_party,$(r)))

# A library's header may stand only in the rooms whose USES name it.
space := $(subst ,, )
all_headers := $(sort $(foreach r,$(ROOMS),$(USES_$(r))))
third_party = ! grep -nE 'include <($(subst $(space),|,$(strip $(filter-out $(USES_$(1)),$(all_headers)))))' $(DIR_$(1))/*.c $(DIR_$(1))/*.h || exit 1;

TIDY_FLAGS = -std=gnu17 -D_GNU_SOURCE -DUSHER_VERSION='"0"' -Iinclude $(CPPFLAGS_parse) $(foreach r,$(ROOMS),-I$(DIR_$(r)))
TIDY_FILES = $(foreach r,$(ROOMS),$(call room_src,$(r)))

# cppcheck can't expand some macros inside macros' arguments (preprocessorErrorDirective); the compilers do.
check: check-quick ## format, clang-tidy, cppcheck, both compilers with warnings as errors
	@$(MAKE) --no-print-directory -s -j2 B=build/gcc CC=gcc all
	@$(MAKE) --no-print-directory -s -j2 B=build/clang CC=clang all
	@cppcheck -q --error-exitcode=1 --inline-suppr --enable=warning,performance,portability --std=c11 \
		--suppress=missingInclude --suppress=normalCheckLevelMaxBranches --suppress=preprocessorErrorDirective \
		'-Djson_array_foreach(a,i,v)=for(;;)' '-Djson_object_foreach(o,k,v)=for(;;)' -D_GNU_SOURCE -DUSHER_VERSION='"0"' \
		-Iinclude $(foreach r,$(ROOMS),-I$(DIR_$(r))) $(TIDY_FILES)
	@printf '%s\n' $(TIDY_FILES) | xargs -P2 -I{} clang-tidy --quiet {} -- $(TIDY_FLAGS) 2>/dev/null
