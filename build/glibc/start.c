/*
 * Has a program's constructors run under each glibc. Since 2.34 that is done by __libc_start_main itself, and what the compiler
 * puts at the start of a program (crt1.o) gives it no function for that; before, such a function was part of every program
 * (__libc_csu_init in glibc's csu/elf-init.c), and __libc_start_main called it. A newer one does so where it is given one.
 * Linked with --wrap=__libc_start_main.
 */
#include <stddef.h>

typedef void initializer(int, char **, char **);

extern initializer *__preinit_array_start[] __attribute__((visibility("hidden")));
extern initializer *__preinit_array_end[] __attribute__((visibility("hidden")));
extern initializer *__init_array_start[] __attribute__((visibility("hidden")));
extern initializer *__init_array_end[] __attribute__((visibility("hidden")));
extern void _init(void);

int __real___libc_start_main(int (*main)(int, char **, char **), int count, char **arguments, initializer *initialize, void (*finish)(void), void (*finish_loader)(void), void *stack_end);

static void run_constructors(int count, char **arguments, char **environment)
{
    for (initializer **each = __preinit_array_start; each < __preinit_array_end; each++)
    {
        (*each)(count, arguments, environment);
    }

    _init();
    for (initializer **each = __init_array_start; each < __init_array_end; each++)
    {
        (*each)(count, arguments, environment);
    }
}

int __wrap___libc_start_main(int (*main)(int, char **, char **), int count, char **arguments, initializer *initialize, void (*finish)(void), void (*finish_loader)(void), void *stack_end)
{
    return __real___libc_start_main(main, count, arguments, initialize != NULL ? initialize : run_constructors, finish, finish_loader, stack_end);
}
