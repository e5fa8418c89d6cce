#include "check.h"
bool check_description(const struct description *d, struct tree *t, const struct programs *p, struct report *r){(void)d;(void)t;(void)p;return report_is_clean(r);}
bool check_memory(struct model *m, uint64_t s){(void)m;(void)s;return true;}
