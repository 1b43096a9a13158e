/** Rows between two positions of a source. */
export interface RowCount {
  readonly rows: number;
  /** atLeast: it stopped counting there. atMost: positions without a row are counted with them. */
  readonly precision: 'exact' | 'atLeast' | 'atMost';
}
