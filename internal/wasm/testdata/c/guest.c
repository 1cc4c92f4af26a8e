// A guest for tests, without a C library: recursion, switches, floats,
// function pointers, and loops that become bulk operations.
typedef unsigned u32;
typedef u32 (*op)(u32, u32);

static u32 add(u32 a, u32 b) { return a + b; }
static u32 mul(u32 a, u32 b) { return a * b; }
static u32 xor(u32 a, u32 b) { return a ^ b; }
static op const ops[] = {add, mul, xor};
static unsigned char buf[1 << 14];

static u32 eval(u32 x, u32 depth) {
  if (depth == 0) return x;
  switch (x % 5) {
    case 0: return eval(x + 1, depth - 1) + eval(x * 3, depth - 1);
    case 1: return ops[x % 3](eval(x / 2, depth - 1), x);
    case 2: return eval(x ^ 0x55, depth - 1);
    case 3: return x * 7;
    default: return eval(x - 1, depth - 1) ^ depth;
  }
}

__attribute__((export_name("run"))) u32 run(u32 n) {
  double sum = 0;
  for (u32 i = 0; i < n; i++) sum += __builtin_sqrt((double)i) / (i + 1.0);
  __builtin_memset(buf, (int)n, sizeof buf / 2);
  __builtin_memcpy(buf + sizeof buf / 2, buf, n % 1000);
  u32 h = eval(n, 12) + (u32)(sum * 1000);
  for (u32 i = 0; i < sizeof buf; i++) h = h * 31 + buf[i];
  return h;
}
