/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells ThreadSanitizer what GLib's locks and reference counts order. The system's GLib is not
 * built with it, so that it sees neither a GMutex being taken nor what happens before what.
 * Preloaded by the job `threads`; each function calls GLib's own and says which way the knowledge
 * goes. */
#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define REAL(function)                                                                             \
    static __typeof__(&function) real;                                                             \
    if (!real)                                                                                     \
    real = (__typeof__(&function))dlsym(RTLD_NEXT, #function)

void
g_mutex_lock(GMutex *mutex)
{
    REAL(g_mutex_lock);
    real(mutex);
    __tsan_acquire(mutex);
}

gboolean
g_mutex_trylock(GMutex *mutex)
{
    REAL(g_mutex_trylock);
    gboolean taken = real(mutex);
    if (taken)
        __tsan_acquire(mutex);
    return taken;
}

void
g_mutex_unlock(GMutex *mutex)
{
    REAL(g_mutex_unlock);
    __tsan_release(mutex);
    real(mutex);
}

void
g_cond_wait(GCond *cond, GMutex *mutex)
{
    REAL(g_cond_wait);
    __tsan_release(mutex);
    real(cond, mutex);
    __tsan_acquire(mutex);
}

gboolean
g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    REAL(g_cond_wait_until);
    __tsan_release(mutex);
    gboolean woken = real(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return woken;
}

#undef g_once_init_enter
gboolean
g_once_init_enter(volatile void *location)
{
    REAL(g_once_init_enter);
    gboolean first = real(location);
    if (!first)
        __tsan_acquire((void *)location);
    return first;
}

#undef g_once_init_leave
void
g_once_init_leave(volatile void *location, gsize result)
{
    REAL(g_once_init_leave);
    __tsan_release((void *)location);
    real(location, result);
}

/* What was done before one reference was dropped comes before what the last one does. */
gboolean
g_atomic_ref_count_dec(gatomicrefcount *count)
{
    REAL(g_atomic_ref_count_dec);
    __tsan_release((void *)count);
    gboolean last = real(count);
    if (last)
        __tsan_acquire((void *)count);
    return last;
}
