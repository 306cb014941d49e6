# make, make install, make installcheck: as with any PGXS extension; PG_CONFIG
#   names the server to build for.
# make demo, make test, make bench: nothing needs to be there; each one sets up
#   all it needs in a temporary directory, and removes it (test/with-cluster).
#   BENCH="NAME ..." chooses benchmarks.
#
# Switches: WERROR=1 (for developers), CC=..., OPENBLAS_LIBS=...,
# OPENBLAS_CFLAGS=... (where pkg-config does not know OpenBLAS).

EXTENSION = noisylabel
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" noisylabel.control)

MODULE_big = noisylabel
OBJS := $(patsubst %.c,%.o,$(wildcard src/*.c))

DATA = $(wildcard sql/upgrade/*.sql)
DATA_built = noisylabel--$(EXTVERSION).sql

REGRESS = $(sort $(patsubst sql/%.sql,%,$(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=noisylabel

EXTRA_CLEAN = noisylabel--*.sql src/*.d

# PostgreSQL loads modules with RTLD_GLOBAL: a symbol that we don't hide may
# meet one of the same name in another module.  The headers in src/ make what
# SQL calls visible again.  Fused multiply-adds would make results depend on the
# processor.
PG_CPPFLAGS = $(OPENBLAS_CFLAGS)
PG_CFLAGS = -fvisibility=hidden -ffp-contract=off -MMD -MP $(if $(CC_IS_CLANG),$(CLANG_CFLAGS))
SHLIB_LINK = -Wl,--exclude-libs,ALL $(OPENBLAS_LIBS)

ifndef OPENBLAS_LIBS
OPENBLAS_LIBS := $(shell pkg-config --libs openblas 2>/dev/null)
OPENBLAS_CFLAGS := $(shell pkg-config --cflags openblas 2>/dev/null)
endif

# PGXS hands every compiler the switches of the one that built the server.
CC_IS_CLANG = $(findstring clang,$(shell $(CC) --version))
CLANG_CFLAGS = -Wno-unknown-warning-option -Wno-ignored-optimization-argument \
	-Wno-ignored-attributes

# The server's headers are declared system headers here: what they do is not
# ours to correct.
ifdef WERROR
PG_CPPFLAGS += -isystem $(includedir_server)
PG_CFLAGS += -Wall -Wextra -Werror
endif

# The commands that set up everything must work before there is a pg_config,
# so they must not read PGXS.
SETUP_GOALS = demo test bench

PG_CONFIG ?= pg_config

ifneq ($(filter-out $(SETUP_GOALS),$(or $(MAKECMDGOALS),all)),)
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error $(PG_CONFIG) does not run: install PostgreSQL's server headers, or set PG_CONFIG)
endif

# Bitcode lets the server's JIT inline our functions.  That is not worth a
# failing build where the clang that the server was built with is absent.
CLANG ?= $(shell sed -n 's/^CLANG *= *//p' '$(dir $(PGXS))../Makefile.global')
ifeq ($(shell command -v '$(CLANG)' 2>/dev/null),)
override with_llvm = no
endif

include $(PGXS)

$(DATA_built): sql/install/noisylabel.sql noisylabel.control
	cp $< $@

# The inner loops of the fits are worth unrolling and vectorising.
src/design.o src/em.o src/row_key.o src/softmax_kernel.o \
src/softmax_objective.o: override CFLAGS += -O3

$(OBJS): Makefile | have-openblas

have-openblas:
	@test -n '$(OPENBLAS_LIBS)' || { echo 'OpenBLAS not found: install it (on Debian: libopenblas-dev), or set OPENBLAS_LIBS and OPENBLAS_CFLAGS' >&2; exit 1; }


-include $(OBJS:.o=.d)
$(OBJS:.o=.bc): %.bc: %.o
endif

demo:
	@test/with-cluster psql -X -q -v ON_ERROR_STOP=1 -P pager=off -f test/demo/demo.sql

test:
	@test/with-cluster test/run-tests

bench:
	@test/with-cluster -p python3-venv test/bench/run $(BENCH)

.PHONY: $(SETUP_GOALS) have-openblas
