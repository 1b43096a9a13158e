/** What is taken out of the source as a test build loads it, and who must notice. */
export interface Guard {
  readonly name: string;
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
  /** Of the model's first run: a little before one that notices, lest all before it are run, too. Any other is right, and slower. */
  readonly seed?: number;
  /** The model, or a test file, with a pattern for the names of its tests. */
  readonly caughtBy: 'model' | { readonly test: string; readonly only?: string };
}
