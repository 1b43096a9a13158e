import { visibleText } from '../../core/bounded-text.ts';
import { formatSeconds, type SyncStatus } from '../../core/status.ts';
import { qualifiedName, type Sync } from '../../core/sync-spec.ts';

/** Progress output: one live line per sync on a terminal, otherwise one line for each change; NDJSON on request. */
export interface Progress {
  update(sync: Sync, status: SyncStatus): void;
  /** Prints other messages above the live lines. Undefined: there are no live lines, so they may be written directly. */
  readonly print?: (text: string) => void;
  /** No more output follows; the last state stays on the screen. */
  end(): void;
}

export type ProgressKind = 'auto' | 'json' | 'none';

export interface Screen {
  readonly isTerminal: boolean;
  readonly columns: number;
  /** Control characters in the text are made visible. */
  write(text: string): void;
  /** May contain escapes that move the cursor; the caller has made the text between them visible. Undefined: as `write`. */
  draw?(text: string): void;
}

export function makeProgress(kind: ProgressKind, screen: Screen): Progress {
  if (kind === 'none') return { update() {}, end() {} };
  if (kind === 'json') return jsonProgress(screen);
  return screen.isTerminal ? liveProgress(screen) : lineProgress(screen);
}

const redrawMs = 100;

function drawOn(screen: Screen, text: string): void {
  if (screen.draw) screen.draw(text);
  else screen.write(text);
}

function oneLine(text: string): string {
  return visibleText(text).replaceAll(/[\n\t]/g, ' ');
}

function liveProgress(screen: Screen): Progress {
  const lines = new Map<string, string>();
  let drawn = 0;
  const draw = () => {
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    const text = [...lines.values()]
      .map((line) => `\u001b[2K${oneLine(line).slice(0, screen.columns - 1)}\n`)
      .join('');
    drawOn(screen, up + text);
    drawn = lines.size;
  };
  const timer = setInterval(draw, redrawMs);
  timer.unref();
  return {
    update(sync, status) {
      lines.set(sync.uid, progressLine(sync, status));
    },
    print(text) {
      drawOn(screen, `${drawn > 0 ? `\u001b[${drawn}A\u001b[J` : ''}${visibleText(text)}`);
      drawn = 0;
      draw();
    },
    end() {
      clearInterval(timer);
      draw();
    },
  };
}

const quietMs = 10_000;

/**
 * Without a terminal: a sync prints the same state at most every ten seconds, so that one with a pass per second does not fill the log.
 */
function lineProgress(screen: Screen): Progress {
  const toldMs = new Map<string, number>();
  const lastKey = new Map<string, string>();
  return {
    update(sync, status) {
      const key = `${sync.uid} ${status.state} ${status.reason}`;
      const isSame = lastKey.get(sync.uid) === key;
      lastKey.set(sync.uid, key);
      if (isSame && status.state !== 'Running') return;
      const nowMs = performance.now();
      if (nowMs - (toldMs.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return;
      toldMs.set(key, nowMs);
      screen.write(`${progressLine(sync, status)}\n`);
    },
    end() {},
  };
}

function jsonProgress(screen: Screen): Progress {
  const last = new Map<string, object>();
  const event = (sync: Sync, status: SyncStatus) => ({ sync: qualifiedName(sync), ...status });
  return {
    update(sync, status) {
      last.set(sync.uid, event(sync, status));
      screen.write(`${JSON.stringify({ event: 'progress', ...event(sync, status) })}\n`);
    },
    end() {
      screen.write(`${JSON.stringify({ event: 'end', syncs: [...last.values()] })}\n`);
    },
  };
}

export function progressLine(sync: Sync, status: SyncStatus): string {
  const parts = [
    sync.name.padEnd(20),
    status.state.padEnd(10),
    `${status.rows.written.toLocaleString('en-US')} ${status.rows.written === 1 ? 'row' : 'rows'}`,
    status.rowsPerSecond ? `${status.rowsPerSecond.toLocaleString('en-US')}/s` : '',
    status.lagSeconds ? `lag ${formatSeconds(status.lagSeconds)}` : '',
    status.state === 'Running' ? (status.offsetText ?? '') : status.message,
  ];
  return parts.filter((part) => part !== '').join('  ');
}
