# Unit tests: tests/unit/ROOM/test_NAME.c is linked with the rooms named in UNIT_ROOM and the fakes in FAKES_ROOM.
UNIT_base    := base
UNIT_io      := base io
UNIT_db      := base db
UNIT_store   := base io db store
UNIT_core    := base core
FAKES_core   := $(wildcard tests/fakes/*.c)
UNIT_ai      := base io ai
UNIT_tasks   := base io db store tasks
UNIT_api     := base io api
UNIT_webhook := base io webhook
UNIT_app     := base io db store core ai tasks api webhook app

UNIT_BINS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*/test_*.c))

define UNIT_RULES
$(B)/unit/$(1)/%: tests/unit/$(1)/%.c $(foreach r,$(UNIT_$(1)),$(filter-out $(B)/src/app/main.o,$(call room_obj,$(r)))) $(FAKES_$(1)) $(if $(filter db,$(UNIT_$(1))),$(EMBED_OBJ)) $(if $(filter ai,$(UNIT_$(1))),$(EMBED_OBJ)) Makefile tests/tests.mk
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS_ALL) -Iinclude -Itests/fakes $(foreach r,$(UNIT_$(1)),-I$(DIR_$(r))) $$(LDFLAGS_ALL) -o $$@ $$(filter %.c %.o,$$^) $$(LIBS) -lcmocka
endef
$(foreach r,$(ROOMS),$(eval $(call UNIT_RULES,$(r))))

# `make unit` runs all; `make unit-ROOM` one room's.
.PHONY: unit
unit: $(UNIT_BINS)
	@for t in $^; do echo "== $$t"; $$t || exit 1; done
define UNIT_TARGET
.PHONY: unit-$(1)
unit-$(1): $(filter $(B)/unit/$(1)/%,$(UNIT_BINS))
	@for t in $$^; do echo "== $$$$t"; $$$$t || exit 1; done
endef
$(foreach r,$(ROOMS),$(eval $(call UNIT_TARGET,$(r))))
