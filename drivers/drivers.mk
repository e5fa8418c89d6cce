# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call PROGRAM,uart,drivers/uart/main.c))
$(eval $(call PROGRAM,e1000e,$(addprefix drivers/e1000e/,main.c nic.c)))
$(eval $(call PROGRAM,igb,$(addprefix drivers/igb/,main.c nic.c pools.c mailbox.c rules.c)))
NVME_RULES := $(addprefix drivers/nvme/,memory.c spaces.c)
NVME_CORE := $(addprefix drivers/nvme/,nvme.c start.c admin.c functions.c)
$(eval $(call PROGRAM,nvme,drivers/nvme/main.c $(NVME_RULES) $(NVME_CORE)))
$(eval $(call PROGRAM,bochs,$(addprefix drivers/bochs/,main.c mode.c)))
$(eval $(call PROGRAM,bootscreen,$(addprefix drivers/bootscreen/,main.c left.c)))
$(eval $(call PROGRAM,ps2,drivers/ps2/main.c))

UNIT_TESTS += e1000e
unit_e1000e_SOURCES := tests/unit/test_e1000e.c drivers/e1000e/nic.c $(RING) $(LIB_FAKES)
unit_e1000e_CFLAGS := -Itests/fake

UNIT_TESTS += igb
unit_igb_SOURCES := tests/unit/test_igb.c \
                    $(addprefix drivers/igb/,nic.c pools.c mailbox.c rules.c) $(RING) $(LIB_FAKES)
unit_igb_CFLAGS := -Itests/fake

FUZZERS += igb
fuzz_igb_SOURCES := tests/fuzz/fuzz_igb.c $(addprefix drivers/igb/,pools.c mailbox.c rules.c)
fuzz_igb_CFLAGS := -Itests/fake

UNIT_TESTS += nvme
unit_nvme_SOURCES := tests/unit/test_nvme.c $(NVME_RULES) $(NVME_CORE) \
                     $(RING) $(LIB_FAKES)
unit_nvme_CFLAGS := -Itests/fake

UNIT_TESTS += nvme_functions
unit_nvme_functions_SOURCES := tests/unit/test_nvme_functions.c $(NVME_RULES) $(NVME_CORE) \
                               $(RING) $(LIB_FAKES)
unit_nvme_functions_CFLAGS := -Itests/fake

FUZZERS += nvme
fuzz_nvme_SOURCES := tests/fuzz/fuzz_nvme.c $(NVME_RULES) $(NVME_CORE) $(RING) $(LIB_FAKES)
fuzz_nvme_CFLAGS := -Itests/fake

FUZZERS += nvme_requests
fuzz_nvme_requests_SOURCES := tests/fuzz/fuzz_nvme_requests.c $(NVME_RULES) $(NVME_CORE) $(RING) \
                              $(LIB_FAKES)
fuzz_nvme_requests_CFLAGS := -Itests/fake

UNIT_TESTS += bochs
unit_bochs_SOURCES := tests/unit/test_bochs.c drivers/bochs/mode.c lib/screen/display.c \
                      $(RING) $(LIB_FAKES)
unit_bochs_CFLAGS := -Itests/fake

UNIT_TESTS += bootscreen
unit_bootscreen_SOURCES := tests/unit/test_bootscreen.c drivers/bootscreen/left.c
unit_bootscreen_CFLAGS := -Itests/fake
