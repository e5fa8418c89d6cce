/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose namespace is it? The rule of functions.h. Touches nothing but its arguments. */
#include "drivers/nvme/functions.h"

#include <stddef.h>

bool nvme_space_is_for(const struct nvme_functions *functions, uint16_t controller,
                       uint32_t space) {
    const struct nvme_function *function = nvme_function_of(functions, controller);

    if (function != NULL)
        return function->space != 0 && function->space == space;
    return controller == functions->own && space == NVME_OWN_SPACE;
}
