# make, make install, make installcheck: as with any PGXS extension; PG_CONFIG
#   names the server to build for.  Works in a build directory of its own, too:
#   make -f ../noisylabel/Makefile VPATH=../noisylabel
# make demo, make test, make bench: nothing needs to be there; each one sets up
#   all it needs in a temporary directory, and removes it (test/with-cluster).
# make check-pictures: the same for pictures in a browser; says where screenshots are.
#   BENCH="NAME ..." chooses benchmarks.
#
# Switches: WERROR=1 (for developers), CC=..., OPENBLAS_LIBS=...,
# OPENBLAS_CFLAGS=... (where pkg-config does not know OpenBLAS),
# OPENBLAS_SONAME=... (the library to load, where OPENBLAS_LIBS does not tell).

# as PGXS finds srcdir
SOURCE := $(patsubst %/,%,$(or $(VPATH),$(dir $(firstword $(MAKEFILE_LIST)))))
sources := $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/src/*.c $(SOURCE)/src/*/*.c $(SOURCE)/src/*/*/*.c))

EXTENSION = noisylabel
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" '$(SOURCE)/noisylabel.control')

ifeq ($(and $(sources),$(EXTVERSION)),)
$(error $(SOURCE) does not hold the sources of noisylabel: VPATH must name the directory of its Makefile)
endif

MODULE_big = noisylabel
OBJS := $(sources:.c=.o)

DATA = $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/sql/upgrade/*.sql))
DATA_built = noisylabel--$(EXTVERSION).sql

REGRESS = $(sort $(patsubst $(SOURCE)/sql/%.sql,%,$(wildcard $(SOURCE)/sql/*.sql)))
REGRESS_OPTS = --load-extension=noisylabel

EXTRA_CLEAN = noisylabel--*.sql* $(OBJS:.o=.d)

# PostgreSQL loads modules with RTLD_GLOBAL: a symbol that we don't hide may
# meet one of the same name in another module.  The headers in src/ make what
# SQL calls visible again.  Fused multiply-adds would make results depend on the
# processor.
#
# OpenBLAS is loaded when it is wanted (src/math/blas.c), so nothing of it is linked;
# OPENBLAS_LIBS stands there for the run path that it may contain.
PG_CPPFLAGS = -I$(SOURCE)/src $(OPENBLAS_CFLAGS) -DNL_OPENBLAS='"$(OPENBLAS_SONAME)"'
PG_CFLAGS = -fvisibility=hidden -ffp-contract=off -MMD -MP
SHLIB_LINK = -Wl,--exclude-libs,ALL -Wl,--as-needed $(OPENBLAS_LIBS) -lm -ldl

ifndef OPENBLAS_LIBS
OPENBLAS_LIBS := $(shell pkg-config --libs openblas 2>/dev/null)
OPENBLAS_CFLAGS := $(shell pkg-config --cflags openblas 2>/dev/null)
endif

# The server's headers are declared system headers here: what they do is not
# ours to correct.
ifdef WERROR
PG_CPPFLAGS += -isystem $(includedir_server)
PG_CFLAGS += -Wall -Wextra -Werror
endif

# The commands that set up everything must work before there is a pg_config,
# so they must not read PGXS.
SETUP_GOALS = demo test bench check-pictures

PG_CONFIG ?= pg_config

ifneq ($(filter-out $(SETUP_GOALS),$(or $(MAKECMDGOALS),all)),)
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error $(PG_CONFIG) does not run: install PostgreSQL's server headers, or set PG_CONFIG)
endif

# Objects in the source directory would be taken for those of this directory.
ifneq ($(abspath $(SOURCE)),$(CURDIR))
ifneq ($(wildcard $(SOURCE)/src/*.o $(SOURCE)/src/*/*.o $(SOURCE)/src/*/*/*.o $(SOURCE)/noisylabel--*.sql),)
$(error $(SOURCE) holds a build: run make clean there first)
endif
endif

# Bitcode lets the server's JIT inline our functions.  That is not worth a
# failing build where the clang that the server was built with is absent.
CLANG ?= $(shell sed -n 's/^CLANG *= *//p' '$(dir $(PGXS))../Makefile.global')
ifeq ($(shell command -v '$(CLANG)' 2>/dev/null),)
override with_llvm = no
endif

# Headers that a source includes are noted beside its object (-MMD above).  Servers built
# with --enable-depend have PGXS note them by the source's name without its directory, and
# some names occur in two.
override autodepend = no

# The name that OpenBLAS is loaded by is the one that a linker would note down.
OPENBLAS_SONAME ?= $(shell t=$$(mktemp) && \
	$(CC) -shared -Wl,--no-as-needed -o $$t -x c /dev/null -x none $(OPENBLAS_LIBS) 2>/dev/null && \
	readelf -d $$t | sed -n '/NEEDED/s/.*\[\(.*blas.*\)\].*/\1/p' | head -n 1; rm -f $$t)
override OPENBLAS_SONAME := $(OPENBLAS_SONAME)

include $(PGXS)

# PGXS hands every compiler the switches of the one that built the server.  Those
# that this compiler does not know are left out; asked one by one only if need be.
# (gcc takes any -Wno-..., so the switch without the "no" is asked for.)
knows = $(shell $(CC) -Wall -Werror $(filter-out -M%,$(1)) -fsyntax-only -x c /dev/null >/dev/null 2>&1 && echo yes)
known = $(foreach switch,$(1),$(if $(filter -W% -f%,$(switch)),$(if $(call knows,$(switch:-Wno-%=-W%)),$(switch)),$(switch)))
ifeq ($(call knows,$(CFLAGS)),)
override CFLAGS := $(call known,$(CFLAGS))
endif

install_sql = $(sort $(wildcard $(SOURCE)/sql/install/*.in))
$(DATA_built): $(install_sql) $(SOURCE)/sql/install/expand.awk $(SOURCE)/noisylabel.control
	awk -f $(SOURCE)/sql/install/expand.awk $(install_sql) >$@.new && mv $@.new $@

# The inner loops of the fits are worth unrolling and vectorising.
fast = design_matrix em_expectation em_final_counts row_order logistic_kernel logistic_objective
$(filter $(patsubst %,\%/%.o,$(fast)),$(OBJS)): override CFLAGS += -O3

# By their whole names: VPATH would find them in the source directory.
directories = $(addprefix $(CURDIR)/,$(sort $(dir $(OBJS))))
$(OBJS): Makefile | have-openblas $(directories)
$(OBJS:.o=.bc): %.bc: %.o

$(directories):
	mkdir -p $@

have-openblas:
	@test -n '$(OPENBLAS_SONAME)' || { echo 'OpenBLAS not found: install it (on Debian: libopenblas-dev), or set OPENBLAS_LIBS and OPENBLAS_CFLAGS (a shared library; OPENBLAS_SONAME is its name)' >&2; exit 1; }

-include $(OBJS:.o=.d)

# The README's links lead to docs/, so both keep their places.
docs = '$(DESTDIR)$(docdir)/noisylabel'

install: install-docs
install-docs:
	$(MKDIR_P) $(docs)/docs
	$(INSTALL_DATA) $(SOURCE)/README.md $(SOURCE)/CHANGELOG.md $(SOURCE)/LICENSE $(docs)/
	$(INSTALL_DATA) $(wildcard $(SOURCE)/docs/*.md) $(docs)/docs/

uninstall: uninstall-docs
uninstall-docs:
	rm -rf $(docs)
endif

# the page that it writes stays, so it gets a directory of its own
demo:
	@$(SOURCE)/test/with-cluster sh -c 'umask 022 && dir=$$(mktemp -d /tmp/noisylabel-demo.XXXXXX) && chmod 755 "$$dir" && exec psql -X -q -v ON_ERROR_STOP=1 -P pager=off -v page="$$dir/report.html" -f test/demo/demo.sql -f test/demo/cleaning.sql'

test:
	@$(SOURCE)/test/with-cluster -w postgresql-NN-cron test/run-tests

check-pictures:
	@$(SOURCE)/test/with-cluster -p chromium -p python3-html5lib test/check-pictures

bench:
	@$(SOURCE)/test/with-cluster -p python3-venv test/bench/run $(BENCH)

.PHONY: $(SETUP_GOALS) have-openblas install-docs uninstall-docs
