/** Why a value does not fit its column, without the value: `has more than 3 digits of a second`. Completes `column at ...`. */
export class Misfit {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}
