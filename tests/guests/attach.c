/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For a Linux guest: attaches a namespace of its NVMe disk to a controller, or detaches it (NVMe
 * 5.19), by the kernel's own way for administrators. Prints the command's status.
 *
 *     attach /dev/nvme0 NAMESPACE CONTROLLER [detach]
 */
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum { ADMIN_ATTACHMENT = 0x15, LIST_IDS = 2048 };

int main(int argc, char **argv) {
    static _Alignas(4096) uint16_t list[LIST_IDS];

    if (argc < 4) {
        fprintf(stderr, "usage: attach DEVICE NAMESPACE CONTROLLER [detach]\n");
        return 2;
    }
    int disk = open(argv[1], O_RDWR);
    list[0] = 1;
    list[1] = (uint16_t)atoi(argv[3]);
    struct nvme_admin_cmd command = {
        .opcode = ADMIN_ATTACHMENT, .nsid = (uint32_t)atoi(argv[2]), .addr = (uintptr_t)list,
        .data_len = sizeof(list), .cdw10 = argc > 4,
    };
    int status = ioctl(disk, NVME_IOCTL_ADMIN_CMD, &command);
    printf("status %d\n", status);
    return status != 0;
}
