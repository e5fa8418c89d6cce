#include "show.h"
void show_system(const struct system *s, FILE *o){(void)s;(void)o;}
