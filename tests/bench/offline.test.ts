/** The products' inner loops, compiled for a GPU that is not there, issue no more beside their multiply-adds than the kept figures say. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compileForAmd, missingForAmd, readAco } from '../../bench/offline/amd.ts';
import { cudaOf } from '../../bench/offline/cuda.ts';
import { stageOf } from '../../bench/offline/loops.ts';
import { mixOf, type Maker, type Mix } from '../../bench/offline/mix.ts';
import { readSass } from '../../bench/offline/nvidia.ts';
import { testWhere } from '../support/check.ts';

const test = suite('compiled offline');
const known = JSON.parse(readFileSync('bench/offline/mixes.json', 'utf8')) as Record<Maker, Mix[]>;

/** What another version of the compiler may make of the same WGSL. */
const LOOSELY = 0.05;

const missing = missingForAmd();

test('a loop that multiplies within the loop along k counts as often as it runs', () => {
  const aco = `BB0:
  s_mov_b32 s0, 0 ; be800080
BB1:
  ds_store_b128 v1, v[2:5]
  s_barrier
BB2:
  ds_load_b128 v[2:5], v1
  v_dual_fmac_f32 v6, v2, v3 :: v_dual_mov_b32 v7, v8
  v_add_u32 v1, v1, v2
  s_cbranch_scc1 BB2
  s_cbranch_scc1 BB1
BB3:
  s_endpgm`;
  assert.equal(stageOf(readAco(aco), 16), { local: 17, barrier: 1, fma: 16, vector: 32, branch: 17 });
});

test('branches under a predicate close loops of SASS too', () => {
  const sass = `.L_x_0:
        /*0010*/                   STS.128 [R1], R4 ;
        /*0020*/                   BAR.SYNC.DEFER_BLOCKING 0x0 ;
        /*0030*/                   FFMA R1, R2, R3, R1 ;
        /*0040*/              @!P0 BRA \`(.L_x_0) ;
        /*0050*/                   EXIT ;`;
  assert.equal(stageOf(readSass(sass), 1), { local: 1, barrier: 1, fma: 1, branch: 1 });
});

test('WGSL becomes CUDA line by line', () => {
  const cuda = cudaOf(`@group(0) @binding(0) var<storage, read> x : array<f32>;
struct Place { i : u32, h : vec4u }
fn twice(v : f32) -> f32 { let two = 2.0; return two * v; }
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id : vec3u, @builtin(local_invocation_index) index : u32) { }`);
  assert.match(cuda, 'const f32 *__restrict__ x');
  assert.match(cuda, 'INLINE f32 twice(f32 v) { const auto two = 2.0f; return two * v; }');
  assert.match(cuda, 'struct Place { u32 i; vec4u h; INLINE Place(u32 i, vec4u h) : i(i), h(h) {} };');
  assert.match(cuda, '__launch_bounds__(64)');
});

testWhere(
  test,
  !missing,
  `there is no ${missing}`,
)('the loops keep their share of multiply-adds on AMD', async () => {
  const found = compileForAmd(/3x3 64>64 32x32|3x3\/2 64>128 32x32 input|matrices of 1024$/, 'navi31').map(c => mixOf(c, 'amd'));
  assert.ok(found.length > 8, `${found.length} loops`);
  for (const { label, variant, share, spilled } of found) {
    const kept = known.amd.find(m => m.label === label && m.variant === variant);
    assert.ok(kept, `${label}, ${variant} is not in mixes.json; npm run bench:offline -- --write`);
    assert.ok(
      share > kept.share - LOOSELY,
      `${label}, ${variant}: ${share} of the vector instructions multiply and add, ${kept.share} did`,
    );
    assert.is(spilled, kept.spilled, `${label}, ${variant}: registers in memory`);
  }
});

test.run();
