/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel's code says of a function of the saved machine, as texts for people. They stand
 * in the listing beside what they follow from; one in which they differ was edited and is refused.
 */
#ifndef TOOLS_BULKHEAD_FACTS_H
#define TOOLS_BULKHEAD_FACTS_H

#include "listing.h"

enum facts_limits { FACTS = 32, FACT_TEXT = 400 };

struct facts {
    uint32_t count;
    struct { char key[12]; char text[FACT_TEXT]; } fact[FACTS];
};

/* `function` is the index of the kernel's table (pci/pci.h). */
void facts_find(const struct listing *listing, uint32_t function, struct facts *facts);

/* "00:02.0" */
const char *facts_address(uint32_t requester_id, char text[8]);

/* Other functions with an interrupt pin on the same line, as " 00:02.0 00:03.0"; empty: none. */
void facts_line_sharers(const struct listing *listing, uint32_t requester_id, char *text,
                        size_t size);

/* How many virtual functions it could have. */
uint32_t facts_virtual(const struct pci_function *function);

/* A pin (A to D) of the function's interrupt line; 0: none. */
char facts_pin(const struct listing_function *function);

#endif
