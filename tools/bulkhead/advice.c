/* SPDX-License-Identifier: BSD-2-Clause */
/* The mend for each rule of the plan check. See advice.h. */
#include "advice.h"

const char *advice(enum plan_rule rule) {
    switch (rule) {
    case PLAN_OVERLAP:      return "move one of the two, or leave 'at' to the tool";
    case PLAN_RANGE:        return "choose a smaller size or another address";
    case PLAN_ALIGNMENT:    return "use multiples of 4K";
    case PLAN_RIGHTS:       return "ask for no more rights than the region has, and include 'r'";
    case PLAN_WX:           return "map it writable here and executable nowhere, or the reverse";
    case PLAN_MSI_WINDOW:   return "choose an iova outside 0xfee00000..0xfeefffff";
    case PLAN_OWNER:        return "give both to one compartment";
    case PLAN_DUPLICATE:    return "keep one of the two";
    case PLAN_PORTS:        return "drop the ports: the kernel keeps them";
    case PLAN_SOURCE:       return "choose one that the device has and the kernel doesn't keep";
    case PLAN_ENTRY:        return "build the program again with lib/program.ld";
    case PLAN_NAME:         return "choose a shorter name of letters, digits, '-', '_' and '.'";
    case PLAN_DMA:          return "give the device 'dma: true'";
    case PLAN_STATE_PAGE:   return "leave the vCPU's page to its VMM";
    case PLAN_SELF:         return "let another compartment supervise it";
    case PLAN_DEVICE_KIND:  return "use 'isa' and 'ports', or give its address as 'pci'";
    case PLAN_CACHE:        return "leave the cache type to the tool";
    default:                return "a mistake of the tool: please report it";
    }
}
