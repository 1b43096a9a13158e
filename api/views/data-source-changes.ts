import type { FleetView } from '../../fleet/view/contract.ts';

/** Counts changes of the list of DataSources, slots included, so that a page knows when to read it again. */
export class DataSourceChanges {
  #count = 0;
  readonly #unlisten: () => void;

  constructor(view: FleetView) {
    this.#unlisten = view.onChange(({ kind }) => {
      if (kind === 'dataSource' || kind === 'locks') this.#count += 1;
    });
  }

  get count(): number {
    return this.#count;
  }

  close(): void {
    this.#unlisten();
  }
}
