#include "dnn/reference_kernels.hpp"

namespace heddle {

namespace {

struct Runnable {
    const ReferenceKernels* sets[3] = {&kernels_baseline::table, nullptr, nullptr};
    int count = 1;

    Runnable()
    {
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2")) sets[count++] = &kernels_avx2::table;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
            sets[count++] = &kernels_avx512::table;
#endif
    }
};

const Runnable& runnable()
{
    static const Runnable found;
    return found;
}

} // namespace

const ReferenceKernels& reference_kernels()
{
    return *runnable().sets[runnable().count - 1];
}

const ReferenceKernels* const* runnable_reference_kernels(int& count)
{
    count = runnable().count;
    return runnable().sets;
}

} // namespace heddle
