/* SPDX-License-Identifier: BSD-2-Clause */
/* The written forms of values. See values.h. */
#include "values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/base.h"

static bool number(const char *text, uint64_t *value, const char **rest) {
    char *end = NULL;

    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    errno = 0;
    *value = strtoull(text, &end, hexadecimal ? 16 : 10);
    *rest = end;
    return errno == 0 && end != text;
}

bool value_size(const char *text, uint64_t *bytes) {
    const char *rest = NULL;
    uint64_t unit = 1;

    if (!number(text, bytes, &rest)) {
        return false;
    }
    switch (*rest) {
    case 0:   break;
    case 'K': unit = 1ull << 10; rest++; break;
    case 'M': unit = 1ull << 20; rest++; break;
    case 'G': unit = 1ull << 30; rest++; break;
    default:  return false;
    }
    bool fits = *bytes <= (1ull << 50) / unit;
    *bytes *= unit;
    return fits && *rest == 0;
}

bool value_time(const char *text, uint32_t *microseconds) {
    const char *rest = NULL;
    uint64_t value = 0;
    uint64_t unit = 0;

    if (!number(text, &value, &rest) || value > 1000000) {
        return false;
    }
    if (strcmp(rest, "us") == 0) {
        unit = 1;
    } else if (strcmp(rest, "ms") == 0) {
        unit = 1000;
    } else if (strcmp(rest, "s") == 0) {
        unit = 1000000;
    }
    bool good = unit != 0 && value * unit <= UINT32_MAX;
    *microseconds = (uint32_t)(value * unit);
    return good;
}

/* `digits` hexadecimal digits, then `after`. */
static bool hexadecimal(const char **text, unsigned digits, char after, uint32_t *value) {
    *value = 0;
    for (unsigned i = 0; i < digits; i++) {
        char c = (*text)[i];
        if (!isxdigit((unsigned char)c)) {
            return false;
        }
        *value = *value * 16 + (uint32_t)(isdigit((unsigned char)c) ? c - '0'
                                                                    : tolower(c) - 'a' + 10);
    }
    if ((*text)[digits] != after) {
        return false;
    }
    *text += digits + (after != 0);
    return true;
}

bool value_pci(const char *text, uint32_t *requester_id) {
    uint32_t bus = 0;
    uint32_t device = 0;
    uint32_t function = 0;

    bool good = hexadecimal(&text, 2, ':', &bus) && hexadecimal(&text, 2, '.', &device)
             && hexadecimal(&text, 1, 0, &function) && device < 32 && function < 8;
    *requester_id = bus << 8 | device << 3 | function;
    return good;
}

bool value_id(const char *text, uint16_t *vendor, uint16_t *device) {
    uint32_t first = 0xffff;
    uint32_t second = 0xffff;

    bool good = strcmp(text, "any") == 0
             || (hexadecimal(&text, 4, ':', &first) && hexadecimal(&text, 4, 0, &second));
    *vendor = (uint16_t)first;
    *device = (uint16_t)second;
    return good;
}

bool value_mac(const char *text, uint8_t mac[6]) {
    for (unsigned i = 0; i < 6; i++) {
        uint32_t byte = 0;
        if (!hexadecimal(&text, 2, i < 5 ? ':' : 0, &byte)) {
            return false;
        }
        mac[i] = (uint8_t)byte;
    }
    return true;
}

bool value_rights(const char *text, uint32_t *rights) {
    static const char letters[] = "rwx";
    uint32_t found = 0;

    for (; *text != 0; text++) {
        const char *letter = strchr(letters, *text);
        uint32_t bit = letter != NULL ? 1u << (letter - letters) : 0;
        if (bit == 0 || (found & bit) != 0) {
            return false;
        }
        found |= bit;
    }
    *rights = found;
    return found != 0;
}

bool value_name(const char *text) {
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr("-_.", text[i]) == NULL) {
            return false;
        }
    }
    return length > 0 && length < BH_NAME_SIZE / 2 && isalnum((unsigned char)text[0]);
}
