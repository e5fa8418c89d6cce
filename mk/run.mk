# SPDX-License-Identifier: BSD-2-Clause
# make run: the flagship system in QEMU.

run: $(ALL)
	@$(PYTHON) -B tests/demo.py
