/** A piece of source that is removed when a test build loads it, and the test that must detect this. */
export interface Guard {
  readonly name: string;
  readonly file: string;
  /** Must occur exactly once. */
  readonly from: string;
  readonly to: string;
  /**
   * Seed of the model's first run: slightly before one that detects the removal, so that not all earlier ones are run. Any other seed
   * works but is slower.
   */
  readonly seed?: number;
  /** The model, or a test file with a pattern for the names of its tests. */
  readonly caughtBy: 'model' | { readonly test: string; readonly only?: string };
}
