/** What synchronous training on many ranks costs: a model of latency, bandwidth, bytes and the time of a step. */

export interface Network {
  /** Milliseconds of a message without content. */
  readonly latency: number;
  /** Bytes that a rank sends and receives in a millisecond. */
  readonly bandwidth: number;
}

export interface Step {
  /** Milliseconds that a rank computes. */
  readonly ms: number;
  /** Bytes of all gradients. */
  readonly bytes: number;
  /** Milliseconds in which gradients go from the device to the host and back. */
  readonly turn: number;
}

/** Of a step the share in which gradients are computed, the backward pass: what travels in it is hidden. */
const BACKWARD = 2 / 3;
/** Gradients of more bytes leave in buckets while the rest is computed (see gradient-mean.ts). */
const BUCKETS = 10 * 2 ** 20;

/**
 * Milliseconds of a mean over `ranks`: a ring sends 2 (p − 1) / p of the bytes (Patarasuk & Yuan 2009), and the messages that wait for each
 * other are at least 2 log₂ p.
 */
const meanTime = (ranks: number, bytes: number, { latency, bandwidth }: Network): number =>
  ranks === 1 ? 0 : 2 * Math.log2(ranks) * latency + ((2 * (ranks - 1)) / ranks) * (bytes / bandwidth);

/** The network in which means over `ranks` took these milliseconds: of few bytes and of many. */
export function networkOf(ranks: number, few: { bytes: number; ms: number }, many: { bytes: number; ms: number }): Network {
  const share = (2 * (ranks - 1)) / ranks;
  const bandwidth = (share * (many.bytes - few.bytes)) / Math.max(1e-6, many.ms - few.ms);
  const latency = Math.max(0, few.ms - (share * few.bytes) / bandwidth) / (2 * Math.log2(ranks));
  return { latency, bandwidth };
}

/** The share of `ranks` times the speed of one rank that ranks reach, each with a batch as large as that one's. */
export function efficiency(ranks: number, { ms, bytes, turn }: Step, network: Network): number {
  if (ranks === 1) return 1;
  const hidden = bytes > BUCKETS ? BACKWARD * ms : 0;
  const waits = turn + Math.max(0, meanTime(ranks, bytes, network) - hidden);
  return ms / (ms + waits);
}
