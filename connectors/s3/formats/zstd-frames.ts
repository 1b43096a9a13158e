const frameMagic = 0xfd2fb528;
const [skippableMagic, skippableMask] = [0x184d2a50, 0xfffffff0];
const runLengthBlock = 1;

/** What is looked at next: so many bytes, which may be in several chunks. */
interface Part {
  readonly bytes: number;
  /** What follows it; undefined: nothing more is looked at. */
  readonly next: (part: Buffer) => Step | undefined;
}

/** Bytes that are passed over before the part; `isFrameEnd`: a frame ends behind them. */
interface Step {
  readonly passed: number;
  readonly isFrameEnd: boolean;
  readonly part: Part;
}

/**
 * The same bytes, with a chunk of its own for the rest of each frame: Node's decoder ends silently with a frame that ends within a chunk, and
 * goes on with the next frame where the next chunk begins with it (RFC 8878). What is no frame is left to the decoder.
 */
export async function* zstdFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let step: Step | undefined = { passed: 0, isFrameEnd: false, part: magic };
  let passed = 0;
  let kept: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let [from, at] = [0, 0];
    while (step) {
      const moved: number = Math.min(step.passed - passed, chunk.length - at);
      at += moved;
      passed += moved;
      if (passed < step.passed) break;
      if (step.isFrameEnd && kept.length === 0 && at > from) {
        yield chunk.subarray(from, at);
        from = at;
      }
      const taken = chunk.subarray(at, at + step.part.bytes - kept.length);
      kept = Buffer.concat([kept, taken]);
      at += taken.length;
      if (kept.length < step.part.bytes) break;
      step = step.part.next(kept);
      passed = 0;
      kept = Buffer.alloc(0);
    }
    if (from < chunk.length) yield chunk.subarray(from);
  }
}

const behind = (passed: number, part: Part): Step => ({ passed, isFrameEnd: false, part });
const frameEnd = (passed: number): Step => ({ passed, isFrameEnd: true, part: magic });

const magic: Part = {
  bytes: 4,
  next(part) {
    const number = part.readUInt32LE();
    if (number === frameMagic) return behind(0, descriptor);
    return (number & skippableMask) >>> 0 === skippableMagic ? behind(0, skippableSize) : undefined;
  },
};

const skippableSize: Part = { bytes: 4, next: (part) => frameEnd(part.readUInt32LE()) };

const descriptor: Part = {
  bytes: 1,
  next(part) {
    const flags = part.readUInt8();
    const isSingle = (flags & 0x20) !== 0;
    const contentSize = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
    const dictionaryId = [0, 1, 2, 4][flags & 3] ?? 0;
    const checksum = (flags & 4) === 0 ? 0 : 4;
    return behind((isSingle ? 0 : 1) + dictionaryId + contentSize, blockOf(checksum));
  },
};

function blockOf(checksum: number): Part {
  const block: Part = {
    bytes: 3,
    next(part) {
      const header = part.readUIntLE(0, 3);
      const size = ((header >> 1) & 3) === runLengthBlock ? 1 : header >> 3;
      return (header & 1) === 1 ? frameEnd(size + checksum) : behind(size, block);
    },
  };
  return block;
}
