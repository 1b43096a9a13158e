import type { ErrorCode } from '../../core/error-codes.ts';
import { IdraError } from '../../core/errors.ts';

/** Refused for now; the time is in the header Retry-After. */
export class RetryLater extends IdraError {
  readonly seconds: number;
  constructor(code: ErrorCode, message: string, seconds: number) {
    super({ code, disposition: 'transient', message, fix: `wait ${seconds} s` });
    this.seconds = seconds;
  }
}
