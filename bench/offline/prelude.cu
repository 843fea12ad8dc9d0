// What WGSL has and CUDA C++ has not, for texts that cuda.ts translates: compiled to be counted, never run.
typedef unsigned u32;
typedef int i32;
typedef float f32;
#define INLINE __device__ __forceinline__

struct alignas(16) vec4f {
  float x, y, z, w;
  vec4f() = default;
  INLINE explicit vec4f(float v) : x(v), y(v), z(v), w(v) {}
  INLINE vec4f(float x, float y, float z, float w) : x(x), y(y), z(z), w(w) {}
};
struct bool4 {
  bool x, y, z, w;
  bool4() = default;
  INLINE explicit bool4(bool v) : x(v), y(v), z(v), w(v) {}
  INLINE bool4(bool x, bool y, bool z, bool w) : x(x), y(y), z(z), w(w) {}
};
struct vec4u {
  u32 x, y, z, w;
  INLINE explicit vec4u(u32 v) : x(v), y(v), z(v), w(v) {}
  INLINE vec4u(u32 x, u32 y, u32 z, u32 w) : x(x), y(y), z(z), w(w) {}
};

// Four values in f16, as a stage of `tiled f16` holds them.
struct alignas(8) vec4h {
  u32 low, high;
  vec4h() = default;
  INLINE explicit vec4h(vec4f v) {
    asm("{.reg .f16 a, b, c, d; cvt.rn.f16.f32 a, %2; cvt.rn.f16.f32 b, %3; cvt.rn.f16.f32 c, %4; cvt.rn.f16.f32 d, %5;"
        " mov.b32 %0, {a, b}; mov.b32 %1, {c, d};}"
        : "=r"(low), "=r"(high) : "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w));
  }
  INLINE operator vec4f() const {
    vec4f v;
    asm("{.reg .f16 a, b, c, d; mov.b32 {a, b}, %4; mov.b32 {c, d}, %5;"
        " cvt.f32.f16 %0, a; cvt.f32.f16 %1, b; cvt.f32.f16 %2, c; cvt.f32.f16 %3, d;}"
        : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "r"(low), "r"(high));
    return v;
  }
};

#define EACH_OR_ALL(op) EACH(op, vec4u, vec4u, vec4u) INLINE vec4u operator op(vec4u a, u32 b) { return a op vec4u(b); } \
  INLINE vec4u operator op(u32 a, vec4u b) { return vec4u(a) op b; }
#define EACH(op, R, A, B) \
  INLINE R operator op(A a, B b) { return R(a.x op b.x, a.y op b.y, a.z op b.z, a.w op b.w); }
EACH(+, vec4f, vec4f, vec4f)
EACH(-, vec4f, vec4f, vec4f)
EACH(*, vec4f, vec4f, vec4f)
EACH_OR_ALL(+) EACH_OR_ALL(-) EACH_OR_ALL(*) EACH_OR_ALL(/) EACH_OR_ALL(%)
EACH(&, vec4u, vec4u, vec4u)
EACH(<, bool4, vec4u, vec4u)
EACH(>, bool4, vec4u, vec4u)
EACH(&, bool4, bool4, bool4)
INLINE vec4f operator*(float a, vec4f b) { return vec4f(a) * b; }
INLINE vec4f operator*(vec4f a, float b) { return a * vec4f(b); }
INLINE vec4f operator+(vec4f a, float b) { return a + vec4f(b); }
INLINE vec4f operator-(vec4f a, float b) { return a - vec4f(b); }
INLINE vec4f &operator+=(vec4f &a, vec4f b) { return a = a + b; }
INLINE float dot(vec4f a, vec4f b) { return a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w; }
INLINE vec4f select(vec4f no, vec4f yes, bool4 c) {
  return vec4f(c.x ? yes.x : no.x, c.y ? yes.y : no.y, c.z ? yes.z : no.z, c.w ? yes.w : no.w);
}
template <class T, class S> INLINE T bitcast(S v) { return *reinterpret_cast<T *>(&v); }
template <class T> INLINE T select(T no, T yes, bool c) { return c ? yes : no; }
INLINE u32 min(u32 a, u32 b) { return a < b ? a : b; }
INLINE i32 min(i32 a, i32 b) { return a < b ? a : b; }
INLINE i32 max(i32 a, i32 b) { return a > b ? a : b; }
INLINE i32 clamp(i32 v, i32 low, i32 high) { return min(max(v, low), high); }
INLINE u32 max(u32 a, u32 b) { return a > b ? a : b; }
#define workgroupBarrier __syncthreads
