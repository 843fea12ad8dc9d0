/** What float32 keeps of numbers: of large ones that lie close together, as seconds since 1970 do, it is too little. */

/** Error of float32 beside the standard deviation of numbers from which on it is told. */
const COARSE = 1e-3;
/** Beside the size of numbers a deviation that is rounding in float64: of those that do not vary. */
const ROUNDING = 1e-12;

/** Numbers of one kind, as of a column, one after another. */
export class Numbers {
  #n = 0;
  #mean = 0;
  /** Sums of squared deviations from the mean (Welford 1962), and of squared errors of float32. */
  #squares = 0;
  #errors = 0;
  #low = Infinity;
  #high = -Infinity;

  add(v: number): void {
    const off = v - this.#mean;
    this.#mean += off / ++this.#n;
    this.#squares += off * (v - this.#mean);
    this.#errors += (v - Math.fround(v)) ** 2;
    this.#low = Math.min(this.#low, v);
    this.#high = Math.max(this.#high, v);
  }

  /** A line where float32 keeps too little of them; `who` names them. */
  note(who: string): string[] {
    const [low, high] = [this.#low, this.#high];
    const isFine = this.#errors <= COARSE ** 2 * this.#squares || Math.sqrt(this.#squares / this.#n) <= ROUNDING * Math.abs(this.#mean);
    if (isFine) return [];
    const step = 2 ** (Math.floor(Math.log2(Math.max(-low, high))) - 23);
    return [`${who} is of ${low} to ${high}, which float32 holds in steps of ${step}; take ${low} off its numbers`];
  }
}
