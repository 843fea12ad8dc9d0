// Peak of this processor's 256-bit fused multiply-add units, as a bound for software adapters: GFLOP/s of `argv[1]` threads.
// cc -O3 -mavx2 -mfma -pthread peak.c -o peak
#include <immintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 12, ROUNDS = 20000000 }; // 12 independent chains cover the latency of two units

// Seconds of this thread's own processor time: other processes cost nothing, as in the times that this is compared with.
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void *work(void *out) {
  __m256 acc[CHAINS], m = _mm256_set1_ps(0.9999f), c = _mm256_set1_ps(1e-3f);
  for (int i = 0; i < CHAINS; i++) acc[i] = _mm256_set1_ps((float)i);
  double start = now();
  for (long r = 0; r < ROUNDS; r++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) {
      acc[i] = _mm256_fmadd_ps(acc[i], m, c);
      __asm__ volatile("" : "+x"(acc[i])); // keeps the compiler from leaving it out
    }
  }
  *(double *)out = ROUNDS * (double)CHAINS * 8 * 2 / (now() - start) / 1e9;
  return 0;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  double best = 0;
  for (int round = 0; round < 3; round++) {
    pthread_t t[256];
    double each[256], sum = 0;
    for (int i = 0; i < threads; i++) pthread_create(&t[i], 0, work, &each[i]);
    for (int i = 0; i < threads; i++) {
      pthread_join(t[i], 0);
      sum += each[i];
    }
    if (sum > best) best = sum;
  }
  printf("%.1f\n", best);
}
