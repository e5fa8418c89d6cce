# SPDX-License-Identifier: BSD-2-Clause
"""Drives QEMU machines for the booted tests."""
