import type { Step } from '../../../core/records/path.ts';

/** The answer is not JSON, or too large. `isCut`: it ends before its value does. */
export class AnswerError extends Error {
  readonly isCut: boolean;
  readonly isTooLarge: boolean;

  constructor(what: string, { isCut = false, isTooLarge = false } = {}) {
    super(what);
    this.name = 'AnswerError';
    this.isCut = isCut;
    this.isTooLarge = isTooLarge;
  }
}

/** What may be kept of an answer: one item, and everything around the items. */
const maxItemBytes = 64 * 1_024 ** 2;
const maxEnvelopeBytes = 4 * 1_024 ** 2;

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** An object or array that is open, and where in it the scanner is. */
interface Frame {
  readonly isArray: boolean;
  /** Name of the field, or index of the element. */
  step: Step;
  /** The next string is the name of a field. */
  isAtName: boolean;
}

/**
 * Cuts the items out of an answer while it arrives: the elements of the array at a path, each as its bytes. What is around them, the
 * envelope, is kept, with an empty array in their place. So the memory for an answer is that of one item, whatever its size. The JSON of
 * items and envelope is validated by whoever parses them.
 */
export class JsonItems {
  readonly #path: readonly Step[];
  readonly #frames: Frame[] = [];
  readonly #envelope: Buffer[] = [];
  #envelopeBytes = 0;
  /** Bytes of the item, or of the field name, that began in an earlier chunk. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #mode: 'around' | 'between' | 'item' | 'after' = 'around';
  #isInString = false;
  #isEscaped = false;
  /** Objects and arrays that are open within the item; a scalar item ends where a comma, a bracket or space begins. */
  #depth = 0;
  #isScalar = false;
  #nameStart = -1;
  #hasItems = false;
  #hasFound = false;

  constructor(path: readonly Step[]) {
    this.#path = path;
  }

  /** There was an array at the path. */
  get hasFound(): boolean {
    return this.#hasFound;
  }

  /** The items that end in this chunk. Throws AnswerError. */
  feed(chunk: Buffer): readonly Buffer[] {
    const items: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#mode === 'item') at = this.#readItem(chunk, at, items);
      else if (this.#mode === 'around') at = this.#readAround(chunk, at);
      else at = this.#readBetween(chunk, at);
    }
    return items;
  }

  /** The envelope, when the whole answer has been fed. Throws AnswerError if it is not complete. */
  end(): Buffer {
    if (this.#frames.length > 0 || this.#mode !== 'around' || this.#isInString)
      throw new AnswerError('the answer ends in the middle', { isCut: true });
    return Buffer.concat(this.#envelope);
  }

  /** Copies to the envelope up to the array of the items. Returns where to continue. */
  #readAround(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#isInString) {
        if (this.#endsString(byte)) this.#endName(chunk, at);
        continue;
      }
      if (byte === openBracket && this.#isAtPath()) {
        if (this.#hasFound) throw new AnswerError('the answer has the items twice');
        this.#hasFound = true;
        this.#keepEnvelope(chunk.subarray(start, at + 1));
        this.#frames.push({ isArray: true, step: 0, isAtName: false });
        this.#mode = 'between';
        this.#hasItems = false;
        return at + 1;
      }
      this.#structure(byte, at);
    }
    if (this.#nameStart >= 0) {
      this.#keep(chunk.subarray(this.#nameStart));
      this.#nameStart = 0;
    }
    this.#keepEnvelope(chunk.subarray(start));
    return chunk.length;
  }

  #structure(byte: number, at: number): void {
    const frame = this.#frames.at(-1);
    switch (byte) {
      case quote:
        this.#isInString = true;
        if (frame?.isAtName && this.#frames.length <= this.#path.length) this.#nameStart = at;
        return;
      case openBrace:
      case openBracket:
        this.#frames.push({ isArray: byte === openBracket, step: 0, isAtName: byte === openBrace });
        return;
      case closeBrace:
      case closeBracket:
        if (frame === undefined || frame.isArray !== (byte === closeBracket))
          throw new AnswerError('a bracket closes nothing');
        this.#frames.pop();
        return;
      case colon:
        if (frame) frame.isAtName = false;
        return;
      case comma:
        if (!frame) return;
        if (frame.isArray) frame.step = Number(frame.step) + 1;
        else frame.isAtName = true;
        return;
      default:
    }
  }

  #endName(chunk: Buffer, at: number): void {
    if (this.#nameStart < 0) return;
    this.#keep(chunk.subarray(this.#nameStart, at + 1));
    this.#nameStart = -1;
    const frame = this.#frames.at(-1);
    if (frame) frame.step = nameOf(this.#takeKept());
  }

  #isAtPath(): boolean {
    if (this.#frames.length !== this.#path.length) return false;
    return this.#frames.every(({ step, isAtName }, index) => !isAtName && step === this.#path[index]);
  }

  /** Before an item, or behind it. */
  #readBetween(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (isSpace(byte)) continue;
      if (byte === closeBracket && (this.#mode === 'after' || !this.#hasItems)) {
        this.#mode = 'around';
        return at;
      }
      if (this.#mode === 'after') {
        if (byte !== comma) throw new AnswerError('no comma between two items');
        this.#mode = 'between';
        continue;
      }
      if (byte === comma || byte === closeBracket) throw new AnswerError('a comma without an item');
      this.#mode = 'item';
      this.#hasItems = true;
      this.#depth = 0;
      this.#isScalar = byte !== openBrace && byte !== openBracket && byte !== quote;
      return at;
    }
    return chunk.length;
  }

  #readItem(chunk: Buffer, start: number, items: Buffer[]): number {
    if (this.#isScalar) return this.#readScalar(chunk, start, items);
    // Local, because this loop sees every byte of an answer.
    let [depth, isInString] = [this.#depth, this.#isInString];
    let at = this.#isEscaped ? start + 1 : start;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (isInString) {
        if (byte === backslash) at += 1;
        else if (byte === quote) isInString = false;
        else continue;
      } else if (byte === quote) isInString = true;
      else if (byte === openBrace || byte === openBracket) depth += 1;
      else if (byte === closeBrace || byte === closeBracket) depth -= 1;
      else continue;
      if (depth === 0 && !isInString) break;
    }
    this.#isInString = isInString && at >= chunk.length;
    this.#isEscaped = at > chunk.length;
    this.#depth = depth;
    if (at < chunk.length) return this.#endItem(chunk, start, at + 1, items);
    this.#keep(chunk.subarray(start));
    return chunk.length;
  }

  /** A number or a word ends where something else begins. */
  #readScalar(chunk: Buffer, start: number, items: Buffer[]): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte === comma || byte === closeBracket || isSpace(byte))
        return this.#endItem(chunk, start, at, items);
    }
    this.#keep(chunk.subarray(start));
    return chunk.length;
  }

  #endItem(chunk: Buffer, start: number, end: number, items: Buffer[]): number {
    this.#keep(chunk.subarray(start, end));
    items.push(this.#takeKept());
    this.#mode = 'after';
    return end;
  }

  #endsString(byte: number): boolean {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#isInString = false;
    return !this.#isInString;
  }

  #keep(bytes: Buffer): void {
    this.#keptBytes += bytes.length;
    if (this.#keptBytes > maxItemBytes) throw new AnswerError('an item is too large', { isTooLarge: true });
    this.#kept.push(bytes);
  }

  #takeKept(): Buffer {
    const [first] = this.#kept;
    const bytes = this.#kept.length === 1 && first ? first : Buffer.concat(this.#kept);
    this.#kept = [];
    this.#keptBytes = 0;
    return bytes;
  }

  #keepEnvelope(bytes: Buffer): void {
    this.#envelopeBytes += bytes.length;
    if (this.#envelopeBytes > maxEnvelopeBytes)
      throw new AnswerError('the answer has too much around its items', { isTooLarge: true });
    // A copy: a small part would keep the whole chunk.
    if (bytes.length > 0) this.#envelope.push(Buffer.from(bytes));
  }
}

function nameOf(json: Buffer): string {
  try {
    return String(JSON.parse(json.toString('utf8')));
  } catch {
    throw new AnswerError('the name of a field is not valid');
  }
}
