export interface ErrorEntry {
  /** One sentence. */
  readonly cause: string;
  /** What to do; "Nothing" if Idra continues without help. */
  readonly remedy: string;
  /** Omitted: all systems. */
  readonly systems?: readonly string[];
}

/** The codes of one subject, in alphabetical order. */
export type ErrorEntries = Readonly<Record<string, ErrorEntry>>;
