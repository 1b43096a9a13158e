import { type IdraError, permanent } from '../../../core/errors.ts';
import type { PagePosition } from './paging.ts';

/** Finds a circle of positions with the memory of one: the position that is remembered moves on at each power of two (Brent). */
export class LoopCheck {
  readonly #where: string;
  #remembered: string | undefined;
  #steps = 0;
  #limit = 1;

  constructor(where: string) {
    this.#where = where;
  }

  require(position: PagePosition): void {
    const text = JSON.stringify(position);
    if (text === this.#remembered) throw pageRepeated(this.#where, 'leads from page to page in a circle');
    this.#steps += 1;
    if (this.#steps < this.#limit) return;
    this.#remembered = text;
    this.#steps = 0;
    this.#limit *= 2;
  }
}

export function pageRepeated(where: string, what: string): IdraError {
  return permanent('PageRepeated', `${where}: the API ${what}`, {
    path: 'spec.source.paging',
    fix: 'correct source.paging by the documentation of the API: most often it does not know the parameter',
  });
}
